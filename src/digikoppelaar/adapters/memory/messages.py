"""The in-memory twins of Registry and MessageStore.

The state rules are the core's (`ebms.reliability`), the same as in the PostgreSQL store; one contract test runs
against both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from digikoppelaar.ebms import names
from digikoppelaar.ebms.reliability import (
    SETTLED,
    Delivery,
    Event,
    State,
    advance,
    delivery,
    due,
    lease_until,
    moved,
)
from digikoppelaar.ebms.status import Found
from digikoppelaar.errors import StorageError
from digikoppelaar.flows.outbound import EVENT_TYPES, claimed_of
from digikoppelaar.flows.ports import (
    Claimed,
    CpaRecord,
    Machtiging,
    NewInbound,
    NewNotification,
    NewOutbound,
    PartnerSeen,
    Recorded,
    Reply,
    SeenInbound,
    SentMessage,
)

Key = tuple[int, str]
"""(row of the CPA, MessageId): a CPA belongs to one aansluiting."""


@dataclass(slots=True)
class MemoryRegistry:
    """CPAs and machtigingen in a list."""

    cpas: list[CpaRecord] = field(default_factory=list)
    machtigingen: list[Machtiging] = field(default_factory=list)

    async def cpa(self, omgeving: str, cpa_id: str) -> CpaRecord | None:
        """See flows.ports.Registry."""
        wanted = (omgeving, cpa_id)
        return next((cpa for cpa in self.cpas if (cpa.aansluiting.omgeving, cpa.agreement.cpa_id) == wanted), None)

    async def acts_for(self, omgeving: str, oin: str) -> frozenset[str]:
        """See flows.ports.Registry."""
        holder = (omgeving, oin)
        return frozenset(m.namens_oin for m in self.machtigingen if (m.omgeving, m.gemachtigde_oin) == holder)


@dataclass(frozen=True, slots=True)
class StoredInbound:
    """An inbound message as stored, with the id of its answer and what is to be fetched."""

    id: int
    message: NewInbound
    answer_id: int | None
    job: NewNotification | None


@dataclass(slots=True)
class StoredOutbound:
    """An outbound message and how far it is; `attempts` counts those of the present series."""

    id: int
    message: NewOutbound
    state: State = State.CREATED
    attempts: int = 0
    due_at: datetime | None = None
    """When to look at it again; while an attempt is under way, when its lease runs out. None when settled."""
    reason: str = ""
    settled_at: datetime | None = None
    outcomes: list[tuple[int, Event, int | None, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """Something that the application of a CPA must hear."""

    cpa_row: int
    message_id: str
    type: str


@dataclass(slots=True)
class MemoryMessages:
    """Messages in two dictionaries. One event loop uses it, so a method without await is a transaction."""

    inbound: dict[Key, StoredInbound] = field(default_factory=dict)
    outbound: dict[int, StoredOutbound] = field(default_factory=dict)
    events: list[StoredEvent] = field(default_factory=list)
    partners: dict[str, PartnerSeen] = field(default_factory=dict)
    _names: dict[Key, int] = field(default_factory=dict)
    """The ids of outbound messages by name."""
    _open: dict[int, StoredOutbound] = field(default_factory=dict)
    """Those that have no final outcome: looking through all that ever were would make each message slower."""

    async def find_inbound(self, cpa: CpaRecord, message_id: str) -> SeenInbound | None:
        """See flows.ports.MessageStore."""
        found = self.inbound.get((cpa.id, message_id))
        if found is None:
            return None
        message = found.message
        return SeenInbound(found.id, message.fingerprint, found.answer_id, message.received_at, message.error_code)

    async def find_outbound(self, cpa: CpaRecord, message_id: str) -> SentMessage | None:
        """See flows.ports.MessageStore."""
        found = self._sent(cpa, message_id)
        if found is None:
            return None
        message = found.message
        return SentMessage(
            found.id,
            message.message_id,
            found.state,
            message.body,
            message.content_type,
            message.holes,
            message.submission,
        )

    async def record_inbound(
        self, inbound: NewInbound, answer: NewOutbound | None, job: NewNotification | None
    ) -> Recorded | None:
        """See flows.ports.MessageStore."""
        key = (inbound.cpa.id, inbound.message_id)
        if key in self.inbound:
            return None
        answer_id = await self.queue_outbound(answer) if answer else None
        if answer and answer_id is None:
            raise StorageError(f"there is an outbound message {answer.message_id} already")
        stored = self.inbound[key] = StoredInbound(len(self.inbound) + 1, inbound, answer_id, job)
        if inbound.tells_application:
            self.events.append(StoredEvent(inbound.cpa.id, inbound.message_id, "RECEIVED"))
        return Recorded(stored.id, answer_id)

    async def deliver_again(self, seen: SeenInbound, inbound: NewInbound) -> None:
        """See flows.ports.MessageStore."""
        if inbound.tells_application:
            self.events.append(StoredEvent(inbound.cpa.id, inbound.message_id, "RECEIVED"))

    async def status(self, cpa: CpaRecord, message_id: str) -> Found | None:
        """See flows.ports.MessageStore."""
        omgeving = cpa.aansluiting.omgeving
        with_name = [each.message for each in self.inbound.values() if each.message.message_id == message_id]
        found = [message for message in with_name if message.cpa.aansluiting.omgeving == omgeving]
        found.sort(key=lambda message: message.cpa.id != cpa.id)
        return _found(found[0]) if found else None

    async def repeat_answer(self, answer_id: int, now: datetime) -> None:
        """See flows.ports.MessageStore."""
        stored = self._stored(answer_id)
        if stored.state is State.SENDING:  # it is on its way already
            return
        stored.state = advance(stored.state, Event.REPEAT)
        stored.attempts, stored.due_at, stored.settled_at, stored.reason = 0, now, None, ""
        self._open[stored.id] = stored

    async def answer(self, answer_id: int) -> Reply:
        """See flows.ports.MessageStore."""
        message = self._stored(answer_id).message
        return Reply(200, message.content_type, message.body)

    async def queue_outbound(self, message: NewOutbound) -> int | None:
        """See flows.ports.MessageStore."""
        key = (message.cpa.id, message.message_id)
        if key in self._names:
            return None
        stored = StoredOutbound(len(self.outbound) + 1, message, message.state, due_at=message.due_at)
        stored.attempts = int(message.state is State.SENDING)
        stored.settled_at = message.timestamp if message.state in SETTLED else None
        self.outbound[stored.id] = self._open[stored.id] = stored
        self._names[key] = stored.id
        return stored.id

    async def settle_by_signal(
        self, signal: NewInbound, message_id: str, event: str, reason: str, now: datetime
    ) -> str:
        """See flows.ports.MessageStore."""
        stored = self._sent(signal.cpa, message_id)
        if stored is None:
            raise StorageError(f"there is no outbound message {message_id}")
        await self.record_inbound(signal, None, None)
        self._move(stored, Event(event), now, reason)
        return stored.state

    async def end_overdue(self, now: datetime) -> None:
        """See flows.ports.MessageStore."""
        for stored in self._due(now):
            event = _event_of(stored, now)
            if event is not Event.CLAIMED:
                self._lose_attempt(stored)
                self._move(stored, event, now, "no attempt left" if event is Event.GAVE_UP else "TimeToLive passed")

    async def claim(self, now: datetime, lease: timedelta, busy: Mapping[str, int], slots: int) -> Sequence[Claimed]:
        """See flows.ports.MessageStore."""
        free: dict[str, int] = {}
        claimed = []
        for stored in self._due(now):
            partner = stored.message.partner
            if _event_of(stored, now) is Event.CLAIMED and free.setdefault(partner, slots - busy.get(partner, 0)) > 0:
                free[partner] -= 1
                claimed.append(self._claim(stored, now, lease))
        return claimed

    async def settle_attempt(
        self, claimed: Claimed, event: str, now: datetime, *, status: int | None, detail: str
    ) -> datetime | None:
        """See flows.ports.MessageStore."""
        stored = self._stored(claimed.id)
        stored.outcomes.append((claimed.attempt, Event(event), status, detail))
        if stored.state is State.SENDING and stored.attempts == claimed.attempt:
            self._move(stored, Event(event), now, detail)
            return stored.due_at
        return None

    async def next_due(self) -> datetime | None:
        """See flows.ports.MessageStore."""
        return min((stored.due_at for stored in self._open.values() if stored.due_at), default=None)

    async def note_partner(self, seen: PartnerSeen) -> None:
        """See flows.ports.MessageStore."""
        before = self.partners.get(seen.partner, seen)
        self.partners[seen.partner] = PartnerSeen(
            seen.partner,
            seen.failures,
            seen.last_success_at or before.last_success_at,
            seen.last_failure_at or before.last_failure_at,
            seen.last_error or before.last_error,
        )

    def _stored(self, outbound_id: int) -> StoredOutbound:
        if outbound_id not in self.outbound:
            raise StorageError(f"there is no outbound message {outbound_id}")
        return self.outbound[outbound_id]

    def _sent(self, cpa: CpaRecord, message_id: str) -> StoredOutbound | None:
        return self.outbound.get(self._names.get((cpa.id, message_id), 0))

    def _due(self, now: datetime) -> list[StoredOutbound]:
        waiting = [stored for stored in self._open.values() if stored.due_at and stored.due_at <= now]
        return sorted(waiting, key=lambda stored: (stored.due_at or now, stored.id))

    def _lose_attempt(self, stored: StoredOutbound) -> None:
        """Said by who comes to make the next attempt: until then a late report of this one counts."""
        if stored.state is State.SENDING:
            stored.state = advance(stored.state, Event.LEASE_LOST)

    def _claim(self, stored: StoredOutbound, now: datetime, lease: timedelta) -> Claimed:
        message = stored.message
        self._lose_attempt(stored)
        stored.state = advance(stored.state, Event.CLAIMED)
        stored.attempts += 1
        stored.due_at = lease_until(sent_at=now, lease=lease, delivery=_delivery(message))
        return claimed_of(message, stored.id, stored.attempts)

    def _move(self, stored: StoredOutbound, event: Event, now: datetime, reason: str) -> None:
        if stored.state in SETTLED:
            return
        message = stored.message
        stored.state, stored.due_at = moved(
            stored.state, event, attempt=stored.attempts, now=now, delivery=_delivery(message)
        )
        stored.reason = reason
        if stored.state in SETTLED:
            stored.settled_at = now
            self._open.pop(stored.id, None)
            if message.tells_application:
                self.events.append(StoredEvent(message.cpa.id, message.message_id, EVENT_TYPES[stored.state]))


def _event_of(stored: StoredOutbound, now: datetime) -> Event:
    """What happens to a due message."""
    message = stored.message
    return due(attempts=stored.attempts, delivery=_delivery(message), time_to_live=message.time_to_live, now=now)


def _found(message: NewInbound) -> Found:
    return Found(
        cpa_id=message.cpa.agreement.cpa_id,
        signal=message.service == names.MSH_SERVICE,
        received_at=message.received_at,
        rejected=message.error_code is not None,
    )


def _delivery(message: NewOutbound) -> Delivery:
    return delivery(message.reliable, message.service)
