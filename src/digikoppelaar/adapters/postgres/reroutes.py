"""The RerouteRecord in PostgreSQL: lines on the timeline."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from digikoppelaar.adapters.postgres import queries
from digikoppelaar.adapters.postgres.connect import Pool, transaction
from digikoppelaar.errors import StorageError

_SQL: Final = queries.load("reroutes")


@dataclass(frozen=True, slots=True)
class PostgresReroutes:
    """Sending on, on record."""

    pool: Pool

    async def noted(self, aansluiting_id: int, verzoeknummer: str, step: str, detail: str, now: datetime) -> None:
        """See flows.ports.reroute.RerouteRecord."""
        key = {"aansluiting_id": aansluiting_id, "verzoeknummer": verzoeknummer}
        async with transaction(self.pool) as connection:
            done = await connection.execute(_SQL["note"], {**key, "step": step, "detail": detail, "now": now})
            if not done.rowcount:
                raise StorageError(f"nothing came in of verzoek {verzoeknummer}")
