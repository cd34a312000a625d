"""How far organisaties are: which subjects there are, and what is on record of their steps, put together. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.ports import OMGEVINGEN
from digikoppelaar.flows.ports.onboarding import Authority, Seen
from digikoppelaar.onboarding.model import How, Kind, Process, Sight, Step, Subject, before, world
from digikoppelaar.onboarding.progress import NOTHING, Progress, Record, StepProgress, progress
from digikoppelaar.onboarding.states import StepState

Records = Mapping[Subject, Mapping[str, Record]]
Ahead = Callable[[Subject, str], bool]
"""Whether this partij connected another organisatie there before."""
_PRE_COMPLETE: Final = "pre-complete"


@dataclass(frozen=True, slots=True)
class Status:
    """How far an organisatie is at a facility in an omgeving.

    `partij` makes the connection, and `alone` says that it did so before for another organisatie there, so without the
    aansluitteam. `waits_for` is the omgeving that must be complete first, when it is not.
    """

    authority: Authority
    subject: Subject
    partij: str
    alone: bool
    waits_for: str | None
    progress: Progress

    def of(self, step: Step) -> Subject:
        """Whose record the step has: that of the partij when it is shared."""
        return replace(self.subject, oin=self.partij) if step.shared else self.subject

    def told(self, number: str, record: Record) -> "Status":
        """The same with another record of one step."""
        records = {each.step.number: each.record for each in self.progress.steps} | {number: record}
        steps = [each.step for each in self.progress.steps]
        return replace(self, progress=_progress(steps, records, self.waits_for))

    def step(self, number: str) -> StepProgress:
        """The step with this number. Raises ConfigError when this body has none here."""
        found = self.progress.step(number)
        if found is None:
            subject = self.subject
            raise ConfigError(
                f"there is no step {number} of {subject.kind} for {subject.oin} in {subject.omgeving}",
                advice=f"Kies een van {', '.join(each.step.number for each in self.progress.steps)}.",
            )
        return found


@dataclass(frozen=True, slots=True)
class StatusFilter:
    """Which to list; None means all. `open`: only those with something left to do.

    Without an omgeving an organisatie is listed in the world, real or sandbox, where it has an aansluiting or a record;
    one that has neither in the real one.
    """

    omgeving: str | None = None
    kind: Kind | None = None
    bestuurslaag: str | None = None
    oin: str | None = None
    open: bool = False

    def fits(self, status: Status) -> bool:
        """Whether it is to be listed."""
        return bool(status.progress.steps) and not (self.open and status.progress.complete)


def status_of(authority: Authority, subject: Subject, process: Process, records: Records, ahead: Ahead) -> Status:
    """From what is on record of it, of its partij and, in PROD, of both in PRE."""
    partij = authority.partij(subject.kind, subject.omgeving)
    alone = ahead(subject, partij)
    own, shared = records.get(subject, {}), records.get(replace(subject, oin=partij), {})
    steps = [
        step
        for step in process.steps_for(subject.omgeving, authority.bestuurslaag)
        if not (step.together and alone) or step.number in own
    ]
    known = {step.number: (shared if step.shared else own).get(step.number, NOTHING) for step in steps}
    first = first_of(subject)
    if first and status_of(authority, first, process, records, ahead).progress.complete:
        first = None
    waits_for = first.omgeving if first else None
    return Status(authority, subject, partij, alone, waits_for, _progress(steps, known, waits_for))


def _progress(steps: Sequence[Step], records: Mapping[str, Record], waits_for: str | None) -> Progress:
    return progress(steps, records, (waits_for,) if waits_for else ())


def first_of(subject: Subject) -> Subject | None:
    """The subject in PRE that comes before one in PROD."""
    omgeving = before(subject.omgeving)
    return replace(subject, omgeving=omgeving) if omgeving else None


def subjects_of(authority: Authority, wanted: StatusFilter, records: Records) -> Iterator[Subject]:
    """Those of an organisatie that may be listed; none when all it has are aansluitingen of kind `ebms`."""
    kinds = {kind for kind, _ in authority.partijen}
    if kinds and not kinds & set(Kind):
        return
    used = {omgeving for kind, omgeving in authority.partijen if kind in set(Kind)}
    used |= {each for each in OMGEVINGEN for kind in Kind if Subject(authority.oin, kind, each) in records}
    listed = {each for omgeving in used or {"pre"} for each in world(omgeving)}
    for kind in Kind:
        for omgeving in OMGEVINGEN:
            if wanted.kind in (None, kind) and omgeving in (listed if wanted.omgeving is None else {wanted.omgeving}):
                yield Subject(authority.oin, kind, omgeving)


def ahead_of_all(authorities: Iterable[Authority], records: Records, process_of: Callable[[Kind], Process]) -> Ahead:
    """From all that is on record."""
    done: dict[tuple[Kind, str, str], set[str]] = {}
    for authority in authorities:
        for subject in (Subject(authority.oin, kind, omgeving) for kind in Kind for omgeving in OMGEVINGEN):
            partij = authority.partijen.get((subject.kind, subject.omgeving))
            last = records.get(subject, {}).get(process_of(subject.kind).last(subject.omgeving), NOTHING)
            if partij and last.state is StepState.DONE:
                done.setdefault((subject.kind, subject.omgeving, partij), set()).add(subject.oin)
    return lambda subject, partij: bool(done.get((subject.kind, subject.omgeving, partij), set()) - {subject.oin})


def fulfilled_by(status: Status, sights: Mapping[Sight, Seen]) -> tuple[Step, Seen] | None:
    """The first step whose turn it is and that one of these fulfils: seen since the connection last changed."""
    for each in status.progress.steps:
        seen = sights.get(each.step.sight) if each.step.sight and waits_to_see(each) and not each.held_up_by else None
        if seen and (each.record.changed_at is None or seen.at > each.record.changed_at):
            return each.step, seen
    return None


def waits_to_see(step: StepProgress) -> bool:
    """Whether it gets done by what is seen, and is not."""
    return step.step.how is How.SEEN and step.record.state is not StepState.DONE


def reopened(process: Process, status: Status) -> tuple[str, ...]:
    """The steps that a change of the connection opens again.

    They are those of which anything is on record, and those that wait to see something: what was seen before says
    nothing of the changed connection.
    """
    numbers = [step.number for step in process.steps]
    later = set(numbers[numbers.index(process.changed_from) :])
    return tuple(
        each.step.number
        for each in status.progress.steps
        if (each.step.number in later or _PRE_COMPLETE in each.step.checks)
        and (each.record != NOTHING or each.step.how is How.SEEN)
    )
