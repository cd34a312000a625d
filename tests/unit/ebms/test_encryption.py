"""Encrypted payloads: there and back in chunks of any size, what peers write, and everything that must not decrypt."""

import os
import re
import time
import tracemalloc
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.ebms import wire

from digikoppelaar.ebms import ciphers, names
from digikoppelaar.ebms.agreement import Encryption
from digikoppelaar.ebms.ciphers import KeyTransport, encryption_problem, iv_size, key_size, padding_of
from digikoppelaar.ebms.encrypted_data import HEAD_LIMIT
from digikoppelaar.ebms.encryption import Decryptor, Encryptor
from digikoppelaar.errors import NOT_DECRYPTED, CpaError, DecryptionError, SignatureError

RECEIVER = wire.signatory("receiver")
PAYLOAD = b"<verzoek>\r\n\0\xff</verzoek>"
GCM = [names.AES128_GCM, names.AES256_GCM]
CBC = [names.AES128_CBC, names.AES192_CBC, names.AES256_CBC]
TRIPLE_DES = "http://www.w3.org/2001/04/xmlenc#tripledes-cbc"


def unwrap(wrapped: bytes, transport: KeyTransport) -> bytes:
    """What the Decrypter of a partij does."""
    assert isinstance(RECEIVER.key, rsa.RSAPrivateKey)
    return RECEIVER.key.decrypt(wrapped, padding_of(transport))


def encrypted(
    data: bytes = PAYLOAD,
    algorithm: str = names.AES256_GCM,
    chunk: int = 1 << 16,
    content_id: str = "a@x",
    random: Callable[[int], bytes] = os.urandom,
) -> bytes:
    encryptor = Encryptor(
        Encryption(algorithm, RECEIVER.certificate),
        content_id,
        "text/plain; charset=utf-8",
        key=random(key_size(algorithm)),
        iv=random(iv_size(algorithm)),
        legacy=algorithm in CBC,
    )
    return b"".join(map(encryptor.feed, chunks(data, chunk))) + encryptor.finish()


def chunks(data: bytes, size: int) -> Iterable[bytes]:
    return (data[begin : begin + size] for begin in range(0, len(data), size))


def decrypted(document: bytes, *, legacy: bool = False, chunk: int = 1 << 16) -> bytes:
    decryptor = Decryptor(unwrap, legacy=legacy)
    return b"".join(map(decryptor.feed, chunks(document, chunk))) + decryptor.finish()


def refusal(document: bytes, *, legacy: bool = False) -> DecryptionError:
    with pytest.raises(DecryptionError) as refused:
        decrypted(document, legacy=legacy)
    return refused.value


# --- There and back --------------------------------------------------------------------------------------------


@pytest.mark.statement(143)
@pytest.mark.parametrize("algorithm", GCM + CBC)
@settings(max_examples=30)
@given(data=st.binary(max_size=400), there=st.integers(1, 50), back=st.integers(1, 50))
def test_a_payload_comes_back_bit_for_bit_in_chunks_of_any_size(
    algorithm: str, data: bytes, there: int, back: int
) -> None:
    document = encrypted(data, algorithm, there)
    assert decrypted(document, legacy=algorithm in CBC, chunk=back) == data


