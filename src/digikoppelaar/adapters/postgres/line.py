"""The line of versions of one verzoeknummer in PostgreSQL. Who goes when is in `flows.line`; here it is made durable.

Every function works on the connection of a transaction that holds `lock`, and decides nothing itself.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from digikoppelaar.adapters.postgres import jobs, queries
from digikoppelaar.adapters.postgres.connect import Connection, Row
from digikoppelaar.flows.intake_states import VerzoekEvent, needs_delivery_job, verzoek_after
from digikoppelaar.flows.line import Place, Step, again, in_turn, next_in_line, when_whole
from digikoppelaar.stam.rules import Action, Known, KnownVersion, Ruling, when_released, withdraws

_SQL: Final = queries.load("line")


async def lock(connection: Connection, key: Row) -> None:
    """Wait until nobody else is at work on the versions of this verzoeknummer (aansluiting_id, verzoeknummer).

    Taken after the row of a notification and before that of a version, by everybody.
    """
    await connection.execute(_SQL["lock"], key)


async def known(connection: Connection, key: Row) -> Known:
    """What is on record about this verzoeknummer."""
    rows = await (await connection.execute(_SQL["known"], key)).fetchall()
    own = rows[0]["organisatie_oin"]
    linked = rows[0]["linked"] or any(row["case_reference"] for row in rows)
    versions = tuple(_known_version(row) for row in rows if row["volgnummer"] is not None)
    return Known(frozenset({own}), versions, case_linked=linked)


def columns(ruling: Ruling) -> dict[str, Any]:
    """The columns of table verzoek that hold a ruling."""
    return {
        "action": ruling.action,
        "rule": ruling.rule,
        "rule_reason": ruling.reason,
        "rule_advice": ruling.advice,
        "lapsed": list(ruling.lapsed),
    }


async def whole(connection: Connection, verzoek: Row, now: datetime) -> None:
    """Every file of this version is there: what its ruling says, in its turn, and what waited for it."""
    rows = await _rows(connection, verzoek)
    row = rows[verzoek["id"]]
    step = when_whole(_place(row), list(map(_place, rows.values())), row["rule_reason"], row["rule_advice"])
    await _step(connection, row, step, now)
    moved = {**row, "state": verzoek_after(row["state"], step.event)}
    await _advance(connection, {**rows, row["id"]: moved}, now)


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
    """What is delivered goes again from volgnummer `since` on, in order; see flows.line.again."""
    rows = await _rows(connection, key)
    for place, step in list(again(list(map(_place, rows.values())), since)):
        await _step(connection, rows[place.id], step, now, name=step.event)


async def advance(connection: Connection, ended: Row, now: datetime) -> None:
    """Let the version go that waits for nothing any more, if there is one."""
    await _advance(connection, await _rows(connection, ended), now)


async def _advance(connection: Connection, rows: Mapping[int, Row], now: datetime) -> None:
    following = next_in_line(list(map(_place, rows.values())))
    if following:
        await _step(connection, rows[following.id], Step(VerzoekEvent.TURN), now)


async def _step(connection: Connection, row: Row, step: Step, now: datetime, name: str | None = None) -> None:
    after = verzoek_after(row["state"], step.event)
    if after == row["state"]:
        return
    shown = {"reason": step.reason or None, "advice": step.advice or None}
    values = {"id": row["id"], "state": after, "action": row["action"], "now": now, **shown}
    await connection.execute(_SQL["step"], values)
    if needs_delivery_job(row["state"], after):
        await jobs.defer_about(connection, jobs.DELIVER, row)
    told = {"id": row["id"], "aansluiting_id": row["aansluiting_id"], "now": now, "reason": step.reason}
    await connection.execute(_SQL["tell"], {**told, "name": name or _told(step.event, after)})


def _told(event: VerzoekEvent, after: str) -> str:
    """The name of the step in the timeline."""
    return event if event is VerzoekEvent.TURN else after


async def _rows(connection: Connection, key: Row) -> dict[int, Row]:
    rows = await (await connection.execute(_SQL["line"], key)).fetchall()
    return {row["id"]: row for row in rows}


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
