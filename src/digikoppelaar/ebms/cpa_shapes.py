"""What a CPA may hold, as tables: element, order, cardinality, attributes and simple types (`cpp-cpa-2_0.xsd`).

Data only; `cpa_structure` checks a document against it, and says what is meant to differ from the schema.
"""

import re
from collections.abc import Mapping
from typing import Final

from digikoppelaar.ebms import names
from digikoppelaar.ebms.cpa_document import tag
from digikoppelaar.ebms.structure import Attribute, Child, Kind, Shape, read_date_time

# --- Simple types --------------------------------------------------------------------------------------------


def _matching(pattern: str, flags: re.RegexFlag = re.ASCII) -> Kind:
    compiled = re.compile(pattern, flags)
    return lambda text: compiled.fullmatch(text.strip(" \t\r\n")) is not None


def _one_of(*values: str) -> Kind:
    return lambda text: text.strip(" \t\r\n") in values


def _is_date_time(text: str) -> bool:
    try:
        read_date_time(text)
    except ValueError:
        return False
    return True


def _is_int(text: str) -> bool:
    return _INTEGER(text) and -(2**31) <= int(text) < 2**31


_NON_EMPTY: Final[Kind] = bool
_NAME: Final[Kind] = _matching(r"[^\W\d][\w.\-·]*", re.UNICODE)
_INTEGER: Final = _matching(r"[+-]?[0-9]{1,1000}")
_COUNT: Final = _matching(r"\+?[0-9]{1,1000}|-0+")
_LANGUAGE: Final = _matching(r"[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*")
_BOOLEAN: Final = _one_of("true", "false", "0", "1")
_DURATION: Final = _matching(
    r"-?P(?=.)([0-9]+Y)?([0-9]+M)?([0-9]+D)?(T(?=.)([0-9]+H)?([0-9]+M)?([0-9]+(\.[0-9]+)?S)?)?"
)
_CHARACTERISTIC: Final = _one_of("always", "never", "perMessage")
_PERSISTENCE: Final = _one_of("none", "transient", "persistent", "transient-and-persistent")
_SYNC_REPLY: Final = _one_of("mshSignalsOnly", "responseOnly", "signalsAndResponse", "signalsOnly", "none")

# --- Tables --------------------------------------------------------------------------------------------------


def _ds(name: str) -> str:
    return f"{{{names.DS}}}{name}"


def _xlink(name: str) -> str:
    return f"{{{names.XLINK}}}{name}"


def _one(name: str) -> Child:
    return Child(tag(name))


def _perhaps(name: str) -> Child:
    return Child(tag(name), 0)


def _some(name: str) -> Child:
    return Child(tag(name), 1, None)


def _any(name: str) -> Child:
    return Child(tag(name), 0, None)


def _must(**attributes: Kind) -> dict[str, Attribute]:
    return {tag(name): Attribute(kind, required=True) for name, kind in attributes.items()}


def _may(**attributes: Kind) -> dict[str, Attribute]:
    return {tag(name): Attribute(kind) for name, kind in attributes.items()}


def _holds(*children: Child, others: bool = False) -> Shape:
    return Shape(children, others=others)


_LINK: Final = {_xlink("type"): Attribute(_one_of("simple")), _xlink("href"): Attribute(required=True)}
_PART: Final = {**_must(id=_NAME, mimetype=_NON_EMPTY), **_may(mimeparameters=_NON_EMPTY)}
_EMPTY: Final = Shape()
_PROTOCOL: Final = Shape(text=_NON_EMPTY, attributes=_may(version=_NON_EMPTY))
_CERTIFICATE_REF: Final = Shape(attributes=_must(certId=_NAME))
_SECURITY_REF: Final = Shape(attributes=_must(securityId=_NAME))
_REFERENCE: Final = Shape(text=_NAME)
_TRANSFORMS: Final = Shape((Child(_ds("Transform"), 1, None),))
_OPAQUE: Final = Shape(opaque=True)
_BINDING: Final = Shape(
    (_one("BusinessTransactionCharacteristics"), _perhaps("ActionContext"), _some("ChannelId")),
    {
        **_must(id=_NAME, action=_NON_EMPTY, packageId=_NAME),
        _xlink("href"): Attribute(),
        _xlink("type"): Attribute(_one_of("simple")),
    },
    others=True,
)
_ALGORITHM: Final = _may(oid=_NON_EMPTY, w3c=_NON_EMPTY, enumerationType=_NON_EMPTY)


