"""What the worklist is made of, and what is on record of its mails, in PostgreSQL.

Every method is one transaction and raises StorageError when the database fails.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, TypeVar

from digikoppelaar.adapters.postgres import queries
from digikoppelaar.adapters.postgres.connect import Connection, Pool, Row, transaction
from digikoppelaar.flows.worklist_mail import LEASE
from digikoppelaar.flows.worklist_rows import (
    MOST,
    CaseEventRow,
    CpaRow,
    FailingRow,
    HeardRow,
    KennisgevingRow,
    KeptRows,
    Limits,
    MissedRow,
    NotDraftedRow,
    ParkedRow,
    Place,
    Rows,
    UntoldRow,
    WaitingRow,
    WorklistFilter,
    WrongStepRow,
)

Made = TypeVar("Made")

_SQL: Final = {
    name: query.replace(b"RETENTION_KEPT", queries.load("retention")["kept"])
    for name, query in queries.load("worklist").items()
}


@dataclass(frozen=True, slots=True)
class PostgresWorklist:
    """See flows.worklist.WorklistReading and flows.worklist_mail.WorklistStore."""

    pool: Pool

    async def rows(self, wanted: WorklistFilter, limits: Limits, now: datetime) -> Rows:
        """See flows.worklist.WorklistReading."""
        values = {
            **asdict(wanted),
            "most": MOST,
            "fetch_before": now - limits.fetch,
            "failing_before": now - limits.failing,
            "missed_after": now - limits.missed,
            "ends_before": now + timedelta(days=limits.expiry),
            "days": limits.retention,
            "now": now,
        }
        async with transaction(self.pool) as connection:
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            parked = await _made(connection, "parked_versions", values, ParkedRow)
            return Rows(
                waiting=await _made(connection, "waiting", values, WaitingRow),
                parked=[*parked, *await _made(connection, "parked_notifications", values, ParkedRow)],
                missed=await _made(connection, "missed", values, MissedRow),
                heard=await _made(connection, "heard", values, HeardRow),
                failing=await _made(connection, "failing", values, FailingRow),
                kennisgevingen=await _made(connection, "kennisgevingen", values, KennisgevingRow),
                not_drafted=await _made(connection, "not_drafted", values, NotDraftedRow),
                untold=await _made(connection, "untold", values, UntoldRow),
                wrong_steps=await _made(connection, "wrong_steps", values, WrongStepRow),
                case_events=await _made(connection, "case_events", values, CaseEventRow),
                kept=await _made(connection, "kept", values, KeptRows),
                cpas=await _made(connection, "cpas", values, CpaRow),
            )

    async def places(self) -> Sequence[tuple[Place, str]]:
        """See flows.worklist.WorklistReading."""
        async with transaction(self.pool) as connection:
            rows = await _all(connection, "places", {})
        return [(_place(row), row["partij_oin"]) for row in rows]

    async def recipients(self) -> Mapping[str, tuple[str, ...]]:
        """See flows.worklist_mail.WorklistStore."""
        async with transaction(self.pool) as connection:
            rows = await _all(connection, "recipients", {})
        return {row["oin"]: tuple(row["worklist_mail"]) for row in rows}

    async def keep(self, organisatie_oin: str, keys: Sequence[str], now: datetime) -> None:
        """See flows.worklist_mail.WorklistStore."""
        values = {"organisatie_oin": organisatie_oin, "keys": list(keys), "now": now}
        async with transaction(self.pool) as connection:
            await connection.execute(_SQL["close_items"], values)
            await connection.execute(_SQL["open_items"], values)

    async def claim(self, organisatie_oin: str, now: datetime) -> Sequence[str]:
        """See flows.worklist_mail.WorklistStore."""
        values = {"organisatie_oin": organisatie_oin, "now": now, "lapsed": now - LEASE}
        async with transaction(self.pool) as connection:
            return [row["key"] for row in await _all(connection, "claim", values)]

    async def told(self, organisatie_oin: str, keys: Sequence[str], now: datetime) -> None:
        """See flows.worklist_mail.WorklistStore."""
        values = {"organisatie_oin": organisatie_oin, "keys": list(keys), "now": now}
        async with transaction(self.pool) as connection:
            await connection.execute(_SQL["told"], values)

    async def claim_digest(self, organisatie_oin: str, day: date, now: datetime) -> bool:
        """See flows.worklist_mail.WorklistStore."""
        values = {"organisatie_oin": organisatie_oin, "day": day, "now": now, "lapsed": now - LEASE}
        async with transaction(self.pool) as connection:
            return bool((await connection.execute(_SQL["claim_digest"], values)).rowcount)

    async def digest_told(self, organisatie_oin: str, day: date, now: datetime) -> None:
        """See flows.worklist_mail.WorklistStore."""
        values = {"organisatie_oin": organisatie_oin, "day": day, "now": now}
        async with transaction(self.pool) as connection:
            await connection.execute(_SQL["digest_told"], values)


async def _all(connection: Connection, query: str, values: Row) -> list[dict[str, Any]]:
    return await (await connection.execute(_SQL[query], values)).fetchall()


async def _made(connection: Connection, query: str, values: Row, make: Callable[..., Made]) -> list[Made]:
    return [make(place=_place(row), **_rest(row)) for row in await _all(connection, query, values)]


_OF_PLACE: Final = ("aansluiting_id", "omgeving", "organisatie_oin", "organisatie_naam")


def _place(row: Row) -> Place:
    return Place(**{name: row[name] for name in _OF_PLACE})


def _rest(row: Row) -> dict[str, Any]:
    values = {name: value for name, value in row.items() if name not in _OF_PLACE}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
