"""The in-memory twin of flows.ports.errands.Errands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from digikoppelaar.flows.errand_states import ErrandEvent, ErrandState, after
from digikoppelaar.flows.ports.errands import Errand, ErrandKey


@dataclass(slots=True)
class MemoryErrands:
    """Errands by their key."""

    kept: dict[ErrandKey, Errand] = field(default_factory=dict)

    async def begin(self, key: ErrandKey, now: datetime, *, forsaken: datetime) -> bool:
        """See flows.ports.errands.Errands."""
        known = self.kept.get(key)
        if known and known.state is ErrandState.BEGUN and known.begun_at > forsaken:
            return False
        state = after(known.state if known else None, ErrandEvent.BEGIN)
        assert state
        self.kept[key] = Errand(key, state, now, now, known.outcome if known else {})
        return True

    async def answered(self, key: ErrandKey, outcome: Mapping[str, str], now: datetime) -> None:
        """See flows.ports.errands.Errands."""
        self._move(key, ErrandEvent.ANSWERED, now, outcome=dict(outcome), reason="", advice="")

    async def failed(self, key: ErrandKey, reason: str, advice: str, now: datetime) -> None:
        """See flows.ports.errands.Errands."""
        self._move(key, ErrandEvent.FAILED, now, reason=reason, advice=advice)

    async def errands(self, aansluiting_id: int) -> Sequence[Errand]:
        """See flows.ports.errands.Errands."""
        of = [each for each in self.kept.values() if each.key.aansluiting_id == aansluiting_id]
        return sorted(of, key=lambda each: each.changed_at, reverse=True)

    def _move(self, key: ErrandKey, event: ErrandEvent, now: datetime, **what: object) -> None:
        known = self.kept.get(key)
        state = after(known.state, event) if known else None
        if known and state:
            self.kept[key] = replace(known, state=state, changed_at=now, **what)  # type: ignore[arg-type]
