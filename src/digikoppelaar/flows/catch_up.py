"""Finding verzoeken whose notification never came: search DSO-LV, keep ours, compare, and announce what is missing.

    area and last complete search ──▶ DSO-LV `_zoek`, page after page ──▶ those of our OIN ──▶ missing here?
        ──▶ a notification row with its job, as if it had come ──▶ the last complete search moves

Judging is pure. Each found verzoek is one transaction that may run twice; the last complete search moves only after
all of them, so that after a kill the next search starts where this one did. What is of other OINs ends in `ours`,
before anything is stored or logged.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import structlog

from digikoppelaar.errors import ConfigError, DigikoppelaarError, VerzoekError, told
from digikoppelaar.flows.catch_up_area import rings
from digikoppelaar.flows.ports import Aansluiting, Clock
from digikoppelaar.flows.ports.catch_up import (
    Area,
    CatchUpStore,
    NotSince,
    OnRecord,
    Search,
    Span,
)
from digikoppelaar.stam import codes
from digikoppelaar.stam.rules import Action, RuleSettings, withdraws
from digikoppelaar.stam.search import Zaakverwijzing

log = structlog.get_logger()

RETRY: Final = timedelta(minutes=10)
"""After a search that failed or was cut off, the next one waits this long, or the interval when that is shorter."""

NO_AREA: Final = "Leg het gebied vast met `digikoppelaar verzoek area import`; zonder gebied kan niet worden gezocht."


@dataclass(frozen=True, slots=True)
class CatchUpSettings:
    """`overlap` before the last complete search, `first` when there is none (OW-GEM: the last 7 days).

    `grace`: what was submitted later than this is left to its notification, which is most likely under way.
    """

    interval: timedelta = timedelta(hours=1)
    overlap: timedelta = timedelta(hours=1)
    first: timedelta = timedelta(days=7)
    grace: timedelta = timedelta(minutes=15)


# --- judging: pure -----------------------------------------------------------------------------------------


def span(now: datetime, last: datetime | None, settings: CatchUpSettings, since: datetime | None = None) -> Span:
    """The period to search up to `now`; from `since` when a person asks for it.

    Raises ConfigError when `since` is not before `now`.
    """
    reach = last - settings.overlap if last else now - settings.first
    begins = since or reach
    if begins >= now:
        raise ConfigError("the search would begin after its end", advice="Kies voor --since een eerder tijdstip.")
    return Span(begins, now, covers=begins <= (last or reach))


def ours(found: Iterable[Zaakverwijzing], oin: str) -> list[Zaakverwijzing]:
    """Those that name this OIN as bevoegd gezag or behandeldienst, versions in order, a withdrawal last."""
    own = {each for each in found if oin in (each.bevoegd_gezag, each.behandeldienst)}
    return sorted(own, key=lambda each: (each.verzoeknummer, each.withdrawal, each.volgnummer or 0, each.doel))


def left_to_another(found: Zaakverwijzing, known: OnRecord, oin: str, settings: RuleSettings) -> bool:
    """Whether it is a copy that we do nothing with: another handles it, and no version of it was ever for us.

    The counterpart of `stam.rules.kopiebericht`, which judges what was fetched.
    """
    return _handled_by_another(found, oin) and not known.delivers and settings.kopiebericht is not Action.KEEP_APART


def _handled_by_another(found: Zaakverwijzing, oin: str) -> bool:
    """Without a behandeldienst it is the bevoegd gezag who handles it: clients tell a copy by it (stam.md 3.2)."""
    return found.behandeldienst not in (None, "", oin)


def delivering(actions: Iterable[str]) -> bool:
    """Whether the versions with these actions, or one of them, go to our case system or wait for a person."""
    return any(each not in (Action.IGNORE, Action.KEEP_APART) for each in actions)


def missing(found: Zaakverwijzing, known: OnRecord, oin: str) -> bool:
    """Whether a verzoek of ours has to be fetched.

    What is fetched is always the newest version (stam.md 3.2), so a version is had when a later one is, or when a
    notification waits. A copy that we set aside is not had when nobody else handles it now: it was handed back.
    """
    if found.withdrawal:
        return not known.waiting_withdrawal and not any(withdraws(doel, number) for number, doel in known.versions)
    copies = frozenset[int]() if _handled_by_another(found, oin) else known.copies
    return not known.waiting and not _had(found, [number for number, _ in known.versions if number not in copies])


def _had(found: Zaakverwijzing, versions: Sequence[int]) -> bool:
    if found.volgnummer is not None:
        return any(number >= found.volgnummer for number in versions)
    return any(number > 0 for number in versions) if found.doel == codes.AANVULLEN else bool(versions)


# --- searching ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Missed:
    """A verzoek that we did not have; `notification_id` is None in a dry run."""

    verzoeknummer: str
    volgnummer: int | None
    doel: str
    notification_id: int | None


@dataclass(frozen=True, slots=True)
class Searched:
    """What one search came to. `seen` are all that DSO-LV named, `ours` those of our OIN.

    `problem` and `advice` (Dutch) say why it is not complete; what was found until then is on record all the same.
    """

    organisatie_oin: str
    omgeving: str
    since: datetime | None = None
    until: datetime | None = None
    seen: int = 0
    ours: int = 0
    missed: tuple[Missed, ...] = ()
    dry_run: bool = False
    problem: str | None = None
    advice: str | None = None


Progress = Callable[[Aansluiting, int, int], None]
"""Called with an aansluiting, how many verzoeken DSO-LV named so far, and how many of them are ours."""


def no_progress(aansluiting: Aansluiting, seen: int, own: int) -> None:
    """For whoever does not watch."""


@dataclass(slots=True)
class _Tally:
    """How far one search is."""

    seen: int = 0
    own: set[Zaakverwijzing] = field(default_factory=set)
    missed: list[Missed] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class CatchUp:
    """Searches with these parts; `search_for` gives `_zoek` as one aansluiting sees it."""

    store: CatchUpStore
    search_for: Callable[[Aansluiting], Search]
    clock: Clock
    settings: CatchUpSettings = field(default_factory=CatchUpSettings)
    progress: Progress = no_progress

    async def due(self, aansluiting: Aansluiting) -> Searched | None:
        """The periodic search; None when it is not its time, or another node is at it. Raises StorageError."""
        area = await self.store.area(aansluiting.organisatie_oin)
        if area is None:
            return _without_area(aansluiting)
        now = self.clock.now()
        last = await self.store.last(aansluiting.id, area)
        period = span(now - self.settings.grace, last, self.settings)
        unless = NotSince(now - self.settings.interval, now - min(RETRY, self.settings.interval))
        search_id = await self.store.begin(aansluiting.id, period, area, now, unless)
        return None if search_id is None else await self._searched(aansluiting, area, period, search_id)

    async def by_hand(
        self, aansluiting: Aansluiting, since: datetime | None = None, *, dry_run: bool = False
    ) -> Searched:
        """Search now, up to this moment. A dry run stores nothing. Raises ConfigError or StorageError."""
        area = await self.store.area(aansluiting.organisatie_oin)
        if area is None:
            return _without_area(aansluiting)
        now = self.clock.now()
        period = span(now, await self.store.last(aansluiting.id, area), self.settings, since)
        search_id = None if dry_run else await self.store.begin(aansluiting.id, period, area, now, None)
        return await self._searched(aansluiting, area, period, search_id)

    async def _searched(self, aansluiting: Aansluiting, area: Area, period: Span, search_id: int | None) -> Searched:
        """What came of a search; without `search_id` it is a dry run."""
        tally = _Tally()
        error: Exception | None = None
        try:
            await self._search(aansluiting, area, period, tally)
        except Exception as failure:  # whatever it was, it must be on record that the search is not complete
            error = failure
        try:  # also what was found before the search broke off
            await self._compare(aansluiting, tally, search_id)
        except Exception as failure:
            error = error or failure
        if error and not isinstance(error, DigikoppelaarError):
            log.error("catch_up_broke_off", aansluiting=aansluiting.id, exc_info=error)
        await self._ended(search_id, tally, error)
        log.info(
            "catch_up_searched",
            aansluiting=aansluiting.id,
            complete=error is None,
            ours=len(tally.own),
            missed=[each.verzoeknummer for each in tally.missed],
        )
        return Searched(
            aansluiting.organisatie_oin,
            aansluiting.omgeving,
            period.since,
            period.until,
            tally.seen,
            len(tally.own),
            tuple(tally.missed),
            dry_run=search_id is None,
            problem=told(error) if error else None,
            advice=_advice(error) if error else None,
        )

    async def _search(self, aansluiting: Aansluiting, area: Area, period: Span, tally: _Tally) -> None:
        search, nameless = self.search_for(aansluiting), False
        for ring in rings(area.geometry):
            async for found in search.search(ring, period.since, period.until):
                tally.seen += 1
                own = ours([found], aansluiting.organisatie_oin)
                tally.own.update(each for each in own if each.verzoeknummer)
                nameless = nameless or any(not each.verzoeknummer for each in own)
                self.progress(aansluiting, tally.seen, len(tally.own))
        if nameless:
            raise VerzoekError("DSO-LV found a verzoek for this OIN and gave no verzoeknummer that can be used")

    async def _compare(self, aansluiting: Aansluiting, tally: _Tally, search_id: int | None) -> None:
        for found in ours(tally.own, aansluiting.organisatie_oin):
            if search_id is None:
                known = await self.store.on_record(aansluiting.id, found.verzoeknummer)
                aside = left_to_another(found, known, aansluiting.organisatie_oin, aansluiting.rules)
                made, absent = None, not aside and missing(found, known, aansluiting.organisatie_oin)
            else:
                made = await self.store.take_in(search_id, aansluiting, found, self.clock.now())
                absent = made is not None
            if absent:
                tally.missed.append(Missed(found.verzoeknummer, found.volgnummer, found.doel, made))

    async def _ended(self, search_id: int | None, tally: _Tally, error: Exception | None) -> None:
        if search_id is None:
            return
        if error is None:
            await self.store.complete(search_id, tally.seen, self.clock.now())
        else:
            await self.store.failed(search_id, told(error), _advice(error), self.clock.now())


def _advice(error: Exception) -> str:
    return error.advice if isinstance(error, DigikoppelaarError) else DigikoppelaarError.default_advice


def searchable(aansluitingen: Iterable[Aansluiting]) -> list[Aansluiting]:
    """Those over which verzoeken come in and *Verzoek afhandelen* can be asked."""
    return [each for each in aansluitingen if each.kind == "stam" and each.dso is not None]


def _without_area(aansluiting: Aansluiting) -> Searched:
    problem = f"organisatie {aansluiting.organisatie_oin} has no area on record"
    return Searched(aansluiting.organisatie_oin, aansluiting.omgeving, problem=problem, advice=NO_AREA)
