"""The places of one worker, and how many of them may wait at targets that may be dead: pure, and in memory.

A dead server costs an attempt its whole time-out. One that is known to answer needs no leave; what did not answer last
time, and what was not heard of since the start, share a part of the places, so that the rest goes on at its own pace.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from digikoppelaar.flows.breaker import Standing

JOBS: Final = 8
"""Jobs that run at once in one worker process, unless it is told otherwise."""


@dataclass(frozen=True, slots=True)
class Places:
    """Of `jobs` places, those that are taken by attempts at targets of each standing."""

    jobs: int = JOBS
    _taken: Counter[Standing] = field(default_factory=Counter)

    @property
    def half(self) -> int:
        """As many as may be at silent targets, or at one target."""
        return max(1, self.jobs // 2)

    def enter(self, standing: Standing) -> bool:
        """Whether an attempt may take a place, which it then has until `leave`."""
        if not self._room(standing):
            return False
        self._taken[standing] += 1
        return True

    def leave(self, standing: Standing) -> None:
        """It gives its place back."""
        self._taken[standing] -= 1

    def _room(self, standing: Standing) -> bool:
        silent, unknown = self._taken[Standing.SILENT], self._taken[Standing.UNKNOWN]
        if standing is Standing.SILENT and silent >= self.half:
            return False
        return standing is Standing.ANSWERS or silent + unknown < max(1, self.jobs * 3 // 4)
