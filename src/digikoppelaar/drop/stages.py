"""How far an organisatie is on the way to production: the stages of 3PAS, and what is missing in each. Pure.

Between two stages KOOP looks whether each wanted documenttype was delivered rightly (drop-3pas.md 1.1). That it was is
KOOP's word, by mail, so here it is the word of a person. A stage is done when every wanted documenttype was delivered
and found good. Nothing of this ever stops traffic.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from operator import attrgetter
from typing import Final

from digikoppelaar.drop.model import Documenttype
from digikoppelaar.drop.profile import Doer, Stage
from digikoppelaar.errors import ConfigError

DOCUMENTTYPEN: Final[Mapping[str, Documenttype]] = {each.name.lower(): each for each in Documenttype}
"""By the short name that settings and commands have for them."""
PRODUCTION: Final = "prod"
"""The omgeving of a stage in which notices are real, and as many as there are."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What 3PAS took in a stage. Not `own`: of another organisatie that shares the stage."""

    stage: str
    documenttype: Documenttype
    dossiernummer: str
    at: datetime
    own: bool = True


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The word of a person that KOOP found a documenttype good."""

    stage: str
    documenttype: Documenttype
    by: str
    at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """What somebody should know of a stage; `says` is Dutch."""

    code: str
    says: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """One documenttype of a stage: what was delivered of it, in order, and that KOOP found it good."""

    documenttype: Documenttype
    deliveries: tuple[Delivery, ...] = ()
    confirmation: Confirmation | None = None

    @property
    def done(self) -> bool:
        """Whether nothing is missing."""
        return bool(self.deliveries) and self.confirmation is not None


@dataclass(frozen=True, slots=True)
class StageProgress:
    """How far one stage is. `used`: an aansluiting of the organisatie is set to it."""

    stage: Stage
    wanted: tuple[Wanted, ...]
    used: bool
    findings: tuple[Finding, ...] = ()

    @property
    def done(self) -> bool:
        """Whether nothing is missing."""
        return all(each.done for each in self.wanted)

    @property
    def undelivered(self) -> tuple[Documenttype, ...]:
        """What is still to be delivered."""
        return tuple(each.documenttype for each in self.wanted if not each.deliveries)

    @property
    def unconfirmed(self) -> tuple[Documenttype, ...]:
        """What was delivered and not found good yet."""
        return tuple(each.documenttype for each in self.wanted if each.deliveries and not each.confirmation)

    @property
    def turn(self) -> Doer | None:
        """Who must act; None when it is done."""
        if self.undelivered:
            return self.stage.who
        return Doer.KOOP if self.unconfirmed else None

    @property
    def next(self) -> str:
        """What must be done, in Dutch; empty when it is done."""
        if self.undelivered:
            return f"Lever nog aan: {_names(self.undelivered)}."
        if self.unconfirmed:
            return f"Vraag KOOP of goed is aangekomen: {_names(self.unconfirmed)}; leg het antwoord vast."
        return ""


def progress(
    stages: Iterable[Stage],
    deliveries: Collection[Delivery],
    confirmations: Collection[Confirmation],
    used: Collection[str],
    narrowed: Mapping[str, Collection[Documenttype]],
) -> tuple[StageProgress, ...]:
    """Of one organisatie, in the order of the stages.

    `used` are names of stages that its aansluitingen are set to. `narrowed` has, by the name of a stage, which of its
    documenttypen are wanted; all of them where it has none.
    """
    found: list[StageProgress] = []
    for stage in sorted(stages, key=lambda each: each.order):
        wanted = tuple(
            _wanted(stage, documenttype, deliveries, confirmations)
            for documenttype in stage.wanted
            if documenttype in narrowed.get(stage.name, stage.wanted)
        )
        found.append(StageProgress(stage, wanted, stage.name in used, tuple(_twice(stage, wanted))))
    return tuple(_after(found[:number], each) for number, each in enumerate(found))


def following(stages: Sequence[StageProgress]) -> StageProgress | None:
    """The first stage that is not done; None when all are."""
    return next((each for each in stages if not each.done), None)


def refuse_undelivered(deliveries: Iterable[Delivery], stage: Stage, documenttype: Documenttype) -> None:
    """Raises ConfigError when there is nothing of it that KOOP could have found good."""
    if not any((each.stage, each.documenttype) == (stage.name, documenttype) for each in deliveries):
        name = documenttype.name.lower()
        raise ConfigError(
            f"no {name} was delivered in stage {stage.name}",
            advice=f"Lever eerst een {name} aan in stap {stage.order}: KOOP kan alleen goed vinden wat is aangekomen.",
        )


def _wanted(
    stage: Stage,
    documenttype: Documenttype,
    deliveries: Iterable[Delivery],
    confirmations: Iterable[Confirmation],
) -> Wanted:
    of = (stage.name, documenttype)
    delivered = (each for each in deliveries if (each.stage, each.documenttype) == of)
    confirmed = (each for each in confirmations if (each.stage, each.documenttype) == of)
    first = min(confirmed, default=None, key=attrgetter("at"))
    return Wanted(documenttype, tuple(sorted(delivered, key=attrgetter("at"))), first)


def _twice(stage: Stage, wanted: Iterable[Wanted]) -> Iterable[Finding]:
    for each in wanted:
        own = sum(delivery.own for delivery in each.deliveries)
        if own > 1 and stage.omgeving != PRODUCTION:
            says = (
                f"{each.documenttype.name.capitalize()} is in stap {stage.order} {own} keer aangeleverd; één is genoeg."
            )
            yield Finding("delivered-twice", says)


def _after(before: Sequence[StageProgress], this: StageProgress) -> StageProgress:
    """With a finding when it is used while one before it is not done."""
    missing, own = following(before), any(delivery.own for each in this.wanted for delivery in each.deliveries)
    if missing is None or not (this.used or own):
        return this
    says = f"Stap {this.stage.order} is in gebruik terwijl stap {missing.stage.order} niet klaar is. {missing.next}"
    return replace(this, findings=(*this.findings, Finding("too-early", says)))


def _names(documenttypen: Iterable[Documenttype]) -> str:
    return ", ".join(each.name.lower() for each in documenttypen)
