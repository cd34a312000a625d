"""Who may send what to whom in a CPA, as pairs of elements: the sender's action binding and the receiver's.

Pairing only. What the pairs mean is in `cpa`, and whether they may be used in `cpa_findings`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from digikoppelaar import xml
from digikoppelaar.ebms.cpa_document import Index, attribute, child, children, defect, tag, text
from digikoppelaar.errors import CpaError


@dataclass(frozen=True, slots=True)
class Way:
    """A DeliveryChannel of one party, with the Transport and DocExchange that it refers to."""

    channel: etree._Element
    transport: etree._Element
    doc_exchange: etree._Element

    @property
    def characteristics(self) -> etree._Element:
        """Its MessagingCharacteristics."""
        return child(self.channel, "MessagingCharacteristics")

    def of_sender(self, name: str) -> etree._Element | None:
        """An element of its ebXMLSenderBinding."""
        return self.doc_exchange.find(f"{tag('ebXMLSenderBinding')}/{tag(name)}")

    def of_receiver(self, name: str) -> etree._Element | None:
        """An element of its ebXMLReceiverBinding."""
        return self.doc_exchange.find(f"{tag('ebXMLReceiverBinding')}/{tag(name)}")


@dataclass(frozen=True, slots=True)
class Binding:
    """A ThisPartyActionBinding with the CollaborationRole that it is in. Only its first channel is used (4.4)."""

    role: etree._Element
    element: etree._Element
    way: Way

    @property
    def characteristics(self) -> etree._Element:
        """Its BusinessTransactionCharacteristics."""
        return child(self.element, "BusinessTransactionCharacteristics")


@dataclass(frozen=True, slots=True)
class Exchange:
    """One action: the binding of who sends it, and the one of who receives it."""

    sending: Binding
    receiving: Binding


def party_infos(root: etree._Element) -> tuple[etree._Element, etree._Element]:
    """The two parties. Raises CpaError when there are not two."""
    found = children(root, "PartyInfo")
    if len(found) != 2:
        raise CpaError(f"a CPA has two PartyInfo elements, this one has {len(found)}")
    return found[0], found[1]


def way_of(channel_id: str, index: Index) -> Way:
    """The channel under this name with all it refers to."""
    channel = index[channel_id]
    return Way(channel, index[attribute(channel, "transportId")], index[attribute(channel, "docExchangeId")])


def exchanges(sender: etree._Element, receiver: etree._Element, index: Index) -> Iterator[Exchange]:
    """Every action that `sender` may send, paired by OtherPartyActionBinding (2.13). Raises CpaError.

    A CanSend within a CanReceive would be a response in the same HTTP connection: Digikoppeling never has one, so it
    is passed over (statement 60).
    """
    for role in children(sender, "CollaborationRole"):
        for can_send in children(child(role, "ServiceBinding"), "CanSend"):
            other = index[text(child(can_send, "OtherPartyActionBinding"))]
            yield Exchange(
                _binding(role, child(can_send, "ThisPartyActionBinding"), index),
                _binding(_role_receiving(other, receiver), other, index),
            )


def _binding(role: etree._Element, element: etree._Element, index: Index) -> Binding:
    return Binding(role, element, way_of(text(child(element, "ChannelId")), index))


def _role_receiving(binding: etree._Element, receiver: etree._Element) -> etree._Element:
    """The CollaborationRole of `binding`, which must be a CanReceive of `receiver`."""
    ancestors = list(binding.iterancestors())
    role = next(binding.iterancestors(tag("CollaborationRole")), None)
    if xml.local_name(ancestors[0]) != "CanReceive" or receiver not in ancestors or role is None:
        raise defect(
            binding, f"OtherPartyActionBinding {attribute(binding, 'id')!r} is no CanReceive of the other party"
        )
    return role
