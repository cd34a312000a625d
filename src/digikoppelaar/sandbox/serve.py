"""Runs a sandbox: DSO-LV's ebMS endpoint and REST service over mutual TLS, its sender, KOOP, and the management port.

Everything but the state folder is forgotten when it stops.
"""

import asyncio
import random
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from starlette.types import ASGIApp

from digikoppelaar.adapters.addresses import is_loopback
from digikoppelaar.adapters.http_in import server
from digikoppelaar.adapters.http_out import MtlsSessions, MtlsTransport, Timeouts
from digikoppelaar.adapters.keyfiles import CertificateRecord
from digikoppelaar.adapters.keys import Keyring
from digikoppelaar.adapters.memory.blobs import MemoryBlobs
from digikoppelaar.adapters.memory.messages import MemoryMessages, MemoryRegistry
from digikoppelaar.adapters.profiles import load_profile
from digikoppelaar.adapters.system import RandomIds, SystemClock
from digikoppelaar.adapters.trust import TrustBase, TrustFiles
from digikoppelaar.ebms.cpa import read_agreement
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.handler import Handler, HandlerPorts
from digikoppelaar.flows.ports import Aansluiting, Clock, CpaRecord, Ids, Machtiging
from digikoppelaar.flows.send import Sender
from digikoppelaar.pki.certificate import Use
from digikoppelaar.sandbox.announcing import Announcer
from digikoppelaar.sandbox.cpa_document import PROFILES, CpaParty, CpaTerms, build_cpa
from digikoppelaar.sandbox.dso_lv import DsoLv
from digikoppelaar.sandbox.endpoint import PATH, StrictEndpoint
from digikoppelaar.sandbox.faults import Faults
from digikoppelaar.sandbox.folder import (
    DSO_LV,
    GEMEENTE,
    KOOP,
    LEVERANCIER,
    Certificates,
    ConnectedOrganisatie,
    SandboxReady,
    Serials,
    api_key,
    held,
    koop_user_name,
    open_folder,
    write_for_gateway,
)
from digikoppelaar.sandbox.koop.daily_run import publish_daily
from digikoppelaar.sandbox.koop.drop_pages import PATH as DROP_PATH
from digikoppelaar.sandbox.koop.koop import Koop
from digikoppelaar.sandbox.koop.parts import make_koop, management_routes, pages, three_pas, three_pas_urls
from digikoppelaar.sandbox.koop.repository import SRU_PATH
from digikoppelaar.sandbox.loket.app import make_app as make_loket
from digikoppelaar.sandbox.management import Management
from digikoppelaar.sandbox.rest import BASE_PATH, RestService
from digikoppelaar.sandbox.routing import Organisatie
from digikoppelaar.sandbox.state import Authority, SandboxState
from digikoppelaar.sandbox.transport import FaultyTransport

OMGEVINGEN: Final = ("sandbox-pre", "sandbox-prod")
_LIMITS: Final = server.Limits(stop=2)  # a request that the fault `silence` holds must not hold us up
_CPA_LIFE: Final = timedelta(days=365)


ONE_COUNTRY: Final = (Organisatie(GEMEENTE.oin, GEMEENTE.name),)
"""One gemeente, which is everywhere."""


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """How to run. Port 0 takes a free one; `gateway_endpoint` is the https URL that goes into the CPA.

    `profile`, `retries` and `retry_interval` go into the CPA too; `case_folder` goes into organisatie.toml. `seed`
    makes the invented content the same at every run; `organisaties` are the connected authorities, one or more.
    With `publish_at_once` KOOP does not wait for its daily run.
    """

    folder: Path
    gateway_endpoint: str
    case_folder: Path
    omgeving: str = "sandbox-pre"
    host: str = "127.0.0.1"
    rest_port: int = 0
    ebms_port: int = 0
    management_port: int = 0
    loket_port: int = 0
    koop_3pas_port: int = 0
    koop_pages_port: int = 0
    profile: str = "osb-rm-s"
    retries: int = 8
    retry_interval: timedelta = timedelta(seconds=10)
    seed: int | None = None
    organisaties: tuple[Organisatie, ...] = ONE_COUNTRY
    publish_at_once: bool = False
    allow_other_addresses: bool = False


