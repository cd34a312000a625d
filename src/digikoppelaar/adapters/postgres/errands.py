"""The Errands in PostgreSQL. Every method is one transaction and raises StorageError when the database fails."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg.types.json import Jsonb

from digikoppelaar.adapters.postgres import queries
from digikoppelaar.adapters.postgres.connect import Connection, Pool, Row, transaction
from digikoppelaar.flows.errand_states import ErrandEvent, ErrandState, after
from digikoppelaar.flows.ports.errands import Errand, ErrandKey, ErrandKind

_SQL: Final = queries.load("errands")


@dataclass(frozen=True, slots=True)
class PostgresErrands:
    """What was asked of the CPA register and of DSO-LV."""

    pool: Pool

    async def begin(self, key: ErrandKey, now: datetime, *, forsaken: datetime) -> bool:
        """See flows.ports.errands.Errands."""
        values = {**_values(key), "now": now}
        async with transaction(self.pool) as connection:
            new = await connection.execute(_SQL["new"], {**values, "state": after(None, ErrandEvent.BEGIN)})
            if new.rowcount:
                return True
            known = await _locked(connection, values)
            assert known
            if known["state"] == ErrandState.BEGUN and known["begun_at"] > forsaken:
                return False
            state = after(ErrandState(known["state"]), ErrandEvent.BEGIN)
            await connection.execute(_SQL["begin"], {**values, "state": state})
            return True

    async def answered(self, key: ErrandKey, outcome: Mapping[str, str], now: datetime) -> None:
        """See flows.ports.errands.Errands."""
        await self._move(key, ErrandEvent.ANSWERED, {"now": now, "outcome": Jsonb(dict(outcome))})

    async def failed(self, key: ErrandKey, reason: str, advice: str, now: datetime) -> None:
        """See flows.ports.errands.Errands."""
        await self._move(key, ErrandEvent.FAILED, {"now": now, "reason": reason, "advice": advice})

    async def errands(self, aansluiting_id: int) -> Sequence[Errand]:
        """See flows.ports.errands.Errands."""
        async with transaction(self.pool) as connection:
            rows = await (await connection.execute(_SQL["errands"], {"aansluiting_id": aansluiting_id})).fetchall()
        return [_errand(aansluiting_id, row) for row in rows]

    async def _move(self, key: ErrandKey, event: ErrandEvent, more: Row) -> None:
        values = {**_values(key), **more}
        async with transaction(self.pool) as connection:
            known = await _locked(connection, values)
            state = after(ErrandState(known["state"]), event) if known else None
            if state:
                await connection.execute(_SQL[event], {**values, "state": state})


async def _locked(connection: Connection, values: Row) -> Row | None:
    return await (await connection.execute(_SQL["lock"], values)).fetchone()


def _values(key: ErrandKey) -> dict[str, object]:
    return {"aansluiting_id": key.aansluiting_id, "kind": key.kind, "subject": key.subject}


def _errand(aansluiting_id: int, row: Row) -> Errand:
    more = {name: value for name, value in row.items() if name not in ("kind", "subject", "state")}
    key = ErrandKey(aansluiting_id, ErrandKind(row["kind"]), row["subject"])
    return Errand(key, ErrandState(row["state"]), **more)
