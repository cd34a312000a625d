"""Signatures and encrypted payloads of ours, held against python-xmlsec and the JDK, and theirs against us."""

import os
import re
from collections.abc import Callable, Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.conformance.oracles import Jdk, Oracle, Refused, Xmlsec, running_jdk
from tests.unit.ebms import wire

from digikoppelaar.ebms import names
from digikoppelaar.ebms.agreement import Encryption
from digikoppelaar.ebms.ciphers import KeyTransport, iv_size, key_size, padding_of
from digikoppelaar.ebms.encryption import Decryptor, Encryptor
from digikoppelaar.ebms.envelope import read_envelope, write_envelope
from digikoppelaar.ebms.messages import Part
from digikoppelaar.ebms.signature import digest_part, sign, verify
from digikoppelaar.errors import PartnerError

SIGNATORY = wire.signatory("sender", "rsa")
RECEIVER = wire.signatory("receiver")
PAYLOADS = {"a@x": b"<verzoek>\r\n\0\xff</verzoek>", "b-1@x": b""}
ENVELOPE = wire.envelope(*PAYLOADS, sync=True)
CANONICALIZATIONS = [names.C14N, names.EXCLUSIVE_C14N]


@pytest.fixture(scope="module")
def jdk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jdk]:
    with running_jdk(tmp_path_factory.mktemp("oracle")) as oracle:
        yield oracle


@pytest.fixture(scope="module", params=["xmlsec", "jdk"])
def oracle(request: pytest.FixtureRequest) -> Oracle:
    return Xmlsec() if request.param == "xmlsec" else request.getfixturevalue("jdk")


def parts(method: str = names.SHA256, **changed: bytes) -> list[Part]:
    return [
        digest_part(content_id, "application/xml", data, method) for content_id, data in (PAYLOADS | changed).items()
    ]


def signed(
    *, exclusive: bool = False, kind: str = "rsa", algorithm: str = names.RSA_SHA256, method: str = names.SHA256
) -> bytes:
    signatory = wire.signatory("sender", kind)
    signing = signatory.signing(algorithm, method)
    return sign(write_envelope(ENVELOPE), parts(method), signing, signatory.sign, exclusive_c14n=exclusive)


# --- Signatures --------------------------------------------------------------------------------------------------


@pytest.mark.statement(116, 117, 132)
@pytest.mark.parametrize("exclusive", [False, True])
def test_what_we_sign_verifies_with_others_over_everything(oracle: Oracle, exclusive: bool) -> None:
    found = oracle.verify(signed(exclusive=exclusive), SIGNATORY.certificate, PAYLOADS)
    assert found == ["", "cid:a@x", "cid:b-1@x"]


@pytest.mark.statement(118)
@pytest.mark.parametrize(
    ("kind", "algorithm", "method"),
    [
        ("rsa", names.RSA_SHA384, names.SHA384),
        ("rsa", names.RSA_SHA512, names.SHA512),
        ("ec", names.ECDSA_SHA256, names.SHA256),
        ("ec", names.ECDSA_SHA384, names.SHA384),
        ("ec", names.ECDSA_SHA512, names.SHA512),
    ],
)
def test_every_algorithm_that_we_sign_with_verifies_with_others(
    oracle: Oracle, kind: str, algorithm: str, method: str
) -> None:
    document = signed(kind=kind, algorithm=algorithm, method=method)
    assert oracle.verify(document, wire.signatory("sender", kind).certificate, PAYLOADS)


@pytest.mark.statement(116, 132)
@pytest.mark.parametrize("canonicalization", CANONICALIZATIONS)
def test_what_others_sign_verifies_with_us(oracle: Oracle, canonicalization: str) -> None:
    document = oracle.sign(write_envelope(ENVELOPE), SIGNATORY, PAYLOADS, canonicalization)
    verified = verify(read_envelope(document), parts(), SIGNATORY.signing(), now=wire.NOW)
    assert verified.envelope == ENVELOPE
    assert [one.uri for one in verified.references] == ["", "cid:a@x", "cid:b-1@x"]


