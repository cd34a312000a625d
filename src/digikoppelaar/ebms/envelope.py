"""The SOAP part of an ebMS message: bytes to Envelope, and back (digikoppeling-ebms2.md, 2.3 to 2.8).

Reading refuses what is not an ebMS 2.0 envelope at all; whether the values fit the CPA is for `checks`, and whether
anybody signed them is for `signature`. Writing uses exactly the prefixes of names.PREFIXES, all on the root.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from lxml import etree

from digikoppelaar import xml
from digikoppelaar.ebms import names
from digikoppelaar.ebms.messages import (
    Acknowledgment,
    AckRequested,
    EbxmlError,
    Envelope,
    Manifest,
    MessageHeader,
    MessageStatus,
    Party,
    PartyId,
    ReceivedEnvelope,
    Service,
    Severity,
    StatusResponse,
    SyncReply,
)
from digikoppelaar.ebms.mime import parse_content_type
from digikoppelaar.ebms.references import copy_reference, read_references
from digikoppelaar.ebms.structure import check_structure, elements_of, read_date_time, short_name, text_of
from digikoppelaar.errors import EnvelopeError

LONGEST_MESSAGE_ID: Final = 998
"""Characters: a line of RFC 2822, whose form it has; what is longer cannot be a key."""
SOAP_LIMIT: Final = 1024 * 1024
"""Largest SOAP part in bytes."""
SOAP_ELEMENTS: Final = 20_000
"""Most elements of a SOAP part: each is checked, copied and canonicalized, and 260,000 fit in SOAP_LIMIT."""

_UTF_8: Final = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
_SOAP: Final = f"{{{names.SOAP}}}"
_EB: Final = f"{{{names.EB}}}"
_SIGNATURE: Final = f"{{{names.DS}}}Signature"
_HREF: Final = f"{{{names.XLINK}}}href"

_UNDERSTOOD: Final = frozenset(
    {
        *(_EB + name for name in ("MessageHeader", "SyncReply", "AckRequested", "Acknowledgment", "ErrorList")),
        _EB + "MessageOrder",
        _SIGNATURE,
    }
)
_OUR_ACTORS: Final = frozenset({None, "", names.ACTOR_TO_PARTY, names.ACTOR_NEXT_MSH, names.ACTOR_SOAP_NEXT})
"""Elements with these actors are for us: we are the next MSH and the To Party MSH (KS-36)."""


# --- Reading -------------------------------------------------------------------------------------------------


def read_envelope(document: bytes, *, limit: int = SOAP_LIMIT, content_type: str | None = None) -> ReceivedEnvelope:
    """What a SOAP part says, with the bytes it came from.

    `limit` is in bytes. `content_type` is that of the SOAP part: its charset must not contradict UTF-8 (statement 7).
    White space around values is dropped. Raises TooLarge, XmlError, or EnvelopeError with its SOAP fault code:
    VersionMismatch (statement 16), MustUnderstand (statement 17), else Client (statements 19, 128).
    """
    root = xml.parse(document, limit=limit, max_elements=SOAP_ELEMENTS)
    _check_encoding(root, content_type)
    header = root.find(_SOAP + "Header")
    signatures = 0 if header is None else len(header.findall(_SIGNATURE))
    return ReceivedEnvelope(read_tree(root), document, signatures)


def read_tree(root: etree._Element, *, part_of_checked: bool = False) -> Envelope:
    """The same for a parsed document; `signature` reads with it what was signed. Raises EnvelopeError.

    `part_of_checked`: the structure of the document that it was cut from is known to hold, so it is not checked again.
    """
    _check_version(root)
    if not part_of_checked:
        check_structure(root)
    header = root.find(_SOAP + "Header")
    body = root.find(_SOAP + "Body")
    if header is None or body is None:
        raise EnvelopeError("soap:Envelope: soap:Header is missing")
    _check_must_understand(header)
    return Envelope(
        header=_read_header(_the_message_header(root, header)),
        sync_reply=_read_sync_reply(_only(header, "SyncReply")),
        ack_requested=_read_ack_requested(_only(header, "AckRequested")),
        acknowledgment=_read_acknowledgment(_only(header, "Acknowledgment")),
        errors=_read_errors(_only(header, "ErrorList")),
        manifest=_read_manifest(_only(body, "Manifest")),
        status_request=_read_status_request(_only(body, "StatusRequest")),
        status_response=_read_status_response(_only(body, "StatusResponse")),
        message_order=_only(header, "MessageOrder") is not None,
    )


def _check_encoding(root: etree._Element, content_type: str | None) -> None:
    declared = root.getroottree().docinfo.encoding
    charset = parse_content_type(content_type)[1].get("charset") if content_type else None
    for encoding in (declared, charset):
        if encoding is not None and encoding.lower() not in _UTF_8:
            raise EnvelopeError("the SOAP part must be UTF-8 by XML declaration and charset")


def _check_version(root: etree._Element) -> None:
    name = etree.QName(root)
    if name.localname == "Envelope" and name.namespace != names.SOAP:
        raise EnvelopeError("the envelope is not SOAP 1.1", fault_code="VersionMismatch")
    if root.tag != _SOAP + "Envelope":
        raise EnvelopeError(f"{name.localname} is not a SOAP envelope")


def _check_must_understand(header: etree._Element) -> None:
    for element in _extensions(header):
        asked = element.get(_SOAP + "mustUnderstand") == "1" and element.get(_SOAP + "actor") in _OUR_ACTORS
        if asked and element.tag not in _UNDERSTOOD:
            tag = short_name(str(element.tag))
            raise EnvelopeError(f"{tag} must be understood and is not known here", fault_code="MustUnderstand")


def _extensions(header: etree._Element) -> Iterator[etree._Element]:
    """The header elements, and what else stands directly in those of ebMS (2.3, foreign elements)."""
    for element in elements_of(header):
        yield element
        if str(element.tag).startswith(_EB):
            yield from elements_of(element)


def _the_message_header(root: etree._Element, header: etree._Element) -> etree._Element:
    everywhere = list(root.iter(_EB + "MessageHeader"))
    if len(everywhere) != 1 or everywhere[0].getparent() is not header:
        raise EnvelopeError("soap:Header must hold the one eb:MessageHeader of the envelope")
    return everywhere[0]


def _only(parent: etree._Element, name: str) -> etree._Element | None:
    found = parent.findall(_EB + name)
    if len(found) > 1:
        raise EnvelopeError(f"{short_name(str(parent.tag))} holds more than one eb:{name}")
    return found[0] if found else None


def _child(parent: etree._Element, name: str) -> etree._Element:
    child = parent.find(_EB + name)
    if child is None:
        raise EnvelopeError(f"{short_name(str(parent.tag))}: eb:{name} is missing")
    return child


def _value(element: etree._Element) -> str:
    value = text_of(element).strip()
    if not value:
        raise EnvelopeError(f"{short_name(str(element.tag))} is empty")
    return value


def _optional(parent: etree._Element, name: str) -> str | None:
    child = parent.find(_EB + name)
    return None if child is None else _value(child)


def _message_id(data: etree._Element) -> str:
    message_id = _value(_child(data, "MessageId"))
    if len(message_id) > LONGEST_MESSAGE_ID:
        raise EnvelopeError(f"eb:MessageId has more than {LONGEST_MESSAGE_ID} characters")
    return message_id


def _read_header(element: etree._Element) -> MessageHeader:
    data = _child(element, "MessageData")
    time_to_live = data.find(_EB + "TimeToLive")
    service = _child(element, "Service")
    return MessageHeader(
        from_party=_read_party(_child(element, "From")),
        to_party=_read_party(_child(element, "To")),
        cpa_id=_value(_child(element, "CPAId")),
        conversation_id=_value(_child(element, "ConversationId")),
        service=Service(_value(service), service.get(_EB + "type")),
        action=_value(_child(element, "Action")),
        message_id=_message_id(data),
        timestamp=_moment(_child(data, "Timestamp")),
        ref_to_message_id=_optional(data, "RefToMessageId"),
        time_to_live=None if time_to_live is None else _moment(time_to_live),
        duplicate_elimination=element.find(_EB + "DuplicateElimination") is not None,
        version=_version(element),
    )


def _read_party(element: etree._Element) -> Party:
    return Party(_party_ids(element), _optional(element, "Role"))


def _party_ids(element: etree._Element) -> tuple[PartyId, ...]:
    return tuple(PartyId(_value(one), one.get(_EB + "type")) for one in element.iter(_EB + "PartyId"))


def _moment(element: etree._Element) -> datetime:
    try:
        return read_date_time(text_of(element))
    except ValueError as error:
        raise EnvelopeError(f"{short_name(str(element.tag))}: {error}") from error


def _version(element: etree._Element) -> str:
    return element.get(_EB + "version", "")


def _read_sync_reply(element: etree._Element | None) -> SyncReply | None:
    return None if element is None else SyncReply(element.get(_SOAP + "actor", ""), _version(element))


def _read_ack_requested(element: etree._Element | None) -> AckRequested | None:
    if element is None:
        return None
    signed = element.get(_EB + "signed", "").strip() in {"true", "1"}
    return AckRequested(signed, element.get(_SOAP + "actor"), _version(element))


def _read_acknowledgment(element: etree._Element | None) -> Acknowledgment | None:
    if element is None:
        return None
    sender = element.find(_EB + "From")
    return Acknowledgment(
        timestamp=_moment(_child(element, "Timestamp")),
        ref_to_message_id=_value(_child(element, "RefToMessageId")),
        from_party_ids=() if sender is None else _party_ids(sender),
        references=read_references(element.findall(f"{{{names.DS}}}Reference")),
        actor=element.get(_SOAP + "actor"),
        version=_version(element),
    )


def _read_errors(element: etree._Element | None) -> tuple[EbxmlError, ...]:
    return () if element is None else tuple(_read_error(one) for one in element.findall(_EB + "Error"))


def _read_error(element: etree._Element) -> EbxmlError:
    return EbxmlError(
        code=element.get(_EB + "errorCode", ""),
        severity=Severity(element.get(_EB + "severity", "").strip()),
        description=_optional(element, "Description") or "",
        location=element.get(_EB + "location"),
    )


def _read_manifest(element: etree._Element | None) -> Manifest | None:
    if element is None:
        return None
    return Manifest(tuple(one.get(_HREF, "") for one in element.findall(_EB + "Reference")), _version(element))


def _read_status_request(element: etree._Element | None) -> str | None:
    return None if element is None else _value(_child(element, "RefToMessageId"))


def _read_status_response(element: etree._Element | None) -> StatusResponse | None:
    if element is None:
        return None
    timestamp = element.find(_EB + "Timestamp")
    return StatusResponse(
        ref_to_message_id=_value(_child(element, "RefToMessageId")),
        status=MessageStatus(element.get(_EB + "messageStatus", "").strip()),
        timestamp=None if timestamp is None else _moment(timestamp),
        version=_version(element),
    )


# --- Writing -------------------------------------------------------------------------------------------------


def write_envelope(envelope: Envelope) -> bytes:
    """The SOAP part, UTF-8. Times go out in UTC with milliseconds and `Z`.

    MessageOrder is never written: this handler does not offer it (2.9).
    """
    root = etree.Element(_SOAP + "Envelope", nsmap=dict(names.PREFIXES))
    header = etree.SubElement(root, _SOAP + "Header")
    _write_header(header, envelope.header)
    if envelope.sync_reply:
        _extension(header, "SyncReply", envelope.sync_reply.version, actor=envelope.sync_reply.actor)
    if envelope.ack_requested:
        _write_ack_requested(header, envelope.ack_requested)
    if envelope.acknowledgment:
        _write_acknowledgment(header, envelope.acknowledgment)
    if envelope.errors:
        _write_errors(header, envelope.errors)
    _write_body(etree.SubElement(root, _SOAP + "Body"), envelope)
    return xml.serialize(root)


def write_date_time(moment: datetime) -> str:
    """An aware time as xs:dateTime in UTC, cut to milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _add(parent: etree._Element, name: str, text: str | None = None, **attributes: str | None) -> etree._Element:
    element = etree.SubElement(parent, _EB + name)
    for attribute, value in attributes.items():
        if value is not None:
            element.set(_EB + attribute, value)
    element.text = text
    return element