@pytest.mark.statement(142, 150)
def test_the_document_has_the_form_that_peers_read_and_keeps_the_content_type() -> None:
    document = encrypted(content_id="bijlage-1")
    decryptor = Decryptor(unwrap, legacy=False)
    assert decryptor.feed(document) + decryptor.finish() == PAYLOAD
    assert decryptor.content_type == "text/plain; charset=utf-8"
    assert not decryptor.is_legacy
    value = rb"[A-Za-z0-9+/]+=*"
    assert re.fullmatch(
        rb"<\?xml version='1.0' encoding='UTF-8'\?>\n"
        rb'<xenc:EncryptedData xmlns:xenc="http://www.w3.org/2001/04/xmlenc#" xmlns:ds="[^"]+xmldsig#"'
        rb' MimeType="text/plain; charset=utf-8" Id="bijlage-1">'
        rb'<xenc:EncryptionMethod Algorithm="http://www.w3.org/2009/xmlenc11#aes256-gcm"/>'
        rb"<ds:KeyInfo><xenc:EncryptedKey>"
        rb'<xenc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p">'
        rb'<ds:DigestMethod Algorithm="http://www.w3.org/2000/09/xmldsig#sha1"/></xenc:EncryptionMethod>'
        rb"<ds:KeyInfo><ds:KeyName>CN=receiver</ds:KeyName></ds:KeyInfo>"
        rb"<xenc:CipherData><xenc:CipherValue>" + value + rb"</xenc:CipherValue></xenc:CipherData>"
        rb"</xenc:EncryptedKey></ds:KeyInfo>"
        rb"<xenc:CipherData><xenc:CipherValue>" + value + rb"</xenc:CipherValue></xenc:CipherData>"
        rb"</xenc:EncryptedData>",
        document,
    )


def test_a_content_id_that_is_no_xml_name_is_left_out() -> None:
    assert b" Id=" not in encrypted(content_id="0a@x")


@pytest.mark.statement(144)
def test_the_key_is_wrapped_with_oaep_and_only_the_legacy_cipher_with_rsa_1_5() -> None:
    assert names.RSA_1_5.encode() not in encrypted()
    assert names.RSA_OAEP_MGF1P.encode() in encrypted()
    assert names.RSA_1_5.encode() in encrypted(algorithm=names.AES256_CBC)


@pytest.mark.parametrize("digest", [names.SHA1, names.SHA256, names.SHA512])
@pytest.mark.parametrize("mgf", [names.MGF1_SHA1, names.MGF1_SHA256])
def test_a_key_that_is_wrapped_with_another_oaep_opens(digest: str, mgf: str) -> None:
    transport = KeyTransport(names.RSA_OAEP, digest, mgf)
    method = (
        f'<xenc:EncryptionMethod Algorithm="{transport.algorithm}">'
        f'<ds:DigestMethod Algorithm="{digest}"/>'
        f'<m:MGF xmlns:m="{names.XENC11}" Algorithm="{mgf}"/></xenc:EncryptionMethod>'
    )
    assert decrypted(rewrapped(transport, method)) == PAYLOAD


def test_oaep_without_a_digest_method_has_sha1() -> None:
    document = re.sub(rb"><ds:DigestMethod [^>]*/></xenc:EncryptionMethod>", b"/>", encrypted())
    assert b"DigestMethod" not in document
    assert decrypted(document) == PAYLOAD


def rewrapped(transport: KeyTransport, method: str, key: bytes | None = None) -> bytes:
    """The sample with its key wrapped in another way."""
    document = encrypted()
    [wrapped, _] = re.findall(rb"<xenc:CipherValue>([^<]*)<", document)
    key = key if key is not None else unwrap(b64decode(wrapped), ciphers.OAEP)
    document = document.replace(wrapped, b64encode(ciphers.wrap(key, RECEIVER.certificate, transport)))
    old = rb"(?<=<xenc:EncryptedKey>)<xenc:EncryptionMethod.*?</xenc:EncryptionMethod>"
    return re.sub(old, method.encode(), document)


# --- What peers send ---------------------------------------------------------------------------------------------


def other_prefixes(document: bytes) -> bytes:
    document = document.replace(b"xenc:", b"").replace(b":xenc=", b"=")
    return document.replace(b"ds:", b"dsig:").replace(b":ds=", b":dsig=")


def wrapped_lines(document: bytes) -> bytes:
    def lines(found: re.Match[bytes]) -> bytes:
        return b">" + b"&#13;\n".join(chunks(found[1], 76)) + b"&#xD;\n</xenc:CipherValue"

    return re.sub(rb">([A-Za-z0-9+/=]+)</xenc:CipherValue", lines, document)


