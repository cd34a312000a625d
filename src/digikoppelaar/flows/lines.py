"""The line to each partner: how many attempts may be under way, and when to leave it alone for a while.

Pure bookkeeping in the memory of one sender; nothing here waits, and nothing is lost with it. A partner that does not
answer holds only its own line: first its own slots, and after a few failures in a row not even those. From then on one
attempt at a time finds out whether it is back, so the messages that wait for it keep their Retries.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from digikoppelaar.ebms.reliability import Event
from digikoppelaar.flows.ports import Claimed, PartnerSeen

PATIENCE: Final = 3
"""Failures in a row before a partner is left alone."""
LONGEST_PAUSE: Final = timedelta(seconds=30)
NOTED_EVERY: Final = timedelta(seconds=10)
"""How old what people see of a partner that answers may be."""
_WELL_FILLED: Final = 0.75
"""Of the slots: with more of them in use a crowded line is not looked at again yet."""
_NOT_REACHED: Final = frozenset({None, 429, 502, 503, 504})
"""HTTP statuses of an attempt that did not reach the partner's message service; any other is an answer of it."""


@dataclass(slots=True)
class Line:
    """The line to one partner."""

    partner: str
    busy: int = 0
    crowded: bool = False
    """More may wait for it than it had room for, when it was looked at last."""
    failures: int = 0
    closed_until: datetime | None = None
    noted_at: datetime | None = None

    def room(self, slots: int, now: datetime) -> int:
        """How many attempts may start now, when it has `slots`."""
        if self.closed_until is None:
            return max(slots - self.busy, 0)
        return 0 if now < self.closed_until else max(1 - self.busy, 0)

    def ended(
        self, claimed: Claimed, event: Event, status: int | None, detail: str, now: datetime
    ) -> PartnerSeen | None:
        """An attempt ended; what to show people of it, when that is new."""
        if event is Event.UNREACHABLE and status in _NOT_REACHED:
            return self._failed(claimed, detail, now)
        was_silent, self.failures, self.closed_until = self.failures > 0, 0, None
        if not was_silent and self.noted_at is not None and now < self.noted_at + NOTED_EVERY:
            return None
        self.noted_at = now
        return PartnerSeen(self.partner, 0, last_success_at=now)

    def _failed(self, claimed: Claimed, detail: str, now: datetime) -> PartnerSeen:
        self.failures += 1
        if self.failures >= PATIENCE:
            pause = min(timedelta(seconds=2 ** min(self.failures - PATIENCE, 10)), LONGEST_PAUSE)
            # Never longer than the CPA lets a message wait, or its Retries would not be made.
            self.closed_until = now + (min(pause, claimed.reliable.retry_interval) if claimed.reliable else pause)
        return PartnerSeen(self.partner, self.failures, last_failure_at=now, last_error=detail)


@dataclass(slots=True)
class Lines:
    """The lines of a sender, each with `slots`."""

    slots: int
    _lines: dict[str, Line] = field(default_factory=dict)

    def to(self, partner: str) -> Line:
        """The line to this partner."""
        if partner not in self._lines:
            self._lines[partner] = Line(partner)
        return self._lines[partner]

    def take(self, partner: str, now: datetime) -> bool:
        """Take a slot, if there is one."""
        line = self.to(partner)
        if line.crowded or not line.room(self.slots, now):  # who waits goes first
            line.crowded = True
            return False
        line.busy += 1
        return True

    def ended(self, partner: str) -> bool:
        """A slot is free again; whether it is time to look for what waits."""
        line = self.to(partner)
        line.busy -= 1
        return line.crowded and self._is_time(line)

    def waits(self, partner: str) -> bool:
        """Something waits for this partner; whether it is time to look for it."""
        line = self.to(partner)
        line.crowded = True
        return self._is_time(line)

    def _is_time(self, line: Line) -> bool:
        """Looking for several at once is cheaper; while more are under way, the end of one of them comes soon."""
        return line.busy <= self.slots * _WELL_FILLED

    def taken(self, now: datetime) -> Mapping[str, int]:
        """Of each partner, how many of the slots cannot be used now."""
        return {
            line.partner: taken for line in self._lines.values() if (taken := self.slots - line.room(self.slots, now))
        }

    def looked(self, claims: Mapping[str, int], taken: Mapping[str, int]) -> None:
        """What is due was claimed, so many for each partner: where the slots are used up, more may wait."""
        for partner, number in claims.items():
            self.to(partner).busy += number
        for line in self._lines.values():
            line.crowded = claims.get(line.partner, 0) + taken.get(line.partner, 0) >= self.slots

    @property
    def crowded(self) -> bool:
        """Whether something may wait for the end of an attempt."""
        return any(line.crowded and line.busy for line in self._lines.values())
