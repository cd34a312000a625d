"""The signature: other people's verified, ours held against canonical forms written by hand, and every known attack."""

import hashlib
import re
import time
from base64 import b64decode, b64encode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from tests.shared import shared_data
from tests.unit.ebms import wire

from digikoppelaar import xml
from digikoppelaar.ebms import names
from digikoppelaar.ebms.agreement import Signing
from digikoppelaar.ebms.algorithms import is_legacy
from digikoppelaar.ebms.cpa import read_agreement
from digikoppelaar.ebms.envelope import read_envelope, write_envelope
from digikoppelaar.ebms.messages import Acknowledgment, Confidentiality, Envelope, Part, ReceivedEnvelope, SyncReply
from digikoppelaar.ebms.packaging import read_package
from digikoppelaar.ebms.signature import Verified, digest_part, required_digests, sign, signed_references, verify
from digikoppelaar.errors import NOT_DECRYPTED, EnvelopeError, PartnerError, SignatureError

PAYLOAD = b"<verzoek>\r\n\0\xff</verzoek>"
SIGNATORY = wire.signatory()
SIGNING = SIGNATORY.signing()
ENVELOPE = wire.envelope("a@x", sync=True)
SHA1 = names.SHA1
RSA_SHA1 = names.RSA_SHA1
XSLT = "http://www.w3.org/TR/1999/REC-xslt-19991116"


def part(content_id: str = "a@x", data: bytes = PAYLOAD, method: str = names.SHA256) -> Part:
    return digest_part(content_id, "application/xml", data, method)


def signed(envelope: Envelope = ENVELOPE, parts: tuple[Part, ...] | None = None, signing: Signing = SIGNING) -> bytes:
    parts = (part(method=signing.digest_method),) if parts is None else parts
    return sign(write_envelope(envelope), parts, signing, SIGNATORY.sign)


SIGNED = signed()


def check(document: bytes, *parts: Part, signing: Signing = SIGNING, now: datetime = wire.NOW) -> Verified:
    """Read and verify; the part that was signed unless others are given."""
    return verify(read_envelope(document), parts or (part(),), signing, now=now)


def check_unread(document: bytes, *parts: Part) -> Verified:
    """Verify a document that `read_envelope` would already refuse: the signature must hold its own."""
    return verify(ReceivedEnvelope(ENVELOPE, document, 1), parts or (part(),), SIGNING, now=wire.NOW)


def refusal(document: bytes, *parts: Part, by: Callable[..., Verified] = check) -> SignatureError:
    with pytest.raises(SignatureError) as refused:
        by(document, *parts)
    return refused.value


# --- Another vendor's signature ------------------------------------------------------------------------------


def captured() -> tuple[bytes, tuple[Part, ...], Signing]:
    """The captured message 05, with the signing of its sender by its own CPA."""
    request = wire.captured(wire.SIGNED)
    soap, payloads = read_package(request.content_type, request.body)
    cpa = shared_data("ebms2", "cpa", "ebms-core", "cpaStubEBF.rm.http.signed-sha256.xml").read_bytes()
    envelope = read_envelope(soap).envelope
    agreement = read_agreement(cpa, {envelope.header.to_party.party_ids[0].value})
    action = agreement.receiving(envelope.header.service, envelope.header.action)
    assert action is not None
    assert action.channel.signing is not None
    parts = tuple(digest_part(one.content_id, one.content_type, one.data, names.SHA256) for one in payloads)
    return soap, parts, action.channel.signing


@pytest.mark.statement(135)
def test_a_captured_signed_message_verifies_under_its_own_cpa() -> None:
    soap, parts, signing = captured()
    verified = check(soap, *parts, signing=signing)
    assert verified.envelope == read_envelope(soap).envelope
    assert [reference.uri for reference in verified.references] == ["", "cid:e563c457-78f1-46ff-ba25-f69cc445bd25"]
    assert verified.references == signed_references(soap)


def test_a_captured_signed_message_fails_after_any_changed_byte_that_means_something() -> None:
    soap, parts, signing = captured()
    whole = check(soap, *parts, signing=signing)
    key_value = range(soap.index(b"<ds:KeyValue>"), soap.index(b"</ds:KeyValue>"))  # may be there, says nothing
    for position in range(0, len(soap), 11):
        changed = soap[:position] + bytes([soap[position] ^ 1]) + soap[position + 1 :]
        try:
            verified = check(changed, *parts, signing=signing)
        except PartnerError:
            continue
        assert position in key_value
        assert verified == whole


def test_a_captured_signed_message_fails_after_a_changed_payload() -> None:
    soap, (payload,), signing = captured()
    changed = replace(payload, digests={names.SHA256: hashlib.sha256(b"iets anders").digest()})
    with pytest.raises(SignatureError, match="a payload is not what was signed"):
        check(soap, changed, signing=signing)


