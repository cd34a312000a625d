"""Encrypted payloads, fed in two ways that must agree; with GCM nothing but the payload may come out."""

import atheris
from harness import MAX_INPUT, fuzz

with atheris.instrument_imports(include=["digikoppelaar"]):
    from digikoppelaar.ebms.ciphers import KeyTransport, padding_of
    from digikoppelaar.ebms.encryption import Decryptor, Encryptor
    from digikoppelaar.errors import PartnerError

from cryptography.hazmat.primitives.asymmetric import rsa
from tests.unit.ebms import wire

from digikoppelaar.ebms import names
from digikoppelaar.ebms.agreement import Encryption

RECEIVER = wire.signatory("receiver")
TOKENS = [
    b"<xenc:CipherValue>",
    b"</xenc:CipherValue>",
    b"<xenc:CipherReference",
    b"&#13;",
    b"<!--",
    b"-->",
    b"<![CDATA[",
]
PAYLOADS = [b"", b"hallo", b"x" * 100]


def unwrap(wrapped: bytes, transport: KeyTransport) -> bytes:
    """By the private key, as the Decrypter of a partij does."""
    assert isinstance(RECEIVER.key, rsa.RSAPrivateKey)
    return RECEIVER.key.decrypt(wrapped, padding_of(transport))


def read(data: bytes, size: int) -> tuple[bytes | None, bool]:
    """The payload, or None when it was refused; and whether it was let in by tolerance."""
    decryptor = Decryptor(unwrap, legacy=True)
    try:
        found = b"".join(decryptor.feed(data[begin : begin + size]) for begin in range(0, len(data), size))
        found += decryptor.finish()
    except PartnerError:
        return None, False
    return found, decryptor.is_legacy


def target(data: bytes) -> None:
    """In large pieces and in small ones."""
    found, legacy = read(data, 1 << 16)
    small, _ = read(data, max(1, len(data) // 500))
    assert (small is None) == (found is None), "the size of the pieces matters"
    assert legacy or found is None or found in PAYLOADS or len(found) > len(PAYLOADS[-1]), "never encrypted"


def seeds() -> list[bytes]:
    """With every cipher, and what is heavy."""
    good = [encrypted(data, cipher) for data in PAYLOADS for cipher in (names.AES128_GCM, names.AES256_CBC)]
    large = encrypted(bytes(MAX_INPUT * 3 // 4 - 4096), names.AES256_GCM)
    value = b"<xenc:CipherData><xenc:CipherValue>"
    head, _, tail = good[0].rpartition(value)
    return [
        *good,
        large,
        head + value + b"&#13;" * (MAX_INPUT // 5 - 2048) + tail,
        head + value + b"&" * (MAX_INPUT - 4096) + tail,
        head + value + b"\n" * (MAX_INPUT - 4096) + tail,
        b"<a b='" + b">" * (MAX_INPUT - 6),
    ]


def encrypted(data: bytes, cipher: str) -> bytes:
    """A part; key and IV need not be secret here."""
    sizes = {names.AES128_GCM: (16, 12), names.AES256_GCM: (32, 12), names.AES256_CBC: (32, 16)}
    key, iv = (bytes(size) for size in sizes[cipher])
    encryption = Encryption(cipher, RECEIVER.certificate)
    encryptor = Encryptor(encryption, "a", "text/plain", key=key, iv=iv, legacy=True)
    return encryptor.feed(data) + encryptor.finish()


if __name__ == "__main__":
    fuzz(target, seeds(), TOKENS)
