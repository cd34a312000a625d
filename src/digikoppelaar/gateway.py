"""The running gateway: the roles of `serve` (ROLES), each a task that goes on until `stop`.

A part that fails in a way nobody thought of is logged and started again; a wrong configuration ends the process.
"""

import asyncio
import gc
import os
import shutil
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Final

import structlog
from starlette.types import ASGIApp

from digikoppelaar import application_role, publishing, searching, worker
from digikoppelaar.adapters.blobs import FolderBlobs
from digikoppelaar.adapters.casesystems import kinds
from digikoppelaar.adapters.casesystems.http import CaseSystemHttp
from digikoppelaar.adapters.crl_fetch import CrlFetch
from digikoppelaar.adapters.dso_client import DsoRestClient
from digikoppelaar.adapters.http_in import server
from digikoppelaar.adapters.http_in.body import BodyLimits
from digikoppelaar.adapters.http_in.callers import ByProxy, Identify, by_tls, nobody
from digikoppelaar.adapters.http_in.endpoint import Endpoint
from digikoppelaar.adapters.http_in.management import management_app
from digikoppelaar.adapters.http_out import MtlsSessions, MtlsTransport
from digikoppelaar.adapters.keys import Keyring
from digikoppelaar.adapters.postgres import jobs
from digikoppelaar.adapters.postgres.connect import listen, transaction
from digikoppelaar.adapters.postgres.messages import OUTBOUND
from digikoppelaar.adapters.postgres.trust import TRUST
from digikoppelaar.adapters.public_tls import PublicContexts
from digikoppelaar.adapters.remembered import RememberedRegistry
from digikoppelaar.adapters.schemas import open_schemas
from digikoppelaar.adapters.secret_files import SecretFiles
from digikoppelaar.adapters.system import RandomIds, SystemClock
from digikoppelaar.config import Config
from digikoppelaar.config.listeners import Endpoint as EndpointSettings
from digikoppelaar.ebms.mime import MimeLimits
from digikoppelaar.errors import StorageError
from digikoppelaar.flows.administration import refuse_embedded
from digikoppelaar.flows.deliver import Delivery
from digikoppelaar.flows.handler import Handler, HandlerPorts, HandlerSettings
from digikoppelaar.flows.intake import Intake
from digikoppelaar.flows.pass_on import PassOn
from digikoppelaar.flows.places import Places
from digikoppelaar.flows.ports import Aansluiting, DsoClient
from digikoppelaar.flows.receive import Receiver
from digikoppelaar.flows.revocation import Revocation
from digikoppelaar.flows.send import Sender
from digikoppelaar.flows.spool import SpoolLimits
from digikoppelaar.flows.submit import SubmissionLimits
from digikoppelaar.flows.webhooks import Poster
from digikoppelaar.measuring.facts import Parts
from digikoppelaar.measuring.runs import Periodic
from digikoppelaar.opening import open_keyring, open_proxies, open_renewal, open_sessions
from digikoppelaar.stam.schema import Schemas
from digikoppelaar.web_role import WebRole
from digikoppelaar.wiring import Stores, onboarding, open_stores, open_webhooks, retention
from digikoppelaar.worklist_watch import WorklistWatch

log = structlog.get_logger()

ROLES: Final = ("endpoint", "sender", "worker", "web", "application")
GARBAGE_FROM: Final = 20_000
"""Objects made and not freed yet, from which rings of objects are looked for."""
PATIENCE: Final = 30.0
"""Seconds that a part gets to end its work after `stop`."""
RESTART_AFTER: Final = 1.0
"""Seconds before a part that failed is started again."""
LEAST_FREE_DISK: Final = 256 * 1024**2
"""Bytes that must be free for the gateway to call itself ready."""

Ready = Callable[[dict[str, int]], None]
"""Called once, with the port of every listener."""


async def serve(config: Config, roles: Collection[str], *, ready: Ready, stop: asyncio.Event) -> None:
    """Run these roles until `stop` is set. Raises ConfigError or TrustError when they cannot start."""
    async with AsyncExitStack() as stack:
        stores = await stack.enter_async_context(open_stores(config, config.database.connections))
        await _check_database(config, stores)
        keyring = await open_keyring(config, stores)
        sessions = await stack.enter_async_context(open_sessions(config, keyring))
        public = await stack.enter_async_context(MtlsSessions(PublicContexts(), proxies=open_proxies(config)))
        http = await stack.enter_async_context(CaseSystemHttp(open_proxies(config)))
        schemas = open_schemas(config.stam.schema_folder)
        gateway = Gateway(config, stores, keyring, sessions, public, http, schemas, stop)
        await gateway.run(roles, ready)


