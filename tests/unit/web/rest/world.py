"""Two organisaties with applications over a real database and a real listener, and the client that others use.

GEMEENTE is connected in sandbox-pre and sandbox-prod, OTHER in sandbox-pre; each has a CPA with DSO of its own.
"""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from ebms_adapter_client import EbmsAdapterClient, EbmsAdapterClientConfig
from starlette.types import ASGIApp
from tests.servers import serving
from tests.unit.ebms.cpas import CPA_ID, DSO, GEMEENTE, changed
from tests.unit.ebms.exchanges import notification

from digikoppelaar.adapters.blobs import FolderBlobs
from digikoppelaar.adapters.fingerprint_keys import FingerprintKeyFile
from digikoppelaar.adapters.notice_templates import default_templates
from digikoppelaar.adapters.postgres.applications import PostgresApplications
from digikoppelaar.adapters.postgres.case_events import PostgresCaseEvents
from digikoppelaar.adapters.postgres.connect import Pool, opened_pool
from digikoppelaar.adapters.postgres.kennisgevingen import PostgresKennisgevingen
from digikoppelaar.adapters.postgres.messages import PostgresMessages
from digikoppelaar.adapters.postgres.registry import PostgresRegistry
from digikoppelaar.adapters.postgres.retention import PostgresRetention
from digikoppelaar.adapters.postgres.verzoeken import PostgresVerzoeken
from digikoppelaar.adapters.postgres.views import PostgresViews
from digikoppelaar.adapters.postgres.webhooks import PostgresWebhooks
from digikoppelaar.adapters.profiles import load_drop_profile, load_lists, load_rekenregels
from digikoppelaar.adapters.system import RandomIds, RandomSecrets, SystemClock
from digikoppelaar.drop.model import AlsVlak
from digikoppelaar.ebms.cpa import read_agreement
from digikoppelaar.ebms.envelope import write_envelope
from digikoppelaar.errors import TrustError
from digikoppelaar.flows import api_keys
from digikoppelaar.flows.administration import PingResult
from digikoppelaar.flows.announce import Announced, announce, stam_aansluiting
from digikoppelaar.flows.application import Application, Right
from digikoppelaar.flows.application_cpas import OwnCpas
from digikoppelaar.flows.desk import Desk
from digikoppelaar.flows.drafting import Texts
from digikoppelaar.flows.own_kennisgevingen import OwnKennisgevingen, own_kennisgevingen
from digikoppelaar.flows.ports import Aansluiting, Blob, Consumer, CpaRecord, NewInbound, Signer, StoredPayload
from digikoppelaar.flows.ports.case_events import NewCaseEvent
from digikoppelaar.flows.privacy import PrivacyCheck
from digikoppelaar.flows.registration import AansluitingEntry, Entry, OrganisatieEntry, PartijEntry, difference
from digikoppelaar.flows.submit import Submitter
from digikoppelaar.web.rest.app import make_rest_app
from digikoppelaar.web.rest.parts import Limits, Parts

OTHER = "00000099000000003000"
PRE, PROD = "sandbox-pre", "sandbox-prod"
NOW = SystemClock().now()

ENTRIES: tuple[Entry, ...] = (
    *(OrganisatieEntry(oin, f"Gemeente {oin[-4:]}", "gemeente") for oin in (GEMEENTE, OTHER)),
    *(PartijEntry(oin, f"Gemeente {oin[-4:]}") for oin in (GEMEENTE, OTHER)),
    *(
        AansluitingEntry(oin, "ebms", omgeving, oin, {}, {})
        for oin, omgeving in ((GEMEENTE, PRE), (GEMEENTE, PROD), (OTHER, PRE))
    ),
)
PUBLISHING = {
    "stage": "poc",
    "naam": "Voorbeeldstad",
    "bestuurslaag": "gemeente",
    "blad": "gmb",
    "automatic": "",
}
DROP: tuple[Entry, ...] = tuple(
    AansluitingEntry(oin, "drop", PRE, oin, {}, {}, publishing=PUBLISHING) for oin in (GEMEENTE, OTHER)
)
"""What makes them publish as well."""
STAM: tuple[Entry, ...] = tuple(
    AansluitingEntry(oin, "stam", PRE, oin, {}, {"kind": "folder", "path": "/zaken"}) for oin in (GEMEENTE, OTHER)
)
"""What makes them receive verzoeken as well."""


