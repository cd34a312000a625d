"""Reading a CPA: from the XML of CPP/A 2.0 to an Agreement, as one of its two parties sees it.

Everything comes out of the document (element tree: digikoppeling-ebms2.md, 4.1). A CPA that cannot be worked with
raises CpaError; one that could, but that Digikoppeling does not allow, is read, and `cpa_findings` says why it must
not be used. Not here: the schema (`cpa_structure`), and making CPAs (`cpa_build`).
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import Final

from lxml import etree

from digikoppelaar.ebms import names
from digikoppelaar.ebms.agreement import (
    Action,
    Agreement,
    Channel,
    Characteristic,
    Encryption,
    ReliableMessaging,
    Side,
    Signing,
)
from digikoppelaar.ebms.cpa_bindings import Binding, Exchange, Way, exchanges, party_infos, way_of
from digikoppelaar.ebms.cpa_document import (
    Index,
    algorithm,
    attribute,
    certificate,
    chain,
    child,
    children,
    count,
    date_time,
    defect,
    duration,
    flag,
    index_of,
    is_persistent,
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

ChannelOf = Callable[[Way, Way, tuple[str, ...]], Channel]
"""The channel from a sender's way to a receiver's, with the types of Endpoint that fit."""


@dataclass(frozen=True, slots=True)
class CpaNames:
    """Which CPA this is and whom it is between: enough to ask which of the two we are."""

    cpa_id: str
    parties: tuple[Side, Side]


def cpa_names(document: bytes) -> CpaNames:
    """Name and parties of the CPA in `document`. Raises CpaError, XmlError or TooLarge."""
    root = read_root(document)
    first, second = party_infos(root)
    return CpaNames(attribute(root, "cpaid"), (_names_of(first), _names_of(second)))


def read_agreement(document: bytes, our_party_ids: Collection[str]) -> Agreement:
    """The CPA in `document` as the party sees it that has one of `our_party_ids` (values, without type).

    Message characteristics, retries and signing come from the sender's binding; endpoint and PersistDuration from the
    receiver's; both are paired by OtherPartyActionBinding (2.13). Raises CpaError, also when neither or both parties
    are ours, and XmlError or TooLarge when it is not even a document.
    """
    root = read_root(document)
    ours, theirs = _our_side_first(party_infos(root), our_party_ids)
    index = index_of(root)
    starts_at, ends_at = _validity(root)
    _refuse_what_nobody_may_use(root)

    @cache  # thousands of actions may share a channel, and its certificates are decoded each time
    def channel_of(sending: Way, receiving: Way, endpoints: tuple[str, ...]) -> Channel:
        return _channel(sending, receiving, index, endpoints)

    agreement = Agreement(
        cpa_id=attribute(root, "cpaid"),
        starts_at=starts_at,
        ends_at=ends_at,
        ours=_side(ours, index),
        theirs=_side(theirs, index),
        sends=tuple(_actions(ours, theirs, index, channel_of)),
        receives=tuple(_actions(theirs, ours, index, channel_of)),
        our_signals=_signals(ours, theirs, index, channel_of),
        their_signals=_signals(theirs, ours, index, channel_of),
        our_overrides=_overrides(ours, theirs, index, channel_of),
        their_overrides=_overrides(theirs, ours, index, channel_of),
    )
    _check_signed_receipts(agreement.sends, agreement.their_signal(names.ACKNOWLEDGMENT))
    _check_signed_receipts(agreement.receives, agreement.our_signal(names.ACKNOWLEDGMENT))
    return agreement


# --- The whole -----------------------------------------------------------------------------------------------


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
        raise defect(child(root, "Status"), f"the CPA has status {status!r}; only agreed or signed can be used")
    starts_at, ends_at = date_time(child(root, "Start")), date_time(child(root, "End"))
    if starts_at >= ends_at:
        raise defect(child(root, "Start"), "the CPA starts after it ends")
    return starts_at, ends_at


def _refuse_what_nobody_may_use(root: etree._Element) -> None:
    for order in root.iter(tag("MessageOrderSemantics")):
        if text(order) == "Guaranteed":
            raise defect(order, "MessageOrderSemantics Guaranteed is not supported (KS3)")
    for access in root.iter(tag("AccessAuthentication")):
        raise defect(access, "AccessAuthentication is not used in Digikoppeling (KS-44)")


def _names_of(party: etree._Element) -> Side:
    return Side(attribute(party, "partyName"), _party_ids(party))


def _side(party: etree._Element, index: Index) -> Side:
    references = [*party.iter(tag("ClientCertificateRef")), *party.iter(tag("ServerCertificateRef"))]
    by_name = {attribute(reference, "certId"): reference for reference in references}
    certificates = dict.fromkeys(certificate(reference, index) for reference in by_name.values())
    return Side(attribute(party, "partyName"), _party_ids(party), tuple(certificates))


def _party_ids(party: etree._Element) -> tuple[PartyId, ...]:
    found = tuple(PartyId(text(element), element.get(tag("type"))) for element in children(party, "PartyId"))
    if not found or not all(party_id.value for party_id in found):
        raise defect(party, "a PartyInfo has no PartyId, or an empty one")
    return found


# --- Actions -------------------------------------------------------------------------------------------------


def _actions(sender: etree._Element, receiver: etree._Element, index: Index, channel_of: ChannelOf) -> Iterator[Action]:
    for exchange in exchanges(sender, receiver, index):
        yield _action(exchange, channel_of)


def _action(exchange: Exchange, channel_of: ChannelOf) -> Action:
    sending, receiving = exchange.sending, exchange.receiving
    service, action = _service(sending.role), _action_name(sending)
    if (service, action) != (_service(receiving.role), _action_name(receiving)):
        raise defect(receiving.element, f"action {action!r} does not have the same service and name at both sides")
    channel = channel_of(sending.way, receiving.way, BUSINESS_ENDPOINTS)
    _check_channel(sending.way, channel)
    signs = flag(sending.characteristics, "isNonRepudiationRequired")
    if signs and channel.signing is None:
        raise defect(sending.element, f"action {action!r} must be signed, but its sender has no SenderNonRepudiation")
    encrypted = is_persistent(sending.characteristics, "isConfidential")
    if encrypted and channel.encryption is None:
        reason = f"action {action!r} must be encrypted, but its receiver has no ReceiverDigitalEnvelope"
        raise defect(receiving.element, reason)
    return Action(
        service=service,
        action=action,
        sender_role=attribute(child(sending.role, "Role"), "name"),
        receiver_role=attribute(child(receiving.role, "Role"), "name"),
        channel=channel,
        sender_signs=signs,
        encrypted=encrypted,
    )


def _service(role: etree._Element) -> Service:
    element = child(child(role, "ServiceBinding"), "Service")
    return Service(_without_space(text(element), "Service", element), element.get(tag("type")))


def _action_name(binding: Binding) -> str:
    return _without_space(attribute(binding.element, "action"), "action", binding.element)


def _without_space(name: str, what: str, element: etree._Element) -> str:
    if not name or any(character.isspace() for character in name):
        raise defect(element, f"{what} {name!r} is empty or holds white space (KS-16, KS-17)")
    return name


# --- Channels ------------------------------------------------------------------------------------------------


def _signals(sender: etree._Element, receiver: etree._Element, index: Index, channel_of: ChannelOf) -> Channel:
    """The channel over which `sender` sends MSH signals: the default MSH channels of both, paired."""
    ways = [way_of(attribute(party, "defaultMshChannelId"), index) for party in (sender, receiver)]
    channel = channel_of(ways[0], ways[1], SIGNAL_ENDPOINTS)
    _check_channel(ways[0], channel)
    return channel


def _overrides(
    sender: etree._Element, receiver: etree._Element, index: Index, channel_of: ChannelOf
) -> dict[str, Channel]:
    """By MSH action, where one of the two has another channel for it than its default one (CPA s.8.4.58)."""
    ours, theirs = _override_ids(sender), _override_ids(receiver)
    defaults = [attribute(party, "defaultMshChannelId") for party in (sender, receiver)]
    return {
        action: channel_of(
            way_of(ours.get(action, defaults[0]), index),
            way_of(theirs.get(action, defaults[1]), index),
            SIGNAL_ENDPOINTS,
        )
        for action in {**ours, **theirs}
    }


def _override_ids(party: etree._Element) -> dict[str, str]:
    found = children(party, "OverrideMshActionBinding")
    return {attribute(element, "action"): attribute(element, "channelId") for element in found}


def _channel(sending: Way, receiving: Way, index: Index, endpoints: tuple[str, ...]) -> Channel:
    said = sending.characteristics
    return _one_copy(
        Channel(
            endpoint=_endpoint(receiving.transport, endpoints),
            sync_reply_mode=said.get(tag("syncReplyMode"), "none").strip(),
            ack_requested=_characteristic(said, "ackRequested"),
            ack_signature_requested=_characteristic(said, "ackSignatureRequested"),
            duplicate_elimination=_characteristic(said, "duplicateElimination"),
            reliable_messaging=_reliable_messaging(sending.of_sender("ReliableMessaging")),
            persist_duration=_persist_duration(receiving.of_receiver("PersistDuration")),
            signing=_signing(sending.of_sender("SenderNonRepudiation"), index),
            encryption=_encryption(sending, receiving, index),
        )
    )


@lru_cache(maxsize=4096)
def _one_copy(channel: Channel) -> Channel:
    """The first channel like this one: the actions of one CPA mostly have the same, and certificates are large."""
    return channel


def _check_channel(sending: Way, channel: Channel) -> None:
    element, actor = sending.channel, sending.characteristics.get(tag("actor"))
    name = attribute(element, "channelId")
    if channel.ack_requested is Characteristic.ALWAYS and channel.reliable_messaging is None:
        raise defect(element, f"channel {name!r} always requests an acknowledgment, but has no ReliableMessaging")
    if channel.duplicate_elimination is Characteristic.ALWAYS and channel.persist_duration is None:
        reason = f"channel {name!r} always eliminates duplicates, but its receiver has no PersistDuration"
        raise defect(element, reason)
    if channel.ack_requested is not Characteristic.NEVER and actor not in (None, names.ACTOR_TO_PARTY):
        raise defect(element, f"channel {name!r} requests acknowledgments of actor {actor!r} (KS-36)")


def _check_signed_receipts(actions: tuple[Action, ...], signals: Channel) -> None:
    """A receiver can only sign acknowledgments when its default MSH channel says how (CPA s.8.4.23.3)."""
    for action in actions:
        if action.channel.ack_signature_requested is Characteristic.ALWAYS and signals.signing is None:
            raise CpaError(f"action {action.action!r} asks for signed acknowledgments, but its receiver cannot sign")


def _characteristic(said: etree._Element, name: str) -> Characteristic:
    value = said.get(tag(name), Characteristic.PER_MESSAGE.value).strip()
    try:
        return Characteristic(value)
    except ValueError:
        raise defect(said, f"{name} is {value!r}, not always, never or perMessage") from None


def _endpoint(transport: etree._Element, types: tuple[str, ...]) -> str:
    found = {element.get(tag("type"), "allPurpose"): element for element in transport.iter(tag("Endpoint"))}
    for wanted in types:
        if wanted in found:
            return attribute(found[wanted], "uri")
    raise defect(
        transport, f"transport {attribute(transport, 'transportId')!r} has no Endpoint for {' or '.join(types)}"
    )


def _reliable_messaging(element: etree._Element | None) -> ReliableMessaging | None:
    if element is None:
        return None
    retries, interval = children(element, "Retries"), children(element, "RetryInterval")
    if len(retries) != len(interval):
        raise defect(element, "Retries and RetryInterval go together (CPA s.8.4.41.1)")
    return ReliableMessaging(count(retries[0]), duration(interval[0])) if retries else DEFAULT_RELIABLE_MESSAGING


def _persist_duration(element: etree._Element | None) -> timedelta | None:
    return None if element is None else duration(element)


def _signing(element: etree._Element | None, index: Index) -> Signing | None:
    if element is None:
        return None
    return Signing(
        signature_algorithm=algorithm(child(element, "SignatureAlgorithm")),
        digest_method=text(child(element, "HashFunction")),
        certificate=certificate(child(element, "SigningCertificateRef"), index),
        chain=chain(child(element, "SigningCertificateRef"), index),
    )


def _encryption(sending: Way, receiving: Way, index: Index) -> Encryption | None:
    """As the receiver wants it: its first algorithm that the sender names too, and its certificate (2.13)."""
    wanted, offered = receiving.of_receiver("ReceiverDigitalEnvelope"), sending.of_sender("SenderDigitalEnvelope")
    if wanted is None:
        return None
    wishes = [algorithm(element) for element in children(wanted, "EncryptionAlgorithm")]
    if not wishes:
        raise defect(wanted, "ReceiverDigitalEnvelope has no EncryptionAlgorithm")
    known = set() if offered is None else set(map(algorithm, children(offered, "EncryptionAlgorithm")))
    return Encryption(
        algorithm=next((wish for wish in wishes if wish in known), wishes[0]),
        certificate=certificate(child(wanted, "EncryptionCertificateRef"), index),
        chain=chain(child(wanted, "EncryptionCertificateRef"), index),
    )
