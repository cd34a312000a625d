"""Reading a CPA: from the XML of CPP/A 2.0 to an Agreement, as one of its two parties sees it.

Everything comes out of the document (element tree: digikoppeling-ebms2.md, 4.1). A CPA that cannot be worked with
raises CpaError; one that could, but that Digikoppeling or this version does not allow, is read, and `cpa_findings`
says why it must not be used. Not here yet: validation against the schema, a ds:Signature on the CPA, the dates and OINs
of its certificates.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from lxml import etree

from digikoppelaar import xml
from digikoppelaar.ebms import names
from digikoppelaar.ebms.agreement import (
    Action,
    Agreement,
    Channel,
    Characteristic,
    ReliableMessaging,
    Side,
    Signing,
)
from digikoppelaar.ebms.cpa_document import (
    Index,
    attribute,
    certificate,
    child,
    children,
    count,
    date_time,
    duration,
    index_of,
    read_root,
    tag,
    text,
)
from digikoppelaar.ebms.messages import PartyId, Service
from digikoppelaar.errors import CpaError

DEFAULT_RELIABLE_MESSAGING: Final = ReliableMessaging(retries=39, retry_interval=timedelta(hours=3))
"""For an empty ReliableMessaging: the window of five days that holds when nothing was agreed (KS-31)."""

BUSINESS_ENDPOINTS: Final = ("request", "allPurpose")
SIGNAL_ENDPOINTS: Final = ("response", "allPurpose")
"""Types of Endpoint, the more specific first; allPurpose excludes the others (CPA s.8.4.34.2)."""


@dataclass(frozen=True, slots=True)
class CpaNames:
    """Which CPA this is and whom it is between: enough to ask which of the two we are."""

    cpa_id: str
    parties: tuple[Side, Side]


def cpa_names(document: bytes) -> CpaNames:
    """Name and parties of the CPA in `document`. Raises CpaError, XmlError or TooLarge."""
    root = read_root(document)
    first, second = _party_infos(root)
    return CpaNames(attribute(root, "cpaid"), (_names_of(first), _names_of(second)))


def read_agreement(document: bytes, our_party_ids: Collection[str]) -> Agreement:
    """The CPA in `document` as the party sees it that has one of `our_party_ids` (values, without type).

    Message characteristics, retries and signing come from the sender's binding; endpoint and PersistDuration from the
    receiver's; both are paired by OtherPartyActionBinding (2.13). Raises CpaError, also when neither or both parties
    are ours, and XmlError or TooLarge when it is not even a document.
    """
    root = read_root(document)
    ours, theirs = _our_side_first(_party_infos(root), our_party_ids)
    index = index_of(root)
    starts_at, ends_at = _validity(root)
    _refuse_what_nobody_may_use(root)
    agreement = Agreement(
        cpa_id=attribute(root, "cpaid"),
        starts_at=starts_at,
        ends_at=ends_at,
        ours=_side(ours, index),
        theirs=_side(theirs, index),
        sends=tuple(_actions(ours, theirs, index)),
        receives=tuple(_actions(theirs, ours, index)),
        our_signals=_signals(ours, theirs, index),
        their_signals=_signals(theirs, ours, index),
    )
    _check_signed_receipts(agreement.sends, agreement.their_signals)
    _check_signed_receipts(agreement.receives, agreement.our_signals)
    return agreement


# --- The whole -----------------------------------------------------------------------------------------------


def _party_infos(root: etree._Element) -> tuple[etree._Element, etree._Element]:
    found = children(root, "PartyInfo")
    if len(found) != 2:
        raise CpaError(f"a CPA has two PartyInfo elements, this one has {len(found)}")
    return found[0], found[1]


def _our_side_first(
    parties: tuple[etree._Element, etree._Element], our_party_ids: Collection[str]
) -> tuple[etree._Element, etree._Element]:
    first, second = parties
    is_first, is_second = (any(found.value in our_party_ids for found in _party_ids(party)) for party in parties)
    if is_first == is_second:
        raise CpaError(
            "both parties of the CPA are ours" if is_first else "neither party of the CPA is ours",
            advice="Controleer of het OIN van de organisatie het PartyId van precies één partij in de CPA is.",
        )
    return (first, second) if is_first else (second, first)


def _validity(root: etree._Element) -> tuple[datetime, datetime]:
    status = attribute(child(root, "Status"), "value")
    if status not in ("agreed", "signed"):
        raise CpaError(f"the CPA has status {status!r}; only agreed or signed can be used")
    starts_at, ends_at = date_time(child(root, "Start")), date_time(child(root, "End"))
    if starts_at >= ends_at:
        raise CpaError("the CPA starts after it ends")
    return starts_at, ends_at


def _refuse_what_nobody_may_use(root: etree._Element) -> None:
    if any(text(order) == "Guaranteed" for order in root.iter(tag("MessageOrderSemantics"))):
        raise CpaError("MessageOrderSemantics Guaranteed is not supported (KS3)")
    if next(root.iter(tag("AccessAuthentication")), None) is not None:
        raise CpaError("AccessAuthentication is not used in Digikoppeling (KS-44)")
    if next(root.iter(tag("OverrideMshActionBinding")), None) is not None:
        raise CpaError("OverrideMshActionBinding is not supported: signals go over the default MSH channel")


def _names_of(party: etree._Element) -> Side:
    return Side(attribute(party, "partyName"), _party_ids(party))


def _side(party: etree._Element, index: Index) -> Side:
    references = [*party.iter(tag("ClientCertificateRef")), *party.iter(tag("ServerCertificateRef"))]
    certificates = dict.fromkeys(certificate(reference, index) for reference in references)
    return Side(attribute(party, "partyName"), _party_ids(party), tuple(certificates))


def _party_ids(party: etree._Element) -> tuple[PartyId, ...]:
    found = tuple(PartyId(text(element), element.get(tag("type"))) for element in children(party, "PartyId"))
    if not found or not all(party_id.value for party_id in found):
        raise CpaError("a PartyInfo has no PartyId, or an empty one")
    return found


# --- Actions -------------------------------------------------------------------------------------------------


def _actions(sender: etree._Element, receiver: etree._Element, index: Index) -> Iterator[Action]:
    for role in children(sender, "CollaborationRole"):
        for can_send in children(child(role, "ServiceBinding"), "CanSend"):
            sending = child(can_send, "ThisPartyActionBinding")
            receiving = index[text(child(can_send, "OtherPartyActionBinding"))]
            yield _action(role, sending, _role_receiving(receiving, receiver), receiving, index)


def _role_receiving(binding: etree._Element, receiver: etree._Element) -> etree._Element:
    """The CollaborationRole of `binding`, which must be a CanReceive of `receiver`."""
    ancestors = list(binding.iterancestors())
    if xml.local_name(ancestors[0]) != "CanReceive" or receiver not in ancestors:
        raise CpaError(f"OtherPartyActionBinding {attribute(binding, 'id')!r} is no CanReceive of the other party")
    return next(binding.iterancestors(tag("CollaborationRole")))


def _action(
    sender_role: etree._Element,
    sending: etree._Element,
    receiver_role: etree._Element,
    receiving: etree._Element,
    index: Index,
) -> Action:
    service, action = _service(sender_role), _action_name(sending)
    if (service, action) != (_service(receiver_role), _action_name(receiving)):
        raise CpaError(f"action {action!r} does not have the same service and name at both sides")
    channels = [index[text(child(binding, "ChannelId"))] for binding in (sending, receiving)]
    channel = _channel(channels[0], channels[1], index, BUSINESS_ENDPOINTS)
    characteristics = child(sending, "BusinessTransactionCharacteristics")
    signs = characteristics.get(tag("isNonRepudiationRequired")) in ("true", "1")
    if signs and channel.signing is None:
        raise CpaError(f"action {action!r} must be signed, but its sender has no SenderNonRepudiation")
    return Action(
        service=service,
        action=action,
        sender_role=attribute(child(sender_role, "Role"), "name"),
        receiver_role=attribute(child(receiver_role, "Role"), "name"),
        channel=channel,
        sender_signs=signs,
        encrypted=characteristics.get(tag("isConfidential")) in ("persistent", "transient-and-persistent"),
    )


def _service(role: etree._Element) -> Service:
    element = child(child(role, "ServiceBinding"), "Service")
    return Service(_without_space(text(element), "Service"), element.get(tag("type")))


def _action_name(binding: etree._Element) -> str:
    return _without_space(attribute(binding, "action"), "action")


def _without_space(name: str, what: str) -> str:
    if not name or any(character.isspace() for character in name):
        raise CpaError(f"{what} {name!r} is empty or holds white space (KS-16, KS-17)")
    return name


# --- Channels ------------------------------------------------------------------------------------------------


def _signals(sender: etree._Element, receiver: etree._Element, index: Index) -> Channel:
    """The channel over which `sender` sends MSH signals: the default MSH channels of both, paired."""
    channels = [index[attribute(party, "defaultMshChannelId")] for party in (sender, receiver)]
    return _channel(channels[0], channels[1], index, SIGNAL_ENDPOINTS)


def _channel(sending: etree._Element, receiving: etree._Element, index: Index, endpoints: tuple[str, ...]) -> Channel:
    said = child(sending, "MessagingCharacteristics")
    sender, receiver = (index[attribute(channel, "docExchangeId")] for channel in (sending, receiving))
    channel = Channel(
        endpoint=_endpoint(index[attribute(receiving, "transportId")], endpoints),
        sync_reply_mode=said.get(tag("syncReplyMode"), "none"),
        ack_requested=_characteristic(said, "ackRequested"),
        ack_signature_requested=_characteristic(said, "ackSignatureRequested"),
        duplicate_elimination=_characteristic(said, "duplicateElimination"),
        reliable_messaging=_reliable_messaging(_in_binding(sender, "ebXMLSenderBinding", "ReliableMessaging")),
        persist_duration=_persist_duration(_in_binding(receiver, "ebXMLReceiverBinding", "PersistDuration")),
        signing=_signing(_in_binding(sender, "ebXMLSenderBinding", "SenderNonRepudiation"), index),
    )
    _check_channel(attribute(sending, "channelId"), channel, said.get(tag("actor")))
    return _one_copy(channel)


@lru_cache(maxsize=4096)
def _one_copy(channel: Channel) -> Channel:
    """The first channel like this one: the actions of one CPA mostly have the same, and certificates are large."""
    return channel


def _check_channel(name: str, channel: Channel, actor: str | None) -> None:
    if channel.ack_requested is Characteristic.ALWAYS and channel.reliable_messaging is None:
        raise CpaError(f"channel {name!r} always requests an acknowledgment, but has no ReliableMessaging")
    if channel.duplicate_elimination is Characteristic.ALWAYS and channel.persist_duration is None:
        raise CpaError(f"channel {name!r} always eliminates duplicates, but its receiver has no PersistDuration")
    if channel.ack_requested is not Characteristic.NEVER and actor not in (None, names.ACTOR_TO_PARTY):
        raise CpaError(f"channel {name!r} requests acknowledgments of actor {actor!r} (KS-36)")


def _check_signed_receipts(actions: tuple[Action, ...], signals: Channel) -> None:
    """A receiver can only sign acknowledgments when its default MSH channel says how (CPA s.8.4.23.3)."""
    for action in actions:
        if action.channel.ack_signature_requested is Characteristic.ALWAYS and signals.signing is None:
            raise CpaError(f"action {action.action!r} asks for signed acknowledgments, but its receiver cannot sign")


def _characteristic(said: etree._Element, name: str) -> Characteristic:
    value = said.get(tag(name), Characteristic.PER_MESSAGE.value)
    try:
        return Characteristic(value)
    except ValueError:
        raise CpaError(f"{name} is {value!r}, not always, never or perMessage") from None


def _endpoint(transport: etree._Element, types: tuple[str, ...]) -> str:
    found = {element.get(tag("type"), "allPurpose"): element for element in transport.iter(tag("Endpoint"))}
    for wanted in types:
        if wanted in found:
            return attribute(found[wanted], "uri")
    raise CpaError(f"transport {attribute(transport, 'transportId')!r} has no Endpoint for {' or '.join(types)}")


def _in_binding(doc_exchange: etree._Element, binding: str, name: str) -> etree._Element | None:
    return doc_exchange.find(f"{tag(binding)}/{tag(name)}")


def _reliable_messaging(element: etree._Element | None) -> ReliableMessaging | None:
    if element is None:
        return None
    retries, interval = children(element, "Retries"), children(element, "RetryInterval")
    if len(retries) != len(interval):
        raise CpaError("Retries and RetryInterval go together (CPA s.8.4.41.1)")
    return ReliableMessaging(count(retries[0]), duration(interval[0])) if retries else DEFAULT_RELIABLE_MESSAGING


def _persist_duration(element: etree._Element | None) -> timedelta | None:
    return None if element is None else duration(element)


def _signing(element: etree._Element | None, index: Index) -> Signing | None:
    if element is None:
        return None
    return Signing(
        signature_algorithm=text(child(element, "SignatureAlgorithm")),
        digest_method=text(child(element, "HashFunction")),
        certificate=certificate(child(element, "SigningCertificateRef"), index),
    )
