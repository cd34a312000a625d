"""How far the onboarding of a subject is: the state of every step, what holds it up, and the one next action."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from digikoppelaar.onboarding.model import Finding, Rol, Step
from digikoppelaar.onboarding.states import StepState


@dataclass(frozen=True, slots=True)
class Record:
    """What is on record of a step; nothing is the same as OPEN."""

    state: StepState = StepState.OPEN
    findings: tuple[Finding, ...] = ()
    evidence: tuple[str, ...] = ()


NOTHING = Record()


@dataclass(frozen=True, slots=True)
class StepProgress:
    """A step with its record; `held_up_by` are numbers of steps that must be done first."""

    step: Step
    record: Record
    held_up_by: tuple[str, ...]

    @property
    def done(self) -> bool:
        """Whether it is done."""
        return self.record.state is StepState.DONE

    @property
    def whose_turn(self) -> Rol:
        """Who must act: who was asked, who must mend what is wrong, or who does the step."""
        if self.record.state is StepState.WAITING and self.step.asks:
            return self.step.asks
        blamed = (
            finding.who for finding in self.record.findings if finding.who and self.record.state is StepState.WRONG
        )
        return next(blamed, self.step.who)


@dataclass(frozen=True, slots=True)
class Progress:
    """All steps of a subject in their order."""

    steps: tuple[StepProgress, ...]

    @property
    def done(self) -> int:
        """How many are done."""
        return sum(each.done for each in self.steps)

    @property
    def complete(self) -> bool:
        """Whether all are."""
        return self.done == len(self.steps)

    @property
    def next(self) -> StepProgress | None:
        """The one next action: what is wrong before what can be done, and that before what waits for another."""
        able = [each for each in self.steps if not each.done and not each.held_up_by]
        order = (StepState.WRONG, StepState.OPEN, StepState.WAITING)
        return min(able, key=lambda each: order.index(each.record.state), default=None)


def progress(steps: Sequence[Step], records: Mapping[str, Record], before: Sequence[str] = ()) -> Progress:
    """Of `steps`, which all apply to the subject, with `records` by number.

    `before` are reasons outside these steps that hold up all but the preparations: the omgeving that comes first.
    """
    done = {number for number, record in records.items() if record.state is StepState.DONE}
    there = {step.number for step in steps}

    def held_up(step: Step) -> tuple[str, ...]:
        outside = () if step.is_preparation else tuple(before)
        return (*outside, *(number for number in step.first if number in there and number not in done))

    return Progress(tuple(StepProgress(step, records.get(step.number, NOTHING), held_up(step)) for step in steps))
