"""The course of a rehearsal: STAM and DROP in PRE, then both in PROD, of one authority or of all."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from digikoppelaar.cli.rehearsal.country import Rehearsed
from digikoppelaar.cli.rehearsal.deeds import Doer
from digikoppelaar.cli.rehearsal.faults import NONE, RehearsedFault
from digikoppelaar.cli.rehearsal.walk import Tell, Walked, walk
from digikoppelaar.cli.rehearsal.world import PRE, PROD, World
from digikoppelaar.onboarding.model import Kind, Subject
from digikoppelaar.sandbox.folder import LEVERANCIER

AT_ONCE: Final = 6
"""Authorities that are being connected at one time."""


@dataclass(slots=True)
class Phases:
    """Seconds that each part took; of what runs side by side the sum."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """This part."""
        began = monotonic()
        try:
            yield
        finally:
            self.seconds[name] = round(self.seconds.get(name, 0) + monotonic() - began, 2)


@dataclass(frozen=True, slots=True)
class Course:
    """Of one authority: how far it came with each facility in each omgeving, and what proves those that are done."""

    who: Rehearsed
    walked: Sequence[Walked]
    whole: Sequence[str]

    @property
    def done(self) -> bool:
        """Whether it is connected."""
        return all(each.done for each in self.walked)


def subjects_of(who: Rehearsed) -> list[Subject]:
    """In their order; a body of the Rijk has no DROP."""
    kinds = (Kind.STAM,) if who.bestuurslaag == "rijk" else tuple(Kind)
    return [Subject(who.oin, kind, omgeving) for omgeving in (PRE, PROD) for kind in kinds]


async def go(world: World, who: Rehearsed, tell: Tell, phases: Phases, fault: RehearsedFault = NONE) -> Course:
    """Connect one authority, up to the first step that does not get done. Raises StorageError."""
    walked: list[Walked] = []
    whole: list[str] = []
    for subject in subjects_of(who):
        if walked and not walked[-1].done:
            walked.append(Walked(await world.onboarding.status(subject)))
            continue
        with phases.timed(f"{subject.kind} {subject.omgeving}"):
            doer = Doer(world, who, subject, fault if subject.omgeving == PRE else NONE)
            walked.append(await walk(doer, tell))
            whole += map(str, await world.proving.whole(subject, LEVERANCIER.name) if walked[-1].done else ())
    return Course(who, walked, whole)


async def go_all(world: World, tell: Tell, phases: Phases) -> list[Course]:
    """Connect everybody: the first one with the aansluitteam, and then the others side by side."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(who: Rehearsed) -> Course:
        async with room:
            return await go(world, who, tell, phases)

    first, *others = [each for each in world.people if not each.known]
    return [await one(first), *await asyncio.gather(*map(one, others))]
