"""Receiving one ebMS message: stream, decide, commit, and only then answer (ADR 11).

    arrival ──▶ parts (flows/spool.py) ──▶ envelope ──▶ CPA ──▶ decide (pure) ──▶ one transaction ──▶ answer

The decision is the core's (`ebms.receive.decide`); what each decision makes durable stands in the functions
`_accept` to `_ignore` below. An error before the commit leaves nothing behind and reaches the sender as a fault, so
that it sends again.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from digikoppelaar.ebms import answers, names
from digikoppelaar.ebms.agreement import Signing
from digikoppelaar.ebms.decisions import (
    Accept,
    Acknowledged,
    Caller,
    Decision,
    Failed,
    Ignore,
    OurMessage,
    Pinged,
    Ponged,
    Refuse,
    Reject,
    Repeat,
    Seen,
)
from digikoppelaar.ebms.envelope import read_envelope
from digikoppelaar.ebms.faults import soap_fault
from digikoppelaar.ebms.messages import Envelope, ReceivedEnvelope
from digikoppelaar.ebms.packaging import package, read_package
from digikoppelaar.ebms.receive import decide, fingerprint, referred_message_id, unknown_cpa
from digikoppelaar.ebms.reliability import Event
from digikoppelaar.ebms.signature import required_digests, signed_references
from digikoppelaar.errors import EnvelopeError, PartnerError
from digikoppelaar.flows.outbound import domain_of, to_send
from digikoppelaar.flows.ports import (
    Aansluiting,
    BlobStore,
    Clock,
    CpaRecord,
    Ids,
    MessageStore,
    NewInbound,
    NewNotification,
    NewOutbound,
    Recorded,
    Registry,
    SeenInbound,
    Signer,
    Signers,
    StoredPayload,
)
from digikoppelaar.flows.spool import Spool, Spooled, SpoolLimits
from digikoppelaar.stam.notification import LIMIT, read_notification

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Arrival:
    """One HTTP POST on an ebMS endpoint, its body not read yet.

    `omgeving` is the listener's; `oin` is subject.serialNumber of the client certificate that was verified against
    the trust anchors of that omgeving, None on a plain-http listener of the sandbox; `address` is for the log only.
    """

    omgeving: str
    oin: str | None
    address: str
    content_type: str
    soap_action: str | None
    body: AsyncIterator[bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back in the HTTP response."""

    status: int
    content_type: str | None = None
    body: bytes = b""


RECEIVED = Answer(204)
"""Taken in durably; an acknowledgment or error follows as a message of its own (2.12)."""


@dataclass(frozen=True, slots=True)
class Received:
    """Everything known about an arrival once it was read whole."""

    arrival: Arrival
    spooled: Spooled
    envelope: ReceivedEnvelope
    cpa: CpaRecord
    seen: SeenInbound | None
    now: datetime

    @property
    def said(self) -> Envelope:
        """What the envelope says."""
        return self.envelope.envelope