# --- Our signature, by rules that are not our code -----------------------------------------------------------


def between(document: bytes, tag: str) -> list[bytes]:
    return re.findall(f"<ds:{tag}>([^<]*)</ds:{tag}>".encode(), document)


def golden(name: str) -> str:
    return (wire.GOLDEN / name).read_text().rstrip("\n")


def test_the_digests_are_over_the_canonical_envelope_without_sync_reply_and_over_the_payload() -> None:
    own, payload = (b64decode(value) for value in between(SIGNED, "DigestValue"))
    assert own == hashlib.sha256(golden("ebms_signed_octets.xml").encode()).digest()
    assert payload == hashlib.sha256(PAYLOAD).digest()


def test_the_signature_value_is_over_the_canonical_signed_info() -> None:
    own, payload = (value.decode() for value in between(SIGNED, "DigestValue"))
    template = golden("ebms_signed_info.xml")
    signed_info = template.replace("{envelope}", own).replace("{payload}", payload).encode()
    [value], [certificate] = between(SIGNED, "SignatureValue"), between(SIGNED, "X509Certificate")
    key = x509.load_der_x509_certificate(b64decode(certificate)).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    key.verify(b64decode(value), signed_info, padding.PKCS1v15(), hashes.SHA256())


@pytest.mark.statement(55)
def test_the_signature_is_the_last_element_of_the_header_and_the_only_one() -> None:
    assert SIGNED.count(b"<ds:Signature>") == 1
    assert b"</ds:Signature></soap:Header>" in SIGNED
    assert read_envelope(SIGNED).signatures == 1


@pytest.mark.statement(141)
def test_the_rest_of_the_document_is_as_it_was() -> None:
    begin, end = SIGNED.index(b"<ds:Signature>"), SIGNED.index(b"</soap:Header>")
    assert SIGNED[:begin] + SIGNED[end:] == write_envelope(ENVELOPE)


@pytest.mark.statement(118)
@pytest.mark.parametrize(
    ("kind", "algorithm", "method"),
    [
        ("rsa", names.RSA_SHA256, names.SHA256),
        ("rsa", names.RSA_SHA384, names.SHA384),
        ("rsa", names.RSA_SHA512, names.SHA256),
        ("ec", names.ECDSA_SHA256, names.SHA512),
        ("ec", names.ECDSA_SHA384, names.SHA384),
        ("ec", names.ECDSA_SHA512, names.SHA512),
    ],
)
def test_what_is_signed_verifies_with_every_allowed_algorithm(kind: str, algorithm: str, method: str) -> None:
    signatory = wire.signatory("sender", kind)
    parts = [part(method=method), part("b@x", b"", method)]
    signing = signatory.signing(algorithm, method)
    document = sign(write_envelope(wire.envelope("a@x", "b@x")), parts, signing, signatory.sign)
    verified = check(document, *parts, signing=signing)
    assert verified.envelope == wire.envelope("a@x", "b@x")
    assert {one.digest_method for one in verified.references} == {method}


@pytest.mark.statement(132)
def test_signing_with_exclusive_canonicalization_names_it_twice_and_verifies() -> None:
    document = sign(write_envelope(ENVELOPE), [part()], SIGNING, SIGNATORY.sign, exclusive_c14n=True)
    assert document.count(names.EXCLUSIVE_C14N.encode()) == 2
    assert names.C14N.encode() not in document
    assert check(document).envelope == ENVELOPE


def signed_with_sha1() -> tuple[bytes, Signing]:
    """A message by another handler than ours, which never signs so, and what its CPA says."""
    root = xml.parse(SIGNED, limit=100_000)
    signature = signature_of(root)
    method = f"{{{names.DS}}}DigestMethod"
    values = [hashlib.sha1(octets).digest() for octets in (golden("ebms_signed_octets.xml").encode(), PAYLOAD)]
    for reference, value in zip(signature[0][2:], values, strict=True):
        ds(reference, "DigestValue").text = b64encode(value).decode()
        reference.find(method).set("Algorithm", SHA1)
    signature[0][1].set("Algorithm", RSA_SHA1)
    alone = xml.parse(etree.tostring(signature[0], with_tail=False), limit=100_000)
    octets = etree.tostring(alone, method="c14n", with_comments=False)
    assert isinstance(SIGNATORY.key, rsa.RSAPrivateKey)
    signature[1].text = b64encode(SIGNATORY.key.sign(octets, padding.PKCS1v15(), hashes.SHA1())).decode()
    return xml.serialize(root), Signing(RSA_SHA1, SHA1, SIGNATORY.certificate)


