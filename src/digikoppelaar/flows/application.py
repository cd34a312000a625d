"""The application side: what the system of a leverancier may see and do, pure of HTTP and of SQL.

An application acts for one organisatie in one omgeving, and everything here is asked for one application: what belongs
to somebody else is not there. Its world are the CPAs with consumer `rest` or `webhook`; what the intake takes is not
its business. Names of parties and services are one string, `type:value`, as the users of ebms-core write them
(peer-ebms-core.md, 1.2). Such a string is compared with what the CPA says and never split, for both halves may hold
colons.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from digikoppelaar.ebms.agreement import Action, Agreement, Side
from digikoppelaar.ebms.envelope import read_envelope
from digikoppelaar.ebms.messages import MessageHeader, PartyId, Service
from digikoppelaar.ebms.packaging import read_package
from digikoppelaar.ebms.reliability import State
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.ports import Consumer, CpaRecord, Registry, StoredPayload
from digikoppelaar.flows.reading import Direction

CONSUMERS = (Consumer.REST, Consumer.WEBHOOK)
"""Of the CPAs that applications work with."""


class Right(StrEnum):
    """What an API key opens; every operation names those of which one is enough."""

    MESSAGES = "messages"
    """The messages of ebMS, and what belongs to them."""
    DRAFT = "draft"
    """Write kennisgevingen, and stop what was not sent."""
    PUBLISH = "publish"
    """What `draft` opens, and to let a kennisgeving be sent."""


@dataclass(frozen=True, slots=True)
class Application:
    """Who calls: the holder of an API key of this organisatie in this omgeving. `key` is the prefix, for the log."""

    omgeving: str
    organisatie_oin: str
    key: str
    name: str = ""
    rights: frozenset[Right] = frozenset()

    @property
    def signature(self) -> str:
        """Who did it, as it goes on record."""
        return f"{self.name}/{self.key}"


class MessageStatus(StrEnum):
    """What an application is told of a message, in the words of ebms-core."""

    RECEIVED = "RECEIVED"
    PROCESSED = "PROCESSED"
    FAILED = "FAILED"
    CREATED = "CREATED"
    DELIVERED = "DELIVERED"
    DELIVERY_FAILED = "DELIVERY_FAILED"
    EXPIRED = "EXPIRED"
    UNAUTHORIZED = "UNAUTHORIZED"
    NOT_RECOGNIZED = "NOT_RECOGNIZED"
    FORWARDED = "FORWARDED"


class EventType(StrEnum):
    """What an application can be told: a message came in, or how one that it sent ended."""

    RECEIVED = "RECEIVED"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to list; None means all, and so does `limit` None."""

    cpa_id: str | None = None
    from_party: str | None = None
    from_role: str | None = None
    to_party: str | None = None
    to_role: str | None = None
    service: str | None = None
    action: str | None = None
    conversation_id: str | None = None
    message_id: str | None = None
    ref_to_message_id: str | None = None
    event_types: tuple[EventType, ...] = tuple(EventType)
    limit: int | None = None

    @property
    def asks_for_parties(self) -> bool:
        """Whether the CPA must say which messages are wanted: their rows name no party."""
        return any((self.from_party, self.from_role, self.to_party, self.to_role))


@dataclass(frozen=True, slots=True)
class Kind:
    """Messages of one action of one CPA in one direction."""

    cpa_row: int
    cpa_id: str
    direction: Direction
    service: str
    action: str


