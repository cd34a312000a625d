"""The DeliveryStore in PostgreSQL.

Every method is one transaction and raises StorageError when the database fails or a row is not there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.types.json import Jsonb

from digikoppelaar.adapters.postgres import jobs, queries
from digikoppelaar.adapters.postgres.connect import Connection, Pool, Row, statement, transaction
from digikoppelaar.errors import StorageError
from digikoppelaar.flows.ports import DeliveryState, StoredDelivery

_SQL: Final = queries.load("deliveries")


@dataclass(frozen=True, slots=True)
class PostgresDeliveries:
    """Deliveries and their steps."""

    pool: Pool

    async def plan(self, verzoek_id: int, targets: Sequence[str], now: datetime) -> Sequence[StoredDelivery]:
        """See flows.ports.DeliveryStore."""
        values = {"verzoek_id": verzoek_id, "targets": list(targets), "now": now}
        if len(targets) == 1:
            async with statement(self.pool) as connection:
                return await _planned(connection, values)
        async with transaction(self.pool) as connection:
            planned = await _planned(connection, values)
            await _jobs_for(connection, verzoek_id, planned)
        return planned

    async def planned(self, verzoek_id: int) -> Sequence[StoredDelivery]:
        """See flows.ports.DeliveryStore."""
        async with statement(self.pool) as connection:
            rows = await (await connection.execute(_SQL["on_record"], {"verzoek_id": verzoek_id})).fetchall()
        return [StoredDelivery(**row) for row in rows]

    async def delivery(self, delivery_id: int) -> StoredDelivery:
        """See flows.ports.DeliveryStore."""
        async with statement(self.pool) as connection:
            return StoredDelivery(**await _one(connection, "delivery", {"id": delivery_id}))

    async def case(self, verzoek_id: int, target: str) -> str | None:
        """See flows.ports.DeliveryStore."""
        values = {"verzoek_id": verzoek_id, "target": target}
        async with statement(self.pool) as connection:
            row = await (await connection.execute(_SQL["case"], values)).fetchone()
            return None if row is None else str(row["case_reference"])

    async def started(self, delivery_id: int) -> int:
        """See flows.ports.DeliveryStore."""
        async with statement(self.pool) as connection:
            return int((await _one(connection, "started", {"id": delivery_id}))["attempts"])

    async def record(self, delivery_id: int, name: str, outcome: Mapping[str, str], now: datetime) -> None:
        """See flows.ports.DeliveryStore."""
        values = {"id": delivery_id, "name": name, "outcome": Jsonb(dict(outcome)), "now": now}
        async with statement(self.pool) as connection:
            await connection.execute(_SQL["record"], values)

    async def delivered(self, delivery_id: int, case_reference: str, now: datetime) -> bool:
        """See flows.ports.DeliveryStore."""
        values = {"id": delivery_id, "case_reference": case_reference, "now": now}
        async with transaction(self.pool) as connection:
            settled = await _one(connection, "delivered", values)
            return not (await _one(connection, "open", {**values, **settled}))["open"]

    async def trouble(self, delivery_id: int, reason: str, advice: str, now: datetime, *, parked: bool) -> None:
        """See flows.ports.DeliveryStore."""
        del now
        values = {"id": delivery_id, "reason": reason, "advice": advice, "parked": parked}
        async with statement(self.pool) as connection:
            await connection.execute(_SQL["trouble"], values)


async def _one(connection: Connection, query: str, values: Row) -> dict[str, Any]:
    row = await (await connection.execute(_SQL[query], values)).fetchone()
    if row is None:
        raise StorageError(f"{query}: there is no row {values.get('id')}")
    return row


async def _planned(connection: Connection, values: Row) -> Sequence[StoredDelivery]:
    rows = await (await connection.execute(_SQL["plan"], values)).fetchall()
    if not rows:
        raise StorageError(f"there is no verzoek {values['verzoek_id']}")
    return [StoredDelivery(**row) for row in rows]


async def _jobs_for(connection: Connection, verzoek_id: int, planned: Sequence[StoredDelivery]) -> None:
    """A job for each that waits and has none."""
    rows = await (await connection.execute(_SQL["with_job"], {"verzoek_id": verzoek_id})).fetchall()
    at_work = {row["id"] for row in rows}
    for each in planned:
        if each.state == DeliveryState.WAITING and each.id not in at_work:
            await jobs.defer_target(connection, each.id, verzoek_id)