PEERS: dict[str, Callable[[bytes], bytes]] = {
    "no XML declaration": lambda d: d.partition(b"\n")[2],
    "other prefixes, and a default namespace": other_prefixes,
    "base64 in lines, as Java writes them": wrapped_lines,
    "Type says Element, as the Java peer does": lambda d: d.replace(
        b" MimeType=", b' Type="http://www.w3.org/2001/04/xmlenc#Element" MimeType='
    ),
    "attributes in another order, single quotes, a > in a value": lambda d: d.replace(
        b" MimeType=", b" Recipient='a>b' MimeType="
    ),
    "indented, with comments": lambda d: re.sub(rb"(<x?enc:CipherData>|<ds:KeyInfo>)", rb"\n  <!-- <a> -->\1", d),
    "KeyName and X509Data beside the key": lambda d: d.replace(
        b"<ds:KeyInfo><xenc:EncryptedKey>",
        b"<ds:KeyInfo><ds:KeyName>CN=x</ds:KeyName><ds:X509Data/><xenc:EncryptedKey Id='k'>",
    ),
    "ReferenceList and CarriedKeyName in the key": lambda d: d.replace(
        b"</xenc:EncryptedKey>",
        b'<xenc:ReferenceList><xenc:DataReference URI="#x"/></xenc:ReferenceList></xenc:EncryptedKey>',
    ),
    "EncryptionProperties at the end": lambda d: d.replace(
        b"</xenc:EncryptedData>", b"<xenc:EncryptionProperties/></xenc:EncryptedData>"
    ),
    "white space and a comment after the end": lambda d: d + b"\n<!-- einde -->\n",
}


@pytest.mark.parametrize("chunk", [1, 7, 1 << 16])
@pytest.mark.parametrize("name", PEERS)
def test_what_peers_write_is_read(name: str, chunk: int) -> None:
    changed = PEERS[name](encrypted())
    assert changed != encrypted()
    assert decrypted(changed, chunk=chunk) == PAYLOAD


def test_a_part_without_mime_type_is_octets() -> None:
    decryptor = Decryptor(unwrap, legacy=False)
    decryptor.feed(re.sub(rb' MimeType="[^"]*"', b"", encrypted()))
    decryptor.finish()
    assert decryptor.content_type == "application/octet-stream"


@pytest.mark.statement(146)
@pytest.mark.parametrize("algorithm", CBC)
def test_cbc_decrypts_by_tolerance_only_and_says_so(algorithm: str) -> None:
    document = encrypted(algorithm=algorithm)
    decryptor = Decryptor(unwrap, legacy=True)
    assert decryptor.feed(document) + decryptor.finish() == PAYLOAD
    assert decryptor.is_legacy
    assert "is not allowed" in str(refusal(document))
    well_wrapped = encrypted().replace(names.AES256_GCM.encode(), algorithm.encode())
    assert f"the encryption algorithm '{algorithm}' is not allowed" in str(refusal(well_wrapped))


# --- What is refused ---------------------------------------------------------------------------------------------

CONTENT = re.compile(rb"(<xenc:CipherValue>)([^<]*)(</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData>)")


def with_content(document: bytes, change: Callable[[bytes], bytes]) -> bytes:
    return CONTENT.sub(lambda found: found[1] + b64encode(change(b64decode(found[2]))) + found[3], document)


def flip(data: bytes, position: int) -> bytes:
    position %= len(data)
    return data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]


@pytest.mark.statement(149)
@pytest.mark.parametrize("position", [0, 11, 12, 20, -17, -16, -1])
def test_a_changed_byte_of_iv_content_or_tag_is_refused(position: int) -> None:
    assert str(refusal(with_content(encrypted(), lambda data: flip(data, position)))) == NOT_DECRYPTED


