"""Periods, deletions and keyed hashes in PostgreSQL. What has ended, and when, say the views `ended_...`.

Every method is one transaction and raises StorageError when the database fails.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from digikoppelaar.adapters.postgres import queries, version_order
from digikoppelaar.adapters.postgres.connect import Connection, Pool, Row, transaction
from digikoppelaar.ebms.packaging import read_package
from digikoppelaar.flows.ports.retention import (
    Due,
    FingerprintSet,
    KeptRow,
    Purge,
    PurgedContent,
    PurgeFilter,
    PurgeRow,
    VersionContent,
    What,
)
from digikoppelaar.stam.fingerprints import Fingerprint, Kind

CUT_OFF: Final = timedelta(minutes=10)
"""A run that has not ended after this was most likely killed: another may begin."""
_ONE_BEGINS: Final = int.from_bytes(b"retained")
"""Key of the advisory lock."""

_SQL: Final = queries.load("retention")


@dataclass(frozen=True, slots=True)
class PostgresRetention:
    """See flows.ports.retention.RetentionStore."""

    pool: Pool

    async def begin(self, by: str, now: datetime, unless: datetime | None) -> int | None:
        """See RetentionStore."""
        values = {"by": by, "now": now, "unless": unless, "cut_off": now - CUT_OFF}
        async with transaction(self.pool) as connection:
            await connection.execute(_SQL["one_begins"], {"key": _ONE_BEGINS})
            row = await (await connection.execute(_SQL["begin"], values)).fetchone()
        return int(row["id"]) if row else None

    async def ended(self, run_id: int, now: datetime) -> None:
        """See RetentionStore."""
        await self._run("ended", {"id": run_id, "now": now})

    async def due(self, what: What, days: int, now: datetime, after: int, limit: int) -> Sequence[Due]:
        """See RetentionStore."""
        values = {"days": days, "now": now, "after": after, "only": None, "limit": limit}
        return [Due(what, **row) for row in await self._all(f"due_{what}", values)]

    async def purge(
        self, run_id: int, due: Due, days: int, now: datetime, kept: FingerprintSet | None = None
    ) -> Purge | None:
        """See RetentionStore."""
        async with transaction(self.pool) as connection:
            if due.what is What.VERZOEK:
                await version_order.lock(connection, asdict(due))
            await connection.execute(_SQL[f"lock_{due.what}"], {"id": due.id})
            still = {"days": days, "now": now, "after": 0, "only": due.id, "limit": 1}
            if not await _all(connection, f"due_{due.what}", still):
                return None
            contents = await _contents(connection, due)
            purge = await _record(connection, run_id, due, contents, now)
            await _EMPTY[due.what](connection, {"id": due.id, "now": now})
            if kept is not None:
                await _keep(connection, due, kept, now)
        return purge

    async def purge_leftovers(self, run_id: int, blobs: Collection[tuple[str, int]], now: datetime) -> Purge:
        """See RetentionStore."""
        contents = [PurgedContent("leftover", size, None, name) for name, size in blobs]
        async with transaction(self.pool) as connection:
            return await _record(connection, run_id, None, contents, now)

    async def unnamed(self, blobs: Collection[str]) -> Collection[str]:
        """See RetentionStore."""
        return [row["name"] for row in await self._all("unnamed", {"names": list(blobs)})]

    async def unfinished(self) -> Sequence[Purge]:
        """See RetentionStore."""
        return [Purge(**{**row, "blobs": tuple(row["blobs"])}) for row in await self._all("unfinished", {})]

    async def completed(self, purge_id: int, now: datetime) -> None:
        """See RetentionStore."""
        await self._run("completed", {"id": purge_id, "now": now})

    async def purges(self, wanted: PurgeFilter) -> Sequence[PurgeRow]:
        """See RetentionStore."""
        return [_purge_row(row) for row in await self._all("purges", asdict(wanted))]

    async def kept(self, days: int, now: datetime) -> Sequence[KeptRow]:
        """See RetentionStore."""
        rows = await self._all("kept", {"days": days, "now": now})
        return [KeptRow(**{name: row[name] for name in row if name != "aansluiting_id"}) for row in rows]

    async def forget_fingerprints(self, now: datetime) -> int:
        """See RetentionStore."""
        return await self._run("forget", {"now": now})

    async def keys_in_use(self) -> Collection[str]:
        """See RetentionStore."""
        return {row["key_id"] for row in await self._all("keys_in_use", {})}

    async def contents(self, aansluiting_id: int, verzoeknummer: str) -> Sequence[VersionContent]:
        """See RetentionStore."""
        values = {"aansluiting_id": aansluiting_id, "verzoeknummer": verzoeknummer}
        return [VersionContent(row["volgnummer"], row["xml"], _set(row)) for row in await self._all("versions", values)]

    async def _all(self, query: str, values: Row) -> list[dict[str, Any]]:
        async with transaction(self.pool) as connection:
            return await _all(connection, query, values)

    async def _run(self, query: str, values: Row) -> int:
        async with transaction(self.pool) as connection:
            return (await connection.execute(_SQL[query], values)).rowcount


async def _all(connection: Connection, query: str, values: Row) -> list[dict[str, Any]]:
    return await (await connection.execute(_SQL[query], values)).fetchall()


async def _contents(connection: Connection, due: Due) -> list[PurgedContent]:
    rows = await _all(connection, f"contents_{due.what}", {"id": due.id})
    return [PurgedContent(row["kind"], row["size"], row["sha256"], row["blob"]) for row in rows]


async def _record(
    connection: Connection, run_id: int, due: Due | None, contents: Sequence[PurgedContent], now: datetime
) -> Purge:
    """The deletion, what it deletes, and a line in the timeline."""
    about: Mapping[str, Any] = {
        "aansluiting_id": due.aansluiting_id if due else None,
        "verzoek_id": due.id if due and due.what is What.VERZOEK else None,
        "notification_id": due.id if due and due.what is What.NOTIFICATION else None,
        "inbound_id": due.id if due and due.what is What.INBOUND else None,
        "outbound_id": due.id if due and due.what is What.OUTBOUND else None,
    }
    what = due.what if due else What.LEFTOVER
    [row] = await _all(connection, "insert_purge", {**about, "run_id": run_id, "what": what, "now": now})
    columns = {
        "positions": list(range(len(contents))),
        "kinds": [each.kind for each in contents],
        "sizes": [each.size for each in contents],
        "sha256s": [each.sha256 for each in contents],
        "blobs": [each.blob for each in contents],
    }
    await connection.execute(_SQL["insert_contents"], {**columns, "purge_id": row["id"]})
    if due:
        await connection.execute(_SQL["insert_step"], {**about, "detail": str(row["id"]), "now": now})
    blobs = tuple(each.blob for each in contents if each.blob is not None)
    return Purge(row["id"], now, blobs, sum(each.size for each in contents))


async def _empty_verzoek(connection: Connection, values: Row) -> None:
    await connection.execute(_SQL["empty_verzoek"], values)
    await connection.execute(_SQL["empty_files"], values)


async def _empty_notification(connection: Connection, values: Row) -> None:
    await connection.execute(_SQL["empty_notification"], values)


async def _empty_inbound(connection: Connection, values: Row) -> None:
    await connection.execute(_SQL["empty_inbound"], values)
    await connection.execute(_SQL["empty_payloads"], values)


async def _empty_outbound(connection: Connection, values: Row) -> None:
    """Its header is in the SOAP part, and is what remains of it."""
    [row] = await _all(connection, "outbound_body", values)
    document, _ = read_package(row["content_type"], row["body"])
    kept = {**values, "document": document, "content_type": "text/xml; charset=UTF-8"}
    await connection.execute(_SQL["empty_outbound"], kept)


_EMPTY: Final = {
    What.VERZOEK: _empty_verzoek,
    What.NOTIFICATION: _empty_notification,
    What.INBOUND: _empty_inbound,
    What.OUTBOUND: _empty_outbound,
}


async def _keep(connection: Connection, due: Due, kept: FingerprintSet, now: datetime) -> None:
    """In the place of hashes of an earlier deletion, when it was fetched again since."""
    values = {"id": due.id, "aansluiting_id": due.aansluiting_id, "key_id": kept.key_id, "now": now}
    await connection.execute(_SQL["drop_set"], values)
    await connection.execute(_SQL["keep_set"], {**values, "expires_at": kept.expires_at})
    prints = sorted(kept.fingerprints, key=lambda each: (each.kind, each.digest))
    columns = {"kinds": [each.kind for each in prints], "digests": [each.digest for each in prints]}
    await connection.execute(_SQL["keep_fingerprints"], {"id": due.id, **columns})


def _set(row: Row) -> FingerprintSet | None:
    if row["key_id"] is None:
        return None
    prints = frozenset(Fingerprint(Kind(kind), bytes.fromhex(digest)) for kind, digest in row["fingerprints"])
    return FingerprintSet(row["key_id"], prints, row["expires_at"])


def _purge_row(row: Row) -> PurgeRow:
    contents = tuple(
        PurgedContent(
            each["kind"], each["size"], bytes.fromhex(each["sha256"]) if each["sha256"] else None, each["blob"]
        )
        for each in row["contents"] or ()
    )
    return PurgeRow(**{**row, "contents": contents, "size": sum(each.size for each in contents)})
