"""The RepairStore in PostgreSQL. Which state follows which is in `flows.intake_states` and `flows.version_order`.

Every method is one transaction and raises StorageError when the database fails or a row is not there. Locks are taken
as everywhere: notifications, then the versions of a verzoeknummer, then its rows, then deliveries.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from digikoppelaar.adapters.postgres import interventions, jobs, queries, version_order
from digikoppelaar.adapters.postgres.connect import Connection, Pool, Row, transaction
from digikoppelaar.errors import StorageError
from digikoppelaar.flows.intake_states import (
    NotificationEvent,
    NotificationState,
    VerzoekEvent,
    notification_after,
    verzoek_after,
)
from digikoppelaar.flows.ports import NewNotification, StoredPayload
from digikoppelaar.flows.ports.repair import InboundNotification, Moved, ParkedFilter, Redelivery, Replayed, Which, Who
from digikoppelaar.flows.repair import GOING, STOPPED_ADVICE, not_whole, replayed, stopped_reason

_SQL: Final = queries.load("repairs")


@dataclass(frozen=True, slots=True)
class PostgresRepairs:
    """Moves that people make."""

    pool: Pool

    async def versions(self, which: Which) -> Sequence[int]:
        """See flows.ports.repair.RepairStore."""
        async with transaction(self.pool) as connection:
            return [row["id"] for row in await _all(connection, "versions", asdict(which))]

    async def park(self, which: Which, reason: str, who: Who, *, dry_run: bool = False) -> Sequence[Moved]:
        """See flows.ports.repair.RepairStore."""
        return await self._park(which, None, stopped_reason(reason, who), who, dry_run=dry_run)

    async def park_target(
        self, which: Which, target: str, reason: str, who: Who, *, dry_run: bool = False
    ) -> Sequence[Moved]:
        """See flows.ports.repair.RepairStore."""
        return await self._park(which, target, stopped_reason(reason, who), who, dry_run=dry_run)

    async def _park(self, which: Which, target: str | None, shown: str, who: Who, *, dry_run: bool) -> Sequence[Moved]:
        values = {**asdict(which), "target": target, "going": list(GOING)}
        async with transaction(self.pool) as connection:
            notifications = [] if target else await _all(connection, "going_notifications", values)
            await version_order.lock(connection, values)
            versions = await _all(connection, "going_versions", values)
            if not dry_run and (notifications or versions):
                stopped = {"reason": shown, "advice": STOPPED_ADVICE, "target": target}
                for row in notifications:
                    await _stop_notification(connection, row, stopped, who)
                for row in versions:
                    await _stop_version(connection, row, stopped, who)
                detail = f"{target}: {shown}" if target else shown
                await interventions.told(connection, *_key(which), "parked", who, detail)
        return [_moved(row) for row in (*notifications, *versions)]

    async def redeliver(self, wanted: Redelivery, who: Who, *, dry_run: bool = False) -> Sequence[Moved]:
        """See flows.ports.repair.RepairStore."""
        which, since = wanted.which, wanted.which.volgnummer
        async with transaction(self.pool) as connection:
            await version_order.lock(connection, asdict(which))
            delivered = await _all(connection, "delivered_versions", asdict(which))
            chosen = delivered[-1:] if since is None else [row for row in delivered if row["volgnummer"] >= since]
            if broken := [row for row in chosen if row["broken"]]:
                raise not_whole(broken[0]["volgnummer"], broken[0]["purged_at"])
            if not dry_run and chosen:
                await version_order.redeliver(connection, chosen[0], chosen[0]["volgnummer"], who.at)
                for row in chosen:
                    await _deliver_again(connection, row, wanted, who)
                await interventions.told(connection, *_key(which), "redelivered", who, _detail(wanted, chosen))
        return list(map(_moved, chosen))

    async def refetch(self, which: Which, who: Who) -> int:
        """See flows.ports.repair.RepairStore."""
        async with transaction(self.pool) as connection:
            return await _refetch(connection, which.aansluiting_id, NewNotification(which.verzoeknummer), who)

    async def inbound(self, message_id: str, omgeving: str | None) -> Sequence[InboundNotification]:
        """See flows.ports.repair.RepairStore."""
        async with transaction(self.pool) as connection:
            rows = await _all(connection, "inbound", {"message_id": message_id, "omgeving": omgeving})
        return [InboundNotification(row.pop("inbound_id"), row.pop("aansluiting_id"), _payload(row)) for row in rows]

    async def replay(self, inbound_id: int, new: NewNotification, who: Who, *, dry_run: bool = False) -> Replayed:
        """See flows.ports.repair.RepairStore."""
        async with transaction(self.pool) as connection:
            message = await _one(connection, "lock_inbound", {"id": inbound_id})
            found = await _all(connection, "notification_of", message)
            outcome = replayed(found[0]["state"] if found else None)
            if dry_run or outcome is Replayed.WAITS:
                return outcome
            if outcome is Replayed.FETCHED_AGAIN:
                await _refetch(connection, message["aansluiting_id"], new, who)
            else:
                await _take_in(connection, message, found[0] if found else None, new, who)
            await interventions.told(connection, message["aansluiting_id"], new.verzoeknummer, "replayed", who)
        return outcome

    async def failed(self, wanted: ParkedFilter) -> Sequence[Which]:
        """See flows.ports.repair.RepairStore."""
        async with transaction(self.pool) as connection:
            return [Which(**row) for row in await _all(connection, "failed", asdict(wanted))]


async def _all(connection: Connection, query: str, values: Row) -> list[dict[str, Any]]:
    return await (await connection.execute(_SQL[query], values)).fetchall()


async def _one(connection: Connection, query: str, values: Row) -> dict[str, Any]:
    rows = await _all(connection, query, values)
    if not rows:
        raise StorageError(f"{query}: there is no row {values.get('id')}")
    return rows[0]


def _key(which: Which) -> tuple[int, str]:
    return which.aansluiting_id, which.verzoeknummer


def _moved(row: Row) -> Moved:
    return Moved(row["id"], row["volgnummer"], row["state"])


def _payload(row: Row) -> StoredPayload | None:
    return StoredPayload(**row) if row["content_id"] is not None else None


async def _stop_notification(connection: Connection, row: Row, stopped: Row, who: Who) -> None:
    state = notification_after(row["state"], NotificationEvent.PARKED)
    await connection.execute(_SQL["stop_notification"], {**stopped, "id": row["id"], "state": state})
    await _tell(connection, row, "parked", stopped["reason"], who, notification_id=row["id"])


async def _stop_version(connection: Connection, row: Row, stopped: Row, who: Who) -> None:
    state = verzoek_after(row["state"], VerzoekEvent.STOPPED)
    await connection.execute(_SQL["stop_version"], {**stopped, "id": row["id"], "state": state})
    await connection.execute(_SQL["stop_deliveries"], {**stopped, "id": row["id"]})
    await _tell(connection, row, "parked", stopped["reason"], who, verzoek_id=row["id"])


async def _tell(
    connection: Connection,
    row: Row,
    name: str,
    detail: str,
    who: Who,
    *,
    notification_id: int | None = None,
    verzoek_id: int | None = None,
) -> None:
    told = {"aansluiting_id": row["aansluiting_id"], "name": name, "at": who.at, "detail": detail}
    await connection.execute(_SQL["tell"], {**told, "notification_id": notification_id, "verzoek_id": verzoek_id})


async def _deliver_again(connection: Connection, row: Row, wanted: Redelivery, who: Who) -> None:
    values = {"id": row["id"], "target": wanted.target, "from_scratch": wanted.from_scratch, "now": who.at}
    await connection.execute(_SQL["deliver_again"], values)
    if wanted.from_scratch:
        await connection.execute(_SQL["forget_steps"], values)
        await connection.execute(_SQL["forget_case"], values)


def _detail(wanted: Redelivery, chosen: Sequence[Row]) -> str:
    parts = ["volgnummer " + ", ".join(str(row["volgnummer"]) for row in chosen)]
    parts += [f"target {wanted.target}"] if wanted.target else []
    parts += ["from scratch"] if wanted.from_scratch else []
    return "; ".join(parts)


async def _refetch(connection: Connection, aansluiting_id: int, new: NewNotification, who: Who) -> int:
    made = await interventions.told(connection, aansluiting_id, new.verzoeknummer, "refetched", who)
    values = {"aansluiting_id": aansluiting_id, "inbound_id": None, "intervention_id": made}
    return await _announce(connection, values, new, who)


async def _take_in(connection: Connection, message: Row, known: Row | None, new: NewNotification, who: Who) -> None:
    if known is None:
        values = {"aansluiting_id": message["aansluiting_id"], "inbound_id": message["id"], "intervention_id": None}
        await _announce(connection, values, new, who)
        return
    state = notification_after(known["state"], NotificationEvent.RELEASED)
    read = {"verzoeknummer": new.verzoeknummer, "withdrawal": new.withdrawal, "state": state}
    row = await _one(connection, "read_again", {**read, "id": known["id"]})
    await jobs.defer_about(connection, jobs.FETCH, row)
    await _tell(connection, row, "released", "", who, notification_id=row["id"])


async def _announce(connection: Connection, values: Row, new: NewNotification, who: Who) -> int:
    told = {"verzoeknummer": new.verzoeknummer, "withdrawal": new.withdrawal, "now": who.at}
    row = await _one(connection, "insert_notification", {**values, **told, "state": NotificationState.RECEIVED})
    await jobs.defer_about(connection, jobs.FETCH, row)
    await _tell(connection, row, "received", "", who, notification_id=row["id"])
    return int(row["id"])
