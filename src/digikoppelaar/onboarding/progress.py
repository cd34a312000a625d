"""How far the onboarding of a subject is: the state of every step, what holds it up, and the one next action."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import count, islice
from typing import Final

from digikoppelaar.errors import Conflict
from digikoppelaar.onboarding.model import Finding, How, Rol, Severity, Step
from digikoppelaar.onboarding.states import StepEvent, StepState, after


@dataclass(frozen=True, slots=True)
class Record:
    """What is on record of a step; nothing is the same as OPEN.

    `since` is when it came to its state (None: it never moved), `changed_at` when what it is about last changed.
    `was_done`: it was done since then, so that what became wrong is done again when its checks are good. `evidence` are
    names of files.
    """

    state: StepState = StepState.OPEN
    findings: tuple[Finding, ...] = ()
    evidence: tuple[str, ...] = ()
    since: datetime | None = None
    was_done: bool = False
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of a step: when, and by whom (None: the program).

    `findings` None leaves those on record; `evidence`, names of files, comes beside what is there. `detail` is for the
    log: a person's remark, or identifiers. `about` is the record that it is told of, as it was when what is told began:
    when the connection changed since then, it says nothing of the new one. None: there was nothing to begin.
    """

    at: datetime
    by: str | None = None
    detail: str = ""
    findings: tuple[Finding, ...] | None = None
    evidence: tuple[str, ...] = ()
    about: Record | None = None


NOTHING = Record()
_SATURDAY: Final = 5


@dataclass(frozen=True, slots=True)
class StepProgress:
    """A step with its record; `held_up_by` are numbers of steps that must be done first."""

    step: Step
    record: Record
    held_up_by: tuple[str, ...]

    @property
    def lacks_evidence(self) -> bool:
        """Whether it would be done, were it proven."""
        return self.record.state is StepState.DONE and self.step.evidence and not self.record.evidence

    @property
    def done(self) -> bool:
        """Whether it is done, and proven when it must be."""
        return _is_done(self.step, self.record)

    @property
    def awaits_its_turn(self) -> bool:
        """Whether something must come first, and nothing was told of it yet."""
        return self.record.state is StepState.OPEN and bool(self.held_up_by)

    @property
    def whose_turn(self) -> Rol:
        """Who must act: who was asked, who must mend what is wrong, or who does the step."""
        if self.record.state is StepState.WAITING and self.step.asks:
            return self.step.asks
        return next((finding.who for finding in self.held_up_for if finding.who), self.step.who)

    @property
    def held_up_for(self) -> tuple[Finding, ...]:
        """The findings that hold it up."""
        return () if self.done else tuple(finding for finding in self.record.findings if finding.holds_up)

    @property
    def answer_expected(self) -> date | None:
        """By when who was asked will about have answered: working days are Monday to Friday, for lack of a calendar."""
        if self.record.state is not StepState.WAITING or not self.record.since or not self.step.days:
            return None
        ahead = (self.record.since.date() + timedelta(days=n) for n in count(1))
        return next(islice((day for day in ahead if day.weekday() < _SATURDAY), self.step.days - 1, None))


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
        order = (StepState.WRONG, StepState.OPEN, StepState.DONE, StepState.WAITING)
        return min(able, key=lambda each: order.index(each.record.state), default=None)

    def step(self, number: str) -> StepProgress | None:
        """The step with this number, when it is one of this subject."""
        return next((each for each in self.steps if each.step.number == number), None)


def progress(steps: Sequence[Step], records: Mapping[str, Record], before: Sequence[str] = ()) -> Progress:
    """Of `steps`, which all apply to the subject, with `records` by number.

    `before` are reasons outside these steps that hold up all but the preparations: the omgeving that comes first.
    """
    undone = {step.number for step in steps if not _is_done(step, records.get(step.number, NOTHING))}

    def held_up(step: Step) -> tuple[str, ...]:
        outside = () if step.is_preparation else tuple(before)
        return (*outside, *(number for number in step.first if number in undone))

    return Progress(tuple(StepProgress(step, records.get(step.number, NOTHING), held_up(step)) for step in steps))


def _is_done(step: Step, record: Record) -> bool:
    return record.state is StepState.DONE and (not step.evidence or bool(record.evidence))


def moved(record: Record, event: StepEvent | None, told: Told) -> Record | None:
    """The record after `event`, or with only what is told; None when it cannot happen.

    What changed is another thing: findings and evidence of before say nothing of it. Raises Conflict when they are told
    of the connection of before.
    """
    if told.about is not None and told.about.changed_at != record.changed_at:
        raise Conflict(
            "the connection was changed meanwhile, and what is told is of the one before",
            advice="De koppeling is intussen gewijzigd. Bekijk de stap en doe haar opnieuw.",
        )
    state = record.state if event is None else after(record.state, event)
    if state is None:
        return None
    if event is StepEvent.CHANGED:
        return Record(state, since=told.at, changed_at=told.at)
    return replace(
        record,
        state=state,
        findings=record.findings if told.findings is None else told.findings,
        evidence=tuple(dict.fromkeys((*record.evidence, *told.evidence))),
        since=record.since if state is record.state else told.at,
        was_done=record.was_done or state is StepState.DONE,
    )


def judged(step: StepProgress, findings: Sequence[Finding]) -> StepEvent | None:
    """What findings of its checks make of a step; None: nothing but that they are noted.

    What was done before needs no second word when its checks are good again, as long as nothing changed.
    """
    state = step.record.state
    cleared = StepEvent.CLEARED if state is StepState.WRONG else None
    if any(each.severity is Severity.WRONG for each in findings):
        return StepEvent.FAILED
    if any(each.severity is Severity.MISSING for each in findings):
        return StepEvent.FAILED if state is StepState.DONE else cleared
    if step.held_up_by and state is not StepState.DONE:
        return cleared
    if step.step.how is How.CHECK or (state is StepState.WRONG and step.record.was_done):
        return StepEvent.FULFILLED
    return cleared


def is_news(before: Record, event: StepEvent | None, after: Record) -> bool:
    """Whether it is to be logged: it changed something, or another party was asked again."""
    return before != after or event is StepEvent.ASKED
