"""The CatchUpStore in PostgreSQL. What is missing is judged by `flows.catch_up`; here it is made durable.

Every method is one transaction and raises StorageError when the database fails.
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Final

from psycopg.types.json import Jsonb

from digikoppelaar.adapters.postgres import jobs, queries, version_order
from digikoppelaar.adapters.postgres.connect import Connection, Pool, Row, transaction
from digikoppelaar.flows.catch_up import delivering, left_to_another, missing
from digikoppelaar.flows.intake_states import NotificationState
from digikoppelaar.flows.ports import Aansluiting
from digikoppelaar.flows.ports.catch_up import Area, DayFigures, DayReport, NotSince, OnRecord, Span
from digikoppelaar.stam.rules import kopiebericht
from digikoppelaar.stam.search import Zaakverwijzing

_SQL: Final = queries.load("catch_up")


@dataclass(frozen=True, slots=True)
class PostgresCatchUp:
    """Areas, searches, what they found, and daily reports."""

    pool: Pool

    async def area(self, organisatie_oin: str) -> Area | None:
        """See flows.ports.catch_up.CatchUpStore."""
        rows = await self._ask("area", {"oin": organisatie_oin})
        return Area(**rows[0]) if rows else None

    async def put_area(self, area: Area, now: datetime) -> None:
        """See flows.ports.catch_up.CatchUpStore."""
        values = {"oin": area.organisatie_oin, "geometry": Jsonb(area.geometry), "sha256": area.sha256}
        await self._do("put_area", {**values, "source": area.source, "now": now})

    async def last(self, aansluiting_id: int, area: Area) -> datetime | None:
        """See flows.ports.catch_up.CatchUpStore."""
        [row] = await self._ask("last", {"aansluiting_id": aansluiting_id, "area_sha256": area.sha256})
        until: datetime | None = row["until"]
        return until

    async def begin(
        self, aansluiting_id: int, span: Span, area: Area, now: datetime, unless: NotSince | None
    ) -> int | None:
        """See flows.ports.catch_up.CatchUpStore."""
        which = {"aansluiting_id": aansluiting_id, "area_sha256": area.sha256}
        async with transaction(self.pool) as connection:
            await connection.execute(_SQL["lock"], which)
            if unless and (await _one(connection, "too_soon", {**which, **asdict(unless)}))["too_soon"]:
                return None
            return int((await _one(connection, "begin", {**which, **asdict(span), "now": now}))["id"])

    async def on_record(self, aansluiting_id: int, verzoeknummer: str) -> OnRecord:
        """See flows.ports.catch_up.CatchUpStore."""
        async with transaction(self.pool) as connection:
            return await _on_record(connection, {"aansluiting_id": aansluiting_id, "verzoeknummer": verzoeknummer})

    async def take_in(
        self, search_id: int, aansluiting: Aansluiting, found: Zaakverwijzing, now: datetime
    ) -> int | None:
        """See flows.ports.catch_up.CatchUpStore."""
        key = {"aansluiting_id": aansluiting.id, "verzoeknummer": found.verzoeknummer}
        volgnummer = -1 if found.volgnummer is None else found.volgnummer
        values = {**key, "search_id": search_id, "volgnummer": volgnummer, "doel": found.doel, "now": now}
        async with transaction(self.pool) as connection:
            await version_order.lock(connection, key)
            known = await _on_record(connection, key)
            if left_to_another(found, known, aansluiting.organisatie_oin, aansluiting.rules):
                return None
            await connection.execute(_SQL["found"], values)
            absent = missing(found, known, aansluiting.organisatie_oin)
            return await _announced(connection, values, found) if absent else None

    async def complete(self, search_id: int, seen: int, now: datetime) -> None:
        """See flows.ports.catch_up.CatchUpStore."""
        await self._do("complete", {"id": search_id, "seen": seen, "now": now})

    async def failed(self, search_id: int, reason: str, advice: str, now: datetime) -> None:
        """See flows.ports.catch_up.CatchUpStore."""
        await self._do("failed", {"id": search_id, "reason": reason, "advice": advice, "now": now})

    async def figures(self, aansluiting_id: int, begins: datetime, ends: datetime) -> DayFigures:
        """See flows.ports.catch_up.CatchUpStore."""
        [row] = await self._ask("figures", {"aansluiting_id": aansluiting_id, "begins": begins, "ends": ends})
        return _figures(row)

    async def keep_report(self, report: DayReport, now: datetime) -> None:
        """See flows.ports.catch_up.CatchUpStore."""
        figures = asdict(report.figures)
        until = report.figures.searched_until
        figures["searched_until"] = until.isoformat() if until else None
        content = Jsonb({"figures": figures, "problem": report.problem, "advice": report.advice})
        values = {"aansluiting_id": report.aansluiting_id, "day": report.day, "report": content, "now": now}
        await self._do("keep_report", values)

    async def reports(self, day: date) -> Sequence[DayReport]:
        """See flows.ports.catch_up.CatchUpStore."""
        return [_report(row) for row in await self._ask("reports", {"day": day})]

    async def reported(self, day: date) -> Collection[int]:
        """See flows.ports.catch_up.CatchUpStore."""
        return {row["aansluiting_id"] for row in await self._ask("reports", {"day": day})}

    async def _ask(self, query: str, values: Row) -> list[dict[str, Any]]:
        async with transaction(self.pool) as connection:
            return await (await connection.execute(_SQL[query], values)).fetchall()

    async def _do(self, query: str, values: Row) -> None:
        async with transaction(self.pool) as connection:
            await connection.execute(_SQL[query], values)


async def _one(connection: Connection, query: str, values: Row) -> dict[str, Any]:
    row = await (await connection.execute(_SQL[query], values)).fetchone()
    assert row is not None
    return row


async def _on_record(connection: Connection, key: Row) -> OnRecord:
    copied = {**key, "kopiebericht": kopiebericht.__name__}
    versions = await (await connection.execute(_SQL["versions"], copied)).fetchall()
    waiting = await (await connection.execute(_SQL["waiting"], key)).fetchall()
    return OnRecord(
        versions=tuple((row["volgnummer"], row["doel"]) for row in versions),
        waiting=bool(waiting),
        waiting_withdrawal=any(row["withdrawal"] for row in waiting),
        delivers=delivering(row["action"] for row in versions),
        copies=frozenset(row["volgnummer"] for row in versions if row["copy"]),
    )


async def _announced(connection: Connection, values: Row, found: Zaakverwijzing) -> int:
    """The notification with its job to fetch, as of one that came in."""
    new = {**values, "withdrawal": found.withdrawal, "state": NotificationState.RECEIVED}
    row = await _one(connection, "notify", new)
    await jobs.defer_about(connection, jobs.FETCH, row)
    await connection.execute(_SQL["step"], {**values, "notification_id": row["id"]})
    return int(row["id"])


def _figures(row: Row) -> DayFigures:
    until = row["searched_until"]
    return DayFigures(
        found=row["found"],
        received=row["received"],
        caught_up=row["caught_up"],
        delivered=row["delivered"],
        not_here=tuple(row["not_here"]),
        not_delivered=tuple(row["not_delivered"]),
        searched_until=datetime.fromisoformat(until) if isinstance(until, str) else until,
    )


def _report(row: Row) -> DayReport:
    kept = row["report"]
    whose = (row["aansluiting_id"], row["organisatie_oin"], row["organisatie_naam"], row["omgeving"])
    return DayReport(*whose, row["day"], _figures(kept["figures"]), kept["problem"], kept["advice"])
