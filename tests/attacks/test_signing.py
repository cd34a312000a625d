"""Games with what a signature covers, how, and by whose key."""

import re
from base64 import b64encode

import pytest
from lxml import etree
from tests.attacks.world import (
    BROKEN,
    FAILURE,
    KEY,
    SOAP,
    Change,
    Outcome,
    Row,
    arrive,
    body,
    cases,
    judged,
    resigned,
    signed_soap,
    swap,
)
from tests.unit.ebms import exchanges, wire

from digikoppelaar.ebms import names
from digikoppelaar.ebms.envelope import write_envelope
from digikoppelaar.ebms.signature import sign

REFERENCES = re.findall(rb"<ds:Reference URI.*?</ds:Reference>", SOAP)
XSLT = "http://www.w3.org/TR/1999/REC-xslt-19991116"
BASE64 = "http://www.w3.org/2000/09/xmldsig#base64"
HMAC = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"


def transforms(signature: etree._Element) -> etree._Element:
    return next(signature.iter(f"{{{names.DS}}}Transforms"))


def transform(algorithm: str, position: int | None = None) -> Change:
    """Put a transform among those of the envelope, or in the place of one."""

    def change(signature: etree._Element) -> None:
        found = transforms(signature)
        added = etree.Element(f"{{{names.DS}}}Transform", Algorithm=algorithm)
        if position is None:
            found.append(added)
        else:
            found[position] = added

    return resigned(change)


def xpath(text: str) -> Change:
    def change(signature: etree._Element) -> None:
        next(signature.iter(f"{{{names.DS}}}XPath")).text = text

    return resigned(change)


def uri(value: str, index: int = 1) -> Change:
    return resigned(lambda signature: [*signature.iter(f"{{{names.DS}}}Reference")][index].set("URI", value))


def method(name: str, algorithm: str) -> Change:
    return resigned(lambda signature: next(signature.iter(f"{{{names.DS}}}{name}")).set("Algorithm", algorithm))


def key_info(certificate: bytes) -> Change:
    return lambda document: re.sub(
        rb"(<ds:X509Certificate>)[^<]*", lambda found: found[1] + b64encode(certificate), document
    )


def by_another_key(document: bytes) -> bytes:
    del document
    return signed_soap(key=wire.signatory("other"))


def signed_without_payload(document: bytes) -> bytes:
    del document
    return sign(write_envelope(exchanges.notification(exchanges.SIGNED_THEIRS)), [], KEY.signing(), KEY.sign)


