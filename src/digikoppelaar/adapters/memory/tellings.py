"""The in-memory twin of TellingStore. One contract test runs against both."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from digikoppelaar.flows.kennisgeving_states import TOLD_OF, KennisgevingState
from digikoppelaar.flows.ports.kennisgevingen import Origin, StoredKennisgeving
from digikoppelaar.flows.ports.repair import ParkedFilter, Who
from digikoppelaar.flows.ports.tellings import Case, StoredTelling, Telling
from digikoppelaar.stam.codes import INITIEREN, VERGUNNINGAANVRAAG


@dataclass(slots=True)
class MemoryTellings:
    """Tellings by id. `webhooks` are aansluitingen that have one, `cases` what targets took, with its reference."""

    rows: dict[int, StoredTelling] = field(default_factory=dict)
    webhooks: set[int] = field(default_factory=set)
    cases: dict[tuple[Origin, str], Case] = field(default_factory=dict)
    begun: dict[int, datetime] = field(default_factory=dict)
    kennisgevingen: dict[int, StoredKennisgeving] = field(default_factory=dict)
    owners: dict[int, tuple[str, str]] = field(default_factory=dict)
    """Omgeving and OIN of aansluitingen, as a filter knows them."""

    def plan(self, moved: StoredKennisgeving, now: datetime) -> None:
        """A kennisgeving came to another state."""
        self.kennisgevingen[moved.id] = moved
        if moved.state not in TOLD_OF:
            return
        if moved.key.aansluiting_id in self.webhooks:
            self._add(moved.key.aansluiting_id, moved, None, now)
        if moved.state == KennisgevingState.PUBLISHED:
            for origin, target in self.cases:
                if origin == moved.origin:
                    self._add(origin.aansluiting_id, moved, target, now)

    def took(self, origin: Origin, target: str, reference: str, now: datetime) -> None:
        """A target took the verzoek, an application for a permit."""
        self.cases[origin, target] = Case(origin.verzoeknummer, reference, VERGUNNINGAANVRAAG, INITIEREN)
        for each in self._published(origin):
            if target not in {row.target for row in self.rows.values() if row.kennisgeving_id == each.id}:
                self._add(origin.aansluiting_id, each, target, now)

    async def claim(self, now: datetime, forsaken: timedelta, slots: int) -> Sequence[Telling]:
        """See flows.ports.tellings.TellingStore."""
        busy = Counter(_receiver(self.rows[each]) for each, at in self.begun.items() if at > now - forsaken)
        first: dict[object, StoredTelling] = {}
        for row in self.rows.values():
            if row.due_at is not None:
                first.setdefault((_receiver(row), self._about(row)), row)
        due = sorted((row.due_at, row.id) for row in first.values() if row.due_at and row.due_at <= now)
        claimed = []
        for _, each in due:
            row = self.rows[each]
            if busy[_receiver(row)] < slots:
                busy[_receiver(row)] += 1
                self.begun[each] = now
                self.rows[each] = replace(row, attempts=row.attempts + 1, due_at=now + forsaken)
                claimed.append(self._claimed(self.rows[each]))
        return claimed

    async def told(self, told: StoredTelling, note: str, now: datetime) -> None:
        """See flows.ports.tellings.TellingStore."""
        self.begun.pop(told.id, None)
        row = self.rows[told.id]
        self.rows[told.id] = replace(row, due_at=None, told_at=now, note=note, reason=None, advice=None)

    async def failed(self, tried: StoredTelling, reason: str, advice: str, due_at: datetime | None) -> None:
        """See flows.ports.tellings.TellingStore."""
        row = self.rows[tried.id]
        if row.attempts == tried.attempts and row.told_at is None:
            self.begun.pop(tried.id, None)
            self.rows[tried.id] = replace(row, due_at=due_at, reason=reason, advice=advice)

    async def of(self, kennisgeving_id: int) -> Sequence[StoredTelling]:
        """See flows.ports.tellings.TellingStore."""
        return [row for row in self.rows.values() if row.kennisgeving_id == kennisgeving_id]

    async def parked(self, wanted: ParkedFilter) -> Sequence[int]:
        """See flows.ports.tellings.TellingStore."""
        waits = sorted((row.at, row.kennisgeving_id) for row in self.rows.values() if self._fits(row, wanted))
        return list(dict.fromkeys(number for _, number in waits))[: wanted.limit]

    def _fits(self, row: StoredTelling, wanted: ParkedFilter) -> bool:
        omgeving, oin = self.owners.get(row.aansluiting_id, ("", ""))
        return (
            (row.due_at, row.told_at) == (None, None)
            and wanted.omgeving in {None, omgeving}
            and wanted.organisatie_oin in {None, oin}
            and wanted.target in {None, row.target}
            and (wanted.reason is None or wanted.reason.lower() in (row.reason or "").lower())
        )

    async def again(self, kennisgeving_id: int, who: Who, *, told_too: bool = False) -> int:
        """See flows.ports.tellings.TellingStore."""
        ended = [row for row in await self.of(kennisgeving_id) if row.due_at is None and (told_too or not row.told_at)]
        for row in ended:
            due = replace(row, attempts=0, due_at=who.at, told_at=None, note="", reason=None, advice=None)
            self.rows[row.id] = due
        return len(ended)

    def _add(self, aansluiting_id: int, about: StoredKennisgeving, target: str | None, now: datetime) -> None:
        number = len(self.rows) + 1
        self.rows[number] = StoredTelling(number, aansluiting_id, about.id, target, about.state, now, due_at=now)

    def _claimed(self, row: StoredTelling) -> Telling:
        about = self.kennisgevingen[row.kennisgeving_id]
        case = self.cases.get((about.origin, row.target)) if about.origin and row.target else None
        later = [each for each in self._published(about.origin) if _order(each) > _order(about)]
        return Telling(row, about, case, newest=not later)

    def _about(self, row: StoredTelling) -> object:
        about = self.kennisgevingen[row.kennisgeving_id]
        return about.id if row.target is None else about.origin

    def _published(self, origin: Origin | None) -> Iterator[StoredKennisgeving]:
        """Of this verzoek."""
        for each in self.kennisgevingen.values():
            if origin is not None and each.origin == origin and each.state == KennisgevingState.PUBLISHED:
                yield each


def _receiver(row: StoredTelling) -> tuple[int, str | None]:
    return row.aansluiting_id, row.target


def _order(row: StoredKennisgeving) -> tuple[str, int]:
    return (row.publication.published_on.isoformat() if row.publication else "", row.id)
