"""Two gateways of ours that send to each other over mutual TLS, and what their administrators do when they renew."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Final

from tests.certificates import NOW, Authority, Issued, Shape, rsa_key

from digikoppelaar import gateway
from digikoppelaar.adapters.postgres.connect import transaction
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.config import Config, load
from digikoppelaar.ebms.cpa_build import BuildParty, BuildService, Certificates, CpaOrder, build
from digikoppelaar.ebms.cpa_renew import renew
from digikoppelaar.ebms.messages import Service
from digikoppelaar.flows.cpas import ImportChoice, choose, import_cpa
from digikoppelaar.flows.handler import Handler
from digikoppelaar.flows.parcel import NewPayload
from digikoppelaar.flows.ports import Aansluiting
from digikoppelaar.flows.registration import (
    AansluitingEntry,
    CertificateEntry,
    Entry,
    OrganisatieEntry,
    PartijEntry,
    difference,
)
from digikoppelaar.flows.submit import Submission
from digikoppelaar.pki.certificate import Use
from digikoppelaar.wiring import Stores, open_stores

OMGEVING: Final = "sandbox-pre"
PACE: Final = 0.03
"""Seconds between two messages of one side."""
CONFIGURATION: Final = """\
data_folder = "{name}"
log_level = "warning"
[database]
url = "{url}"
[endpoint.sandbox-pre]
port = {port}
partij = "{oin}"
trust_anchors = ["root.pem"]
[management]
port = 0
[web]
port = 0
login = "none"
"""


class RunningGateway(gateway.Gateway):
    """A gateway of which the test can get at the parts."""

    running: ClassVar[dict[Path, tuple[gateway.Gateway, Handler]]] = {}

    def _handler(self, roles: Collection[str]) -> Handler:
        handler = super()._handler(roles)
        self.running[self.config.data_folder] = self, handler
        return handler


@dataclass
class Side:
    """One party with its gateway. `other` is the name of the action that it sends."""

    name: str
    oin: str
    sends: str
    port: int
    folder: Path
    url: str
    authority: Authority
    sent: list[str] = field(default_factory=list)
    not_in_use: set[str] = field(default_factory=set)
    """CPAIds under which its application sends nothing."""
    stores: Stores = field(init=False)

    @property
    def config(self) -> Config:
        """Its configuration."""
        return load(self.folder / f"{self.name}.toml")

    @property
    def parts(self) -> tuple[gateway.Gateway, Handler]:
        """Its running gateway."""
        return RunningGateway.running[self.config.data_folder]

    def prepare(self) -> None:
        """Write its configuration."""
        text = CONFIGURATION.format(name=self.name, url=self.url, port=self.port, oin=self.oin)
        (self.folder / f"{self.name}.toml").write_text(text)

    # --- Certificates ------------------------------------------------------------------------------------

    def issued(self, generation: int, use: str) -> Issued:
        """Its certificate of this generation, for TLS or to sign; a new key pair each (4.5)."""
        shape = Shape(
            oin=self.oin,
            sandbox=True,
            not_before=NOW - timedelta(days=1) + timedelta(minutes=generation),
            key=rsa_key(f"{self.name}-{use}-{generation}"),
        )
        return self.authority.issue(shape)

    def write_certificates(self, generation: int) -> tuple[list[Entry], Certificates]:
        """New files beside the old ones: what goes on record, and what goes into a CPA."""
        entries: list[Entry] = []
        chains = {}
        for kind, uses in (("tls", (Use.TLS_SERVER, Use.TLS_CLIENT)), ("sign", (Use.SIGN,))):
            issued = self.issued(generation, kind)
            files = issued.write(self.folder, f"{self.name}-{kind}-{generation}")
            der = (issued.der, *(Issued(above, issued.key).der for above in issued.above))
            for use in uses:
                entries.append(CertificateEntry(self.oin, OMGEVING, use.value, *map(str, files)))
                chains[use] = der
        return entries, chains

    async def record(self, entries: Sequence[Entry]) -> None:
        """Apply a registration."""
        changes = difference(await self.stores.registry.entries(), entries)
        await self.stores.registry.apply(changes, SystemClock().now())

    async def in_use(self, chains: Certificates) -> None:
        """Wait until the running gateway shows these certificates and can sign with them."""
        keyring = self.parts[0].keyring
        async with asyncio.timeout(30):
            while any(keyring.certificate(OMGEVING, self.oin, use).der != chain[0] for use, chain in chains.items()):
                await asyncio.sleep(0.05)

    # --- Messages ----------------------------------------------------------------------------------------

    async def send_until(self, stop: asyncio.Event, services: Sequence[Service]) -> None:
        """Send under the newest CPA of each service in turn, as an application does."""
        submitter, number = self.parts[1].submitter, 0
        while not stop.is_set():
            service, number = services[number % len(services)], number + 1
            now = SystemClock().now()
            valid = await self.stores.registry.valid_cpas((await self.aansluiting()).id, now)
            usable = [cpa for cpa in valid if cpa.agreement.cpa_id not in self.not_in_use]
            cpa = choose(usable, service.value, self.sends, now)
            assert cpa is not None, f"{self.name} has no CPA to send {service.value} under"
            payload = NewPayload("application/xml", b"<bericht>%d</bericht>" % number)
            self.sent.append(await submitter.submit(cpa, Submission(service, self.sends, (payload,))))
            await asyncio.sleep(PACE)

    async def aansluiting(self) -> Aansluiting:
        """Its only one."""
        [found] = await self.stores.registry.aansluitingen()
        return found

    async def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        """What a query gives."""
        async with transaction(self.stores.pool) as connection:
            return await (await connection.execute(query, values)).fetchall()


@dataclass
class Parties:
    """Both sides, and what they agree on."""

    ours: Side
    theirs: Side
    services: tuple[Service, ...]
    root: bytes

    @property
    def sides(self) -> tuple[Side, Side]:
        """Both."""
        return self.ours, self.theirs

    async def agree(self, generation: dict[str, Certificates]) -> None:
        """A CPA for each service, in both directions."""
        now = SystemClock().now()
        for number, service in enumerate(self.services):
            order = CpaOrder(
                cpa_id=cpa_id(number, 0),
                first=self._party(self.ours, generation["ours"]),
                second=self._party(self.theirs, generation["theirs"]),
                services=(BuildService(service, "osb-rm-s", (self.ours.sends,), (self.theirs.sends,)),),
                starts_at=now - timedelta(hours=1),
                ends_at=NOW + timedelta(days=20),
                retries=5,
                retry_interval=timedelta(seconds=5),
                anchors=(self.root,),
            )
            await self._import(build(order))

    async def renew(self, old: int, new: int, certificates: dict[str, Certificates], starts_at: datetime) -> None:
        """A successor of every CPA, beside the old one on both sides before it starts."""
        for number in range(len(self.services)):
            found = await self.ours.stores.registry.cpa(OMGEVING, cpa_id(number, old))
            assert found is not None
            document = renew(
                await self.ours.stores.registry.cpa_document(found.id),
                certificates,
                cpa_id=cpa_id(number, new),
                starts_at=starts_at,
                ends_at=NOW + timedelta(days=20),
            )
            await self._import(document)
        assert SystemClock().now() < starts_at, "both sides must know a CPA before it starts"

    async def remove(self, generation: int) -> None:
        """Stop using these CPAs on both sides; everything under them must be settled (see `settled`)."""
        for side in self.sides:
            for number in range(len(self.services)):
                found = await side.stores.registry.cpa(OMGEVING, cpa_id(number, generation))
                assert found is not None
                await side.stores.registry.remove_cpa(found.id, SystemClock().now())

    async def acknowledged(self, generation: int, more: int) -> None:
        """Wait until each side has so many more messages under these CPAs acknowledged."""
        query = """
            SELECT count(*) AS number FROM outbound_message JOIN cpa ON cpa.id = outbound_message.cpa_row
            WHERE cpa.cpa_id LIKE %s AND outbound_message.state = 'acknowledged'
        """
        before = [(await side.rows(query, f"cpa-%-{generation}"))[0]["number"] for side in self.sides]
        async with asyncio.timeout(60):
            for side, start in zip(self.sides, before, strict=True):
                while (await side.rows(query, f"cpa-%-{generation}"))[0]["number"] < start + more:
                    await asyncio.sleep(0.1)

    async def settled(self, generation: int | None = None) -> None:
        """Wait until nothing waits on either side, under these CPAs or at all."""
        query = """
            SELECT count(*) AS number FROM outbound_message JOIN cpa ON cpa.id = outbound_message.cpa_row
            WHERE cpa.cpa_id LIKE %s AND outbound_message.due_at IS NOT NULL
        """
        pattern = "%" if generation is None else f"cpa-%-{generation}"
        async with asyncio.timeout(90):
            for side in self.sides:
                while (await side.rows(query, pattern))[0]["number"]:
                    await asyncio.sleep(0.1)

    def _party(self, side: Side, certificates: Certificates) -> BuildParty:
        return BuildParty(
            name=side.name.capitalize(),
            party_id=side.oin,
            role=f"Rol {side.name}",
            endpoint=f"https://localhost:{side.port}/ebms",
            certificates=certificates,
        )

    async def _import(self, document: bytes) -> None:
        for side in self.sides:
            await import_cpa(side.stores.registry, document, ImportChoice(omgeving=OMGEVING), now=SystemClock().now())


def cpa_id(number: int, generation: int) -> str:
    """Its name."""
    return f"cpa-{number}-{generation}"


@asynccontextmanager
async def running(sides: Sequence[Side]) -> AsyncIterator[None]:
    """The gateways of both sides, as `serve` runs them."""
    stop = asyncio.Event()
    tasks = []
    for side in sides:
        ready = asyncio.Event()
        serving = gateway.serve(
            side.config, ("endpoint", "sender"), ready=lambda _, ready=ready: ready.set(), stop=stop
        )
        tasks.append(asyncio.create_task(serving))
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait({tasks[-1], waiting}, return_when=asyncio.FIRST_COMPLETED)
        if tasks[-1].done():
            tasks[-1].result()
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*tasks)
        RunningGateway.running.clear()


@asynccontextmanager
async def registered(side: Side) -> AsyncIterator[tuple[Side, Certificates]]:
    """The side with its stores open, its registration on record and its first certificates."""
    side.prepare()
    async with open_stores(side.config) as stores:
        side.stores = stores
        entries, chains = side.write_certificates(0)
        naam = side.name.capitalize()
        await side.record(
            [
                OrganisatieEntry(side.oin, naam, "gemeente"),
                PartijEntry(side.oin, naam),
                *entries,
                AansluitingEntry(side.oin, "ebms", OMGEVING, side.oin, {}, {}),
            ]
        )
        yield side, chains
