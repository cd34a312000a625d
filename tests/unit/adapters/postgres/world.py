"""A gemeente that is connected twice, in sandbox-pre and sandbox-prod, with the same OIN; and messages for it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.unit.ebms.cpas import DSO, GEMEENTE, cpa_document

from digikoppelaar.adapters.postgres.connect import Pool, opened_pool
from digikoppelaar.adapters.postgres.messages import PostgresMessages
from digikoppelaar.adapters.postgres.reading import PostgresReading
from digikoppelaar.adapters.postgres.registry import PostgresRegistry
from digikoppelaar.adapters.postgres.verzoeken import PostgresVerzoeken
from digikoppelaar.ebms.agreement import ReliableMessaging
from digikoppelaar.ebms.cpa import read_agreement
from digikoppelaar.flows.ports import CpaRecord, NewInbound, NewNotification, NewOutbound
from digikoppelaar.flows.registration import (
    AansluitingEntry,
    CertificateEntry,
    Entry,
    MachtigingEntry,
    OrganisatieEntry,
    PartijEntry,
    difference,
)

NOW = datetime(2026, 6, 2, 9, tzinfo=UTC)
LEASE = timedelta(seconds=45)
OMGEVINGEN = ("sandbox-pre", "sandbox-prod")
VERZOEKNUMMER = "2026060200019"
CPA = cpa_document().encode()
AGREEMENT = read_agreement(CPA, [GEMEENTE])
RELIABLE = ReliableMessaging(retries=1, retry_interval=timedelta(minutes=5))

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


def inbound_of(cpa: CpaRecord, message_id: str, *, error_code: str | None = None) -> NewInbound:
    return NewInbound(
        cpa=cpa,
        message_id=message_id,
        conversation_id="conversatie",
        ref_to_message_id=None,
        service="dso:notificaties:1.0",
        action="notificeer",
        timestamp=NOW,
        received_at=NOW,
        fingerprint=b"\1" * 32,
        content_type="text/xml",
        document=b"<soap/>",
        error_code=error_code,
        error_reason=error_code and "because",
    )


def outbound_of(
    cpa: CpaRecord,
    message_id: str,
    *,
    partner: str = DSO,
    reliable: ReliableMessaging | None = None,
    time_to_live: datetime | None = None,
    due_at: datetime = NOW,
) -> NewOutbound:
    return NewOutbound(
        cpa=cpa,
        message_id=message_id,
        conversation_id="conversatie",
        ref_to_message_id=None,
        service="urn:oasis:names:tc:ebxml-msg:service",
        action="Acknowledgment",
        timestamp=NOW,
        partner=partner,
        endpoint="https://dso.example/ebms",
        content_type="text/xml",
        body=b"<soap>\x00\xff</soap>",
        reliable=reliable,
        time_to_live=time_to_live,
        due_at=due_at,
    )