@pytest.mark.statement(119)
def test_sha1_verifies_by_tolerance_only_and_is_then_called_legacy() -> None:
    document, signing = signed_with_sha1()
    parts = (digest_with_sha1(),)
    received = read_envelope(document)
    assert verify(received, parts, signing, now=wire.NOW, legacy=True).envelope == ENVELOPE
    assert is_legacy(signing)
    assert not is_legacy(SIGNING)
    with pytest.raises(SignatureError, match="is not allowed"):
        verify(received, parts, signing, now=wire.NOW)


@pytest.mark.statement(122)
def test_the_tolerance_for_sha1_forgives_no_changed_byte() -> None:
    document, signing = signed_with_sha1()
    changed = document.replace(CPA, b"<eb:CPAId>cpa-2</eb:CPAId>")
    for received, parts in ((changed, (digest_with_sha1(),)), (document, (digest_with_sha1(b"anders"),))):
        with pytest.raises(SignatureError, match="is not what was signed"):
            verify(read_envelope(received), parts, signing, now=wire.NOW, legacy=True)


def digest_with_sha1(data: bytes = PAYLOAD) -> Part:
    return Part("a@x", "application/xml", len(data), {SHA1: hashlib.sha1(data).digest()})


@pytest.mark.statement(118)
@pytest.mark.parametrize("signing", [SIGNATORY.signing(RSA_SHA1), SIGNATORY.signing(digest_method=SHA1)])
def test_we_never_sign_with_sha1(signing: Signing) -> None:
    with pytest.raises(SignatureError, match="is not allowed"):
        sign(write_envelope(ENVELOPE), [digest_with_sha1()], signing, SIGNATORY.sign)


def test_a_message_without_payload_is_signed_and_verified() -> None:
    document = signed(wire.envelope(), ())
    assert verify(read_envelope(document), (), SIGNING, now=wire.NOW).envelope == wire.envelope()


def test_a_content_id_that_needs_percent_encoding_is_matched_after_decoding() -> None:
    odd = part("a b%20<é>@x")
    verified = check(signed(wire.envelope(odd.content_id), (odd,)), odd)
    assert verified.references[1].uri == "cid:a%20b%2520%3C%C3%A9%3E@x"


@pytest.mark.statement(134)
def test_other_prefixes_comments_and_instructions_verify() -> None:
    plain = write_envelope(ENVELOPE).replace(b"soap:", b"SOAP-ENV:").replace(b":soap=", b":SOAP-ENV=")
    plain = plain.replace(b"<SOAP-ENV:Envelope", b'<?a b?><!-- c --><SOAP-ENV:Envelope xml:lang="nl" xmlns="urn:x"', 1)
    plain = plain.replace(b"</SOAP-ENV:Header>", b"<!-- d -->\r\n<?e f?></SOAP-ENV:Header>") + b"<?g?>"
    document = sign(plain, [part()], SIGNING, SIGNATORY.sign)
    assert b"@SOAP-ENV:actor=" in document
    assert check(document).envelope == ENVELOPE


@pytest.mark.statement(134)
def test_what_another_writer_would_write_otherwise_is_verified_as_it_came() -> None:
    """Attributes in another order, single quotes, CDATA, character references: our writer makes none of these."""
    plain = write_envelope(ENVELOPE).replace(CPA, b"<eb:CPAId><![CDATA[cpa-1]]></eb:CPAId>")
    plain = plain.replace(b"<soap:Header>", b"<soap:Header\n>&#13;\n")
    document = sign(plain, [part()], SIGNING, SIGNATORY.sign)
    received = read_envelope(document)
    assert received.document == document
    assert check(document).envelope == ENVELOPE
    refusal(document.replace(b"&#13;", b"\r"))


# --- What the signature does not cover, by design ------------------------------------------------------------

SYNC_REPLY = re.compile(rb"<eb:SyncReply[^>]*/>")


@pytest.mark.statement(133)
def test_a_sync_reply_may_be_taken_out_or_put_in_and_the_message_still_verifies() -> None:
    without = SYNC_REPLY.sub(b"", SIGNED)
    assert check(without).envelope == replace(ENVELOPE, sync_reply=None)
    unsynced = signed(replace(ENVELOPE, sync_reply=None))
    element = SYNC_REPLY.findall(SIGNED)[0]
    assert check(unsynced.replace(b"<eb:AckRequested", element + b"<eb:AckRequested")).envelope == ENVELOPE


def test_a_sync_reply_with_another_actor_is_inside_the_signature() -> None:
    inside = signed(replace(ENVELOPE, sync_reply=SyncReply(actor="urn:iemand")))
    assert check(inside).envelope.sync_reply == SyncReply(actor="urn:iemand")
    refusal(SYNC_REPLY.sub(b"", inside))


