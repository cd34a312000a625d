"""The MessageStore in PostgreSQL. Which state follows which is `ebms.reliability`'s to say; here it is made durable.

Every method is one transaction and raises StorageError when the database fails.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg.types.json import Jsonb

from digikoppelaar.adapters.postgres import jobs, queries
from digikoppelaar.adapters.postgres.connect import Connection, Pool, Row, transaction
from digikoppelaar.ebms.agreement import ReliableMessaging
from digikoppelaar.ebms.reliability import (
    SETTLED,
    Delivery,
    Event,
    State,
    advance,
    attempts_allowed,
    delivery,
    due,
    lease_until,
    next_due,
)
from digikoppelaar.errors import StorageError, VerzoekError
from digikoppelaar.flows.intake_states import NotificationState
from digikoppelaar.flows.ports import (
    Claimed,
    CpaRecord,
    NewInbound,
    NewNotification,
    NewOutbound,
    SeenInbound,
    SentMessage,
)

OUTBOUND: Final = "outbound"
"""The channel on which a commit tells senders that something may be due."""

_SQL: Final = queries.load("messages")


@dataclass(frozen=True, slots=True)
class PostgresMessages:
    """Inbound and outbound ebMS messages."""

    pool: Pool

    async def find_inbound(self, cpa: CpaRecord, message_id: str) -> SeenInbound | None:
        """See flows.ports.MessageStore."""
        async with transaction(self.pool) as connection:
            row = await _one(connection, "find_inbound", _key(cpa, message_id))
        return SeenInbound(**row) if row else None

    async def find_outbound(self, cpa: CpaRecord, message_id: str) -> SentMessage | None:
        """See flows.ports.MessageStore."""
        async with transaction(self.pool) as connection:
            row = await _one(connection, "find_outbound", _key(cpa, message_id))
        return SentMessage(**row) if row else None

    async def record_inbound(
        self, inbound: NewInbound, answer: NewOutbound | None, job: NewNotification | None
    ) -> bool:
        """See flows.ports.MessageStore."""
        async with transaction(self.pool) as connection:
            inbound_id = await _store_inbound(connection, inbound)
            if inbound_id is None:
                return False
            if answer:
                answer_id = await _store_outbound(connection, answer)
                await connection.execute(_SQL["set_answer"], {"id": inbound_id, "answer_id": answer_id})
            notification_id = await _store_notification(connection, inbound_id, inbound, job) if job else None
            await _tell_received(connection, inbound_id, inbound, notification_id)
        return True

    async def repeat_answer(self, answer_id: int, now: datetime) -> None:
        """See flows.ports.MessageStore."""
        async with transaction(self.pool) as connection:
            row = await _locked(connection, "lock_outbound", {"id": answer_id})
            if row["state"] == State.SENDING:  # it is on its way already
                return
            state = advance(State(row["state"]), Event.REPEAT)
            await connection.execute(_SQL["repeat"], {"id": answer_id, "state": state, "now": now})
            await _tell(connection, answer_id, "answer_repeated", now)
            await connection.execute(_SQL["wake_sender"])

    async def queue_outbound(self, message: NewOutbound) -> int:
        """See flows.ports.MessageStore."""
        async with transaction(self.pool) as connection:
            return await _store_outbound(connection, message)

    async def settle_by_signal(
        self, signal: NewInbound, message_id: str, event: str, reason: str, now: datetime
    ) -> str:
        """See flows.ports.MessageStore."""
        async with transaction(self.pool) as connection:
            inbound_id = await _store_inbound(connection, signal)
            if inbound_id is not None:
                await _tell_received(connection, inbound_id, signal, None)
            row = await _locked(connection, "lock_outbound_by_name", _key(signal.cpa, message_id))
            return await _move(connection, row, Event(event), now, reason)

    async def claim(self, now: datetime, lease: timedelta, busy: Mapping[str, int], slots: int) -> Sequence[Claimed]:
        """See flows.ports.MessageStore."""
        async with transaction(self.pool) as connection:
            await _end_what_has_no_chance_left(connection, now)
            wanted = {"now": now, "slots": slots, "busy": Jsonb(dict(busy))}
            rows = await (await connection.execute(_SQL["lock_due"], wanted)).fetchall()
            rows.sort(key=lambda row: (row["due_at"], row["id"]))
            for row in rows:
                await _start_attempt(connection, row, now, lease)
        return [_claimed(row) for row in rows]

    async def settle_attempt(
        self, claimed: Claimed, event: str, now: datetime, *, status: int | None, detail: str
    ) -> None:
        """See flows.ports.MessageStore."""
        async with transaction(self.pool) as connection:
            row = await _locked(connection, "lock_outbound", {"id": claimed.id})
            ended = {"number": claimed.attempt, "event": event, "status": status, "detail": detail}
            await connection.execute(_SQL["end_attempt"], {"id": claimed.id, "now": now, **ended})
            if (row["state"], row["attempts"]) == (State.SENDING, claimed.attempt):
                await _move(connection, row, Event(event), now, detail)

    async def next_due(self) -> datetime | None:
        """See flows.ports.MessageStore."""
        async with transaction(self.pool) as connection:
            row = await _one(connection, "next_due", {})
        return row["due_at"] if row else None


def _key(cpa: CpaRecord, message_id: str) -> dict[str, Any]:
    return {"aansluiting_id": cpa.aansluiting.id, "cpa_row": cpa.id, "message_id": message_id}


async def _one(connection: Connection, query: str, values: Row) -> dict[str, Any] | None:
    return await (await connection.execute(_SQL[query], values)).fetchone()


async def _locked(connection: Connection, query: str, values: Row) -> dict[str, Any]:
    row = await _one(connection, query, values)
    if row is None:
        raise StorageError(f"there is no outbound message {values.get('message_id', values.get('id'))}")
    return row


# --- coming in -----------------------------------------------------------------------------------------------


async def _store_inbound(connection: Connection, inbound: NewInbound) -> int | None:
    values = {
        **_key(inbound.cpa, inbound.message_id),
        "conversation_id": inbound.conversation_id,
        "ref_to_message_id": inbound.ref_to_message_id,
        "service": inbound.service,
        "action": inbound.action,
        "timestamp": inbound.timestamp,
        "received_at": inbound.received_at,
        "fingerprint": inbound.fingerprint,
        "content_type": inbound.content_type,
        "document": inbound.document,
        "error_code": inbound.error_code,
        "error_reason": inbound.error_reason,
    }
    row = await _one(connection, "insert_inbound", values)
    if row is None:
        return None
    await _store_payloads(connection, row["id"], inbound)
    return int(row["id"])


async def _store_payloads(connection: Connection, inbound_id: int, inbound: NewInbound) -> None:
    for position, payload in enumerate(inbound.payloads):
        values = {
            "aansluiting_id": inbound.cpa.aansluiting.id,
            "inbound_message_id": inbound_id,
            "position": position,
            "content_id": payload.content_id,
            "content_type": payload.content_type,
            "size": payload.size,
            "sha256": payload.sha256,
            "data": payload.data,
            "blob": payload.blob,
        }
        await connection.execute(_SQL["insert_payload"], values)


async def _store_notification(
    connection: Connection, inbound_id: int, inbound: NewInbound, job: NewNotification
) -> int:
    aansluiting_id = inbound.cpa.aansluiting.id
    values = {
        "aansluiting_id": aansluiting_id,
        "inbound_message_id": inbound_id,
        "verzoeknummer": job.verzoeknummer,
        "received_at": inbound.received_at,
        "state": NotificationState.PARKED if job.problem else NotificationState.RECEIVED,
        "reason": job.problem,
        "advice": VerzoekError.default_advice if job.problem else None,
    }
    row = await _one(connection, "insert_notification", values)
    assert row is not None
    if not job.problem:
        lock = jobs.lock_of(jobs.FETCH, aansluiting_id, job.verzoeknummer)
        await jobs.defer(connection, jobs.FETCH, {"notification_id": row["id"]}, lock=lock)
    return int(row["id"])


async def _tell_received(
    connection: Connection, inbound_id: int, inbound: NewInbound, notification_id: int | None
) -> None:
    values = {
        "aansluiting_id": inbound.cpa.aansluiting.id,
        "name": "rejected" if inbound.error_code else "received",
        "at": inbound.received_at,
        "detail": inbound.error_code or inbound.message_id,
        "inbound_message_id": inbound_id,
        "outbound_message_id": None,
        "notification_id": notification_id,
    }
    await connection.execute(_SQL["insert_step"], values)


# --- going out -----------------------------------------------------------------------------------------------


async def _store_outbound(connection: Connection, message: NewOutbound) -> int:
    reliable = message.reliable
    values = {
        **_key(message.cpa, message.message_id),
        "conversation_id": message.conversation_id,
        "ref_to_message_id": message.ref_to_message_id,
        "service": message.service,
        "action": message.action,
        "timestamp": message.timestamp,
        "partner": message.partner,
        "endpoint": message.endpoint,
        "content_type": message.content_type,
        "body": message.body,
        "retries": reliable.retries if reliable else None,
        "retry_interval": reliable.retry_interval if reliable else None,
        "time_to_live": message.time_to_live,
        "state": State.CREATED,
        "max_attempts": attempts_allowed(delivery(reliable, message.service)),
        "due_at": message.due_at,
    }
    row = await _one(connection, "insert_outbound", values)
    assert row is not None
    await connection.execute(_SQL["wake_sender"])
    return int(row["id"])


def _reliable(row: Row) -> ReliableMessaging | None:
    return None if row["retries"] is None else ReliableMessaging(row["retries"], row["retry_interval"])


def _delivery(row: Row) -> Delivery:
    return delivery(_reliable(row), row["service"])


async def _end_what_has_no_chance_left(connection: Connection, now: datetime) -> None:
    for row in await (await connection.execute(_SQL["lock_ended"], {"now": now})).fetchall():
        event = due(attempts=row["attempts"], delivery=_delivery(row), time_to_live=row["time_to_live"], now=now)
        free = await _without_lost_attempt(connection, row, now)
        reason = "no attempt left" if event is Event.GAVE_UP else "TimeToLive passed"
        await _move(connection, {**row, "state": free}, event, now, reason)


async def _without_lost_attempt(connection: Connection, row: Row, now: datetime) -> State:
    state = State(row["state"])
    if state is not State.SENDING:
        return state
    lost = {"id": row["id"], "now": now, "event": Event.LEASE_LOST}
    await connection.execute(_SQL["end_lost_attempt"], lost)
    return advance(state, Event.LEASE_LOST)


async def _start_attempt(connection: Connection, row: Row, now: datetime, lease: timedelta) -> None:
    free = await _without_lost_attempt(connection, row, now)
    number = row["attempts"] + 1
    until = lease_until(sent_at=now, lease=lease, delivery=_delivery(row))
    started = {"id": row["id"], "number": number, "state": advance(free, Event.CLAIMED), "lease_until": until}
    await connection.execute(_SQL["start_attempt"], started)
    attempt = {"id": row["id"], "aansluiting_id": row["aansluiting_id"], "number": number, "now": now}
    await connection.execute(_SQL["insert_attempt"], attempt)


def _claimed(row: Row) -> Claimed:
    return Claimed(
        id=row["id"],
        attempt=row["attempts"] + 1,
        message_id=row["message_id"],
        omgeving=row["omgeving"],
        partij_oin=row["partij_oin"],
        partner=row["partner"],
        endpoint=row["endpoint"],
        content_type=row["content_type"],
        body=row["body"],
        reliable=_reliable(row),
        time_to_live=row["time_to_live"],
    )


async def _move(connection: Connection, row: Row, event: Event, now: datetime, reason: str) -> State:
    """Move a locked row by `event`; a signal without attempts left gives up at once. A settled one stays as it is."""
    before = State(row["state"])
    state = advance(before, event)
    if before in SETTLED:
        return state
    due_at = None if state in SETTLED else next_due(attempt=row["attempts"], sent_at=now, delivery=_delivery(row))
    if due_at is None and state not in SETTLED:
        state = advance(state, Event.GAVE_UP)
    values = {"id": row["id"], "state": state, "due_at": due_at, "reason": reason or None}
    await connection.execute(_SQL["move"], {**values, "settled_at": now if state in SETTLED else None})
    if state in SETTLED:
        await _tell(connection, row["id"], f"outbound_{state}", now)
    return state


async def _tell(connection: Connection, outbound_id: int, name: str, now: datetime, detail: str = "") -> None:
    values = {"id": outbound_id, "name": name, "at": now, "detail": detail}
    await connection.execute(_SQL["insert_outbound_step"], values)
