"""Telling an application by webhook: which event is next, when to try again, and what is said.

The outbox is `message_event` itself: an event is taken once its `processed_at` is set, so nothing is lost between the
commit of a message and the post about it. Of one conversation the next event waits until the one before it was taken;
conversations do not wait for each other, and neither do webhooks. The attempt is written before it is made, with a
lease: a crash in the middle costs one attempt and the same event, with the same id, is posted again. What was refused
too often is parked until a person releases it.
"""

import asyncio
import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol
from urllib.parse import quote

import structlog

from digikoppelaar.errors import ConfigError, DigikoppelaarError, PartnerUnreachable, StorageError, told
from digikoppelaar.flows.ports import Clock, Receiver

log = structlog.get_logger()

PAUSES: Final = tuple(timedelta(seconds=each) for each in (5, 15, 60, 300, 900, 1800, 3600, 7200, 14400, 28800))
"""After each refused attempt; an event that was refused once more is parked (about 17 hours)."""
SIGNATURE_HEADER: Final = "Digikoppelaar-Signature"
EVENT_HEADER: Final = "Digikoppelaar-Event"
SAFETY_POLL: Final = 5.0
"""Seconds between two looks when nothing wakes the poster."""
LEAST_SECRET: Final = 16
"""Bytes."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where the events of one CPA go. The secret is in a file, and read for each post."""

    cpa_id: str
    omgeving: str
    url: str
    secret_file: str


@dataclass(frozen=True, slots=True)
class Told:
    """An event as it is posted; `attempt` counts from 1."""

    event_id: int
    attempt: int
    type: str
    at: datetime
    webhook: Webhook
    message_id: str
    ref_to_message_id: str | None
    conversation_id: str
    service: str
    action: str


@dataclass(frozen=True, slots=True)
class WebhookRow:
    """How a webhook does: how many events wait, how many of them are parked, and what went wrong last."""

    cpa_id: str
    omgeving: str
    url: str
    secret_file: str
    waiting: int
    parked: tuple[int, ...]
    last_reason: str | None


class WebhookStore(Protocol):
    """Webhooks and how far their events are. Every method is one transaction and raises StorageError."""

    async def set_webhook(self, webhook: Webhook, now: datetime) -> bool:
        """From now on its CPA has consumer `webhook`; False when there is no such CPA, or the intake takes it."""

    async def remove_webhook(self, omgeving: str, cpa_id: str) -> bool:
        """From now on its CPA has consumer `rest`; events that wait can be read there. False when there is none."""

    async def webhooks(self) -> Sequence[WebhookRow]:
        """All."""

    async def release(self, event_id: int, now: datetime) -> bool:
        """Let a parked event have a fresh series of attempts; False when it is not parked."""

    async def claim(self, now: datetime, lease: timedelta, busy: Mapping[str, int], slots: int) -> Sequence[Told]:
        """The first event of each conversation, when it is due; at most `slots` less `busy[url]` for each URL.

        The attempt is written before it is returned.
        """

    async def taken(self, told: Told, now: datetime) -> None:
        """The application took it."""

    async def refused(self, told: Told, due_at: datetime | None, now: datetime, status: int | None, why: str) -> None:
        """It did not; try again at `due_at`, or park it when that is None."""

    async def next_due(self) -> datetime | None:
        """When the earliest event that was tried before is due; None when none is."""


class Poster(Protocol):
    """Posts to a webhook."""

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """The HTTP status; follows no redirect. Raises PartnerUnreachable, ConfigError for a URL not allowed."""


class Secrets(Protocol):
    """Reads secrets."""

    def secret(self, file: str) -> bytes:
        """The content without white space around it. Raises ConfigError when there is none or it is too short."""


