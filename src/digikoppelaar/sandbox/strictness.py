"""DSO-LV's strict look at what arrives on its ebMS endpoint. Bytes and values in, refusals out; no I/O.

Nothing here uses the `ebms` core, on purpose: sandbox and gateway share that core for sending and receiving, and a
mistake in it must not hide itself. Rules are tables of (statement of digikoppeling-ebms2.md 6, what must hold, test).
Signatures: `strict_signature`.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from typing import Final

from lxml import etree

from digikoppelaar.errors import DigikoppelaarError
from digikoppelaar.sandbox.strict_signature import SignatureTerms, signature_problems
from digikoppelaar.xml import parse

SOAP: Final = "{http://schemas.xmlsoap.org/soap/envelope/}"
EB: Final = "{http://www.oasis-open.org/committees/ebxml-msg/schema/msg-header-2_0.xsd}"
DS: Final = "{http://www.w3.org/2000/09/xmldsig#}"
MSH_SERVICE: Final = "urn:oasis:names:tc:ebxml-msg:service"
TO_PARTY: Final = "urn:oasis:names:tc:ebxml-msg:actor:toPartyMSH"
SIGNALS: Final = frozenset({"Acknowledgment", "MessageError", "Ping", "Pong", "StatusRequest", "StatusResponse"})

_LIMIT: Final = 1024 * 1024
_MESSAGE_ID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}@[A-Za-z0-9.-]+")
_INSTANT: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z")
_HEADER_ORDER: Final = ("From", "To", "CPAId", "ConversationId", "Service", "Action", "MessageData")
_DATA_ORDER: Final = ("MessageId", "Timestamp", "RefToMessageId")


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request as it came in; names of headers in lower case. `oin` is of the TLS client certificate."""

    method: str
    headers: dict[str, str]
    oin: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Awaited:
    """What DSO-LV expects of a signal about one message it sent, or about none (`message_id` empty).

    Party ids are values of type urn:osb:oin. `references` are (URI, base64 digest) as signed in that message;
    `signature` None: an acknowledgment must not be signed. `oins` may appear in the client certificate.
    """

    cpa_id: str
    message_id: str
    conversation_id: str
    ours: str
    theirs: str
    oins: frozenset[str]
    signature: SignatureTerms | None = None
    references: tuple[tuple[str, str], ...] = ()


NOBODY: Final = Awaited("", "", "", "", "", frozenset())


@dataclass(frozen=True, slots=True)
class Refusal:
    """A rule that was broken. `http`: it is answered with a SOAP Fault; else the message just does not count."""

    statement: str
    reason: str
    http: bool = False


@dataclass(frozen=True, slots=True)
class Signal:
    """A parsed envelope with what was awaited, and the OIN of the client certificate."""

    root: etree._Element
    awaited: Awaited
    oin: str

    def at(self, *path: str) -> etree._Element | None:
        """The element under this path of ebMS names, from soap:Header."""
        return self.root.find("/".join([f"{SOAP}Header", *(EB + name for name in path)]))

    def text(self, *path: str) -> str:
        """The text of that element, as it stands; empty when it is absent."""
        found = self.at(*path)
        return (found.text or "") if found is not None else ""

    @property
    def action(self) -> str:
        """Which signal it is."""
        return self.text("MessageHeader", "Action")


TransportRule = tuple[str, str, Callable[[Request], bool]]
SignalRule = tuple[str, str, Callable[[Signal], bool]]

TRANSPORT: Final[tuple[TransportRule, ...]] = (
    ("162", "the method is POST", lambda r: r.method == "POST"),
    ("160", 'SOAPAction is "ebXML", quotes included', lambda r: r.headers.get("soapaction") == '"ebXML"'),
    ("160", "there is no HTTP header MIME-Version", lambda r: "mime-version" not in r.headers),
    (
        "160",
        "there is no HTTP header Content-Transfer-Encoding",
        lambda r: "content-transfer-encoding" not in r.headers,
    ),
    ("3", "Content-Type is text/xml, or multipart/related with type text/xml", lambda r: _media_type_is_right(r)),
    ("KS-39", "charset is UTF-8", lambda r: _charset(r) in {None, "utf-8"}),
    ("181", "the client certificate carries an OIN", lambda r: bool(r.oin)),
)

