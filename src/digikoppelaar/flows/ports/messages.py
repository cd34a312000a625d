"""Inbound and outbound ebMS messages: what the store keeps of them, and the transport that posts them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from digikoppelaar.ebms.agreement import ReliableMessaging
from digikoppelaar.flows.ports.connections import CpaRecord
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


@dataclass(frozen=True, slots=True)
class NewInbound:
    """A received message as it will be stored. `error_code` is set when it was rejected."""

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


@dataclass(frozen=True, slots=True)
class NewOutbound:
    """A message ready to send: `body` goes out as it is, every time (statement 66).

    `reliable` None: no acknowledgment is awaited and a 2xx settles it; a signal then gets the attempts of
    `transport_attempts`. `partner` is the key of the slots in the sender: the party id of the receiver.
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
    due_at: datetime


@dataclass(frozen=True, slots=True)
class SeenInbound:
    """An inbound message that is already stored, with the id of its answer if it has one."""

    id: int
    fingerprint: bytes
    answer_id: int | None


@dataclass(frozen=True, slots=True)
class SentMessage:
    """An outbound message of ours, as an incoming signal needs it."""

    id: int
    message_id: str
    state: str
    body: bytes = field(repr=False)
    content_type: str = ""


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
    ) -> bool:
        """Store raw bytes, row, answer and application job together.

        False, and nothing stored, when the MessageId is already there: the unique key decides, not a look before.
        """

    async def repeat_answer(self, answer_id: int, now: datetime) -> None:
        """Make the answer due again as it is; counts as a fresh series of transport attempts."""

    async def queue_outbound(self, message: NewOutbound) -> int:
        """Store a message to send; the sender is woken by the commit."""

    async def settle_by_signal(
        self, signal: NewInbound, message_id: str, event: str, reason: str, now: datetime
    ) -> str:
        """Store the signal and move our message `message_id` by `event` of the reliability table.

        Returns the state after it. A settled message keeps its state; the signal is stored all the same.
        """

    async def claim(self, now: datetime, lease: timedelta, busy: Mapping[str, int], slots: int) -> Sequence[Claimed]:
        """Due messages, at most `slots` less `busy[partner]` for each partner, oldest first.

        The attempt is written before it is returned. Messages that are due but have no attempt or no time left
        are moved to failed or expired here. A lease that ran out makes a message due again.
        """

    async def settle_attempt(
        self,
        claimed: Claimed,
        event: str,
        now: datetime,
        *,
        status: int | None,
        detail: str,
    ) -> None:
        """Write how the attempt ended, and move the message by `event` unless something settled it meanwhile."""

    async def next_due(self) -> datetime | None:
        """When the earliest message becomes due; None when nothing waits."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The HTTP response to a message we sent; `body` is bounded by the transport."""

    status: int
    content_type: str = ""
    body: bytes = field(default=b"", repr=False)


class Transport(Protocol):
    """Posts ebMS messages over mutual TLS."""

    async def post(self, omgeving: str, partij_oin: str, endpoint: str, content_type: str, body: bytes) -> Reply:
        """POST with SOAPAction "ebXML", as the partij with this OIN; follows no redirect.

        Raises PartnerUnreachable when no complete HTTP response came, TrustError when the partij has no usable
        certificate for tls-client in this omgeving.
        """