def signature(secret: bytes, at: int, body: bytes) -> str:
    """The value of Digikoppelaar-Signature: `t`, the Unix time, and `v1`, HMAC-SHA256 over `t`, a dot and the body."""
    digest = hmac.new(secret, b"%d." % at + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def body_of(told: Told) -> bytes:
    """What is posted: identifiers, and where the message can be fetched; never its payload."""
    name = quote(told.message_id, safe="")
    return json.dumps(
        {
            "id": str(told.event_id),
            "type": told.type,
            "at": told.at.isoformat(),
            "omgeving": told.webhook.omgeving,
            "cpaId": told.webhook.cpa_id,
            "messageId": told.message_id,
            "refToMessageId": told.ref_to_message_id,
            "conversationId": told.conversation_id,
            "service": told.service,
            "action": told.action,
            "href": f"/api/v1/messages/{name}",
        }
    ).encode()


@dataclass(slots=True)
class WebhookPoster:
    """Posts events until told to stop. `slots` bounds the posts under way to one URL: a slow one holds up only itself.

    `lease` must be longer than the poster's own time-out. A 2xx takes an event; anything else refuses it.
    """

    store: WebhookStore
    poster: Poster
    secrets: Secrets
    clock: Clock
    slots: int = 4
    lease: timedelta = timedelta(seconds=45)
    pauses: Sequence[timedelta] = PAUSES
    _wake: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _busy: Counter[str] = field(default_factory=Counter, init=False)
    _posts: set[asyncio.Task[None]] = field(default_factory=set, init=False)

    def wake(self) -> None:
        """Something may be due: look now."""
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Post until `stop` is set, then wait for the posts under way. A store that fails is looked at again."""
        while not stop.is_set():
            self._wake.clear()
            try:
                pause = 0.0 if await self._start_due() else await self._seconds_to_next()
            except StorageError as error:
                log.warning("webhooks_wait_for_storage", reason=str(error))
                pause = SAFETY_POLL
            await self._pause(pause)
        await asyncio.gather(*self._posts)

    async def _start_due(self) -> int:
        claimed = await self.store.claim(self.clock.now(), self.lease, self._busy, self.slots)
        for told_event in claimed:
            self._busy[told_event.webhook.url] += 1
            task = asyncio.create_task(self._attempt(told_event))
            self._posts.add(task)
            task.add_done_callback(self._posts.discard)
        return len(claimed)

    async def _seconds_to_next(self) -> float:
        due = await self.store.next_due()
        wait = (due - self.clock.now()).total_seconds() if due else SAFETY_POLL
        # What is due and was not claimed waits for a slot; the end of a post wakes us.
        return min(SAFETY_POLL, wait) if wait > 0 else SAFETY_POLL

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)

    async def _attempt(self, event: Told) -> None:
        try:
            await self._settle(event, *await self._post(event))
        except Exception as error:  # the lease runs out and the event is posted again, with the same id
            unknown = not isinstance(error, DigikoppelaarError)
            log.warning("webhook_not_settled", event_id=event.event_id, reason=told(error), exc_info=unknown)
        finally:
            self._busy[event.webhook.url] -= 1
            self.wake()

    async def _post(self, event: Told) -> tuple[int | None, str]:
        try:
            status = await post(self.poster, self.secrets, event, self.clock.now())
        except (PartnerUnreachable, ConfigError) as error:
            return None, str(error)
        except Exception as error:  # whatever it was, nothing says that the application took it
            log.exception("webhook_broke", event_id=event.event_id)
            return None, told(error)
        return status, "" if is_taken(status) else f"HTTP status {status}"

    async def _settle(self, event: Told, status: int | None, why: str) -> None:
        now = self.clock.now()
        log.info("webhook_posted", event_id=event.event_id, attempt=event.attempt, status=status, reason=why)
        if not why:
            await self.store.taken(event, now)
            return
        due_at = now + self.pauses[event.attempt - 1] if event.attempt <= len(self.pauses) else None
        await self.store.refused(event, due_at, now, status, why)
        if due_at is None:
            log.warning("webhook_parked", event_id=event.event_id, cpa_id=event.webhook.cpa_id)


async def post(poster: Poster, secrets: Secrets, event: Told, now: datetime) -> int:
    """Make one attempt; the HTTP status. Raises PartnerUnreachable, or ConfigError for the URL or the secret."""
    receiver = Receiver(event.webhook.url, event.webhook.secret_file)
    return await post_signed(poster, secrets, receiver, str(event.event_id), body_of(event), now)


async def post_signed(
    poster: Poster, secrets: Secrets, receiver: Receiver, event: str, body: bytes, now: datetime
) -> int:
    """Post JSON under the id `event`, which is the same when it is posted again; the HTTP status.

    Raises PartnerUnreachable, or ConfigError for the URL or the secret.
    """
    headers = {
        "Content-Type": "application/json",
        EVENT_HEADER: event,
        SIGNATURE_HEADER: signature(secrets.secret(receiver.secret_file), int(now.timestamp()), body),
    }
    return await poster.post(receiver.url, body, headers)


def is_taken(status: int) -> bool:
    """Whether the application took the event."""
    return 200 <= status < 300