@pytest.mark.statement(148)
@pytest.mark.parametrize("algorithm", GCM + CBC)
def test_a_key_wrapped_for_another_certificate_is_refused(algorithm: str) -> None:
    other = wire.signatory("other").certificate
    encryptor = Encryptor(
        Encryption(algorithm, other),
        "a@x",
        "x/y",
        key=bytes(key_size(algorithm)),
        iv=bytes(iv_size(algorithm)),
        legacy=True,
    )
    document = encryptor.feed(PAYLOAD) + encryptor.finish()
    assert str(refusal(document, legacy=True)) == NOT_DECRYPTED


@pytest.mark.statement(151)
@pytest.mark.parametrize("algorithm", [names.AES128_GCM, names.AES128_CBC])
def test_key_padding_and_tag_cannot_be_told_apart_by_text_nor_by_moment(algorithm: str) -> None:
    # By chance, one key in sixteen makes good padding of a wrong block: of these bytes none does.
    document = encrypted(algorithm=algorithm, random=bytes)
    wrong_tag = with_content(document, lambda data: data[:-16] + bytes(16))
    short = with_content(document, lambda data: data[:4])
    transport = ciphers.transport_of(algorithm)
    small_key = document.replace(*_wrapped_keys(document, ciphers.wrap(b"kort", RECEIVER.certificate, transport)))
    no_key = document.replace(*_wrapped_keys(document, bytes(range(256))))
    wrong_size = document.replace(*_wrapped_keys(document, b"x"))
    for case in (wrong_tag, short, small_key, no_key, wrong_size):
        decryptor = Decryptor(unwrap, legacy=True)
        decryptor.feed(case)
        with pytest.raises(DecryptionError, match=re.escape(NOT_DECRYPTED)) as refused:
            decryptor.finish()
        assert refused.value.__cause__ is None
        assert refused.value.wire.ebxml_code == "SecurityFailure"


def _wrapped_keys(document: bytes, other: bytes) -> tuple[bytes, bytes]:
    return re.findall(rb"<xenc:CipherValue>([^<]*)<", document)[0], b64encode(other)


def test_the_substitute_of_a_key_that_does_not_open_decrypts_nothing() -> None:
    """Whoever guesses the substitute and encrypts under it still gets the one refusal."""
    algorithm = names.AES128_GCM
    encryptor = Encryptor(
        Encryption(algorithm, wire.signatory("other").certificate), "a@x", "x/y", key=bytes(16), iv=bytes(12)
    )
    assert str(refusal(encryptor.feed(PAYLOAD) + encryptor.finish())) == NOT_DECRYPTED


@pytest.mark.statement(144)
def test_rsa_1_5_is_refused_on_receipt_without_the_tolerance() -> None:
    document = rewrapped(ciphers.RSA_1_5, f'<xenc:EncryptionMethod Algorithm="{names.RSA_1_5}"/>')
    assert "key transport" in str(refusal(document))
    assert decrypted(document, legacy=True) == PAYLOAD


@pytest.mark.statement(145)
def test_triple_des_is_neither_written_nor_read_not_even_by_tolerance() -> None:
    with pytest.raises(CpaError, match="is not allowed"):
        Encryptor(Encryption(TRIPLE_DES, RECEIVER.certificate), "a", "x/y", key=bytes(24), iv=bytes(8), legacy=True)
    document = encrypted().replace(names.AES256_GCM.encode(), TRIPLE_DES.encode())
    assert "is not allowed" in str(refusal(document, legacy=True))
    assert encryption_problem(TRIPLE_DES, legacy=True)


