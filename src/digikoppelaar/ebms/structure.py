"""The structure of a SOAP 1.1 envelope with the ebMS 2.0 extension elements, as tables, and the check of it.

Element, order, cardinality, attributes and simple types: what `envelope.xsd` and `msg-header-2_0.xsd` say, which are
not ours to ship. A differential test holds the two together. Meant to differ from the schemas:

- eb:Description may lack xml:lang, as deployed senders leave it out (2.3);
- ds:Signature is not looked into: `signature` is far stricter and answers with SecurityFailure; nor are ds:Transform
  and ds:DigestMethod in an acknowledgment, of which only the digests are compared;
- the values of xs:anyURI, xml:* and foreign attributes are not looked at, and xsi:type changes nothing;
- years outside 0001-9999 are refused.

What an element means, and how often a header element may come, is for `envelope` and `checks`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from lxml import etree

from digikoppelaar.ebms import names
from digikoppelaar.ebms.references import read_base64
from digikoppelaar.errors import EnvelopeError

_XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
_DATE_TIME: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(Z|[+-](?:0\d|1[0-4]):[0-5]\d)?", re.ASCII
)


def read_date_time(text: str) -> datetime:
    """Any xs:dateTime, in UTC and cut to microseconds. Without a zone it is read as UTC (statement 36).

    Raises ValueError.
    """
    found = _DATE_TIME.fullmatch(text.strip())
    if found is None:
        raise ValueError("not an xs:dateTime")
    year, month, day, hour, minute, second = (int(found[group]) for group in range(1, 7))
    microsecond = int((found[7] or "").ljust(6, "0")[:6])
    midnight_after = (hour, minute, second, int(found[7] or 0)) == (24, 0, 0, 0)
    moment = datetime(year, month, day, 0 if midnight_after else hour, minute, second, microsecond, UTC)
    try:
        return moment + timedelta(days=midnight_after) - _offset(found[8])
    except OverflowError as error:
        raise ValueError("outside the years 0001-9999") from error


def _offset(zone: str | None) -> timedelta:
    if zone in {None, "Z"}:
        return timedelta()
    assert zone is not None
    distance = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
    if distance > timedelta(hours=14):
        raise ValueError("a zone is at most 14 hours")
    return -distance if zone[0] == "-" else distance


Kind = Callable[[str], bool]
"""A simple type: whether a text belongs to it."""


def _one_of(*values: str) -> Kind:
    return lambda text: text.strip() in values


def _matching(pattern: str) -> Kind:
    compiled = re.compile(pattern)
    return lambda text: compiled.fullmatch(text.strip()) is not None


def _anything(_: str) -> bool:
    return True


def _is_date_time(text: str) -> bool:
    try:
        read_date_time(text)
    except ValueError:
        return False
    return True


def _is_base64(text: str) -> bool:
    try:
        read_base64(text)
    except ValueError:
        return False
    return True


_ANY_TEXT: Final[Kind] = _anything
_NON_EMPTY: Final[Kind] = bool
_ID: Final = _matching(r"[^\W\d][\w.\-·]*")
_NUMBER: Final = _matching(r"\+?[0-9]+|-0+")
_FLAG: Final = _one_of("0", "1")
_BOOLEAN: Final = _one_of("true", "false", "0", "1")
_SEVERITY: Final = _one_of("Warning", "Error")
_ORDER_STATUS: Final = _one_of("Reset", "Continue")
_MESSAGE_STATUS: Final = _one_of("UnAuthorized", "NotRecognized", "Received", "Processed", "Forwarded")


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of an element: its type, and whether it must be there."""

    kind: Kind = _ANY_TEXT
    required: bool = False


@dataclass(frozen=True, slots=True)
class Child:
    """A child element in its place in the sequence; `most` None is unbounded."""

    tag: str
    least: int = 1
    most: int | None = 1


@dataclass(frozen=True, slots=True)
class Shape:
    """What one element may hold. With `text` it holds text of that type, else only elements."""

    children: tuple[Child, ...] = ()
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    text: Kind | None = None
    others: bool = False
    """Elements of other namespaces may follow the children."""
    other_attributes: bool = False
    """Attributes of other namespaces are allowed."""
    own_too: bool = False
    """The two wildcards include the element's own namespace and no namespace."""
    opaque: bool = False
    """The content is not looked at."""

    @property
    def is_empty(self) -> bool:
        """Whether not even white space may be inside."""
        return not self.children and not self.others


def _soap(name: str) -> str:
    return f"{{{names.SOAP}}}{name}"


def _eb(name: str) -> str:
    return f"{{{names.EB}}}{name}"


def _ds(name: str) -> str:
    return f"{{{names.DS}}}{name}"


def _xlink(name: str) -> str:
    return f"{{{names.XLINK}}}{name}"


