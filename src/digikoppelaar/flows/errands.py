"""Doing an errand: on record first, then looking whether it was done before, and only then asking.

So a crash between a question and its answer is found by reading back, and nothing is asked blindly twice.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Final, TypeVar

import structlog

from digikoppelaar.errors import ConfigError, DigikoppelaarError
from digikoppelaar.flows.ports import Clock
from digikoppelaar.flows.ports.errands import ErrandKey, Errands

T = TypeVar("T")

log = structlog.get_logger()

PATIENCE: Final = timedelta(seconds=90)
"""After this nobody is about an errand any more that was begun: longer than any time-out of a call."""


async def run(
    errands: Errands,
    key: ErrandKey,
    clock: Clock,
    *,
    look: Callable[[], Awaitable[T | None]],
    ask: Callable[[], Awaitable[T]],
    outcome: Callable[[T], Mapping[str, str]],
) -> T:
    """What the other side has: found by `look`, or else given by `ask`. Doing it again gives the same.

    Raises what `look` and `ask` raise, after it is on record, and ConfigError while another is about it.
    """
    now = clock.now()
    if not await errands.begin(key, now, forsaken=now - PATIENCE):
        raise ConfigError(
            f"this {key.kind} is being asked at this moment",
            advice=f"Wacht {PATIENCE.seconds} seconden en probeer het opnieuw; dan is duidelijk hoe het afliep.",
        )
    try:
        found = await look()
        there = found is not None
        answer = found if found is not None else await ask()
    except DigikoppelaarError as error:
        await errands.failed(key, str(error), error.advice, clock.now())
        raise
    await errands.answered(key, outcome(answer), clock.now())
    log.info("errand_done", kind=key.kind, aansluiting=key.aansluiting_id, there=there)
    return answer
