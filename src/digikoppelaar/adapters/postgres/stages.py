"""The StageStore in PostgreSQL. Every method is one transaction and raises StorageError when the database fails."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from digikoppelaar.adapters.postgres import queries
from digikoppelaar.adapters.postgres.connect import Pool, Row, statement
from digikoppelaar.flows.ports.stages import MOST, Confirmed, Delivered

_SQL: Final = queries.load("stages")


@dataclass(frozen=True, slots=True)
class PostgresStages:
    """What was delivered in each stage, and found good."""

    pool: Pool

    async def delivered(
        self, aansluitingen: Collection[int], stages: Collection[str] | None = None
    ) -> Sequence[Delivered]:
        """See flows.ports.stages.StageStore."""
        return [Delivered(**row) for row in await self._rows("delivered", aansluitingen, stages)]

    async def confirmed(
        self, aansluitingen: Collection[int], stages: Collection[str] | None = None
    ) -> Sequence[Confirmed]:
        """See flows.ports.stages.StageStore."""
        return [Confirmed(**row) for row in await self._rows("confirmed", aansluitingen, stages)]

    async def confirm(self, confirmed: Confirmed) -> bool:
        """See flows.ports.stages.StageStore."""
        async with statement(self.pool) as connection:
            return (await connection.execute(_SQL["confirm"], asdict(confirmed))).rowcount > 0

    async def _rows(self, query: str, of: Collection[int], stages: Collection[str] | None) -> Sequence[Row]:
        values = {"of": list(of), "stages": None if stages is None else list(stages), "most": MOST}
        async with statement(self.pool) as connection:
            return await (await connection.execute(_SQL[query], values)).fetchall()