_OPTIONAL_ID: Final = {_eb("id"): Attribute(_ID)}
_BODY_EXTENSION: Final = {**_OPTIONAL_ID, _eb("version"): Attribute(_NON_EMPTY, required=True)}
_HEADER_EXTENSION: Final = {**_BODY_EXTENSION, _soap("mustUnderstand"): Attribute(_FLAG, required=True)}
_TYPED: Final = Shape(text=_NON_EMPTY, attributes={_eb("type"): Attribute(_NON_EMPTY)})
_NAME: Final = Shape(text=_NON_EMPTY)
_MOMENT: Final = Shape(text=_is_date_time)
_PARTY: Final = Shape((Child(_eb("PartyId"), most=None), Child(_eb("Role"), 0)))
_ALGORITHM: Final = Shape(attributes={"Algorithm": Attribute(required=True)}, opaque=True)


def _header(*children: Child, others: bool = True, **attributes: Attribute) -> Shape:
    own = {_eb(name): attribute for name, attribute in attributes.items()}
    return Shape(children, {**_HEADER_EXTENSION, **own}, others=others, other_attributes=True)


def _body(*children: Child, **attributes: Attribute) -> Shape:
    own = {_eb(name): attribute for name, attribute in attributes.items()}
    return Shape(children, {**_BODY_EXTENSION, **own}, others=True, other_attributes=True)


SHAPES: Final[Mapping[str, Shape]] = {
    _soap("Envelope"): Shape((Child(_soap("Header"), 0), Child(_soap("Body"))), others=True, other_attributes=True),
    _soap("Header"): Shape(others=True, other_attributes=True),
    _soap("Body"): Shape(others=True, other_attributes=True, own_too=True),
    _soap("Fault"): Shape(opaque=True, other_attributes=True, own_too=True),
    _eb("MessageHeader"): _header(
        Child(_eb("From")),
        Child(_eb("To")),
        Child(_eb("CPAId")),
        Child(_eb("ConversationId")),
        Child(_eb("Service")),
        Child(_eb("Action")),
        Child(_eb("MessageData")),
        Child(_eb("DuplicateElimination"), 0),
        Child(_eb("Description"), 0, None),
    ),
    _eb("From"): _PARTY,
    _eb("To"): _PARTY,
    _eb("PartyId"): _TYPED,
    _eb("CPAId"): _NAME,
    _eb("ConversationId"): _NAME,
    _eb("Service"): _TYPED,
    _eb("Action"): _NAME,
    _eb("MessageData"): Shape(
        (
            Child(_eb("MessageId")),
            Child(_eb("Timestamp")),
            Child(_eb("RefToMessageId"), 0),
            Child(_eb("TimeToLive"), 0),
        )
    ),
    _eb("MessageId"): _NAME,
    _eb("Timestamp"): _MOMENT,
    _eb("RefToMessageId"): _NAME,
    _eb("TimeToLive"): _MOMENT,
    _eb("DuplicateElimination"): Shape(text=_ANY_TEXT),
    _eb("Description"): Shape(text=_NON_EMPTY, attributes={f"{{{names.XML}}}lang": Attribute()}),
    _eb("SyncReply"): Shape(
        attributes={**_HEADER_EXTENSION, _soap("actor"): Attribute(required=True)}, others=True, other_attributes=True
    ),
    _eb("MessageOrder"): _header(Child(_eb("SequenceNumber"))),
    _eb("SequenceNumber"): Shape(text=_NUMBER, attributes={_eb("status"): Attribute(_ORDER_STATUS)}),
    _eb("AckRequested"): _header(signed=Attribute(_BOOLEAN, required=True)),
    _eb("Acknowledgment"): _header(
        Child(_eb("Timestamp")),
        Child(_eb("RefToMessageId")),
        Child(_eb("From"), 0),
        Child(_ds("Reference"), 0, None),
        others=False,
    ),
    _eb("ErrorList"): _header(Child(_eb("Error"), most=None), highestSeverity=Attribute(_SEVERITY, required=True)),
    _eb("Error"): Shape(
        (Child(_eb("Description"), 0),),
        {
            **_OPTIONAL_ID,
            _eb("codeContext"): Attribute(),
            _eb("errorCode"): Attribute(_NON_EMPTY, required=True),
            _eb("severity"): Attribute(_SEVERITY, required=True),
            _eb("location"): Attribute(_NON_EMPTY),
        },
        others=True,
        other_attributes=True,
    ),
    _eb("Manifest"): _body(Child(_eb("Reference"), most=None)),
    _eb("Reference"): Shape(
        (Child(_eb("Schema"), 0, None), Child(_eb("Description"), 0, None)),
        {
            **_OPTIONAL_ID,
            _xlink("type"): Attribute(_one_of("simple")),
            _xlink("href"): Attribute(required=True),
            _xlink("role"): Attribute(),
        },
        others=True,
        other_attributes=True,
    ),
    _eb("Schema"): Shape(
        attributes={_eb("location"): Attribute(required=True), _eb("version"): Attribute(_NON_EMPTY)},
    ),
    _eb("StatusRequest"): _body(Child(_eb("RefToMessageId"))),
    _eb("StatusResponse"): _body(
        Child(_eb("RefToMessageId")),
        Child(_eb("Timestamp"), 0),
        messageStatus=Attribute(_MESSAGE_STATUS, required=True),
    ),
    _ds("Signature"): Shape(opaque=True, other_attributes=True, own_too=True),
    _ds("Reference"): Shape(
        (Child(_ds("Transforms"), 0), Child(_ds("DigestMethod")), Child(_ds("DigestValue"))),
        {"Id": Attribute(_ID), "URI": Attribute(), "Type": Attribute()},
    ),
    _ds("Transforms"): Shape((Child(_ds("Transform"), most=None),)),
    _ds("Transform"): _ALGORITHM,
    _ds("DigestMethod"): _ALGORITHM,
    _ds("DigestValue"): Shape(text=_is_base64),
}
"""Every element that is known wherever it stands."""

