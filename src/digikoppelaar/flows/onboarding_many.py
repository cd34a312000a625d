"""One thing told of the same step of many organisaties: who it can be told of, and what became of it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.onboarding import Onboarding
from digikoppelaar.flows.onboarding_report import state
from digikoppelaar.flows.onboarding_status import Status
from digikoppelaar.onboarding.model import Subject
from digikoppelaar.onboarding.progress import StepProgress, Told
from digikoppelaar.onboarding.states import StepState


class Telling(StrEnum):
    """What a person tells of a step."""

    ASKED = "asked"
    WORD = "word"
    REFUSED = "refused"


_THEN: Final[Mapping[Telling, StepState]] = {
    Telling.ASKED: StepState.WAITING,
    Telling.WORD: StepState.DONE,
    Telling.REFUSED: StepState.WRONG,
}
"""The state in which it was told already."""


class Fate(StrEnum):
    """What becomes of it for one organisatie."""

    ABLE = "able"
    """It can be told."""
    LEFT = "left"
    """It cannot, or need not, be told."""
    TOLD = "told"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Line:
    """Of one organisatie; `says`, in Dutch, is the state of its step, or why not."""

    organisatie_oin: str
    organisatie_naam: str
    fate: Fate
    says: str


def told_to(flow: Onboarding, telling: Telling) -> Callable[[Subject, str, Told], Awaitable[Status]]:
    """What of the flow tells this."""
    return {Telling.ASKED: flow.asked, Telling.WORD: flow.word, Telling.REFUSED: flow.refused}[telling]


def outlook(statuses: Sequence[Status], number: str, telling: Telling) -> list[Line]:
    """Of each that has the step. Raises ConfigError when nobody has."""
    found = [(each, step) for each in statuses if (step := each.progress.step(number))]
    if not found:
        raise ConfigError(f"nobody of these has a step {number}", advice="Zie `digikoppelaar aansluiting show`.")
    lines = []
    for status, step in found:
        why = _why_not(step, telling)
        fate = Fate.LEFT if why else Fate.ABLE
        lines.append(Line(status.subject.oin, status.authority.naam, fate, why or state(step)))
    return lines


def _why_not(step: StepProgress, telling: Telling) -> str:
    if step.record.state in (_THEN[telling], StepState.DONE):
        return f"is al: {state(step)}"
    if telling is not Telling.WORD and step.step.asks is None:
        return "bij deze stap wordt niemand gevraagd"
    if telling is Telling.WORD and not step.step.takes_word:
        return "deze stap wordt vanzelf gedaan"
    if telling is not Telling.REFUSED and step.held_up_by:
        return f"eerst: {', '.join(step.held_up_by)}"
    return ""


async def tell_each(
    flow: Onboarding, lines: Iterable[Line], telling: Telling, words: Callable[[str], tuple[Subject, str, Told]]
) -> AsyncIterator[Line]:
    """Tell it of each that is ABLE, and come back with every line; `words` gives what is told, by OIN.

    One that fails holds up no other. Cut off, the same again tells the rest. Raises StorageError.
    """
    tell = told_to(flow, telling)
    for line in lines:
        if line.fate is not Fate.ABLE:
            yield line
            continue
        subject, number, told = words(line.organisatie_oin)
        try:
            status = await tell(subject, number, told)
            yield replace(line, fate=Fate.TOLD, says=state(status.step(number)))
        except ConfigError as error:
            yield replace(line, fate=Fate.FAILED, says=error.advice)
