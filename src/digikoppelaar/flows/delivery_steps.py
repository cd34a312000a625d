"""The steps of one delivery: what was recorded before, and where a new one is written."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

Write = Callable[[str, Mapping[str, str]], Awaitable[None]]
"""Makes one step durable: its name and its outcome. Raises StorageError."""


async def nowhere(name: str, outcome: Mapping[str, str]) -> None:
    """Keeps a step no longer than the attempt: for a case system that can see for itself what was done."""
    del name, outcome


@dataclass(slots=True)
class DeliverySteps:
    """flows.ports.Steps. `outcomes` is what is on record; `write` adds to it durably."""

    outcomes: dict[str, Mapping[str, str]] = field(default_factory=dict)
    write: Write = nowhere

    def done(self, name: str) -> Mapping[str, str] | None:
        """See flows.ports.Steps."""
        return self.outcomes.get(name)

    async def record(self, name: str, outcome: Mapping[str, str]) -> None:
        """See flows.ports.Steps. Known here only once it is durable."""
        await self.write(name, outcome)
        self.outcomes[name] = dict(outcome)