ENVELOPE: Final[tuple[SignalRule, ...]] = (
    ("16", "the root is a SOAP 1.1 Envelope", lambda s: s.root.tag == f"{SOAP}Envelope"),
    ("16", "Header and Body follow each other in it", lambda s: _tags(s.root) == [f"{SOAP}Header", f"{SOAP}Body"]),
    ("19", "there is one MessageHeader, and it is first", lambda s: _first_in_header(s) and _count(s) == 1),
    ("19", "MessageHeader must be understood", lambda s: _must_understand(s, "MessageHeader")),
    ("20", "MessageHeader has version 2.0", lambda s: _attribute(s, "version", "MessageHeader") == "2.0"),
    ("19", "the MessageHeader has its elements in their order", lambda s: _order_is_right(s)),
)

EVERY_SIGNAL: Final[tuple[SignalRule, ...]] = (
    ("181", "the client certificate is of the party or of who may act for it", lambda s: s.oin in s.awaited.oins),
    ("79", "CPAId is the one of the message", lambda s: s.text("MessageHeader", "CPAId") == s.awaited.cpa_id),
    ("78", "From is the party that the message went to", lambda s: _party(s, "From") == [_oin(s.awaited.theirs)]),
    ("88", "To is the party that sent the message", lambda s: _party(s, "To") == [_oin(s.awaited.ours)]),
    ("89", "a signal has no Role", lambda s: not _anywhere(s, "MessageHeader", "Role")),
    ("88", "the Service has no type", lambda s: _attribute(s, "type", "MessageHeader", "Service") is None),
    ("89", "a signal has no DuplicateElimination", lambda s: not _anywhere(s, "MessageHeader", "DuplicateElimination")),
    ("89", "a signal has no TimeToLive", lambda s: not _anywhere(s, "MessageHeader", "TimeToLive")),
    ("89", "a signal has no AckRequested", lambda s: s.at("AckRequested") is None),
    ("62", "nothing is addressed to the next MSH", lambda s: not _actors(s) - {TO_PARTY}),
    ("107", "a signal has no SyncReply", lambda s: s.at("SyncReply") is None),
    ("89", "a signal has no Manifest", lambda s: s.root.find(f"{SOAP}Body/{EB}Manifest") is None),
    ("41", "MessageId has the form UUID@domain", lambda s: bool(_MESSAGE_ID.fullmatch(_data(s, "MessageId")))),
    ("36", "Timestamp is in UTC, with Z", lambda s: bool(_INSTANT.fullmatch(_data(s, "Timestamp")))),
)

ANSWER: Final[tuple[SignalRule, ...]] = (
    ("76", "RefToMessageId names a message that was sent", lambda s: bool(s.awaited.message_id)),
    ("40", "RefToMessageId is in MessageData", lambda s: bool(_data(s, "RefToMessageId"))),
    ("42", "ConversationId is that of the message", lambda s: _conversation(s) == s.awaited.conversation_id),
    ("88", "it has a MessageId of its own", lambda s: _data(s, "MessageId") != s.awaited.message_id),
)

ACKNOWLEDGMENT: Final[tuple[SignalRule, ...]] = (
    ("88", "there is an Acknowledgment element", lambda s: s.at("Acknowledgment") is not None),
    ("88", "Acknowledgment has version 2.0", lambda s: _attribute(s, "version", "Acknowledgment") == "2.0"),
    ("19", "Acknowledgment must be understood", lambda s: _must_understand(s, "Acknowledgment")),
    ("88", "its actor is toPartyMSH", lambda s: _actor(s, "Acknowledgment") in {TO_PARTY, None}),
    (
        "80",
        "RefToMessageId is the same in Acknowledgment and MessageData",
        lambda s: s.text("Acknowledgment", "RefToMessageId") == _data(s, "RefToMessageId"),
    ),
    (
        "36",
        "the Timestamp of the receipt is in UTC, with Z",
        lambda s: bool(_INSTANT.fullmatch(s.text("Acknowledgment", "Timestamp"))),
    ),
    ("88", "its From, if any, is the party that received", lambda s: _receiver_is_right(s)),
    ("93", "it stands alone: an empty Body and no ErrorList", lambda s: _stands_alone(s)),
)