async def serve(settings: SandboxSettings, ready: Callable[[SandboxReady], None], stop: asyncio.Event) -> None:
    """Run until `stop` is set. `ready` is called once, when everything listens and all files are written.

    Raises ConfigError for settings that a sandbox must not have, an address that is taken, and a folder in use.
    """
    check(settings)
    with held(settings.folder.resolve()):
        await _serve(settings, ready, stop)


async def _serve(settings: SandboxSettings, ready: Callable[[SandboxReady], None], stop: asyncio.Event) -> None:
    clock, ids = SystemClock(), RandomIds()
    certificates = await asyncio.to_thread(open_folder, settings.folder.resolve(), clock.now(), settings.host)
    keyring = _keyring(settings.omgeving, certificates, clock)
    async with MtlsSessions(keyring, _timeouts(settings)) as sessions:
        world = _World.make(settings, keyring, sessions, clock, ids)
        try:
            await world.run(certificates, keyring, ready, stop)
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None


def check(settings: SandboxSettings) -> None:
    """Raises ConfigError when these settings would let the sandbox out of this machine, or into pre or prod."""
    if settings.omgeving not in OMGEVINGEN:
        raise ConfigError(f"the sandbox plays {' or '.join(OMGEVINGEN)}, not {settings.omgeving!r}")
    if not settings.allow_other_addresses and not is_loopback(settings.host):
        raise ConfigError(
            f"{settings.host} is not a loopback address",
            advice="De sandbox luistert alleen op deze machine, tenzij u uitdrukkelijk een ander adres toestaat.",
        )
    if settings.profile not in PROFILES:
        raise ConfigError(f"the sandbox makes a CPA for {' or '.join(PROFILES)}, not for {settings.profile!r}")
    gateway = urlsplit(settings.gateway_endpoint)
    if gateway.scheme != "https" or not gateway.hostname:
        raise ConfigError(f"the gateway's endpoint must be an https URL, not {settings.gateway_endpoint!r}")
    if not settings.allow_other_addresses and not is_loopback(gateway.hostname):
        raise ConfigError(
            f"the gateway's endpoint is not on a loopback address: {gateway.hostname}",
            advice="De sandbox stuurt alleen naar deze machine, tenzij u uitdrukkelijk een ander adres toestaat.",
        )


