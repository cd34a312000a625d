"""Sending: claim what is due, make the attempt, write how it ended.

Each partner has slots of its own (flows/lines.py): one that hangs occupies only those, and delays nobody else. The
attempt is written before it is made, so a crash costs one attempt and never sends unseen. A message that is committed
in this process while its partner has a slot is stored with its first attempt (`commit`), so nobody looks for it; all
others are claimed from the store. A commit elsewhere wakes the sender; the poll is only the safety net.
"""

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from digikoppelaar.ebms.faults import read_fault
from digikoppelaar.ebms.reliability import Event, State, delivery, lease_until, outcome
from digikoppelaar.errors import DigikoppelaarError, PartnerUnreachable, StorageError, TrustError, told
from digikoppelaar.flows.lines import Lines
from digikoppelaar.flows.outbound import Store, body_of, claimed_of
from digikoppelaar.flows.ports import BlobStore, Claimed, Clock, MessageStore, NewOutbound, Reply, Transport
from digikoppelaar.flows.response import Responses

log = structlog.get_logger()

SAFETY_POLL = 1.0
"""Seconds between two looks when nothing wakes the sender."""
ENDED_EVERY: Final = timedelta(seconds=1)
"""Between two looks for messages that have no attempt or no time left."""


@dataclass(slots=True)
class Sender:
    """Sends with these parts until told to stop; the Outbox of its process.

    `slots` bounds the attempts under way for one partner. `lease` is how long an attempt belongs to this process; it
    must be longer than the transport's own time-out, or another process makes the same attempt meanwhile.
    """

    messages: MessageStore
    transport: Transport
    clock: Clock
    blobs: BlobStore
    responses: Responses
    slots: int = 32
    lease: timedelta = timedelta(seconds=45)
    _lines: Lines = field(init=False)
    _wake: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _attempts: set[asyncio.Task[None]] = field(default_factory=set, init=False)
    _running: bool = field(default=False, init=False)
    _ended_at: datetime | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._lines = Lines(self.slots)

    def wake(self) -> None:
        """Something may be due: look now."""
        self._wake.set()

    async def commit(self, message: NewOutbound, store: Store) -> int | None:
        """See flows.outbound.Outbox."""
        if not self._running:
            return await store(message)
        if not self._lines.take(message.partner, self.clock.now()):
            row = await store(replace(message, announced=False))
            if self._lines.waits(message.partner):
                self.wake()
            return row
        started = False
        try:
            first = self._with_first_attempt(message)
            row = await store(first)
            if row is not None:
                self._start(claimed_of(first, row, 1))
                started = True
            return row
        finally:
            if not started:
                self._lines.to(message.partner).busy -= 1

    def _with_first_attempt(self, message: NewOutbound) -> NewOutbound:
        how = delivery(message.reliable, message.service)
        until = lease_until(sent_at=self.clock.now(), lease=self.lease, delivery=how)
        return replace(message, state=State.SENDING, due_at=until)

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop` is set, then wait for the attempts under way.

        A store that fails is looked at again after the safety poll: nothing is lost, for the state is in the rows.
        """
        self._running = True
        try:
            while not stop.is_set():
                self._wake.clear()
                try:
                    await self._start_due()
                    pause = await self._seconds_to_next()
                except StorageError as error:
                    log.warning("sender_waits_for_storage", reason=str(error))
                    pause = SAFETY_POLL
                await self._pause(pause)
        finally:
            self._running = False
        await asyncio.gather(*self._attempts)

    async def _start_due(self) -> None:
        now = self.clock.now()
        if self._ended_at is None or now >= self._ended_at + ENDED_EVERY:
            await self.messages.end_overdue(now)
            self._ended_at = now
        taken = self._lines.taken(now)
        claims = await self.messages.claim(now, self.lease, taken, self.slots)
        self._lines.looked(Counter(claimed.partner for claimed in claims), taken)
        for claimed in claims:
            self._start(claimed)

    async def _seconds_to_next(self) -> float:
        if self._lines.crowded:  # the end of an attempt wakes us
            return SAFETY_POLL
        due = await self.messages.next_due()
        wait = (due - self.clock.now()).total_seconds() if due else SAFETY_POLL
        # What is due and was not claimed waits for a partner that is left alone.
        return min(SAFETY_POLL, wait) if wait > 0 else SAFETY_POLL

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)

    def _start(self, claimed: Claimed) -> None:
        """Make an attempt that is written down, and whose slot is taken."""
        task = asyncio.create_task(self._attempt(claimed))
        self._attempts.add(task)
        task.add_done_callback(self._attempts.discard)

    async def _attempt(self, claimed: Claimed) -> None:
        try:
            event, reply, detail = await self._post(claimed)
        finally:
            if self._lines.ended(claimed.partner):
                self.wake()
        try:
            await self._settle(claimed, event, reply, detail)
        except Exception as error:  # the lease runs out and the attempt is made again, with the same bytes
            unknown = not isinstance(error, DigikoppelaarError)
            log.warning("attempt_not_settled", message_id=claimed.message_id, reason=told(error), exc_info=unknown)

    async def _settle(self, claimed: Claimed, event: Event, reply: Reply | None, detail: str) -> None:
        now, status = self.clock.now(), reply.status if reply else None
        seen = self._lines.to(claimed.partner).ended(claimed, event, status, detail, now)
        if reply and claimed.synchronous and 200 <= reply.status < 300:
            await self.responses.take(claimed, reply)  # first: a 2xx alone would settle a best-effort message
        due_at = await self.messages.settle_attempt(claimed, event, now, status=status, detail=detail)
        if due_at and (due_at - now).total_seconds() < SAFETY_POLL:
            self.wake()
        log.info("attempt_made", message_id=claimed.message_id, attempt=claimed.attempt, outcome=event, status=status)
        if seen:
            await self.messages.note_partner(seen)

    async def _post(self, claimed: Claimed) -> tuple[Event, Reply | None, str]:
        try:
            async with asyncio.timeout(_patience(claimed)):
                reply = await self.transport.post(
                    claimed.omgeving,
                    claimed.partij_oin,
                    claimed.endpoint,
                    claimed.content_type,
                    body_of(claimed, self.blobs),
                )
        except (PartnerUnreachable, TrustError) as error:
            return Event.UNREACHABLE, None, str(error)
        except TimeoutError:
            return Event.UNREACHABLE, None, "no answer within RetryInterval"
        except Exception as error:  # whatever it was, nothing says that the message arrived
            log.exception("attempt_broke", message_id=claimed.message_id)
            return Event.UNREACHABLE, None, told(error)
        event = outcome(reply.status, acknowledged=claimed.reliable is not None)
        return event, reply, read_fault(reply.body) or ""


def _patience(claimed: Claimed) -> float | None:
    """Seconds for an attempt on top of the transport's own bounds: it ends before the next is due (KS-32)."""
    return claimed.reliable.retry_interval.total_seconds() if claimed.reliable else None
