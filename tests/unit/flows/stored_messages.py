"""Messages as a store takes them, for a gemeente that is connected twice, and what tests ask of a store in few words.

A `World` is a store with the two CPAs of that gemeente, and three things that no flow may ask but a test must: the
notifications that were made, what applications were told, and the reason on show at a message of ours.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tests.unit.ebms.cpas import DSO, GEMEENTE, cpa_document

from digikoppelaar.ebms.agreement import ReliableMessaging
from digikoppelaar.ebms.cpa import read_agreement
from digikoppelaar.ebms.reliability import Event
from digikoppelaar.flows.ports import (
    Aansluiting,
    Claimed,
    CpaRecord,
    MessageStore,
    NewInbound,
    NewOutbound,
    SeenInbound,
    StoredPayload,
)

NOW = datetime(2026, 6, 2, 9, tzinfo=UTC)
LEASE = timedelta(seconds=45)
VERZOEKNUMMER = "2026060200019"
RELIABLE = ReliableMessaging(retries=1, retry_interval=timedelta(minutes=5))
PAYLOADS = (
    StoredPayload("notificatie@dso", "application/xml", 3, b"\2" * 32, data=b"<a>"),
    StoredPayload("bijlage@dso", "application/pdf", 10**9, b"\3" * 32, blob="payloads/1"),
)
SLOTS = 4
AGREEMENT = read_agreement(cpa_document().encode(), {GEMEENTE})
PRE, PROD = (
    CpaRecord(number, Aansluiting(10 + number, GEMEENTE, "Gemeente", "stam", omgeving, GEMEENTE, None, None), AGREEMENT)
    for number, omgeving in enumerate(("sandbox-pre", "sandbox-prod"))
)


def inbound_of(cpa: CpaRecord, message_id: str, *, error_code: str | None = None) -> NewInbound:
    """A message that came in."""
    return NewInbound(
        cpa=cpa,
        message_id=message_id,
        conversation_id="conversatie",
        ref_to_message_id=None,
        service="dso:notificaties:1.0",
        action="notificeer",
        timestamp=NOW,
        received_at=NOW,
        fingerprint=b"\1" * 32,
        content_type="text/xml",
        document=b"<soap/>",
        error_code=error_code,
        error_reason=error_code and "because",
    )


def outbound_of(
    cpa: CpaRecord,
    message_id: str,
    *,
    partner: str = DSO,
    reliable: ReliableMessaging | None = None,
    time_to_live: datetime | None = None,
    due_at: datetime = NOW,
) -> NewOutbound:
    """A message to send; without `reliable` a signal."""
    return NewOutbound(
        cpa=cpa,
        message_id=message_id,
        conversation_id="conversatie",
        ref_to_message_id=None,
        service="urn:oasis:names:tc:ebxml-msg:service",
        action="Acknowledgment",
        timestamp=NOW,
        partner=partner,
        endpoint="https://dso.example/ebms",
        content_type="text/xml",
        body=b"<soap>\x00\xff</soap>",
        reliable=reliable,
        time_to_live=time_to_live,
        due_at=due_at,
    )


def after(seconds: float) -> datetime:
    """So long after NOW."""
    return NOW + timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class World:
    """`notifications()` gives (aansluiting id, verzoeknummer, problem) of each, in the order in which they came;
    `events()` gives (type, MessageId) of what applications were told, in order; `shown(message_id)` gives the reason at
    the outbound message with this name under `pre`, or None."""

    store: MessageStore
    pre: CpaRecord
    prod: CpaRecord
    notifications: Callable[[], Awaitable[Sequence[tuple[int, str, str | None]]]]
    events: Callable[[], Awaitable[Sequence[tuple[str, str]]]]
    shown: Callable[[str], Awaitable[str | None]]


Promise = Callable[[World], Awaitable[None]]


async def claim(world: World, seconds: float = 0, **busy: int) -> list[Claimed]:
    """What is claimed so long after NOW, with SLOTS slots for each partner; what has no chance left ends before."""
    await world.store.end_overdue(after(seconds))
    return list(await world.store.claim(after(seconds), LEASE, busy, SLOTS))


async def settle(world: World, claimed: Claimed, event: Event, seconds: float = 0, detail: str = "") -> None:
    """The attempt ended."""
    await world.store.settle_attempt(claimed, event, after(seconds), status=None, detail=detail)


async def signalled(world: World, event: Event, signal: str, about: str = "a1", reason: str = "") -> str:
    """A signal about a message of ours came in; the state after it."""
    return await world.store.settle_by_signal(inbound_of(world.pre, signal), about, event, reason, NOW)


async def state_of(world: World, message_id: str = "a1") -> str:
    """The state of a message of ours under `pre`."""
    found = await world.store.find_outbound(world.pre, message_id)
    assert found
    return found.state


async def seen(world: World, message_id: str) -> SeenInbound:
    """A message that is there."""
    found = await world.store.find_inbound(world.pre, message_id)
    assert found
    return found
