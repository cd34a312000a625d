"""A target that does not answer is left alone, and looked at again by one attempt at a time."""

from datetime import UTC, datetime, timedelta
from itertools import product

from digikoppelaar.flows.breaker import (
    LONGEST,
    LOOK,
    PATIENCE,
    PAUSE,
    TABLE,
    TRIAL,
    Breaker,
    BreakerEvent,
    BreakerState,
    Standing,
)

NOW = datetime(2026, 6, 2, 9, tzinfo=UTC)


def tripped() -> Breaker:
    """A breaker that has just opened."""
    breaker = Breaker()
    for _ in range(PATIENCE):
        assert breaker.enter(4, NOW)
        breaker.leave(reached=False, now=NOW)
    return breaker


def test_every_event_in_every_state_is_in_the_table() -> None:
    assert set(TABLE) == set(product(BreakerState, BreakerEvent))


def test_no_more_attempts_than_slots_are_under_way_at_once() -> None:
    breaker = Breaker()
    assert [breaker.enter(2, NOW) for _ in range(3)] == [True, True, False]
    breaker.leave(reached=True, now=NOW)
    assert breaker.enter(2, NOW)


def test_failures_in_a_row_open_it_and_the_pause_lets_one_attempt_through() -> None:
    breaker = tripped()
    assert breaker.state is BreakerState.OPEN
    assert not breaker.enter(4, NOW)
    assert [breaker.enter(4, NOW + PAUSE) for _ in range(2)] == [True, False]
    assert breaker.state is BreakerState.HALF_OPEN


def test_whoever_waits_looks_again_after_the_pause_and_while_one_attempt_finds_out_now_and_then() -> None:
    breaker = tripped()
    assert breaker.wait(4, NOW + PAUSE / 3) == PAUSE * 2 / 3
    assert breaker.enter(4, NOW + PAUSE)
    assert breaker.wait(4, NOW + PAUSE) == TRIAL
    breaker.leave(reached=True, now=NOW + PAUSE)
    assert breaker.wait(4, NOW + PAUSE) == LOOK  # it answers: it can only be full


def test_after_a_failure_one_attempt_at_a_time_goes_until_it_answers() -> None:
    breaker = Breaker()
    assert breaker.enter(4, NOW)
    breaker.leave(reached=False, now=NOW)
    assert [breaker.enter(4, NOW) for _ in range(2)] == [True, False]
    breaker.leave(reached=True, now=NOW)
    assert [breaker.enter(4, NOW) for _ in range(5)] == [True] * 4 + [False]


def test_what_waits_for_a_full_target_waits_behind_the_others_at_its_pace_and_never_long() -> None:
    breaker = Breaker()
    for _ in range(40):
        breaker.enter(4, NOW)
        breaker.leave(reached=True, now=NOW + timedelta(seconds=8), since=NOW)
    waits = [breaker.wait(4, NOW).total_seconds() for _ in range(1000)]
    assert [round(wait) for wait in waits[:4]] == [4, 6, 8, 10]
    assert max(waits) == LONGEST.total_seconds()
    assert round(breaker.wait(4, NOW + 2 * LONGEST).total_seconds()) == 4, "nobody is before it any more"


def test_its_standing_is_whether_it_answered_last_time_also_to_a_process_that_is_gone() -> None:
    breaker = Breaker()
    assert breaker.standing(tried=False) is Standing.UNKNOWN
    assert breaker.standing(tried=True) is Standing.SILENT
    for reached, standing in ((True, Standing.ANSWERS), (False, Standing.SILENT), (True, Standing.ANSWERS)):
        breaker.enter(4, NOW)
        breaker.leave(reached=reached, now=NOW)
        assert [breaker.standing(tried=tried) for tried in (False, True)] == [standing] * 2


def test_an_answer_closes_it_and_a_failure_opens_it_for_another_pause() -> None:
    for reached, state in ((True, BreakerState.CLOSED), (False, BreakerState.OPEN)):
        breaker = tripped()
        assert breaker.enter(4, NOW + PAUSE)
        breaker.leave(reached=reached, now=NOW + PAUSE)
        assert breaker.state is state
        assert breaker.enter(4, NOW + PAUSE) is reached


def test_an_answer_in_between_starts_the_count_again() -> None:
    breaker = Breaker()
    for reached in [*[False] * (PATIENCE - 1), True, False]:
        breaker.enter(1, NOW)
        breaker.leave(reached=reached, now=NOW)
    assert breaker.state is BreakerState.CLOSED


def test_an_attempt_that_was_stopped_says_nothing_and_gives_its_place_back() -> None:
    breaker = tripped()
    assert breaker.enter(4, NOW + PAUSE)
    breaker.leave(reached=None, now=NOW + PAUSE)
    assert breaker.state is BreakerState.HALF_OPEN
    assert breaker.enter(4, NOW + PAUSE)