@dataclass(frozen=True, slots=True)
class MessageEvent:
    """Something that an application must hear."""

    id: int
    type: EventType
    message_id: str


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A business message as it is kept. `document`: of an inbound one its SOAP part, of an outbound one the body.

    `state` is that of the reliability table for an outbound message; `accepted` or `rejected` for an inbound one.
    """

    direction: Direction
    id: int
    cpa_id: str
    message_id: str
    state: str
    processed: bool
    content_type: str
    document: bytes = field(repr=False)
    payloads: tuple[StoredPayload, ...] = ()

    @property
    def header(self) -> MessageHeader:
        """What the message says of itself."""
        document = self.document
        if self.direction is Direction.OUT:
            document, _ = read_package(self.content_type, self.document)
        return read_envelope(document).envelope.header

    @property
    def status(self) -> MessageStatus:
        """As far as this side knows."""
        if self.direction is Direction.OUT:
            return _OUTBOUND_STATUS.get(State(self.state), MessageStatus.CREATED)
        if self.state == "rejected":
            return MessageStatus.FAILED
        return MessageStatus.PROCESSED if self.processed else MessageStatus.RECEIVED


_OUTBOUND_STATUS = {
    State.ACKNOWLEDGED: MessageStatus.DELIVERED,
    State.DELIVERED: MessageStatus.DELIVERED,
    State.FAILED: MessageStatus.DELIVERY_FAILED,
    State.EXPIRED: MessageStatus.EXPIRED,
}


@dataclass(frozen=True, slots=True)
class UrlMapping:
    """What a CPA sends to `source` goes to `destination`, from the next attempt on."""

    source: str
    destination: str


@dataclass(frozen=True, slots=True)
class CertificateMapping:
    """Where the CPA names the certificate `source`, `destination` counts; both DER."""

    cpa_id: str
    source: bytes = field(repr=False)
    destination: bytes = field(repr=False)


class ApplicationStore(Protocol):
    """What is kept for applications. Every method is one transaction and raises StorageError.

    Whatever `who` may not see is not there for any of them.
    """

    async def cpas(self, who: Application) -> Sequence[str]:
        """The CPAIds, sorted."""

    async def cpa_document(self, who: Application, cpa_id: str) -> bytes | None:
        """The CPA, byte for byte."""

    async def kinds_of_messages(self, who: Application, wanted: Wanted) -> Sequence[Kind]:
        """Of which kinds there are unprocessed messages; parties and roles are not looked at."""

    async def unprocessed(self, who: Application, wanted: Wanted, kinds: Sequence[Kind] | None) -> Sequence[str]:
        """MessageIds of accepted messages that nobody processed, oldest first; of these kinds (None: of all)."""

    async def kinds_of_events(self, who: Application, wanted: Wanted) -> Sequence[Kind]:
        """The same for events."""

    async def events(self, who: Application, wanted: Wanted, kinds: Sequence[Kind] | None) -> Sequence[MessageEvent]:
        """Events that nobody processed, oldest first."""

    async def message(self, who: Application, message_id: str) -> StoredMessage | None:
        """The newest message with this MessageId: it is unique in a CPA, not among them."""

    async def process_message(self, who: Application, message_id: str, now: datetime) -> bool:
        """Mark it as processed, once; False when there is no such inbound message."""

    async def process_events(self, who: Application, message_id: str, now: datetime) -> bool:
        """Mark its events as processed, and the message itself; False when it has none."""

    async def url_mappings(self, who: Application) -> Sequence[UrlMapping]:
        """All, by source."""

    async def set_url_mapping(self, who: Application, mapping: UrlMapping) -> None:
        """Put it in the place of what was there for its source."""

    async def delete_url_mapping(self, who: Application, source: str) -> bool:
        """False when there is none."""

    async def certificate_mappings(self, who: Application) -> Sequence[CertificateMapping]:
        """All, by CPA."""

    async def set_certificate_mapping(self, who: Application, mapping: CertificateMapping) -> bool:
        """Put it in the place of what was there for its source; False when there is no such CPA."""

    async def delete_certificate_mapping(self, who: Application, cpa_id: str, source: bytes) -> bool:
        """False when there is none."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Lists what waits for an application."""

    store: ApplicationStore
    registry: Registry

    async def messages(self, who: Application, wanted: Wanted) -> Sequence[str]:
        """MessageIds of what came in and was not processed yet, oldest first."""
        kinds = None
        if wanted.asks_for_parties:
            kinds = await self._fitting(who, wanted, await self.store.kinds_of_messages(who, wanted))
        return await self.store.unprocessed(who, wanted, kinds)

    async def events(self, who: Application, wanted: Wanted) -> Sequence[MessageEvent]:
        """What the application was not told yet, oldest first."""
        kinds = None
        if wanted.asks_for_parties:
            kinds = await self._fitting(who, wanted, await self.store.kinds_of_events(who, wanted))
        return await self.store.events(who, wanted, kinds)

    async def _fitting(self, who: Application, wanted: Wanted, kinds: Sequence[Kind]) -> list[Kind]:
        found = []
        for kind in kinds:
            cpa = await self.registry.cpa(who.omgeving, kind.cpa_id)
            if cpa is not None and _fits(kind, cpa.agreement, wanted):
                found.append(kind)
        return found


