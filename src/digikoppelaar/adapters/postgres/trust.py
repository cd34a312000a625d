"""flows.ports.trust.TrustRecords in PostgreSQL. A change of a CRL wakes every node by NOTIFY."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg import sql

from digikoppelaar.adapters.postgres import queries
from digikoppelaar.adapters.postgres.connect import Connection, Pool, transaction
from digikoppelaar.flows.ports.trust import StoredCrl
from digikoppelaar.pki.crl import Crl, read_crl
from digikoppelaar.pki.expiry import Expiry

TRUST: Final = "trust"
"""The channel on which a commit tells nodes that a CRL changed."""

_SQL: Final = queries.load("trust")


@dataclass(frozen=True, slots=True)
class PostgresTrust:
    """CRLs, and which ends were told. Every method raises StorageError when the database fails."""

    pool: Pool

    async def crls(self, omgeving: str) -> Sequence[StoredCrl]:
        """See flows.ports.trust.TrustRecords."""
        async with transaction(self.pool) as connection:
            rows = await (await connection.execute(_SQL["crls"], {"omgeving": omgeving})).fetchall()
        return [
            StoredCrl(
                row["source"],
                None if row["document"] is None else read_crl(bytes(row["document"])),
                row["tried_at"],
                row["problem"],
            )
            for row in rows
        ]

    async def keep_crl(self, omgeving: str, source: str, crl: Crl, now: datetime) -> bool:
        """See flows.ports.trust.TrustRecords."""
        values: dict[str, Any] = {
            "omgeving": omgeving,
            "source": source,
            "document": crl.der,
            "issuer": crl.issuer,
            "this_update": crl.this_update,
            "next_update": crl.next_update,
            "now": now,
            "problem": None,
        }
        async with transaction(self.pool) as connection:
            kept = await (await connection.execute(_SQL["keep_crl"], values)).fetchone()
            await connection.execute(_SQL["crl_tried"], values)
            if kept is not None:
                await _tell_nodes(connection)
        return kept is not None

    async def crl_failed(self, omgeving: str, source: str, problem: str, now: datetime) -> None:
        """See flows.ports.trust.TrustRecords."""
        async with transaction(self.pool) as connection:
            values = {"omgeving": omgeving, "source": source, "problem": problem, "now": now}
            await connection.execute(_SQL["crl_tried"], values)

    async def forget_crls(self, omgeving: str, sources: Collection[str]) -> None:
        """See flows.ports.trust.TrustRecords."""
        async with transaction(self.pool) as connection:
            await connection.execute(_SQL["forget_crls"], {"omgeving": omgeving, "sources": list(sources)})
            await _tell_nodes(connection)

    async def tell_once(self, expiry: Expiry, now: datetime) -> bool:
        """See flows.ports.trust.TrustRecords."""
        ending = expiry.ending
        values = {
            "kind": ending.kind.value,
            "omgeving": ending.omgeving,
            "name": ending.name,
            "ends_at": ending.ends_at,
            "threshold": expiry.threshold,
            "now": now,
        }
        async with transaction(self.pool) as connection:
            return await (await connection.execute(_SQL["tell_once"], values)).fetchone() is not None


async def _tell_nodes(connection: Connection) -> None:
    await connection.execute(sql.SQL("NOTIFY {}").format(sql.Identifier(TRUST)))