def test_a_part_that_nobody_names_is_left_alone() -> None:
    assert check(SIGNED, part(), part("onbekend@x", b"?")).envelope == ENVELOPE


# --- Variants that are accepted ------------------------------------------------------------------------------

Change = Callable[[etree._Element], None]


def signature_of(root: etree._Element) -> etree._Element:
    found = root.find(f".//{{{names.DS}}}Signature")
    assert found is not None
    return found


def resigned(change: Change, document: bytes = SIGNED) -> bytes:
    """The document with its ds:Signature changed, and a signature value that is right for the changed SignedInfo.

    The canonical form is taken from a serialized copy, which has the namespaces of its ancestors written out: another
    way than the one under test.
    """
    root = xml.parse(document, limit=100_000)
    signature = signature_of(root)
    change(signature)
    signed_info, value = signature[0], signature[1]
    exclusive = "exc-c14n" in signed_info[0].get("Algorithm", "")
    alone = xml.parse(etree.tostring(signed_info, with_tail=False), limit=100_000)
    octets = etree.tostring(alone, method="c14n", exclusive=exclusive, with_comments=False)
    value.text = b64encode(SIGNATORY.sign(octets, names.RSA_SHA256)).decode()
    return xml.serialize(root)


def ds(parent: etree._Element, path: str) -> etree._Element:
    found = parent.find("/".join(f"{{{names.DS}}}{name}" for name in path.split("/")))
    assert found is not None
    return found


def set_algorithm(path: str, algorithm: str) -> Change:
    return lambda signature: ds(signature, path).set("Algorithm", algorithm)


def transform(signature: etree._Element, index: int) -> etree._Element:
    return ds(signature, "SignedInfo/Reference/Transforms")[index]


def test_resigning_without_a_change_verifies() -> None:
    assert check(resigned(lambda signature: None)).envelope == ENVELOPE


def test_exclusive_canonicalization_of_signed_info_verifies() -> None:
    change = set_algorithm("SignedInfo/CanonicalizationMethod", names.EXCLUSIVE_C14N)
    assert check(resigned(change)).envelope == ENVELOPE


@pytest.mark.statement(132)
def test_exclusive_canonicalization_of_the_envelope_verifies() -> None:
    def change(signature: etree._Element) -> None:
        transform(signature, 2).set("Algorithm", names.EXCLUSIVE_C14N)
        octets = xml.parse(golden("ebms_signed_octets.xml").encode(), limit=100_000)
        canonical = etree.tostring(octets, method="c14n", exclusive=True)
        ds(signature, "SignedInfo/Reference/DigestValue").text = b64encode(hashlib.sha256(canonical).digest()).decode()

    assert check(resigned(change)).envelope == ENVELOPE


def test_base64_with_carriage_returns_and_a_key_value_are_tolerated() -> None:
    def wrapped(text: bytes) -> bytes:
        return b"\n" + b"&#13;\n".join(text[begin : begin + 76] for begin in range(0, len(text), 76)) + b"\n"

    document = SIGNED
    for value in (*between(SIGNED, "SignatureValue"), *between(SIGNED, "X509Certificate")):
        document = document.replace(value, wrapped(value))
    document = document.replace(b"<ds:KeyInfo>", b"<ds:KeyInfo><ds:KeyValue><ds:RSAKeyValue/></ds:KeyValue>")
    assert b"&#13;" in document
    assert check(document).envelope == ENVELOPE


def test_a_signature_without_key_info_is_verified_with_the_certificate_of_the_cpa() -> None:
    assert check(re.sub(rb"<ds:KeyInfo>.*</ds:KeyInfo>", b"", SIGNED)).envelope == ENVELOPE


def test_single_quotes_and_line_breaks_in_the_xpath_are_the_same_expression() -> None:
    def change(signature: etree._Element) -> None:
        xpath = transform(signature, 1)[0]
        xpath.text = (xpath.text or "").replace('"', "'").replace("|", " |\n    ")

    assert check(resigned(change)).envelope == ENVELOPE


# --- Attacks -------------------------------------------------------------------------------------------------

CPA = b"<eb:CPAId>cpa-1</eb:CPAId>"
MESSAGE_HEADER = re.search(rb"<eb:MessageHeader.*</eb:MessageHeader>", SIGNED)[0]
EVIL_HEADER = MESSAGE_HEADER.replace(CPA, b"<eb:CPAId>cpa-2</eb:CPAId>")
WHOLE_SIGNATURE = re.search(rb"<ds:Signature>.*</ds:Signature>", SIGNED)[0]


def test_a_changed_header_is_refused() -> None:
    refused = refusal(SIGNED.replace(CPA, b"<eb:CPAId>cpa-2</eb:CPAId>"))
    assert "the envelope is not what was signed" in str(refused)
    assert refused.location == "//Header/Signature/SignedInfo/Reference[@URI='']"