@dataclass(frozen=True, slots=True)
class Gateway:
    """The parts that the roles share."""

    config: Config
    stores: Stores
    keyring: Keyring
    sessions: MtlsSessions
    public: MtlsSessions
    case_systems: CaseSystemHttp
    schemas: Schemas
    stop: asyncio.Event
    clock: SystemClock = field(default_factory=SystemClock)

    async def run(self, roles: Collection[str], ready: Ready) -> None:
        """Run the roles; `ready` is called when every listener listens."""
        await self._blobs().sweep(self.clock.now())
        try:
            async with asyncio.TaskGroup() as group:
                await self._keep_trust(group, roles)
                handler = self._handler(roles)
                if "sender" in roles:
                    self._start_sender(group, handler.sender)
                if "worker" in roles:
                    group.create_task(self._supervised("worker", self._work))
                    keeping = retention(self.config, self.stores)
                    group.create_task(self._supervised("retention", lambda: keeping.watch(self.stop)))
                    self._start_onboarding(group)
                    self._start_worklist(group)
                    self._start_searching(group)
                    self._start_publishing(group)
                if "application" in roles:
                    role = self._application(handler)
                    group.create_task(self._supervised("webhooks", lambda: role.post_events(self.stop)))
                listening = await self._listen(group, roles, handler)
                spare_what_stays()
                ready(listening)
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None

    def _handler(self, roles: Collection[str]) -> Handler:
        limits = self.config.limits
        return Handler.of(
            HandlerPorts(
                registry=RememberedRegistry(self.stores.registry),
                messages=self.stores.messages,
                blobs=self._blobs(),
                keys=self.keyring,
                trust=self.keyring.trust,
                transport=MtlsTransport(self.sessions),
                ids=RandomIds(),
                clock=self.clock,
            ),
            HandlerSettings(
                sends="sender" in roles,
                slots=self.config.sender.slots,
                lease=timedelta(seconds=self.config.sender.timeout * 1.5),
                spool=SpoolLimits(soap=limits.soap, mime=MimeLimits(parts=limits.parts, body_bytes=limits.body)),
                submission=SubmissionLimits(payloads=limits.parts - 1, total=limits.body),
            ),
        )

    def _start_worklist(self, group: asyncio.TaskGroup) -> None:
        if settings := self.config.mail:
            mails = lambda: self._worklist().run(settings, self.stop)  # noqa: E731
            group.create_task(self._supervised("worklist", mails))

    def _worklist(self) -> WorklistWatch:
        return WorklistWatch(self.config, self.stores, self.keyring, self.clock)

    def _start_sender(self, group: asyncio.TaskGroup, sender: Sender) -> None:
        group.create_task(self._supervised("sender", lambda: sender.run(self.stop)))
        group.create_task(self._supervised("sender wake-up", lambda: self._wake_on_commit(sender), patience=0))

    async def _wake_on_commit(self, sender: Sender) -> None:
        """Commits of other processes wake the sender too."""
        async for _ in listen(self.stores.url, OUTBOUND):
            sender.wake()

    async def _keep_trust(self, group: asyncio.TaskGroup, roles: Collection[str]) -> None:
        """Before anything listens: CRLs, and what keeps them and the keys up to date."""
        renewal = open_renewal(self.config, self.stores, self.keyring)
        await renewal.start()
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, renewal.hurry.set)
        commits = lambda: renewal.listen(listen(self.stores.url, TRUST))  # noqa: E731
        group.create_task(self._supervised("trust", renewal.watch, patience=0))
        group.create_task(self._supervised("trust wake-up", commits, patience=0))
        if "worker" in roles:
            revocation = Revocation(renewal.records, CrlFetch(open_proxies(self.config)), self.clock)
            group.create_task(self._supervised("trust care", lambda: renewal.care(revocation), patience=0))

    async def _work(self) -> None:
        async with jobs.opened_queue(self.stores.url) as app, open_webhooks(self.config) as receivers:
            worker.register(app, self._intake(receivers), self._delivery(), self.clock)
            await worker.run(app, self.config.worker.jobs, self.stop)

    def _start_searching(self, group: asyncio.TaskGroup) -> None:
        chosen = self.config.catch_up
        if chosen.enabled:
            catch_up = searching.catch_up(self.config, self.stores, self.sessions)
            searches = searching.Searching(self.stores.registry.aansluitingen, catch_up, self.clock, chosen.at_once)
            group.create_task(self._supervised("catch-up", lambda: searches.run(self.stop), patience=0))

    def _start_onboarding(self, group: asyncio.TaskGroup) -> None:
        looks = onboarding(self.stores).watch
        group.create_task(self._supervised("onboarding", lambda: looks(self.clock, self.stop)))
        if hours := self.config.onboarding.check_hours:
            parts = Parts(self.config, self.stores, self.keyring, self.sessions, self.clock)
            checks = Periodic(parts, timedelta(hours=hours).total_seconds())
            group.create_task(self._supervised("onboarding checks", lambda: checks.run(self.stop), patience=0))

    def _start_publishing(self, group: asyncio.TaskGroup) -> None:
        if self.config.publishing.enabled:
            publisher = publishing.Publisher(self.config, self.stores, self.sessions, self.public)
            # Long, for what is being sent is sent to its end: whoever ends before the answer leaves a question.
            patience = self.config.publishing.timeout + PATIENCE
            following = publishing.case_events(self.config, self.stores, self.case_systems, self.clock)
            follow = partial(following.run, self.stop, self.config.publishing.interval)
            group.create_task(self._supervised("case-events", follow, patience=0))
            group.create_task(self._supervised("drafts", lambda: publisher.draft(self.stop)))
            group.create_task(self._supervised("publishing", lambda: publisher.send(self.stop), patience))
            group.create_task(self._supervised("verification", lambda: publisher.look(self.stop), patience=0))
            tell = lambda: publishing.tell(self.config, self.stores, self.case_systems, self.stop)  # noqa: E731
            group.create_task(self._supervised("telling", tell))

    async def _listen(self, group: asyncio.TaskGroup, roles: Collection[str], handler: Handler) -> dict[str, int]:
        starting: dict[str, asyncio.Future[int]] = {}

        def start(app: ASGIApp, listener: server.Listener) -> None:
            port = starting[listener.name] = asyncio.get_running_loop().create_future()
            group.create_task(server.serve(app, listener, ready=port.set_result, stop=self.stop))

        if "endpoint" in roles:
            for app, listener in self._endpoints(handler.receiver):
                start(app, listener)
        if "web" in roles:
            role = WebRole(self.config, self.stores, self.clock)
            start(role.app(self._worklist().items), role.listener())
            group.create_task(self._supervised("sessions", lambda: role.sweep(self.stop), patience=0))
        application = self.config.application
        if "application" in roles and application:
            start(self._application(handler).app(application), application_role.listener(application))
        management = self.config.management
        start(management_app(self._checks()), server.Listener("management", management.host, management.port))
        return {name: await port for name, port in starting.items()}

    def _endpoints(self, receiver: Receiver) -> list[tuple[Endpoint, server.Listener]]:
        limits = self.config.limits
        return [
            (
                Endpoint(
                    omgeving,
                    receiver.receive,
                    (endpoint.path,),
                    BodyLimits(size=limits.body, pause=limits.read_timeout),
                    self._identify(omgeving, endpoint),
                ),
                self._listener(omgeving, endpoint),
            )
            for omgeving, endpoint in self.config.endpoint.items()
        ]

    def _tls(self, omgeving: str, partij: str) -> server.TlsContext:
        self.keyring.server_context(omgeving, partij)  # a wrong one is told at the start
        return lambda: self.keyring.server_context(omgeving, partij)

    def _listener(self, omgeving: str, endpoint: EndpointSettings) -> server.Listener:
        context = self._tls(omgeving, endpoint.partij) if endpoint.mode == "tls" else None
        limits = server.Limits(connections=self.config.limits.connections)
        return server.Listener(omgeving, endpoint.host, endpoint.port, context, limits)

    def _identify(self, omgeving: str, endpoint: EndpointSettings) -> Identify:
        match endpoint.mode:
            case "tls":
                return by_tls
            case "plain":
                return nobody
            case "proxy":
                header = endpoint.certificate_header
                return ByProxy(omgeving, endpoint.trusted_proxies, header, self.keyring.trust)

    def _application(self, handler: Handler) -> application_role.ApplicationRole:
        desk_of = partial(publishing.desk, self.config, self.stores, clock=self.clock)
        parts = (self.config, self.stores, self._blobs(), handler.submitter, self.clock)
        return application_role.ApplicationRole(*parts, desk_of)

    def _intake(self, receivers: Poster) -> Intake:
        parts = (self.stores.verzoeken, self._dso_client, self._blobs(), self.clock)
        pass_on = PassOn(self.stores.verzoeken, self._blobs(), receivers, SecretFiles(), self.clock)
        return Intake(*parts, worker.FileProgress().tell, schemas=self.schemas, pass_on=pass_on)

    def _delivery(self) -> Delivery:
        return delivery_of(self.config, self.stores, self.case_systems, self.clock)

    def _dso_client(self, aansluiting: Aansluiting) -> DsoClient:
        return DsoRestClient(searching.dso_calls(self.sessions, aansluiting, self.clock))

    def _blobs(self) -> FolderBlobs:
        return FolderBlobs(self.config.data_folder / "blobs")

    def _checks(self) -> dict[str, Callable[[], Awaitable[None]]]:
        return {"database": self._database_answers, "disk": self._disk_has_room}

    async def _database_answers(self) -> None:
        async with transaction(self.stores.pool) as connection:
            await connection.execute("SELECT 1")

    async def _disk_has_room(self) -> None:
        free = shutil.disk_usage(self.config.data_folder).free
        if free < LEAST_FREE_DISK:
            raise StorageError(f"only {free // 1024**2} MiB is free in the data folder")

    async def _supervised(self, name: str, run: Callable[[], Awaitable[None]], patience: float = PATIENCE) -> None:
        """Run a part until `stop`, and start it again when it fails or ends by itself.

        After `stop` it gets `patience` seconds to end what it is doing.
        """
        stopping = asyncio.create_task(self.stop.wait())
        while not self.stop.is_set():
            running = asyncio.ensure_future(run())
            try:
                await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
            except asyncio.CancelledError:  # another part could not start: this one must not outlive the stores
                await _ended(running, 0)
                raise
            if self.stop.is_set():
                await _ended(running, patience)
                return
            log.error("part_failed", part=name, exc_info=running.exception())
            await asyncio.sleep(RESTART_AFTER)


