"""The in-memory twin of CatchUpStore, over the twin of VerzoekStore. One contract test runs against both."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from digikoppelaar.adapters.memory.verzoeken import MemoryVerzoeken
from digikoppelaar.flows.catch_up import delivering, left_to_another, missing
from digikoppelaar.flows.intake_states import NotificationState, VerzoekState
from digikoppelaar.flows.ports import Aansluiting, NewNotification, Verzoek
from digikoppelaar.flows.ports.catch_up import Area, DayFigures, DayReport, NotSince, OnRecord, Span
from digikoppelaar.stam.rules import kopiebericht
from digikoppelaar.stam.search import Zaakverwijzing

_OPEN = (VerzoekState.FETCHING, VerzoekState.WAITING, VerzoekState.FETCHED, VerzoekState.PARKED)


@dataclass(frozen=True, slots=True)
class KeptSearch:
    """A search as it is on record."""

    aansluiting_id: int
    span: Span
    area_sha256: bytes
    began_at: datetime
    seen: int | None = None
    reason: str | None = None


@dataclass(slots=True)
class MemoryCatchUp:
    """Searches by id, counted from 1. When versions were delivered is no business of this twin: it counts none."""

    verzoeken: MemoryVerzoeken
    areas: dict[str, Area] = field(default_factory=dict)
    searches: list[KeptSearch] = field(default_factory=list)
    found: dict[tuple[int, str, int | None, str], datetime] = field(default_factory=dict)
    caught_up: set[int] = field(default_factory=set)
    """Ids of notifications that a search made."""
    kept: dict[tuple[int, date], DayReport] = field(default_factory=dict)

    async def area(self, organisatie_oin: str) -> Area | None:
        """See flows.ports.catch_up.CatchUpStore."""
        return self.areas.get(organisatie_oin)

    async def put_area(self, area: Area, now: datetime) -> None:
        """See flows.ports.catch_up.CatchUpStore."""
        del now
        self.areas[area.organisatie_oin] = area

    async def last(self, aansluiting_id: int, area: Area) -> datetime | None:
        """See flows.ports.catch_up.CatchUpStore."""
        of_area = [each for each in self._of(aansluiting_id) if each.area_sha256 == area.sha256]
        return max((each.span.until for each in of_area if _covering(each)), default=None)

    async def begin(
        self, aansluiting_id: int, span: Span, area: Area, now: datetime, unless: NotSince | None
    ) -> int | None:
        """See flows.ports.catch_up.CatchUpStore."""
        before = [each for each in self._of(aansluiting_id) if each.area_sha256 == area.sha256]
        if unless and any(
            each.began_at > unless.begun or (_covering(each) and each.began_at > unless.complete) for each in before
        ):
            return None
        self.searches.append(KeptSearch(aansluiting_id, span, area.sha256, now))
        return len(self.searches)

    async def on_record(self, aansluiting_id: int, verzoeknummer: str) -> OnRecord:
        """See flows.ports.catch_up.CatchUpStore."""
        versions = [
            each
            for each in self.verzoeken.verzoeken.values()
            if (each.aansluiting.id, each.verzoeknummer) == (aansluiting_id, verzoeknummer)
        ]
        waiting = [
            each
            for each in self.verzoeken.notifications.values()
            if (each.aansluiting.id, each.verzoeknummer) == (aansluiting_id, verzoeknummer)
            and each.state != NotificationState.FETCHED
        ]
        return OnRecord(
            tuple((each.volgnummer, each.doel) for each in versions),
            waiting=bool(waiting),
            waiting_withdrawal=any(each.withdrawal for each in waiting),
            delivers=delivering(each.action for each in versions),
            copies=frozenset(each.volgnummer for each in versions if self._copied(each)),
        )

    def _copied(self, version: Verzoek) -> bool:
        """Whether it was set aside as a copy, and no search announced it since."""
        announced = {
            led_to for notification, led_to in self.verzoeken.verzoek_of.items() if notification in self.caught_up
        }
        aside = version.state in (VerzoekState.IGNORED, VerzoekState.KEPT_APART)
        return aside and version.rule == kopiebericht.__name__ and version.id not in announced

    async def take_in(
        self, search_id: int, aansluiting: Aansluiting, found: Zaakverwijzing, now: datetime
    ) -> int | None:
        """See flows.ports.catch_up.CatchUpStore."""
        del search_id
        known = await self.on_record(aansluiting.id, found.verzoeknummer)
        if left_to_another(found, known, aansluiting.organisatie_oin, aansluiting.rules):
            return None
        self.found.setdefault((aansluiting.id, found.verzoeknummer, found.volgnummer, found.doel), now)
        if not missing(found, known, aansluiting.organisatie_oin):
            return None
        new = NewNotification(found.verzoeknummer, withdrawal=found.withdrawal)
        made = self.verzoeken.announce(aansluiting, new, now)
        self.caught_up.add(made)
        return made

    async def complete(self, search_id: int, seen: int, now: datetime) -> None:
        """See flows.ports.catch_up.CatchUpStore."""
        del now
        self.searches[search_id - 1] = replace(self.searches[search_id - 1], seen=seen)

    async def failed(self, search_id: int, reason: str, advice: str, now: datetime) -> None:
        """See flows.ports.catch_up.CatchUpStore."""
        del advice, now
        self.searches[search_id - 1] = replace(self.searches[search_id - 1], reason=reason)

    async def figures(self, aansluiting_id: int, begins: datetime, ends: datetime) -> DayFigures:
        """See flows.ports.catch_up.CatchUpStore."""
        found = [key for key, at in self.found.items() if key[0] == aansluiting_id and begins <= at < ends]
        came = [
            each.id
            for each in self.verzoeken.notifications.values()
            if each.aansluiting.id == aansluiting_id and begins <= each.received_at < ends
        ]
        numbers = sorted({number for _, number, _, _ in found})
        known = {number: await self.on_record(aansluiting_id, number) for number in numbers}
        covering = [each.span.until for each in self._of(aansluiting_id) if _covering(each)]
        return DayFigures(
            found=len(found),
            received=len(set(came) - self.caught_up),
            caught_up=len(set(came) & self.caught_up),
            delivered=0,
            not_here=tuple(number for number in numbers if not known[number].versions and not known[number].waiting),
            not_delivered=tuple(n for n in numbers if known[n].waiting or self._open(aansluiting_id, n)),
            searched_until=max(covering, default=None),
        )

    async def keep_report(self, report: DayReport, now: datetime) -> None:
        """See flows.ports.catch_up.CatchUpStore."""
        del now
        self.kept[report.aansluiting_id, report.day] = report

    async def reports(self, day: date) -> Sequence[DayReport]:
        """See flows.ports.catch_up.CatchUpStore."""
        found = [report for (_, of), report in self.kept.items() if of == day]
        return sorted(found, key=lambda each: (each.organisatie_oin, each.omgeving))

    async def reported(self, day: date) -> Collection[int]:
        """See flows.ports.catch_up.CatchUpStore."""
        return {report.aansluiting_id for report in await self.reports(day)}

    def _of(self, aansluiting_id: int) -> list[KeptSearch]:
        return [each for each in self.searches if each.aansluiting_id == aansluiting_id]

    def _open(self, aansluiting_id: int, verzoeknummer: str) -> bool:
        return any(
            (each.aansluiting.id, each.verzoeknummer) == (aansluiting_id, verzoeknummer) and each.state in _OPEN
            for each in self.verzoeken.verzoeken.values()
        )


def _covering(search: KeptSearch) -> bool:
    return search.seen is not None and search.span.covers