SIGNING: list[Row] = [
    ("a comment that cuts a value in two", swap(b">c1<", b">c<!-- -->1<"), Outcome("Accept")),
    ("a comment that hides the rest of a value", swap(b">c1<", b">c1<!-- -->2<"), FAILURE),
    ("CDATA for another value", swap(b">c1<", b"><![CDATA[c2]]><"), FAILURE),
    ("a processing instruction in a value", swap(b">c1<", b">c<?x y?>1<"), FAILURE),
    ("a default namespace added", swap(b"<soap:Body", b'<soap:Body xmlns="urn:x"'), FAILURE),
    ("a prefix bound anew", swap(b"<eb:MessageHeader", b'<eb:MessageHeader xmlns:soap="urn:x"'), BROKEN),
    (
        "the prefix of the XPath bound to another namespace",
        swap(b"<ds:XPath", b"<ds:XPath xmlns:soap='urn:x'"),
        FAILURE,
    ),
    ("XPath: nothing is signed", xpath("false()"), FAILURE),
    ("XPath: only the Body is signed", xpath("ancestor-or-self::soap:Body"), FAILURE),
    (
        "XPath: one more actor is left out",
        xpath(
            re.search(rb"<ds:XPath[^>]*>([^<]*)", SOAP)[1].decode().replace("&quot;", '"')[:-1]
            + " or self::eb:Manifest)"
        ),
        FAILURE,
    ),
    ("XPath: reads a file", xpath("document('file:///etc/passwd')"), FAILURE),
    ("a transform more", transform(names.ENVELOPED), FAILURE),
    ("XSLT for canonicalization", transform(XSLT, 2), FAILURE),
    ("XSLT after canonicalization", transform(XSLT), FAILURE),
    ("base64 for the XPath", transform(BASE64, 1), FAILURE),
    ("C14N with comments", transform(names.C14N + "#WithComments", 2), FAILURE),
    ("C14N 1.1", transform("http://www.w3.org/2006/12/xml-c14n11", 2), FAILURE),
    ("no enveloped-signature", transform(names.C14N, 0), FAILURE),
    ("no transforms", resigned(lambda s: transforms(s).getparent().remove(transforms(s))), FAILURE),
    ("HMAC with the certificate as its key", method("SignatureMethod", HMAC), FAILURE),
    ("rsa-sha1", method("SignatureMethod", names.RSA_SHA1), FAILURE),
    ("no digest", method("DigestMethod", "http://www.w3.org/2000/09/xmldsig#null"), FAILURE),
    ("a digest of SHA-1", method("DigestMethod", names.SHA1), FAILURE),
    (
        "HMACOutputLength in SignatureMethod",
        resigned(lambda s: etree.SubElement(s[0][1], f"{{{names.DS}}}HMACOutputLength")),
        FAILURE,
    ),
    ("KeyInfo of somebody else", key_info(wire.signatory("other").certificate), FAILURE),
    ("signed by somebody else, with the certificate", by_another_key, FAILURE),
    (
        "signed by somebody else, with our partner's certificate",
        lambda d: key_info(KEY.certificate)(by_another_key(d)),
        FAILURE,
    ),
    (
        "signed by somebody else, without a certificate",
        lambda d: re.sub(rb"<ds:KeyInfo>.*</ds:KeyInfo>", b"", by_another_key(d)),
        FAILURE,
    ),
    (
        "KeyInfo that is fetched",
        swap(b"<ds:X509Data>", b'<ds:RetrievalMethod URI="TRAP"/><ds:X509Data>'),
        Outcome("Accept"),
    ),
    ("an empty SignatureValue", lambda d: re.sub(rb"(<ds:SignatureValue>)[^<]*", rb"\1", d), FAILURE),
    ("the payload not signed", signed_without_payload, FAILURE),
    ("the reference to the payload taken out", swap(REFERENCES[1], b""), FAILURE),
    ("the reference to the envelope taken out, signed again", resigned(lambda s: s[0].remove(s[0][2])), FAILURE),
    ("the reference to the payload doubled, signed again", swap(REFERENCES[1], REFERENCES[1] * 2), FAILURE),
    ("a reference over the internet", uri("TRAP"), FAILURE),
    ("a reference to a file", uri("file:///etc/passwd"), FAILURE),
    ("a reference to an Id", uri("#a", 0), FAILURE),
    ("a reference by XPointer", uri("#xpointer(/)", 0), FAILURE),
    ("a reference without a URI", resigned(lambda s: s[0][2].attrib.pop("URI")), FAILURE),
    ("a reference to a payload that is not there", uri("cid:elders@dso"), FAILURE),
    (
        "a Manifest of XML Signature",
        resigned(lambda s: s[0][2].set("Type", "http://www.w3.org/2000/09/xmldsig#Manifest")),
        Outcome("Accept"),
    ),
]


@pytest.mark.statement(123, 130, 131)
@pytest.mark.parametrize(("change", "expected"), cases(SIGNING))
def test_games_with_what_is_signed_and_how_are_refused_or_change_nothing(
    change: Change, expected: Outcome, trap: str
) -> None:
    attacked = change(SOAP).replace(b"TRAP", trap.encode())
    assert attacked != SOAP
    judged(lambda: arrive(body(attacked)), expected)
