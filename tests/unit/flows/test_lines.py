"""The line to a partner: its slots, and the pause after failures in a row."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.flows.stored_messages import NOW, PRE, RELIABLE, after, outbound_of

from digikoppelaar.ebms.reliability import Event
from digikoppelaar.flows.lines import LONGEST_PAUSE, NOTED_EVERY, PATIENCE, Line, Lines
from digikoppelaar.flows.outbound import claimed_of
from digikoppelaar.flows.ports import PartnerSeen

CLAIMED = claimed_of(outbound_of(PRE, "a1"), 1, 1)
DOWN = "no connection"


def fail(line: Line, times: int, seconds: float = 0, status: int | None = None) -> None:
    """So many attempts in a row end without the partner, so long after NOW."""
    for _ in range(times):
        line.ended(CLAIMED, Event.UNREACHABLE, status, DOWN, after(seconds))


def test_a_partner_has_its_slots_and_no_more() -> None:
    lines = Lines(2)
    assert [lines.take("a", NOW) for _ in range(3)] == [True, True, False]
    assert lines.take("b", NOW)
    assert lines.taken(NOW) == {"a": 2, "b": 1}


def test_who_waits_goes_before_who_comes() -> None:
    lines = Lines(2)
    assert [lines.take("a", NOW) for _ in range(3)] == [True, True, False]
    assert lines.ended("a"), "there is room, and something waits"
    assert not lines.take("a", NOW), "the one that waits has the slot"
    lines.looked({"a": 1}, {"a": 1})
    assert lines.to("a").crowded, "its slots are used up, so more may wait"
    lines.ended("a")
    lines.looked({}, {"a": 1})
    assert lines.take("a", NOW), "nothing waits any more"


def test_a_crowded_line_is_looked_at_for_several_at_once() -> None:
    lines = Lines(8)
    assert [lines.take("a", NOW) for _ in range(9)] == [True] * 8 + [False]
    assert [lines.ended("a") for _ in range(3)] == [False, True, True]


def test_what_was_stored_while_the_last_attempt_ended_is_looked_for_at_once() -> None:
    lines = Lines(1)
    assert [lines.take("a", NOW) for _ in range(2)] == [True, False]
    assert lines.ended("a")
    lines.looked({}, {})
    assert lines.waits("a")


@pytest.mark.statement(70)
def test_after_a_few_failures_in_a_row_one_attempt_at_a_time_is_made() -> None:
    line = Line("a")
    fail(line, PATIENCE - 1)
    assert line.room(4, NOW) == 4
    fail(line, 1)
    assert line.room(4, NOW) == 0
    assert line.room(4, after(1)) == 1
    line.busy = 1
    assert line.room(4, after(1)) == 0


def test_the_pause_doubles_up_to_its_bound_and_ends_with_the_first_answer() -> None:
    line, pauses = Line("a"), []
    fail(line, PATIENCE - 1)
    for _ in range(8):
        fail(line, 1)
        assert line.closed_until is not None
        pauses.append((line.closed_until - NOW).total_seconds())
    assert pauses == [1, 2, 4, 8, 16, *[LONGEST_PAUSE.total_seconds()] * 3]
    line.ended(CLAIMED, Event.DELIVERED, 204, "", NOW)
    assert (line.room(4, NOW), line.failures) == (4, 0)


def test_the_pause_is_never_longer_than_the_retry_interval_of_what_waits() -> None:
    line, often = Line("a"), replace(CLAIMED, reliable=replace(RELIABLE, retry_interval=timedelta(seconds=2)))
    for _ in range(20):
        line.ended(often, Event.UNREACHABLE, None, DOWN, NOW)
    assert line.closed_until == after(2)


@pytest.mark.parametrize(("status", "reached"), [(500, True), (404, True), (429, False), (502, False), (503, False)])
def test_an_answer_of_the_partner_itself_is_no_failure_to_reach_it(status: int, reached: bool) -> None:
    line = Line("a")
    fail(line, PATIENCE, status=status)
    assert (line.closed_until is None) is reached


def test_people_see_every_failure_and_now_and_then_a_success() -> None:
    line = Line("a")
    assert line.ended(CLAIMED, Event.DELIVERED, 204, "", NOW) == PartnerSeen("a", 0, last_success_at=NOW)
    assert line.ended(CLAIMED, Event.DELIVERED, 204, "", after(1)) is None
    later = NOW + NOTED_EVERY
    assert line.ended(CLAIMED, Event.DELIVERED, 204, "", later) == PartnerSeen("a", 0, last_success_at=later)
    down = PartnerSeen("a", 1, last_failure_at=later, last_error=DOWN)
    assert line.ended(CLAIMED, Event.UNREACHABLE, None, DOWN, later) == down
    assert line.ended(CLAIMED, Event.DELIVERED, 204, "", later) == PartnerSeen("a", 0, last_success_at=later)
