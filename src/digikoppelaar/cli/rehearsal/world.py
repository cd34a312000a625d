"""The world of a rehearsal: a sandbox that plays PRE, one that plays PROD, and one gateway for both.

Layout of the folder, which stays:

    digikoppelaar.toml   the gateway's configuration      gateway/   its data folder: database, keys, evidence
    sandbox/             what plays PRE                   prod/sandbox/   what plays PROD
    zaken/, prod/zaken/  the case folders                 secrets/   API keys and what a TSP issued
    *.log                what each process logged
"""

import asyncio
import hashlib
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from digikoppelaar import wiring
from digikoppelaar.adapters.cpa_register import register_sessions
from digikoppelaar.adapters.http_out import MtlsSessions
from digikoppelaar.adapters.keyfiles import record_of
from digikoppelaar.adapters.keys import Keyring
from digikoppelaar.adapters.mail import SmtpMailer
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.cli.aansluiting_mail import mail_server, mails_of
from digikoppelaar.cli.organisatie import read_file
from digikoppelaar.cli.rehearsal.country import Rehearsed, as_toml
from digikoppelaar.cli.rehearsal.national import National
from digikoppelaar.cli.trial import EVERYWHERE, PUBLISHING, Trial
from digikoppelaar.config import Config
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.administration import apply_registration
from digikoppelaar.flows.onboarding import Onboarding
from digikoppelaar.flows.ports import Aansluiting
from digikoppelaar.flows.ports.catch_up import Area
from digikoppelaar.flows.registration import (
    AansluitingEntry,
    CertificateEntry,
    Entry,
    MachtigingEntry,
    OrganisatieEntry,
    PartijEntry,
    key_of,
)
from digikoppelaar.measuring.facts import Parts
from digikoppelaar.measuring.runs import Measuring
from digikoppelaar.onboarding.model import Kind, Subject
from digikoppelaar.opening import open_keyring, open_proxies, open_sessions
from digikoppelaar.proving import Proving, proving
from digikoppelaar.sandbox.folder import KOOP_LEVERANCIER, LEVERANCIER
from digikoppelaar.wiring import Stores

PRE: Final = "sandbox-pre"
PROD: Final = "sandbox-prod"
CONNECTIONS: Final = 8

_CONFIGURATION: Final = """\
data_folder = "gateway"

[management]
port = {management}

[web]
port = {web}
login = "none"

[publishing]
interval = 0.5
look_soonest = 0.5

[onboarding]
check_hours = 0  # whoever rehearses runs the checks of a step in its turn
"""
_ENDPOINT: Final = """
[endpoint.{omgeving}]
port = {port}
public_url = "https://127.0.0.1:{port}/ebms"
partij = "{partij_oin}"
trust_anchors = ["{trust_anchor_file}"]
crls = ["{management_url}/pki/root.crl", "{management_url}/pki/domain.crl", "{management_url}/pki/tsp.crl"]
"""


