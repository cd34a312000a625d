"""A day is written as a reader expects it, and found in every form that people use."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digikoppelaar.drop.dates import dutch_date, names_date


@pytest.mark.parametrize(
    "text",
    [
        "op 3 juni 2026.",
        "03 Juni 2026",
        "3  juni\u00a02026",
        "03-06-2026",
        "3-6-2026",
        "3/6/2026",
        "3.6.2026",
        "2026-06-03",
    ],
)
def test_a_day_is_found_in_every_usual_form(text: str) -> None:
    assert names_date(text, date(2026, 6, 3))


@pytest.mark.parametrize(
    "text", ["13 juni 2026", "3 juni 20261", "3 juli 2026", "03-06/2026", "13-06-2026", "3 juni", "6-3-2026"]
)
def test_another_day_is_not_taken_for_it(text: str) -> None:
    assert not names_date(text, date(2026, 6, 3))


@given(st.dates(), st.integers(-400, 400))
def test_what_is_written_is_found_again_and_no_other_day(day: date, apart: int) -> None:
    text = f"Het is {dutch_date(day)}."
    assert names_date(text, day)
    if apart and 1 < day.year < 9998:
        assert not names_date(text, day + timedelta(days=apart))