_LOCAL: Final[Mapping[str, Shape]] = {_eb("Role"): _NAME}
"""Known only as a child that a table above names."""

_GLOBAL_ATTRIBUTES: Final = {
    _soap("mustUnderstand"): Attribute(_FLAG),
    _eb("id"): Attribute(_ID),
    _eb("version"): Attribute(_NON_EMPTY),
}
"""Known on every element that takes attributes of other namespaces."""


def check_structure(root: etree._Element) -> None:
    """Raise EnvelopeError, which names element and defect, unless the tree fits the tables (statement 19).

    Elements without a table are walked through, for known elements inside them are still checked.
    """
    _check(root, SHAPES.get(str(root.tag)))
    _check_ids(root)


def text_of(element: etree._Element) -> str:
    """All text of an element without child elements; a comment inside does not cut it off."""
    return (element.text or "") + "".join(child.tail or "" for child in element)


def short_name(tag: str) -> str:
    """A tag with the prefix that we write."""
    name = etree.QName(tag)
    prefix = next((prefix for prefix, uri in names.PREFIXES.items() if uri == name.namespace), None)
    return f"{prefix}:{name.localname}" if prefix else name.localname


def elements_of(element: etree._Element) -> Iterator[etree._Element]:
    """The child elements, without comments and processing instructions."""
    return (child for child in element if isinstance(child.tag, str))


def _check(element: etree._Element, shape: Shape | None) -> None:
    _check_attributes(element, shape)
    if shape is None:
        for child in elements_of(element):
            _check(child, SHAPES.get(str(child.tag)))
    elif shape.opaque:
        return
    elif shape.text is not None:
        _check_text(element, shape.text)
    else:
        _check_children(element, shape)


def _check_attributes(element: etree._Element, shape: Shape | None) -> None:
    known = shape.attributes if shape else {}
    for name, attribute in known.items():
        if attribute.required and name not in element.attrib:
            raise _defect(element, f"attribute {short_name(name)} is missing")
    for name, value in element.attrib.items():
        attribute = known.get(str(name)) or _GLOBAL_ATTRIBUTES.get(str(name), Attribute())
        if name not in known and not _attribute_allowed(element, shape, str(name)):
            raise _defect(element, f"attribute {short_name(str(name))} is not allowed")
        if not attribute.kind(str(value)):
            raise _defect(element, f"attribute {short_name(str(name))} has a value that is not allowed")


def _attribute_allowed(element: etree._Element, shape: Shape | None, name: str) -> bool:
    namespace = etree.QName(name).namespace
    if shape is None or namespace == _XSI:
        return True
    return shape.other_attributes and (shape.own_too or namespace not in {None, etree.QName(element).namespace})


def _check_text(element: etree._Element, kind: Kind) -> None:
    if any(True for _ in elements_of(element)):
        raise _defect(element, "no elements are allowed in it")
    if not kind(text_of(element)):
        raise _defect(element, "its text is empty or not of its type")


def _check_children(element: etree._Element, shape: Shape) -> None:
    text = text_of(element)
    if text.strip() or (text and shape.is_empty):
        raise _defect(element, "no text is allowed in it")
    rest = list(elements_of(element))
    for child in shape.children:
        rest = rest[_check_run(element, child, rest) :]
    for other in rest:
        if not _other_allowed(element, shape, other):
            raise _defect(element, f"{short_name(str(other.tag))} is not allowed here")
        _check(other, SHAPES.get(str(other.tag)))


def _check_run(element: etree._Element, child: Child, rest: list[etree._Element]) -> int:
    """Check the elements of `rest` that stand in the place of `child`, and say how many there are."""
    count = 0
    while count < len(rest) and rest[count].tag == child.tag and (child.most is None or count < child.most):
        _check(rest[count], SHAPES.get(child.tag) or _LOCAL[child.tag])
        count += 1
    if count < child.least:
        raise _defect(element, f"{short_name(child.tag)} is missing or out of order")
    return count


def _other_allowed(element: etree._Element, shape: Shape, other: etree._Element) -> bool:
    namespace = etree.QName(other).namespace
    return shape.others and (shape.own_too or namespace not in {None, etree.QName(element).namespace})


def _check_ids(root: etree._Element) -> None:
    values = [value.strip() for value in root.xpath("//@eb:id", namespaces={"eb": names.EB})]
    if len(values) != len(set(values)):
        raise EnvelopeError("two elements have the same eb:id")


def _defect(element: etree._Element, defect: str) -> EnvelopeError:
    return EnvelopeError(f"{short_name(str(element.tag))}: {defect}")
