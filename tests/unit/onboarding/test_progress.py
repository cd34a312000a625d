"""What is next, and whose turn it is."""

import pytest

from digikoppelaar.onboarding.model import Finding, How, Kind, Rol, Severity, Step, applies
from digikoppelaar.onboarding.progress import Record, progress
from digikoppelaar.onboarding.states import StepEvent, StepState, after


def step(number: str, *, first: tuple[str, ...] = (), asks: Rol | None = None) -> Step:
    return Step(
        Kind.STAM,
        number,
        f"Stap {number}",
        "Doe dit.",
        Rol.LEVERANCIER,
        How.WORD,
        ("pre", "prod"),
        (),
        first,
        asks=asks,
    )


STEPS = (step("0.1"), step("1", asks=Rol.AANSLUITTEAM), step("2"), step("3.1", first=("1", "2")))
DONE, WAITING = Record(StepState.DONE), Record(StepState.WAITING)


def test_the_first_step_that_can_be_done_is_next() -> None:
    found = progress(STEPS, {"0.1": DONE})
    assert found.next
    assert found.next.step.number == "1"
    assert found.next.whose_turn is Rol.LEVERANCIER
    assert (found.done, found.complete) == (1, False)


def test_what_waits_for_another_comes_after_what_we_can_do() -> None:
    found = progress(STEPS, {"0.1": DONE, "1": WAITING})
    assert found.next
    assert found.next.step.number == "2"


def test_who_was_asked_has_the_turn() -> None:
    found = progress(STEPS, {"0.1": DONE, "1": WAITING, "2": DONE})
    assert found.next
    assert (found.next.step.number, found.next.whose_turn) == ("1", Rol.AANSLUITTEAM)


def test_what_is_wrong_comes_first_and_names_who_must_mend_it() -> None:
    finding = Finding("c", Severity.WRONG, "Het is niet goed.", who=Rol.BEVOEGD_GEZAG)
    found = progress(STEPS, {"2": Record(StepState.WRONG, (finding,))})
    assert found.next
    assert (found.next.step.number, found.next.whose_turn) == ("2", Rol.BEVOEGD_GEZAG)


def test_a_step_is_held_up_by_what_must_be_done_before() -> None:
    found = progress(STEPS, {"1": DONE})
    assert found.steps[-1].held_up_by == ("2",)


def test_another_omgeving_holds_up_all_but_preparations() -> None:
    found = progress(STEPS, {}, before=("pre",))
    assert [each.held_up_by for each in found.steps[:2]] == [(), ("pre",)]


def test_all_done_is_complete_and_has_nothing_next() -> None:
    found = progress(STEPS, {each.number: DONE for each in STEPS})
    assert found.complete
    assert found.next is None


@pytest.mark.parametrize("state", list(StepState))
def test_a_failed_check_makes_any_step_wrong(state: StepState) -> None:
    assert after(state, StepEvent.FAILED) is StepState.WRONG


def test_a_step_that_is_done_cannot_be_asked_for() -> None:
    assert after(StepState.DONE, StepEvent.ASKED) is None


def test_a_sandbox_has_the_steps_of_what_it_plays() -> None:
    assert applies(step("1"), Kind.STAM, "sandbox-pre", "gemeente")
    assert not applies(step("1"), Kind.DROP, "sandbox-pre", "gemeente")
