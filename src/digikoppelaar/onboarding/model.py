"""What onboarding is made of: steps as data, findings of checks, and whose steps they are."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from typing import Final


class Kind(StrEnum):
    """Which facility is connected to."""

    STAM = "stam"
    DROP = "drop"


class Rol(StrEnum):
    """Who must do something. The first four are ours to guide, the others are asked."""

    BEVOEGD_GEZAG = "bevoegd gezag"
    BEHANDELDIENST = "behandeldienst"
    LEVERANCIER = "leverancier"
    DIGIKOPPELAAR = "digikoppelaar"
    AANSLUITTEAM = "aansluitteam"
    KOOP = "KOOP"


class How(StrEnum):
    """What makes a step done."""

    CHECK = "check"
    """Its checks, when all are good."""
    SEEN = "seen"
    """Something that the gateway saw happen."""
    WORD = "word"
    """A person says so."""


class Sight(StrEnum):
    """What the gateway can see happen."""

    CPA_OFFERED = "cpa-offered"
    """DSO-LV took the CPA."""
    PING_PONG = "ping-pong"
    NOTIFICATION = "notification"
    """It came in over ebMS and was acknowledged."""
    HANDED_ON = "handed-on"
    """The notification reached the application: ours, or the one that takes the messages."""
    FETCHED = "fetched"
    """A verzoek for an aansluitactiviteit is here, whole."""
    DELIVERED = "delivered"
    """The case system confirmed that it has that verzoek."""


CHECKS: Final = (
    "oin",
    "certificate",
    "machtiging",
    "cpa",
    "endpoint",
    "firewall",
    "api-key",
    "mandate",
    "clock",
    "pre-complete",
    "stage",
)
"""The names of the checks that a step can have."""


class Severity(StrEnum):
    """Whether a finding holds a step up."""

    WRONG = "wrong"
    MISSING = "missing"
    """What it looks at is not there yet: the step cannot be done, and nobody did anything wrong."""
    WARNING = "warning"
    GOOD = "good"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found. `says`, `why` (it matters) and `advice` are Dutch; `who` must act.

    Holds identifiers and names of certificates, never keys, secrets or personal data.
    """

    code: str
    severity: Severity
    says: str
    why: str = ""
    advice: str = ""
    who: Rol | None = None

    @property
    def holds_up(self) -> bool:
        """Whether a step with this finding cannot be done."""
        return self.severity in (Severity.WRONG, Severity.MISSING)


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """Whose steps: an organisatie or, of a shared step, a partij, by OIN; for which facility, in which omgeving."""

    oin: str
    kind: Kind
    omgeving: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step or sub-step, as its data file has it; texts are Dutch.

    `number` is as people count: 1 to 7 with sub-steps for STAM, 1 to 4 for DROP, 0.x for what comes before.
    `first` are numbers of the same kind and omgeving that must be done before, `asks` is who then has to answer, within
    `days` working days. `omgevingen` are `pre` and `prod`; a sandbox plays one of them. `bestuurslagen` empty: all.
    `shared`: a leverancier does it once for all its organisaties. `sources` name numbered sentences ("stam:41").
    """

    kind: Kind
    number: str
    title: str
    text: str
    who: Rol
    how: How
    omgevingen: tuple[str, ...]
    sources: tuple[str, ...]
    first: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    evidence: bool = False
    asks: Rol | None = None
    days: int = 0
    bestuurslagen: tuple[str, ...] = ()
    shared: bool = False
    mail: str = ""
    """The name of the template of the mail that goes with it."""
    sight: Sight | None = None
    """What makes a step that is SEEN done."""
    or_word: bool = False
    """Of a step that is SEEN: a person may say it too, for what happened out of our sight."""
    together: bool = False
    """Only for the first organisatie of a partij in an omgeving; the next ones go alone."""

    @property
    def is_preparation(self) -> bool:
        """Whether it comes before the first step of the process."""
        return self.number.startswith("0.")

    @property
    def takes_word(self) -> bool:
        """Whether a person can say that it is done."""
        return self.how is How.WORD or self.or_word


@dataclass(frozen=True, slots=True, eq=False)
class Process:
    """All steps of a kind in their order, as its data file has them.

    Texts have fields such as `{activiteit}`; `words` gives what they stand for by bestuurslaag and by `pre` or `prod`,
    and under "" what holds otherwise. `changed_from` is the number of the first step that a change of the connection
    opens again; empty: none. `source` names the document.
    """

    kind: Kind
    source: str
    steps: tuple[Step, ...]
    words: Mapping[str, Mapping[str, str]]
    changed_from: str = ""

    def steps_for(self, omgeving: str, bestuurslaag: str) -> tuple[Step, ...]:
        """The steps of this kind of body in this omgeving, with their texts filled in.

        What a bevoegd gezag does, a body with another `rol` in its words does for itself.
        """
        return _filled_in(self, plays(omgeving), bestuurslaag)

    def last(self, omgeving: str) -> str:
        """The number of the last step in this omgeving: when it is done, all were."""
        return [step.number for step in self.steps if plays(omgeving) in step.omgevingen][-1]

    def words_for(self, omgeving: str, bestuurslaag: str) -> Mapping[str, str]:
        """What the fields in texts stand for: `activiteit` is the one to choose in the Omgevingsloket, for example."""
        found: dict[str, str] = {}
        for key in ("", bestuurslaag, plays(omgeving)):
            found |= self.words.get(key, {})
        return found


@cache
def _filled_in(process: Process, omgeving: str, bestuurslaag: str) -> tuple[Step, ...]:
    words = process.words_for(omgeving, bestuurslaag)
    gezag = Rol(words.get("rol", Rol.BEVOEGD_GEZAG))
    return tuple(
        replace(
            step,
            title=step.title.format_map(words),
            text=step.text.format_map(words),
            who=gezag if step.who is Rol.BEVOEGD_GEZAG else step.who,
        )
        for step in process.steps
        if applies(step, omgeving, bestuurslaag)
    )


SANDBOX: Final = "sandbox-"


def plays(omgeving: str) -> str:
    """`pre` or `prod`: what this omgeving is, or plays."""
    return omgeving.removeprefix(SANDBOX)


def world(omgeving: str) -> tuple[str, str]:
    """PRE and PROD of the world of this omgeving: the sandbox, or the real one."""
    prefix = SANDBOX if omgeving.startswith(SANDBOX) else ""
    return f"{prefix}pre", f"{prefix}prod"


def before(omgeving: str) -> str | None:
    """The omgeving that must be complete before this one; None of PRE."""
    return world(omgeving)[0] if plays(omgeving) == "prod" else None


def applies(step: Step, omgeving: str, bestuurslaag: str) -> bool:
    """Whether the step is one of this kind of body, in this omgeving."""
    return plays(omgeving) in step.omgevingen and (not step.bestuurslagen or bestuurslaag in step.bestuurslagen)