@dataclass(frozen=True, slots=True)
class _World:
    settings: SandboxSettings
    registry: MemoryRegistry
    state: SandboxState
    dso: DsoLv
    sender: Sender
    endpoint: StrictEndpoint
    rest: RestService
    koop: Koop
    clock: Clock
    ids: Ids

    @classmethod
    def make(
        cls, settings: SandboxSettings, keyring: Keyring, sessions: MtlsSessions, clock: Clock, ids: Ids
    ) -> "_World":
        registry, state, messages = MemoryRegistry(), SandboxState(), MemoryMessages()
        chance, dice = (random.Random(settings.seed) for _ in range(2))  # noqa: S311  # invented content, no secrets
        faults, serials = Faults(dice), Serials(settings.folder)
        transport = FaultyTransport(MtlsTransport(sessions), faults)
        ports = HandlerPorts(registry, messages, MemoryBlobs(), keyring, keyring.trust, transport, ids, clock)
        handler = Handler.of(ports)
        announcer = Announcer(keyring, ids)
        dossiers = Serials(settings.folder, "koop-serial").next_of_year
        dso = DsoLv(state, messages, faults, announcer, clock, chance, serials.next, handler.sender.wake)
        return cls(
            settings,
            registry,
            state,
            dso,
            handler.sender,
            StrictEndpoint(settings.omgeving, state, faults, handler.receiver.receive, clock.now),
            RestService(state, faults, load_profile("dso-lv"), clock.now, dso.announce),
            make_koop(faults, clock, dossiers, publish_at_once=settings.publish_at_once),
            clock,
            ids,
        )

    async def run(
        self,
        certificates: Certificates,
        keyring: Keyring,
        ready: Callable[[SandboxReady], None],
        stop: asyncio.Event,
    ) -> None:
        async with asyncio.TaskGroup() as group:
            ports = [_listen(group, app, listener, stop) for app, listener in self._listeners(certificates, keyring)]
            ready(self._connect(certificates, await asyncio.gather(*ports)))
            group.create_task(self.sender.run(stop))
            group.create_task(publish_daily(self.koop, stop))
            await stop.wait()
            self.sender.wake()

    def _listeners(self, certificates: Certificates, keyring: Keyring) -> Sequence[tuple[ASGIApp, server.Listener]]:
        """In the order of `_addresses`."""
        settings, folder = self.settings, self.settings.folder.resolve()
        anywhere = not is_loopback(settings.host)
        tls = keyring.server_context(settings.omgeving, DSO_LV.oin)
        management = Management(self.dso, certificates.authorities)
        user_name = koop_user_name(folder)[1]

        def at(name: str, port: int, tls: ssl.SSLContext | None = None) -> server.Listener:
            return server.Listener(f"sandbox-{name}", settings.host, port, tls, _LIMITS)

        return (
            (self.rest.app(), at("rest", settings.rest_port, tls)),
            (self.endpoint, at("ebms", settings.ebms_port, tls)),
            (
                management.app(management_routes(self.koop), anywhere=anywhere),
                at("management", settings.management_port),
            ),
            (
                make_loket(self.dso, self.ids, folder / "uploads", anywhere=anywhere),
                at("loket", settings.loket_port),
            ),
            (
                three_pas(self.koop, user_name),
                at("3pas", settings.koop_3pas_port, _koop_tls(keyring, settings.omgeving)),
            ),
            (pages(self.koop, anywhere=anywhere), at("koop", settings.koop_pages_port)),
        )

    def _connect(self, certificates: Certificates, ports: Sequence[int]) -> SandboxReady:
        """Make the CPAs now that all ports are known, and connect with them."""
        settings, now = self.settings, self.clock.now()
        folder = settings.folder.resolve()
        addresses = _addresses(settings.host, ports)
        key_file, key = api_key(folder)
        cpas = {each: _cpa(settings, each, certificates, addresses.ebms_url, now) for each in settings.organisaties}
        records = [self._connected(organisatie, cpa, key, now) for organisatie, cpa in cpas.items()]
        files = [str(folder / _cpa_file(each, settings)) for each in cpas]
        connected = tuple(
            ConnectedOrganisatie(each.oin, each.naam, each.bestuurslaag, record.agreement.cpa_id, file)
            for each, record, file in zip(cpas, records, files, strict=True)
        )
        ready = _ready(settings, certificates, addresses, connected, key_file)
        written = dict(zip(files, cpas.values(), strict=True))
        write_for_gateway(folder, ready, written, settings.case_folder.resolve(), now)
        return ready

    def _connected(self, organisatie: Organisatie, cpa: bytes, key: str, now: datetime) -> CpaRecord:
        omgeving, number = self.settings.omgeving, len(self.registry.cpas) + 1
        record = CpaRecord(number, _aansluiting(omgeving), read_agreement(cpa, [DSO_LV.oin]))
        self.registry.cpas.append(record)
        self.registry.machtigingen.append(
            Machtiging(omgeving, LEVERANCIER.oin, organisatie.oin, since=now, recorded_by="sandbox")
        )
        mandated = self.koop.mandated[organisatie.oin] = frozenset({organisatie.oin, LEVERANCIER.oin})
        self.state.authorities[organisatie.oin] = Authority(organisatie, record, mandated, key)
        return record


class _Addresses(NamedTuple):
    rest_base_url: str
    ebms_url: str
    management_url: str
    loket_url: str
    koop_3pas_url: str
    koop_pages_url: str


def _addresses(host: str, ports: Sequence[int]) -> _Addresses:
    named = f"[{host}]" if ":" in host else host
    rest, ebms, management, loket, drop, koop = (f"{named}:{port}" for port in ports)
    return _Addresses(
        f"https://{rest}{BASE_PATH}",
        f"https://{ebms}{PATH}",
        f"http://{management}",
        f"http://{loket}/",
        f"https://{drop}",
        f"http://{koop}/",
    )


def _listen(
    group: asyncio.TaskGroup, app: ASGIApp, listener: server.Listener, stop: asyncio.Event
) -> asyncio.Future[int]:
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    group.create_task(server.serve(app, listener, ready=port.set_result, stop=stop))
    return port


def _timeouts(settings: SandboxSettings) -> Timeouts:
    """Shorter than RetryInterval (statement 170), within reason."""
    total = max(2.0, min(10.0, 0.8 * settings.retry_interval.total_seconds()))
    return Timeouts(connect=total / 2, read=total, total=total)


