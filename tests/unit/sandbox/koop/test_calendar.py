"""When KOOP publishes, by its own calendar."""

from datetime import UTC, date, datetime, timedelta

import pytest

from digikoppelaar.sandbox.koop.calendar import Calendar, run_of


class Still:
    """A clock that stands still."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment


def calendar(*moment: int) -> Calendar:
    """At a moment in UTC, with 7 October 2026 equated with a feestdag."""
    return Calendar(Still(datetime(*moment, tzinfo=UTC)), frozenset({date(2026, 10, 7)}))  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("now", "wished", "planned"),
    [
        ((2026, 6, 2, 13, 59), None, date(2026, 6, 3)),
        ((2026, 6, 2, 14, 0), None, date(2026, 6, 4)),  # 16:00 in summer
        ((2026, 12, 1, 14, 59), None, date(2026, 12, 2)),
        ((2026, 12, 1, 15, 0), None, date(2026, 12, 3)),  # 16:00 in winter
        ((2026, 6, 5, 10, 0), None, date(2026, 6, 8)),  # a Friday
        ((2026, 12, 24, 10, 0), None, date(2026, 12, 28)),
        ((2026, 10, 6, 10, 0), None, date(2026, 10, 8)),
        ((2026, 6, 2, 10, 0), date(2026, 6, 17), date(2026, 6, 17)),
        ((2026, 6, 2, 10, 0), date(2026, 6, 2), date(2026, 6, 3)),
        ((2026, 6, 2, 10, 0), date(2026, 6, 20), date(2026, 6, 22)),  # a Saturday
        ((2026, 6, 2, 22, 30), None, date(2026, 6, 4)),  # already 3 June there
    ],
)
def test_it_is_published_on_the_wished_working_day_or_the_first_that_is_possible(
    now: tuple[int, ...], wished: date | None, planned: date
) -> None:
    assert calendar(*now).planned_day(wished) == planned


def test_the_run_of_a_day_begins_at_its_time_in_the_netherlands() -> None:
    at = calendar(2026, 6, 3, 7, 20)
    assert not at.is_due(date(2026, 6, 3))
    assert calendar(2026, 6, 3, 7, 21).is_due(date(2026, 6, 3))
    assert run_of(date(2026, 12, 1)).utcoffset() == timedelta(hours=1)


def test_days_pass_to_the_run_of_a_later_day_and_never_back() -> None:
    at = calendar(2026, 6, 2, 10, 0)
    at.pass_days(0)
    assert at.ahead == timedelta()
    at.pass_days(1)
    assert at.now() == run_of(date(2026, 6, 3))
    at.pass_days(180)
    assert at.now() == run_of(date(2026, 11, 30)), "the same hour, though the summer ended"
    at.reset()
    assert at.now() == datetime(2026, 6, 2, 10, 0, tzinfo=UTC)


def test_in_the_morning_no_day_is_needed_for_the_run_of_today() -> None:
    at = calendar(2026, 6, 2, 5, 0)
    at.pass_days(0)
    assert at.now() == run_of(date(2026, 6, 2))
