"""The tables of the intake: complete, never backwards, and no error that gets a verzoek lost."""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import product

import pytest

from digikoppelaar import errors
from digikoppelaar.errors import (
    AanleveringError,
    CaseSystemError,
    ConfigError,
    ContentPurged,
    DigikoppelaarError,
    FacilityAnswerBroken,
    FacilityError,
    FacilityNotFound,
    FacilityRefused,
    FacilityUnavailable,
    StorageError,
    TooLarge,
    TrustError,
    VerzoekError,
)
from digikoppelaar.flows.intake_states import (
    NOTIFICATION_ENDED,
    NotificationEvent,
    NotificationState,
    Park,
    Retry,
    VerzoekEvent,
    VerzoekState,
    notification_after,
    retry_plan,
    verzoek_after,
)

SET_ASIDE = (VerzoekState.IGNORED, VerzoekState.KEPT_APART)
MADE: dict[type[DigikoppelaarError], Callable[[str], DigikoppelaarError]] = {
    ContentPurged: lambda message: ContentPurged(message, NOW),
    AanleveringError: lambda message: AanleveringError(message, reason="not-a-zip"),
}
"""How those are made that need more than a message."""
DELIVERED_AGAIN = {VerzoekEvent.REDELIVERED, VerzoekEvent.REQUEUED}

NOW = datetime(2026, 6, 2, tzinfo=UTC)


def waits(error: Exception) -> list[float]:
    """Every wait until it is parked."""
    found: list[float] = []
    while isinstance(plan := retry_plan(error, len(found) + 1), Retry):
        found.append(plan.after)
        assert len(found) < 10_000
    return found


@pytest.mark.parametrize(("state", "event"), list(product(NotificationState, NotificationEvent)))
def test_every_event_has_an_answer_and_what_ended_stays_so(state: NotificationState, event: NotificationEvent) -> None:
    after = notification_after(state, event)
    assert after in NOTIFICATION_ENDED or state not in NOTIFICATION_ENDED
    assert after is NotificationState.FETCHED or state is not NotificationState.FETCHED


@pytest.mark.parametrize(("state", "event"), list(product(VerzoekState, VerzoekEvent)))
def test_only_a_delivery_leads_to_delivered_and_only_a_person_away_from_it(
    state: VerzoekState, event: VerzoekEvent
) -> None:
    is_delivered = verzoek_after(state, event) is VerzoekState.DELIVERED
    whole = state in (VerzoekState.FETCHED, VerzoekState.PARKED)
    stays = state is VerzoekState.DELIVERED and event not in DELIVERED_AGAIN
    assert is_delivered == (stays or (whole and event is VerzoekEvent.DELIVERED))


def test_what_is_not_whole_is_moved_by_no_event_but_becoming_whole() -> None:
    left = {event for event in VerzoekEvent if verzoek_after(VerzoekState.FETCHING, event) is not VerzoekState.FETCHING}
    assert left == {
        VerzoekEvent.FETCHED,
        VerzoekEvent.QUEUED,
        VerzoekEvent.IGNORED,
        VerzoekEvent.KEPT_APART,
        VerzoekEvent.HELD,
    }


@pytest.mark.parametrize("state", [VerzoekState.DELIVERED, *SET_ASIDE])
def test_what_has_ended_stays_ended(state: VerzoekState) -> None:
    other = DELIVERED_AGAIN | {VerzoekEvent.TAKEN_UP}
    assert {verzoek_after(state, event) for event in set(VerzoekEvent) - other} == {state}


def test_what_was_set_aside_can_be_taken_up_and_nothing_else() -> None:
    after = {state: verzoek_after(state, VerzoekEvent.TAKEN_UP) for state in VerzoekState}
    assert {state for state, then in after.items() if then is not state} == {*SET_ASIDE}
    assert {after[state] for state in SET_ASIDE} == {VerzoekState.FETCHING}


def test_what_waits_for_an_earlier_version_is_not_delivered_and_only_a_person_parks_it() -> None:
    after = {event: verzoek_after(VerzoekState.WAITING, event) for event in VerzoekEvent}
    gone = {event for event, state in after.items() if state is not VerzoekState.WAITING}
    assert gone == {VerzoekEvent.TURN, VerzoekEvent.FETCHED, VerzoekEvent.STOPPED}


@pytest.mark.parametrize("error", [FacilityRefused, VerzoekError, TooLarge, ConfigError, TrustError, FacilityError])
def test_what_only_a_person_can_mend_is_parked_at_once(error: type[DigikoppelaarError]) -> None:
    assert retry_plan(error("x"), 1) == Park()


def test_not_found_is_tried_a_few_times() -> None:
    assert waits(FacilityNotFound("x")) == [0.5, 2, 8, 32, 128, 512]


@pytest.mark.parametrize("error", [FacilityUnavailable("x"), CaseSystemError("x"), TimeoutError(), StorageError("x")])
def test_an_outage_of_days_is_waited_out(error: Exception) -> None:
    found = waits(error)
    assert found[0] <= 1
    assert found == sorted(found)
    assert sum(found) > 4 * 86_400


def test_a_broken_answer_is_fetched_again_for_about_a_day() -> None:
    assert 0.5 * 86_400 < sum(waits(FacilityAnswerBroken("x"))) < 2 * 86_400


def test_the_first_retries_are_quick() -> None:
    assert waits(FacilityUnavailable("x"))[:3] == [0.2, 0.4, 0.8]


@pytest.mark.parametrize(("asked", "wait"), [(None, 0.2), (0, 0.2), (30, 30), (1e9, 86_400), (float("inf"), 86_400)])
def test_retry_after_is_honoured_up_to_a_day(asked: float | None, wait: float) -> None:
    assert retry_plan(FacilityUnavailable("x", retry_after=asked), 1) == Retry(wait)
    assert retry_plan(CaseSystemError("x", retry_after=asked), 1) == Retry(wait)


def test_a_fault_of_ours_is_tried_a_few_times_and_then_shown() -> None:
    assert len(waits(KeyError("x"))) == 8


def test_every_error_of_the_tree_has_a_plan_that_agrees_with_its_own_word() -> None:
    """What says that trying again can help is tried again; what does not is not."""
    tree = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, DigikoppelaarError)]
    assert len(tree) > 15
    for kind in tree:
        assert isinstance(retry_plan(MADE.get(kind, kind)("x"), 1), Retry) == kind.retryable, kind
