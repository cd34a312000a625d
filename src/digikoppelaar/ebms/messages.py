"""What an ebMS 2.0 message says, as frozen values. The wire's spelling is translated in `envelope` only.

Field names follow the specification (MessageId -> message_id). An `Envelope` is what the SOAP part says;
a `Part` is what is known of one payload; neither holds payload bytes.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Final
from urllib.parse import quote, unquote

from digikoppelaar.ebms import names

_CID_SAFE: Final = "@!$&'()*+,;=:"


@dataclass(frozen=True, slots=True)
class PartyId:
    """One identifier of a party; `type` is `urn:osb:oin` for an OIN (KS-08)."""

    value: str
    type: str | None = names.OIN_TYPE


@dataclass(frozen=True, slots=True)
class Party:
    """From or To of a MessageHeader. Business messages have a role, MSH signals need not (2.3)."""

    party_ids: tuple[PartyId, ...]
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """A service name with its type; without type the name must be a URI (2.3)."""

    value: str
    type: str | None = None


@dataclass(frozen=True, slots=True)
class MessageHeader:
    """eb:MessageHeader with eb:MessageData flattened into it. Times are aware, in UTC."""

    from_party: Party
    to_party: Party
    cpa_id: str
    conversation_id: str
    service: Service
    action: str
    message_id: str
    timestamp: datetime
    ref_to_message_id: str | None = None
    time_to_live: datetime | None = None
    duplicate_elimination: bool = False
    version: str = names.VERSION


@dataclass(frozen=True, slots=True)
class AckRequested:
    """The request for an acknowledgment; `actor` None means absent, which reads as toPartyMSH (2.6)."""

    signed: bool
    actor: str | None = names.ACTOR_TO_PARTY
    version: str = names.VERSION


@dataclass(frozen=True, slots=True)
class SyncReply:
    """The wish to have the signal in the HTTP response (2.5)."""

    actor: str = names.ACTOR_SOAP_NEXT
    version: str = names.VERSION


@dataclass(frozen=True, slots=True)
class SignedReference:
    """One ds:Reference as signed: `uri` is "" for the envelope or `cid:...`; `digest` is raw, not base64.

    `xml` is the reference element as it stood, for the copies inside a signed acknowledgment (2.10).
    """

    uri: str
    digest_method: str
    digest: bytes
    xml: bytes = field(default=b"", repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Acknowledgment:
    """eb:Acknowledgment: receipt of the message `ref_to_message_id`."""

    timestamp: datetime
    ref_to_message_id: str
    from_party_ids: tuple[PartyId, ...] = ()
    references: tuple[SignedReference, ...] = ()
    actor: str | None = names.ACTOR_TO_PARTY
    version: str = names.VERSION


class ErrorCode(Enum):
    """The codes of ebMS 2.0 section 4.2.3.4."""

    VALUE_NOT_RECOGNIZED = "ValueNotRecognized"
    NOT_SUPPORTED = "NotSupported"
    INCONSISTENT = "Inconsistent"
    OTHER_XML = "OtherXml"
    DELIVERY_FAILURE = "DeliveryFailure"
    TIME_TO_LIVE_EXPIRED = "TimeToLiveExpired"
    SECURITY_FAILURE = "SecurityFailure"
    MIME_PROBLEM = "MimeProblem"
    UNKNOWN = "Unknown"


class Severity(Enum):
    """Only an error ends the delivery of a message."""

    WARNING = "Warning"
    ERROR = "Error"


@dataclass(frozen=True, slots=True)
class EbxmlError:
    """One eb:Error. `code` stays text, for a partner may send a code of its own."""

    code: str
    severity: Severity
    description: str = ""
    location: str | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """eb:Manifest: the `xlink:href` of every payload, in the order of the document."""

    hrefs: tuple[str, ...]
    version: str = names.VERSION


class MessageStatus(Enum):
    """What became of a message that a StatusRequest asks about (2.8)."""

    UNAUTHORIZED = "UnAuthorized"
    NOT_RECOGNIZED = "NotRecognized"
    RECEIVED = "Received"
    PROCESSED = "Processed"
    FORWARDED = "Forwarded"


@dataclass(frozen=True, slots=True)
class StatusResponse:
    """eb:StatusResponse; `timestamp` is the time of receipt, absent for UnAuthorized and NotRecognized."""

    ref_to_message_id: str
    status: MessageStatus
    timestamp: datetime | None = None
    version: str = names.VERSION


@dataclass(frozen=True, slots=True)
class Envelope:
    """What one SOAP part says. Empty tuple or None: the element is absent."""

    header: MessageHeader
    sync_reply: SyncReply | None = None
    ack_requested: AckRequested | None = None
    acknowledgment: Acknowledgment | None = None
    errors: tuple[EbxmlError, ...] = ()
    manifest: Manifest | None = None
    status_request: str | None = None
    """RefToMessageId of an eb:StatusRequest."""
    status_response: StatusResponse | None = None
    message_order: bool = False


@dataclass(frozen=True, slots=True)
class ReceivedEnvelope:
    """A parsed SOAP part together with the bytes it came from: signatures hold over bytes, not over meaning."""

    envelope: Envelope
    document: bytes = field(repr=False)
    signatures: int = 0
    """Number of ds:Signature children of soap:Header."""


class Confidentiality(Enum):
    """How a payload part came in."""

    PLAIN = "plain"
    DECRYPTED = "decrypted"
    """It was encrypted for us; what the Part says is about the plaintext."""
    BROKEN = "broken"
    """It is encrypted, and could not be decrypted."""


@dataclass(frozen=True, slots=True)
class Part:
    """One payload part after decoding and decryption. `digests` maps a digest algorithm URI to the raw digest."""

    content_id: str
    """Without angle brackets."""
    content_type: str
    size: int
    digests: dict[str, bytes]
    confidentiality: Confidentiality = Confidentiality.PLAIN


def cid_uri(content_id: str) -> str:
    """The `cid:` URI of a payload, for the Manifest and for the signature alike (RFC 2392)."""
    return "cid:" + quote(content_id, safe=_CID_SAFE)


def content_id_of(uri: str) -> str | None:
    """The Content-ID that a `cid:` URI names, percent-decoded (statement 11); None for any other URI."""
    scheme, colon, rest = uri.strip().partition(":")
    return unquote(rest) if colon and scheme.lower() == "cid" else None
