"""The ds:Signature of a Digikoppeling message: made, and verified (digikoppeling-ebms2.md, 2.10).

A profile, not XML Signature at large: the transforms, the reference URIs and the algorithms are fixed, so nothing that
a sender writes is executed or fetched. Verifying reads the envelope again from the octets that were signed, and only
that envelope may be used. Chain and revocation of the signing certificate are judged in `pki`, not here.

Transforms as carried out here, which equals the three that are written: take ds:Signature out, take out every element
whose soap:actor is the next MSH or SOAP next, and canonicalize what is left.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Final

from lxml import etree

from digikoppelaar import xml
from digikoppelaar.ebms import algorithms, names
from digikoppelaar.ebms.agreement import Signing
from digikoppelaar.ebms.envelope import SOAP_ELEMENTS, SOAP_LIMIT, read_tree
from digikoppelaar.ebms.messages import (
    Confidentiality,
    Envelope,
    Part,
    ReceivedEnvelope,
    SignedReference,
    cid_uri,
    content_id_of,
)
from digikoppelaar.ebms.references import read_base64, read_references, write_reference
from digikoppelaar.ebms.structure import elements_of, text_of
from digikoppelaar.errors import DecryptionError, EnvelopeError, PartnerError, SignatureError

SIGNATURE: Final = "//Header/Signature"

_DS: Final = f"{{{names.DS}}}"
_HEADER: Final = f"{{{names.SOAP}}}Header"
_ACTOR: Final = f"{{{names.SOAP}}}actor"
_XML: Final = f"{{{names.XML}}}"
_NOT_SIGNED: Final = frozenset({names.ACTOR_NEXT_MSH, names.ACTOR_SOAP_NEXT})
_CANONICALIZATIONS: Final = frozenset({names.C14N, names.EXCLUSIVE_C14N})

_XPATH: Final = (
    f'not(ancestor-or-self::node()[@{{0}}:actor="{names.ACTOR_NEXT_MSH}"]'
    f'|ancestor-or-self::node()[@{{0}}:actor="{names.ACTOR_SOAP_NEXT}"])'
)
_XPATH_PREFIX: Final = re.compile(r"not\(ancestor-or-self::node\(\)\[@([\w.\-]+):actor=")


@dataclass(frozen=True, slots=True)
class Verified:
    """What a valid signature vouches for."""

    envelope: Envelope
    """Read from the signed octets. Only `sync_reply` is taken from outside them: its actor, SOAP next, keeps it out of
    every signature by the XPath transform, so it is to be held against the CPA and trusted for nothing else."""
    references: tuple[SignedReference, ...]


def sign(
    document: bytes,
    parts: Sequence[Part],
    signing: Signing,
    sign: Callable[[bytes, str], bytes],
    *,
    exclusive_c14n: bool = False,
) -> bytes:
    """The document with its signature as last element of soap:Header, over itself and every part (statements 116-118).

    `sign(data, algorithm)` gives the raw signature by the key of `signing.certificate`; for ECDSA r and s side by
    side. Every part must have its digest for `signing.digest_method`, over the payload before encryption (statement
    141). `exclusive_c14n` is the tolerance of that name (7e). Raises SignatureError, also for an algorithm with SHA-1.
    """
    algorithms.check_allowed(signing.signature_algorithm)
    canonicalization = names.EXCLUSIVE_C14N if exclusive_c14n else names.C14N
    root = xml.parse(document, limit=SOAP_LIMIT)
    header = root.find(_HEADER)
    if header is None or next(root.iter(_DS + "Signature"), None) is not None:
        raise SignatureError("only an envelope with a header and without a signature can be signed")
    octets = _signed_octets(xml.parse(document, limit=SOAP_LIMIT), canonicalization)
    digest = algorithms.digest(octets, signing.digest_method)
    signature = _sub(header, "Signature")
    signed_info = _sub(signature, "SignedInfo")
    _sub(signed_info, "CanonicalizationMethod", Algorithm=canonicalization)
    _sub(signed_info, "SignatureMethod", Algorithm=signing.signature_algorithm)
    own = write_reference(signed_info, SignedReference("", signing.digest_method, digest))
    own.insert(0, _transforms(root.prefix or "soap", canonicalization))
    for part in parts:
        uri = cid_uri(part.content_id)
        write_reference(signed_info, SignedReference(uri, signing.digest_method, _digest_of(part, signing, uri)))
    value = sign(canonical(signed_info, canonicalization), signing.signature_algorithm)
    _sub(signature, "SignatureValue").text = b64encode(value).decode("ascii")
    data = _sub(_sub(signature, "KeyInfo"), "X509Data")
    _sub(data, "X509Certificate").text = b64encode(signing.certificate).decode("ascii")
    return etree.tostring(root.getroottree(), encoding="UTF-8", xml_declaration=True)  # with what is beside the root


def verify(
    received: ReceivedEnvelope, parts: Sequence[Part], signing: Signing, *, now: datetime, legacy: bool = False
) -> Verified:
    """What the signature of a message vouches for, under the certificate and with the algorithms of `signing`.

    Every payload that the Manifest names must be signed and unchanged; a part that neither the Manifest nor the
    signature names is left alone, and must not be used (statement 14). Every part must have its digests of
    `required_digests`. The certificate must be valid at the message's Timestamp and at `now`. `legacy` is the tolerance
    `legacy_signature`; whoever accepts such a message logs it (`algorithms.is_legacy`). Raises SignatureError, whose
    `location` goes into the ebXML error (statements 116-134).
    """
    root = xml.parse(received.document, limit=len(received.document), max_elements=SOAP_ELEMENTS)
    signature = _the_signature(root)
    signed_info, value = _parts_of(signature)
    canonicalization, references = _read_signed_info(signed_info, signing)
    _check_key_info(signature, signing.certificate)
    certificate = algorithms.read_signing_certificate(signing.certificate)
    signed = canonical(signed_info, canonicalization)
    algorithms.check_signature(_base64(value), signed, signing.signature_algorithm, certificate, legacy=legacy)
    remove(signature)
    envelope = _read_signed(root, references, received, legacy=legacy)
    algorithms.check_validity(certificate, envelope.header.timestamp, now)
    _check_payloads(envelope, [one.reference for one in references if one.reference.uri], parts)
    return Verified(envelope, tuple(one.reference for one in references))


@lru_cache(maxsize=64)  # a message is asked about more than once while it is decided on
def signed_references(document: bytes) -> tuple[SignedReference, ...]:
    """The references as they stand in a document's signature, unverified; empty without a signature.

    For what we signed ourselves, and for what `verify` was content with. Raises SignatureError.
    """
    root = xml.parse(document, limit=len(document), max_elements=SOAP_ELEMENTS)
    if next(root.iter(_DS + "Signature"), None) is None:
        return ()
    signed_info, _ = _parts_of(_the_signature(root))
    return _references(signed_info.findall(_DS + "Reference"))


def required_digests(received: ReceivedEnvelope) -> frozenset[tuple[str, str]]:
    """The (Content-ID, digest algorithm) of each payload that the signature names; `verify` needs them in the parts.

    Empty for a signature that cannot be read: `verify` says what is wrong with it.
    """
    try:
        references = signed_references(received.document)
    except SignatureError:
        return frozenset()
    named = ((content_id_of(reference.uri), reference.digest_method) for reference in references)
    return frozenset((content_id, method) for content_id, method in named if content_id is not None)


def digest_part(content_id: str, content_type: str, data: bytes, digest_method: str) -> Part:
    """The Part of a payload that is at hand as a whole."""
    return Part(content_id, content_type, len(data), {digest_method: algorithms.digest(data, digest_method)})


# --- Making --------------------------------------------------------------------------------------------------


def _sub(parent: etree._Element, name: str, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, _DS + name, dict(attributes), nsmap={"ds": names.DS})


def _transforms(soap_prefix: str, canonicalization: str) -> etree._Element:
    transforms = etree.Element(_DS + "Transforms", nsmap={"ds": names.DS})
    _sub(transforms, "Transform", Algorithm=names.ENVELOPED)
    filtering = _sub(transforms, "Transform", Algorithm=names.XPATH)
    xpath = etree.SubElement(filtering, _DS + "XPath", nsmap={soap_prefix: names.SOAP})
    xpath.text = _XPATH.format(soap_prefix)
    _sub(transforms, "Transform", Algorithm=canonicalization)
    return transforms


def _digest_of(part: Part, signing: Signing, uri: str) -> bytes:
    digest = part.digests.get(signing.digest_method)
    if digest is None:
        raise SignatureError(f"the digest of {uri} was not computed", location=_reference_location(uri))
    return digest


# --- Octets --------------------------------------------------------------------------------------------------


def _signed_octets(root: etree._Element, canonicalization: str) -> bytes:
    """What the reference "" digests. Changes the tree; ds:Signature must be out of it already."""
    for element in [one for one in root.iter("*") if one.get(_ACTOR) in _NOT_SIGNED]:
        remove(element)
    return _c14n(root.getroottree(), canonicalization)


def remove(element: etree._Element) -> None:
    """Take an element out and leave the text behind it, as a transform does."""
    parent = element.getparent()
    if parent is None:
        raise SignatureError("the whole envelope is outside its signature")
    previous, tail = element.getprevious(), element.tail or ""
    if previous is None:
        parent.text = (parent.text or "") + tail
    else:
        previous.tail = (previous.tail or "") + tail
    parent.remove(element)


def canonical(element: etree._Element, canonicalization: str) -> bytes:
    """An element in canonical form as it stands in its document.

    Inclusive canonicalization sees the namespaces and xml: attributes of the ancestors, which lxml leaves out when it
    is given an element: so they are put on a copy.
    """
    apex = etree.Element(element.tag, dict(element.attrib), nsmap=element.nsmap)
    if canonicalization == names.C14N:
        for ancestor in element.iterancestors():
            inherited = {name: value for name, value in ancestor.attrib.items() if str(name).startswith(_XML)}
            apex.attrib.update({name: value for name, value in inherited.items() if name not in apex.attrib})
    apex.text = element.text
    apex.extend(deepcopy(child) for child in element)
    return _c14n(apex.getroottree(), canonicalization)


def _c14n(tree: etree._ElementTree, canonicalization: str) -> bytes:
    exclusive = canonicalization == names.EXCLUSIVE_C14N
    try:
        return etree.tostring(tree, method="c14n", exclusive=exclusive, with_comments=False)
    except etree.C14NError as error:  # a namespace that is a relative URI
        raise SignatureError("the envelope has no canonical form") from error


# --- Reading and checking ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Checked:
    """A reference whose form fits the profile; `canonicalization` is of its last transform, empty for a payload."""

    reference: SignedReference
    canonicalization: str = ""


def _the_signature(root: etree._Element) -> etree._Element:
    header = root.find(_HEADER)
    found = list(root.iter(_DS + "Signature"))
    if not found:
        raise SignatureError("the message is not signed", location=SIGNATURE)
    if len(found) > 1 or found[0].getparent() is not header:
        raise SignatureError("soap:Header must hold the one ds:Signature of the envelope", location=SIGNATURE)
    return found[0]


def _parts_of(signature: etree._Element) -> tuple[etree._Element, etree._Element]:
    """SignedInfo and SignatureValue; nothing but a KeyInfo may follow them."""
    children = list(elements_of(signature))
    tags = [child.tag for child in children]
    if tags[:2] != [_DS + "SignedInfo", _DS + "SignatureValue"] or tags[2:] not in ([], [_DS + "KeyInfo"]):
        raise SignatureError("ds:Signature must hold SignedInfo, SignatureValue and KeyInfo only", location=SIGNATURE)
    return children[0], children[1]


def _read_signed_info(signed_info: etree._Element, signing: Signing) -> tuple[str, tuple[_Checked, ...]]:
    children = list(elements_of(signed_info))
    tags = [child.tag for child in children]
    if tags[:2] != [_DS + "CanonicalizationMethod", _DS + "SignatureMethod"] or set(tags[2:]) != {_DS + "Reference"}:
        raise SignatureError("ds:SignedInfo does not have the elements it must have")
    canonicalization, method = (_bare_algorithm(child) for child in children[:2])
    if canonicalization not in _CANONICALIZATIONS:
        raise SignatureError(f"the canonicalization {canonicalization!r} is not allowed")
    if method != signing.signature_algorithm:
        raise SignatureError("the signature method is not that of the CPA", location=algorithms.METHOD_LOCATION)
    read = _references(children[2:])
    references = tuple(_check_reference(*pair, signing) for pair in zip(children[2:], read, strict=True))
    uris = [one.reference.uri for one in references]
    if uris.count("") != 1 or len(set(uris)) != len(uris):
        raise SignatureError('the signature must refer once to the envelope (URI "") and once to each payload')
    return canonicalization, references


def _check_reference(element: etree._Element, reference: SignedReference, signing: Signing) -> _Checked:
    location = _reference_location(reference.uri)
    if reference.digest_method != signing.digest_method:
        raise SignatureError("the digest method is not that of the CPA", location=location + "/DigestMethod/@Algorithm")
    transforms = element.find(_DS + "Transforms")
    if reference.uri == "":
        return _Checked(reference, _check_transforms(transforms))
    if content_id_of(reference.uri) is None:
        raise SignatureError("a reference is neither to the envelope nor to a payload", location=location)
    if transforms is not None:
        raise SignatureError("the reference to a payload has transforms", location=location)
    return _Checked(reference)


def _references(elements: Sequence[etree._Element]) -> tuple[SignedReference, ...]:
    try:
        return read_references(elements)
    except EnvelopeError as error:
        raise SignatureError(str(error)) from error


def _reference_location(uri: str) -> str:
    return f"{SIGNATURE}/SignedInfo/Reference[@URI='{uri}']"


def _check_transforms(transforms: etree._Element | None) -> str:
    """The canonicalization that ends the three fixed transforms (statements 116 and 131)."""
    found = [] if transforms is None else list(elements_of(transforms))
    if [one.get("Algorithm") for one in found[:2]] != [names.ENVELOPED, names.XPATH] or len(found) != 3:
        raise _transforms_error()
    enveloped, filtering, last = found
    _bare_algorithm(enveloped)
    expressions = list(elements_of(filtering))
    if len(expressions) != 1 or not _is_the_xpath(expressions[0]) or any(one.tag != _DS + "Transform" for one in found):
        raise _transforms_error()
    canonicalization = _bare_algorithm(last)
    if canonicalization not in _CANONICALIZATIONS:
        raise _transforms_error()
    return canonicalization


def _is_the_xpath(element: etree._Element) -> bool:
    """Whether it is the fixed expression, with a prefix that stands for SOAP here; spaces and quotes may differ."""
    written = "".join(text_of(element).split()).replace("'", '"')
    found = _XPATH_PREFIX.match(written)
    if element.tag != _DS + "XPath" or len(element) or found is None:
        return False
    return element.nsmap.get(found[1]) == names.SOAP and written == _XPATH.format(found[1])


def _transforms_error() -> SignatureError:
    location = _reference_location("") + "/Transforms"
    return SignatureError("the transforms are not the three that are allowed", location=location)


def _bare_algorithm(element: etree._Element) -> str:
    """The algorithm of an element that may not have parameters."""
    if any(True for _ in elements_of(element)):
        raise SignatureError("an algorithm has parameters, which is not allowed")
    return element.get("Algorithm", "")


def _check_key_info(signature: etree._Element, certificate: bytes) -> None:
    """A certificate in the message must be the CPA's; the CPA's is used in any case (statement 123)."""
    present = [_base64(element) for element in signature.iterfind(f"{_DS}KeyInfo/{_DS}X509Data/{_DS}X509Certificate")]
    if present and certificate not in present:
        raise SignatureError(
            "the certificate of the signature is not that of the CPA", location=f"{SIGNATURE}/KeyInfo/X509Data"
        )


def _base64(element: etree._Element) -> bytes:
    try:
        return read_base64(text_of(element))
    except ValueError as error:
        raise SignatureError("ds:SignatureValue or ds:X509Certificate is not base64") from error


def _read_signed(
    root: etree._Element, references: Iterable[_Checked], received: ReceivedEnvelope, *, legacy: bool
) -> Envelope:
    """The envelope as signed: the digest is compared, and then the digested octets are read."""
    own = next(one for one in references if one.reference.uri == "")
    octets = _signed_octets(root, own.canonicalization)
    if algorithms.digest(octets, own.reference.digest_method, legacy=legacy) != own.reference.digest:
        raise SignatureError("the envelope is not what was signed", location=_reference_location(""))
    try:
        signed = read_tree(xml.parse(octets, limit=len(octets)), part_of_checked=True)
    except PartnerError as error:
        raise SignatureError(
            f"what was signed is not an envelope: {error}", location=_reference_location("")
        ) from error
    return replace(signed, sync_reply=signed.sync_reply or received.envelope.sync_reply)


def _check_payloads(envelope: Envelope, references: Sequence[SignedReference], parts: Sequence[Part]) -> None:
    known = {part.content_id: part for part in parts}
    hrefs = envelope.manifest.hrefs if envelope.manifest else ()
    signed = {content_id_of(reference.uri): reference for reference in references}
    for content_id, reference in signed.items():
        part = known.get(content_id or "")
        location = _reference_location(reference.uri)
        if part is None:
            raise SignatureError("the signature names a payload that is not in the message", location=location)
        if part.digests.get(reference.digest_method) != reference.digest:
            raise _not_what_was_signed(part, location, hrefs)
    for href in hrefs:
        if content_id_of(href) not in signed:
            raise SignatureError("a payload of the Manifest is not signed", location=href)


def _not_what_was_signed(part: Part, location: str, hrefs: Iterable[str]) -> SignatureError:
    """For a decrypted payload the same as when it cannot be decrypted: CBC without an oracle (statement 151)."""
    if part.confidentiality is Confidentiality.PLAIN:
        return SignatureError("a payload is not what was signed", location=location)
    return DecryptionError(location=next((href for href in hrefs if content_id_of(href) == part.content_id), location))
