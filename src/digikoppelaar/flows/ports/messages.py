"""Inbound and outbound ebMS messages: what the store keeps of them, and the transport that posts them."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from digikoppelaar.ebms import names
from digikoppelaar.ebms.agreement import ReliableMessaging
from digikoppelaar.ebms.reliability import State
from digikoppelaar.ebms.status import Found
from digikoppelaar.flows.ports.connections import Consumer, CpaRecord
from digikoppelaar.flows.ports.verzoeken import NewNotification


@dataclass(frozen=True, slots=True)
class StoredPayload:
    """A payload of an inbound message: in its row (`data`) when it was small, else in the blob store (`blob`)."""

    content_id: str
    content_type: str
    size: int
    sha256: bytes
    data: bytes | None = field(default=None, repr=False)
    blob: str | None = None
    name: str | None = None
    """The file name that its sender gave it."""
    purged_at: datetime | None = None
    """From then on neither `data` nor `blob` holds it."""


@dataclass(frozen=True, slots=True)
class NewInbound:
    """A received message as it will be stored. `error_code` is set when it was rejected.

    Its application hears of it (`tells_application`) in the same transaction.
    """

    cpa: CpaRecord
    message_id: str
    conversation_id: str
    ref_to_message_id: str | None
    service: str
    action: str
    timestamp: datetime
    received_at: datetime
    fingerprint: bytes
    content_type: str
    document: bytes = field(repr=False)
    """The SOAP part, byte for byte."""
    payloads: tuple[StoredPayload, ...] = ()
    error_code: str | None = None
    error_reason: str | None = None
    service_type: str | None = None
    from_role: str | None = None
    to_role: str | None = None

    @property
    def tells_application(self) -> bool:
        """Whether the application gets a RECEIVED: not of a signal, a rejected message, or what our intake takes."""
        return self.error_code is None and _is_for_application(self.cpa, self.service)


@dataclass(frozen=True, slots=True)
class Hole:
    """Where the content of a blob, `size` bytes, goes into a body: before its byte `at`."""

    at: int
    blob: str
    size: int


@dataclass(frozen=True, slots=True)
class Streamed:
    """A body of `size` bytes that is not held in memory; `pieces` reads it from its start, each time anew."""

    size: int
    pieces: Callable[[], AsyncIterator[bytes]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewOutbound:
    """A message ready to send: `body`, with its holes filled, goes out as it is, every time (statement 66).

    `reliable` None: no acknowledgment is awaited and a 2xx settles it; a signal then gets the attempts of
    `transport_attempts`. `partner` is the key of the slots in the sender: the party id of the receiver.

    `state` is how it is born: CREATED waits until `due_at`; SENDING has its first attempt in the same transaction,
    which is the caller's to make until `due_at`; DELIVERED was given in an HTTP response (`due_at` None).
    """

    cpa: CpaRecord
    message_id: str
    conversation_id: str
    ref_to_message_id: str | None
    service: str
    action: str
    timestamp: datetime
    partner: str
    endpoint: str
    content_type: str
    body: bytes = field(repr=False)
    reliable: ReliableMessaging | None
    time_to_live: datetime | None
    due_at: datetime | None
    holes: tuple[Hole, ...] = ()
    synchronous: bool = False
    """The signal about it comes in the HTTP response."""
    state: State = State.CREATED
    announced: bool = True
    """The commit wakes the senders of every process: nobody is at it yet."""
    service_type: str | None = None
    submission: bytes | None = None
    """What tells whether a submission with the same MessageId is the same again; None of what nobody submitted."""

    @property
    def tells_application(self) -> bool:
        """Whether the application hears how it ended (DELIVERED, FAILED, EXPIRED): not of a signal."""
        return _is_for_application(self.cpa, self.service)


def _is_for_application(cpa: CpaRecord, service: str) -> bool:
    return cpa.consumer is not Consumer.INTAKE and service != names.MSH_SERVICE


@dataclass(frozen=True, slots=True)
class SeenInbound:
    """An inbound message that is already stored, with the id of its answer if it has one.

    `processed_at` is when its application said that it took it.
    """

    id: int
    fingerprint: bytes
    answer_id: int | None
    received_at: datetime
    error_code: str | None = None
    processed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """Ids of what was stored."""

    id: int
    answer_id: int | None = None


@dataclass(frozen=True, slots=True)
class SentMessage:
    """An outbound message of ours, as it was stored."""

    id: int
    message_id: str
    state: str
    body: bytes = field(repr=False)
    content_type: str = ""
    holes: tuple[Hole, ...] = ()
    submission: bytes | None = None
    purged_at: datetime | None = None
    """From then on `body` is its SOAP part alone."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """An outbound message of which attempt number `attempt` (from 1) was written down and may now be made."""

    id: int
    attempt: int
    message_id: str
    omgeving: str
    partij_oin: str
    partner: str
    endpoint: str
    content_type: str
    body: bytes = field(repr=False)
    reliable: ReliableMessaging | None = None
    time_to_live: datetime | None = None
    holes: tuple[Hole, ...] = ()
    synchronous: bool = False
    service: str = names.MSH_SERVICE
    cpa_id: str = ""


@dataclass(frozen=True, slots=True)
class PartnerSeen:
    """How reaching a partner goes, for people. `failures`: attempts in a row that found nobody."""

    partner: str
    failures: int
    last_success_at: datetime | None = None
    last_failure_at: datetime | None = None
    last_error: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """The HTTP response to a message we sent; `body` is bounded by the transport."""

    status: int
    content_type: str = ""
    body: bytes = field(default=b"", repr=False)


class MessageStore(Protocol):
    """Inbound and outbound ebMS messages."""

    async def find_inbound(self, cpa: CpaRecord, message_id: str) -> SeenInbound | None:
        """The message with this MessageId that came in before under this CPA."""

    async def find_outbound(self, cpa: CpaRecord, message_id: str) -> SentMessage | None:
        """Our message with this MessageId under this CPA."""

    async def record_inbound(
        self,
        inbound: NewInbound,
        answer: NewOutbound | None,
        job: NewNotification | None,
    ) -> Recorded | None:
        """Store raw bytes, row, answer and application job, or event for the application, together.

        None, and nothing stored, when the MessageId is already there: the unique key decides, not a look before.
        """

    async def deliver_again(self, seen: SeenInbound, inbound: NewInbound) -> None:
        """Tell the application once more of a best-effort message that is already stored; no new row (7f)."""

    async def status(self, cpa: CpaRecord, message_id: str) -> Found | None:
        """The inbound message with this MessageId under this CPA, else under another one of the same omgeving (2.8)."""

    async def repeat_answer(self, answer_id: int, now: datetime) -> None:
        """Make the answer due again as it is; counts as a fresh series of transport attempts."""

    async def answer(self, answer_id: int) -> Reply:
        """The answer as it was given before, for a message whose sender waits for it in the HTTP response."""

    async def queue_outbound(self, message: NewOutbound) -> int | None:
        """Store a message to send; the id of its row. A message that waits wakes the senders of every process.

        None, and nothing stored, when there is a message with this MessageId under this CPA already.
        """

    async def settle_by_signal(
        self, signal: NewInbound, message_id: str, event: str, reason: str, now: datetime
    ) -> str:
        """Store the signal and move our message `message_id` by `event` of the reliability table.

        Returns the state after it. A settled message keeps its state; the signal is stored all the same.
        """

    async def claim(self, now: datetime, lease: timedelta, busy: Mapping[str, int], slots: int) -> Sequence[Claimed]:
        """Due messages, at most `slots` less `busy[partner]` for each partner, oldest first.

        The attempt is written before it is returned. A lease that ran out makes a message due again.
        """

    async def end_overdue(self, now: datetime) -> None:
        """Move messages that are due but have no attempt or no time left to failed or expired."""

    async def settle_attempt(
        self,
        claimed: Claimed,
        event: str,
        now: datetime,
        *,
        status: int | None,
        detail: str,
    ) -> datetime | None:
        """Write how the attempt ended, and move the message by `event` unless something settled it meanwhile.

        Returns when this makes it due again, if it does.
        """

    async def next_due(self) -> datetime | None:
        """When the earliest message becomes due; None when nothing waits."""

    async def note_partner(self, seen: PartnerSeen) -> None:
        """Show how reaching a partner goes; None leaves what was noted before."""


class Transport(Protocol):
    """Posts ebMS messages over mutual TLS."""

    async def post(
        self, omgeving: str, partij_oin: str, endpoint: str, content_type: str, body: bytes | Streamed
    ) -> Reply:
        """POST with SOAPAction "ebXML" and Content-Length, as the partij with this OIN; follows no redirect.

        Raises PartnerUnreachable when no complete HTTP response came, TrustError when the partij has no usable
        certificate for tls-client in this omgeving.
        """
