"""The functional test, live: a TEST verzoek from its notification until the case system has it (STAM, 4 to 6)."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from digikoppelaar.flows.onboarding import Onboarding
from digikoppelaar.flows.ports import Clock
from digikoppelaar.flows.reading import Reading, StepRow, VerzoekFilter, VerzoekRow
from digikoppelaar.onboarding.model import Kind, Subject
from digikoppelaar.onboarding.progress import Told

LOOK_EVERY: Final = 0.2
"""Seconds between two looks."""
PASSED_ON: Final = "passed_on"
"""The state of a notification that went to an application: what that does with it, we do not see."""


@dataclass(frozen=True, slots=True)
class Followed:
    """How far it came: `row` None says that no notification came; `arrived`, that there is nothing more to see."""

    row: VerzoekRow | None
    steps: tuple[StepRow, ...]
    arrived: bool


@dataclass(frozen=True, slots=True)
class Following:
    """Over these parts."""

    onboarding: Onboarding
    reading: Reading
    clock: Clock

    async def follow(
        self,
        subject: Subject,
        since: datetime,
        tell: Callable[[StepRow], None],
        *,
        timeout: float,
        verzoeknummer: str | None = None,
    ) -> Followed:
        """Tell each step of the TEST verzoek that came in after `since`, until it is delivered or `timeout` is over.

        `verzoeknummer`: only this one. Steps of onboarding get done meanwhile. Raises StorageError.
        """
        deadline, told = asyncio.get_running_loop().time() + timeout, 0
        wanted = VerzoekFilter(subject.omgeving, subject.oin, verzoeknummer)
        while True:
            row = _the_test(await self.reading.verzoeken(wanted), since)
            steps = await self._steps(row) if row else ()
            for step in steps[told:]:
                tell(step)
            told = len(steps)
            arrived = row is not None and (row.delivered_at is not None or row.state == PASSED_ON)
            if arrived or asyncio.get_running_loop().time() >= deadline:
                await self.onboarding.look(Told(self.clock.now()), subject.oin)
                return Followed(row, steps, arrived)
            await asyncio.sleep(LOOK_EVERY)

    async def _steps(self, row: VerzoekRow) -> tuple[StepRow, ...]:
        page = await self.reading.verzoek(row.aansluiting_id, row.verzoeknummer)
        found = [step for version in page.versions for step in version.steps] if page else []
        return tuple(sorted(found, key=lambda step: step.at))


def activiteit(onboarding: Onboarding, subject: Subject, bestuurslaag: str) -> str:
    """The aansluitactiviteit that this kind of body chooses in the Omgevingsloket."""
    return onboarding.process_of(Kind.STAM).words_for(subject.omgeving, bestuurslaag)["activiteit"]


def _the_test(rows: Sequence[VerzoekRow], since: datetime) -> VerzoekRow | None:
    """The first that is a test; as long as there is none, the first of which only the notification is known."""
    new = sorted((each for each in rows if each.received_at >= since), key=lambda each: each.received_at)
    tests = [each for each in new if each.test]
    return next(iter([*tests, *(each for each in new if each.volgnummer is None)]), None)