def _extension(
    header: etree._Element, name: str, version: str, *, actor: str | None = None, **attributes: str
) -> etree._Element:
    element = _add(header, name, **attributes, version=version)
    if actor is not None:
        element.set(_SOAP + "actor", actor)
    element.set(_SOAP + "mustUnderstand", "1")
    return element


def _write_header(parent: etree._Element, header: MessageHeader) -> None:
    element = _extension(parent, "MessageHeader", header.version)
    _write_party(element, "From", header.from_party)
    _write_party(element, "To", header.to_party)
    _add(element, "CPAId", header.cpa_id)
    _add(element, "ConversationId", header.conversation_id)
    _add(element, "Service", header.service.value, type=header.service.type)
    _add(element, "Action", header.action)
    data = _add(element, "MessageData")
    _add(data, "MessageId", header.message_id)
    _add(data, "Timestamp", write_date_time(header.timestamp))
    if header.ref_to_message_id is not None:
        _add(data, "RefToMessageId", header.ref_to_message_id)
    if header.time_to_live is not None:
        _add(data, "TimeToLive", write_date_time(header.time_to_live))
    if header.duplicate_elimination:
        _add(element, "DuplicateElimination")


def _write_party(parent: etree._Element, name: str, party: Party) -> None:
    element = _add(parent, name)
    _write_party_ids(element, party.party_ids)
    if party.role is not None:
        _add(element, "Role", party.role)


