"""KOOP's calendar: the clock of this machine, and perhaps some days ahead of it; when is published what was delivered.

It is KOOP's alone: certificates, tokens and TimeToLive go by the real clock.
"""

from collections.abc import Set
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from digikoppelaar.drop.terms import working_day_from
from digikoppelaar.flows.ports import Clock
from digikoppelaar.flows.worklist import AMSTERDAM

PUBLISHED_AT: Final = time(9, 21)
"""Dutch time; the daily run is inferred from times in records (drop-3pas.md 7)."""
CUT_OFF: Final = time(16)
"""Dutch time; what comes later is a working day later. Of rush publications only it is known (drop-3pas.md 9)."""

_DAY: Final = timedelta(days=1)


@dataclass(slots=True)
class Calendar:
    """`clock` with an offset that only grows, until `reset`. `equated` are days that count as feestdag (Atw 3)."""

    clock: Clock
    equated: Set[date] = field(default_factory=frozenset)
    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        """The time at KOOP, Dutch."""
        return (self.clock.now() + self.ahead).astimezone(AMSTERDAM)

    def pass_days(self, days: int) -> None:
        """Go to the daily run of the day that is `days` later; never back, so that with 0 it may stay where it is."""
        run, now = run_of(self.now().date() + days * _DAY), self.now()
        # Of two times in one time zone Python subtracts what the clocks say, summer time or not.
        self.ahead += max(timedelta(), run.astimezone(UTC) - now.astimezone(UTC))

    def reset(self) -> None:
        """Go by the clock of this machine again."""
        self.ahead = timedelta()

    def planned_day(self, wished: date | None) -> date:
        """When that is published which is delivered now: on the wished day, or on the first that is possible."""
        now = self.now()
        first = working_day_from(now.date() + _DAY, self.equated)
        if now.time() >= CUT_OFF:
            first = working_day_from(first + _DAY, self.equated)
        return working_day_from(max(wished or first, first), self.equated)

    def is_due(self, planned: date) -> bool:
        """Whether the run of that day has begun."""
        return self.now() >= run_of(planned)


def run_of(day: date) -> datetime:
    """When the daily run of a day begins."""
    return datetime.combine(day, PUBLISHED_AT, AMSTERDAM)
