"""From an envelope of ours with its bytes to the row of the sender: which channel, which partner, which name."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import zip_longest
from typing import Final, Protocol

from digikoppelaar.ebms.agreement import Action
from digikoppelaar.ebms.messages import Envelope
from digikoppelaar.ebms.packaging import Frame, Packaged
from digikoppelaar.ebms.reliability import State
from digikoppelaar.flows.ports import Blob, BlobStore, Claimed, CpaRecord, Hole, NewOutbound, Streamed

EVENT_TYPES: Final[Mapping[State, str]] = {
    State.ACKNOWLEDGED: "DELIVERED",
    State.DELIVERED: "DELIVERED",
    State.FAILED: "FAILED",
    State.EXPIRED: "EXPIRED",
}
"""What its application is told when a message is settled."""

Store = Callable[[NewOutbound], Awaitable[int | None]]
"""Commits a message as it is given, and returns the id of its row; None when nothing was stored."""


class Outbox(Protocol):
    """Where a message goes on its way out; the sender of this process, if there is one (flows/send.py)."""

    async def commit(self, message: NewOutbound, store: Store) -> int | None:
        """Have `message` stored, due at once, and send it after the commit; returns what `store` returned.

        When its partner has a free slot it is stored with its first attempt, so that nobody needs to look for it.
        Raises what `store` raises; whether it was stored may then be unknown.
        """

    def wake(self) -> None:
        """Something was committed that is due."""


class SentElsewhere:
    """The Outbox of a process without sender: the commit itself tells the others (NOTIFY)."""

    async def commit(self, message: NewOutbound, store: Store) -> int | None:
        """See Outbox."""
        return await store(message)

    def wake(self) -> None:
        """The commit did."""


def to_send(
    cpa: CpaRecord,
    envelope: Envelope,
    packaged: Packaged,
    now: datetime,
    action: Action | None = None,
    holes: Sequence[Hole] = (),
) -> NewOutbound:
    """A message as it goes into the store: a business message over the channel of its `action`.

    Without `action` it is an MSH signal: over the channel that the CPA has for it, with no acknowledgment awaited.
    """
    header = envelope.header
    channel = action.channel if action else cpa.agreement.our_signal(header.action)
    return NewOutbound(
        cpa=cpa,
        message_id=header.message_id,
        conversation_id=header.conversation_id,
        ref_to_message_id=header.ref_to_message_id,
        service=header.service.value,
        service_type=header.service.type,
        action=header.action,
        timestamp=header.timestamp,
        partner=partner_of(cpa),
        endpoint=channel.endpoint,
        content_type=packaged.content_type,
        body=packaged.body,
        holes=tuple(holes),
        reliable=channel.reliable_messaging if action and envelope.ack_requested else None,
        time_to_live=header.time_to_live,
        due_at=now,
        synchronous=channel.synchronous,
    )


def fill(frame: Frame, contents: Sequence[bytes | Blob]) -> tuple[Packaged, tuple[Hole, ...]]:
    """The frame with its small contents in place, and a hole for each that is in the blob store."""
    body, holes = bytearray(), []
    for piece, content in zip_longest(frame.pieces, contents, fillvalue=b""):
        assert isinstance(piece, bytes), "a frame has a piece more than contents"
        body += piece
        if isinstance(content, Blob):
            holes.append(Hole(len(body), content.name, content.size))
        else:
            body += content
    return Packaged(frame.content_type, bytes(body)), tuple(holes)


def claimed_of(message: NewOutbound, row: int, attempt: int) -> Claimed:
    """Attempt number `attempt` at a message whose row has this id."""
    aansluiting = message.cpa.aansluiting
    return Claimed(
        id=row,
        attempt=attempt,
        message_id=message.message_id,
        omgeving=aansluiting.omgeving,
        partij_oin=aansluiting.partij_oin,
        partner=message.partner,
        endpoint=message.endpoint,
        content_type=message.content_type,
        body=message.body,
        holes=message.holes,
        reliable=message.reliable,
        time_to_live=message.time_to_live,
        synchronous=message.synchronous,
        service=message.service,
        cpa_id=message.cpa.agreement.cpa_id,
    )


def body_of(claimed: Claimed, blobs: BlobStore) -> bytes | Streamed:
    """What goes out, the same every time."""
    if not claimed.holes:
        return claimed.body
    size = len(claimed.body) + sum(hole.size for hole in claimed.holes)
    return Streamed(size, partial(filled, claimed.body, claimed.holes, blobs))


async def filled(body: bytes, holes: Sequence[Hole], blobs: BlobStore) -> AsyncIterator[bytes]:
    """A body with its holes filled, in pieces."""
    start = 0
    for hole in holes:
        yield body[start : hole.at]
        async for piece in blobs.get(hole.blob):
            yield piece
        start = hole.at
    yield body[start:]


def partner_of(cpa: CpaRecord) -> str:
    """The key of the partner's slots in the sender: the same party in another omgeving is another partner."""
    return f"{cpa.aansluiting.omgeving}/{cpa.agreement.theirs.party_ids[0].value}"


def domain_of(cpa: CpaRecord) -> str:
    """The right-hand side of our MessageIds under this CPA: our party id as a host name (EB013)."""
    return f"{cpa.agreement.ours.party_ids[0].value}.digikoppelaar"
