"""Making a CPA: from what two parties want to agree to the XML of CPP/A 2.0.

What comes out is valid against the official schema and reads back by `cpa.read_agreement` as what was asked. Values
only: dates, identifiers and certificates come in (digikoppeling-ebms2.md, 4.1 and 4.3).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from lxml import etree

from digikoppelaar.ebms import names
from digikoppelaar.ebms.cpa_document import tag
from digikoppelaar.ebms.cpa_writing import NSMAP, duration, fill_certificate, instant, link, put, sub, written
from digikoppelaar.ebms.messages import Service
from digikoppelaar.errors import CpaError
from digikoppelaar.pki.certificate import Use

PROFILES: Final = ("osb-be", "osb-be-s", "osb-be-e", "osb-rm", "osb-rm-s", "osb-rm-e")

_ODD: Final = re.compile(r"[^A-Za-z0-9-]+")
Certificates = Mapping[Use, tuple[bytes, ...]]
"""By use: DER of the certificate and of those above it, the leaf first."""


@dataclass(frozen=True, slots=True)
class BuildParty:
    """One party. `certificates` need TLS_CLIENT and TLS_SERVER; SIGN for -s and -e, DECRYPT for -e."""

    name: str
    party_id: str
    role: str
    endpoint: str
    certificates: Certificates = field(repr=False)
    party_id_type: str = names.OIN_TYPE
    key: str = ""
    """Start of its XML ids; empty: A for the first party and B for the second."""


@dataclass(frozen=True, slots=True)
class BuildService:
    """A service with its profile, and which actions the first and the second party send."""

    service: Service
    profile: str
    first_sends: tuple[str, ...] = ()
    second_sends: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CpaOrder:
    """What the parties agree. `retries` counts resends; `persist_duration` None: one interval over the retry window."""

    cpa_id: str
    first: BuildParty
    second: BuildParty
    services: tuple[BuildService, ...]
    starts_at: datetime
    ends_at: datetime
    retries: int = 8
    retry_interval: timedelta = timedelta(hours=3)
    persist_duration: timedelta | None = None
    synchronous: bool = False
    """Reliable messages get their signal in the HTTP response (EB015)."""
    signed_acknowledgments: bool = True
    """Of reliable signed messages (7b)."""
    signature_algorithm: str = names.RSA_SHA256
    digest_method: str = names.SHA256
    encryption_algorithm: str = names.AES256_GCM
    anchors: tuple[bytes, ...] = field(default=(), repr=False)
    """DER of the roots that both trust. Without them the CPA names the certificates themselves, as many do (7k)."""
    comment: str = ""

    @property
    def remembered(self) -> timedelta:
        """How long a receiver remembers a MessageId: longer than the sender keeps trying (statement 202)."""
        return self.persist_duration or (self.retries + 2) * self.retry_interval


def cpa_id_of(service: str, first: str, second: str, version: str) -> str:
    """[ServiceID]_[PartyId-A]_[PartyId-B]_[version], fit for the name of a file (4.3; KS-13)."""
    return f"{_ODD.sub('-', service).strip('-')}_{first}_{second}_{version}"


def build(order: CpaOrder) -> bytes:
    """The CPA as XML. Raises CpaError when the order does not hold together."""
    _check(order)
    root = etree.Element(tag("CollaborationProtocolAgreement"), nsmap=NSMAP)
    put(root, cpaid=order.cpa_id, version="2_0b")
    sub(root, "Status", value="agreed")
    sub(root, "Start", instant(order.starts_at))
    sub(root, "End", instant(order.ends_at))
    first, second = order.first.key or "A", order.second.key or "B"
    _Party(order, order.first, first, second, first=True).write(root)
    _Party(order, order.second, second, first, first=False).write(root)
    _packages(root)
    if order.comment:
        element = sub(root, "Comment", order.comment)
        element.set(f"{{{names.XML}}}lang", "nl")
    return written(root)


def _check(order: CpaOrder) -> None:
    for service in order.services:
        if service.profile not in PROFILES:
            raise CpaError(f"unknown profile {service.profile}; there are {', '.join(PROFILES)}")
        needed = {Use.TLS_CLIENT, Use.TLS_SERVER, *_needed(service.profile)}
        for party in (order.first, order.second):
            if missing := needed - set(party.certificates):
                uses = ", ".join(sorted(use.value for use in missing))
                raise CpaError(f"{party.party_id} needs a certificate for {uses} under {service.profile}")
    if not order.services or not any(each.first_sends or each.second_sends for each in order.services):
        raise CpaError("a CPA needs a service with an action")
    if order.starts_at >= order.ends_at:
        raise CpaError("the CPA would start after it ends")


def _needed(profile: str) -> tuple[Use, ...]:
    return {"s": (Use.SIGN,), "e": (Use.SIGN, Use.DECRYPT)}.get(profile.rpartition("-")[2], ())


# --- One party -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Party:
    """Writes one PartyInfo. `key` starts its identifiers; `other_key` those of the other party."""

    order: CpaOrder
    party: BuildParty
    key: str
    other_key: str
    first: bool

    def write(self, root: etree._Element) -> None:
        element = sub(
            root,
            "PartyInfo",
            partyName=self.party.name,
            defaultMshChannelId=f"{self.key}_signals",
            defaultMshPackageId="SignalPackage",
        )
        sub(element, "PartyId", self.party.party_id, type=self.party.party_id_type)
        link(sub(element, "PartyRef"), f"urn:party:{self.party.party_id}")
        for number, service in enumerate(self.order.services, 1):
            self._role(element, number, service)
        self._certificates(element)
        profiles = list(dict.fromkeys(service.profile for service in self.order.services))
        for name in ("signals", *profiles):
            self._channel(element, name)
        self._transport(element)
        for name in ("signals", *profiles):
            self._doc_exchange(element, name)

    def _role(self, parent: etree._Element, number: int, service: BuildService) -> None:
        role = sub(parent, "CollaborationRole")
        urn = f"urn:service:{_ODD.sub('-', service.service.value)}"
        link(sub(role, "ProcessSpecification", name=service.service.value, version="1"), urn)
        link(sub(role, "Role", name=self.party.role), f"{urn}:{_ODD.sub('-', self.party.role)}")
        binding = sub(role, "ServiceBinding")
        element = sub(binding, "Service", service.service.value)
        if service.service.type is not None:
            put(element, type=service.service.type)
        ours, theirs = service.first_sends, service.second_sends
        if not self.first:
            ours, theirs = theirs, ours
        for action in ours:
            self._binding(binding, "CanSend", number, service.profile, action)
        for action in theirs:
            self._binding(binding, "CanReceive", number, service.profile, action)

    def _binding(self, parent: etree._Element, can: str, number: int, profile: str, action: str) -> None:
        sends, receives = ("S", "R") if can == "CanSend" else ("R", "S")
        position = self._position(number, can, action)
        element = sub(parent, can)
        this = sub(
            element,
            "ThisPartyActionBinding",
            id=f"{self.key}_{number}_{sends}{position}",
            action=action,
            packageId="MessagePackage",
        )
        sub(this, "BusinessTransactionCharacteristics", **_business_characteristics(profile))
        sub(this, "ChannelId", f"{self.key}_{profile}")
        sub(element, "OtherPartyActionBinding", f"{self.other_key}_{number}_{receives}{position}")

    def _position(self, number: int, can: str, action: str) -> int:
        service = self.order.services[number - 1]
        return (service.first_sends if self.first == (can == "CanSend") else service.second_sends).index(action) + 1

    def _certificates(self, parent: etree._Element) -> None:
        for use, chain in self.party.certificates.items():
            fill_certificate(sub(parent, "Certificate"), self._certificate(use), chain)
        for number, anchor in enumerate(self.order.anchors, 1):
            fill_certificate(sub(parent, "Certificate"), f"{self.key}_root{number}", (anchor,))
        anchors = sub(sub(parent, "SecurityDetails", securityId=f"{self.key}_security"), "TrustAnchors")
        for number, _ in enumerate(self.order.anchors, 1):
            sub(anchors, "AnchorCertificateRef", certId=f"{self.key}_root{number}")
        if not self.order.anchors:
            sub(anchors, "AnchorCertificateRef", certId=self._certificate(Use.TLS_SERVER))

    def _certificate(self, use: Use) -> str:
        return f"{self.key}_{use.value}"

    def _channel(self, parent: etree._Element, name: str) -> None:
        element = sub(
            parent,
            "DeliveryChannel",
            channelId=f"{self.key}_{name}",
            transportId=f"{self.key}_transport",
            docExchangeId=f"{self.key}_{name}_exchange",
        )
        reliable = name.startswith("osb-rm")
        signed = reliable and bool(_needed(name)) and self.order.signed_acknowledgments
        sub(
            element,
            "MessagingCharacteristics",
            syncReplyMode="mshSignalsOnly" if reliable and self.order.synchronous else "none",
            ackRequested=_always(reliable),
            ackSignatureRequested=_always(signed),
            duplicateElimination=_always(reliable),
            actor=names.ACTOR_TO_PARTY,
        )

    def _transport(self, parent: etree._Element) -> None:
        element = sub(parent, "Transport", transportId=f"{self.key}_transport")
        sender = sub(element, "TransportSender")
        sub(sender, "TransportProtocol", "HTTP", version="1.1")
        security = sub(sender, "TransportClientSecurity")
        sub(security, "TransportSecurityProtocol", "TLS", version="1.2")
        sub(security, "ClientCertificateRef", certId=self._certificate(Use.TLS_CLIENT))
        sub(security, "ServerSecurityDetailsRef", securityId=f"{self.key}_security")
        receiver = sub(element, "TransportReceiver")
        sub(receiver, "TransportProtocol", "HTTP", version="1.1")
        sub(receiver, "Endpoint", uri=self.party.endpoint, type="allPurpose")
        security = sub(receiver, "TransportServerSecurity")
        sub(security, "TransportSecurityProtocol", "TLS", version="1.2")
        sub(security, "ServerCertificateRef", certId=self._certificate(Use.TLS_SERVER))
        sub(security, "ClientSecurityDetailsRef", securityId=f"{self.key}_security")

    def _doc_exchange(self, parent: etree._Element, name: str) -> None:
        element = sub(parent, "DocExchange", docExchangeId=f"{self.key}_{name}_exchange")
        uses = {use for service in self.order.services for use in _needed(service.profile)}
        signed = Use.SIGN in (uses if name == "signals" else _needed(name))
        for side in ("Sender", "Receiver"):
            binding = sub(element, f"ebXML{side}Binding", version="2.0")
            if name.startswith("osb-rm"):
                self._reliability(binding)
            if signed:
                self._non_repudiation(binding, side)
            if name.endswith("-e"):
                self._envelope(binding, side)

    def _reliability(self, parent: etree._Element) -> None:
        element = sub(parent, "ReliableMessaging")
        sub(element, "Retries", str(self.order.retries))
        sub(element, "RetryInterval", duration(self.order.retry_interval))
        sub(element, "MessageOrderSemantics", "NotGuaranteed")
        sub(parent, "PersistDuration", duration(self.order.remembered))

    def _non_repudiation(self, parent: etree._Element, side: str) -> None:
        element = sub(parent, f"{side}NonRepudiation")
        sub(element, "NonRepudiationProtocol", names.DS)
        sub(element, "HashFunction", self.order.digest_method)
        sub(element, "SignatureAlgorithm", self.order.signature_algorithm)
        if side == "Sender":
            sub(element, "SigningCertificateRef", certId=self._certificate(Use.SIGN))
        else:
            sub(element, "SigningSecurityDetailsRef", securityId=f"{self.key}_security")

    def _envelope(self, parent: etree._Element, side: str) -> None:
        element = sub(parent, f"{side}DigitalEnvelope")
        sub(element, "DigitalEnvelopeProtocol", "XMLENC", version="1.0")
        sub(element, "EncryptionAlgorithm", self.order.encryption_algorithm, w3c=self.order.encryption_algorithm)
        if side == "Sender":
            sub(element, "EncryptionSecurityDetailsRef", securityId=f"{self.key}_security")
        else:
            sub(element, "EncryptionCertificateRef", certId=self._certificate(Use.DECRYPT))


def _business_characteristics(profile: str) -> dict[str, str]:
    """The values of table 4.3 for plain, signed and encrypted profiles."""
    signed, encrypted = bool(_needed(profile)), profile.endswith("-e")
    level = "transient-and-persistent" if signed else "transient"
    return {
        "isNonRepudiationRequired": str(signed).lower(),
        "isNonRepudiationReceiptRequired": str(signed).lower(),
        "isConfidential": "transient-and-persistent" if encrypted else "transient",
        "isAuthenticated": level,
        "isTamperProof": level,
        "isAuthorizationRequired": "true",
        "isIntelligibleCheckRequired": "false",
        "timeToPerform": "P2D",
    }


def _packages(root: etree._Element) -> None:
    header = sub(root, "SimplePart", id="Header", mimetype="text/xml")
    sub(header, "NamespaceSupported", names.EB, location=names.EB, version="2.0")
    sub(root, "SimplePart", id="Payload", mimetype="*/*")
    for name, parts in (("SignalPackage", ("Header",)), ("MessagePackage", ("Header", "Payload"))):
        package = sub(root, "Packaging", id=name)
        sub(package, "ProcessingCapabilities", parse="true", generate="true")
        composite = sub(
            sub(package, "CompositeList"),
            "Composite",
            id=f"{name}Composite",
            mimetype="multipart/related",
            mimeparameters="type=text/xml",
        )
        for part in parts:
            sub(composite, "Constituent", idref=part)


def _always(wanted: bool) -> str:
    return "always" if wanted else "never"
