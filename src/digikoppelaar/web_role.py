"""The role `web` of `serve`: the pages, and who may see them."""

import asyncio
import secrets
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import structlog
from starlette.types import ASGIApp

from digikoppelaar.adapters import tls
from digikoppelaar.adapters.http_in.server import Limits, Listener
from digikoppelaar.adapters.login_codes import SealedCodes
from digikoppelaar.adapters.passwords import Argon2Passwords
from digikoppelaar.adapters.system import RandomSecrets
from digikoppelaar.config import Config
from digikoppelaar.errors import StorageError
from digikoppelaar.flows.login import Login
from digikoppelaar.flows.ports import Clock
from digikoppelaar.web.access import ByLogin, Gate, NoLogin
from digikoppelaar.web.app import make_app
from digikoppelaar.web.pages import Worklist
from digikoppelaar.wiring import Stores, onboarding

log = structlog.get_logger(__name__)

SWEEP_EVERY: Final = 3600.0
"""Seconds between two looks for sessions that are too old."""


@dataclass(frozen=True, slots=True)
class WebRole:
    """The parts of the role."""

    config: Config
    stores: Stores
    clock: Clock

    def app(self, worklist: Worklist) -> ASGIApp:
        """The pages."""
        web, stores = self.config.web, self.stores
        return make_app(
            stores.reading,
            stores.views,
            self.clock,
            self.gate(),
            worklist=worklist,
            statuses=onboarding(stores).statuses,
            hosts=web.hosts,
            public=web.public_url,
        )

    def gate(self) -> Gate:
        """How we know who asks."""
        web = self.config.web
        if web.login == "none":
            return NoLogin(self.stores.registry.is_real, secrets.token_hex())
        return ByLogin(self.login(), web.secure, tuple(web.trusted_proxies))

    def login(self) -> Login:
        """Who may log in, and how."""
        stores, codes = self.stores, SealedCodes(self.config.code_key_file)
        parts = (stores.accounts, stores.sessions, Argon2Passwords(), codes, RandomSecrets(), self.clock)
        return Login(*parts, second_factor=self.config.web.over_network)

    def listener(self) -> Listener:
        """Where browsers come: plain http on this machine, else TLS. Raises TrustError for the certificate."""
        web, context = self.config.web, None
        if web.certificate_file and web.key_file:
            context = tls.application_context(tls.Identity(web.certificate_file, web.key_file))
        return Listener("web", web.host, web.port, context, Limits())

    async def sweep(self, stop: asyncio.Event) -> None:
        """Forget what is too old, until `stop`."""
        while not stop.is_set():
            try:
                await self.login().sweep()
            except StorageError as error:
                log.warning("sessions_wait_for_storage", reason=str(error))
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), SWEEP_EVERY)
