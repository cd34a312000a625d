"""Terms end on the days that the law says, held against days that are on calendars."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digikoppelaar.adapters.profiles import load_rekenregels
from digikoppelaar.drop.model import Periode
from digikoppelaar.drop.terms import (
    Begin,
    Eenheid,
    Gebeurtenis,
    Termijn,
    alarm_day,
    easter_sunday,
    holidays,
    is_working_day,
    period,
    working_day_from,
)

REGELS = load_rekenregels()
DAYS = st.dates(date(2014, 1, 1), date(2099, 12, 31))


@pytest.mark.parametrize(
    "day",
    [date(2014, 4, 20), date(2019, 4, 21), date(2024, 3, 31), date(2026, 4, 5), date(2038, 4, 25), date(2285, 3, 22)],
)
def test_easter_is_when_the_calendar_says(day: date) -> None:
    assert easter_sunday(day.year) == day


@given(st.integers(1900, 3000))
def test_easter_is_a_sunday_between_22_march_and_25_april(year: int) -> None:
    assert easter_sunday(year).isoweekday() == 7
    assert (3, 22) <= (easter_sunday(year).month, easter_sunday(year).day) <= (4, 25)


def test_the_feestdagen_of_2026_are_those_of_the_law() -> None:
    assert sorted(holidays(2026)) == [
        date(2026, 1, 1),
        date(2026, 4, 3),  # Goede Vrijdag, equated by lid 2
        date(2026, 4, 6),
        date(2026, 4, 27),
        date(2026, 5, 5),
        date(2026, 5, 14),
        date(2026, 5, 25),
        date(2026, 12, 25),
        date(2026, 12, 26),
    ]


@pytest.mark.parametrize(("year", "day"), [(2025, 26), (2014, 26), (2026, 27), (2031, 26)])
def test_koningsdag_is_a_day_earlier_when_it_would_be_a_sunday(year: int, day: int) -> None:
    assert {each.day for each in holidays(year) if each.month == 4 and each.day > 25} == {day}


@pytest.mark.parametrize(
    ("naam", "event", "first", "last"),
    [
        ("bezwaar", date(2026, 6, 1), date(2026, 6, 2), date(2026, 7, 13)),
        ("bezwaar", date(2026, 6, 5), date(2026, 6, 6), date(2026, 7, 17)),
        ("bezwaar", date(2026, 6, 6), date(2026, 6, 7), date(2026, 7, 20)),  # a Saturday: on to Monday
        ("bezwaar", date(2026, 2, 20), date(2026, 2, 21), date(2026, 4, 7)),  # Good Friday: over Easter to Tuesday
        ("bezwaar", date(2026, 4, 2), date(2026, 4, 3), date(2026, 5, 18)),  # Ascension, and the Friday after it
        ("bezwaar", date(2025, 11, 20), date(2025, 11, 21), date(2026, 1, 5)),  # New Year, and 2 January 2026
        ("beroep", date(2026, 6, 4), date(2026, 6, 5), date(2026, 7, 16)),
        ("zienswijze", date(2026, 6, 4), date(2026, 6, 4), date(2026, 7, 15)),
        ("beslissing-regulier", date(2026, 6, 1), date(2026, 6, 2), date(2026, 7, 27)),
        ("verlenging-regulier", date(2026, 7, 27), date(2026, 7, 28), date(2026, 9, 7)),
        ("beslissing-uitgebreid", date(2026, 6, 1), date(2026, 6, 2), date(2026, 12, 1)),
        ("beslissing-uitgebreid", date(2026, 8, 31), date(2026, 9, 1), date(2027, 2, 28)),
        ("beslissing-uitgebreid", date(2026, 6, 26), date(2026, 6, 27), date(2026, 12, 26)),  # too long to be run on
    ],
)
def test_a_term_begins_and_ends_as_the_law_counts(naam: str, event: date, first: date, last: date) -> None:
    assert REGELS.period(naam, event) == Periode(first, last)


def test_without_the_decision_that_equates_days_a_term_ends_earlier() -> None:
    assert period(REGELS.termijnen["bezwaar"], date(2026, 4, 2)).laatste == date(2026, 5, 15)


@pytest.mark.parametrize(
    ("aantal", "eenheid", "runs_on"),
    [(12, Eenheid.WEKEN, True), (13, Eenheid.WEKEN, False), (3, Eenheid.MAANDEN, True), (4, Eenheid.MAANDEN, False)],
)
def test_only_terms_of_at_most_twelve_weeks_or_three_months_run_on(
    aantal: int, eenheid: Eenheid, *, runs_on: bool
) -> None:
    termijn = Termijn("proef", aantal, eenheid, Gebeurtenis.ONTVANGST, Begin.DAG_ERNA, "bron", provisional=False)
    ends = {period(termijn, date(2026, 6, 1) + timedelta(days=day)).laatste for day in range(7)}
    assert all(is_working_day(end) for end in ends) == runs_on


@given(DAYS, st.integers(1, 12), st.sampled_from(list(Begin)))
def test_a_term_of_weeks_is_never_shorter_than_its_weeks_and_ends_on_the_first_possible_day(
    event: date, weeks: int, begin: Begin
) -> None:
    termijn = Termijn("proef", weeks, Eenheid.WEKEN, Gebeurtenis.ONTVANGST, begin, "bron", provisional=False)
    found = period(termijn, event, REGELS.gelijkgesteld)
    shortest = found.eerste + timedelta(weeks=weeks, days=-1)
    assert is_working_day(found.laatste, REGELS.gelijkgesteld)
    between = [shortest + timedelta(days=day) for day in range((found.laatste - shortest).days)]
    assert found.laatste >= shortest
    assert not any(is_working_day(day, REGELS.gelijkgesteld) for day in between)


@given(DAYS)
def test_a_working_day_is_never_far(day: date) -> None:
    assert 0 <= (working_day_from(day, REGELS.gelijkgesteld) - day).days <= 5


@pytest.mark.parametrize(
    ("planned", "day"),
    [
        (date(2026, 6, 1), date(2026, 6, 2)),
        (date(2026, 6, 5), date(2026, 6, 8)),
        (date(2026, 5, 13), date(2026, 5, 18)),
        (date(2026, 12, 24), date(2026, 12, 28)),
    ],
)
def test_the_alarm_is_on_the_working_day_after(planned: date, day: date) -> None:
    assert alarm_day(planned, REGELS.gelijkgesteld) == day


def test_every_term_has_a_source() -> None:
    assert all(termijn.bron for termijn in REGELS.termijnen.values())
    assert any(termijn.provisional for termijn in REGELS.termijnen.values())
