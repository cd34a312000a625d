"""Running the checks of onboarding: for one step, for everybody at once, and by a worker once a day.

In one run everything is measured once, so that organisaties of one partij share its certificate and endpoint. A check
that fails turns a done step wrong, and never stops traffic.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

import structlog

from digikoppelaar.adapters.steps import load_process
from digikoppelaar.config import Config
from digikoppelaar.errors import ConfigError, Conflict, DigikoppelaarError, StorageError
from digikoppelaar.flows.onboarding import Onboarding
from digikoppelaar.flows.onboarding_status import Status, StatusFilter
from digikoppelaar.measuring.facts import CHECKS, About, Once, Parts
from digikoppelaar.onboarding.findings import found
from digikoppelaar.onboarding.model import Finding, Step, Subject
from digikoppelaar.onboarding.progress import Told
from digikoppelaar.opening import open_keyring, open_renewal, open_sessions
from digikoppelaar.wiring import Stores, open_stores

log = structlog.get_logger()

AT_ONCE: Final = 8
"""Organisaties that are checked at one time."""
FIRST_AFTER: Final = 60.0
"""Seconds after the start of a worker until its first run."""
PASSING: Final = frozenset({"dso-not-reached", "dso-trouble", "not-measured"})
"""Codes of what passes by itself: a periodic run tells nothing of a step with one, so makes none wrong by it."""


@dataclass(frozen=True, slots=True)
class Measuring:
    """A flows.onboarding.Judge that measures everything anew each time: for one step at a time."""

    parts: Parts

    async def __call__(self, subject: Subject, step: Step) -> Sequence[Finding]:
        """See flows.onboarding.Judge."""
        return await Run(self.parts)(subject, step)

    @property
    def flow(self) -> Onboarding:
        """Onboarding that judges by it."""
        return Onboarding(self.parts.stores.onboarding, load_process, self)


class Run:
    """A flows.onboarding.Judge for one run over many organisaties."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._once = Once()

    async def __call__(self, subject: Subject, step: Step) -> Sequence[Finding]:
        """See flows.onboarding.Judge. What cannot be measured is a finding, and the other checks go on."""
        about = await self._about(subject)
        told: list[Finding] = []
        for name in step.checks:
            try:
                told += await CHECKS[name](about, step)
            except StorageError:
                raise
            except DigikoppelaarError as error:
                told.append(found("not-measured", check=name, reason=error, advice=error.advice))
        return told

    async def _about(self, subject: Subject) -> About:
        stores = self._parts.stores
        authorities = await self._once.get(("who", subject.oin), lambda: stores.onboarding.authorities(subject.oin))
        if not authorities:
            raise ConfigError(f"there is no organisatie {subject.oin}")
        own = await self._once.get(("own", subject.oin), lambda: stores.registry.aansluitingen(subject.oin))
        return About(self._parts, self._once, subject, authorities[0], own)

    @property
    def flow(self) -> Onboarding:
        """Onboarding that judges by it."""
        return Onboarding(self._parts.stores.onboarding, load_process, self)

    async def over(self, subjects: Iterable[Subject], *, periodic: bool = False) -> AsyncIterator[Status]:
        """Check these, AT_ONCE organisaties at a time and of each PRE before PROD; each as soon as it is done.

        With `periodic` a step is left as it is while something that passes by itself keeps it from being judged, and
        until it has its turn: what it lacks may be what comes first, and nobody asked.
        """
        by_organisatie: dict[str, list[Subject]] = {}
        for subject in subjects:
            by_organisatie.setdefault(subject.oin, []).append(subject)
        room = asyncio.Semaphore(AT_ONCE)

        async def check(own: Iterable[Subject]) -> list[Status]:
            async with room:
                return [await self._checked(each, periodic=periodic) for each in own]

        checking = [asyncio.create_task(check(own)) for own in by_organisatie.values()]
        try:
            for checked in asyncio.as_completed(checking):
                for status in await checked:
                    yield status
        finally:
            for task in checking:
                task.cancel()
            await asyncio.gather(*checking, return_exceptions=True)

    async def _judged(self, status: Status, number: str, findings: Sequence[Finding], told: Told) -> Status:
        """What was found of a connection that was changed meanwhile is dropped: the next run judges the new one."""
        try:
            return await self.flow.judged(status.subject, number, findings, told)
        except Conflict:
            return await self.flow.status(status.subject)

    async def _checked(self, subject: Subject, *, periodic: bool) -> Status:
        status = await self.flow.status(subject)
        for step in [each.step for each in status.progress.steps if each.step.checks]:
            if periodic and status.step(step.number).awaits_its_turn:
                continue
            about = status.step(step.number).record
            findings = await self(subject, step)
            if not periodic or not any(each.code in PASSING for each in findings):
                told = Told(self._parts.clock.now(), about=about)
                status = await self._judged(status, step.number, findings, told)
        return status


@asynccontextmanager
async def opened(config: Config, stores: Stores) -> AsyncIterator[Measuring]:
    """The judge of a command, with keys and CRLs as they are on record. Raises ConfigError or TrustError."""
    keyring = await open_keyring(config, stores)
    await open_renewal(config, stores, keyring).start()
    async with open_sessions(config, keyring) as sessions:
        yield Measuring(Parts(config, stores, keyring, sessions))


@asynccontextmanager
async def open_onboarding(config: Config) -> AsyncIterator[Onboarding]:
    """Onboarding as a command has it. Raises ConfigError, TrustError or StorageError."""
    async with open_stores(config) as stores, opened(config, stores) as measuring:
        yield measuring.flow


@dataclass(frozen=True, slots=True)
class Periodic:
    """The runs of a worker, `interval` seconds apart."""

    parts: Parts
    interval: float

    async def run(self, stop: asyncio.Event) -> None:
        """Check everybody over and over until `stop`; a database that is away is waited for."""
        pause = min(FIRST_AFTER, self.interval)
        while not await _stopped(stop, pause):
            try:
                await self.look()
                pause = self.interval
            except StorageError as error:
                log.warning("onboarding_waits_for_storage", reason=str(error))
                pause = FIRST_AFTER

    async def look(self) -> None:
        """One run. Raises StorageError."""
        run, wrong = Run(self.parts), 0
        subjects = [each.subject for each in await run.flow.statuses(StatusFilter())]
        async for status in run.over(subjects, periodic=True):
            wrong += any(each.held_up_for for each in status.progress.steps if each.record.was_done)
        log.info("onboarding_checked", subjects=len(subjects), wrong=wrong)


async def _stopped(stop: asyncio.Event, seconds: float) -> bool:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
    return stop.is_set()
