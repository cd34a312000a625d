"""A signature on the CPA itself (statement 210), made by python-xmlsec, so that two programs must agree."""

from dataclasses import replace
from functools import cache

import pytest
import xmlsec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from lxml import etree
from tests.certificates import Authority, Issued, Shape
from tests.unit.ebms.test_cpa_build import FIRST, NOW, SECOND, order

from digikoppelaar import xml
from digikoppelaar.ebms.cpa_build import build
from digikoppelaar.ebms.cpa_document import tag
from digikoppelaar.ebms.cpa_findings import findings
from digikoppelaar.ebms.cpa_subject import Judgement, Severity
from digikoppelaar.pki.policy import Policy

STRICT = Judgement(NOW, machtigingen={})


@cache
def signer(oin: str) -> Issued:
    return Authority().issue(Shape(oin=oin))


def signed(document: bytes, by: Issued, method: object = xmlsec.constants.TransformRsaSha256) -> bytes:
    """The CPA with one more enveloped signature over the whole of it."""
    root = xml.parse(document, limit=1_000_000)
    holder = root.find(tag("Signature"))
    if holder is None:
        holder = etree.Element(tag("Signature"))
        root.findall(tag("Packaging"))[-1].addnext(holder)
    template = xmlsec.template.create(root, xmlsec.constants.TransformInclC14N, method, ns="ds")
    holder.append(template)
    sha1 = method == xmlsec.constants.TransformRsaSha1
    digest = xmlsec.constants.TransformSha1 if sha1 else xmlsec.constants.TransformSha256
    reference = xmlsec.template.add_reference(template, digest, uri="")
    xmlsec.template.add_transform(reference, xmlsec.constants.TransformEnveloped)
    xmlsec.template.add_transform(reference, xmlsec.constants.TransformInclC14N)
    xmlsec.template.x509_data_add_certificate(xmlsec.template.add_x509_data(xmlsec.template.ensure_key_info(template)))
    context = xmlsec.SignatureContext()
    key = by.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    context.key = xmlsec.Key.from_memory(key, xmlsec.constants.KeyDataFormatPem)
    context.key.load_cert_from_memory(by.certificate.public_bytes(Encoding.PEM), xmlsec.constants.KeyDataFormatPem)
    context.sign(template)
    return etree.tostring(root)


def remarks(document: bytes, judgement: Judgement = STRICT) -> dict[str, Severity]:
    said = (one for one in findings(document, judgement) if one.severity is not Severity.INFO)
    return {one.code: one.severity for one in said}


@pytest.mark.statement(210)
def test_one_signature_and_one_of_each_party_hold() -> None:
    once = signed(build(order()), signer(FIRST))
    assert remarks(once) == {}
    assert remarks(signed(once, signer(SECOND))) == {}


@pytest.mark.statement(210)
@pytest.mark.parametrize(
    ("found", "instead"),
    [
        (b"<tp:Retries>8<", b"<tp:Retries>9<"),
        (b"https://twee.example", b"https://evil.example"),
        (b"2027-01-01", b"2037-01-01"),
    ],
)
def test_a_document_that_was_changed_after_signing_is_refused(found: bytes, instead: bytes) -> None:
    twice = signed(signed(build(order()), signer(FIRST)), signer(SECOND))
    assert found in twice
    tampered = twice.replace(found, instead)
    assert remarks(tampered)["broken-signature"] is Severity.ERROR
    assert remarks(tampered, replace(STRICT, policy=Policy.LAB))["broken-signature"] is Severity.ERROR


@pytest.mark.statement(210)
@pytest.mark.parametrize(
    ("found", "instead"),
    [
        (b'URI=""', b'URI="#x"'),
        (b"enveloped-signature", b"base64"),
        (b"<ds:SignatureValue>", b"<ds:SignatureValue>AAAA"),
        (b"<ds:X509Certificate>", b"<ds:X509Certificate>AAAA"),
    ],
)
def test_a_signature_of_another_form_is_refused(found: bytes, instead: bytes) -> None:
    once = signed(build(order()), signer(FIRST))
    head, tail = once.rsplit(found, 1)
    assert remarks(head + instead + tail)["broken-signature"] is Severity.ERROR


def test_a_signature_of_somebody_else_is_reported() -> None:
    stranger = signed(build(order()), signer("00000099000000009000"))
    assert remarks(stranger) == {"signed-by-other": Severity.WARNING}


def test_sha1_is_for_legacy_and_lab() -> None:
    old = signed(build(order()), signer(FIRST), xmlsec.constants.TransformRsaSha1)
    assert remarks(old) == {"broken-signature": Severity.ERROR}
    assert "broken-signature" not in remarks(old, replace(STRICT, policy=Policy.LEGACY))
