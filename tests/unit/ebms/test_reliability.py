"""The sender's state machine and its arithmetic (statements 64-75, 82, 86, 94)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digikoppelaar.ebms import names
from digikoppelaar.ebms.agreement import ReliableMessaging
from digikoppelaar.ebms.messages import Severity
from digikoppelaar.ebms.reliability import (
    SETTLED,
    SIGNAL_WAITS,
    TRANSITIONS,
    Event,
    State,
    Unacknowledged,
    advance,
    attempts_allowed,
    delivery,
    delivery_failure,
    due,
    lease_until,
    next_due,
    outcome,
    retry_window,
)
from digikoppelaar.errors import DigikoppelaarError

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SIGNAL, BEST_EFFORT = Unacknowledged.SIGNAL, Unacknowledged.BEST_EFFORT
FIVE = ReliableMessaging(retries=5, retry_interval=timedelta(minutes=5))


def _run(*events: Event) -> State:
    state = State.CREATED
    for event in events:
        state = advance(state, event)
    return state


@pytest.mark.statement(68)
def test_the_normal_life_of_a_reliable_message() -> None:
    assert _run(Event.CLAIMED) is State.SENDING
    assert _run(Event.CLAIMED, Event.TRANSPORTED) is State.SENT
    assert _run(Event.CLAIMED, Event.TRANSPORTED, Event.ACKNOWLEDGED) is State.ACKNOWLEDGED


@pytest.mark.statement(69)
def test_a_missing_acknowledgment_leads_to_a_resend_and_at_last_to_failed() -> None:
    resent = (Event.CLAIMED, Event.TRANSPORTED) * 3
    assert _run(*resent) is State.SENT
    assert _run(*resent, Event.GAVE_UP) is State.FAILED


@pytest.mark.statement(70)
def test_an_attempt_that_found_nobody_is_made_again_and_one_that_was_refused_is_not() -> None:
    assert _run(Event.CLAIMED, Event.UNREACHABLE) is State.CREATED
    assert _run(Event.CLAIMED, Event.TRANSPORTED, Event.CLAIMED, Event.UNREACHABLE, Event.CLAIMED) is State.SENDING
    assert _run(Event.CLAIMED, Event.REFUSED) is State.FAILED


@pytest.mark.statement(75, 83)
def test_an_error_or_a_passed_time_to_live_ends_the_delivery() -> None:
    assert _run(Event.CLAIMED, Event.TRANSPORTED, Event.ERROR_RECEIVED) is State.FAILED
    assert _run(Event.CLAIMED, Event.TRANSPORTED, Event.TIME_TO_LIVE_PASSED) is State.EXPIRED


def test_an_acknowledgment_that_overtakes_its_own_answer_is_not_overwritten() -> None:
    assert _run(Event.CLAIMED, Event.ACKNOWLEDGED, Event.TRANSPORTED) is State.ACKNOWLEDGED
    assert _run(Event.CLAIMED, Event.ACKNOWLEDGED, Event.LEASE_LOST) is State.ACKNOWLEDGED


def test_a_lost_lease_makes_the_message_due_again_and_a_late_report_still_counts() -> None:
    assert _run(Event.CLAIMED, Event.LEASE_LOST) is State.CREATED
    assert _run(Event.CLAIMED, Event.LEASE_LOST, Event.TRANSPORTED) is State.SENT


@pytest.mark.statement(97, 98)
def test_a_signal_is_delivered_by_a_2xx_and_due_again_when_its_question_is_repeated() -> None:
    assert _run(Event.CLAIMED, Event.DELIVERED) is State.DELIVERED
    assert _run(Event.CLAIMED, Event.DELIVERED, Event.REPEAT) is State.CREATED
    assert _run(Event.CLAIMED, Event.REFUSED, Event.REPEAT) is State.CREATED


@pytest.mark.parametrize("state", sorted(SETTLED))
@pytest.mark.statement(81, 82)
def test_settled_is_final_for_every_event_but_repeat(state: State) -> None:
    reached = {
        TRANSITIONS[state, event] for event in Event if event is not Event.REPEAT and (state, event) in TRANSITIONS
    }
    assert reached == {state}


def test_an_acknowledged_message_can_never_be_repeated() -> None:
    with pytest.raises(DigikoppelaarError, match="acknowledged cannot meet repeat"):
        advance(State.ACKNOWLEDGED, Event.REPEAT)


@pytest.mark.parametrize("state", sorted(SETTLED | {State.SENDING}))
def test_no_attempt_is_made_of_a_message_that_is_settled_or_being_sent(state: State) -> None:
    with pytest.raises(DigikoppelaarError):
        advance(state, Event.CLAIMED)


def test_what_the_partner_says_and_what_a_late_attempt_reports_is_never_a_hole() -> None:
    always = {Event.ACKNOWLEDGED, Event.ERROR_RECEIVED, Event.LEASE_LOST, Event.TRANSPORTED}
    assert {(state, event) for state in State for event in always} <= set(TRANSITIONS)


def test_every_state_can_be_reached_and_every_open_state_can_be_left() -> None:
    reached = {State.CREATED, *TRANSITIONS.values()}
    left = {state for (state, _), after in TRANSITIONS.items() if after is not state}
    assert reached == set(State)
    assert left >= set(State) - SETTLED


@given(st.lists(st.sampled_from(Event), max_size=30))
def test_no_order_of_events_leads_out_of_acknowledged(events: list[Event]) -> None:
    state = State.CREATED
    for event in events:
        if (state, event) not in TRANSITIONS:
            continue
        after = advance(state, event)
        assert state is not State.ACKNOWLEDGED or after is State.ACKNOWLEDGED
        state = after


@pytest.mark.statement(67)
def test_a_message_is_sent_at_most_retries_plus_one_times() -> None:
    assert attempts_allowed(FIVE) == 6
    assert due(attempts=5, delivery=FIVE, time_to_live=None, now=NOW) is Event.CLAIMED
    assert due(attempts=6, delivery=FIVE, time_to_live=None, now=NOW) is Event.GAVE_UP
    assert attempts_allowed(ReliableMessaging(0, timedelta(hours=3))) == 1


@pytest.mark.statement(75)
def test_a_message_whose_time_to_live_passed_is_not_sent_any_more() -> None:
    assert due(attempts=1, delivery=FIVE, time_to_live=NOW, now=NOW) is Event.TIME_TO_LIVE_PASSED
    later = NOW + timedelta(seconds=1)
    assert due(attempts=1, delivery=FIVE, time_to_live=later, now=NOW) is Event.CLAIMED


@pytest.mark.statement(65)
def test_retry_interval_passes_between_two_sends_and_before_giving_up() -> None:
    expected = NOW + timedelta(minutes=5)
    assert [next_due(attempt=n, sent_at=NOW, delivery=FIVE) for n in (1, 5, 6)] == [expected] * 3
    assert retry_window(FIVE) == timedelta(minutes=30)


@pytest.mark.statement(94)
def test_a_signal_gets_a_bounded_series_of_attempts_with_growing_waits() -> None:
    allowed = attempts_allowed(SIGNAL)
    dues = [next_due(attempt=n, sent_at=NOW, delivery=SIGNAL) for n in range(1, allowed + 1)]
    waits = [when - NOW for when in dues if when]
    assert waits == sorted(waits) == list(SIGNAL_WAITS)
    assert dues[-1] is None
    assert due(attempts=allowed, delivery=SIGNAL, time_to_live=None, now=NOW) is Event.GAVE_UP


@pytest.mark.parametrize(
    ("status", "event"),
    [
        (200, Event.TRANSPORTED),
        (202, Event.TRANSPORTED),
        (204, Event.TRANSPORTED),
        (100, Event.REFUSED),
        (302, Event.REFUSED),
        (400, Event.REFUSED),
        (403, Event.REFUSED),
        (404, Event.REFUSED),
        (408, Event.UNREACHABLE),
        (429, Event.UNREACHABLE),
        (500, Event.UNREACHABLE),
        (503, Event.UNREACHABLE),
        (501, Event.REFUSED),
        (505, Event.REFUSED),
        (510, Event.REFUSED),
        (600, Event.REFUSED),
    ],
)
@pytest.mark.statement(71, 73, 74)
def test_http_status_classes(status: int, event: Event) -> None:
    assert outcome(status, acknowledged=True) is event


@pytest.mark.statement(86)
def test_a_2xx_settles_a_message_that_nobody_acknowledges() -> None:
    assert outcome(204, acknowledged=False) is Event.DELIVERED
    assert outcome(503, acknowledged=False) is Event.UNREACHABLE


@pytest.mark.statement(112)
def test_a_2xx_without_a_signal_in_it_settles_nothing_that_is_to_be_acknowledged() -> None:
    assert _run(Event.CLAIMED, outcome(200, acknowledged=True)) is State.SENT
    assert due(attempts=1, delivery=FIVE, time_to_live=None, now=NOW) is Event.CLAIMED


@pytest.mark.statement(86)
def test_a_best_effort_message_is_sent_once_and_settled_by_that() -> None:
    assert attempts_allowed(BEST_EFFORT) == 1
    assert due(attempts=0, delivery=BEST_EFFORT, time_to_live=None, now=NOW) is Event.CLAIMED
    assert due(attempts=1, delivery=BEST_EFFORT, time_to_live=None, now=NOW) is Event.GAVE_UP
    assert next_due(attempt=1, sent_at=NOW, delivery=BEST_EFFORT) is None
    assert _run(Event.CLAIMED, outcome(202, acknowledged=False)) is State.DELIVERED
    assert _run(Event.CLAIMED, outcome(503, acknowledged=False), Event.GAVE_UP) is State.FAILED


def test_how_a_message_is_brought_across_follows_from_its_row() -> None:
    assert delivery(FIVE, "urn:x") is FIVE
    assert delivery(None, names.MSH_SERVICE) is SIGNAL
    assert delivery(None, "urn:x") is BEST_EFFORT


@pytest.mark.statement(65)
def test_an_attempt_is_not_lost_before_retry_interval_passed() -> None:
    lease = timedelta(seconds=45)
    assert lease_until(sent_at=NOW, lease=lease, delivery=FIVE) == NOW + FIVE.retry_interval
    assert lease_until(sent_at=NOW, lease=lease, delivery=SIGNAL) == NOW + lease


@pytest.mark.statement(69)
def test_the_application_hears_whether_the_message_may_have_arrived() -> None:
    unknown, lost = delivery_failure(handed_over=True), delivery_failure(handed_over=False)
    assert (unknown.code, unknown.severity) == ("DeliveryFailure", Severity.WARNING)
    assert (lost.code, lost.severity) == ("DeliveryFailure", Severity.ERROR)
    assert unknown.description != lost.description
