"""The states of a step of onboarding: one table.

    open ──asked──▶ waiting ──answered──▶ done ◀──fulfilled── open
     ▲ │              │                   │ ▲
     │ └───failed──▶ wrong ◀───failed─────┘ │
     │                └──────fulfilled──────┘
     ├──changed── done, wrong, waiting
     └──cleared── wrong

A step that waits for another party can fail too (a refusal), and be asked again. Stores take the state after an event
from here, so that PostgreSQL and memory agree. docs/onboarding-steps.md has the diagram that is drawn from the table.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class StepState(StrEnum):
    """How far a step is."""

    OPEN = "open"
    WAITING = "waiting"
    """Another party was asked and has not answered."""
    WRONG = "wrong"
    """A check of it is not good, or it was refused. It may have been done before."""
    DONE = "done"


class StepEvent(StrEnum):
    """What happens to a step."""

    ASKED = "asked"
    FULFILLED = "fulfilled"
    """Its checks are good and, where it wants one, somebody gave his word, or it was seen."""
    FAILED = "failed"
    CLEARED = "cleared"
    """Its checks are good again; somebody must still give his word, or it must still be seen."""
    CHANGED = "changed"
    """What it was about is not what it was."""


_S, _E = StepState, StepEvent
MOVES: Final[Mapping[tuple[StepState, StepEvent], StepState]] = {
    (_S.OPEN, _E.ASKED): _S.WAITING,
    (_S.OPEN, _E.FULFILLED): _S.DONE,
    (_S.OPEN, _E.FAILED): _S.WRONG,
    (_S.WAITING, _E.ASKED): _S.WAITING,  # a reminder
    (_S.WAITING, _E.FULFILLED): _S.DONE,
    (_S.WAITING, _E.FAILED): _S.WRONG,
    (_S.WAITING, _E.CHANGED): _S.OPEN,
    (_S.WRONG, _E.ASKED): _S.WAITING,
    (_S.WRONG, _E.FULFILLED): _S.DONE,
    (_S.WRONG, _E.FAILED): _S.WRONG,
    (_S.WRONG, _E.CLEARED): _S.OPEN,
    (_S.WRONG, _E.CHANGED): _S.OPEN,
    (_S.DONE, _E.FULFILLED): _S.DONE,  # checked again
    (_S.DONE, _E.FAILED): _S.WRONG,
    (_S.DONE, _E.CHANGED): _S.OPEN,
    (_S.OPEN, _E.CHANGED): _S.OPEN,
}
"""Every move; any other event is refused."""


def after(state: str, event: StepEvent) -> StepState | None:
    """The state after `event`; None when it cannot happen in `state`."""
    return MOVES.get((StepState(state), event))
