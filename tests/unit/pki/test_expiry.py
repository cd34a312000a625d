"""What ends soon, by threshold."""

from datetime import UTC, datetime, timedelta

import pytest

from digikoppelaar.pki.expiry import Ending, Kind, expiries

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def ending(days: float, name: str = "a") -> Ending:
    """Of one of our certificates."""
    return Ending(Kind.CERTIFICATE, "pre", name, "sign", NOW + timedelta(days=days))


@pytest.mark.parametrize(
    ("days", "threshold"),
    [(121, None), (120, 120), (61, 120), (60, 60), (30.1, 60), (30, 30), (8, 30), (7, 7), (0.1, 7), (-0.1, 0)],
)
def test_the_smallest_threshold_that_was_passed_is_told(days: float, threshold: int | None) -> None:
    found = expiries([ending(days)], NOW)
    assert [expiry.threshold for expiry in found] == ([] if threshold is None else [threshold])


def test_the_soonest_comes_first_with_its_whole_days() -> None:
    found = expiries([ending(50, "later"), ending(6.9, "sooner"), ending(500, "far")], NOW)
    assert [(expiry.ending.name, expiry.days_left) for expiry in found] == [("sooner", 6), ("later", 50)]