def test_a_changed_payload_is_refused() -> None:
    refused = refusal(SIGNED, part(data=PAYLOAD + b"\n"))
    assert refused.location == "//Header/Signature/SignedInfo/Reference[@URI='cid:a@x']"


@pytest.mark.statement(151)
def test_a_decrypted_payload_that_was_not_signed_looks_like_one_that_cannot_be_decrypted() -> None:
    changed = replace(part(data=PAYLOAD + b"\n"), confidentiality=Confidentiality.DECRYPTED)
    refused = refusal(SIGNED, changed)
    assert (str(refused), refused.location) == (NOT_DECRYPTED, "cid:a@x")


def test_a_changed_signature_value_is_refused() -> None:
    value = between(SIGNED, "SignatureValue")[0]
    other = b64encode(b64decode(value)[:-1] + b"\0")
    assert "does not hold under the certificate" in str(refusal(SIGNED.replace(value, other)))


def test_a_message_without_signature_is_refused() -> None:
    refused = refusal(write_envelope(ENVELOPE))
    assert str(refused) == "the message is not signed"
    assert refused.location == "//Header/Signature"


@pytest.mark.statement(128)
@pytest.mark.parametrize(
    "document",
    [
        SIGNED.replace(MESSAGE_HEADER, EVIL_HEADER + MESSAGE_HEADER),
        SIGNED.replace(MESSAGE_HEADER, MESSAGE_HEADER + EVIL_HEADER),
        SIGNED.replace(b"</eb:Manifest>", b"</eb:Manifest>" + EVIL_HEADER),
        SIGNED.replace(MESSAGE_HEADER, b"").replace(b"<soap:Body>", b"<soap:Body>" + MESSAGE_HEADER),
        SIGNED.replace(MESSAGE_HEADER, EVIL_HEADER + b'<x xmlns="urn:x">' + MESSAGE_HEADER + b"</x>"),
    ],
)
def test_a_second_or_moved_message_header_is_refused_by_reader_and_verifier(document: bytes) -> None:
    with pytest.raises(EnvelopeError, match="the one eb:MessageHeader"):
        read_envelope(document)
    refusal(document, by=check_unread)


def test_a_second_header_that_the_transforms_leave_out_never_becomes_what_was_verified() -> None:
    hidden = EVIL_HEADER.replace(
        b"<eb:MessageHeader", f'<eb:MessageHeader soap:actor="{names.ACTOR_SOAP_NEXT}"'.encode()
    )
    document = SIGNED.replace(MESSAGE_HEADER, hidden + MESSAGE_HEADER)
    with pytest.raises(EnvelopeError):
        read_envelope(document)
    assert check_unread(document).envelope == ENVELOPE


@pytest.mark.statement(128)
@pytest.mark.parametrize("element", [b"<eb:MessageHeader", b"<soap:Header", b"<soap:Body", b"<soap:Envelope"])
@pytest.mark.parametrize("actor", [names.ACTOR_SOAP_NEXT, names.ACTOR_NEXT_MSH])
def test_an_element_taken_out_of_the_signature_by_an_actor_is_refused(element: bytes, actor: str) -> None:
    refusal(SIGNED.replace(element, element + f' soap:actor="{actor}"'.encode(), 1), by=check_unread)


def test_what_a_sender_signs_without_a_header_in_it_is_refused() -> None:
    hidden = write_envelope(ENVELOPE).replace(
        b"<eb:MessageHeader", f'<eb:MessageHeader soap:actor="{names.ACTOR_SOAP_NEXT}"'.encode(), 1
    )
    document = sign(hidden, [part()], SIGNING, SIGNATORY.sign)
    assert "what was signed is not an envelope" in str(refusal(document))


@pytest.mark.statement(129)
@pytest.mark.parametrize(
    "document",
    [
        SIGNED.replace(WHOLE_SIGNATURE, WHOLE_SIGNATURE * 2),
        SIGNED.replace(WHOLE_SIGNATURE, b"").replace(b"<soap:Body>", b"<soap:Body>" + WHOLE_SIGNATURE),
        SIGNED.replace(b"<soap:Body>", b"<soap:Body>" + WHOLE_SIGNATURE),
        SIGNED.replace(WHOLE_SIGNATURE, b'<x xmlns="urn:x">' + WHOLE_SIGNATURE + b"</x>"),
    ],
)
def test_a_second_or_moved_signature_is_refused(document: bytes) -> None:
    assert "the one ds:Signature" in str(refusal(document))