def cpa_of(oin: str, name: str = CPA_ID) -> bytes:
    """A CPA between DSO and this organisatie."""
    named = changed(rf'tp:cpaid="{CPA_ID}"', f'tp:cpaid="{name}"')
    return changed(GEMEENTE, oin, count=0, document=named).encode() if oin != GEMEENTE else named.encode()


class NoKeys:
    """flows.ports.Signers and Trust of somebody without keys: the CPAs here sign and encrypt nothing."""

    def signer(self, omgeving: str, partij_oin: str, certificate: bytes) -> Signer:
        """See flows.ports.Signers."""
        raise TrustError(f"partij {partij_oin} has no certificate to sign with in {omgeving}")

    async def problem(self, omgeving: str, certificate: bytes, *moments: datetime) -> str | None:
        """See flows.ports.Trust."""
        del certificate, moments
        return f"nobody is trusted in {omgeving}"


@dataclass
class World:
    """The stores, the interface on a port, and a key for each application."""

    pool: Pool
    registry: PostgresRegistry
    messages: PostgresMessages
    applications: PostgresApplications
    webhooks: PostgresWebhooks
    blobs: FolderBlobs
    folder: Path
    case_events: PostgresCaseEvents
    port: int = 0
    keys: dict[tuple[str, str, frozenset[Right]], str] = field(default_factory=dict)
    received: int = 0

    async def key(self, oin: str = GEMEENTE, omgeving: str = PRE, rights: Iterable[Right] = tuple(Right)) -> str:
        """An API key of this organisatie in this omgeving with these rights; the same one each time."""
        which = (oin, omgeving, frozenset(rights))
        if which not in self.keys:
            self.keys[which] = await api_keys.create(
                self.applications,
                RandomSecrets(),
                omgeving=omgeving,
                organisatie_oin=oin,
                name="zaaksysteem",
                now=NOW,
                rights=rights,
            )
        return self.keys[which]

    async def application(self, oin: str = GEMEENTE, omgeving: str = PRE) -> Application:
        """Who has that key."""
        found = await api_keys.holder(self.applications, await self.key(oin, omgeving))
        assert found
        return found

    async def http(
        self, oin: str = GEMEENTE, omgeving: str = PRE, rights: Iterable[Right] = tuple(Right)
    ) -> httpx.AsyncClient:
        """A client with that key."""
        key = await self.key(oin, omgeving, rights)
        return httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", headers={"X-API-Key": key}, timeout=30)

    async def client(self, oin: str = GEMEENTE, omgeving: str = PRE) -> EbmsAdapterClient:
        """The client package that users of ebms-core have; the key is the password. It blocks: call it in a thread."""
        config = EbmsAdapterClientConfig(
            f"http://127.0.0.1:{self.port}", username="zaaksysteem", password=await self.key(oin, omgeving)
        )
        return EbmsAdapterClient(config)

    async def pool_execute(self, query: str) -> None:
        """Change something that no application can."""
        async with self.pool.connection() as connection:
            await connection.execute(query.encode())

    async def cpa(self, oin: str = GEMEENTE, omgeving: str = PRE, name: str = CPA_ID) -> CpaRecord:
        """An imported CPA of this organisatie, for REST."""
        document = cpa_of(oin, name)
        aansluitingen = await self.registry.aansluitingen()
        wanted = ("ebms", oin, omgeving)
        [row] = [each for each in aansluitingen if (each.kind, each.organisatie_oin, each.omgeving) == wanted]
        agreement = read_agreement(document, [oin])
        await self.registry.import_cpa(row.id, document, agreement, NOW, consumer=Consumer.REST)
        found = await self.registry.cpa(omgeving, name)
        assert found
        return found

    async def receive(self, cpa: CpaRecord, *contents: bytes | Blob, **changes: Any) -> str:
        """A message that came in under this CPA; its MessageId."""
        self.received += 1
        name = changes.pop("message_id", f"in-{self.received}@dso.example")
        theirs = read_agreement(await self.registry.cpa_document(cpa.id), [DSO])
        envelope = notification(theirs, message_id=name)
        header = envelope.header
        inbound = NewInbound(
            cpa=cpa,
            message_id=name,
            conversation_id=header.conversation_id,
            ref_to_message_id=None,
            service=header.service.value,
            service_type=header.service.type,
            action=header.action,
            timestamp=header.timestamp,
            received_at=NOW,
            fingerprint=hashlib.sha256(name.encode()).digest(),
            content_type="text/xml",
            document=write_envelope(envelope),
            payloads=tuple(_payload(number, content) for number, content in enumerate(contents, 1)),
        )
        assert await self.messages.record_inbound(replace(inbound, **changes), None, None)
        return name