def _ebxml_binding(side: str) -> Shape:
    children = (
        _perhaps("ReliableMessaging"),
        _perhaps("PersistDuration"),
        _perhaps(f"{side}NonRepudiation"),
        _perhaps(f"{side}DigitalEnvelope"),
        _any("NamespaceSupported"),
    )
    return Shape(children, _must(version=_NON_EMPTY))


_TABLE: Final[Mapping[str, Shape]] = {
    "CollaborationProtocolAgreement": Shape(
        (
            _one("Status"),
            _one("Start"),
            _one("End"),
            _perhaps("ConversationConstraints"),
            Child(tag("PartyInfo"), 2, 2),
            _some("SimplePart"),
            _some("Packaging"),
            _perhaps("Signature"),
            _any("Comment"),
        ),
        _must(cpaid=_NON_EMPTY, version=_NON_EMPTY),
    ),
    "Status": Shape(attributes=_must(value=_one_of("agreed", "signed", "proposed"))),
    "Start": Shape(text=_is_date_time),
    "End": Shape(text=_is_date_time),
    "ConversationConstraints": Shape(attributes=_may(invocationLimit=_is_int, concurrentConversations=_is_int)),
    "Signature": _holds(Child(_ds("Signature"), 1, 3)),
    "Comment": Shape(text=_NON_EMPTY, attributes={f"{{{names.XML}}}lang": Attribute(_LANGUAGE)}),
    "PartyInfo": Shape(
        (
            _some("PartyId"),
            _some("PartyRef"),
            _some("CollaborationRole"),
            _any("Certificate"),
            _any("SecurityDetails"),
            _some("DeliveryChannel"),
            _some("Transport"),
            _some("DocExchange"),
            _any("OverrideMshActionBinding"),
        ),
        _must(partyName=_NON_EMPTY, defaultMshChannelId=_NAME, defaultMshPackageId=_NAME),
    ),
    "PartyId": Shape(text=_NON_EMPTY, attributes={tag("type"): Attribute()}),
    "PartyRef": Shape(attributes={**_LINK, tag("type"): Attribute(), tag("schemaLocation"): Attribute()}),
    "CollaborationRole": _holds(
        _one("ProcessSpecification"),
        _one("Role"),
        _any("ApplicationCertificateRef"),
        _perhaps("ApplicationSecurityDetailsRef"),
        _one("ServiceBinding"),
    ),
    "ProcessSpecification": Shape(
        (Child(_ds("Reference"), 0, None),),
        {**_must(name=_NON_EMPTY, version=_NON_EMPTY), **_LINK, tag("uuid"): Attribute()},
    ),
    "Role": Shape(attributes={**_must(name=_NON_EMPTY), **_LINK}),
    "ApplicationCertificateRef": _CERTIFICATE_REF,
    "ApplicationSecurityDetailsRef": _SECURITY_REF,
    "ServiceBinding": _holds(_one("Service"), _any("CanSend"), _any("CanReceive")),
    "Service": Shape(text=_NON_EMPTY, attributes=_may(type=_NON_EMPTY)),
    "CanSend": _holds(_one("ThisPartyActionBinding"), _perhaps("OtherPartyActionBinding"), _any("CanReceive")),
    "CanReceive": _holds(_one("ThisPartyActionBinding"), _perhaps("OtherPartyActionBinding"), _any("CanSend")),
    "ThisPartyActionBinding": _BINDING,
    "OtherPartyActionBinding": _REFERENCE,
    "BusinessTransactionCharacteristics": Shape(
        attributes=_may(
            isNonRepudiationRequired=_BOOLEAN,
            isNonRepudiationReceiptRequired=_BOOLEAN,
            isConfidential=_PERSISTENCE,
            isAuthenticated=_PERSISTENCE,
            isTamperProof=_PERSISTENCE,
            isAuthorizationRequired=_BOOLEAN,
            isIntelligibleCheckRequired=_BOOLEAN,
            timeToAcknowledgeReceipt=_DURATION,
            timeToAcknowledgeAcceptance=_DURATION,
            timeToPerform=_DURATION,
            retryCount=_INTEGER,
        )
    ),
    "ActionContext": Shape(
        (_perhaps("CollaborationActivity"),),
        _must(
            binaryCollaboration=_NON_EMPTY, businessTransactionActivity=_NON_EMPTY, requestOrResponseAction=_NON_EMPTY
        ),
        others=True,
    ),
    "CollaborationActivity": Shape((_perhaps("CollaborationActivity"),), _may(name=_NON_EMPTY)),
    "ChannelId": _REFERENCE,
    "Certificate": Shape((Child(_ds("KeyInfo")),), _must(certId=_NAME)),
    "SecurityDetails": Shape((_perhaps("TrustAnchors"), _perhaps("SecurityPolicy")), _must(securityId=_NAME)),
    "TrustAnchors": _holds(_some("AnchorCertificateRef")),
    "AnchorCertificateRef": _CERTIFICATE_REF,
    "SecurityPolicy": _EMPTY,
    "DeliveryChannel": Shape(
        (_one("MessagingCharacteristics"),), _must(channelId=_NAME, transportId=_NAME, docExchangeId=_NAME)
    ),
    "MessagingCharacteristics": Shape(
        attributes=_may(
            syncReplyMode=_SYNC_REPLY,
            ackRequested=_CHARACTERISTIC,
            ackSignatureRequested=_CHARACTERISTIC,
            duplicateElimination=_CHARACTERISTIC,
            actor=_one_of(names.ACTOR_NEXT_MSH, names.ACTOR_TO_PARTY),
        )
    ),
    "Transport": Shape((_perhaps("TransportSender"), _perhaps("TransportReceiver")), _must(transportId=_NAME)),
    "TransportSender": _holds(
        _one("TransportProtocol"), _any("AccessAuthentication"), _perhaps("TransportClientSecurity")
    ),
    "TransportReceiver": _holds(
        _one("TransportProtocol"), _any("AccessAuthentication"), _some("Endpoint"), _perhaps("TransportServerSecurity")
    ),
    "TransportProtocol": _PROTOCOL,
    "AccessAuthentication": Shape(text=_one_of("basic", "digest")),
    "Endpoint": Shape(
        attributes={
            tag("uri"): Attribute(required=True),
            **_may(type=_one_of("login", "request", "response", "error", "allPurpose")),
        }
    ),
    "TransportClientSecurity": _holds(
        _one("TransportSecurityProtocol"),
        _perhaps("ClientCertificateRef"),
        _perhaps("ServerSecurityDetailsRef"),
        _any("EncryptionAlgorithm"),
    ),
    "TransportServerSecurity": _holds(
        _one("TransportSecurityProtocol"),
        _one("ServerCertificateRef"),
        _perhaps("ClientSecurityDetailsRef"),
        _any("EncryptionAlgorithm"),
    ),
    "TransportSecurityProtocol": _PROTOCOL,
    "ClientCertificateRef": _CERTIFICATE_REF,
    "ServerCertificateRef": _CERTIFICATE_REF,
    "ServerSecurityDetailsRef": _SECURITY_REF,
    "ClientSecurityDetailsRef": _SECURITY_REF,
    "DocExchange": Shape(
        (_perhaps("ebXMLSenderBinding"), _perhaps("ebXMLReceiverBinding")), _must(docExchangeId=_NAME)
    ),
    "ebXMLSenderBinding": _ebxml_binding("Sender"),
    "ebXMLReceiverBinding": _ebxml_binding("Receiver"),
    "ReliableMessaging": _holds(_perhaps("Retries"), _perhaps("RetryInterval"), _one("MessageOrderSemantics")),
    "Retries": Shape(text=_INTEGER),
    "RetryInterval": Shape(text=_DURATION),
    "MessageOrderSemantics": Shape(text=_one_of("Guaranteed", "NotGuaranteed")),
    "PersistDuration": Shape(text=_DURATION),
    "SenderNonRepudiation": _holds(
        _one("NonRepudiationProtocol"), _one("HashFunction"), _some("SignatureAlgorithm"), _one("SigningCertificateRef")
    ),
    "ReceiverNonRepudiation": _holds(
        _one("NonRepudiationProtocol"),
        _one("HashFunction"),
        _some("SignatureAlgorithm"),
        _perhaps("SigningSecurityDetailsRef"),
    ),
    "NonRepudiationProtocol": _PROTOCOL,
    "HashFunction": Shape(text=_NON_EMPTY),
    "SignatureAlgorithm": Shape(text=_NON_EMPTY, attributes=_ALGORITHM),
    "SigningCertificateRef": _CERTIFICATE_REF,
    "SigningSecurityDetailsRef": _SECURITY_REF,
    "SenderDigitalEnvelope": _holds(
        _one("DigitalEnvelopeProtocol"), _some("EncryptionAlgorithm"), _perhaps("EncryptionSecurityDetailsRef")
    ),
    "ReceiverDigitalEnvelope": _holds(
        _one("DigitalEnvelopeProtocol"), _some("EncryptionAlgorithm"), _one("EncryptionCertificateRef")
    ),
    "DigitalEnvelopeProtocol": _PROTOCOL,
    "EncryptionAlgorithm": Shape(text=_NON_EMPTY, attributes={**_ALGORITHM, **_may(minimumStrength=_INTEGER)}),
    "EncryptionSecurityDetailsRef": _SECURITY_REF,
    "EncryptionCertificateRef": _CERTIFICATE_REF,
    "NamespaceSupported": Shape(
        text=lambda _: True, attributes={tag("location"): Attribute(required=True), **_may(version=_NON_EMPTY)}
    ),
    "OverrideMshActionBinding": Shape(attributes=_must(action=_NON_EMPTY, channelId=_NAME)),
    "SimplePart": Shape((_any("NamespaceSupported"),), {**_PART, _xlink("role"): Attribute()}),
    "Packaging": Shape((_one("ProcessingCapabilities"), _some("CompositeList")), _must(id=_NAME)),
    "ProcessingCapabilities": Shape(attributes=_must(parse=_BOOLEAN, generate=_BOOLEAN)),
    "Encapsulation": Shape((_one("Constituent"),), _PART),
    "Composite": Shape((_some("Constituent"),), _PART),
    "Constituent": Shape(
        (_perhaps("SignatureTransforms"), _perhaps("EncryptionTransforms")),
        {**_must(idref=_NAME), **_may(excludedFromSignature=_BOOLEAN, minOccurs=_COUNT, maxOccurs=_COUNT)},
    ),
    "SignatureTransforms": _TRANSFORMS,
    "EncryptionTransforms": _TRANSFORMS,
}

SHAPES: Final[Mapping[str, Shape]] = {
    **{tag(name): shape for name, shape in _TABLE.items()},
    **{_ds(name): _OPAQUE for name in ("KeyInfo", "Signature", "Reference", "Transform")},
}
"""Every element that may stand in a CPA, but for CompositeList: the one with a choice."""

COMPOSITES: Final = frozenset({tag("Encapsulation"), tag("Composite")})
"""What a CompositeList holds: one or more, in any order."""
