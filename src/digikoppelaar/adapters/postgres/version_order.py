"""The order of the versions of one verzoeknummer in PostgreSQL. Who goes when is in `flows.version_order`.

Every function works on the connection of a transaction that holds `lock`, and decides nothing itself.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from digikoppelaar.adapters.postgres import jobs, queries
from digikoppelaar.adapters.postgres.connect import Connection, Row
from digikoppelaar.errors import StorageError
from digikoppelaar.flows.intake_states import VerzoekEvent, VerzoekState, needs_delivery_job, verzoek_after
from digikoppelaar.flows.version_order import Place, Step, again, in_turn, next_in_turn, when_whole
from digikoppelaar.stam.rules import Action, Known, KnownVersion, Ruling, when_released, withdraws

_SQL: Final = queries.load("version_order")


async def lock(connection: Connection, key: Row) -> None:
    """Wait until nobody else is at work on the versions of this verzoeknummer (aansluiting_id, verzoeknummer).

    Taken after the row of a notification and before that of a version, by everybody.
    """
    await connection.execute(_SQL["lock"], key)


async def lock_after_notification(connection: Connection, notification_id: int, verzoeknummer: str) -> Row:
    """`lock` for this verzoeknummer, after the row of the notification, which it gives."""
    values = {"id": notification_id, "verzoeknummer": verzoeknummer}
    return await _found(connection, "lock_after_notification", values)


async def lock_of(connection: Connection, verzoek_id: int) -> Row:
    """`lock` for the verzoeknummer of this version; its key."""
    return await _found(connection, "lock_of_verzoek", {"id": verzoek_id})


@dataclass(frozen=True, slots=True)
class OnRecord:
    """What is on record about a verzoeknummer: for the rules, and the id and state of each version by volgnummer."""

    known: Known
    versions: Mapping[int, tuple[int, str]]


async def on_record(connection: Connection, key: Row) -> OnRecord:
    """What is on record about this verzoeknummer."""
    rows = await (await connection.execute(_SQL["known"], key)).fetchall()
    own = rows[0]["organisatie_oin"]
    linked = rows[0]["linked"] or any(row["case_reference"] for row in rows)
    there = [row for row in rows if row["id"] is not None]
    known = Known(frozenset({own}), tuple(map(_known_version, there)), case_linked=linked)
    return OnRecord(known, {row["volgnummer"]: (row["id"], row["state"]) for row in there})


def columns(ruling: Ruling) -> dict[str, Any]:
    """The columns of table verzoek that hold a ruling."""
    return {
        "action": ruling.action,
        "rule": ruling.rule,
        "rule_reason": ruling.reason,
        "rule_advice": ruling.advice,
        "lapsed": list(ruling.lapsed),
    }


async def whole(connection: Connection, verzoek_id: int, key: Row, notification_id: int, now: datetime) -> None:
    """Every file of this version is there: what its ruling says, in its turn, and what waited for it.

    The notification is settled by who calls. Raises StorageError when a file is not there yet.
    """
    rows = await _rows(connection, key, settled=notification_id)
    row = rows[verzoek_id]
    if row["incomplete"]:
        raise StorageError(f"verzoek {verzoek_id} is not whole yet")
    step = when_whole(_place(row), list(map(_place, rows.values())), row["rule_reason"], row["rule_advice"])
    await _step(connection, row, step, now)
    await _advance(connection, _with(rows, row, verzoek_after(row["state"], step.event)), now)


async def delivered(connection: Connection, verzoek_id: int, key: Row, case_reference: str, now: datetime) -> None:
    """This version has its case, and what waited for it goes on. Raises StorageError when its state forbids that."""
    rows = await _rows(connection, key)
    row = rows[verzoek_id]
    after = verzoek_after(row["state"], VerzoekEvent.DELIVERED)
    if after is not VerzoekState.DELIVERED:
        raise StorageError(f"verzoek {verzoek_id} is {row['state']} and cannot have been delivered")
    if row["state"] != after:
        values = {"id": verzoek_id, "aansluiting_id": row["aansluiting_id"], "state": after, "now": now}
        await connection.execute(_SQL["delivered"], {**values, "case_reference": case_reference})
        await _advance(connection, _with(rows, row, after), now)


async def release(connection: Connection, verzoek: Row, now: datetime) -> None:
    """A person let this version go on; it still waits for its turn."""
    rows = await _rows(connection, verzoek)
    row = rows[verzoek["id"]]
    action = when_released(
        Action(row["action"]),
        withdrawal=withdraws(row["doel"], row["volgnummer"]),
        continues=await _has_case(connection, row, rows.values()),
    )
    step = in_turn(_place(row), list(map(_place, rows.values())), VerzoekEvent.RELEASED)
    await _step(connection, {**row, "action": action}, step, now, name="released")


async def redeliver(connection: Connection, key: Row, since: int, now: datetime) -> None:
    """What is delivered goes again from volgnummer `since` on, in order; see flows.version_order.again."""
    rows = await _rows(connection, key)
    for place, step in list(again(list(map(_place, rows.values())), since)):
        await _step(connection, rows[place.id], step, now, name=step.event)


async def _advance(connection: Connection, rows: Mapping[int, Row], now: datetime) -> None:
    following = next_in_turn(list(map(_place, rows.values())))
    if following:
        await _step(connection, rows[following.id], Step(VerzoekEvent.TURN), now)


async def _step(connection: Connection, row: Row, step: Step, now: datetime, name: str | None = None) -> None:
    after = verzoek_after(row["state"], step.event)
    if after == row["state"]:
        return
    task = jobs.DELIVER if needs_delivery_job(row["state"], after) else None
    values = {
        "id": row["id"],
        "aansluiting_id": row["aansluiting_id"],
        "state": after,
        "action": row["action"],
        "now": now,
        "reason": step.reason or None,
        "advice": step.advice or None,
        "name": name or _told(step.event, after),
        "detail": step.reason,
        "task": task,
        "priority": jobs.FIRST[jobs.DELIVER],
        "lock": jobs.lock_of(jobs.DELIVER, row["aansluiting_id"], row["verzoeknummer"]),
    }
    await connection.execute(_SQL["step"], values)


def _told(event: VerzoekEvent, after: str) -> str:
    """The name of the step in the timeline."""
    return event if event is VerzoekEvent.TURN else after


async def _rows(connection: Connection, key: Row, settled: int = 0) -> dict[int, Row]:
    rows = await (await connection.execute(_SQL["versions"], {**key, "settled": settled})).fetchall()
    return {row["id"]: row for row in rows}


def _with(rows: Mapping[int, Row], row: Row, state: VerzoekState) -> Mapping[int, Row]:
    return {**rows, row["id"]: {**row, "state": state}}


async def _found(connection: Connection, query: str, values: Row) -> Row:
    row = await (await connection.execute(_SQL[query], values)).fetchone()
    if row is None:
        raise StorageError(f"{query}: there is no row {values['id']}")
    return row


async def _has_case(connection: Connection, key: Row, versions: Iterable[Row]) -> bool:
    """Whether a version of this verzoeknummer made a case, or a person linked one."""
    if any(each["case_reference"] for each in versions):
        return True
    return await (await connection.execute(_SQL["linked"], key)).fetchone() is not None


def _place(row: Row) -> Place:
    return Place(row["id"], row["volgnummer"], row["state"], Action(row["action"]), row["expected"], row["stopped"])


def _known_version(row: Row) -> KnownVersion:
    return KnownVersion(
        volgnummer=row["volgnummer"],
        action=Action(row["action"]),
        state=row["state"],
        withdrawal=withdraws(row["doel"], row["volgnummer"]),
        document_ids=frozenset(row["document_ids"]),
    )