@dataclass(slots=True)
class World:
    """What runs, once `opened_world` has opened it; `trials` by omgeving, with the gateway in that of PRE."""

    people: Sequence[Rehearsed]
    trials: Mapping[str, Trial]
    config: Config
    stores: Stores
    keyring: Keyring
    dso: MtlsSessions
    register: MtlsSessions
    clock: SystemClock = field(default_factory=SystemClock)
    _gateway: "asyncio.Task[object] | None" = None

    @property
    def onboarding(self) -> Onboarding:
        """As commands have it."""
        return Measuring(Parts(self.config, self.stores, self.keyring, self.dso)).flow

    @property
    def proving(self) -> Proving:
        """As commands have it."""
        return proving(self.config, self.stores)

    @property
    def secrets(self) -> Path:
        """Where API keys are, and what a TSP issued."""
        return self.trials[PRE].folder / "secrets"

    def national(self, omgeving: str) -> National:
        """The people of the national side there."""
        return National(self.trials[omgeving])

    def endpoint(self, omgeving: str) -> str:
        """The URL at which the gateway is reached there."""
        return f"https://127.0.0.1:{self.trials[omgeving].ports['endpoint']}/ebms"

    def api_key_file(self, omgeving: str, oin: str) -> Path:
        """Where the API key of an organisatie is put."""
        return self.secrets / f"api-key-{omgeving}-{oin}"

    async def apply(self, *entries: Entry) -> None:
        """As `organisatie apply` does; certificates are in use here, and in a running gateway, when this returns."""
        now = self.clock.now()
        await apply_registration(self.stores.registry, entries, dry_run=False, embedded=True, now=now)
        if any(isinstance(each, CertificateEntry) for each in entries):
            records = [record_of(each) for each in await self.stores.registry.certificates()]
            await asyncio.to_thread(self.keyring.refresh, records)
            if gateway := self.trials[PRE].gateway:
                gateway.send_signal(signal.SIGHUP)

    async def aansluiting(self, subject: Subject) -> Aansluiting:
        """Of this subject, as it is on record. Raises ConfigError."""
        for each in await self.stores.registry.aansluitingen(subject.oin):
            if (each.organisatie_oin, each.kind, each.omgeving) == (subject.oin, subject.kind, subject.omgeving):
                return each
        raise ConfigError(f"{subject.oin} has no aansluiting of kind {subject.kind} in {subject.omgeving}")

    async def mail(self, subject: Subject, number: str, by: str, port: int | None = None) -> None:
        """As `aansluiting mail --send` does: to the mailbox of the sandbox, or to `port`. Raises MailNotSent."""
        server = mail_server(self.config, subject, self.trials[subject.omgeving].folder / "sandbox")
        mailer = SmtpMailer(replace(server, port=port or server.port))
        await mails_of(self.config, self.proving).send(subject, number, mailer, by)

    async def serving(self) -> None:
        """Start the gateway, if nobody did; returns when it listens. Only after certificates are on record."""
        if self._gateway is None:
            self._gateway = asyncio.create_task(self.trials[PRE].start_gateway())
        await asyncio.shield(self._gateway)

    async def register_everybody(self) -> None:
        """What the sandboxes give for `organisatie apply`, as who connects makes it his own."""
        entries: dict[object, Entry] = {}
        for trial in self.trials.values():
            read = read_file(Path(trial.facts["organisatie_file"]))
            entries |= {key_of(each): each for each in read if not isinstance(each, CertificateEntry | MachtigingEntry)}
        who = {each.oin: each for each in self.people if not each.known}
        made = [self._own(each, who) for each in entries.values() if _is_of(each, who)]
        partijen = {each.partij: each.naam for each in self.people if each.partij != LEVERANCIER.oin}
        partijen[KOOP_LEVERANCIER.oin] = KOOP_LEVERANCIER.name
        await self.apply(*(PartijEntry(oin, naam) for oin, naam in partijen.items()), *made)
        now, digest = self.clock.now(), hashlib.sha256(repr(EVERYWHERE).encode()).digest()
        for oin in who:
            await self.stores.catch_up.put_area(Area(oin, EVERYWHERE, digest, "rehearsal"), now)

    def _own(self, entry: Entry, who: Mapping[str, Rehearsed]) -> Entry:
        if not isinstance(entry, AansluitingEntry):
            return entry
        entry = replace(entry, partij_oin=who[entry.organisatie_oin].partij)
        key_file = str(self.api_key_file(entry.omgeving, entry.organisatie_oin))
        if entry.kind == Kind.STAM:
            return replace(entry, dso={**entry.dso, "api_key_file": key_file})
        more = {**PUBLISHING, "wanted": "aanvraag"} if entry.omgeving == PROD else {}
        return replace(entry, publishing={**entry.publishing, **more})


def _is_of(entry: Entry, who: Mapping[str, Rehearsed]) -> bool:
    """Whether it is about one of these; a body of the Rijk has no DROP."""
    match entry:
        case OrganisatieEntry():
            return entry.oin in who
        case AansluitingEntry():
            found = who.get(entry.organisatie_oin)
            return found is not None and (entry.kind == Kind.STAM or found.bestuurslaag != "rijk")
    return True


@asynccontextmanager
async def opened_world(folder: Path, people: Sequence[Rehearsed]) -> AsyncIterator[World]:
    """Everything but the gateway; leaving it stops what was started. `folder` is made."""
    folder.mkdir(parents=True, exist_ok=True)
    country = folder / "country.toml"
    country.write_text(as_toml(people), encoding="utf-8")
    async with (
        Trial(folder, PRE, country=country, unconnected=True, publishes=True) as pre,
        Trial(folder / "prod", PROD, country=country, unconnected=True, publishes=True) as prod,
        wiring.open_database(Config(data_folder=folder / "gateway")),
    ):
        await asyncio.gather(pre.migrate(), pre.start_sandbox(), prod.start_sandbox())
        pre.config_file.write_text(_configuration(pre, prod), encoding="utf-8")
        config = pre.config
        async with wiring.open_stores(config, CONNECTIONS) as stores:
            keyring = await open_keyring(config, stores)
            async with (
                open_sessions(config, keyring) as dso,
                register_sessions(keyring, PRE, open_proxies(config)) as register,
            ):
                world = World(people, {PRE: pre, PROD: prod}, config, stores, keyring, dso, register)
                world.secrets.mkdir(mode=0o700)
                await world.register_everybody()
                yield world
        # The gateway must not lose its database before it has ended its work.
        await pre.stop_gateway()


def _configuration(pre: Trial, prod: Trial) -> str:
    endpoints = (
        _ENDPOINT.format(**{**trial.facts, "port": trial.ports["endpoint"], "partij_oin": LEVERANCIER.oin})
        for trial in (pre, prod)
    )
    return _CONFIGURATION.format(**pre.ports) + "".join(endpoints)