REFUSED: dict[str, Callable[[bytes], bytes]] = {
    "a DOCTYPE": lambda d: d.replace(b"?>\n", b'?>\n<!DOCTYPE a SYSTEM "file:///etc/passwd">', 1),
    "not XML": lambda _: b"%PDF-1.7",
    "empty": lambda _: b"",
    "another root": lambda d: d.replace(b"EncryptedData", b"EncryptedDatum"),
    "another namespace": lambda d: d.replace(b"04/xmlenc#", b"04/xmldec#"),
    "UTF-16": lambda d: d.replace(b"UTF-8", b"US-ASCII").decode().encode("utf-16"),
    "an encoding that could hide something": lambda d: d.replace(b"UTF-8", b"IBM037"),
    "cut off in its head": lambda d: d[:300],
    "cut off in its content": lambda d: d[:-100],
    "cut off in its tail": lambda d: d[:-5],
    "something after the end": lambda d: d + b"<a/>",
    "an endless head": lambda d: d.replace(b"<xenc:EncryptionMethod", b"<!--" + b"x" * HEAD_LIMIT + b"--><xenc:E", 1),
    "an endless tail": lambda d: d + b" " * HEAD_LIMIT,
    "a CipherReference": lambda d: CONTENT.sub(
        rb'<xenc:CipherReference URI="http://voorbeeld.example/x"/></xenc:CipherData></xenc:EncryptedData>', d
    ),
    "a CipherReference beside the content": lambda d: CONTENT.sub(
        rb"<xenc:CipherValue>\2</xenc:CipherValue>"
        rb'<xenc:CipherReference URI="file:///etc/passwd"/></xenc:CipherData></xenc:EncryptedData>',
        d,
    ),
    "a key elsewhere": lambda d: re.sub(
        rb"<xenc:EncryptedKey>.*</xenc:EncryptedKey>", b'<ds:RetrievalMethod URI="http://voorbeeld.example/"/>', d
    ),
    "no key": lambda d: re.sub(rb"<xenc:EncryptedKey>.*</xenc:EncryptedKey>", b"", d),
    "two keys": lambda d: re.sub(rb"(<xenc:EncryptedKey>.*</xenc:EncryptedKey>)", rb"\1\1", d),
    "two contents": lambda d: re.sub(rb"(<xenc:CipherData>[^@]*</xenc:CipherData>)(</xenc:Enc)", rb"\1\1\2", d),
    "a second root in its content": lambda d: with_content_text(d, b"<xenc:EncryptedData/>"),
    "CDATA around the content": lambda d: CONTENT.sub(rb"\1<![CDATA[\2]]>\3", d),
    "a comment in the content": lambda d: with_content_text(d, b"<!-- x -->"),
    "an entity in the content": lambda d: with_content_text(d, b"&lt;"),
    "a character reference that is a letter": lambda d: with_content_text(d, b"&#65;"),
    "an endless character reference": lambda d: with_content_text(d, b"&#" + b"0" * 100 + b"13;"),
    "no base64": lambda d: with_content_text(d, b"*"),
    "base64 without padding": lambda d: CONTENT.sub(rb"\1QQ\3", d),
    "an Encoding": lambda d: d.replace(
        b" MimeType=", b' Encoding="http://www.w3.org/2000/09/xmldsig#base64" MimeType='
    ),
    "a line break in MimeType": lambda d: d.replace(b"text/plain;", b"text/plain;&#10;X: y"),
    "parameters of the cipher": lambda d: d.replace(
        b'aes256-gcm"/>', b'aes256-gcm"><xenc:KeySize>256</xenc:KeySize></xenc:EncryptionMethod>'
    ),
    "parameters of OAEP": lambda d: d.replace(
        b"<ds:DigestMethod", b"<xenc:OAEPparams>eA==</xenc:OAEPparams><ds:DigestMethod"
    ),
    "a weak digest of OAEP": lambda d: d.replace(b"xmldsig#sha1", b"xmldsig-more#md5"),
    "a cipher without authentication": lambda d: d.replace(b"2009/xmlenc11#aes256-gcm", b"2001/04/xmlenc#aes256-cbc"),
    "an unknown cipher": lambda d: d.replace(b"aes256-gcm", b"rot13"),
    "a wrapped key that is not base64": lambda d: d.replace(b"<xenc:CipherValue>", b"<xenc:CipherValue>*", 1),
    "a wrapped key within something": lambda d: d.replace(b"<xenc:CipherValue>", b"<xenc:CipherValue><a/>", 1),
    "no CipherData in the key": lambda d: re.sub(rb"<xenc:CipherData>.*?</xenc:CipherData>", b"", d, count=1),
    "end tags that do not fit": lambda d: d.replace(b"</ds:KeyName>", b"</ds:KeyNaam>"),
}


