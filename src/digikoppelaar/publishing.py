"""Publishing kennisgevingen with the parts of this installation: for the worker, over and over, and for commands.

What there is to do stands in flows/desk.py, flows/publish.py and flows/published.py; here is only when, and with which
parts.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from digikoppelaar.adapters.blobs import FolderBlobs
from digikoppelaar.adapters.casesystems import kinds
from digikoppelaar.adapters.casesystems.http import CaseSystemHttp
from digikoppelaar.adapters.drop_client import DropClient, timeouts
from digikoppelaar.adapters.fingerprint_keys import FingerprintKeyFile
from digikoppelaar.adapters.http_out import MtlsHttp, MtlsSessions
from digikoppelaar.adapters.notice_templates import default_templates, templates_in
from digikoppelaar.adapters.profiles import (
    SruProfile,
    load_drop_profile,
    load_lists,
    load_rekenregels,
    load_sru_profile,
)
from digikoppelaar.adapters.secret_files import SecretFiles
from digikoppelaar.adapters.sru_client import SruClient
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.config import Config
from digikoppelaar.drop.findings import read_severities
from digikoppelaar.drop.model import AlsVlak
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.case_events import CaseEvents
from digikoppelaar.flows.desk import Desk
from digikoppelaar.flows.drafting import Texts
from digikoppelaar.flows.ports import Aansluiting, Clock, PublishingSettings, is_sandbox
from digikoppelaar.flows.privacy import PrivacyCheck
from digikoppelaar.flows.publish import Publishing, PublishSettings, Route
from digikoppelaar.flows.published import LookSettings, Source, Verification
from digikoppelaar.flows.stages import stage_of
from digikoppelaar.flows.telling import Teller, TellSettings
from digikoppelaar.flows.under_way import UnderWay
from digikoppelaar.wiring import Stores, open_webhooks

DRAFTS_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class Publisher:
    """Over the stores; `mtls` reaches 3PAS, `public` KOOP's search, which asks for no certificate.

    Its three parts run beside each other, so that none waits for what another waits for.
    """

    config: Config
    stores: Stores
    mtls: MtlsSessions
    public: MtlsSessions
    clock: Clock = field(default_factory=SystemClock)
    _clients: dict[str, SruClient] = field(default_factory=dict)
    """By address: the pace is that of a host, whoever asks."""

    async def draft(self, stop: asyncio.Event) -> None:
        """Make drafts of what came in until `stop`."""
        async with UnderWay("drafts") as under_way:
            await under_way.repeat(self.draft_new, stop, self.config.publishing.interval)

    async def send(self, stop: asyncio.Event) -> None:
        """Send what is due until `stop`, and what is being sent then to its end: that takes as long as KOOP may."""
        sending, interval = self.publishing(), self.config.publishing.interval
        async with UnderWay("publishing") as under_way:
            await under_way.repeat(lambda: sending.send_due(under_way), stop, interval, at_ends=True)

    async def look(self, stop: asyncio.Event) -> None:
        """Look for what KOOP has until `stop`. It can be cancelled at any moment."""
        looking, interval = self.verification(), self.config.publishing.interval
        async with UnderWay("verification") as under_way:
            await under_way.repeat(lambda: looking.look(under_way), stop, interval)

    async def draft_new(self) -> None:
        """Make drafts of what came in since. Raises StorageError."""
        if publishers := await self._publishers():
            await desk(self.config, self.stores, publishers, self.clock).draft_new(DRAFTS_AT_ONCE)

    def publishing(self) -> Publishing:
        """The sending of this installation."""
        chosen = self.config.publishing
        settings = PublishSettings(
            at_once=chosen.at_once,
            per_aansluiting=chosen.per_aansluiting,
            forsaken=timedelta(seconds=chosen.forsaken),
            first_look=timedelta(seconds=min(60.0, chosen.look_soonest)),
        )
        return Publishing(self.stores.kennisgevingen, self._route_for, self.clock, settings)

    def verification(self) -> Verification:
        """The looking of this installation."""
        chosen = self.config.publishing
        settings = LookSettings(
            soonest=timedelta(seconds=chosen.look_soonest), latest=timedelta(seconds=chosen.look_latest)
        )
        return Verification(self.stores.kennisgevingen, self._source_for, self.clock, settings)

    async def _publishers(self) -> Sequence[Aansluiting]:
        return list(await self.stores.registry.publishers())

    async def _settings(self, aansluiting_id: int) -> tuple[Aansluiting, PublishingSettings]:
        for each in await self._publishers():
            if each.id == aansluiting_id and each.publishing:
                return each, each.publishing
        raise ConfigError(
            f"aansluiting {aansluiting_id} does not say how it publishes",
            advice="Geef de aansluiting van soort drop een tabel [aansluiting.publishing].",
        )

    async def _route_for(self, aansluiting_id: int) -> Route:
        aansluiting, settings = await self._settings(aansluiting_id)
        profile = load_drop_profile(settings.profile)
        stage = stage_of(aansluiting, profile.stages)
        total = self.config.publishing.timeout
        http = MtlsHttp(self.mtls, aansluiting.omgeving, aansluiting.partij_oin, timeouts(total))
        user_name_file = Path(settings.user_name_file) if settings.user_name_file else None
        address = settings.address or stage.address
        client = DropClient(http, address, profile, total=total, user_name_file=user_name_file)
        return Route(profile.envelope, client.post, stage.name)

    async def _source_for(self, aansluiting_id: int) -> Source:
        aansluiting, settings = await self._settings(aansluiting_id)
        profile = at_host_of(settings.sru_url, load_sru_profile("koop-sru"))
        if is_sandbox(aansluiting.omgeving):  # the manners are those that KOOP asks
            profile = replace(profile, search_pause_ms=0, metadata_pause_ms=0)
        if profile.sru_url not in self._clients:
            http = MtlsHttp(self.public, aansluiting.omgeving, aansluiting.partij_oin)
            self._clients[profile.sru_url] = SruClient(http, profile, self.clock)
        accepted = load_drop_profile(settings.profile).envelope.accepted
        return Source(self._clients[profile.sru_url], settings.creator or settings.naam, accepted)


async def tell(config: Config, stores: Stores, http: CaseSystemHttp, stop: asyncio.Event) -> None:
    """Tell case systems and applications what became of kennisgevingen, until `stop`."""
    clock, chosen = SystemClock(), config.publishing
    facilities = kinds.Facilities(http, clock)
    async with open_webhooks(config) as receivers:
        teller = Teller(
            stores.tellings,
            stores.registry.aansluitingen,
            lambda aansluiting, target: kinds.make(aansluiting, target, facilities),
            receivers,
            SecretFiles(),
            clock,
            TellSettings(slots=chosen.per_aansluiting, forsaken=timedelta(seconds=chosen.forsaken)),
        )
        await teller.run(stop, chosen.interval)


def at_host_of(sru_url: str, profile: SruProfile) -> SruProfile:
    """The profile with the search at this address, and the publications at its host; as it is without an address."""
    if not sru_url:
        return profile
    at = urlsplit(sru_url)

    def moved(url: str) -> str:
        return urlunsplit(urlsplit(url)._replace(scheme=at.scheme, netloc=at.netloc))

    return replace(
        profile,
        sru_url=sru_url,
        publication_url=moved(profile.publication_url),
        metadata_url=moved(profile.metadata_url),
        manifestation_url=moved(profile.manifestation_url),
    )


def desk(config: Config, stores: Stores, publishers: Sequence[Aansluiting], clock: Clock) -> Desk:
    """Where kennisgevingen of this installation are made. Raises ConfigError for templates or severities."""
    blobs = FolderBlobs(config.data_folder / "blobs")
    privacy = PrivacyCheck(stores.retention, blobs, FingerprintKeyFile(config.fingerprint_key_file))

    async def area_of(organisatie_oin: str) -> tuple[AlsVlak, ...]:
        area = await stores.catch_up.area(organisatie_oin)
        return _vlakken(area.geometry) if area else ()

    return Desk(stores.kennisgevingen, publishers, texts(config), privacy.matches, area_of, blobs, clock)


def case_events(config: Config, stores: Stores, http: CaseSystemHttp, clock: Clock) -> CaseEvents:
    """What makes drafts of what case systems tell."""
    read = partial(kinds.reader, facilities=kinds.Facilities(http, clock))
    desk_of = partial(desk, config, stores, clock=clock)
    return CaseEvents(stores.case_events, stores.registry.aansluitingen, read, desk_of, clock)


def texts(config: Config) -> Texts:
    """The templates, read when they are first needed, and lists of this installation. Raises ConfigError."""
    folder = config.publishing.templates
    templates = cache(lambda oin: templates_in(folder, oin)) if folder else lambda _: default_templates()
    severities = read_severities(config.publishing.severities)
    return Texts(templates, load_rekenregels(), load_lists(), lambda name: load_drop_profile(name).envelope, severities)


def _vlakken(geometry: Mapping[str, Any]) -> tuple[AlsVlak, ...]:
    """Of a GeoJSON MultiPolygon."""
    return tuple(
        AlsVlak(tuple(tuple((float(x), float(y)) for x, y, *_ in ring) for ring in polygon))
        for polygon in geometry["coordinates"]
    )
