"""Steps of a delivery: chains of them, a few chains at once, and none that is done is done again."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from digikoppelaar.errors import DigikoppelaarError
from digikoppelaar.flows.ports import PlannedStep, Steps


@dataclass(frozen=True, slots=True)
class Step:
    """`what` is one Dutch sentence without personal data; `do` returns what is recorded of it."""

    name: str
    what: str
    do: Callable[[], Awaitable[Mapping[str, str]]]


Chain = Sequence[Step]
"""Steps in order."""
Stage = Sequence[Chain]
"""Chains that need nothing of each other; a stage begins when the one before it has ended."""


async def take(step: Step, steps: Steps) -> Mapping[str, str]:
    """The outcome of a step, recorded: done before, or done now."""
    outcome = steps.done(step.name)
    if outcome is None:
        outcome = await step.do()
        await steps.record(step.name, outcome)
    return outcome


async def run(stages: Sequence[Stage], steps: Steps, at_once: int) -> None:
    """Every step of every stage, at most `at_once` chains at the same time.

    After a fault no new chain begins; those under way go on to their end, so that little is done twice. Of several
    faults the one is raised that trying again does not mend.
    """
    for stage in stages:
        waiting = list(stage)
        faults: list[Exception] = []
        await asyncio.gather(*(_work(waiting, faults, steps) for _ in range(min(at_once, len(waiting)))))
        if faults:
            raise min(faults, key=_mends)


async def _work(waiting: list[Chain], faults: list[Exception], steps: Steps) -> None:
    while waiting and not faults:
        chain = waiting.pop(0)
        try:
            for step in chain:
                await take(step, steps)
        except Exception as fault:  # it is raised when the others have ended
            faults.append(fault)


def _mends(fault: Exception) -> bool:
    return isinstance(fault, DigikoppelaarError) and fault.retryable


def planned(stages: Sequence[Stage], steps: Steps) -> list[PlannedStep]:
    """The same as a list to show."""
    return [
        PlannedStep(step.name, step.what, steps.done(step.name) is not None)
        for stage in stages
        for chain in stage
        for step in chain
    ]
