"""Verifies the envelope signature of a signal a second time, in another way than `ebms.signature` does.

It knows exactly one form (digikoppeling-ebms2.md, 2.10) and builds the canonical bytes itself, so that a mistake in
the core is seen here.
"""

import hashlib
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import load_der_x509_certificate
from lxml import etree

DS: Final = "{http://www.w3.org/2000/09/xmldsig#}"
SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
C14N: Final = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
RSA_SHA256: Final = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SHA256_URI: Final = "http://www.w3.org/2001/04/xmlenc#sha256"
TRANSFORMS: Final = (
    "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
    "http://www.w3.org/TR/1999/REC-xpath-19991116",
    C14N,
)
_PASSED_OVER: Final = (
    "urn:oasis:names:tc:ebxml-msg:actor:nextMSH",
    "http://schemas.xmlsoap.org/soap/actor/next",
)


@dataclass(frozen=True, slots=True)
class SignatureTerms:
    """The certificate (DER) that the CPA names for signing; the sandbox's CPAs know one pair of algorithms."""

    certificate: bytes = field(repr=False)


def signature_problems(root: etree._Element, terms: SignatureTerms) -> Iterator[str]:
    """What is wrong with the signature over the envelope `root`; nothing when it holds."""
    signatures = root.findall(f"{{{SOAP}}}Header/{DS}Signature")
    if len(signatures) != 1 or len(list(root.iter(f"{DS}Signature"))) != 1:
        yield "not so: the header has exactly one Signature"
        return
    signature = signatures[0]
    yield from _form_problems(root, signature)
    if _bytes(signature, "KeyInfo", "X509Data", "X509Certificate") != terms.certificate:
        yield "not so: KeyInfo has the certificate of the CPA"
    if not digest_holds(root, signature):
        yield "not so: the digest of the envelope holds"
    if not value_holds(signature, terms):
        yield "not so: the signature was made with the key of the CPA's certificate"


def _form_problems(root: etree._Element, signature: etree._Element) -> Iterator[str]:
    algorithms = {
        "CanonicalizationMethod": C14N,
        "SignatureMethod": RSA_SHA256,
        "Reference/DigestMethod": SHA256_URI,
    }
    for name, algorithm in algorithms.items():
        path = "/".join(DS + step for step in ["SignedInfo", *name.split("/")])
        if [found.get("Algorithm") for found in signature.findall(path)] != [algorithm]:
            yield f"not so: there is one {name} and it is {algorithm}"
    if [reference.get("URI") for reference in signature.iter(f"{DS}Reference")] != [""]:
        yield 'not so: an acknowledgment signs the envelope (URI "") and nothing else'
    if tuple(found.get("Algorithm") for found in signature.iter(f"{DS}Transform")) != TRANSFORMS:
        yield "not so: the transforms are enveloped-signature, XPath, C14N"
    if (signature.findtext(f".//{DS}XPath") or "").split() != _xpath(root).split():
        yield "not so: the XPath passes over what is for the next MSH, with the prefix of this document"


def _xpath(root: etree._Element) -> str:
    prefix = next((prefix for prefix, uri in root.nsmap.items() if uri == SOAP), "soap")
    next_msh, soap_next = (f'ancestor-or-self::node()[@{prefix}:actor="{actor}"]' for actor in _PASSED_OVER)
    return f"not({next_msh}|{soap_next})"


def digest_holds(root: etree._Element, signature: etree._Element) -> bool:
    """Whether the first Reference has the digest of the envelope after the three transforms."""
    return hashlib.sha256(_signed_envelope(root)).digest() == _bytes(
        signature, "SignedInfo", "Reference", "DigestValue"
    )


def value_holds(signature: etree._Element, terms: SignatureTerms) -> bool:
    """Whether SignatureValue is over SignedInfo, by the key of the certificate."""
    signed_info = signature.find(f"{DS}SignedInfo")
    key = load_der_x509_certificate(terms.certificate).public_key()
    if signed_info is None or not isinstance(key, RSAPublicKey):
        return False
    try:
        key.verify(_bytes(signature, "SignatureValue"), _canonical(signed_info), PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def _signed_envelope(root: etree._Element) -> bytes:
    copy = deepcopy(root)
    for element in list(copy.iter("*")):
        if element.tag == f"{DS}Signature" or element.get(f"{{{SOAP}}}actor") in _PASSED_OVER:
            _remove_but_keep_tail(element)
    return etree.tostring(copy, method="c14n")


def _remove_but_keep_tail(element: etree._Element) -> None:
    parent, before = element.getparent(), element.getprevious()
    if parent is None:
        return
    if before is not None:
        before.tail = (before.tail or "") + (element.tail or "")
    else:
        parent.text = (parent.text or "") + (element.tail or "")
    parent.remove(element)


def _canonical(element: etree._Element) -> bytes:
    """Inclusive C14N of an element where it stands: with every namespace that is in scope there."""
    alone = etree.Element(element.tag, dict(element.attrib), nsmap=element.nsmap)
    alone.text = element.text
    alone.extend(deepcopy(list(element)))
    return etree.tostring(alone, method="c14n")


def _bytes(signature: etree._Element, *path: str) -> bytes:
    """The decoded text of the first element under this path; empty when it is absent or not base64."""
    text = signature.findtext("/".join(DS + step for step in path)) or ""
    try:
        return b64decode("".join(text.split()), validate=True)
    except Base64Error:
        return b""
