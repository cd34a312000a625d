"""Runs a sandbox: DSO-LV's ebMS endpoint and REST services over mutual TLS, its sender, the CPA register, KOOP, pages
for people, and the management port.

Everything but the state folder is forgotten when it stops.
"""

import asyncio
import random
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from starlette.types import ASGIApp

from digikoppelaar.adapters.addresses import is_loopback
from digikoppelaar.adapters.http_in import server
from digikoppelaar.adapters.http_out import MtlsSessions, MtlsTransport, Timeouts
from digikoppelaar.adapters.keys import Keyring
from digikoppelaar.adapters.memory.blobs import MemoryBlobs
from digikoppelaar.adapters.memory.messages import MemoryMessages, MemoryRegistry
from digikoppelaar.adapters.profiles import load_profile
from digikoppelaar.adapters.system import RandomIds, SystemClock
from digikoppelaar.ebms.cpa import read_agreement
from digikoppelaar.flows.handler import Handler, HandlerPorts
from digikoppelaar.flows.ports import Clock, Ids
from digikoppelaar.flows.send import Sender
from digikoppelaar.sandbox.announcing import Announcer
from digikoppelaar.sandbox.cpa_document import usual_certificates
from digikoppelaar.sandbox.dso_keys import keyring_of, koop_tls
from digikoppelaar.sandbox.dso_lv import DsoLv
from digikoppelaar.sandbox.endpoint import StrictEndpoint
from digikoppelaar.sandbox.faults import Faults
from digikoppelaar.sandbox.folder import (
    DSO_LV,
    LEVERANCIER,
    REGISTER,
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
from digikoppelaar.sandbox.koop.koop import Koop
from digikoppelaar.sandbox.koop.parts import make_koop, management_routes, pages, three_pas
from digikoppelaar.sandbox.loket.app import make_app as make_loket
from digikoppelaar.sandbox.mailbox import listening
from digikoppelaar.sandbox.management import Management
from digikoppelaar.sandbox.onboarding.management import OnboardingManagement
from digikoppelaar.sandbox.onboarding.pages import make_pages
from digikoppelaar.sandbox.onboarding.parts import Known, Onboarding, make_onboarding
from digikoppelaar.sandbox.readiness import Addresses, ready_at
from digikoppelaar.sandbox.rest import RestService
from digikoppelaar.sandbox.routing import Organisatie
from digikoppelaar.sandbox.settings import SandboxSettings, check
from digikoppelaar.sandbox.state import SandboxState
from digikoppelaar.sandbox.transport import FaultyTransport

_LIMITS: Final = server.Limits(stop=2)  # a request that the fault `silence` holds must not hold us up


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
    keyring = keyring_of(settings.omgeving, certificates, clock)
    async with MtlsSessions(keyring, _timeouts(settings)) as sessions:
        world = _World.make(settings, certificates, keyring, sessions, clock, ids)
        try:
            await world.run(ready, stop)
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None


@dataclass(frozen=True, slots=True)
class _World:
    settings: SandboxSettings
    certificates: Certificates
    keyring: Keyring
    dso: DsoLv
    sender: Sender
    endpoint: StrictEndpoint
    rest: RestService
    koop: Koop
    onboarding: Onboarding
    clock: Clock
    ids: Ids

    @classmethod
    def make(
        cls,
        settings: SandboxSettings,
        certificates: Certificates,
        keyring: Keyring,
        sessions: MtlsSessions,
        clock: Clock,
        ids: Ids,
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
            certificates,
            keyring,
            dso,
            handler.sender,
            StrictEndpoint(settings.omgeving, state, faults, handler.receiver.receive, clock.now),
            RestService(state, faults, load_profile("dso-lv"), clock.now, dso.announce),
            make_koop(faults, clock, dossiers, publish_at_once=settings.publish_at_once),
            make_onboarding(settings, certificates, Known(state, registry, faults, clock)),
            clock,
            ids,
        )

    async def run(self, ready: Callable[[SandboxReady], None], stop: asyncio.Event) -> None:
        mail = listening(self.onboarding.mailbox, self.settings.host, self.settings.mail_port)
        async with mail as mail_port, asyncio.TaskGroup() as group:
            ports = [_listen(group, app, listener, stop) for app, listener in self._listeners()]
            ready(self._begin(Addresses.at(self.settings.host, await asyncio.gather(*ports)), mail_port))
            group.create_task(self.sender.run(stop))
            group.create_task(publish_daily(self.koop, stop))
            await stop.wait()
            self.sender.wake()

    def _listeners(self) -> Sequence[tuple[ASGIApp, server.Listener]]:
        """In the order of `Addresses`."""
        settings, keyring, onboarding = self.settings, self.keyring, self.onboarding
        anywhere = not is_loopback(settings.host)
        tls, of_register = (keyring.server_context(settings.omgeving, each.oin) for each in (DSO_LV, REGISTER))
        management = Management(self.dso, self.certificates.authorities)
        managed = OnboardingManagement(onboarding)
        uploads = settings.folder.resolve() / "uploads"

        def at(name: str, port: int, tls: ssl.SSLContext | None = None) -> server.Listener:
            return server.Listener(f"sandbox-{name}", settings.host, port, tls, _LIMITS)

        return (
            (self.rest.app(onboarding.offering.routes()), at("rest", settings.rest_port, tls)),
            (self.endpoint, at("ebms", settings.ebms_port, tls)),
            (
                management.app([*management_routes(self.koop), *managed.routes()], anywhere=anywhere),
                at("management", settings.management_port),
            ),
            (make_loket(self.dso, self.ids, uploads, anywhere=anywhere), at("loket", settings.loket_port)),
            (three_pas(self.koop), at("3pas", settings.koop_3pas_port, koop_tls(keyring, settings.omgeving))),
            (pages(self.koop, anywhere=anywhere), at("koop", settings.koop_pages_port)),
            (onboarding.register.app(), at("register", settings.register_port, of_register)),
            (make_pages(onboarding, anywhere=anywhere), at("onboarding", settings.onboarding_port)),
        )

    def _begin(self, addresses: Addresses, mail_port: int) -> SandboxReady:
        """Get to know the authorities now that all ports are known, and connect them unless each must be onboarded."""
        settings, folder = self.settings, self.settings.folder.resolve()
        self.onboarding.maker.endpoint = addresses.ebms_url
        for each in settings.organisaties:
            self.onboarding.connections.know(each)
            self.koop.mandated[each.oin] = frozenset({each.oin})
        organisaties, cpas = list(map(_unconnected, settings.organisaties)), dict[str, bytes]()
        if not settings.unconnected:
            key = api_key(folder)[1]
            self.onboarding.portal.give(key, LEVERANCIER.oin, settings.omgeving)
            self.koop.user_name = koop_user_name(folder)[1]
            organisaties = [self._connected(each, cpas) for each in settings.organisaties]
        ready = ready_at(addresses, mail_port, settings, self.certificates, tuple(organisaties))
        write_for_gateway(folder, ready, cpas, settings.case_folder.resolve(), self.clock.now())
        return ready

    def _connected(self, organisatie: Organisatie, cpas: dict[str, bytes]) -> ConnectedOrganisatie:
        """Connect it, with the leverancier for it; its CPA goes to `cpas`, by the name of its file."""
        oin, settings, now = organisatie.oin, self.settings, self.clock.now()
        ours, (_, domain, tsp) = self.certificates, (each.der() for each in self.certificates.authorities.issuers)
        shown = usual_certificates(ours.leverancier_tls.der(), ours.leverancier_sign.der(), tsp, domain)
        cpa = self.onboarding.maker.make(oin, organisatie.naam, settings.gateway_endpoint, shown, now)
        agreement = read_agreement(cpa, [DSO_LV.oin])
        self.onboarding.connections.mandate(LEVERANCIER.oin, oin)
        self.onboarding.connections.accept(oin, cpa, agreement)
        self.onboarding.aansluitteam.complete(oin, complete=True)
        self.koop.mandated[oin] |= {LEVERANCIER.oin}
        name = "cpa.xml" if organisatie is settings.organisaties[0] else f"cpa-{oin}.xml"
        file = str(settings.folder.resolve() / name)
        cpas[file] = cpa
        return replace(_unconnected(organisatie), cpa_id=agreement.cpa_id, cpa_file=file)


def _unconnected(organisatie: Organisatie) -> ConnectedOrganisatie:
    return ConnectedOrganisatie(organisatie.oin, organisatie.naam, organisatie.bestuurslaag)


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
