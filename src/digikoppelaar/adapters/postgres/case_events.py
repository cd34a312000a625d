"""The CaseEventStore in PostgreSQL.

Every method is one transaction and raises StorageError when the database fails.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final

from digikoppelaar.adapters.postgres import queries
from digikoppelaar.adapters.postgres.connect import Pool, Row, statement
from digikoppelaar.flows.ports.case_events import CaseEvent, NewCaseEvent, Resource

_SQL: Final = queries.load("case_events")


@dataclass(frozen=True, slots=True)
class PostgresCaseEvents:
    """What case systems told."""

    pool: Pool

    async def take(self, aansluiting_id: int, new: NewCaseEvent, by: str, now: datetime) -> bool:
        """See flows.ports.case_events.CaseEventStore."""
        return bool(await self._run("take", {**asdict(new), "aansluiting_id": aansluiting_id, "by": by, "now": now}))

    async def claim(self, now: datetime, forsaken: timedelta, limit: int) -> Sequence[CaseEvent]:
        """See flows.ports.case_events.CaseEventStore."""
        return await self._events("claim", {"now": now, "until": now + forsaken, "limit": limit})

    async def ended(self, event: CaseEvent, outcome: str, kennisgeving_id: int | None, now: datetime) -> bool:
        """See flows.ports.case_events.CaseEventStore."""
        values = {"id": event.id, "outcome": outcome, "kennisgeving_id": kennisgeving_id, "now": now}
        return bool(await self._run("ended", values))

    async def failed(self, tried: CaseEvent, reason: str, advice: str, due_at: datetime | None) -> None:
        """See flows.ports.case_events.CaseEventStore."""
        why = {"reason": reason, "advice": advice, "due_at": due_at}
        await self._run("failed", {"id": tried.id, "attempts": tried.attempts, **why})

    async def verzoek_of(self, aansluiting_id: int, zaak_id: str) -> str | None:
        """See flows.ports.case_events.CaseEventStore."""
        values = {"aansluiting_id": aansluiting_id, "zaak_id": zaak_id}
        async with statement(self.pool) as connection:
            row = await (await connection.execute(_SQL["verzoek_of"], values)).fetchone()
        return row["verzoeknummer"] if row else None

    async def events(self, *, parked: bool, limit: int) -> Sequence[CaseEvent]:
        """See flows.ports.case_events.CaseEventStore."""
        return await self._events("events", {"parked": parked, "limit": limit})

    async def again(self, event_id: int, now: datetime) -> bool:
        """See flows.ports.case_events.CaseEventStore."""
        return bool(await self._run("again", {"id": event_id, "now": now}))

    async def end(self, event_id: int, outcome: str, now: datetime) -> bool:
        """See flows.ports.case_events.CaseEventStore."""
        return bool(await self._run("end", {"id": event_id, "outcome": outcome, "now": now}))

    async def forget(self, before: datetime) -> int:
        """See flows.ports.case_events.CaseEventStore."""
        return await self._run("forget", {"before": before})

    async def _events(self, query: str, values: Row) -> Sequence[CaseEvent]:
        async with statement(self.pool) as connection:
            rows = await (await connection.execute(_SQL[query], values)).fetchall()
        return [CaseEvent(**{**row, "resource": Resource(row["resource"])}) for row in rows]

    async def _run(self, query: str, values: Row) -> int:
        async with statement(self.pool) as connection:
            return (await connection.execute(_SQL[query], values)).rowcount
