"""Days and terms as the law counts them. Pure: which terms there are, and the days equated with a feestdag, are given.

Sources: Algemene termijnenwet (Atw) 1, 3 and 4; how long a term is and what starts it stands with each Termijn.
"""

from calendar import monthrange
from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import date, time, timedelta
from enum import StrEnum
from functools import cache
from typing import Final

from digikoppelaar.drop.model import Periode

ALARM_TIME: Final = time(12)
"""Dutch time; what was planned should be found by then, on the working day after (see `alarm_day`)."""

_DAY: Final = timedelta(days=1)


class Eenheid(StrEnum):
    """In what a term is counted."""

    WEKEN = "weken"
    MAANDEN = "maanden"


class Gebeurtenis(StrEnum):
    """What starts a term."""

    ONTVANGST = "ontvangst"
    VERZENDING = "verzending"
    TERINZAGELEGGING = "terinzagelegging"
    EINDE_BESLISTERMIJN = "einde beslistermijn"


class Begin(StrEnum):
    """Whether the day of the event is itself the first day of the term."""

    DAG_ZELF = "dag zelf"
    DAG_ERNA = "dag erna"


@dataclass(frozen=True, slots=True)
class Termijn:
    """A term of the law: so many weeks or months, from (the day after) an event. `bron` is where the law says it."""

    naam: str
    aantal: int
    eenheid: Eenheid
    gebeurtenis: Gebeurtenis
    begin: Begin
    bron: str
    provisional: bool


@dataclass(frozen=True, slots=True)
class Rekenregels:
    """The terms by name, and the days that a decision equated with a feestdag (Atw 3, lid 3)."""

    termijnen: Mapping[str, Termijn]
    gelijkgesteld: frozenset[date] = frozenset()

    def period(self, naam: str, event: date) -> Periode:
        """First and last day of the term called `naam` when its event was on `event`."""
        return period(self.termijnen[naam], event, self.gelijkgesteld)


@cache
def holidays(year: int) -> frozenset[date]:
    """The days of Atw 3: the algemeen erkende feestdagen (lid 1) and Goede Vrijdag, which is equated (lid 2).

    Eerste Paasdag and Eerste Pinksterdag are not in it, and need not be: they are Sundays. Koningsdag is so since 2014.
    """
    easter = easter_sunday(year)
    around_easter = {easter + timedelta(days=days) for days in (-2, 1, 39, 50)}
    return frozenset(around_easter | {date(year, 1, 1), _koningsdag(year), date(year, 5, 5), *_kerst(year)})


def easter_sunday(year: int) -> date:
    """The computus for the Gregorian calendar (Meeus, Astronomical Algorithms, ch. 8)."""
    golden = year % 19
    century, in_century = divmod(year, 100)
    leap_centuries, century_rest = divmod(century, 4)
    moon = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - leap_centuries - moon + 15) % 30
    leap_years, year_rest = divmod(in_century, 4)
    weekday = (32 + 2 * century_rest + 2 * leap_years - epact - year_rest) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


def is_working_day(day: date, equated: Set[date] = frozenset()) -> bool:
    """Whether it is no Saturday, Sunday, feestdag or day in `equated`."""
    return day.isoweekday() < 6 and day not in holidays(day.year) and day not in equated


def working_day_from(day: date, equated: Set[date] = frozenset()) -> date:
    """The first working day that is `day` or later."""
    while not is_working_day(day, equated):
        day += _DAY
    return day


def alarm_day(planned: date, equated: Set[date] = frozenset()) -> date:
    """The working day after `planned`: what is not found then, at ALARM_TIME, somebody must look at."""
    return working_day_from(planned + _DAY, equated)


def period(termijn: Termijn, event: date, equated: Set[date] = frozenset()) -> Periode:
    """First and last day of the term; one that would end on a free day runs on to the next working day (Atw 1)."""
    first = event if termijn.begin is Begin.DAG_ZELF else event + _DAY
    if termijn.eenheid is Eenheid.WEKEN:
        last = first + timedelta(weeks=termijn.aantal) - _DAY
    else:
        last = _months_later(first - _DAY, termijn.aantal)
    return Periode(first, working_day_from(last, equated) if _runs_on(termijn) else last)


def _runs_on(termijn: Termijn) -> bool:
    """The Atw does not hold for terms of more than twelve weeks or three months (Atw 4, a)."""
    return termijn.aantal <= (12 if termijn.eenheid is Eenheid.WEKEN else 3)


def _months_later(day: date, months: int) -> date:
    """The day with the same number, or the last one of a month that has no such day."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _koningsdag(year: int) -> date:
    """27 April, or the day before when that is a Sunday."""
    day = date(year, 4, 27)
    return day - _DAY if day.isoweekday() == 7 else day


def _kerst(year: int) -> tuple[date, date]:
    return date(year, 12, 25), date(year, 12, 26)
