"""What the core needs to know to decide on a message, found out at the edge: our own message, trust, the seen one.

The same for what comes in by POST (flows/receive.py) and for what stands in an HTTP response (flows/response.py).
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from digikoppelaar.ebms.decisions import Caller, Decision, OurMessage, Seen
from digikoppelaar.ebms.envelope import read_envelope
from digikoppelaar.ebms.messages import Envelope, Part, ReceivedEnvelope
from digikoppelaar.ebms.packaging import read_package
from digikoppelaar.ebms.receive import decide, fingerprint, referred_message_id, signing_of
from digikoppelaar.ebms.signature import signed_references
from digikoppelaar.flows.ports import CpaRecord, MessageStore, NewInbound, SeenInbound, StoredPayload, Trust

REMEMBERED: Final = 4096


class SentLately:
    """Messages that this process sent a moment ago, so that an acknowledgment that comes at once needs no look.

    Only a shorter way: what is not here is read from the store.
    """

    def __init__(self) -> None:
        self._sent: dict[tuple[int, str], tuple[Envelope, bytes]] = {}

    def remember(self, cpa: CpaRecord, envelope: Envelope, document: bytes) -> None:
        """To be called when the message is stored. The oldest is forgotten when there are too many."""
        if len(self._sent) >= REMEMBERED:
            del self._sent[next(iter(self._sent))]
        self._sent[cpa.id, envelope.header.message_id] = envelope, document

    def find(self, cpa: CpaRecord, message_id: str) -> OurMessage | None:
        """The message, once it was remembered; it is forgotten here when its signal settles it."""
        found = self._sent.get((cpa.id, message_id))
        return our_message(*found) if found else None

    def forget(self, cpa: CpaRecord, message_id: str) -> None:
        """Its signal came."""
        self._sent.pop((cpa.id, message_id), None)


def our_message(envelope: Envelope, document: bytes) -> OurMessage:
    """What a signal about it is held against; what we signed counts only when it asked for a signed receipt."""
    asked = envelope.ack_requested
    return OurMessage(envelope, signed_references(document) if asked is not None and asked.signed else ())


@dataclass(frozen=True, slots=True)
class Received:
    """Everything known about a message once it was read whole."""

    cpa: CpaRecord
    caller: Caller
    envelope: ReceivedEnvelope
    content_type: str
    now: datetime
    parts: tuple[Part, ...] = ()
    in_response: bool = False

    @property
    def said(self) -> Envelope:
        """What the envelope says."""
        return self.envelope.envelope

    @property
    def message_id(self) -> str:
        """Its name."""
        return self.said.header.message_id

    @property
    def ids(self) -> dict[str, str]:
        """What a log line may say of it: identifiers only."""
        cpa = self.cpa
        return {
            "message_id": self.message_id,
            "cpa_id": cpa.agreement.cpa_id,
            "omgeving": cpa.aansluiting.omgeving,
        }

    def inbound(
        self,
        *,
        payloads: tuple[StoredPayload, ...] = (),
        error_code: str | None = None,
        error_reason: str | None = None,
    ) -> NewInbound:
        """It as it is stored."""
        header = self.said.header
        return NewInbound(
            cpa=self.cpa,
            message_id=header.message_id,
            conversation_id=header.conversation_id,
            ref_to_message_id=header.ref_to_message_id,
            service=header.service.value,
            service_type=header.service.type,
            action=header.action,
            from_role=header.from_party.role,
            to_role=header.to_party.role,
            timestamp=header.timestamp,
            received_at=self.now,
            fingerprint=fingerprint(self.envelope.document, self.parts),
            content_type=self.content_type,
            document=self.envelope.document,
            payloads=payloads,
            error_code=error_code,
            error_reason=error_reason,
        )


@dataclass(frozen=True, slots=True)
class Judge:
    """Asks the core for a decision. `sent` is shared with the Submitter of this process, if there is one."""

    messages: MessageStore
    trust: Trust
    sent: SentLately = field(default_factory=SentLately)

    async def decide(self, received: Received, seen: SeenInbound | None = None) -> Decision:
        """The decision on a message; `seen` is the stored one with the same MessageId, once that is known."""
        cpa = received.cpa
        return decide(
            received.envelope,
            received.parts,
            cpa.agreement,
            received.caller,
            seen=Seen(seen.fingerprint, rejected=seen.error_code is not None) if seen else None,
            our_message=await self._our_message(received),
            trust_problem=await self._trust_problem(received),
            in_response=received.in_response,
            now=received.now,
        )

    async def _our_message(self, received: Received) -> OurMessage | None:
        """The message of ours that this one is about."""
        message_id = referred_message_id(received.said)
        if message_id is None:
            return None
        if lately := self.sent.find(received.cpa, message_id):
            return lately
        stored = await self.messages.find_outbound(received.cpa, message_id)
        if stored is None:
            return None
        document, _ = read_package(stored.content_type, stored.body)
        return our_message(read_envelope(document).envelope, document)

    async def _trust_problem(self, received: Received) -> str | None:
        signing = signing_of(received.envelope, received.cpa.agreement)
        if signing is None:
            return None
        omgeving, timestamp = received.cpa.aansluiting.omgeving, received.said.header.timestamp
        return await self.trust.problem(omgeving, signing.certificate, timestamp, received.now, chain=signing.chain)
