"""A notification from DSO-LV to a gemeente, and what is needed to judge it: the base that tests change."""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from tests.unit.ebms.cpas import DSO, GEMEENTE, cpa_document
from tests.unit.ebms.wire import Signatory, signatory

from digikoppelaar.ebms import answers, names
from digikoppelaar.ebms.agreement import Agreement, Channel, Characteristic
from digikoppelaar.ebms.cpa import read_agreement
from digikoppelaar.ebms.decisions import Caller, Decision, OurMessage, Seen
from digikoppelaar.ebms.envelope import read_envelope, write_envelope
from digikoppelaar.ebms.messages import Envelope, Part, ReceivedEnvelope
from digikoppelaar.ebms.receive import decide
from digikoppelaar.ebms.signature import sign

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
CID = "p1@dso"
PARTNER = Caller(DSO)
OURS = read_agreement(cpa_document().encode(), {GEMEENTE})
THEIRS = read_agreement(cpa_document().encode(), {DSO})


KEY = signatory()
_SIGNED_CPA = cpa_document(signed=True, ack_signed=True, certificate=KEY.certificate).encode()
SIGNED_OURS, SIGNED_THEIRS = read_agreement(_SIGNED_CPA, {GEMEENTE}), read_agreement(_SIGNED_CPA, {DSO})


def synchronous(agreement: Agreement) -> Agreement:
    """The same agreement with mshSignalsOnly everywhere."""
    return _with_channels(agreement, sync_reply_mode="mshSignalsOnly")


def best_effort(agreement: Agreement) -> Agreement:
    """The same agreement without acknowledgments and duplicate elimination (osb-be)."""
    never = Characteristic.NEVER
    return _with_channels(agreement, ack_requested=never, duplicate_elimination=never, reliable_messaging=None)


def _with_channels(agreement: Agreement, **changes: object) -> Agreement:
    def changed(channel: Channel) -> Channel:
        return replace(channel, **changes)  # type: ignore[arg-type]

    return replace(
        agreement,
        sends=tuple(replace(action, channel=changed(action.channel)) for action in agreement.sends),
        receives=tuple(replace(action, channel=changed(action.channel)) for action in agreement.receives),
        our_signals=changed(agreement.our_signals),
        their_signals=changed(agreement.their_signals),
    )


def payload(content: bytes = b"<verzoek/>", content_id: str = CID) -> Part:
    """A part as the receiver knows it after reading it whole."""
    return Part(content_id, "application/xml", len(content), {names.SHA256: hashlib.sha256(content).digest()})


def notification(agreement: Agreement = THEIRS, *, now: datetime = NOW, message_id: str = "m1@dso") -> Envelope:
    """What DSO-LV sends under `agreement`, its own view of the CPA."""
    [action] = agreement.sends
    return answers.business_message(
        agreement, action, message_id=message_id, conversation_id="c1", now=now, hrefs=[f"cid:{CID}"]
    )


def received(envelope: Envelope) -> ReceivedEnvelope:
    """`envelope` after a journey over the wire, unsigned."""
    return read_envelope(write_envelope(envelope))


def signed(envelope: Envelope, parts: tuple[Part, ...] = (payload(),), key: Signatory = KEY) -> ReceivedEnvelope:
    """`envelope` after a journey over the wire, signed over these parts."""
    return read_envelope(sign(write_envelope(envelope), parts, key.signing(), key.sign))


@dataclass(frozen=True)
class Arrival:
    """A message at the gemeente with everything that `decide` asks for; tests replace what they are about."""

    envelope: Envelope | ReceivedEnvelope = field(default_factory=notification)
    parts: tuple[Part, ...] = (payload(),)
    agreement: Agreement = OURS
    caller: Caller = PARTNER
    seen: Seen | None = None
    our_message: OurMessage | None = None
    now: datetime = NOW + timedelta(seconds=2)
    trust_problem: str | None = None
    in_response: bool = False

    def decided(self) -> Decision:
        """The decision on it."""
        return decide(
            self.envelope if isinstance(self.envelope, ReceivedEnvelope) else received(self.envelope),
            self.parts,
            self.agreement,
            self.caller,
            seen=self.seen,
            our_message=self.our_message,
            now=self.now,
            trust_problem=self.trust_problem,
            in_response=self.in_response,
        )
