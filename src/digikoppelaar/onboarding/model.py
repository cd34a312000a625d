"""What onboarding is made of: steps as data, findings of checks, and whose steps they are."""

from dataclasses import dataclass
from enum import StrEnum


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


class Severity(StrEnum):
    """Whether a finding holds a step up."""

    WRONG = "wrong"
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

    @property
    def is_preparation(self) -> bool:
        """Whether it comes before the first step of the process."""
        return self.number.startswith("0.")


def plays(omgeving: str) -> str:
    """`pre` or `prod`: what this omgeving is, or plays."""
    return omgeving.removeprefix("sandbox-")


def applies(step: Step, kind: Kind, omgeving: str, bestuurslaag: str) -> bool:
    """Whether the step is one of this kind of body, in this omgeving."""
    right_layer = not step.bestuurslagen or bestuurslaag in step.bestuurslagen
    return step.kind is kind and plays(omgeving) in step.omgevingen and right_layer
