"""ds:Reference elements as values: those of a signature, and their copies in a signed acknowledgment (2.10).

Only the reading and writing of one element; what a signature must refer to stands in `signature`.
"""

import binascii
from base64 import b64encode
from collections.abc import Sequence
from typing import Final

from lxml import etree

from digikoppelaar import xml
from digikoppelaar.ebms import names
from digikoppelaar.ebms.messages import SignedReference
from digikoppelaar.errors import EnvelopeError

MAX_REFERENCE: Final = 64 * 1024
"""Largest ds:Reference in bytes, written with every namespace that is in scope, and the envelope may have thousands."""
MAX_REFERENCES: Final = 256
"""Most references of one signature or acknowledgment: more than a message has parts."""

_DS: Final = f"{{{names.DS}}}"


def read_base64(text: str) -> bytes:
    """Strict base64 in which white space is skipped, also the CR that Java writes as `&#13;`. Raises ValueError."""
    characters = "".join(text.split()).encode("ascii")
    if characters.endswith(b"==="):  # which strict mode lets pass after a whole group
        raise ValueError("too much padding")
    return binascii.a2b_base64(characters, strict_mode=True)


def read_references(elements: Sequence[etree._Element]) -> tuple[SignedReference, ...]:
    """The references as they stand. Raises EnvelopeError, also when there are more than MAX_REFERENCES."""
    if len(elements) > MAX_REFERENCES:
        raise EnvelopeError(f"ds:Reference: there are more than {MAX_REFERENCES}")
    return tuple(map(read_reference, elements))


def read_reference(element: etree._Element) -> SignedReference:
    """The reference as it stands.

    Raises EnvelopeError when method or digest is missing or malformed, or it is larger than MAX_REFERENCE.
    """
    method = element.find(f"{_DS}DigestMethod")
    value = element.find(f"{_DS}DigestValue")
    uri = element.get("URI")
    if method is None or value is None or uri is None:
        raise EnvelopeError("ds:Reference: URI, ds:DigestMethod or ds:DigestValue is missing")
    try:
        digest = read_base64(value.xpath("string()"))
    except ValueError as error:
        raise EnvelopeError("ds:DigestValue is not base64") from error
    if not digest:
        raise EnvelopeError("ds:DigestValue is empty")
    written = etree.tostring(element, with_tail=False)
    if len(written) > MAX_REFERENCE:
        raise EnvelopeError(f"ds:Reference is larger than {MAX_REFERENCE} bytes")
    return SignedReference(uri, method.get("Algorithm", ""), digest, written)


def copy_reference(parent: etree._Element, reference: SignedReference) -> None:
    """Append the element as it stood, so that transforms and digest survive; by its values when it is not there."""
    if reference.xml:
        parent.append(xml.parse(reference.xml, limit=MAX_REFERENCE))
    else:
        write_reference(parent, reference)


def write_reference(parent: etree._Element, reference: SignedReference) -> etree._Element:
    """Append the reference to `parent` by its values, without transforms."""
    element = etree.SubElement(parent, f"{_DS}Reference", URI=reference.uri)
    etree.SubElement(element, f"{_DS}DigestMethod", Algorithm=reference.digest_method)
    etree.SubElement(element, f"{_DS}DigestValue").text = b64encode(reference.digest).decode("ascii")
    return element