def _fits(kind: Kind, agreement: Agreement, wanted: Wanted) -> bool:
    inbound = kind.direction is Direction.IN
    actions = agreement.receives if inbound else agreement.sends
    sender, receiver = (agreement.theirs, agreement.ours) if inbound else (agreement.ours, agreement.theirs)
    return (
        (wanted.from_party is None or owns(sender, wanted.from_party))
        and (wanted.to_party is None or owns(receiver, wanted.to_party))
        and any(
            (each.service.value, each.action) == (kind.service, kind.action)
            and wanted.from_role in {None, each.sender_role}
            and wanted.to_role in {None, each.receiver_role}
            for each in actions
        )
    )


async def own_cpa(registry: Registry, who: Application, cpa_id: str) -> CpaRecord:
    """The CPA of this application; raises ConfigError when it has none under this name."""
    cpa = await registry.cpa(who.omgeving, cpa_id)
    if cpa is None or cpa.aansluiting.organisatie_oin != who.organisatie_oin or cpa.consumer not in CONSUMERS:
        raise ConfigError(f"there is no CPA {cpa_id}", advice="Staat deze CPA op naam van deze organisatie?")
    return cpa


@dataclass(frozen=True, slots=True)
class Addressed:
    """What an application says of a message that it sends; None where the CPA may fill it in."""

    cpa_id: str
    from_party: str
    service: str
    action: str
    from_role: str | None = None
    to_party: str | None = None
    to_role: str | None = None


def action_of(agreement: Agreement, addressed: Addressed) -> Action:
    """The action of the CPA that is meant. Raises ConfigError when it has none that we may send so."""
    check_parties(agreement, addressed.from_party, addressed.to_party)
    for each in agreement.sends:
        if (
            addressed.service in service_names(each.service)
            and addressed.action == each.action
            and addressed.from_role in {None, each.sender_role}
            and addressed.to_role in {None, each.receiver_role}
        ):
            return each
    raise ConfigError(
        f"CPA {agreement.cpa_id} lets us send no such service and action between these roles",
        advice="Vergelijk service, action en rollen met `digikoppelaar cpa show`.",
    )


def check_parties(agreement: Agreement, from_party: str, to_party: str | None) -> None:
    """Raises ConfigError unless these are the two parties of the CPA, ours first."""
    if not owns(agreement.ours, from_party):
        raise ConfigError(f"we are not the party fromPartyId of CPA {agreement.cpa_id}")
    if to_party is not None and not owns(agreement.theirs, to_party):
        raise ConfigError(f"the partner is not the party toPartyId of CPA {agreement.cpa_id}")


def owns(side: Side, party: str) -> bool:
    """Whether this string names the party."""
    return any(party in {party_name(each), each.value} for each in side.party_ids)


def party_name(party_id: PartyId) -> str:
    """The one string for a party: `type:value`, or the value of a PartyId without type."""
    return f"{party_id.type}:{party_id.value}" if party_id.type else party_id.value


def service_name(service: Service) -> str:
    """The one string for a service, in the same way."""
    return f"{service.type}:{service.value}" if service.type else service.value


def service_names(service: Service) -> set[str]:
    """Every string that an application may use for it."""
    return {service_name(service), service.value}