MESSAGE_ERROR: Final[tuple[SignalRule, ...]] = (
    ("83", "there is an ErrorList with errors", lambda s: s.at("ErrorList", "Error") is not None),
    ("83", "highestSeverity is the highest in the list", lambda s: _highest_is_right(s)),
)

SPECIFIC: Final[dict[str, tuple[SignalRule, ...]]] = {
    "Acknowledgment": ANSWER + ACKNOWLEDGMENT,
    "MessageError": ANSWER + MESSAGE_ERROR,
    "Pong": ANSWER,
    "Ping": (("40", "a Ping has no RefToMessageId", lambda s: not _data(s, "RefToMessageId")),),
}


def refusals(request: Request, awaited_for: Callable[[str, str], Awaited | None]) -> tuple[Refusal, ...]:
    """Every rule that the request breaks; empty when DSO-LV takes it in.

    `awaited_for` gets CPAId and RefToMessageId and says what to expect under that CPA; None: the CPA is unknown. A
    message that is no MSH signal is only checked as far as HTTP and envelope.
    """
    broken = tuple(
        Refusal(number, f"not so: {rule}", http=True) for number, rule, holds in TRANSPORT if not holds(request)
    )
    if broken:
        return broken
    try:
        root = parse(soap_part(request), limit=_LIMIT)
    except (DigikoppelaarError, ValueError) as error:
        return (Refusal("219", str(error), http=True),)
    return _refusals_of(root, request, awaited_for)


def _refusals_of(
    root: etree._Element, request: Request, awaited_for: Callable[[str, str], Awaited | None]
) -> tuple[Refusal, ...]:
    nobody = Signal(root, NOBODY, request.oin)
    if broken := tuple(_broken(ENVELOPE, nobody, http=True)):
        return broken
    awaited = awaited_for(nobody.text("MessageHeader", "CPAId"), _data(nobody, "RefToMessageId"))
    if awaited is None:
        return (Refusal("34", "not so: the CPA is known", http=True),)
    signal = Signal(root, awaited, request.oin)
    if signal.text("MessageHeader", "Service") != MSH_SERVICE:
        return ()
    if signal.action not in SIGNALS:
        return (Refusal("31", "not so: the MSH service has this action"),)
    found = [*_broken(EVERY_SIGNAL, signal), *_broken(SPECIFIC.get(signal.action, ()), signal)]
    if has_payload(request):
        found.append(Refusal("89", "not so: a signal has no payload"))
    return (*found, *_signature_refusals(signal))


def _broken(rules: tuple[SignalRule, ...], signal: Signal, *, http: bool = False) -> Iterator[Refusal]:
    return (Refusal(number, f"not so: {rule}", http) for number, rule, holds in rules if not holds(signal))


def _signature_refusals(signal: Signal) -> Iterator[Refusal]:
    """Only an acknowledgment has to be signed; another signal may be (KS-35), and then its signature must hold."""
    signatures = signal.root.findall(f"{SOAP}Header/{DS}Signature")
    terms = signal.awaited.signature
    if signal.action != "Acknowledgment" and (terms is None or not signatures):
        return
    if terms is None:
        if signatures or _references(signal):
            yield Refusal("139", "not so: an acknowledgment is unsigned when the CPA says never")
        return
    for problem in signature_problems(signal.root, terms):
        yield Refusal("138" if not signatures else "137", problem)
    if signal.action == "Acknowledgment" and sorted(_references(signal)) != sorted(signal.awaited.references):
        yield Refusal("137", "not so: the Reference list is the one that was signed in the message")


def soap_part(request: Request) -> bytes:
    """The SOAP part; raises ValueError when the package has none."""
    if not request.headers["content-type"].lower().startswith("multipart/"):
        return request.body
    parts = _parts(request)
    if not parts:
        raise ValueError("the multipart package has no part")
    content = parts[0].get_payload(decode=True)
    assert isinstance(content, bytes), "a part that is not multipart itself has bytes"
    return content


def has_payload(request: Request) -> bool:
    """Whether there is more than the SOAP part."""
    return request.headers["content-type"].lower().startswith("multipart/") and len(_parts(request)) > 1


def _parts(request: Request) -> list[Message]:
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    package = message_from_bytes(head + request.body).get_payload()
    return [part for part in package if isinstance(part, Message)] if isinstance(package, list) else []


