"""The table of states has no holes: what may be with KOOP is never sent again without a person's word."""

import itertools

import pytest

from digikoppelaar.errors import DigikoppelaarError
from digikoppelaar.flows.kennisgeving_states import KennisgevingEvent as Event
from digikoppelaar.flows.kennisgeving_states import KennisgevingState as State
from digikoppelaar.flows.kennisgeving_states import after, refused_move

BY_HAND = {Event.EDITED, Event.APPROVED, Event.HELD, Event.RESUMED, Event.CANCELLED, Event.AGAIN}
MOVES = {
    (state, event): to for state, event in itertools.product(State, Event) if (to := after(state, event)) is not None
}


def reachable(start: State, events: set[Event]) -> set[State]:
    found, todo = {start}, [start]
    while todo:
        state = todo.pop()
        for (before, event), to in MOVES.items():
            if before is state and event in events and to not in found:
                found.add(to)
                todo.append(to)
    return found


def test_every_state_is_reached_from_a_draft() -> None:
    assert reachable(State.DRAFT, set(Event)) == set(State)


def test_nothing_is_sent_that_nobody_approved() -> None:
    assert reachable(State.DRAFT, set(Event) - {Event.APPROVED}) == {State.DRAFT, State.CANCELLED}


@pytest.mark.parametrize("state", [State.UNKNOWN, State.ACCEPTED])
def test_what_koop_may_have_is_never_sent_again_by_the_program(state: State) -> None:
    assert State.PLANNED not in reachable(state, set(Event) - BY_HAND)


@pytest.mark.parametrize("state", [State.SENDING, State.ACCEPTED, State.PUBLISHED])
def test_what_koop_has_or_gets_a_person_cannot_move(state: State) -> None:
    assert {event for before, event in MOVES if before is state} & BY_HAND == set()


@pytest.mark.parametrize("state", [each for each in State if each not in {State.PUBLISHED, State.CANCELLED}])
def test_every_state_leads_to_an_end(state: State) -> None:
    assert reachable(state, set(Event)) & {State.PUBLISHED, State.CANCELLED}


@pytest.mark.parametrize("state", State)
def test_a_move_that_cannot_be_made_says_what_can_be_done(state: State) -> None:
    error = refused_move(7, state, Event.EDITED)
    assert str(error) == f"kennisgeving 7 is {state}, so it cannot be edited"
    assert error.advice != DigikoppelaarError.default_advice
