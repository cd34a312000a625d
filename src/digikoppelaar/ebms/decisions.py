"""What is asked and answered when one message came in: the values of `receive.decide`. No rules here."""

from dataclasses import dataclass

from digikoppelaar.ebms.agreement import Action
from digikoppelaar.ebms.messages import EbxmlError, Envelope, SignedReference, StatusResponse
from digikoppelaar.errors import Wire


@dataclass(frozen=True, slots=True)
class Caller:
    """Who holds the other end of the TLS connection.

    `oin` is subject.serialNumber of the verified client certificate; None when there is nobody to compare: on a plain
    http listener, which only policy lab has, and for an answer in the HTTP response of the partner's verified server.
    `acts_for` holds every OIN for which a machtiging of this OIN is on record in this omgeving (EB005). Its own OIN
    need not be in it.
    """

    oin: str | None
    acts_for: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Seen:
    """A message with this MessageId that was stored before. `fingerprint`: see `fingerprint`."""

    fingerprint: bytes
    rejected: bool = False
    """It got an error."""


@dataclass(frozen=True, slots=True)
class Accept:
    """A new business message: store it, hand it over, and acknowledge it when asked."""

    action: Action
    payloads: tuple[str, ...]
    """Content-IDs that the Manifest names, in its order; other parts are discarded (statement 14)."""
    acknowledge: bool
    sign_acknowledgment: bool
    references: tuple[SignedReference, ...]
    """What the sender signed, for a signed acknowledgment to copy; empty when none is asked."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """A duplicate: deliver nothing, send the very same answer again (statements 96-99)."""


@dataclass(frozen=True, slots=True)
class Again:
    """A best-effort message that came before: deliver it once more (7f, statement 104).

    When it asked for an acknowledgment, that is the very same one.
    """

    accept: Accept


@dataclass(frozen=True, slots=True)
class Reject:
    """Store it with this error, and send a MessageError."""

    error: EbxmlError


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer on the HTTP level and store nothing. `reason` is for the log and for the fault string."""

    wire: Wire
    reason: str


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """An acknowledgment that counts for our message `message_id`."""

    message_id: str


@dataclass(frozen=True, slots=True)
class Failed:
    """A MessageError about our message `message_id`; with severity Error its delivery ends."""

    message_id: str
    errors: tuple[EbxmlError, ...]


@dataclass(frozen=True, slots=True)
class Pinged:
    """A Ping: answer with a Pong."""


@dataclass(frozen=True, slots=True)
class Ponged:
    """The Pong to our Ping `message_id`."""

    message_id: str


@dataclass(frozen=True, slots=True)
class StatusAsked:
    """A StatusRequest about the message `message_id`: answer with `status.status_of` (2.8)."""

    message_id: str


@dataclass(frozen=True, slots=True)
class StatusTold:
    """The StatusResponse to our StatusRequest `message_id`; `response` names the message asked about."""

    message_id: str
    response: StatusResponse


@dataclass(frozen=True, slots=True)
class Ignore:
    """A signal that changes nothing (unknown, late, or not asked for): log `reason`, store nothing, send nothing."""

    reason: str


Decision = (
    Accept
    | Again
    | Repeat
    | Reject
    | Refuse
    | Acknowledged
    | Failed
    | Pinged
    | Ponged
    | StatusAsked
    | StatusTold
    | Ignore
)


@dataclass(frozen=True, slots=True)
class OurMessage:
    """A message of ours to which a received one refers: the envelope as sent and what was signed in it."""

    envelope: Envelope
    references: tuple[SignedReference, ...] = ()