@dataclass(frozen=True, slots=True)
class Receiver:
    """Receives messages with these parts; `wake` tells the sender in this process that something is due."""

    registry: Registry
    messages: MessageStore
    blobs: BlobStore
    signers: Signers
    ids: Ids
    clock: Clock
    wake: Callable[[], None] = lambda: None
    limits: SpoolLimits = field(default_factory=SpoolLimits)

    async def receive(self, arrival: Arrival) -> Answer:
        """Take in one message and say what to answer.

        Raises a DigikoppelaarError, whose `wire` is the answer, when nothing was taken in.
        """
        _check_soap_action(arrival.soap_action)
        async with Spool(self.blobs, self.ids.unique, arrival.omgeving, self.limits) as spool:
            spooled = await spool.read(arrival.content_type, arrival.body)
            envelope = read_envelope(spooled.soap, content_type=spooled.soap_type)
            await spool.add_digests(required_digests(envelope))
            return await self._take(arrival, envelope, spool)

    async def _take(self, arrival: Arrival, envelope: ReceivedEnvelope, spool: Spool) -> Answer:
        header = envelope.envelope.header
        cpa = await self.registry.cpa(arrival.omgeving, header.cpa_id)
        if cpa is None:
            return _refused(arrival, unknown_cpa(header.cpa_id))
        seen = await self.messages.find_inbound(cpa, header.message_id)
        received = Received(arrival, spool.spooled, envelope, cpa, seen, self.clock.now())
        decision = await self._decide(received)
        log.info("message_decided", decision=type(decision).__name__, **_ids(received))
        return await self._carry_out(decision, received, spool)

    async def _decide(self, received: Received) -> Decision:
        arrival, cpa = received.arrival, received.cpa
        acts_for = await self.registry.acts_for(arrival.omgeving, arrival.oin) if arrival.oin else frozenset[str]()
        return decide(
            received.envelope,
            received.spooled.parts,
            cpa.agreement,
            Caller(arrival.oin, acts_for),
            seen=Seen(received.seen.fingerprint) if received.seen else None,
            our_message=await self._our_message(cpa, received.said),
            now=received.now,
        )

    async def _our_message(self, cpa: CpaRecord, said: Envelope) -> OurMessage | None:
        message_id = referred_message_id(said)
        sent = await self.messages.find_outbound(cpa, message_id) if message_id else None
        if sent is None:
            return None
        document, _ = read_package(sent.content_type, sent.body)
        return OurMessage(read_envelope(document).envelope, signed_references(document))

    async def _carry_out(self, decision: Decision, received: Received, spool: Spool) -> Answer:
        match decision:
            case Accept():
                return await self._accept(decision, received, spool)
            case Reject():
                return await self._reject(decision, received)
            case Repeat():
                return await self._repeat(received)
            case Pinged():
                return await self._pinged(received)
            case Acknowledged(message_id):
                return await self._settle(received, message_id, Event.ACKNOWLEDGED, "")
            case Ponged(message_id):
                return await self._settle(received, message_id, Event.ACKNOWLEDGED, "Pong")
            case Failed(message_id, errors):
                reason = "; ".join(f"{error.code} {error.location or ''}".strip() for error in errors)
                return await self._settle(received, message_id, Event.ERROR_RECEIVED, reason)
            case Ignore(reason):
                log.info("message_ignored", reason=reason, **_ids(received))
                return RECEIVED
            case Refuse():
                return _refused(received.arrival, decision)
            case _:
                return RECEIVED

    async def _accept(self, decision: Accept, received: Received, spool: Spool) -> Answer:
        answer = self._acknowledgment(decision, received) if decision.acknowledge else None
        payloads = tuple(received.spooled.stored[content_id] for content_id in decision.payloads)
        notification = await self._notification(decision, spool)
        inbound = _inbound(received, payloads=payloads)
        spool.keep(decision.payloads)
        stored = await self.messages.record_inbound(inbound, answer, notification)
        if not stored:
            spool.give_up(decision.payloads)
        return await self._recorded(stored, received)

    async def _recorded(self, stored: Recorded | None, received: Received) -> Answer:
        if not stored:
            return await self._lost_the_race(received)
        self.wake()
        return RECEIVED

    async def _lost_the_race(self, received: Received) -> Answer:
        """The same MessageId was committed by another worker since we looked: now it is a duplicate, or a clash."""
        seen = await self.messages.find_inbound(received.cpa, received.said.header.message_id)
        if seen is not None and seen.fingerprint == _fingerprint(received):
            return await self._repeat_answer(seen, received)
        raise EnvelopeError("another message has the same MessageId")

    async def _notification(self, decision: Accept, spool: Spool) -> NewNotification:
        # An unreadable notification is still acknowledged and kept: the message is good, a person must look at it.
        try:
            first = await spool.content(decision.payloads[0], LIMIT + 1) if decision.payloads else b""
            return NewNotification(read_notification(first).verzoeknummer)
        except PartnerError as error:
            return NewNotification("", problem=str(error))

    async def _reject(self, decision: Reject, received: Received) -> Answer:
        error = decision.error
        envelope = answers.message_error(
            received.said,
            received.cpa.agreement,
            (error,),
            message_id=self._new_message_id(received.cpa),
            now=received.now,
        )
        log.warning("message_rejected", code=error.code, location=error.location, **_ids(received))
        inbound = _inbound(received, error_code=error.code, error_reason=error.description)
        stored = await self.messages.record_inbound(inbound, self._outbound(envelope, received), None)
        return await self._recorded(stored, received)

    async def _repeat(self, received: Received) -> Answer:
        assert received.seen is not None, "the core repeats only what was seen"
        return await self._repeat_answer(received.seen, received)

    async def _repeat_answer(self, seen: SeenInbound, received: Received) -> Answer:
        if seen.answer_id is not None:
            await self.messages.repeat_answer(seen.answer_id, received.now)
            self.wake()
        return RECEIVED

    async def _pinged(self, received: Received) -> Answer:
        pong = answers.pong(
            received.said, received.cpa.agreement, message_id=self._new_message_id(received.cpa), now=received.now
        )
        stored = await self.messages.record_inbound(_inbound(received), self._outbound(pong, received), None)
        return await self._recorded(stored, received)

    async def _settle(self, received: Received, message_id: str, event: Event, reason: str) -> Answer:
        state = await self.messages.settle_by_signal(_inbound(received), message_id, event, reason, received.now)
        log.info("message_settled", settled=message_id, state=state, **_ids(received))
        return RECEIVED

    def _acknowledgment(self, decision: Accept, received: Received) -> NewOutbound:
        envelope = answers.acknowledgment(
            received.said,
            received.cpa.agreement,
            message_id=self._new_message_id(received.cpa),
            now=received.now,
            references=decision.references if decision.sign_acknowledgment else (),
        )
        return self._outbound(envelope, received, signed=decision.sign_acknowledgment)

    def _outbound(self, envelope: Envelope, received: Received, *, signed: bool = False) -> NewOutbound:
        cpa = received.cpa
        aansluiting = cpa.aansluiting
        signing = cpa.agreement.our_signals.signing if signed else None
        signer = self._signer(aansluiting, signing) if signing else None
        packaged = package(
            envelope,
            signing=signing,
            sign=signer.sign if signer else None,
            boundary=envelope.header.message_id,
            soap_content_id=envelope.header.message_id,
        )
        return to_send(cpa, envelope, packaged, received.now)

    def _signer(self, aansluiting: Aansluiting, signing: Signing) -> Signer:
        return self.signers.signer(aansluiting.omgeving, aansluiting.partij_oin, signing.certificate)

    def _new_message_id(self, cpa: CpaRecord) -> str:
        return self.ids.message_id(domain_of(cpa))


