"""Two parties with the real flows over the twins: DSO-LV and a gemeente, one CPA between them, real signatures.

What a test wants to go wrong it puts in the place of a port; the flows themselves are never replaced.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tests.trust import Verdicts
from tests.unit.ebms.cpas import DSO, GEMEENTE
from tests.unit.ebms.exchanges import CID, KEY, NOW, OURS, SIGNED_OURS, SIGNED_THEIRS, THEIRS, notification
from tests.unit.ebms.wire import Signatory

from digikoppelaar.adapters.memory.blobs import MemoryBlobs
from digikoppelaar.adapters.memory.messages import MemoryMessages, MemoryRegistry, StoredInbound, StoredOutbound
from digikoppelaar.ebms import names
from digikoppelaar.ebms.agreement import Agreement
from digikoppelaar.ebms.messages import Envelope
from digikoppelaar.ebms.packaging import Packaged, Payload, package
from digikoppelaar.errors import TrustError
from digikoppelaar.flows.judging import Judge
from digikoppelaar.flows.outbound import Store, partner_of
from digikoppelaar.flows.ports import Aansluiting, Blob, CpaRecord, NewOutbound
from digikoppelaar.flows.receive import Answer, Arrival, Receiver
from digikoppelaar.flows.spool import SpoolLimits

OMGEVING = "sandbox-pre"
NUMBER = "2026060100019"
NOTIFICATION = f"<notificatie><verzoeknummer>{NUMBER}</verzoeknummer></notificatie>".encode()
LARGE = NOTIFICATION.replace(b"</notificatie>", b"<x>" + b"x" * 300_000 + b"</x></notificatie>")
"""Over the limit for memory, and still a notification."""
PIECE = 8 * 1024


@dataclass(slots=True)
class Watch:
    """A clock that a test sets."""

    time: datetime = NOW + timedelta(seconds=2)

    def now(self) -> datetime:
        """What it was set to."""
        return self.time


@dataclass(slots=True)
class Counted:
    """Identifiers that are told apart by a number."""

    owner: str
    given: int = 0

    def _next(self) -> str:
        self.given += 1
        return f"{self.owner}-{self.given}"

    def message_id(self, domain: str) -> str:
        """See flows.ports.Ids."""
        return f"{self._next()}@{domain}"

    def conversation_id(self) -> str:
        """See flows.ports.Ids."""
        return self._next()

    def unique(self) -> str:
        """See flows.ports.Ids."""
        return self._next()

    def key(self, size: int) -> bytes:
        """See flows.ports.Ids."""
        self.given += 1
        return self.given.to_bytes(size, "big")


@dataclass(slots=True)
class Keys:
    """The keys of everybody, of which a test may take one away."""

    key: Signatory | None = KEY

    def signer(self, omgeving: str, partij_oin: str, certificate: bytes) -> Signatory:
        """See flows.ports.Signers."""
        if self.key is None or self.key.certificate != certificate:
            raise TrustError(f"partij {partij_oin} has no certificate to sign with in {omgeving}")
        return self.key


@dataclass
class Blobs(MemoryBlobs):
    """The twin of the blob store that tells its names, and every name that it ever had."""

    names: set[str] = field(default_factory=set)
    written: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    async def put(self, name: str, chunks: AsyncIterator[bytes]) -> Blob:
        """See flows.ports.BlobStore."""
        self.written.append(name)
        blob = await super().put(name, chunks)
        self.names.add(name)
        return blob

    async def delete(self, name: str) -> None:
        """See flows.ports.BlobStore."""
        await super().delete(name)
        self.names.discard(name)


@dataclass
class Party:
    """One message handler, its own Outbox; `woken` counts how often the sender was told to look, by `woke`."""

    oin: str
    agreement: Agreement
    messages: MemoryMessages = field(default_factory=MemoryMessages)
    blobs: Blobs = field(default_factory=Blobs)
    keys: Keys = field(default_factory=Keys)
    watch: Watch = field(default_factory=Watch)
    limits: SpoolLimits = field(default_factory=SpoolLimits)
    woke: Callable[[], None] = lambda: None
    woken: int = 0
    verdicts: Verdicts = field(default_factory=Verdicts)

    def __post_init__(self) -> None:
        aansluiting = Aansluiting(1, self.oin, "Partij", "stam", OMGEVING, self.oin, None, None)
        self.cpa = CpaRecord(1, aansluiting, self.agreement)
        self.registry = MemoryRegistry([self.cpa])
        self.ids = Counted(self.oin)

    async def commit(self, message: NewOutbound, store: Store) -> int | None:
        """See flows.outbound.Outbox."""
        row = await store(message)
        if row is not None:
            self.wake()
        return row

    def wake(self) -> None:
        """See flows.outbound.Outbox."""
        self.woken += 1
        self.woke()

    @property
    def receiver(self) -> Receiver:
        """The receiving flow over the ports as they are now."""
        judge = Judge(self.messages, self.verdicts)
        return Receiver(
            self.registry, self.messages, self.blobs, self.keys, judge, self.ids, self.watch, self, self.limits
        )

    @property
    def came(self) -> list[StoredInbound]:
        """What was stored of what came in."""
        return list(self.messages.inbound.values())

    @property
    def goes(self) -> list[StoredOutbound]:
        """What goes out, in the order in which it was made."""
        return list(self.messages.outbound.values())

    @property
    def notified(self) -> list[str]:
        """The verzoeknummers that were handed over to the intake."""
        return [stored.job.verzoeknummer for stored in self.came if stored.job]

    async def receive(
        self, message: Packaged, *, oin: str = "", soap_action: str | None = names.SOAP_ACTION, piece: int = PIECE
    ) -> Answer:
        """Take in one POST, by the other party when no other `oin` is given."""
        oin = oin or self.agreement.theirs.party_ids[0].value
        body = in_pieces(message.body, piece)
        arrival = Arrival(OMGEVING, oin, "127.0.0.1", message.content_type, soap_action, body)
        return await self.receiver.receive(arrival)

    async def queue(self, envelope: Envelope, message: Packaged) -> int | None:
        """Have a business message sent, as the CPA says."""
        [action] = self.agreement.sends
        header = envelope.header
        return await self.messages.queue_outbound(
            NewOutbound(
                cpa=self.cpa,
                message_id=header.message_id,
                conversation_id=header.conversation_id,
                ref_to_message_id=None,
                service=header.service.value,
                action=header.action,
                timestamp=header.timestamp,
                partner=partner_of(self.cpa),
                endpoint=action.channel.endpoint,
                content_type=message.content_type,
                body=message.body,
                reliable=action.channel.reliable_messaging,
                time_to_live=header.time_to_live,
                due_at=self.watch.now(),
            )
        )


def gemeente(*, signed: bool = True) -> Party:
    """The party that receives notifications."""
    return Party(GEMEENTE, SIGNED_OURS if signed else OURS)


def dso(*, signed: bool = True) -> Party:
    """The party that sends them."""
    return Party(DSO, SIGNED_THEIRS if signed else THEIRS)


def message_of(
    envelope: Envelope | None = None,
    payloads: Sequence[bytes] = (NOTIFICATION,),
    *,
    signed: bool = True,
    digest_method: str = names.SHA256,
) -> Packaged:
    """A notification as it travels; a second payload and further ones are not in the Manifest."""
    ids = [CID, *(f"p{number}@dso" for number in range(2, len(payloads) + 1))]
    return package(
        envelope or notification(SIGNED_THEIRS if signed else THEIRS),
        [Payload(content_id, "application/xml", data) for content_id, data in zip(ids, payloads, strict=False)],
        signing=KEY.signing(digest_method=digest_method) if signed else None,
        sign=KEY.sign if signed else None,
        boundary="grens",
        soap_content_id="soap@dso",
    )


def altered(message: Packaged) -> Packaged:
    """The same with another payload than was signed."""
    return replace(message, body=message.body.replace(b"<verzoeknummer>2026", b"<verzoeknummer>2025"))


def plain(envelope: Envelope) -> Packaged:
    """A message without payload, unsigned."""
    return package(envelope, signing=None, sign=None, boundary="grens", soap_content_id="soap@dso")


def sent(stored: StoredOutbound) -> Packaged:
    """What goes out for a row."""
    return Packaged(stored.message.content_type, stored.message.body)


async def in_pieces(body: bytes, piece: int = PIECE) -> AsyncIterator[bytes]:
    """A body as it streams in."""
    for start in range(0, len(body), piece):
        yield body[start : start + piece]


async def until(condition: Callable[[], object], *, seconds: float = 10) -> None:
    """Let others run until it is so; a test that waits longer fails here."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.001)
