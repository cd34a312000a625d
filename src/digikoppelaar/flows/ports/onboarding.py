"""Onboarding on record: how far every step of a subject is, and who did what to it. Nothing of traffic hangs on it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from digikoppelaar.errors import ConfigError
from digikoppelaar.onboarding.model import Kind, Sight, Subject
from digikoppelaar.onboarding.progress import Record, Told
from digikoppelaar.onboarding.states import StepEvent


@dataclass(frozen=True, slots=True)
class Authority:
    """An organisatie on record, and the partij of each of its aansluitingen by kind (also `ebms`) and omgeving.

    `only_partij` is the partij of the installation, when there is but one.
    """

    oin: str
    naam: str
    bestuurslaag: str
    partijen: Mapping[tuple[str, str], str] = field(default_factory=dict)
    only_partij: str | None = None

    def partij(self, kind: Kind, omgeving: str) -> str:
        """Who makes the connection: as its aansluiting says, or another one of it; else the only partij, or itself."""
        others = (self.partijen[key] for key in sorted(self.partijen, key=lambda key: (key[0] != kind, key)))
        return self.partijen.get((kind, omgeving)) or next(others, None) or self.only_partij or self.oin


NOTED: Final = "noted"
"""In the log: findings or evidence came, and the state stayed."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One thing that happened to a step, to which state it led, and who did it (None: the program).

    `event` is a StepEvent or NOTED.
    """

    number: str
    at: datetime
    event: str
    state: str
    by: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class Seen:
    """When something was last seen; `detail` is the message or verzoek."""

    at: datetime
    detail: str


class OnboardingStore(Protocol):
    """Every method is one transaction and raises StorageError."""

    async def authorities(self, oin: str | None = None) -> Sequence[Authority]:
        """Every organisatie by its OIN, or this one."""

    async def records(self, subjects: Collection[Subject] | None = None) -> Mapping[Subject, Mapping[str, Record]]:
        """What is on record of these subjects, or of all, by number; a subject without any is left out."""

    async def tell(self, subject: Subject, number: str, event: StepEvent | None, told: Told) -> Record:
        """Move a step by the table of onboarding.states, or only note findings and evidence; its record after that.

        It is logged, unless it changed nothing; being asked again always is. Raises ConfigError when the event cannot
        happen in the state that the step is in, and Conflict when it is told of the connection before a change.
        """

    async def log(self, subject: Subject, number: str | None = None) -> Sequence[LogLine]:
        """What happened to its steps, or to one, in order."""

    async def another_has_done(self, subject: Subject, partij_oin: str, number: str) -> bool:
        """Whether another organisatie that this partij connects there, over this kind, has done the step."""

    async def sights(self, subjects: Collection[Subject]) -> Mapping[Subject, Mapping[Sight, Seen]]:
        """What is on record of the traffic and errands of these organisaties: of each sight the last.

        Of verzoeken only those for an aansluitactiviteit, marked TEST, count as fetched or delivered.
        """


def refused_event(subject: Subject, number: str, state: str, event: StepEvent | None) -> ConfigError:
    """For an event that cannot happen in this state."""
    return ConfigError(
        f"step {number} of {subject.kind} for {subject.oin} in {subject.omgeving} is {state}: it cannot be {event} now",
        advice="Bekijk de stap met `digikoppelaar aansluiting show`.",
    )