@pytest.mark.statement(123)
def test_a_signature_by_another_key_is_refused_with_and_without_its_certificate() -> None:
    other = wire.signatory("other")
    document = sign(write_envelope(ENVELOPE), [part()], other.signing(), other.sign)
    refused = refusal(document)
    assert "certificate of the signature is not that of the CPA" in str(refused)
    assert refused.location == "//Header/Signature/KeyInfo/X509Data"
    refused = refusal(re.sub(rb"<ds:KeyInfo>.*</ds:KeyInfo>", b"", document))
    assert "does not hold under the certificate" in str(refused)


def test_a_foreign_certificate_beside_a_good_signature_is_refused() -> None:
    [own] = between(SIGNED, "X509Certificate")
    document = SIGNED.replace(own, b64encode(wire.signatory("other").certificate))
    assert "not that of the CPA" in str(refusal(document))


@pytest.mark.statement(126)
def test_a_payload_of_the_manifest_that_is_not_signed_is_refused() -> None:
    document = signed(wire.envelope("a@x", "b@x"), (part(),))
    refused = refusal(document, part(), part("b@x"))
    assert str(refused) == "a payload of the Manifest is not signed"
    assert refused.location == "cid:b@x"


def test_a_reference_to_a_payload_that_is_not_there_is_refused() -> None:
    document = signed(wire.envelope("a@x"), (part(), part("b@x")))
    assert "names a payload that is not in the message" in str(refusal(document))


def test_a_payload_whose_digest_was_not_computed_is_refused() -> None:
    assert "a payload is not what was signed" in str(refusal(SIGNED, replace(part(), digests={})))


@pytest.mark.statement(130)
@pytest.mark.parametrize("uri", ["http://voorbeeld.example/x", "file:///x", "#h", "x", " ", "CIDX:a@x"])
def test_a_reference_to_anything_else_is_refused_and_never_fetched(uri: str) -> None:
    def change(signature: etree._Element) -> None:
        signature[0][3].set("URI", uri)

    refused = refusal(resigned(change))
    assert "neither to the envelope nor to a payload" in str(refused)


def without_uri(signature: etree._Element) -> None:
    del signature[0][3].attrib["URI"]


def without_own_reference(signature: etree._Element) -> None:
    signature[0].remove(signature[0][2])


def with_a_reference_twice(signature: etree._Element) -> None:
    signature[0].append(xml.parse(etree.tostring(signature[0][3]), limit=10_000))


def with_an_object(signature: etree._Element) -> None:
    etree.SubElement(signature, f"{{{names.DS}}}Object")


def with_transforms_on_a_payload(signature: etree._Element) -> None:
    signature[0][3].insert(0, xml.parse(etree.tostring(signature[0][2][0]), limit=10_000))


def without_the_xpath(signature: etree._Element) -> None:
    transforms = ds(signature, "SignedInfo/Reference/Transforms")
    transforms.remove(transforms[1])


def with_transforms_in_another_order(signature: etree._Element) -> None:
    transforms = ds(signature, "SignedInfo/Reference/Transforms")
    transforms.insert(0, transforms[1])


def without_transforms(signature: etree._Element) -> None:
    signature[0][2].remove(signature[0][2][0])


def with_another_xpath(signature: etree._Element) -> None:
    transform(signature, 1)[0].text = "not(ancestor-or-self::eb:MessageHeader)"


def with_a_longer_xpath(signature: etree._Element) -> None:
    xpath = transform(signature, 1)[0]
    xpath.text = (xpath.text or "") + " and not(self::eb:Manifest)"


def with_a_prefix_that_is_not_soap(signature: etree._Element) -> None:
    xpath = transform(signature, 1)[0]
    xpath.text = (xpath.text or "").replace("@soap:", "@eb:")


def with_two_expressions(signature: etree._Element) -> None:
    filtering = transform(signature, 1)
    filtering.append(xml.parse(etree.tostring(filtering[0], with_tail=False), limit=10_000))


def with_parameters(signature: etree._Element) -> None:
    etree.SubElement(signature[0][0], "{http://www.w3.org/2001/10/xml-exc-c14n#}InclusiveNamespaces")


def with_xslt(signature: etree._Element) -> None:
    transform(signature, 0).set("Algorithm", XSLT)


def with_an_empty_digest(signature: etree._Element) -> None:
    ds(signature, "SignedInfo/Reference/DigestValue").text = ""


def with_a_malformed_digest(signature: etree._Element) -> None:
    ds(signature, "SignedInfo/Reference/DigestValue").text = "abc"


