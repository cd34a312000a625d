"""The days of a notice: in order, and the periods no shorter than the law wants. Pure."""

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import pairwise
from typing import Final

from digikoppelaar.drop.dates import dutch_date
from digikoppelaar.drop.findings import Given, Seen
from digikoppelaar.drop.model import Data, Kennisgeving, Moment, Periode, Procedure
from digikoppelaar.drop.terms import is_working_day

YEARS: Final = range(2014, 2100)
"""Others are a slip of the pen."""

REACTIE: Final[Mapping[tuple[Procedure, Moment], str]] = {
    (Procedure.REGULIER, Moment.BESLUIT): "bezwaar",
    (Procedure.UITGEBREID, Moment.ONTWERPBESLUIT): "zienswijze",
    (Procedure.UITGEBREID, Moment.BESLUIT): "beroep",
}
"""How can be reacted, and the name of its term."""


def terms(kennisgeving: Kennisgeving, given: Given) -> Iterator[Seen]:
    """Every finding about days; none but that one when a day cannot be right."""
    implausible = [where for where, day in _days(kennisgeving.data) if day.year not in YEARS]
    if implausible:
        yield from (Seen("date-implausible", where) for where in implausible)
        return
    yield from _order(kennisgeving.data, given.today)
    yield from _publication(kennisgeving, given)
    for where, period in (("inzage", kennisgeving.data.inzage), ("reactie", kennisgeving.data.reactie)):
        if period and period.laatste < period.eerste:
            yield Seen("period-reversed", where)
    yield from _inspection(kennisgeving, given)
    yield from _reaction(kennisgeving, given)


def _days(data: Data) -> Iterator[tuple[str, date]]:
    named = {
        "ontvangst": data.ontvangst,
        "besluit": data.besluit,
        "verzending": data.verzending,
        "publicatie": data.publicatie,
    }
    for where, period in (("inzage", data.inzage), ("reactie", data.reactie)):
        if period:
            named |= {f"{where}, eerste dag": period.eerste, f"{where}, laatste dag": period.laatste}
    yield from ((where, day) for where, day in named.items() if day)


def _order(data: Data, today: date) -> Iterator[Seen]:
    in_order = [day for day in (data.ontvangst, data.besluit, data.verzending) if day]
    if any(later < earlier for earlier, later in pairwise(in_order)):
        yield Seen("dates-out-of-order", "data")
    if data.ontvangst and data.ontvangst > today:
        yield Seen("ontvangst-in-future", "ontvangst")


def _publication(kennisgeving: Kennisgeving, given: Given) -> Iterator[Seen]:
    """A notice without a wished day appears today at the earliest."""
    data = kennisgeving.data
    day = data.publicatie or given.today
    if day < given.today:
        yield Seen("publicatie-past", "publicatie")
    if data.publicatie and not is_working_day(day, given.regels.gelijkgesteld):
        yield Seen("publicatie-on-free-day", "publicatie")
    if kennisgeving.moment is Moment.BESLUIT and data.verzending and day < data.verzending:
        yield Seen("publicatie-before-verzending", "publicatie")
    if data.inzage and kennisgeving.procedure is Procedure.UITGEBREID:
        if kennisgeving.moment is Moment.ONTWERPBESLUIT and day >= data.inzage.eerste:
            yield Seen("publicatie-not-before-inzage", "publicatie")
        if kennisgeving.moment is Moment.BESLUIT and day > data.inzage.eerste:
            yield Seen("publicatie-after-inzage", "publicatie")


def _inspection(kennisgeving: Kennisgeving, given: Given) -> Iterator[Seen]:
    """In the uitgebreide procedure documents lie as long as can be reacted (Awb 3:11 lid 4, 3:44)."""
    inzage, reactie = kennisgeving.data.inzage, kennisgeving.data.reactie
    if inzage is None:
        return
    term = REACTIE.get((kennisgeving.procedure, kennisgeving.moment))
    last = given.regels.period(term, inzage.eerste).laatste if term and term != "bezwaar" else inzage.eerste
    if inzage.laatste < last:
        yield Seen("inzage-too-short", "inzage", {"last": dutch_date(last)})
    elif reactie and inzage.laatste < reactie.laatste:
        yield Seen("inzage-ends-before-reactie", "inzage")
    if not is_working_day(inzage.laatste, given.regels.gelijkgesteld):
        yield Seen("inzage-ends-on-free-day", "inzage")


def _reaction(kennisgeving: Kennisgeving, given: Given) -> Iterator[Seen]:
    term, data = REACTIE.get((kennisgeving.procedure, kennisgeving.moment)), kennisgeving.data
    if term == "bezwaar" and data.verzending is None:
        yield Seen("verzending-missing", "verzending")
    event = data.verzending if term == "bezwaar" else data.inzage and data.inzage.eerste
    if term and event and data.reactie:
        yield from _held_against(data.reactie, given.regels.period(term, event))
    if data.reactie and not is_working_day(data.reactie.laatste, given.regels.gelijkgesteld):
        yield Seen("reactie-ends-on-free-day", "reactie")


def _held_against(reactie: Periode, law: Periode) -> Iterator[Seen]:
    first, last = {"first": dutch_date(law.eerste)}, {"last": dutch_date(law.laatste)}
    if reactie.eerste != law.eerste:
        yield Seen("reactie-begins-otherwise", "reactie", first)
    if reactie.laatste < law.laatste:
        yield Seen("reactie-too-short", "reactie", last)
    if reactie.laatste > law.laatste:
        yield Seen("reactie-too-long", "reactie", last)
