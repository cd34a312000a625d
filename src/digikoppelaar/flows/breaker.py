"""The circuit breaker of one target: pure, in memory, and lost with the process, which costs a few calls.

    closed ──TRIPPED──▶ open ──RESTED──▶ half_open ──SUCCEEDED──▶ closed
                          ▲                  │
                          └─────FAILED───────┘

Closed, everything may go; after a failure one at a time. Open, nothing may, until the pause is over. Half open, one
attempt finds out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

PATIENCE: Final = 5
"""Failures in a row before a target is left alone."""
PAUSE: Final = timedelta(seconds=30)
TRIAL: Final = timedelta(seconds=10)
"""Until the next look while one attempt finds out."""
LOOK: Final = timedelta(seconds=2)
"""Until the first of those that wait for a target that is full looks again."""
LONGEST: Final = timedelta(minutes=1)
"""Until the last of them does: the target may have become faster."""


class BreakerState(StrEnum):
    """Whether attempts may go to a target."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class BreakerEvent(StrEnum):
    """What happened. TRIPPED: a failure, and PATIENCE in a row with it. RESTED: the pause is over."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TRIPPED = "tripped"
    RESTED = "rested"


class Standing(StrEnum):
    """What is known of a target in this process: whether it answered last time."""

    ANSWERS = "answers"
    UNKNOWN = "unknown"
    SILENT = "silent"


_S, _E = BreakerState, BreakerEvent
TABLE: Final[Mapping[tuple[BreakerState, BreakerEvent], BreakerState]] = {
    (_S.CLOSED, _E.SUCCEEDED): _S.CLOSED,
    (_S.CLOSED, _E.FAILED): _S.CLOSED,
    (_S.CLOSED, _E.TRIPPED): _S.OPEN,
    (_S.CLOSED, _E.RESTED): _S.CLOSED,
    (_S.OPEN, _E.SUCCEEDED): _S.CLOSED,  # an attempt from before it opened
    (_S.OPEN, _E.FAILED): _S.OPEN,
    (_S.OPEN, _E.TRIPPED): _S.OPEN,
    (_S.OPEN, _E.RESTED): _S.HALF_OPEN,
    (_S.HALF_OPEN, _E.SUCCEEDED): _S.CLOSED,
    (_S.HALF_OPEN, _E.FAILED): _S.OPEN,
    (_S.HALF_OPEN, _E.TRIPPED): _S.OPEN,
    (_S.HALF_OPEN, _E.RESTED): _S.HALF_OPEN,
}


@dataclass(slots=True)
class Breaker:
    """The breaker of one target, and how many attempts are under way there."""

    state: BreakerState = BreakerState.CLOSED
    failures: int = 0
    busy: int = 0
    open_until: datetime | None = None
    answered: bool = False
    """Since the start."""
    pace: timedelta = timedelta()
    """How long an attempt takes there, the last ones counting most."""
    line: datetime | None = None
    """When the last of those that wait looks again."""

    def standing(self, *, tried: bool) -> Standing:
        """`tried`: what wants to go there was tried before, perhaps by a process that is gone."""
        if self.failures or (tried and not self.answered):
            return Standing.SILENT
        return Standing.ANSWERS if self.answered else Standing.UNKNOWN

    def enter(self, slots: int, now: datetime) -> bool:
        """Whether an attempt may start now, which is then under way; `slots` may be at once. `leave` ends it."""
        if self.open_until is not None and now >= self.open_until:
            self._after(BreakerEvent.RESTED)
        closed = 1 if self.failures else slots
        room = {BreakerState.CLOSED: closed, BreakerState.OPEN: 0, BreakerState.HALF_OPEN: 1}[self.state]
        if self.busy >= room:
            return False
        self.busy += 1
        return True

    def wait(self, slots: int, now: datetime) -> timedelta:
        """After `enter` said no: how long until the next look.

        What waits for it may be thousands of verzoeken, and each look costs the others time. So of a target that
        answers and is full each waits behind the others, as long as that takes at the pace of the target.
        """
        match self.state:
            case BreakerState.OPEN if self.open_until is not None:
                return self.open_until - now
            case BreakerState.HALF_OPEN:
                return TRIAL
        behind = max(self.line or now, now + LOOK) + self.pace / slots
        self.line = min(behind, now + LONGEST)
        return self.line - now

    def leave(self, *, reached: bool | None, now: datetime, since: datetime | None = None) -> None:
        """An attempt ended, that started at `since`.

        `reached`: the target answered, whatever it said. None: the attempt says nothing of it.
        """
        self.busy -= 1
        if reached is None:
            return
        if reached:
            self.failures, self.open_until, self.answered = 0, None, True
            self.pace = (self.pace * 3 + max(now - (since or now), timedelta())) / 4
            self._after(BreakerEvent.SUCCEEDED)
            return
        self.failures += 1
        self._after(BreakerEvent.TRIPPED if self.failures >= PATIENCE else BreakerEvent.FAILED)
        if self.state is BreakerState.OPEN:
            self.open_until = now + PAUSE

    def _after(self, event: BreakerEvent) -> None:
        self.state = TABLE[self.state, event]
