"""The receiving end that the tests of the sandbox talk to: the gateway's endpoint, receiver and sender over real TLS,
with the stores that forget. No PostgreSQL and no intake; the journeys have those.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from digikoppelaar.adapters.http_in import server
from digikoppelaar.adapters.http_in.endpoint import Endpoint
from digikoppelaar.adapters.http_out import MtlsSessions, MtlsTransport, Timeouts
from digikoppelaar.adapters.keyfiles import CertificateRecord
from digikoppelaar.adapters.keys import Keyring
from digikoppelaar.adapters.memory.blobs import MemoryBlobs
from digikoppelaar.adapters.memory.messages import MemoryMessages, MemoryRegistry
from digikoppelaar.adapters.system import RandomIds, SystemClock
from digikoppelaar.adapters.trust import TrustBase, TrustFiles
from digikoppelaar.ebms.cpa import read_agreement
from digikoppelaar.flows.handler import Handler, HandlerPorts
from digikoppelaar.flows.ports import Aansluiting, CpaRecord, Machtiging
from digikoppelaar.flows.receive import Receiver
from digikoppelaar.flows.send import Sender
from digikoppelaar.pki.certificate import Use
from digikoppelaar.sandbox.country import connected
from digikoppelaar.sandbox.folder import SandboxReady, open_folder
from digikoppelaar.sandbox.routing import Behandeldienst, Organisatie
from digikoppelaar.sandbox.serve import serve
from digikoppelaar.sandbox.settings import ONE_COUNTRY, SandboxSettings

CLOCK = SystemClock()

WEST, EAST, WATER, DIENST = (f"0000009900000000{number}000" for number in (2, 5, 6, 7))
MILIEU = "Milieubelastende activiteit"
COUNTRY = connected(
    [
        Organisatie(WEST, "Gemeente West", behandeldiensten=(Behandeldienst(DIENST, frozenset({MILIEU})),)),
        Organisatie(EAST, "Gemeente Oost"),
        Organisatie(WATER, "Waterschap De Vaart", "waterschap"),
        Organisatie(DIENST, "Omgevingsdienst", "omgevingsdienst"),
    ]
)


@dataclass(frozen=True, slots=True)
class Gateway:
    """What a test looks at."""

    ready: SandboxReady
    messages: MemoryMessages
    registry: MemoryRegistry
    sender: Sender
    keyring: Keyring
    sessions: MtlsSessions
    endpoint: str

    @property
    def notified(self) -> list[str]:
        """The verzoeknummers that were handed over to the intake, in order."""
        return [verzoeknummer for _, verzoeknummer in self.notified_by_oin]

    @property
    def notified_by_oin(self) -> list[tuple[str, str]]:
        """The same, with the OIN of the organisatie that was told."""
        stored = self.messages.inbound.values()
        return [(each.message.cpa.aansluiting.organisatie_oin, each.job.verzoeknummer) for each in stored if each.job]


@asynccontextmanager
async def sandbox_and_gateway(
    folder: Path,
    *,
    profile: str = "osb-rm-s",
    retries: int = 8,
    interval: timedelta = timedelta(seconds=0.3),
    organisaties: tuple[Organisatie, ...] = ONE_COUNTRY,
    publish_at_once: bool = False,
    omgeving: str = "sandbox-pre",
    unconnected: bool = False,
) -> AsyncIterator[Gateway]:
    """A sandbox with a gateway beside it, until the context ends."""
    certificates = open_folder(folder, CLOCK.now(), "127.0.0.1")
    authorities = certificates.authorities
    keyring = _keyring(omgeving, certificates_of(folder, omgeving), authorities.root, authorities.crls)
    registry, messages = MemoryRegistry(), MemoryMessages()
    stop = asyncio.Event()
    tasks: list[asyncio.Task[None]] = []
    async with MtlsSessions(keyring, Timeouts(connect=2, read=2, total=2)) as sessions:
        ports = HandlerPorts(
            registry, messages, MemoryBlobs(), keyring, keyring.trust, MtlsTransport(sessions), RandomIds(), CLOCK
        )
        handler = Handler.of(ports)
        port = await _endpoint(omgeving, tasks, handler.receiver, keyring, stop)
        settings = SandboxSettings(
            folder=folder,
            gateway_endpoint=f"https://127.0.0.1:{port}/ebms",
            case_folder=folder / "cases",
            profile=profile,
            retries=retries,
            retry_interval=interval,
            seed=1,
            organisaties=organisaties,
            publish_at_once=publish_at_once,
            omgeving=omgeving,
            unconnected=unconnected,
        )
        readiness: asyncio.Future[SandboxReady] = asyncio.get_running_loop().create_future()
        tasks.append(asyncio.create_task(serve(settings, readiness.set_result, stop)))
        tasks.append(asyncio.create_task(handler.sender.run(stop)))
        ready = await readiness
        for organisatie in () if unconnected else ready.organisaties:
            connect(registry, ready, organisatie.oin, Path(organisatie.cpa_file).read_bytes())
        try:
            yield Gateway(ready, messages, registry, handler.sender, keyring, sessions, settings.gateway_endpoint)
        finally:
            stop.set()
            handler.sender.wake()
            await asyncio.gather(*tasks)


def certificates_of(folder: Path, omgeving: str = "sandbox-pre") -> list[CertificateRecord]:
    """The leverancier's certificates in the state folder of a sandbox."""
    pki = folder / "pki"
    return [
        CertificateRecord(
            "00000099000000003000", omgeving, use, pki / f"leverancier-{kind}.pem", pki / f"leverancier-{kind}.key"
        )
        for use, kind in ((Use.TLS_SERVER, "tls"), (Use.TLS_CLIENT, "tls"), (Use.SIGN, "sign"))
    ]


def _keyring(omgeving: str, records: list[CertificateRecord], root: Path, crls: Path) -> Keyring:
    trust = TrustBase({omgeving: TrustFiles((root,), crls=(crls,))}, CLOCK)
    return Keyring(records, trust, CLOCK)


async def _endpoint(
    omgeving: str, tasks: list[asyncio.Task[None]], receiver: Receiver, keyring: Keyring, stop: asyncio.Event
) -> int:
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    tls = keyring.server_context(omgeving, "00000099000000003000")
    listener = server.Listener(omgeving, "127.0.0.1", 0, tls, server.Limits(stop=1))
    endpoint = Endpoint(omgeving, receiver.receive)
    tasks.append(asyncio.create_task(server.serve(endpoint, listener, ready=port.set_result, stop=stop)))
    return await port


def connect(registry: MemoryRegistry, ready: SandboxReady, oin: str, cpa: bytes) -> None:
    """The gateway's own record of a connection, with its CPA."""
    number = len(registry.cpas) + 1
    aansluiting = Aansluiting(number, oin, f"OIN {oin}", "stam", ready.omgeving, ready.partij_oin, None, None)
    registry.cpas.append(CpaRecord(number, aansluiting, read_agreement(cpa, [oin])))
    registry.machtigingen.append(
        Machtiging(ready.omgeving, ready.partij_oin, oin, since=CLOCK.now(), recorded_by="test")
    )