def with_content_text(document: bytes, text: bytes) -> bytes:
    return CONTENT.sub(lambda found: found[1] + found[2][:8] + text + found[2][8:] + found[3], document)


@pytest.mark.parametrize("chunk", [3, 1 << 16])
@pytest.mark.parametrize("name", REFUSED)
def test_anything_else_is_refused_and_nothing_is_fetched(name: str, chunk: int) -> None:
    document = REFUSED[name](encrypted())
    assert document != encrypted()
    with pytest.raises(DecryptionError) as refused:
        decrypted(document, chunk=chunk)
    assert isinstance(refused.value, SignatureError)
    assert "passwd" not in str(refused.value)


@settings(max_examples=200)
@given(st.data())
def test_no_changed_byte_gives_another_payload_or_another_kind_of_error(data: st.DataObject) -> None:
    document = bytearray(encrypted())
    position = data.draw(st.integers(0, len(document) - 1))
    document[position] = data.draw(st.integers(0, 255))
    with suppress(DecryptionError):
        assert decrypted(bytes(document)) == PAYLOAD


# --- Limits and arguments ----------------------------------------------------------------------------------------


def test_a_large_payload_passes_in_constant_memory() -> None:
    encryptor = Encryptor(
        Encryption(names.AES256_GCM, RECEIVER.certificate), "a", "x/y", key=os.urandom(32), iv=os.urandom(12)
    )
    decryptor = Decryptor(unwrap, legacy=False)
    block, passed = bytes(1 << 16), 0
    tracemalloc.start()
    for _ in range(512):
        passed += len(decryptor.feed(encryptor.feed(block)))
    passed += len(decryptor.feed(encryptor.finish())) + len(decryptor.finish())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert passed == 512 * len(block)
    assert peak < 20 * len(block)


@pytest.mark.parametrize("endless", [b"<a b='" + b">" * HEAD_LIMIT, b"<!--" + b"-" * HEAD_LIMIT, b"<a/>" * HEAD_LIMIT])
def test_a_head_that_comes_byte_by_byte_takes_no_time(endless: bytes) -> None:
    begin = time.monotonic()
    with pytest.raises(DecryptionError, match="has no content within"):
        decrypted(endless, chunk=1)
    assert time.monotonic() - begin < 1


@pytest.mark.parametrize(("key", "iv"), [(16, 12), (32, 16), (0, 0)])
def test_a_key_or_iv_of_another_size_is_a_mistake_of_the_caller(key: int, iv: int) -> None:
    with pytest.raises(ValueError, match="does not have the size"):
        Encryptor(Encryption(names.AES256_GCM, RECEIVER.certificate), "a", "x/y", key=bytes(key), iv=bytes(iv))


@pytest.mark.parametrize("certificate", [b"geen certificaat", wire.signatory("ec", "ec").certificate])
def test_a_certificate_that_cannot_receive_a_key_is_refused(certificate: bytes) -> None:
    with pytest.raises(CpaError, match="encryption certificate"):
        Encryptor(Encryption(names.AES128_GCM, certificate), "a", "x/y", key=bytes(16), iv=bytes(12))


def test_a_certificate_that_cannot_be_understood_is_refused() -> None:
    """Found by fuzzing."""
    known = bytes.fromhex("06092a864886f70d010101")
    odd = RECEIVER.certificate.replace(known, known[:-1] + b"\x77")
    with pytest.raises(CpaError, match="the key of the encryption certificate"):
        Encryptor(Encryption(names.AES128_GCM, odd), "a", "x/y", key=bytes(16), iv=bytes(12))
