"""The in-memory twin of RerouteRecord, over the twin of VerzoekStore."""

from dataclasses import dataclass, field
from datetime import datetime

from digikoppelaar.adapters.memory.verzoeken import MemoryVerzoeken
from digikoppelaar.errors import StorageError


@dataclass(slots=True)
class MemoryReroutes:
    """Lines as (verzoeknummer, step, detail)."""

    verzoeken: MemoryVerzoeken
    lines: list[tuple[str, str, str]] = field(default_factory=list)

    async def noted(self, aansluiting_id: int, verzoeknummer: str, step: str, detail: str, now: datetime) -> None:
        """See flows.ports.reroute.RerouteRecord."""
        del now
        known = {(each.aansluiting.id, each.verzoeknummer) for each in self.verzoeken.notifications.values()}
        if (aansluiting_id, verzoeknummer) not in known:
            raise StorageError(f"nothing came in of verzoek {verzoeknummer}")
        self.lines.append((verzoeknummer, step, detail))
