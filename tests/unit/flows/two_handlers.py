"""Two whole handlers, DSO-LV and a gemeente, that post to each other over a network that a test can spoil."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives.asymmetric import rsa
from tests.trust import Verdicts
from tests.unit.ebms.cpas import DSO, GEMEENTE
from tests.unit.ebms.exchanges import KEY, SIGNED_OURS, SIGNED_THEIRS
from tests.unit.ebms.wire import Signatory
from tests.unit.flows.ebms_world import OMGEVING, Blobs, Counted, Watch

from digikoppelaar.adapters.memory.messages import MemoryMessages, MemoryRegistry, StoredInbound, StoredOutbound
from digikoppelaar.ebms import names
from digikoppelaar.ebms.agreement import Action, Agreement, Encryption
from digikoppelaar.ebms.ciphers import KeyTransport, padding_of
from digikoppelaar.errors import DigikoppelaarError, TrustError
from digikoppelaar.flows.handler import Handler, HandlerPorts, HandlerSettings
from digikoppelaar.flows.parcel import NewPayload
from digikoppelaar.flows.ports import Aansluiting, Consumer, CpaRecord, Reply, Streamed
from digikoppelaar.flows.receive import Arrival
from digikoppelaar.flows.submit import Submission

Spoil = Callable[[str, Reply], Reply]
"""What the network makes of a response; may raise PartnerUnreachable instead."""


@dataclass(frozen=True, slots=True)
class Keys:
    """One key for everything, of which a test may take the use for signing away."""

    key: Signatory | None = KEY

    @property
    def certificate(self) -> bytes:
        """Of the key."""
        return KEY.certificate

    def signer(self, omgeving: str, partij_oin: str, certificate: bytes) -> Signatory:
        """See flows.ports.Signers."""
        if self.key is None:
            raise TrustError(f"partij {partij_oin} has no certificate to sign with in {omgeving}")
        return self.key

    def decrypter(self, omgeving: str, partij_oin: str, certificate: bytes) -> "Keys":
        """See flows.ports.Decrypters."""
        return self

    def unwrap(self, wrapped: bytes, transport: KeyTransport) -> bytes:
        """See flows.ports.Decrypter."""
        assert isinstance(KEY.key, rsa.RSAPrivateKey)
        return KEY.key.decrypt(wrapped, padding_of(transport))


@dataclass
class Side:
    """One handler with its stores."""

    oin: str
    agreement: Agreement
    network: "Network"
    consumer: Consumer = Consumer.REST
    keys: Keys = field(default_factory=Keys)
    verdicts: Verdicts = field(default_factory=Verdicts)
    messages: MemoryMessages = field(default_factory=MemoryMessages)
    blobs: Blobs = field(default_factory=Blobs)
    watch: Watch = field(default_factory=Watch)

    def __post_init__(self) -> None:
        aansluiting = Aansluiting(1, self.oin, "Partij", "ebms", OMGEVING, self.oin, None, None)
        self.cpa = CpaRecord(1, aansluiting, self.agreement, self.consumer)
        self.registry = MemoryRegistry([self.cpa])
        self.ids = Counted(self.oin)
        self.handler = self.started()

    def started(self, settings: HandlerSettings | None = None) -> Handler:
        """A handler as a new process would have it: over the same stores, remembering nothing."""
        return Handler.of(
            HandlerPorts(
                self.registry,
                self.messages,
                self.blobs,
                self.keys,
                self.verdicts,
                self.network,
                self.ids,
                self.watch,
            ),
            settings,
        )

    @property
    def came(self) -> list[StoredInbound]:
        """What came in."""
        return list(self.messages.inbound.values())

    @property
    def goes(self) -> list[StoredOutbound]:
        """What goes out."""
        return list(self.messages.outbound.values())

    @property
    def told(self) -> list[str]:
        """What its application heard."""
        return [event.type for event in self.messages.events]

    async def submit(self, *payloads: bytes, **wishes: object) -> str:
        """Submit a message with these payloads under the one action there is."""
        [action] = self.agreement.sends
        parts = tuple(NewPayload("application/xml", payload) for payload in payloads)
        return await self.handler.submitter.submit(
            self.cpa,
            Submission(action.service, action.action, parts, **wishes),  # type: ignore[arg-type]
        )


@dataclass
class Network:
    """flows.ports.Transport between the two; `posts` keeps what travelled, by endpoint."""

    sides: dict[str, Side] = field(default_factory=dict)
    posts: list[tuple[str, str, bytes]] = field(default_factory=list)
    spoil: Spoil = lambda _, reply: reply

    async def post(
        self, omgeving: str, partij_oin: str, endpoint: str, content_type: str, body: bytes | Streamed
    ) -> Reply:
        """See flows.ports.Transport."""
        whole = body if isinstance(body, bytes) else b"".join([piece async for piece in body.pieces()])
        assert isinstance(body, bytes) or body.size == len(whole)
        self.posts.append((endpoint, content_type, whole))
        reply = await self._received(self.sides[endpoint], omgeving, partij_oin, content_type, whole)
        return self.spoil(endpoint, reply)

    async def _received(self, side: Side, omgeving: str, oin: str, content_type: str, body: bytes) -> Reply:
        async def pieces() -> AsyncIterator[bytes]:
            for start in range(0, len(body), 64 * 1024):
                yield body[start : start + 64 * 1024]

        arrival = Arrival(omgeving, oin, "127.0.0.1", content_type, names.SOAP_ACTION, pieces())
        try:
            answer = await side.handler.receiver.receive(arrival)
        except DigikoppelaarError as error:
            return Reply(error.wire.http_status)
        return Reply(answer.status, answer.content_type or "", answer.body)


@dataclass(frozen=True, slots=True)
class World:
    """Both sides; the senders run."""

    theirs: Side
    ours: Side
    network: Network


@asynccontextmanager
async def two_handlers(
    change: Callable[[Agreement], Agreement] = lambda agreement: agreement,
    *,
    agreements: Sequence[Agreement] = (SIGNED_THEIRS, SIGNED_OURS),
    settings: HandlerSettings | None = None,
) -> AsyncIterator[World]:
    """DSO-LV and a gemeente under these agreements, changed on both sides alike, until the context ends."""
    network, stop = Network(), asyncio.Event()
    theirs, ours = (
        Side(oin, change(agreement), network) for oin, agreement in zip((DSO, GEMEENTE), agreements, strict=True)
    )
    for side in (theirs, ours):
        side.handler = side.started(settings)
    network.sides = {"https://dso.example/ebms": theirs, "https://gemeente.example/ebms": ours}
    running = [asyncio.create_task(side.handler.sender.run(stop)) for side in (theirs, ours)]
    yield World(theirs, ours, network)
    stop.set()
    for side in (theirs, ours):
        side.handler.sender.wake()
    await asyncio.wait_for(asyncio.gather(*running), 10)


def encrypted(agreement: Agreement) -> Agreement:
    """The same agreement with encrypted payloads, both ways, for the one key there is."""
    encryption = Encryption(names.AES256_GCM, KEY.certificate)

    def changed(action: Action) -> Action:
        return replace(action, encrypted=True, channel=replace(action.channel, encryption=encryption))

    return replace(
        agreement, sends=tuple(map(changed, agreement.sends)), receives=tuple(map(changed, agreement.receives))
    )
