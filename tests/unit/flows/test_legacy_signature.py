"""A partner that signs with SHA-1: refused without the tolerance, taken and logged with it, whole or spooled."""

import hashlib
from base64 import b64encode
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from lxml import etree
from structlog.testing import capture_logs
from tests.unit.ebms.cpas import DSO, GEMEENTE, cpa_document
from tests.unit.ebms.exchanges import KEY, notification
from tests.unit.flows.ebms_world import LARGE, NOTIFICATION, NUMBER, Party, altered, message_of

from digikoppelaar import xml
from digikoppelaar.ebms import names
from digikoppelaar.ebms.agreement import Agreement, Tolerances
from digikoppelaar.ebms.cpa import read_agreement
from digikoppelaar.ebms.packaging import Packaged, read_package
from digikoppelaar.errors import SignatureError
from digikoppelaar.flows.receive import RECEIVED

SENT = names.SHA256, names.RSA_SHA256
LEGACY = names.SHA1, names.RSA_SHA1


def old(document: str) -> bytes:
    """The same CPA with the algorithms of the last century, for both sides."""
    for new, instead in zip(SENT, LEGACY, strict=True):
        document = document.replace(new, instead)
    return document.encode()


CPA = old(cpa_document(signed=True, certificate=KEY.certificate))
ACK_SIGNED = old(cpa_document(signed=True, ack_signed=True, certificate=KEY.certificate))


def tolerant(document: bytes = CPA) -> Agreement:
    """What the gemeente sees of it, with the tolerance."""
    return replace(read_agreement(document, {GEMEENTE}), tolerances=Tolerances(legacy_signature=True))


def signed_with_sha1(payload: bytes = NOTIFICATION, document: bytes = CPA) -> Packaged:
    """A notification as another handler than ours signs it, which never does so itself."""
    agreement = read_agreement(document, {DSO})
    message = message_of(notification(agreement), [payload])
    soap, _ = read_package(message.content_type, message.body)
    return replace(message, body=message.body.replace(soap, _again(soap, payload)))


def _again(document: bytes, payload: bytes) -> bytes:
    root = xml.parse(document, limit=1_000_000)
    signature = next(root.iter(f"{{{names.DS}}}Signature"))
    for element in signature.iter(f"{{{names.DS}}}DigestMethod", f"{{{names.DS}}}SignatureMethod"):
        element.set("Algorithm", LEGACY[element.tag.endswith("SignatureMethod")])
    whole, part = signature.iter(f"{{{names.DS}}}DigestValue")
    unsigned = xml.parse(etree.tostring(root), limit=1_000_000)
    taken = next(unsigned.iter(f"{{{names.DS}}}Signature"))
    header = taken.getparent()
    assert header is not None
    header.remove(taken)
    octets = etree.tostring(unsigned, method="c14n", with_comments=False)
    for element, data in ((whole, octets), (part, payload)):
        element.text = b64encode(hashlib.sha1(data).digest()).decode()
    alone = xml.parse(etree.tostring(signature[0], with_tail=False), limit=1_000_000)
    assert isinstance(KEY.key, rsa.RSAPrivateKey)
    value = KEY.key.sign(etree.tostring(alone, method="c14n"), padding.PKCS1v15(), hashes.SHA1())
    signature[1].text = b64encode(value).decode()
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


@pytest.mark.statement(119)
@pytest.mark.parametrize("payload", [NOTIFICATION, LARGE], ids=["in-memory", "spooled"])
async def test_a_signature_with_sha1_is_taken_by_tolerance_and_each_one_is_logged(payload: bytes) -> None:
    ours = Party(GEMEENTE, tolerant())
    with capture_logs() as logs:
        assert await ours.receive(signed_with_sha1(payload)) == RECEIVED
    assert ours.came[0].message.error_code is None
    assert ours.notified == [NUMBER]
    assert [entry["tolerance"] for entry in logs if entry["event"] == "tolerance_used"] == ["legacy_signature"]


@pytest.mark.statement(119)
@pytest.mark.parametrize("payload", [NOTIFICATION, LARGE], ids=["in-memory", "spooled"])
async def test_a_signature_with_sha1_is_refused_without_the_tolerance(payload: bytes) -> None:
    ours = Party(GEMEENTE, read_agreement(CPA, {GEMEENTE}))
    assert await ours.receive(signed_with_sha1(payload)) == RECEIVED
    assert ours.came[0].message.error_code == "SecurityFailure"
    assert ours.notified == []
    assert not ours.blobs.names


@pytest.mark.parametrize("payload", [NOTIFICATION, LARGE], ids=["in-memory", "spooled"])
async def test_the_tolerance_forgives_no_changed_payload(payload: bytes) -> None:
    ours = Party(GEMEENTE, tolerant())
    assert await ours.receive(altered(signed_with_sha1(payload))) == RECEIVED
    assert ours.came[0].message.error_code == "SecurityFailure"
    assert not ours.blobs.names


@pytest.mark.statement(118)
async def test_a_signed_receipt_that_would_need_sha1_is_never_made() -> None:
    ours = Party(GEMEENTE, tolerant(ACK_SIGNED))
    with pytest.raises(SignatureError, match="rsa-sha1' is not allowed"):  # HTTP says 500: the sender keeps it
        await ours.receive(signed_with_sha1(LARGE, ACK_SIGNED))
    assert (ours.came, ours.goes, ours.blobs.names) == ([], [], set())
