"""How far onboarding is, as people and programs read it: Dutch sentences, and values for JSON. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Final

from digikoppelaar.flows.onboarding_status import Status
from digikoppelaar.onboarding.progress import StepProgress
from digikoppelaar.onboarding.states import StepState

STATES: Final[Mapping[StepState, str]] = {
    StepState.OPEN: "te doen",
    StepState.WAITING: "wacht op antwoord",
    StepState.WRONG: "niet goed",
    StepState.DONE: "gedaan",
}
COMPLETE: Final = "compleet"
HELD_UP: Final = "nog niet aan de beurt"
NO_EVIDENCE: Final = "bewijs ontbreekt"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list. `turn` and `next_step` are None when all is done, or only PRE is waited for."""

    kind: str
    omgeving: str
    organisatie_oin: str
    organisatie_naam: str
    bestuurslaag: str
    done: int
    total: int
    state: str
    turn: str | None
    next_step: str | None
    next_action: str

    @property
    def how_far(self) -> str:
        """Done out of all."""
        return f"{self.done}/{self.total}"


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step, with all that is known of it; texts are Dutch. `shared`: it is done once for all of the partij."""

    kind: str
    omgeving: str
    step: str
    title: str
    text: str
    state: str
    done: bool
    turn: str
    held_up_by: tuple[str, ...]
    shared: bool
    since: datetime | None
    answer_expected: date | None
    findings: tuple[Mapping[str, object], ...]
    evidence: tuple[str, ...]
    checks: tuple[str, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """A subject with its steps; `preparation` are those that come before the first."""

    row: Row
    partij_oin: str
    alone: bool
    preparation: tuple[StepRow, ...]
    steps: tuple[StepRow, ...]


def row(status: Status) -> Row:
    """The line of a subject."""
    subject, progress, turn = status.subject, status.progress, status.progress.next
    return Row(
        kind=subject.kind,
        omgeving=subject.omgeving,
        organisatie_oin=subject.oin,
        organisatie_naam=status.authority.naam,
        bestuurslaag=status.authority.bestuurslaag,
        done=progress.done,
        total=len(progress.steps),
        state=COMPLETE if progress.complete else state(turn) if turn else HELD_UP,
        turn=turn.whose_turn if turn else None,
        next_step=turn.step.number if turn else None,
        next_action=next_action(status),
    )


def page(status: Status) -> Page:
    """All of a subject."""
    rows = [_step_row(status, each) for each in status.progress.steps]
    first = {each.step.number for each in status.progress.steps if each.step.is_preparation}
    return Page(
        row(status),
        status.partij,
        status.alone,
        tuple(each for each in rows if each.step in first),
        tuple(each for each in rows if each.step not in first),
    )


def state(step: StepProgress) -> str:
    """The state of a step, in Dutch."""
    if step.lacks_evidence:
        return NO_EVIDENCE
    if step.record.state is StepState.OPEN and step.held_up_by:
        return HELD_UP
    return STATES[step.record.state]


def next_action(status: Status) -> str:
    """The one thing that must be done next, in a Dutch sentence."""
    turn = status.progress.next
    if turn is None:
        return f"Wacht tot {status.waits_for} compleet is." if status.waits_for else "Niets: alles is gedaan."
    return f"Stap {turn.step.number}: {_what(turn)}"


def _what(turn: StepProgress) -> str:
    step = turn.step
    if turn.lacks_evidence:
        return f"maak het bewijs ({step.title})."
    if turn.record.state is StepState.WAITING:
        expected = f", verwacht rond {turn.answer_expected:%d-%m-%Y}" if turn.answer_expected else ""
        return f"wacht op antwoord van {step.asks}{expected} ({step.title})."
    if turn.held_up_for:
        return " ".join(f"{each.says} {each.advice}".strip() for each in turn.held_up_for)
    return f"{step.title}."


def _step_row(status: Status, each: StepProgress) -> StepRow:
    step, record = each.step, each.record
    return StepRow(
        kind=step.kind,
        omgeving=status.subject.omgeving,
        step=step.number,
        title=step.title,
        text=step.text,
        state=state(each),
        done=each.done,
        turn=each.whose_turn,
        held_up_by=() if each.done else each.held_up_by,
        shared=step.shared,
        since=record.since,
        answer_expected=each.answer_expected,
        findings=tuple(asdict(finding) for finding in record.findings),
        evidence=record.evidence,
        checks=step.checks,
        sources=step.sources,
    )
