"""A gemeente that is connected twice, in sandbox-pre and sandbox-prod, with the same OIN, and its stores."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from tests.unit.ebms.cpas import GEMEENTE, cpa_document
from tests.unit.flows.stored_messages import NOW, inbound_of

from digikoppelaar.adapters.postgres.connect import Pool, opened_pool
from digikoppelaar.adapters.postgres.messages import PostgresMessages
from digikoppelaar.adapters.postgres.reading import PostgresReading
from digikoppelaar.adapters.postgres.registry import PostgresRegistry
from digikoppelaar.adapters.postgres.verzoeken import PostgresVerzoeken
from digikoppelaar.ebms.cpa import read_agreement
from digikoppelaar.flows.ports import CpaRecord, NewNotification
from digikoppelaar.flows.registration import (
    AansluitingEntry,
    CertificateEntry,
    Entry,
    MachtigingEntry,
    OrganisatieEntry,
    PartijEntry,
    difference,
)

OMGEVINGEN = ("sandbox-pre", "sandbox-prod")
CPA = cpa_document().encode()
AGREEMENT = read_agreement(CPA, [GEMEENTE])

ENTRIES: tuple[Entry, ...] = (
    OrganisatieEntry(GEMEENTE, "Gemeente Voorbeeldstad", "gemeente"),
    PartijEntry(GEMEENTE, "Gemeente Voorbeeldstad"),
    CertificateEntry(GEMEENTE, "sandbox-pre", "sign", "/keys/sign.pem", "/keys/sign.key"),
    MachtigingEntry("sandbox-pre", "00000099000000009000", GEMEENTE, NOW - timedelta(days=400), "een beheerder"),
    *(
        AansluitingEntry(
            GEMEENTE,
            "stam",
            omgeving,
            GEMEENTE,
            {"base_url": f"https://{omgeving}.example", "api_key_file": "/keys/api", "profile": "dso-lv"},
            {"kind": "folder", "path": "/zaken"},
        )
        for omgeving in OMGEVINGEN
    ),
)


@dataclass(frozen=True, slots=True)
class World:
    """The stores over one fresh database, and the CPA of both aansluitingen."""

    url: str = field(repr=False)
    pool: Pool
    registry: PostgresRegistry
    messages: PostgresMessages
    verzoeken: PostgresVerzoeken
    reading: PostgresReading
    pre: CpaRecord
    prod: CpaRecord

    async def count(self, table: str) -> int:
        async with self.pool.connection() as connection:
            row = await (await connection.execute(f"SELECT count(*) AS rows FROM {table}".encode())).fetchone()
        assert row
        return int(row["rows"])

    async def notify(self, which: int, verzoeknummer: str, message_id: str | None = None) -> int:
        """A notification that came in for one of the two aansluitingen; its id."""
        cpa = (self.pre, self.prod)[which]
        number = await self.count("inbound_message")
        inbound = inbound_of(cpa, message_id or f"{number}@dso.example")
        assert await self.messages.record_inbound(inbound, None, NewNotification(verzoeknummer))
        async with self.pool.connection() as connection:
            row = await (await connection.execute("SELECT max(id) AS id FROM notification")).fetchone()
        assert row
        return int(row["id"])


@asynccontextmanager
async def opened_world(url: str) -> AsyncIterator[World]:
    async with opened_pool(lambda: url, 8) as pool:
        registry = PostgresRegistry(pool)
        await registry.apply(difference([], ENTRIES), NOW)
        for aansluiting in await registry.aansluitingen():
            await registry.import_cpa(aansluiting.id, CPA, AGREEMENT, NOW)
        pre, prod = [await registry.cpa(omgeving, AGREEMENT.cpa_id) for omgeving in OMGEVINGEN]
        assert pre
        assert prod
        stores = (PostgresMessages(pool), PostgresVerzoeken(pool), PostgresReading(pool))
        yield World(url, pool, registry, *stores, pre, prod)
