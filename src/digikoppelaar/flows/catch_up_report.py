"""The daily report: what DSO-LV has of a day, what came in here, and what the case system got, per aansluiting.

It is kept, so that a worklist or mail may show it; who sends it is not here.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from digikoppelaar.flows.catch_up import NO_AREA
from digikoppelaar.flows.ports import Aansluiting
from digikoppelaar.flows.ports.catch_up import CatchUpStore, DayFigures, DayReport
from digikoppelaar.stam.times import read_moment

LATER: Final = timedelta(hours=2)
"""After midnight, the report of the day before waits this long for the search that reaches midnight."""

_NOT_HERE: Final = "Zoek opnieuw met `digikoppelaar verzoek catch-up`; blijft het, meld het dan bij DSO-LV."
_NOT_DELIVERED: Final = "Kijk met `digikoppelaar verzoek show` waarop elk van deze verzoeken wacht."
_NOT_SEARCHED: Final = "Er is niet tot het einde van de dag gezocht: `digikoppelaar verzoek catch-up` zegt waarom."


async def report_of(
    store: CatchUpStore, aansluitingen: Iterable[Aansluiting], day: date, now: datetime
) -> Sequence[DayReport]:
    """Make and keep the reports of `day` (Dutch time), in place of earlier ones. Raises StorageError."""
    made = [await as_it_stands(store, aansluiting, day, now) for aansluiting in aansluitingen]
    for report in made:
        await store.keep_report(report, now)
    return made


async def as_it_stands(store: CatchUpStore, aansluiting: Aansluiting, day: date, now: datetime) -> DayReport:
    """The report of `day` as the record is at this moment; nothing is kept. Raises StorageError."""
    begins, ends = day_of(day)
    figures = await store.figures(aansluiting.id, begins, ends)
    has_area = await store.area(aansluiting.organisatie_oin) is not None
    return judged(aansluiting, day, figures, has_area=has_area, reached=min(ends, now))


async def asked_for(
    store: CatchUpStore, aansluitingen: Iterable[Aansluiting], day: date, now: datetime, *, again: bool = False
) -> Sequence[DayReport]:
    """The reports of `day` for a person: those that were kept, and the others as it stands. Raises StorageError.

    `again`: all of them as it stands.
    """
    kept = {} if again else {each.aansluiting_id: each for each in await store.reports(day)}
    return [kept.get(each.id) or await as_it_stands(store, each, day, now) for each in aansluitingen]


async def report_of_yesterday(
    store: CatchUpStore, aansluitingen: Sequence[Aansluiting], now: datetime
) -> Sequence[DayReport]:
    """Make the reports of the day before, of the aansluitingen that have none yet. Raises StorageError."""
    yesterday = dutch_day(now - LATER) - timedelta(days=1)
    done = await store.reported(yesterday)
    return await report_of(store, [each for each in aansluitingen if each.id not in done], yesterday, now)


def judged(aansluiting: Aansluiting, day: date, figures: DayFigures, *, has_area: bool, reached: datetime) -> DayReport:
    """The report with the first thing that is wrong with the day. `reached`: up to when it had to be searched."""
    problem, advice = None, None
    if not has_area:
        problem, advice = "this organisatie has no area, so nothing was searched", NO_AREA
    elif figures.not_here:
        problem, advice = f"{len(figures.not_here)} found but not here", _NOT_HERE
    elif figures.searched_until is None or figures.searched_until < reached - LATER:
        problem, advice = "not searched up to the end of the day", _NOT_SEARCHED
    elif figures.not_delivered:
        problem, advice = f"{len(figures.not_delivered)} found but not delivered", _NOT_DELIVERED
    whose = (aansluiting.id, aansluiting.organisatie_oin, aansluiting.organisatie_naam, aansluiting.omgeving)
    return DayReport(*whose, day, figures, problem, advice)


def day_of(day: date) -> tuple[datetime, datetime]:
    """When a Dutch day begins and ends, in UTC."""
    begins, ends = (read_moment(datetime.combine(each, time()).isoformat()) for each in (day, day + timedelta(days=1)))
    assert begins
    assert ends
    return begins, ends


def dutch_day(moment: datetime) -> date:
    """The date in the Netherlands at this moment."""
    day = moment.astimezone(UTC).date()
    return next(each for each in (day + timedelta(days=1), day) if day_of(each)[0] <= moment)
