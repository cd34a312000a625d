"""The view log in PostgreSQL: rows are added and read; the table itself refuses anything else."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from digikoppelaar.adapters.postgres import queries
from digikoppelaar.adapters.postgres.connect import Pool, transaction
from digikoppelaar.flows.views import View, ViewFilter, ViewRow

_SQL: Final = queries.load("views")


@dataclass(frozen=True, slots=True)
class PostgresViews:
    """See flows.views.ViewLog."""

    pool: Pool

    async def record(self, view: View, now: datetime) -> None:
        """See flows.views.ViewLog."""
        values = {**asdict(view), "viewer_kind": view.viewer.kind, "viewer": view.viewer.name, "now": now}
        async with transaction(self.pool) as connection:
            await connection.execute(_SQL["record"], values)

    async def views(self, wanted: ViewFilter) -> Sequence[ViewRow]:
        """See flows.views.ViewLog."""
        async with transaction(self.pool) as connection:
            rows = await (await connection.execute(_SQL["views"], asdict(wanted))).fetchall()
        return [ViewRow(**row) for row in rows]