def _write_party_ids(element: etree._Element, party_ids: tuple[PartyId, ...]) -> None:
    for party_id in party_ids:
        _add(element, "PartyId", party_id.value, type=party_id.type)


def _write_ack_requested(header: etree._Element, asked: AckRequested) -> None:
    signed = "true" if asked.signed else "false"
    _extension(header, "AckRequested", asked.version, actor=asked.actor, signed=signed)


def _write_acknowledgment(header: etree._Element, acknowledgment: Acknowledgment) -> None:
    element = _extension(header, "Acknowledgment", acknowledgment.version, actor=acknowledgment.actor)
    _add(element, "Timestamp", write_date_time(acknowledgment.timestamp))
    _add(element, "RefToMessageId", acknowledgment.ref_to_message_id)
    if acknowledgment.from_party_ids:
        _write_party_ids(_add(element, "From"), acknowledgment.from_party_ids)
    for reference in acknowledgment.references:
        copy_reference(element, reference)


def _write_errors(header: etree._Element, errors: tuple[EbxmlError, ...]) -> None:
    serious = any(error.severity is Severity.ERROR for error in errors)
    highest = Severity.ERROR if serious else Severity.WARNING
    error_list = _extension(header, "ErrorList", names.VERSION, highestSeverity=highest.value)
    for error in errors:
        element = _add(
            error_list, "Error", errorCode=error.code, severity=error.severity.value, location=error.location
        )
        if error.description:
            _add(element, "Description", error.description).set(f"{{{names.XML}}}lang", "en")


def _write_body(body: etree._Element, envelope: Envelope) -> None:
    if envelope.manifest:
        manifest = _add(body, "Manifest", version=envelope.manifest.version)
        for href in envelope.manifest.hrefs:
            _add(manifest, "Reference").attrib.update({_HREF: href, f"{{{names.XLINK}}}type": "simple"})
    if envelope.status_request is not None:
        request = _add(body, "StatusRequest", version=names.VERSION)
        _add(request, "RefToMessageId", envelope.status_request)
    if envelope.status_response is not None:
        _write_status_response(body, envelope.status_response)


def _write_status_response(body: etree._Element, told: StatusResponse) -> None:
    element = _add(body, "StatusResponse", version=told.version, messageStatus=told.status.value)
    _add(element, "RefToMessageId", told.ref_to_message_id)
    if told.timestamp is not None:
        _add(element, "Timestamp", write_date_time(told.timestamp))
