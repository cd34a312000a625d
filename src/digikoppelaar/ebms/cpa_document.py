"""A CPA as a document: its elements, its identifiers and its values. What they mean is in `cpa`.

Prefixes do not matter, text is trimmed, and whatever is missing or unreadable is a CpaError that names it.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from cryptography import x509
from lxml import etree

from digikoppelaar import xml
from digikoppelaar.ebms.names import DS, TP
from digikoppelaar.errors import CpaError
from digikoppelaar.pki.certificate import UNREADABLE

MAX_CPA: Final = 4 * 1024 * 1024
"""Bytes. The largest CPA we know, with six profiles and its certificates, has 60 KiB."""
MAX_CPA_ELEMENTS: Final = 20_000
"""Every rule walks through them; that CPA has some 1,500."""

MAX_CERTIFICATE: Final = 64 * 1024
"""Characters of base64 in one Certificate, with its chain: four levels take 8 KiB."""

_MAX_DURATION: Final = timedelta(days=3660)
_DURATION: Final = re.compile(
    r"P(?:(?P<days>[0-9]{1,6})D)?"
    r"(?:T(?=[0-9])(?:(?P<hours>[0-9]{1,9})H)?(?:(?P<minutes>[0-9]{1,9})M)?(?:(?P<seconds>[0-9]{1,9}(?:\.[0-9]+)?)S)?)?"
)
_DATE_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})?"
)

_IDENTIFIED: Final[Mapping[str, str]] = {
    "ThisPartyActionBinding": "id",
    "Certificate": "certId",
    "SecurityDetails": "securityId",
    "DeliveryChannel": "channelId",
    "Transport": "transportId",
    "DocExchange": "docExchangeId",
    "SimplePart": "id",
    "Packaging": "id",
    "Composite": "id",
    "Encapsulation": "id",
}
"""Element -> the attribute that names it; all these names share one space (xs:ID)."""

_REFERENCES: Final[tuple[tuple[str, str | None, frozenset[str]], ...]] = (
    ("PartyInfo", "defaultMshChannelId", frozenset({"DeliveryChannel"})),
    ("PartyInfo", "defaultMshPackageId", frozenset({"Packaging"})),
    ("ThisPartyActionBinding", "packageId", frozenset({"Packaging"})),
    ("OtherPartyActionBinding", None, frozenset({"ThisPartyActionBinding"})),
    ("ChannelId", None, frozenset({"DeliveryChannel"})),
    ("DeliveryChannel", "transportId", frozenset({"Transport"})),
    ("DeliveryChannel", "docExchangeId", frozenset({"DocExchange"})),
    ("OverrideMshActionBinding", "channelId", frozenset({"DeliveryChannel"})),
    ("ApplicationCertificateRef", "certId", frozenset({"Certificate"})),
    ("AnchorCertificateRef", "certId", frozenset({"Certificate"})),
    ("ClientCertificateRef", "certId", frozenset({"Certificate"})),
    ("ServerCertificateRef", "certId", frozenset({"Certificate"})),
    ("SigningCertificateRef", "certId", frozenset({"Certificate"})),
    ("EncryptionCertificateRef", "certId", frozenset({"Certificate"})),
    ("ApplicationSecurityDetailsRef", "securityId", frozenset({"SecurityDetails"})),
    ("ServerSecurityDetailsRef", "securityId", frozenset({"SecurityDetails"})),
    ("ClientSecurityDetailsRef", "securityId", frozenset({"SecurityDetails"})),
    ("SigningSecurityDetailsRef", "securityId", frozenset({"SecurityDetails"})),
    ("EncryptionSecurityDetailsRef", "securityId", frozenset({"SecurityDetails"})),
    ("Constituent", "idref", frozenset({"SimplePart", "Encapsulation", "Composite"})),
)
"""Element, its referring attribute (None: its text), and what the reference must point at (xs:IDREF)."""

Index = Mapping[str, etree._Element]
"""Every identified element by its name."""


def read_root(document: bytes) -> etree._Element:
    """The CollaborationProtocolAgreement in `document`. Raises CpaError, XmlError (also for a DOCTYPE) or TooLarge."""
    root = xml.parse(document, limit=MAX_CPA, max_elements=MAX_CPA_ELEMENTS)
    if root.tag != tag("CollaborationProtocolAgreement"):
        raise defect(root, "the document is not a CollaborationProtocolAgreement of CPP/A 2.0")
    return root


def index_of(root: etree._Element) -> Index:
    """The index, after a check that no name is used twice and that every reference leads to what it should."""
    index: dict[str, etree._Element] = {}
    for element_name, identifier in _IDENTIFIED.items():
        for element in root.iter(tag(element_name)):
            name = element.get(tag(identifier))
            if name in index:
                raise defect(element, f"the CPA has two elements with the id {name!r}")
            if name is not None:
                index[name] = element
    for element_name, referring, kinds in _REFERENCES:
        for element in root.iter(tag(element_name)):
            _check_reference(element, referring, kinds, index)
    return index


def _check_reference(element: etree._Element, referring: str | None, kinds: frozenset[str], index: Index) -> None:
    target = text(element) if referring is None else element.get(tag(referring), "").strip()
    if target not in index or xml.local_name(index[target]) not in kinds:
        raise defect(
            element, f"{xml.local_name(element)} refers to {target!r}, which is no {' or '.join(sorted(kinds))}"
        )


def tag(name: str) -> str:
    """The qualified name of an element or attribute of CPP/A 2.0; there the attributes are qualified too."""
    return f"{{{TP}}}{name}"


def defect(element: etree._Element, message: str, *, advice: str | None = None) -> CpaError:
    """A CpaError that says where."""
    return CpaError(message, element=xml.local_name(element), line=element.sourceline, advice=advice)


def children(element: etree._Element, name: str) -> list[etree._Element]:
    """The child elements with this name."""
    return element.findall(tag(name))


def child(element: etree._Element, name: str) -> etree._Element:
    """The first child element with this name."""
    found = element.find(tag(name))
    if found is None:
        raise defect(element, f"{xml.local_name(element)} has no {name}")
    return found


def attribute(element: etree._Element, name: str) -> str:
    """The trimmed value of an attribute that must be there."""
    value = element.get(tag(name), "").strip()
    if not value:
        raise defect(element, f"{xml.local_name(element)} has no {name}")
    return value


def text(element: etree._Element) -> str:
    """The trimmed text, without comments."""
    return "".join(element.itertext()).strip()


def certificate(reference: etree._Element, index: Index) -> bytes:
    """DER of the certificate that `reference` names: of a chain, in whatever order, the leaf (CPA s.8.4.18)."""
    found = _certificates(reference, index)
    return _one_copy(found[0] if len(found) == 1 else _leaf(found))


def chain(reference: etree._Element, index: Index) -> tuple[bytes, ...]:
    """DER of what stands beside the leaf in the certificate that `reference` names."""
    found = _certificates(reference, index)
    leaf = found[0] if len(found) == 1 else _leaf(found)
    return tuple(_one_copy(each) for each in found if each != leaf)


def _certificates(reference: etree._Element, index: Index) -> list[bytes]:
    name = attribute(reference, "certId")
    written = [text(each) for each in index[name].iter(f"{{{DS}}}X509Certificate")]
    if sum(map(len, written)) > MAX_CERTIFICATE:
        raise defect(index[name], f"Certificate {name!r} is larger than {MAX_CERTIFICATE} characters")
    found = [_der(each) for each in written]
    if not found or not all(der.startswith(b"\x30") for der in found):
        raise defect(index[name], f"Certificate {name!r} holds no readable X509Certificate")
    return found


def _der(encoded: str) -> bytes:
    try:
        return base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _leaf(chain: list[bytes]) -> bytes:
    """The one that issued none of the others; the first when that does not tell."""
    try:
        names = [(x509.load_der_x509_certificate(der), der) for der in chain]
    except UNREADABLE:
        return chain[0]
    issuers = {one.issuer for one, _ in names if one.issuer != one.subject}
    return next((der for one, der in names if one.subject not in issuers), chain[0])


@lru_cache(maxsize=1024)
def _one_copy(der: bytes) -> bytes:
    """The first certificate like this one: ours stands in every CPA, and thousands are kept in memory."""
    return der


def algorithm(element: etree._Element) -> str:
    """The URI of an algorithm: its text or, where that is another name, what @w3c says."""
    written = text(element)
    return written if ":" in written else element.get(tag("w3c"), written).strip()


def flag(element: etree._Element, name: str) -> bool:
    """An xs:boolean attribute; one that is not there is false."""
    return element.get(tag(name), "").strip() in {"true", "1"}


def is_persistent(characteristics: etree._Element, name: str) -> bool:
    """Whether a persistence level of BusinessTransactionCharacteristics is for the message itself (CPA s.8.4.14)."""
    return characteristics.get(tag(name), "").strip() in {"persistent", "transient-and-persistent"}


def count(element: etree._Element) -> int:
    """A small number, not negative."""
    if not re.fullmatch(r"[0-9]{1,6}", text(element)):
        raise defect(element, f"{xml.local_name(element)} is {text(element)!r}, not a number")
    return int(text(element))


def duration(element: etree._Element) -> timedelta:
    """xs:duration, more than nothing and without years and months: these have no fixed length."""
    match = _DURATION.fullmatch(text(element))
    parts = {unit: float(value) for unit, value in match.groupdict().items() if value} if match else {}
    if not parts or not timedelta(0) < timedelta(**parts) <= _MAX_DURATION:
        raise defect(
            element, f"{xml.local_name(element)} is {text(element)!r}, not a duration of days, hours, minutes, seconds"
        )
    return timedelta(**parts)


def date_time(element: etree._Element) -> datetime:
    """xs:dateTime in UTC; one without zone is taken to be in UTC, as the standard demands."""
    try:
        moment = datetime.fromisoformat(text(element)) if _DATE_TIME.fullmatch(text(element)) else None
    except ValueError:
        moment = None
    if moment is None:
        raise defect(element, f"{xml.local_name(element)} is {text(element)!r}, not a date and time")
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
