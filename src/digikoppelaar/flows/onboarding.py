"""Onboarding: what is told of the steps of an organisatie, and what that makes of them.

A step gets done only when what must come first is, so the last one being done says that all were. What is seen or
checked before its turn is looked at again later; nothing of it is lost, for it is on record elsewhere. Traffic never
asks anything here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

import structlog

from digikoppelaar.errors import ConfigError, StorageError
from digikoppelaar.flows.onboarding_status import (
    Status,
    StatusFilter,
    ahead_of_all,
    first_of,
    fulfilled_by,
    reopened,
    status_of,
    subjects_of,
    waits_to_see,
)
from digikoppelaar.flows.ports import OMGEVINGEN, Clock
from digikoppelaar.flows.ports.onboarding import LogLine, OnboardingStore, Seen
from digikoppelaar.onboarding.model import Finding, Kind, Process, Severity, Sight, Step, Subject, world
from digikoppelaar.onboarding.progress import StepProgress, Told, judged
from digikoppelaar.onboarding.states import StepEvent

log = structlog.get_logger()

REFUSED: Final = "refused"
"""The code of the finding that another party refused."""
LOOK_EVERY: Final = 60.0
"""Seconds between two looks at the traffic of those who wait to see something in it."""

Judge = Callable[[Subject, Step], Awaitable[Sequence[Finding]]]
"""What the checks of a step find now, for the organisatie of the subject. Raises StorageError."""


async def nobody_judges(subject: Subject, step: Step) -> Sequence[Finding]:
    """For whoever has no checks: no step that has one can be done."""
    del subject
    says = "Deze installatie voert de controles van deze stap niet uit."
    return [Finding(f"{name}-not-run", Severity.MISSING, says) for name in step.checks]


@dataclass(frozen=True, slots=True)
class Onboarding:
    """Over these parts. Every method raises StorageError."""

    store: OnboardingStore
    process_of: Callable[[Kind], Process]
    judge: Judge

    # --- how far it is ---

    async def statuses(self, wanted: StatusFilter) -> Sequence[Status]:
        """Of every organisatie that fits, by kind, omgeving and name."""
        if wanted.oin is not None:
            return await self._statuses_of(wanted.oin, wanted)
        authorities, records = await self.store.authorities(), await self.store.records()
        ahead = ahead_of_all(authorities, records, self.process_of)
        found = [
            status_of(authority, subject, self.process_of(subject.kind), records, ahead)
            for authority in authorities
            if wanted.bestuurslaag in (None, authority.bestuurslaag)
            for subject in subjects_of(authority, wanted, records)
        ]
        return sorted((each for each in found if wanted.fits(each)), key=_order)

    async def _statuses_of(self, oin: str, wanted: StatusFilter) -> Sequence[Status]:
        """Of one organisatie, without reading what is on record of the others."""
        authority = next(iter(await self.store.authorities(oin)), None)
        if authority is None or wanted.bestuurslaag not in (None, authority.bestuurslaag):
            return ()
        records = await self.store.records([Subject(oin, kind, each) for kind in Kind for each in OMGEVINGEN])
        subjects = [
            each
            for each in subjects_of(authority, wanted, records)
            if self.process_of(each.kind).steps_for(each.omgeving, authority.bestuurslaag)
        ]
        found = [await self.status(each) for each in subjects]
        return sorted((each for each in found if wanted.fits(each)), key=_order)

    async def status(self, subject: Subject) -> Status:
        """Of one. Raises ConfigError when there is no such organisatie, or it has no such facility."""
        authority = next(iter(await self.store.authorities(subject.oin)), None)
        if authority is None:
            raise ConfigError(
                f"there is no organisatie {subject.oin}",
                advice="Leg haar eerst vast met `digikoppelaar organisatie apply`.",
            )
        process = self.process_of(subject.kind)
        if not process.steps_for(subject.omgeving, authority.bestuurslaag):
            raise ConfigError(
                f"{subject.kind} has no steps for bestuurslaag {authority.bestuurslaag}",
                advice=f"Een organisatie met bestuurslaag {authority.bestuurslaag} heeft geen {subject.kind.upper()}.",
            )
        own = [each for each in (subject, first_of(subject)) if each]
        partijen = {each: authority.partij(each.kind, each.omgeving) for each in own}
        records = await self.store.records({*own, *(replace(each, oin=oin) for each, oin in partijen.items())})
        ahead = {
            each: await self.store.another_has_done(each, oin, process.last(each.omgeving))
            for each, oin in partijen.items()
        }
        return status_of(authority, subject, process, records, lambda each, _: ahead[each])

    async def log(self, subject: Subject) -> Sequence[LogLine]:
        """What happened to its steps, in order, also to those that its partij does once. Raises ConfigError."""
        status = await self.status(subject)
        lines = list(await self.store.log(subject))
        if status.partij != subject.oin:
            shared = {each.step.number for each in status.progress.steps if each.step.shared}
            of_partij = await self.store.log(replace(subject, oin=status.partij))
            lines += [line for line in of_partij if line.number in shared]
        return sorted(lines, key=lambda line: line.at)

    # --- what is told of a step ---

    async def asked(self, subject: Subject, number: str, told: Told) -> Status:
        """Another party was asked. Raises ConfigError as `word` does, and when this step asks nobody."""
        status = await self.status(subject)
        if status.step(number).step.asks is None:
            raise ConfigError(f"step {number} asks nobody", advice="Bij deze stap hoeft u niemand iets te vragen.")
        return await self._tell(await self._ready(status, number, told), number, StepEvent.ASKED, told)

    async def word(self, subject: Subject, number: str, told: Told) -> Status:
        """A person says that it is done. Raises ConfigError when a word does not do that, or it is too early,

        or a check of it is not good: that is then on record, and nothing is done.
        """
        status = await self.status(subject)
        step = status.step(number).step
        if not step.takes_word:
            raise ConfigError(
                f"a word does not make step {number} done: it is of how {step.how}",
                advice="Deze stap wordt vanzelf gedaan; kijk of het zover is met `digikoppelaar aansluiting look`.",
            )
        return await self._tell(await self._ready(status, number, told), number, StepEvent.FULFILLED, told)

    async def refused(self, subject: Subject, number: str, told: Told) -> Status:
        """Who was asked said no; `told.detail` says why. Raises ConfigError when this step asks nobody."""
        status = await self.status(subject)
        step = status.step(number).step
        if step.asks is None:
            raise ConfigError(f"step {number} asks nobody, so nobody can refuse", advice="Kies de stap waarin u vroeg.")
        says = f"Geweigerd door {step.asks}: {told.detail or 'zonder reden'}."
        finding = Finding(REFUSED, Severity.WRONG, says, advice="Neem de reden weg en vraag het opnieuw.", who=step.who)
        return await self._tell(status, number, StepEvent.FAILED, replace(told, findings=(finding,)))

    async def judged(self, subject: Subject, number: str, findings: Sequence[Finding], told: Told) -> Status:
        """What the checks of a step found: it gets done by that, becomes wrong, or it is only noted.

        What another party refused stays so until it is asked again, or says otherwise. Raises Conflict when the
        connection changed since `told.about` was judged.
        """
        return await self._judged(await self.status(subject), number, findings, told)

    async def checked(self, subject: Subject, told: Told) -> Status:
        """Run the checks of every step, in their order."""
        status = await self.status(subject)
        for step in [each.step for each in status.progress.steps if each.step.checks]:
            status = await self._judged(status, step.number, await self.judge(subject, step), told)
        return status

    async def proven(self, subject: Subject, number: str, told: Told) -> Status:
        """Evidence was made: `told.evidence`, of `told.about`. A step that wants it is not done without.

        Raises Conflict when the connection changed while it was made.
        """
        return await self._tell(await self.status(subject), number, None, told)

    async def changed(self, subject: Subject, told: Told) -> Mapping[Subject, Sequence[str]]:
        """The connection is another: from the CPA on the steps are open again, in PRE and in PROD, which waits for it.

        Which steps. Raises ConfigError as `to_change` does.
        """
        opened = await self.to_change(subject)
        for each, numbers in opened.items():
            for number in numbers:
                await self.store.tell(each, number, StepEvent.CHANGED, told)
        return opened

    async def to_change(self, subject: Subject) -> Mapping[Subject, Sequence[str]]:
        """What `changed` would open again. Raises ConfigError for a kind that knows no such steps."""
        process = self.process_of(subject.kind)
        if not process.changed_from:
            raise ConfigError(
                f"{subject.kind} has no steps that a change opens again",
                advice="Alleen een STAM-aansluiting gaat na een wijziging eerst weer door PRE.",
            )
        both = [replace(subject, omgeving=omgeving) for omgeving in world(subject.omgeving)]
        return {each: reopened(process, await self.status(each)) for each in both}

    # --- what is seen ---

    async def seen(self, subject: Subject, sight: Sight, told: Told) -> Status:
        """Something happened, at `told.at`. It fulfils every step whose turn it is, one after the other."""
        return await self._fulfilled(subject, {sight: Seen(told.at, told.detail)}, told)

    async def look(self, told: Told, oin: str | None = None) -> Sequence[Subject]:
        """Put on record what traffic shows of everyone who waits to see something, or of one organisatie.

        Those of whom a step got done. Again changes nothing.
        """
        statuses = await self.statuses(StatusFilter(oin=oin, open=True))
        waiting = [each for each in statuses if any(map(waits_to_see, each.progress.steps))]
        sights = await self.store.sights([each.subject for each in waiting])
        moved = [each.subject for each in waiting if fulfilled_by(each, sights.get(each.subject, {}))]
        for subject in moved:
            await self._fulfilled(subject, sights[subject], told)
        return moved

    async def watch(self, clock: Clock, stop: asyncio.Event) -> None:
        """Look over and over until `stop`; a database that is away is waited for."""
        while not stop.is_set():
            try:
                await self.look(Told(clock.now()))
            except StorageError as error:
                log.warning("onboarding_waits_for_storage", reason=str(error))
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), LOOK_EVERY)

    # --- inside ---

    async def _fulfilled(self, subject: Subject, sights: Mapping[Sight, Seen], told: Told) -> Status:
        status = await self.status(subject)
        while found := fulfilled_by(status, sights):
            step, seen = found
            status = await self._tell(status, step.number, StepEvent.FULFILLED, replace(told, detail=seen.detail))
        return status

    async def _ready(self, status: Status, number: str, told: Told) -> Status:
        """Raises ConfigError when something must come first, or when a check of it is not good."""
        step = status.step(number)
        refuse_held_up(step)
        if not step.step.checks:
            return status
        status = await self._judged(status, number, await self.judge(status.subject, step.step), told)
        if troubles := [each for each in status.step(number).held_up_for if each.code != REFUSED]:
            raise ConfigError(
                f"step {number} is not good: {', '.join(each.code for each in troubles)}",
                advice=" ".join(f"{each.says} {each.advice}".strip() for each in troubles),
            )
        return status

    async def _judged(self, status: Status, number: str, findings: Sequence[Finding], told: Told) -> Status:
        step = status.step(number)
        whole = (*(each for each in step.record.findings if each.code == REFUSED), *findings)
        by_program = Told(told.at, findings=whole, about=told.about)
        return await self._tell(status, number, judged(step, whole), by_program)

    async def _tell(self, status: Status, number: str, event: StepEvent | None, told: Told) -> Status:
        """Put it on record; who is asked anew, or says that it is done, refuses no longer."""
        step = status.step(number)
        if event in (StepEvent.ASKED, StepEvent.FULFILLED) and told.findings is None:
            told = replace(told, findings=tuple(each for each in step.record.findings if each.code != REFUSED))
        told = replace(told, about=told.about or step.record)
        return status.told(number, await self.store.tell(status.of(step.step), number, event, told))


def refuse_held_up(step: StepProgress) -> None:
    """Raises ConfigError when something must come first."""
    if step.held_up_by and not step.done:
        waits_for = ", ".join(each if each in OMGEVINGEN else f"stap {each}" for each in step.held_up_by)
        raise ConfigError(
            f"step {step.step.number} is held up by {waits_for}", advice=f"Eerst moet klaar zijn: {waits_for}."
        )


def _order(status: Status) -> tuple[str, int, str, str]:
    subject = status.subject
    return subject.kind, OMGEVINGEN.index(subject.omgeving), status.authority.naam, subject.oin
