"""What is next, and whose turn it is."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from digikoppelaar.onboarding.model import Finding, How, Kind, Rol, Severity, Step, applies, before
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


def test_what_is_wrong_and_good_again_waits_for_its_word() -> None:
    assert after(StepState.WRONG, StepEvent.CLEARED) is StepState.OPEN


def test_a_sandbox_has_the_steps_of_what_it_plays() -> None:
    only_pre = replace(step("1"), omgevingen=("pre",), bestuurslagen=("gemeente",))
    assert applies(only_pre, "sandbox-pre", "gemeente")
    assert not applies(only_pre, "sandbox-prod", "gemeente")
    assert not applies(only_pre, "sandbox-pre", "rijk")


@pytest.mark.parametrize(
    ("omgeving", "first"), [("prod", "pre"), ("sandbox-prod", "sandbox-pre"), ("pre", None), ("sandbox-pre", None)]
)
def test_pre_comes_before_prod_of_the_same_world(omgeving: str, first: str | None) -> None:
    assert before(omgeving) == first


def test_a_step_that_wants_evidence_is_not_done_without() -> None:
    steps = (replace(step("1"), evidence=True), step("2", first=("1",)))
    found = progress(steps, {"1": DONE})
    assert (found.done, found.steps[0].lacks_evidence, found.steps[1].held_up_by) == (0, True, ("1",))
    assert found.next is found.steps[0]
    proven = progress(steps, {"1": Record(StepState.DONE, evidence=("/bewijs/1.pdf",))})
    assert (proven.done, proven.steps[1].held_up_by) == (1, ())


@pytest.mark.parametrize(
    ("asked", "expected"), [((2026, 6, 1), date(2026, 6, 8)), ((2026, 6, 5), date(2026, 6, 12))], ids=["mo", "fr"]
)
def test_an_answer_is_expected_after_working_days(asked: tuple[int, int, int], expected: date) -> None:
    waiting = Record(StepState.WAITING, since=datetime(*asked, 12, tzinfo=UTC))
    [found] = progress([replace(step("1", asks=Rol.AANSLUITTEAM), days=5)], {"1": waiting}).steps
    assert found.answer_expected == expected