def _content_type(request: Request) -> Message:
    return message_from_bytes(f"Content-Type: {request.headers.get('content-type', '')}\r\n\r\n".encode())


def _media_type_is_right(request: Request) -> bool:
    declared = _content_type(request)
    if not request.headers.get("content-type"):
        return False
    if declared.get_content_type() == "multipart/related":
        return declared.get_param("type") == "text/xml" and declared.get_boundary() is not None
    return declared.get_content_type() == "text/xml"


def _charset(request: Request) -> str | None:
    charset = _content_type(request).get_content_charset()
    return charset.lower() if charset else None


def _tags(element: etree._Element) -> list[str]:
    return [str(child.tag) for child in element.iterchildren("*")]


def _first_in_header(signal: Signal) -> bool:
    header = signal.root.find(f"{SOAP}Header")
    return header is not None and _tags(header)[:1] == [f"{EB}MessageHeader"]


def _count(signal: Signal) -> int:
    return len(list(signal.root.iter(f"{EB}MessageHeader")))


def _attribute(signal: Signal, name: str, *path: str) -> str | None:
    element = signal.at(*path)
    return None if element is None else element.get(EB + name)


def _must_understand(signal: Signal, name: str) -> bool:
    element = signal.at(name)
    return element is not None and element.get(f"{SOAP}mustUnderstand") == "1"


def _actor(signal: Signal, name: str) -> str | None:
    element = signal.at(name)
    return None if element is None else element.get(f"{SOAP}actor")


def _actors(signal: Signal) -> set[str]:
    return {element.get(f"{SOAP}actor") or TO_PARTY for element in signal.root.iter("*")}


def _order_is_right(signal: Signal) -> bool:
    header, data = signal.at("MessageHeader"), signal.at("MessageHeader", "MessageData")
    if header is None or data is None:
        return False
    named = [tag.removeprefix(EB) for tag in _tags(header)]
    in_data = [tag.removeprefix(EB) for tag in _tags(data)]
    return tuple(named[: len(_HEADER_ORDER)]) == _HEADER_ORDER and tuple(in_data[:3]) in {_DATA_ORDER, _DATA_ORDER[:2]}


def _oin(value: str) -> tuple[str | None, str]:
    return ("urn:osb:oin", value)


def _party(signal: Signal, side: str) -> list[tuple[str | None, str]]:
    found = signal.root.findall(f"{SOAP}Header/{EB}MessageHeader/{EB}{side}/{EB}PartyId")
    return [(party_id.get(f"{EB}type"), party_id.text or "") for party_id in found]


def _anywhere(signal: Signal, *path: str) -> bool:
    above = signal.at(*path[:-1])
    return above is not None and next(above.iter(EB + path[-1]), None) is not None


def _data(signal: Signal, name: str) -> str:
    return signal.text("MessageHeader", "MessageData", name)


def _conversation(signal: Signal) -> str:
    return signal.text("MessageHeader", "ConversationId")


def _receiver_is_right(signal: Signal) -> bool:
    receiver = signal.at("Acknowledgment", "From")
    if receiver is None:
        return True
    found = [(party_id.get(f"{EB}type"), party_id.text) for party_id in receiver.iterchildren("*")]
    return found == [_oin(signal.awaited.theirs)]


def _stands_alone(signal: Signal) -> bool:
    body = signal.root.find(f"{SOAP}Body")
    return body is not None and not _tags(body) and signal.at("ErrorList") is None


def _highest_is_right(signal: Signal) -> bool:
    errors = signal.at("ErrorList")
    if errors is None:
        return False
    severities = {error.get(f"{EB}severity") for error in errors.iterchildren(f"{EB}Error")}
    return errors.get(f"{EB}highestSeverity") == ("Error" if "Error" in severities else "Warning")


def _references(signal: Signal) -> list[tuple[str, str]]:
    """(URI, digest) of the copies in the Acknowledgment."""
    acknowledgment = signal.at("Acknowledgment")
    if acknowledgment is None:
        return []
    copies = acknowledgment.findall(f"{DS}Reference")
    return [(copy.get("URI") or "", (copy.findtext(f"{DS}DigestValue") or "").strip()) for copy in copies]