def _payload(number: int, content: bytes | Blob) -> StoredPayload:
    name = f"p{number}@dso.example"
    if isinstance(content, Blob):
        return StoredPayload(name, "application/pdf", content.size, content.sha256, blob=content.name, name="groot.pdf")
    return StoredPayload(name, "application/xml", len(content), hashlib.sha256(content).digest(), data=content)


async def _no_answer(cpa: CpaRecord) -> PingResult:
    return PingResult(
        "ping@gemeente", pong=False, seconds=0.0, state="sent", reason=f"{cpa.agreement.cpa_id} is silent"
    )


async def _announced(world: World, who: Application, payload: bytes) -> Announced:
    aansluiting = stam_aansluiting(await world.registry.aansluitingen(), who.organisatie_oin, who.omgeving)
    return await announce(PostgresVerzoeken(world.pool), aansluiting, payload, NOW)


async def _take_case_event(world: World, who: Application, new: NewCaseEvent) -> bool:
    aansluiting = stam_aansluiting(await world.registry.aansluitingen(), who.organisatie_oin, who.omgeving)
    return await world.case_events.take(aansluiting.id, new, who.signature, NOW)


async def _kennisgevingen(world: World, who: Application) -> OwnKennisgevingen:
    return own_kennisgevingen(who, await world.registry.aansluitingen(), lambda publishers: desk_of(world, publishers))


def desk_of(world: World, publishers: Sequence[Aansluiting]) -> Desk:
    """Where kennisgevingen of these are made."""
    privacy = PrivacyCheck(
        PostgresRetention(world.pool), world.blobs, FingerprintKeyFile(world.folder / "fingerprint-keys")
    )
    rules, lists = load_rekenregels(), load_lists()
    texts = Texts(lambda _: default_templates(), rules, lists, lambda name: load_drop_profile(name).envelope)
    store = PostgresKennisgevingen(world.pool)
    return Desk(store, publishers, texts, privacy.matches, _nowhere, world.blobs, SystemClock())


async def _nowhere(organisatie_oin: str) -> tuple[AlsVlak, ...]:
    """An area that nobody imported."""
    del organisatie_oin
    return ()


async def _no_status(cpa: CpaRecord, about: str) -> None:
    """A partner that says nothing, as these have no endpoint; tests.journeys asks a real one."""
    del cpa, about


@asynccontextmanager
async def opened_world(
    url: str,
    folder: Path,
    limits: Limits = Limits(),  # noqa: B008
    case_events: Callable[[Pool], PostgresCaseEvents] = PostgresCaseEvents,
) -> AsyncIterator[World]:
    """Everything over the database at `url`, with blobs in `folder`. What is registered there stays."""
    async with opened_pool(lambda: url, 8) as pool:
        world = World(
            pool,
            PostgresRegistry(pool),
            PostgresMessages(pool),
            PostgresApplications(pool),
            PostgresWebhooks(pool),
            FolderBlobs(folder),
            folder.parent,
            case_events(pool),
        )
        if not await world.registry.entries():
            await world.registry.apply(difference([], (*ENTRIES, *DROP)), NOW)
        async with serving(_app(world, limits)) as world.port:
            yield world


def _app(world: World, limits: Limits) -> ASGIApp:
    ids, clock = RandomIds(), SystemClock()
    ping: Callable[[CpaRecord], Awaitable[PingResult]] = _no_answer
    return make_rest_app(
        Parts(
            store=world.applications,
            keys=world.applications,
            views=PostgresViews(world.pool),
            registry=world.registry,
            cpas=OwnCpas(world.registry, clock),
            submitter=Submitter(world.messages, world.blobs, NoKeys(), NoKeys(), ids, clock),
            blobs=world.blobs,
            announce=lambda who, payload: _announced(world, who, payload),
            kennisgevingen=lambda who: _kennisgevingen(world, who),
            take_case_event=lambda who, new: _take_case_event(world, who, new),
            ping=ping,
            ask_status=_no_status,
            ids=ids,
            clock=clock,
            limits=limits,
        )
    )