def delivery_of(config: Config, stores: Stores, http: CaseSystemHttp, clock: SystemClock) -> Delivery:
    """Delivery over these stores, to every kind of case system."""
    facilities, blobs = kinds.Facilities(http, clock), FolderBlobs(config.data_folder / "blobs")
    make = lambda aansluiting, target: kinds.make(aansluiting, target, facilities)  # noqa: E731
    places = Places(config.worker.jobs)
    return Delivery(stores.verzoeken, make, blobs, clock, stores.deliveries, places=places)


@asynccontextmanager
async def open_delivery(config: Config, stores: Stores) -> AsyncIterator[Delivery]:
    """Delivery as the worker has it, for a command that looks what it would do."""
    async with CaseSystemHttp(open_proxies(config)) as http:
        yield delivery_of(config, stores, http, SystemClock())


async def _ended(running: "asyncio.Future[None]", patience: float) -> None:
    await asyncio.wait({running}, timeout=patience)
    running.cancel()
    await asyncio.wait({running})


async def _check_database(config: Config, stores: Stores) -> None:
    for omgeving in {each.omgeving for each in await stores.registry.aansluitingen()} | set(config.endpoint):
        refuse_embedded(omgeving, embedded=config.embedded)


def spare_what_stays() -> None:
    """Leave what is there after the start, and stays, out of every later garbage collection: a tenth of all work."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_FROM, 20, 50)


def set_umask() -> None:
    """Whatever this process writes (verzoeken hold personal data) is for its own user and group only."""
    os.umask(0o027)
