"""The MessageStore in PostgreSQL. Which state follows which is `ebms.reliability`'s to say; here it is made durable.

Every method raises StorageError when the database fails. What every message passes through (stored, sent, settled) goes
through `GroupCommit`, one statement each; the rest is a transaction of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg.types.json import Jsonb

from digikoppelaar.adapters.postgres import jobs, queries
from digikoppelaar.adapters.postgres.connect import Connection, Pool, Row, transaction
from digikoppelaar.adapters.postgres.group_commit import GroupCommit, first
from digikoppelaar.adapters.postgres.message_rows import (
    answer_values,
    claimed_message,
    delivery_of,
    inbound_values,
    key,
    outbound_values,
    payload_values,
    sent_message,
    settled_values,
)
from digikoppelaar.ebms import names
from digikoppelaar.ebms.reliability import SETTLED, Event, State, advance, delivery, due, moved
from digikoppelaar.ebms.status import Found
from digikoppelaar.errors import StorageError, VerzoekError
from digikoppelaar.flows.intake_states import NotificationState
from digikoppelaar.flows.ports import (
    Claimed,
    CpaRecord,
    NewInbound,
    NewNotification,
    NewOutbound,
    PartnerSeen,
    Recorded,
    Reply,
    SeenInbound,
    SentMessage,
)

OUTBOUND: Final = "outbound"
"""The channel on which a commit tells senders that something may be due."""

_SQL: Final = queries.load("messages")
_OPEN: Final = [state for state in State if state not in SETTLED]


@dataclass(frozen=True, slots=True)
class PostgresMessages:
    """Inbound and outbound ebMS messages."""

    pool: Pool
    _together: GroupCommit = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_together", GroupCommit(self.pool))

    async def find_inbound(self, cpa: CpaRecord, message_id: str) -> SeenInbound | None:
        """See flows.ports.MessageStore."""
        async with transaction(self.pool) as connection:
            row = await _one(connection, "find_inbound", key(cpa, message_id))
        return SeenInbound(**row) if row else None

    async def find_outbound(self, cpa: CpaRecord, message_id: str) -> SentMessage | None:
        """See flows.ports.MessageStore."""
        async with transaction(self.pool) as connection:
            row = await _one(connection, "find_outbound", key(cpa, message_id))
        return sent_message(row) if row else None

    async def record_inbound(
        self, inbound: NewInbound, answer: NewOutbound | None, job: NewNotification | None
    ) -> Recorded | None:
        """See flows.ports.MessageStore."""
        values = {**inbound_values(inbound), **payload_values(inbound), **answer_values(answer)}
        if job is None:
            row = first(await self._together.execute(_SQL["record_inbound"], values))
        else:
            async with transaction(self.pool) as connection:
                row = await _one(connection, "record_inbound", values)
                if row:
                    await _store_notification(connection, row["id"], inbound, job)
        return Recorded(row["id"], row["answer_id"]) if row else None

    async def deliver_again(self, seen: SeenInbound, inbound: NewInbound) -> None:
        """See flows.ports.MessageStore."""
        if not inbound.tells_application:
            return
        async with transaction(self.pool) as connection:
            await connection.execute(_SQL["deliver_again"], {"id": seen.id, "at": inbound.received_at})

    async def status(self, cpa: CpaRecord, message_id: str) -> Found | None:
        """See flows.ports.MessageStore."""
        wanted = {"omgeving": cpa.aansluiting.omgeving, "cpa_row": cpa.id, "message_id": message_id}
        async with transaction(self.pool) as connection:
            row = await _one(connection, "status", {**wanted, "msh_service": names.MSH_SERVICE})
        return Found(**row) if row else None

    async def repeat_answer(self, answer_id: int, now: datetime) -> None:
        """See flows.ports.MessageStore."""
        async with transaction(self.pool) as connection:
            row = await _one(connection, "lock_outbound", {"id": answer_id})
            if row is None:
                raise StorageError(f"there is no outbound message {answer_id}")
            if row["state"] == State.SENDING:  # it is on its way already
                return
            state = advance(State(row["state"]), Event.REPEAT)
            await connection.execute(_SQL["repeat"], {"id": answer_id, "state": state, "now": now})
            step = {"id": answer_id, "name": "answer_repeated", "at": now, "detail": ""}
            await connection.execute(_SQL["insert_outbound_step"], step)
            await connection.execute(_SQL["wake_sender"])

    async def answer(self, answer_id: int) -> Reply:
        """See flows.ports.MessageStore."""
        async with transaction(self.pool) as connection:
            row = await _one(connection, "answer", {"id": answer_id})
        if row is None:
            raise StorageError(f"there is no outbound message {answer_id}")
        return Reply(200, row["content_type"], row["body"])

    async def queue_outbound(self, message: NewOutbound) -> int | None:
        """See flows.ports.MessageStore."""
        row = first(await self._together.execute(_SQL["queue_outbound"], outbound_values(message)))
        return int(row["id"]) if row else None

    async def settle_by_signal(
        self, signal: NewInbound, message_id: str, event: str, reason: str, now: datetime
    ) -> str:
        """See flows.ports.MessageStore."""
        [state] = {advance(before, Event(event)) for before in _OPEN}  # the same wherever it was, and settled
        values = {**inbound_values(signal), **settled_values(state, now, reason), "about": message_id, "open": _OPEN}
        row = first(await self._together.execute(_SQL["settle_by_signal"], values))
        if row is None:
            raise StorageError(f"there is no outbound message {message_id}")
        return str(row["state"])

    async def end_overdue(self, now: datetime) -> None:
        """See flows.ports.MessageStore."""
        async with transaction(self.pool) as connection:
            for row in await _all(connection, "lock_ended", {"now": now}):
                await _end(connection, row, now)

    async def claim(self, now: datetime, lease: timedelta, busy: Mapping[str, int], slots: int) -> Sequence[Claimed]:
        """See flows.ports.MessageStore."""
        wanted = {"now": now, "lease": lease, "slots": slots, "busy": Jsonb(dict(busy)), "lost": Event.LEASE_LOST}
        return [claimed_message(row) for row in await self._together.execute(_SQL["claim"], wanted)]

    async def settle_attempt(
        self, claimed: Claimed, event: str, now: datetime, *, status: int | None, detail: str
    ) -> datetime | None:
        """See flows.ports.MessageStore."""
        how = delivery(claimed.reliable, claimed.service)
        state, due_at = moved(State.SENDING, Event(event), attempt=claimed.attempt, now=now, delivery=how)
        report = {"id": claimed.id, "number": claimed.attempt, "event": event, "status": status, "detail": detail}
        values = {**settled_values(state, now, detail), **report, "due_at": due_at}
        row = first(await self._together.execute(_SQL["settle_attempt"], values, soon=True))
        if row is None:
            raise StorageError(f"there is no outbound message {claimed.id} with attempt {claimed.attempt}")
        return due_at if row["state"] else None

    async def next_due(self) -> datetime | None:
        """See flows.ports.MessageStore."""
        async with transaction(self.pool) as connection:
            row = await _one(connection, "next_due", {})
        return row["due_at"] if row else None

    async def note_partner(self, seen: PartnerSeen) -> None:
        """See flows.ports.MessageStore."""
        values = {
            "partner": seen.partner,
            "failures": seen.failures,
            "last_success_at": seen.last_success_at,
            "last_failure_at": seen.last_failure_at,
            "last_error": seen.last_error,
        }
        async with transaction(self.pool) as connection:
            await connection.execute(_SQL["note_partner"], values)


async def _one(connection: Connection, query: str, values: Row) -> dict[str, Any] | None:
    return await (await connection.execute(_SQL[query], values)).fetchone()


async def _all(connection: Connection, query: str, values: Row) -> list[dict[str, Any]]:
    return await (await connection.execute(_SQL[query], values)).fetchall()


async def _store_notification(
    connection: Connection, inbound_id: int, inbound: NewInbound, job: NewNotification
) -> None:
    aansluiting_id = inbound.cpa.aansluiting.id
    values = {
        "aansluiting_id": aansluiting_id,
        "inbound_message_id": inbound_id,
        "verzoeknummer": job.verzoeknummer,
        "withdrawal": job.withdrawal,
        "received_at": inbound.received_at,
        "state": NotificationState.PARKED if job.problem else NotificationState.RECEIVED,
        "reason": job.problem,
        "advice": VerzoekError.default_advice if job.problem else None,
    }
    row = await _one(connection, "insert_notification", values)
    if row and not job.problem:
        lock = jobs.lock_of(jobs.FETCH, aansluiting_id, job.verzoeknummer)
        await jobs.defer(connection, jobs.FETCH, {"notification_id": row["id"]}, lock=lock)


async def _end(connection: Connection, row: Row, now: datetime) -> None:
    how, before = delivery_of(row), State(row["state"])
    event = due(attempts=row["attempts"], delivery=how, time_to_live=row["time_to_live"], now=now)
    if before is State.SENDING:
        lost = {"id": row["id"], "now": now, "event": Event.LEASE_LOST}
        await connection.execute(_SQL["end_lost_attempt"], lost)
        before = advance(before, Event.LEASE_LOST)
    reason = "no attempt left" if event is Event.GAVE_UP else "TimeToLive passed"
    values = settled_values(advance(before, event), now, reason)
    await connection.execute(_SQL["end"], {**values, "id": row["id"]})
