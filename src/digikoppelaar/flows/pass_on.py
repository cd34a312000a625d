"""Passing a notification on to the system of a leverancier that fetches verzoeken itself, instead of fetching here.

    notification row ──▶ POST with the original notification in it, signed ──▶ 2xx ──▶ state passed_on

The post may run twice (a crash before the state is on record); its Digikoppelaar-Event is the same then.
"""

import base64
import json
from dataclasses import dataclass
from typing import Final

from digikoppelaar.errors import CaseSystemRefused, PartnerUnreachable
from digikoppelaar.flows.ports import BlobStore, Clock, Notification, VerzoekStore
from digikoppelaar.flows.webhooks import Poster, Secrets, is_taken, post_signed

_NOT_NOW: Final = (408, 425, 429)


@dataclass(frozen=True, slots=True)
class PassOn:
    """Passes notifications on with these parts."""

    store: VerzoekStore
    blobs: BlobStore
    poster: Poster
    secrets: Secrets
    clock: Clock

    async def pass_on(self, notification: Notification) -> None:
        """Post it to the receiver of its aansluiting, and put on record that this was done.

        Raises PartnerUnreachable (also for 5xx and 429), CaseSystemRefused for any other answer than 2xx, ConfigError
        for the URL or the secret, and StorageError.
        """
        settings = notification.aansluiting.pass_on
        assert settings is not None, "only a notification of an aansluiting with a receiver comes here"
        body = body_of(notification, await self._original(notification.id))
        event, now = f"notification-{notification.id}", self.clock.now()
        _check_taken(await post_signed(self.poster, self.secrets, settings, event, body, now))
        await self.store.passed_on(notification.id, self.clock.now())

    async def _original(self, notification_id: int) -> bytes | None:
        found = await self.store.original(notification_id)
        if found.blob is None:
            return found.document
        return b"".join([chunk async for chunk in self.blobs.get(found.blob)])


def body_of(notification: Notification, original: bytes | None) -> bytes:
    """What is posted. `notification` holds the original in base64; null when a search found the verzoek."""
    return json.dumps(
        {
            "verzoeknummer": notification.verzoeknummer,
            "intrekking": notification.withdrawal,
            "oin": notification.aansluiting.organisatie_oin,
            "omgeving": notification.aansluiting.omgeving,
            "receivedAt": notification.received_at.isoformat(),
            "notification": None if original is None else base64.b64encode(original).decode(),
        }
    ).encode()


def _check_taken(status: int) -> None:
    if is_taken(status):
        return
    told = f"the receiver of notifications answered {status}"
    if status >= 500 or status in _NOT_NOW:
        raise PartnerUnreachable(told, advice="De ontvanger van notificaties heeft een storing.")
    raise CaseSystemRefused(
        told,
        advice="De ontvanger weigert de notificatie. Controleer pass_on_url en het geheim van deze aansluiting "
        "en geef het verzoek daarna vrij met `digikoppelaar verzoek release`.",
    )