THE_TRANSFORMS = "the transforms are not the three"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (without_uri, "URI, ds:DigestMethod or ds:DigestValue is missing"),
        pytest.param(
            without_own_reference,
            'must refer once to the envelope (URI "")',
            id="no_own_reference",
            marks=pytest.mark.statement(127),
        ),
        (with_a_reference_twice, "once to each payload"),
        (with_an_object, "SignedInfo, SignatureValue and KeyInfo only"),
        pytest.param(
            with_transforms_on_a_payload,
            "the reference to a payload has transforms",
            id="transforms_on_a_payload",
            marks=pytest.mark.statement(131),
        ),
        (without_the_xpath, THE_TRANSFORMS),
        pytest.param(
            with_transforms_in_another_order,
            THE_TRANSFORMS,
            id="transforms_in_another_order",
            marks=pytest.mark.statement(116),
        ),
        (without_transforms, THE_TRANSFORMS),
        (with_another_xpath, THE_TRANSFORMS),
        pytest.param(
            with_a_longer_xpath,
            THE_TRANSFORMS,
            id="longer_xpath",
            marks=pytest.mark.statement(131),
        ),
        (with_a_prefix_that_is_not_soap, THE_TRANSFORMS),
        (with_two_expressions, THE_TRANSFORMS),
        pytest.param(
            with_xslt,
            THE_TRANSFORMS,
            id="xslt",
            marks=pytest.mark.statement(131),
        ),
        (with_parameters, "an algorithm has parameters"),
        (with_an_empty_digest, "ds:DigestValue is empty"),
        (with_a_malformed_digest, "ds:DigestValue is not base64"),
        (set_algorithm("SignedInfo/CanonicalizationMethod", names.C14N + "#WithComments"), "the canonicalization"),
        pytest.param(
            set_algorithm("SignedInfo/SignatureMethod", RSA_SHA1),
            "the signature method is not that of the CPA",
            id="sha1_signature",
            marks=pytest.mark.statement(119),
        ),
        pytest.param(
            set_algorithm("SignedInfo/SignatureMethod", names.RSA_SHA512),
            "the signature method is not that of the CPA",
            id="another_signature_method",
            marks=pytest.mark.statement(120),
        ),
        pytest.param(
            set_algorithm("SignedInfo/Reference/DigestMethod", SHA1),
            "the digest method is not that of the CPA",
            id="sha1_digest",
            marks=pytest.mark.statement(119),
        ),
        pytest.param(
            set_algorithm("SignedInfo/Reference/DigestMethod", names.SHA512),
            "the digest method is not that of the CPA",
            id="another_digest_method",
            marks=pytest.mark.statement(120),
        ),
    ],
)
def test_a_well_made_signature_outside_the_profile_is_refused(change: Change, reason: str) -> None:
    assert reason in str(refusal(resigned(change)))


@pytest.mark.parametrize("signing", [SIGNATORY.signing(RSA_SHA1), SIGNATORY.signing(digest_method=SHA1)])
def test_a_cpa_that_names_a_forbidden_algorithm_makes_nothing_acceptable(signing: Signing) -> None:
    document = SIGNED.replace(names.RSA_SHA256.encode(), signing.signature_algorithm.encode())
    document = document.replace(names.SHA256.encode(), signing.digest_method.encode())
    with pytest.raises(SignatureError):
        check(document, signing=signing)
    with pytest.raises(SignatureError):
        sign(write_envelope(ENVELOPE), [part(method=names.SHA256)], signing, SIGNATORY.sign)


@pytest.mark.statement(120)
def test_a_method_that_does_not_fit_the_key_of_the_certificate_is_refused() -> None:
    elliptic = wire.signatory("sender", "ec")
    with pytest.raises(SignatureError, match="does not fit the key"):
        check(re.sub(rb"<ds:KeyInfo>.*</ds:KeyInfo>", b"", SIGNED), signing=elliptic.signing())


def test_a_certificate_outside_its_validity_at_timestamp_or_now_is_refused() -> None:
    with pytest.raises(SignatureError, match="is not valid at 2035"):
        check(SIGNED, now=datetime(2035, 1, 1, tzinfo=UTC))
    early = replace(ENVELOPE, header=replace(ENVELOPE.header, timestamp=datetime(2024, 1, 1, tzinfo=UTC)))
    with pytest.raises(SignatureError, match="is not valid at 2024"):
        check(signed(early))
    brief = wire.signatory("brief", years=1)
    document = sign(write_envelope(ENVELOPE), [part()], brief.signing(), brief.sign)
    with pytest.raises(SignatureError, match="is not valid at 2026"):
        check(document, signing=brief.signing(), now=wire.NOW + timedelta(hours=1))


def test_an_unreadable_certificate_in_the_cpa_is_refused() -> None:
    document = re.sub(rb"<ds:KeyInfo>.*</ds:KeyInfo>", b"", SIGNED)
    with pytest.raises(SignatureError, match="cannot be read"):
        check(document, signing=replace(SIGNING, certificate=b"geen certificaat"))


