"""The states of an errand: one table.

    ──begin──▶ begun ──answered──▶ done ──begin──▶ begun
                │ ▲                 │ ▲
          failed│ │begin            └─┘ answered
                ▼ │
               failed

Begun is on record before anything is asked. What is begun and not heard of any more may have been asked: whoever begins
it again looks first. Stores take the state after an event from here, so that PostgreSQL and memory agree.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class ErrandState(StrEnum):
    """How far an errand is."""

    BEGUN = "begun"
    DONE = "done"
    FAILED = "failed"


class ErrandEvent(StrEnum):
    """What happens to an errand."""

    BEGIN = "begin"
    ANSWERED = "answered"
    """The other side has what was asked: it says so now, or when it is looked at again."""
    FAILED = "failed"
    """It refused, or no answer came."""


_S, _E = ErrandState, ErrandEvent
_MOVES: Final[Mapping[tuple[ErrandState | None, ErrandEvent], ErrandState]] = {
    (None, _E.BEGIN): _S.BEGUN,
    (_S.BEGUN, _E.BEGIN): _S.BEGUN,  # who began it is not heard of any more
    (_S.BEGUN, _E.ANSWERED): _S.DONE,
    (_S.BEGUN, _E.FAILED): _S.FAILED,
    (_S.DONE, _E.BEGIN): _S.BEGUN,
    (_S.DONE, _E.ANSWERED): _S.DONE,
    (_S.FAILED, _E.BEGIN): _S.BEGUN,
    (_S.FAILED, _E.ANSWERED): _S.DONE,  # the answer was lost, and what was asked is there
}
"""Every move; any other event changes nothing."""


def after(state: ErrandState | None, event: ErrandEvent) -> ErrandState | None:
    """The state after `event`, None when it cannot happen; `state` None: there is no such errand yet."""
    return _MOVES.get((state, event))
