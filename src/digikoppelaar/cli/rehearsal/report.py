"""What came of a rehearsal, as programs read it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from digikoppelaar.cli.rehearsal.walk import Walked
from digikoppelaar.flows.onboarding_report import StepRow, page


@dataclass(frozen=True, slots=True)
class Stuck:
    """The first step that did not get done, and who must act."""

    kind: str
    omgeving: str
    step: str
    title: str
    who: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Of one authority. Steps are as `aansluiting show` has them, with absolute names of files as `evidence`.

    `phases`: seconds that each part took. `whole`: files that prove all steps of a kind in an omgeving together.
    """

    bestuurslaag: str
    organisatie_oin: str
    organisatie_naam: str
    done: bool
    seconds: float
    phases: Mapping[str, float]
    stuck: Stuck | None
    preparation: Sequence[Mapping[str, object]]
    steps: Sequence[Mapping[str, object]]
    whole: Sequence[str]
    folder: str
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Everybody:
    """Of all authorities. `done` is how many are connected; `peak_rss_mib` the most memory that the gateway had."""

    organisaties: int
    done: int
    seconds: float
    peak_rss_mib: float
    steps: int
    phases: Mapping[str, float]
    stuck: Sequence[Mapping[str, object]]
    folder: str


def rows(walked: Sequence[Walked]) -> tuple[list[Mapping[str, object]], list[Mapping[str, object]]]:
    """The preparations and the steps of all of them, in order."""
    preparation: list[Mapping[str, object]] = []
    steps: list[Mapping[str, object]] = []
    for each in walked:
        shown = page(each.status)
        preparation += [_row(each, step) for step in shown.preparation]
        steps += [_row(each, step) for step in shown.steps]
    return preparation, steps


def stuck(walked: Sequence[Walked]) -> Stuck | None:
    """Where it stopped; None when all is done."""
    for each in walked:
        if each.stuck:
            step, subject = each.status.step(each.stuck), each.status.subject
            who = tuple(dict.fromkeys(finding.who for finding in each.why if finding.who)) or (step.whose_turn,)
            return Stuck(subject.kind, subject.omgeving, each.stuck, step.step.title, who)
    return None


def _row(walked: Walked, step: StepRow) -> Mapping[str, object]:
    """A step, with why it did not get done where that is not on record."""
    row = asdict(step)
    if step.step == walked.stuck:
        known = {each["code"] for each in step.findings}
        row["findings"] = [*step.findings, *(asdict(each) for each in walked.why if each.code not in known)]
    return row
