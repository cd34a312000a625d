"""The role `application` of `serve`: the REST interface of applications, when it is configured, and the webhooks."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Final

from starlette.types import ASGIApp

from digikoppelaar.adapters import tls
from digikoppelaar.adapters.http_in.server import Limits, Listener
from digikoppelaar.adapters.postgres.connect import listen
from digikoppelaar.adapters.postgres.webhooks import CHANNEL
from digikoppelaar.adapters.secret_files import SecretFiles
from digikoppelaar.adapters.system import RandomIds
from digikoppelaar.config import Config
from digikoppelaar.config.listeners import Application as ApplicationSettings
from digikoppelaar.flows import administration
from digikoppelaar.flows.announce import Announced, announce, stam_aansluiting
from digikoppelaar.flows.application import Application
from digikoppelaar.flows.application_cpas import OwnCpas
from digikoppelaar.flows.asking import ask_status
from digikoppelaar.flows.desk import Desk
from digikoppelaar.flows.own_kennisgevingen import OwnKennisgevingen, own_kennisgevingen
from digikoppelaar.flows.ports import Aansluiting, BlobStore, Clock
from digikoppelaar.flows.ports.case_events import NewCaseEvent
from digikoppelaar.flows.submit import Submitter
from digikoppelaar.flows.webhooks import WebhookPoster
from digikoppelaar.web.rest import parts
from digikoppelaar.web.rest.app import make_rest_app
from digikoppelaar.wiring import Stores, open_webhooks, policies

LEASE: Final = 1.5
"""Of a post to a webhook, in its time-out."""


@dataclass(frozen=True, slots=True)
class ApplicationRole:
    """The parts of the role."""

    config: Config
    stores: Stores
    blobs: BlobStore
    submitter: Submitter
    clock: Clock
    desk_of: Callable[[Sequence[Aansluiting]], Desk]
    """Where kennisgevingen of these publishers are made."""

    def app(self, settings: ApplicationSettings) -> ASGIApp:
        """The REST interface."""
        stores, ids = self.stores, RandomIds()
        asked: dict[str, Any] = {"ids": ids, "clock": self.clock, "timeout": settings.answer_timeout}
        return make_rest_app(
            parts.Parts(
                store=stores.applications,
                keys=stores.applications,
                views=stores.views,
                registry=stores.registry,
                cpas=OwnCpas(stores.registry, self.clock, policies(self.config)),
                submitter=self.submitter,
                blobs=self.blobs,
                announce=self.announce,
                kennisgevingen=self.kennisgevingen,
                take_case_event=self.take_case_event,
                ping=partial(administration.ping, messages=stores.messages, reading=stores.reading, **asked),
                ask_status=partial(ask_status, messages=stores.messages, reading=stores.reading, **asked),
                ids=ids,
                clock=self.clock,
                limits=parts.Limits(json=settings.json_body, upload=self.config.limits.body),
            )
        )

    async def announce(self, who: Application, payload: bytes) -> Announced:
        """Take in a notification of the organisatie that an application acts for."""
        known = await self.stores.registry.aansluitingen(who.organisatie_oin)
        aansluiting = stam_aansluiting(known, who.organisatie_oin, who.omgeving)
        return await announce(self.stores.verzoeken, aansluiting, payload, self.clock.now())

    async def kennisgevingen(self, who: Application) -> OwnKennisgevingen:
        """Those of the organisatie that an application acts for."""
        return own_kennisgevingen(who, await self.stores.registry.aansluitingen(who.organisatie_oin), self.desk_of)

    async def take_case_event(self, who: Application, new: NewCaseEvent) -> bool:
        """Take in what the case system of an application told."""
        known = await self.stores.registry.aansluitingen(who.organisatie_oin)
        aansluiting = stam_aansluiting(known, who.organisatie_oin, who.omgeving)
        return await self.stores.case_events.take(aansluiting.id, new, who.signature, self.clock.now())

    async def post_events(self, stop: asyncio.Event) -> None:
        """Post to the webhooks until `stop`."""
        webhooks = self.config.webhooks
        async with open_webhooks(self.config) as client:
            poster = WebhookPoster(
                self.stores.webhooks,
                client,
                SecretFiles(),
                self.clock,
                slots=webhooks.slots,
                lease=timedelta(seconds=webhooks.timeout * LEASE),
            )
            waking = asyncio.create_task(self._wake_on_commit(poster))
            try:
                await poster.run(stop)
            finally:
                waking.cancel()
                await asyncio.wait({waking})

    async def _wake_on_commit(self, poster: WebhookPoster) -> None:
        async for _ in listen(self.stores.url, CHANNEL):
            poster.wake()


def listener(settings: ApplicationSettings) -> Listener:
    """Where applications call: plain http on this machine, else TLS. Raises TrustError for the certificate."""
    context = None
    if settings.certificate_file and settings.key_file:
        context = tls.application_context(tls.Identity(settings.certificate_file, settings.key_file))
    return Listener("application", settings.host, settings.port, context, Limits())
