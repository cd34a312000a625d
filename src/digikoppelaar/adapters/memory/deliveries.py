"""The in-memory twin of DeliveryStore. One contract test runs against both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from digikoppelaar.adapters.memory.verzoeken import MemoryVerzoeken, Trouble
from digikoppelaar.errors import StorageError
from digikoppelaar.flows.ports import DeliveryState, StoredDelivery


@dataclass(slots=True)
class MemoryDeliveries:
    """Deliveries by id; `jobs` holds an id once for every job that was made."""

    rows: dict[int, StoredDelivery] = field(default_factory=dict)
    troubles: dict[int, Trouble] = field(default_factory=dict)
    jobs: list[int] = field(default_factory=list)
    verzoeken: MemoryVerzoeken = field(default_factory=MemoryVerzoeken)
    """Where earlier versions and linked cases are looked up."""
    _made: int = 0

    async def plan(self, verzoek_id: int, targets: Sequence[str], now: datetime) -> Sequence[StoredDelivery]:
        """See flows.ports.DeliveryStore."""
        del now
        for row in self.of(verzoek_id):
            if row.target not in targets and row.state != DeliveryState.DELIVERED:
                del self.rows[row.id]
        planned = [self._planned(verzoek_id, target) for target in targets]
        waiting = [row.id for row in planned if row.state == DeliveryState.WAITING]
        if len(planned) > 1:
            self.jobs += [each for each in waiting if each not in self.jobs]
        return planned

    async def planned(self, verzoek_id: int) -> Sequence[StoredDelivery]:
        """See flows.ports.DeliveryStore."""
        return self.of(verzoek_id)

    async def delivery(self, delivery_id: int) -> StoredDelivery:
        """See flows.ports.DeliveryStore."""
        if delivery_id not in self.rows:
            raise StorageError(f"there is no delivery {delivery_id}")
        return self.rows[delivery_id]

    async def case(self, verzoek_id: int, target: str) -> str | None:
        """See flows.ports.DeliveryStore."""
        verzoek = self.verzoeken.verzoeken.get(verzoek_id)
        if verzoek is None:
            return None
        linked = self.verzoeken.links.of(verzoek.aansluiting.id, verzoek.verzoeknummer).get(target)
        earlier = [each.id for each in self.verzoeken.versions(verzoek) if each.volgnummer < verzoek.volgnummer]
        there = (row for version in reversed(earlier) for row in self.of(version) if row.target == target)
        return linked or next((row.case_reference for row in there if row.case_reference), None)

    async def started(self, delivery_id: int) -> int:
        """See flows.ports.DeliveryStore."""
        row = await self.delivery(delivery_id)
        self.rows[delivery_id] = replace(row, attempts=row.attempts + 1)
        return row.attempts + 1

    async def record(self, delivery_id: int, name: str, outcome: Mapping[str, str], now: datetime) -> None:
        """See flows.ports.DeliveryStore."""
        del now
        row = await self.delivery(delivery_id)
        self.rows[delivery_id] = replace(row, steps={**row.steps, name: dict(outcome)})

    async def delivered(self, delivery_id: int, case_reference: str, now: datetime) -> bool:
        """See flows.ports.DeliveryStore."""
        del now
        row = await self.delivery(delivery_id)
        reference = row.case_reference or case_reference
        self.rows[delivery_id] = replace(row, state=DeliveryState.DELIVERED, case_reference=reference)
        self.troubles.pop(delivery_id, None)
        return all(each.state == DeliveryState.DELIVERED for each in self.of(row.verzoek_id))

    async def trouble(self, delivery_id: int, reason: str, advice: str, now: datetime, *, parked: bool) -> None:
        """See flows.ports.DeliveryStore."""
        del now
        row = await self.delivery(delivery_id)
        if row.state == DeliveryState.DELIVERED:
            return
        self.troubles[delivery_id] = Trouble(reason, advice, parked)
        self.rows[delivery_id] = replace(row, state=DeliveryState.PARKED if parked else row.state)

    def of(self, verzoek_id: int) -> list[StoredDelivery]:
        """Those of a version."""
        return [row for row in self.rows.values() if row.verzoek_id == verzoek_id]

    def _planned(self, verzoek_id: int, target: str) -> StoredDelivery:
        row = next((each for each in self.of(verzoek_id) if each.target == target), None)
        if row is None:
            self._made += 1
            row = StoredDelivery(self._made, verzoek_id, target)
        elif row.state == DeliveryState.PARKED:
            row = replace(row, state=DeliveryState.WAITING, attempts=0)
            self.troubles.pop(row.id, None)
        self.rows[row.id] = row
        return row
