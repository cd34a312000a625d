"""Targets that may be dead get a part of the places of a worker, and whoever answers gets what is left."""

import pytest

from digikoppelaar.flows.breaker import Standing
from digikoppelaar.flows.places import Places


@pytest.mark.parametrize(("jobs", "silent", "unanswered"), [(1, 1, 1), (2, 1, 1), (4, 2, 3), (8, 4, 6), (32, 16, 24)])
def test_silent_targets_get_half_and_three_quarters_with_those_not_heard_of(
    jobs: int, silent: int, unanswered: int
) -> None:
    places = Places(jobs)
    assert [places.enter(Standing.SILENT) for _ in range(jobs + 1)].count(True) == silent
    assert [places.enter(Standing.UNKNOWN) for _ in range(jobs + 1)].count(True) == unanswered - silent
    assert all(places.enter(Standing.ANSWERS) for _ in range(jobs))


def test_what_leaves_makes_room() -> None:
    places = Places(1)
    assert [places.enter(Standing.SILENT) for _ in range(2)] == [True, False]
    places.leave(Standing.SILENT)
    assert places.enter(Standing.UNKNOWN)
    assert not places.enter(Standing.SILENT)
