"""What an administrator does: put on record who is connected to what, and ping a partner. CPAs are in `cpas`."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from digikoppelaar.ebms import answers, names
from digikoppelaar.ebms.packaging import package
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.outbound import domain_of, to_send
from digikoppelaar.flows.ports import Clock, CpaRecord, Ids, MessageStore, is_sandbox
from digikoppelaar.flows.reading import Direction, MessageFilter, Reading, answers_to
from digikoppelaar.flows.registration import AansluitingEntry, Change, Entry, difference, require_what_is_named

LOOK_EVERY: Final = 0.1
"""Seconds between two looks for the Pong."""
_NO_PONG_WILL_COME: Final = frozenset({"refused", "failed", "expired"})


class Records(Protocol):
    """The write side of the registry; every method is one transaction."""

    async def entries(self) -> Sequence[Entry]:
        """Everything on record."""

    async def apply(self, changes: Sequence[Change], now: datetime) -> None:
        """Make every change, or none. Raises ConfigError when an entry refers to something that is not there."""


@dataclass(frozen=True, slots=True)
class PingResult:
    """How a Ping went after `seconds`: `state` is answered, refused (by an error) or the state of the Ping itself."""

    message_id: str
    pong: bool
    seconds: float
    state: str
    reason: str | None


Look = Callable[[Sequence[Change]], None]
"""Looks at a difference before it is made, and raises when it is not wanted."""


def agree(changes: Sequence[Change]) -> None:
    """For whoever has nobody to ask."""


async def apply_registration(
    records: Records,
    entries: Sequence[Entry],
    *,
    dry_run: bool,
    embedded: bool,
    now: datetime,
    look: Look = agree,
) -> tuple[Change, ...]:
    """The difference with what is on record, made so unless `dry_run`. Applying the same again changes nothing.

    Raises ConfigError when an entry refers to something that is not there, and whatever `look` raises.
    """
    for entry in entries:
        if isinstance(entry, AansluitingEntry):
            refuse_embedded(entry.omgeving, embedded=embedded)
    before = await records.entries()
    require_what_is_named(before, entries)
    changes = difference(before, entries)
    look(changes)
    if changes and not dry_run:
        await records.apply(changes, now)
    return changes


def refuse_embedded(omgeving: str, *, embedded: bool) -> None:
    """Raises ConfigError for a real omgeving on the embedded PostgreSQL, which is for trying out only (ADR 2)."""
    if embedded and not is_sandbox(omgeving):
        raise ConfigError(
            f"an aansluiting in {omgeving} needs database.url: the embedded PostgreSQL is for trying out",
            advice="Stel in digikoppelaar.toml database.url in op een eigen PostgreSQL-server met reservekopieën.",
        )


async def ping(
    cpa: CpaRecord, messages: MessageStore, reading: Reading, ids: Ids, clock: Clock, *, timeout: float
) -> PingResult:
    """Have the running gateway send a Ping, and wait at most `timeout` seconds for the Pong (2.8)."""
    started = clock.now()
    envelope = answers.ping(
        cpa.agreement, message_id=ids.message_id(domain_of(cpa)), conversation_id=ids.conversation_id(), now=started
    )
    message_id = envelope.header.message_id
    packaged = package(envelope, signing=None, sign=None, boundary=message_id, soap_content_id=message_id)
    await messages.queue_outbound(to_send(cpa, envelope, packaged, started))
    while True:
        result = await _look(reading, cpa, message_id, (clock.now() - started).total_seconds())
        if result.pong or result.state in _NO_PONG_WILL_COME or not result.seconds < timeout:
            return result
        await asyncio.sleep(LOOK_EVERY)


async def _look(reading: Reading, cpa: CpaRecord, message_id: str, seconds: float) -> PingResult:
    for row in await reading.messages(answers_to(cpa, message_id)):
        if row.action == names.PONG:
            return PingResult(message_id, pong=True, seconds=seconds, state="answered", reason=None)
        reason = f"the answer is {row.action} {row.message_id}"
        return PingResult(message_id, pong=False, seconds=seconds, state="refused", reason=reason)
    (sent,) = await reading.messages(MessageFilter(direction=Direction.OUT, message_id=message_id))
    return PingResult(message_id, pong=False, seconds=seconds, state=sent.state, reason=sent.reason)
