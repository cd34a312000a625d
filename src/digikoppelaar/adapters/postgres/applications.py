"""What applications see and set, and their API keys, in PostgreSQL.

Every query takes the omgeving and OIN of the application, so that nothing of another organisatie can come out. Every
method is one transaction and raises StorageError when the database fails.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from digikoppelaar.adapters.postgres import queries
from digikoppelaar.adapters.postgres.connect import Connection, Pool, Row, transaction
from digikoppelaar.flows.api_keys import ApiKeyRow, KnownKey
from digikoppelaar.flows.application import (
    Application,
    CertificateMapping,
    EventType,
    Kind,
    MessageEvent,
    Right,
    StoredMessage,
    UrlMapping,
    Wanted,
)
from digikoppelaar.flows.ports import StoredPayload
from digikoppelaar.flows.reading import Direction

_SQL: Final = queries.load("applications")


@dataclass(frozen=True, slots=True)
class PostgresApplications:
    """flows.application.ApplicationStore and flows.api_keys.ApiKeyStore."""

    pool: Pool

    async def cpas(self, who: Application) -> Sequence[str]:
        """See flows.application.ApplicationStore."""
        return [row["cpa_id"] for row in await self._all("cpas", _whose(who))]

    async def cpa_document(self, who: Application, cpa_id: str) -> bytes | None:
        """See flows.application.ApplicationStore."""
        rows = await self._all("cpa_document", {**_whose(who), "cpa_id": cpa_id})
        return rows[0]["document"] if rows else None

    async def kinds_of_messages(self, who: Application, wanted: Wanted) -> Sequence[Kind]:
        """See flows.application.ApplicationStore."""
        return await self._kinds("kinds_of_messages", who, wanted)

    async def unprocessed(self, who: Application, wanted: Wanted, kinds: Sequence[Kind] | None) -> Sequence[str]:
        """See flows.application.ApplicationStore."""
        rows = await self._all("unprocessed", {**_whose(who), **asdict(wanted), **_chosen(kinds)})
        return [row["message_id"] for row in rows]

    async def kinds_of_events(self, who: Application, wanted: Wanted) -> Sequence[Kind]:
        """See flows.application.ApplicationStore."""
        return await self._kinds("kinds_of_events", who, wanted)

    async def events(self, who: Application, wanted: Wanted, kinds: Sequence[Kind] | None) -> Sequence[MessageEvent]:
        """See flows.application.ApplicationStore."""
        types = {"event_types": [each.value for each in wanted.event_types]}
        rows = await self._all("events", {**_whose(who), **asdict(wanted), **types, **_chosen(kinds)})
        return [MessageEvent(row["id"], EventType(row["type"]), row["message_id"]) for row in rows]

    async def message(self, who: Application, message_id: str) -> StoredMessage | None:
        """See flows.application.ApplicationStore."""
        async with transaction(self.pool) as connection:
            found = await _all(connection, "message", {**_whose(who), "message_id": message_id})
            if not found:
                return None
            row = found[0]
            inbound = row["direction"] == Direction.IN.value
            payloads = await _all(connection, "payloads", row) if inbound else []
        return _message(row, payloads)

    async def process_message(self, who: Application, message_id: str, now: datetime) -> bool:
        """See flows.application.ApplicationStore."""
        return await self._run("process_message", who, message_id=message_id, now=now)

    async def process_events(self, who: Application, message_id: str, now: datetime) -> bool:
        """See flows.application.ApplicationStore."""
        values = {**_whose(who), "message_id": message_id, "now": now}
        async with transaction(self.pool) as connection:
            found = await connection.execute(_SQL["process_events"], values)
            if found.rowcount:
                await connection.execute(_SQL["process_message"], values)
        return bool(found.rowcount)

    async def url_mappings(self, who: Application) -> Sequence[UrlMapping]:
        """See flows.application.ApplicationStore."""
        return [UrlMapping(**row) for row in await self._all("url_mappings", _whose(who))]

    async def set_url_mapping(self, who: Application, mapping: UrlMapping) -> None:
        """See flows.application.ApplicationStore."""
        await self._run("set_url_mapping", who, **asdict(mapping))

    async def delete_url_mapping(self, who: Application, source: str) -> bool:
        """See flows.application.ApplicationStore."""
        return await self._run("delete_url_mapping", who, source=source)

    async def certificate_mappings(self, who: Application) -> Sequence[CertificateMapping]:
        """See flows.application.ApplicationStore."""
        return [CertificateMapping(**row) for row in await self._all("certificate_mappings", _whose(who))]

    async def set_certificate_mapping(self, who: Application, mapping: CertificateMapping) -> bool:
        """See flows.application.ApplicationStore."""
        return await self._run("set_certificate_mapping", who, **asdict(mapping))

    async def delete_certificate_mapping(self, who: Application, cpa_id: str, source: bytes) -> bool:
        """See flows.application.ApplicationStore."""
        return await self._run("delete_certificate_mapping", who, cpa_id=cpa_id, source=source)

    async def insert_api_key(self, row: ApiKeyRow, sha256: bytes) -> bool:
        """See flows.api_keys.ApiKeyStore."""
        about = {
            "oin": row.organisatie_oin,
            "rights": list(row.rights),
            "now": row.created_at,
            "sha256": sha256,
        }
        async with transaction(self.pool) as connection:
            return bool((await connection.execute(_SQL["insert_api_key"], {**asdict(row), **about})).rowcount)

    async def api_keys(self) -> list[ApiKeyRow]:
        """See flows.api_keys.ApiKeyStore."""
        rows = await self._all("api_keys", {})
        return [ApiKeyRow(**{**row, "rights": tuple(row["rights"])}) for row in rows]

    async def revoke_api_key(self, prefix: str, now: datetime) -> bool:
        """See flows.api_keys.ApiKeyStore."""
        async with transaction(self.pool) as connection:
            values = {"prefix": prefix, "now": now}
            return bool((await connection.execute(_SQL["revoke_api_key"], values)).rowcount)

    async def api_key(self, prefix: str) -> KnownKey | None:
        """See flows.api_keys.ApiKeyStore."""
        rows = await self._all("api_key", {"prefix": prefix})
        return KnownKey(**{**rows[0], "rights": frozenset(map(Right, rows[0]["rights"]))}) if rows else None

    async def _kinds(self, query: str, who: Application, wanted: Wanted) -> list[Kind]:
        rows = await self._all(query, {**_whose(who), "cpa_id": wanted.cpa_id})
        return [Kind(**{**row, "direction": Direction(row["direction"])}) for row in rows]

    async def _all(self, query: str, values: Row) -> list[dict[str, Any]]:
        async with transaction(self.pool) as connection:
            return await _all(connection, query, values)

    async def _run(self, query: str, who: Application, **values: object) -> bool:
        """Whether it touched a row."""
        async with transaction(self.pool) as connection:
            return bool((await connection.execute(_SQL[query], {**_whose(who), **values})).rowcount)


async def _all(connection: Connection, query: str, values: Row) -> list[dict[str, Any]]:
    return await (await connection.execute(_SQL[query], values)).fetchall()


def _whose(who: Application) -> dict[str, Any]:
    return {"omgeving": who.omgeving, "oin": who.organisatie_oin}


def _chosen(kinds: Sequence[Kind] | None) -> dict[str, Any]:
    chosen = kinds or ()
    return {
        "chosen": kinds is not None,
        "cpa_rows": [kind.cpa_row for kind in chosen],
        "directions": [kind.direction.value for kind in chosen],
        "services": [kind.service for kind in chosen],
        "actions": [kind.action for kind in chosen],
    }


def _message(row: Row, payloads: Sequence[Row]) -> StoredMessage:
    return StoredMessage(
        direction=Direction(row["direction"]),
        id=row["id"],
        cpa_id=row["cpa_id"],
        message_id=row["message_id"],
        state=row["state"],
        processed=row["processed"],
        content_type=row["content_type"],
        document=row["document"],
        payloads=tuple(StoredPayload(**payload) for payload in payloads),
    )
