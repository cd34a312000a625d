"""The worklist of this installation as it is now, and the part of the role `worker` that mails it.

What is an item is in flows/worklist.py; that a mail goes once is in flows/worklist_mail.py.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import structlog

from digikoppelaar.adapters.keys import Keyring
from digikoppelaar.adapters.mail import MailServer, SmtpMailer
from digikoppelaar.config import Config
from digikoppelaar.config.work import MailSettings
from digikoppelaar.errors import StorageError
from digikoppelaar.flows.ports import Clock
from digikoppelaar.flows.worklist import items
from digikoppelaar.flows.worklist_mail import WorklistMail
from digikoppelaar.flows.worklist_rows import Item, Limits, Place, WorklistFilter
from digikoppelaar.pki.expiry import Ending
from digikoppelaar.renewal import own_endings
from digikoppelaar.wiring import Stores

log = structlog.get_logger()

EVERYBODY = WorklistFilter()


@dataclass(frozen=True, slots=True)
class WorklistWatch:
    """Over the stores and the keys of this process."""

    config: Config
    stores: Stores
    keyring: Keyring
    clock: Clock

    async def items(self, wanted: WorklistFilter = EVERYBODY) -> Sequence[Item]:
        """The worklist at this moment. Raises StorageError."""
        limits, now = limits_of(self.config), self.clock.now()
        rows = await self.stores.worklist.rows(wanted, limits, now)
        return items(rows, await self._certificates(wanted), now, limits)

    async def run(self, settings: MailSettings, stop: asyncio.Event) -> None:
        """Mail what is to be told until `stop`; a database that is away is waited for."""
        mail = WorklistMail(
            self.stores.worklist, SmtpMailer(server_of(settings)), self.clock, self.config.worklist.digest_hour
        )
        while not stop.is_set():
            try:
                await mail.run(await self.items())
            except StorageError as error:
                log.warning("worklist_waits_for_storage", reason=str(error))
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self.config.worklist.interval)

    async def _certificates(self, wanted: WorklistFilter) -> list[tuple[Place, Ending]]:
        """The end of each certificate with everybody who depends on it."""
        endings = await asyncio.to_thread(own_endings, self.keyring)
        return [
            (place, ending)
            for place, partij_oin in await self.stores.worklist.places()
            if wanted.omgeving in (None, place.omgeving) and wanted.organisatie_oin in (None, place.organisatie_oin)
            for oin, ending in endings
            if (oin, ending.omgeving) == (partij_oin, place.omgeving)
        ]


def limits_of(config: Config) -> Limits:
    """The limits that are configured."""
    chosen = config.worklist
    return Limits(
        fetch=timedelta(minutes=chosen.fetch_minutes),
        failing=timedelta(minutes=chosen.failing_minutes),
        silent=timedelta(days=chosen.silent_days),
        missed=timedelta(days=chosen.missed_days),
        expiry=chosen.expiry_days,
        retention=config.retention.days,
    )


def server_of(settings: MailSettings) -> MailServer:
    """The mail server that is configured."""
    return MailServer(
        settings.host,
        settings.port,
        settings.sender,
        settings.tls,
        settings.credentials_file,
        settings.trust_anchors,
    )