@pytest.mark.parametrize("canonicalization", CANONICALIZATIONS)
def test_odd_but_good_documents_have_one_canonical_form_for_all(oracle: Oracle, canonicalization: str) -> None:
    odd = write_envelope(ENVELOPE).replace(b"soap:", b"SOAP-ENV:").replace(b":soap=", b":SOAP-ENV=")
    odd = odd.replace(b"<SOAP-ENV:Envelope", b'<?a b?><!-- c --><SOAP-ENV:Envelope xml:lang="nl" xmlns="urn:x"', 1)
    odd = odd.replace(b"</SOAP-ENV:Header>", b"<!-- d -->\n<?e f?></SOAP-ENV:Header>") + b"<!-- g -->"
    exclusive = canonicalization == names.EXCLUSIVE_C14N
    ours = sign(odd, parts(), SIGNATORY.signing(), SIGNATORY.sign, exclusive_c14n=exclusive)
    assert oracle.verify(ours, SIGNATORY.certificate, PAYLOADS)
    theirs = oracle.sign(odd, SIGNATORY, PAYLOADS, canonicalization)
    assert verify(read_envelope(theirs), parts(), SIGNATORY.signing(), now=wire.NOW).envelope == ENVELOPE


@pytest.mark.statement(133)
def test_taking_out_sync_reply_is_allowed_by_all(oracle: Oracle) -> None:
    document = re.sub(rb"<eb:SyncReply[^>]*/>", b"", signed())
    assert oracle.verify(document, SIGNATORY.certificate, PAYLOADS)
    assert verify(read_envelope(document), parts(), SIGNATORY.signing(), now=wire.NOW)


HEADER = re.search(rb"<eb:MessageHeader.*</eb:MessageHeader>", signed())[0]
SIGNATURE = re.search(rb"<ds:Signature>.*</ds:Signature>", signed())[0]
TAMPERED: dict[str, Callable[[bytes], bytes]] = {
    "another CPA": lambda d: d.replace(b">cpa-1<", b">cpa-2<"),
    "another actor of AckRequested": lambda d: d.replace(names.ACTOR_TO_PARTY.encode(), b"urn:x", 1),
    "a second MessageHeader": lambda d: d.replace(HEADER, HEADER + HEADER),
    "MessageHeader moved into the Body": lambda d: d.replace(HEADER, b"").replace(
        b"<soap:Body>", b"<soap:Body>" + HEADER
    ),
    "MessageHeader wrapped": lambda d: d.replace(HEADER, b'<x xmlns="urn:x">' + HEADER + b"</x>"),
    "MessageHeader hidden from the signature": lambda d: d.replace(
        b"<eb:MessageHeader", f'<eb:MessageHeader soap:actor="{names.ACTOR_SOAP_NEXT}"'.encode(), 1
    ),
    "Body hidden from the signature": lambda d: d.replace(
        b"<soap:Body", f'<soap:Body soap:actor="{names.ACTOR_NEXT_MSH}"'.encode(), 1
    ),
    "the Manifest names one payload less": lambda d: re.sub(rb"<eb:Reference [^>]*b-1@x[^>]*/>", b"", d),
    "a reference taken out of the signature": lambda d: re.sub(
        rb'<ds:Reference URI="cid:b-1@x">.*?</ds:Reference>', b"", d
    ),
    "the digests of two payloads swapped": lambda d: d.replace(b"cid:a@x", b"#").replace(b"cid:b-1@x", b"cid:a@x"),
    "another XPath": lambda d: d.replace(b"not(ancestor", b"(ancestor", 1),
    "another canonicalization": lambda d: d.replace(names.C14N.encode(), names.EXCLUSIVE_C14N.encode()),
    "another signature method": lambda d: d.replace(names.RSA_SHA256.encode(), names.RSA_SHA512.encode()),
    "HMAC with the certificate as its key": lambda d: d.replace(
        names.RSA_SHA256.encode(), b"http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"
    ),
    "two signatures": lambda d: d.replace(SIGNATURE, SIGNATURE * 2),
    "no signature": lambda d: d.replace(SIGNATURE, b""),
    "a signature over another document": lambda d: d.replace(b"gesprek-1", b"gesprek-2"),
    "another namespace at the root": lambda d: d.replace(b"<soap:Envelope", b'<soap:Envelope xmlns:y="urn:y"', 1),
}


@pytest.mark.statement(122, 128, 129)
@pytest.mark.parametrize("name", TAMPERED)
def test_what_was_tampered_with_is_refused_by_us_and_by_others(oracle: Oracle, name: str) -> None:
    document = TAMPERED[name](signed())
    assert document != signed()
    with pytest.raises(PartnerError):
        verify(read_envelope(document), parts(), SIGNATORY.signing(), now=wire.NOW)
    with pytest.raises(Refused):
        oracle.verify(document, SIGNATORY.certificate, PAYLOADS)


