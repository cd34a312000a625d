"""One attempt at a step of the intake: what went wrong is told, and what follows is returned.

Which error means what stands in `intake_states.retry_plan`; when to try again is up to the worker that called.
"""

import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from digikoppelaar.errors import ContentPurged, DigikoppelaarError, told
from digikoppelaar.flows.intake_states import Park, Retry, retry_plan

GOES_ON: Final = "Digikoppelaar probeert het vanzelf opnieuw."
RELEASE: Final = "`digikoppelaar verzoek release`"
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Done:
    """The step succeeded."""


Outcome = Done | Retry | Park


class Tell(Protocol):
    """Shows why a step did not succeed; see flows.ports.VerzoekStore.trouble."""

    async def __call__(self, *, reason: str, advice: str, parked: bool) -> None: ...


async def attempt(step: Callable[[], Awaitable[None]], number: int, tell: Tell) -> Outcome:
    """Run `step`, attempt number `number` (from 1). Raises nothing but cancellation.

    When even telling fails, the outcome is a retry: nothing is parked without its reason on record.
    """
    try:
        await step()
    except Exception as error:  # whatever it was, the verzoek must not get lost
        plan = retry_plan(error, number)
        reason = told(error)
        advice = _advice(error, plan)
        log.warning("step_failed", reason=reason, attempt=number, plan=plan, where=_where(error))
        return await _tell(tell, reason, advice, plan)
    return Done()


async def _tell(tell: Tell, reason: str, advice: str, plan: Retry | Park) -> Outcome:
    try:
        await tell(reason=reason, advice=advice, parked=isinstance(plan, Park))
    except Exception as error:
        log.warning("trouble_not_recorded", error=type(error).__name__)
        return plan if isinstance(plan, Retry) else Retry(60)
    return plan


def _advice(error: Exception, plan: Retry | Park) -> str:
    """What to do about the cause, and whether the step then goes on by itself."""
    advice = error.advice if isinstance(error, DigikoppelaarError) else DigikoppelaarError.default_advice
    if isinstance(plan, Retry):
        return f"{advice} {GOES_ON}"
    told_already = isinstance(error, ContentPurged) or RELEASE in advice  # what was deleted does not come back by it
    return advice if told_already else f"{advice} Geef het daarna vrij met {RELEASE}."


def _where(error: Exception) -> str:
    """The place in the code. Not a whole traceback: that quotes the error's text."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].name}:{frames[-1].lineno}" if frames else ""
