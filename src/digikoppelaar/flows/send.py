"""Sending: claim what is due, make the attempt, write how it ended.

Each partner has slots of its own: one that hangs occupies only those, and delays nobody else. The attempt is written
before it is made (`MessageStore.claim`), so a crash costs one attempt and never sends unseen. A commit wakes the
sender at once; the poll is only the safety net.
"""

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from digikoppelaar.ebms.faults import read_fault
from digikoppelaar.ebms.reliability import Event, outcome
from digikoppelaar.errors import DigikoppelaarError, PartnerUnreachable, StorageError, TrustError, told
from digikoppelaar.flows.ports import Claimed, Clock, MessageStore, Transport

log = structlog.get_logger()

SAFETY_POLL = 1.0
"""Seconds between two looks when nothing wakes the sender."""


@dataclass(slots=True)
class Sender:
    """Sends with these parts until told to stop.

    `slots` bounds the attempts under way for one partner. `lease` is how long an attempt belongs to this process; it
    must be longer than the transport's own time-out, or another process makes the same attempt meanwhile.
    """

    messages: MessageStore
    transport: Transport
    clock: Clock
    slots: int = 4
    lease: timedelta = timedelta(seconds=45)
    _wake: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _busy: Counter[str] = field(default_factory=Counter, init=False)
    _attempts: set[asyncio.Task[None]] = field(default_factory=set, init=False)

    def wake(self) -> None:
        """Something may be due: look now."""
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop` is set, then wait for the attempts under way.

        A store that fails is looked at again after the safety poll: nothing is lost, for the state is in the rows.
        """
        while not stop.is_set():
            self._wake.clear()
            try:
                started = await self._start_due()
                pause = 0.0 if started else await self._seconds_to_next()
            except StorageError as error:
                log.warning("sender_waits_for_storage", reason=str(error))
                pause = SAFETY_POLL
            await self._pause(pause)
        await asyncio.gather(*self._attempts)

    async def _start_due(self) -> int:
        claims = await self.messages.claim(self.clock.now(), self.lease, self._busy, self.slots)
        for claimed in claims:
            self._busy[claimed.partner] += 1
            task = asyncio.create_task(self._attempt(claimed))
            self._attempts.add(task)
            task.add_done_callback(self._attempts.discard)
        return len(claims)

    async def _seconds_to_next(self) -> float:
        due = await self.messages.next_due()
        wait = (due - self.clock.now()).total_seconds() if due else SAFETY_POLL
        # What is due and was not claimed waits for a slot; the end of an attempt wakes us.
        return min(SAFETY_POLL, wait) if wait > 0 else SAFETY_POLL

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)

    async def _attempt(self, claimed: Claimed) -> None:
        try:
            event, status, detail = await self._post(claimed)
            await self.messages.settle_attempt(claimed, event, self.clock.now(), status=status, detail=detail)
            log.info(
                "attempt_made", message_id=claimed.message_id, attempt=claimed.attempt, outcome=event, status=status
            )
        except Exception as error:  # the lease runs out and the attempt is made again, with the same bytes
            unknown = not isinstance(error, DigikoppelaarError)
            log.warning("attempt_not_settled", message_id=claimed.message_id, reason=told(error), exc_info=unknown)
        finally:
            self._busy[claimed.partner] -= 1
            self.wake()

    async def _post(self, claimed: Claimed) -> tuple[Event, int | None, str]:
        try:
            reply = await self.transport.post(
                claimed.omgeving, claimed.partij_oin, claimed.endpoint, claimed.content_type, claimed.body
            )
        except (PartnerUnreachable, TrustError) as error:
            return Event.UNREACHABLE, None, str(error)
        except Exception as error:  # whatever it was, nothing says that the message arrived
            log.exception("attempt_broke", message_id=claimed.message_id)
            return Event.UNREACHABLE, None, told(error)
        event = outcome(reply.status, acknowledged=claimed.reliable is not None)
        return event, reply.status, read_fault(reply.body) or ""
