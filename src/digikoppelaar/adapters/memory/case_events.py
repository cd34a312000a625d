"""The in-memory twin of CaseEventStore. One contract test runs against both."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from digikoppelaar.flows.ports.case_events import CaseEvent, NewCaseEvent


@dataclass(slots=True)
class MemoryCaseEvents:
    """What was told, by id; `delivered` has the verzoeknummer by aansluiting and id of the zaak."""

    rows: dict[int, CaseEvent] = field(default_factory=dict)
    delivered: dict[tuple[int, str], str] = field(default_factory=dict)

    async def take(self, aansluiting_id: int, new: NewCaseEvent, by: str, now: datetime) -> bool:
        """See flows.ports.case_events.CaseEventStore."""
        if any((row.aansluiting_id, row.url) == (aansluiting_id, new.url) for row in self.rows.values()):
            return False
        number = max(self.rows, default=0) + 1
        self.rows[number] = CaseEvent(number, aansluiting_id, new.resource, new.url, new.zaak, by, now, due_at=now)
        return True

    async def claim(self, now: datetime, forsaken: timedelta, limit: int) -> Sequence[CaseEvent]:
        """See flows.ports.case_events.CaseEventStore."""
        due = sorted((row.due_at, row.id) for row in self.rows.values() if row.due_at and row.due_at <= now)
        for _, number in due[:limit]:
            row = self.rows[number]
            self.rows[number] = replace(row, attempts=row.attempts + 1, due_at=now + forsaken)
        return [self.rows[number] for _, number in due[:limit]]

    async def ended(self, event: CaseEvent, outcome: str, kennisgeving_id: int | None, now: datetime) -> bool:
        """See flows.ports.case_events.CaseEventStore."""
        row = self.rows[event.id]
        others = {each.kennisgeving_id for each in self.rows.values() if each.id != event.id} - {None}
        if row.ended_at or kennisgeving_id in others:
            return False
        end = replace(row, ended_at=now, outcome=outcome, kennisgeving_id=kennisgeving_id)
        self.rows[event.id] = replace(end, due_at=None, reason=None, advice=None)
        return True

    async def failed(self, tried: CaseEvent, reason: str, advice: str, due_at: datetime | None) -> None:
        """See flows.ports.case_events.CaseEventStore."""
        row = self.rows[tried.id]
        if row.ended_at is None and row.attempts == tried.attempts:
            self.rows[tried.id] = replace(row, reason=reason, advice=advice, due_at=due_at)

    async def verzoek_of(self, aansluiting_id: int, zaak_id: str) -> str | None:
        """See flows.ports.case_events.CaseEventStore."""
        return self.delivered.get((aansluiting_id, zaak_id))

    async def events(self, *, parked: bool, limit: int) -> Sequence[CaseEvent]:
        """See flows.ports.case_events.CaseEventStore."""
        found = [row for row in self.rows.values() if not parked or (row.due_at, row.ended_at) == (None, None)]
        return found[::-1][:limit]

    async def again(self, event_id: int, now: datetime) -> bool:
        """See flows.ports.case_events.CaseEventStore."""
        row = self.rows.get(event_id)
        if row is None or row.due_at or row.ended_at:
            return False
        self.rows[event_id] = replace(row, attempts=0, due_at=now, reason=None, advice=None)
        return True

    async def end(self, event_id: int, outcome: str, now: datetime) -> bool:
        """See flows.ports.case_events.CaseEventStore."""
        row = self.rows.get(event_id)
        if row is None or row.due_at or row.ended_at:
            return False
        self.rows[event_id] = replace(row, ended_at=now, outcome=outcome)
        return True

    async def forget(self, before: datetime) -> int:
        """See flows.ports.case_events.CaseEventStore."""
        gone = [
            row.id for row in self.rows.values() if row.ended_at and row.ended_at < before and not row.kennisgeving_id
        ]
        for number in gone:
            del self.rows[number]
        return len(gone)