def _koop_tls(keyring: Keyring, omgeving: str) -> ssl.SSLContext:
    """Takes callers without a certificate too: one stage of 3PAS asks for a user name instead."""
    context = keyring.server_context(omgeving, KOOP.oin)
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


def _keyring(omgeving: str, certificates: Certificates, clock: Clock) -> Keyring:
    files = (
        (DSO_LV, Use.TLS_SERVER, certificates.dso_tls),
        (DSO_LV, Use.TLS_CLIENT, certificates.dso_tls),
        (DSO_LV, Use.SIGN, certificates.dso_sign),
        (KOOP, Use.TLS_SERVER, certificates.koop_tls),
    )
    records = [CertificateRecord(who.oin, omgeving, use, file.certificate, file.key) for who, use, file in files]
    authorities = certificates.authorities
    trust = TrustBase({omgeving: TrustFiles((authorities.root,), crls=(authorities.crls,))}, clock)
    return Keyring(records, trust, clock)


def _aansluiting(omgeving: str) -> Aansluiting:
    """DSO-LV's own end of the link."""
    return Aansluiting(1, DSO_LV.oin, f"SANDBOX {DSO_LV.name}", "stam", omgeving, DSO_LV.oin, None, None)


def _cpa_file(organisatie: Organisatie, settings: SandboxSettings) -> str:
    return "cpa.xml" if organisatie is settings.organisaties[0] else f"cpa-{organisatie.oin}.xml"


def _cpa(
    settings: SandboxSettings, organisatie: Organisatie, certificates: Certificates, dso_endpoint: str, now: datetime
) -> bytes:
    authorities = certificates.authorities
    root, domain, tsp = (issuer.der() for issuer in authorities.issuers)
    terms = CpaTerms(
        settings.profile, settings.retries, settings.retry_interval, now - timedelta(days=1), now + _CPA_LIFE, root
    )
    dso = CpaParty(
        "DSO",
        f"SANDBOX {DSO_LV.name}",
        DSO_LV.oin,
        dso_endpoint,
        certificates.dso_tls.der(),
        certificates.dso_sign.der(),
        (tsp, domain),
    )
    authority = CpaParty(
        "BG",
        f"SANDBOX {organisatie.naam}",
        organisatie.oin,
        settings.gateway_endpoint,
        certificates.leverancier_tls.der(),
        certificates.leverancier_sign.der(),
        (tsp, domain),
    )
    return build_cpa(terms, dso, authority)


def _ready(
    settings: SandboxSettings,
    certificates: Certificates,
    addresses: _Addresses,
    connected: tuple[ConnectedOrganisatie, ...],
    key_file: Path,
) -> SandboxReady:
    first = connected[0]
    return SandboxReady(
        omgeving=settings.omgeving,
        rest_base_url=addresses.rest_base_url,
        ebms_url=addresses.ebms_url,
        management_url=addresses.management_url,
        loket_url=addresses.loket_url,
        dso_oin=DSO_LV.oin,
        organisatie_oin=first.oin,
        organisatie_naam=first.naam,
        partij_oin=LEVERANCIER.oin,
        cpa_id=first.cpa_id,
        cpa_file=first.cpa_file,
        organisatie_file=str(settings.folder.resolve() / "organisatie.toml"),
        api_key_file=str(key_file),
        trust_anchor_file=str(certificates.authorities.root),
        crls_file=str(certificates.authorities.crls),
        tls_certificate_file=str(certificates.leverancier_tls.certificate),
        tls_key_file=str(certificates.leverancier_tls.key),
        sign_certificate_file=str(certificates.leverancier_sign.certificate),
        sign_key_file=str(certificates.leverancier_sign.key),
        koop_3pas_urls=three_pas_urls(addresses.koop_3pas_url),
        koop_sru_url=addresses.koop_pages_url.rstrip("/") + SRU_PATH,
        koop_pages_url=addresses.koop_pages_url,
        koop_drop_url=addresses.koop_pages_url.rstrip("/") + DROP_PATH,
        koop_user_name_file=str(koop_user_name(settings.folder.resolve())[0]),
        koop_tls_certificate_file=str(certificates.koop_leverancier_tls.certificate),
        koop_tls_key_file=str(certificates.koop_leverancier_tls.key),
        organisaties=connected,
    )
