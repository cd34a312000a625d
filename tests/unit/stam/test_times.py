"""Moments without offset are Dutch time; checked against the time zone database."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from digikoppelaar.stam.times import read_moment

DUTCH = "Europe/Amsterdam"


@pytest.mark.skipif(DUTCH not in available_timezones(), reason="this machine has no time zone database")
@given(st.datetimes(datetime(1997, 1, 1), datetime(2037, 12, 31)))  # noqa: DTZ001  # naive on purpose
def test_a_moment_without_offset_is_what_the_time_zone_database_says(moment: datetime) -> None:
    local = moment.replace(tzinfo=ZoneInfo(DUTCH), fold=0)
    back = local.astimezone(UTC).astimezone(ZoneInfo(DUTCH))
    assume(back.replace(tzinfo=None) == local.replace(tzinfo=None))  # not the skipped hour
    possible = {local.astimezone(UTC), local.replace(fold=1).astimezone(UTC)}  # the repeated hour has two
    assert read_moment(moment.isoformat()) in possible


def test_an_offset_is_honoured() -> None:
    moment = read_moment("2026-06-04T10:45:01.933+02:00")
    assert moment is not None
    assert moment.utcoffset() == timedelta(0)
    assert moment.hour == 8


@pytest.mark.parametrize("text", [None, "", "gisteren", "2026-13-01", "0001-01-01T00:00:00+14:00"])
def test_what_cannot_be_read_is_none(text: str | None) -> None:
    assert read_moment(text) is None