def test_what_has_no_header_or_a_signature_already_cannot_be_signed() -> None:
    for document in (SIGNED, f'<soap:Envelope xmlns:soap="{names.SOAP}"><soap:Body/></soap:Envelope>'.encode()):
        with pytest.raises(SignatureError, match="without a signature can be signed"):
            sign(document, [part()], SIGNING, SIGNATORY.sign)


def test_a_part_without_the_digest_cannot_be_signed() -> None:
    with pytest.raises(SignatureError, match="the digest of cid:a@x was not computed"):
        sign(write_envelope(ENVELOPE), [part(method=names.SHA512)], SIGNING, SIGNATORY.sign)


@pytest.mark.parametrize("namespace", [b'xmlns:x="relatief"', b'xmlns="../x"'])
def test_an_envelope_that_has_no_canonical_form_is_refused(namespace: bytes) -> None:
    assert "no canonical form" in str(refusal(SIGNED.replace(b"<soap:Envelope", b"<soap:Envelope " + namespace, 1)))


FRAGMENTS = (
    b'|<|>|"|=| |&#13;|<!-- -->|<?a?>|]]>|<ds:Reference/>|<ds:Signature/>|<ds:X>x</ds:X>|<eb:From/>|\0|\xff'
    b'| URI="x"| xmlns="x"| xmlns:ds="urn:x"| soap:actor="x"| eb:id="x"'
).split(b"|")


@given(
    st.lists(
        st.tuples(st.integers(0, len(SIGNED)), st.integers(0, 40), st.sampled_from(FRAGMENTS)), min_size=1, max_size=3
    )
)
def test_any_damage_is_refused_in_our_own_words_or_changes_nothing(damage: list[tuple[int, int, bytes]]) -> None:
    document = SIGNED
    for begin, length, fragment in damage:
        document = document[:begin] + fragment + document[begin + length :]
    try:
        received = read_envelope(document)
    except PartnerError:
        return
    required_digests(received)
    try:
        verified = verify(received, [part()], SIGNING, now=wire.NOW)
    except SignatureError:
        return
    assert replace(verified.envelope, sync_reply=None) == replace(ENVELOPE, sync_reply=None)


# --- What callers ask beforehand -----------------------------------------------------------------------------


def test_the_digests_that_are_needed_are_those_that_the_signature_names() -> None:
    assert required_digests(read_envelope(SIGNED)) == {("a@x", names.SHA256)}
    assert required_digests(read_envelope(write_envelope(ENVELOPE))) == frozenset()
    assert required_digests(ReceivedEnvelope(ENVELOPE, resigned(with_an_empty_digest), 1)) == frozenset()


def test_signed_references_survive_a_signed_acknowledgment() -> None:
    soap, parts, signing = captured()
    references = check(soap, *parts, signing=signing).references
    receipt = Acknowledgment(wire.NOW, "bericht-1@voorbeeld.example", references=references)
    answer = Envelope(wire.envelope().header, acknowledgment=receipt)
    document = sign(write_envelope(answer), (), SIGNING, SIGNATORY.sign)
    verified = verify(read_envelope(document), (), SIGNING, now=wire.NOW)
    assert verified.envelope.acknowledgment == receipt
    assert document.count(b"fZlGMPvMqxwHchSKcQr8c5GsFs06sM17Uw7zls5TBV0=") == 1


@pytest.mark.statement(220)
@pytest.mark.parametrize(
    "heavy",
    [
        b"<a/>" * 250_000,
        b"<a" + b"".join(b' xmlns:a%d="b%d"' % (n, n) for n in range(500)) + b">" + b"<a/>" * 240_000 + b"</a>",
        b"<!-- -->" * 125_000,
    ],
)
def test_a_signed_envelope_that_is_filled_up_is_answered_within_a_second(heavy: bytes) -> None:
    """Found by fuzzing: 1.3 s for 260,000 elements."""
    document = SIGNED.replace(b"<soap:Body>", b"<soap:Body>" + heavy)
    begin = time.process_time()
    with suppress(PartnerError):
        check(document)
    assert time.process_time() - begin < 1


# --- Certificates with something odd in them, found by fuzzing ---------------------------------------------------

VERSION, KEY_KIND = bytes.fromhex("a003020102"), bytes.fromhex("06092a864886f70d010101")


@pytest.mark.parametrize("known", [VERSION, KEY_KIND])
def test_a_certificate_that_cannot_be_understood_is_a_failure_of_the_signature(known: bytes) -> None:
    odd = SIGNATORY.certificate.replace(known, known[:-1] + b"\x77", 1)
    assert odd != SIGNATORY.certificate
    document = re.sub(rb"<ds:KeyInfo>.*</ds:KeyInfo>", b"", SIGNED)
    with pytest.raises(SignatureError, match=r"in the CPA cannot be read"):
        check(document, signing=Signing(names.RSA_SHA256, names.SHA256, odd))