def _check_soap_action(value: str | None) -> None:
    if value is None or value.strip('"') != names.SOAP_ACTION.strip('"'):  # lenient on missing quotes (2.12)
        raise EnvelopeError('the HTTP header SOAPAction must be "ebXML"')


def _fingerprint(received: Received) -> bytes:
    return fingerprint(received.envelope.document, received.spooled.parts)


def _inbound(
    received: Received,
    *,
    payloads: tuple[StoredPayload, ...] = (),
    error_code: str | None = None,
    error_reason: str | None = None,
) -> NewInbound:
    header = received.said.header
    return NewInbound(
        cpa=received.cpa,
        message_id=header.message_id,
        conversation_id=header.conversation_id,
        ref_to_message_id=header.ref_to_message_id,
        service=header.service.value,
        action=header.action,
        timestamp=header.timestamp,
        received_at=received.now,
        fingerprint=_fingerprint(received),
        content_type=received.arrival.content_type,
        document=received.envelope.document,
        payloads=payloads,
        error_code=error_code,
        error_reason=error_reason,
    )


def _ids(received: Received) -> dict[str, str]:
    """What a log line may say of a message: identifiers only."""
    return {
        "message_id": received.said.header.message_id,
        "cpa_id": received.cpa.agreement.cpa_id,
        "omgeving": received.arrival.omgeving,
    }


def _refused(arrival: Arrival, refuse: Refuse) -> Answer:
    log.warning("message_refused", reason=refuse.reason, omgeving=arrival.omgeving, address=arrival.address)
    body = soap_fault(refuse.wire.soap_fault or "Client", refuse.reason)
    return Answer(refuse.wire.http_status, "text/xml; charset=UTF-8", body)