@pytest.mark.statement(122)
def test_a_changed_payload_is_refused_by_us_and_by_others(oracle: Oracle) -> None:
    changed = PAYLOADS | {"a@x": PAYLOADS["a@x"] + b"\n"}
    with pytest.raises(PartnerError):
        verify(read_envelope(signed()), parts(**changed), SIGNATORY.signing(), now=wire.NOW)
    with pytest.raises(Refused):
        oracle.verify(signed(), SIGNATORY.certificate, changed)


@pytest.mark.statement(123)
def test_another_key_is_refused_by_us_and_by_others(oracle: Oracle) -> None:
    other = wire.signatory("other")
    with pytest.raises(PartnerError):
        verify(read_envelope(signed()), parts(), other.signing(), now=wire.NOW)
    with pytest.raises(Refused):
        oracle.verify(signed(), other.certificate, PAYLOADS)


@pytest.mark.statement(126)
def test_coverage_that_is_wrong_shows_in_what_others_say_was_signed_and_is_refused_by_us(oracle: Oracle) -> None:
    """XML Signature at large has no idea of a Manifest, so the others can only tell what was signed."""
    document = sign(write_envelope(ENVELOPE), parts()[:1], SIGNATORY.signing(), SIGNATORY.sign)
    assert oracle.verify(document, SIGNATORY.certificate, PAYLOADS) == ["", "cid:a@x"]
    with pytest.raises(PartnerError, match="is not signed"):
        verify(read_envelope(document), parts(), SIGNATORY.signing(), now=wire.NOW)


# --- Encryption --------------------------------------------------------------------------------------------------


def unwrap(wrapped: bytes, transport: KeyTransport) -> bytes:
    assert isinstance(RECEIVER.key, rsa.RSAPrivateKey)
    return RECEIVER.key.decrypt(wrapped, padding_of(transport))


def encrypted(data: bytes, algorithm: str) -> bytes:
    encryptor = Encryptor(
        Encryption(algorithm, RECEIVER.certificate),
        "bijlage-1",
        "text/plain",
        key=os.urandom(key_size(algorithm)),
        iv=os.urandom(iv_size(algorithm)),
        legacy=True,
    )
    return encryptor.feed(data) + encryptor.finish()


def decrypted(document: bytes) -> tuple[bytes, str]:
    decryptor = Decryptor(unwrap, legacy=True)
    return decryptor.feed(document) + decryptor.finish(), decryptor.content_type


CIPHERS = [names.AES128_GCM, names.AES256_GCM, names.AES128_CBC, names.AES256_CBC]
LENGTHS = [0, 1, 15, 16, 17, 100_000]


@pytest.mark.statement(143)
@pytest.mark.parametrize("algorithm", CIPHERS)
def test_what_we_encrypt_others_decrypt(oracle: Oracle, algorithm: str) -> None:
    for length in LENGTHS[1:]:
        data = os.urandom(length)
        assert oracle.decrypt(encrypted(data, algorithm), RECEIVER) == data


@pytest.mark.statement(143, 144)
@pytest.mark.parametrize(
    ("algorithm", "transport"),
    [
        (names.AES128_GCM, names.RSA_OAEP_MGF1P),
        (names.AES256_GCM, names.RSA_OAEP_MGF1P),
        (names.AES128_CBC, names.RSA_1_5),
        (names.AES256_CBC, names.RSA_1_5),
    ],
)
def test_what_others_encrypt_we_decrypt(oracle: Oracle, algorithm: str, transport: str) -> None:
    for length in LENGTHS[1:]:
        data = os.urandom(length)
        assert decrypted(oracle.encrypt(data, RECEIVER.certificate, algorithm, transport)) == (data, "text/plain")


@pytest.mark.statement(144)
def test_what_the_jdk_wraps_with_oaep_of_sha256_we_unwrap(jdk: Jdk) -> None:
    document = jdk.encrypt(b"hallo", RECEIVER.certificate, names.AES256_GCM, names.RSA_OAEP)
    assert decrypted(document) == (b"hallo", "text/plain")


@pytest.mark.statement(149)
def test_a_changed_ciphertext_is_refused_by_others_and_by_us(oracle: Oracle) -> None:
    document = encrypted(b"x" * 300, names.AES256_GCM)
    at = document.rindex(b"</xenc:CipherValue>") - 40
    changed = document[:at] + (b"B" if document[at : at + 1] == b"A" else b"A") + document[at + 1 :]
    with pytest.raises(PartnerError):
        decrypted(changed)
    with pytest.raises(Refused):
        oracle.decrypt(changed, RECEIVER)
