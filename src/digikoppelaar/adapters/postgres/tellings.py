"""The TellingStore in PostgreSQL. Its rows are made where kennisgevingen move and where a target takes a verzoek.

Every method is one transaction and raises StorageError when the database fails.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Final

from digikoppelaar.adapters.postgres import queries
from digikoppelaar.adapters.postgres.connect import Pool, Row, statement, transaction
from digikoppelaar.adapters.postgres.kennisgevingen import stored
from digikoppelaar.flows.ports.repair import ParkedFilter, Who
from digikoppelaar.flows.ports.tellings import Case, StoredTelling, Telling

_SQL: Final = queries.load("tellings")
_FIELDS: Final = [each.name for each in fields(StoredTelling)]


@dataclass(frozen=True, slots=True)
class PostgresTellings:
    """flows.ports.tellings.TellingStore."""

    pool: Pool

    async def claim(self, now: datetime, forsaken: timedelta, slots: int) -> Sequence[Telling]:
        """See flows.ports.tellings.TellingStore."""
        values = {"now": now, "until": now + forsaken, "forsaken": now - forsaken, "slots": slots}
        async with transaction(self.pool) as connection:
            claimed = await (await connection.execute(_SQL["claim"], values)).fetchall()
            if not claimed:
                return []
            ids = {"ids": [row["id"] for row in claimed]}
            about = {row["telling_id"]: row for row in await (await connection.execute(_SQL["about"], ids)).fetchall()}
        return [_claimed(_telling(row), about[row["id"]]) for row in claimed]

    async def told(self, told: StoredTelling, note: str, now: datetime) -> None:
        """See flows.ports.tellings.TellingStore."""
        await self._run("told", {"id": told.id, "note": note, "now": now})

    async def failed(self, tried: StoredTelling, reason: str, advice: str, due_at: datetime | None) -> None:
        """See flows.ports.tellings.TellingStore."""
        why = {"reason": reason, "advice": advice, "due_at": due_at}
        await self._run("failed", {"id": tried.id, "attempts": tried.attempts, **why})

    async def of(self, kennisgeving_id: int) -> Sequence[StoredTelling]:
        """See flows.ports.tellings.TellingStore."""
        async with statement(self.pool) as connection:
            rows = await (await connection.execute(_SQL["of"], {"kennisgeving_id": kennisgeving_id})).fetchall()
        return [_telling(row) for row in rows]

    async def parked(self, wanted: ParkedFilter) -> Sequence[int]:
        """See flows.ports.tellings.TellingStore."""
        async with statement(self.pool) as connection:
            rows = await (await connection.execute(_SQL["parked"], asdict(wanted))).fetchall()
        return [row["kennisgeving_id"] for row in rows]

    async def again(self, kennisgeving_id: int, who: Who, *, told_too: bool = False) -> int:
        """See flows.ports.tellings.TellingStore."""
        values = {"kennisgeving_id": kennisgeving_id, "at": who.at, "by": who.name, "told_too": told_too}
        async with transaction(self.pool) as connection:
            moved = (await connection.execute(_SQL["again"], values)).rowcount
            if moved:
                await connection.execute(_SQL["log_again"], values)
        return moved

    async def _run(self, query: str, values: Row) -> None:
        async with statement(self.pool) as connection:
            await connection.execute(_SQL[query], values)


def _telling(row: Row) -> StoredTelling:
    return StoredTelling(**{name: row[name] for name in _FIELDS})


def _claimed(row: StoredTelling, about: Row) -> Telling:
    taken = about["type"] is not None
    case = Case(*(about[name] for name in ("verzoeknummer", "case_reference", "type", "doel"))) if taken else None
    return Telling(row, stored(about), case, about["newest"])
