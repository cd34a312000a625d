"""The ciphers of XML Encryption that Digikoppeling allows, by URI, and how a content key is wrapped (ENC003, ENC004).

AES-GCM with RSA-OAEP. In a table of their own, for a partner with that tolerance, AES-CBC with RSA 1.5, which is all
that the Java peer knows (7i). 3DES is in no table. Streaming ciphers over bytes; the XML around them is in
`encrypted_data`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import AEADDecryptionContext, Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, GCM

from digikoppelaar.ebms import names
from digikoppelaar.errors import CpaError
from digikoppelaar.pki.certificate import UNREADABLE

TAG_SIZE: Final = 16
BLOCK_SIZE: Final = 16


@dataclass(frozen=True, slots=True)
class KeyTransport:
    """How a content key is wrapped, all by URI. RSA 1.5 has neither digest nor mask function."""

    algorithm: str
    digest: str = ""
    mgf: str = ""


OAEP: Final = KeyTransport(names.RSA_OAEP_MGF1P, names.SHA1, names.MGF1_SHA1)
"""What we wrap with. Both versions of XML Encryption require a reader to know this one; xmlenc11#rsa-oaep is optional
there. SHA-1 is no weakness here: OAEP does not rest on a digest without collisions, and SIGN001 is on signing."""
RSA_1_5: Final = KeyTransport(names.RSA_1_5)

_DIGESTS: Final[Mapping[str, hashes.HashAlgorithm]] = {
    names.SHA1: hashes.SHA1(),  # noqa: S303  # of OAEP, see there
    names.SHA256: hashes.SHA256(),
    names.SHA384: hashes.SHA384(),
    names.SHA512: hashes.SHA512(),
}
_MASKS: Final[Mapping[str, hashes.HashAlgorithm]] = {
    names.MGF1_SHA1: hashes.SHA1(),  # noqa: S303
    names.MGF1_SHA256: hashes.SHA256(),
    names.MGF1_SHA384: hashes.SHA384(),
    names.MGF1_SHA512: hashes.SHA512(),
}


@dataclass(frozen=True, slots=True)
class _ContentCipher:
    """Sizes in bytes."""

    key_size: int
    iv_size: int
    transport: KeyTransport


_CIPHERS: Final[Mapping[str, _ContentCipher]] = {
    names.AES128_GCM: _ContentCipher(16, 12, OAEP),
    names.AES256_GCM: _ContentCipher(32, 12, OAEP),
}
_LEGACY_CIPHERS: Final[Mapping[str, _ContentCipher]] = {
    names.AES128_CBC: _ContentCipher(16, BLOCK_SIZE, RSA_1_5),
    names.AES192_CBC: _ContentCipher(24, BLOCK_SIZE, RSA_1_5),
    names.AES256_CBC: _ContentCipher(32, BLOCK_SIZE, RSA_1_5),
}


def encryption_problem(algorithm: str, *, legacy: bool) -> str | None:
    """Why a CPA with this EncryptionAlgorithm must not be used, as a Dutch sentence (ENC003, statement 197)."""
    if is_allowed(algorithm, legacy=legacy):
        return None
    if algorithm in _LEGACY_CIPHERS:
        return "De CPA schrijft AES-CBC voor; dat mag alleen als dit voor deze CPA is toegestaan (ENC003)."
    return "De CPA schrijft een versleuteling voor die niet is toegestaan; gebruik AES-GCM (ENC003)."


def is_allowed(algorithm: str, *, legacy: bool) -> bool:
    """Whether content may be encrypted so; `legacy` is the tolerance `legacy_encryption` (statements 143 and 146)."""
    return algorithm in _CIPHERS or (legacy and algorithm in _LEGACY_CIPHERS)


def is_legacy(algorithm: str, transport: KeyTransport | None = None) -> bool:
    """Whether this is used by tolerance only. The caller logs each use."""
    return algorithm not in _CIPHERS or (transport is not None and transport.algorithm == names.RSA_1_5)


def key_size(algorithm: str) -> int:
    """Bytes of a content key, legacy ciphers included. Raises CpaError for an unknown one."""
    return _content_cipher(algorithm).key_size


def iv_size(algorithm: str) -> int:
    """Bytes of an initialization vector, legacy ciphers included. Raises CpaError for an unknown one."""
    return _content_cipher(algorithm).iv_size


def transport_of(algorithm: str) -> KeyTransport:
    """How we wrap a key for this cipher: RSA 1.5 only where the peer that needs CBC reads it."""
    return _content_cipher(algorithm).transport


def transport_is_allowed(transport: KeyTransport, *, legacy: bool) -> bool:
    """Whether a key that came in may be wrapped so: either OAEP; `legacy` allows RSA 1.5 (statement 144)."""
    match transport.algorithm:
        case names.RSA_OAEP_MGF1P:
            return transport.digest in _DIGESTS and transport.mgf == names.MGF1_SHA1
        case names.RSA_OAEP:
            return transport.digest in _DIGESTS and transport.mgf in _MASKS
        case algorithm:
            return legacy and algorithm == names.RSA_1_5


def padding_of(transport: KeyTransport) -> padding.AsymmetricPadding:
    """The padding of an allowed transport, for a key that unwraps: `key.decrypt(wrapped, padding_of(transport))`."""
    if transport.algorithm == names.RSA_1_5:
        return padding.PKCS1v15()
    return padding.OAEP(padding.MGF1(_MASKS[transport.mgf]), _DIGESTS[transport.digest], None)


def wrap(key: bytes, certificate: bytes, transport: KeyTransport) -> bytes:
    """The content key, for the holder of the certificate (DER). Raises CpaError when that has no RSA key.

    The padding's randomness is the library's own; there is no way to hand it in.
    """
    try:
        public_key = read_encryption_certificate(certificate).public_key()
    except UNREADABLE as error:
        raise CpaError("the key of the encryption certificate in the CPA cannot be read") from error
    if not isinstance(public_key, rsa.RSAPublicKey):
        raise CpaError("the encryption certificate in the CPA has no RSA key")
    try:
        return public_key.encrypt(key, padding_of(transport))
    except ValueError as error:
        raise CpaError("the key of the encryption certificate in the CPA is too small") from error


def read_encryption_certificate(der: bytes) -> x509.Certificate:
    """Raises CpaError when the CPA's certificate cannot be read."""
    try:
        return x509.load_der_x509_certificate(der)
    except UNREADABLE as error:
        raise CpaError("the encryption certificate in the CPA cannot be read") from error


class Stream(Protocol):
    """Encrypts or decrypts one content."""

    def feed(self, data: bytes) -> bytes:
        """What can be given for the next bytes."""

    def finish(self) -> bytes:
        """The rest. Decryption raises ValueError when the content does not hold."""


def encrypting(algorithm: str, key: bytes, iv: bytes) -> Stream:
    """Gives the ciphertext as XML Encryption has it: the IV first, for GCM the tag last."""
    return _EncryptGcm(key, iv) if algorithm in _CIPHERS else _EncryptCbc(key, iv)


def decrypting(algorithm: str, key: bytes) -> Stream:
    """Takes what `encrypting` gives."""
    return _DecryptGcm(key) if algorithm in _CIPHERS else _DecryptCbc(key)


def _content_cipher(algorithm: str) -> _ContentCipher:
    found = _CIPHERS.get(algorithm) or _LEGACY_CIPHERS.get(algorithm)
    if found is None:
        raise CpaError(f"the encryption algorithm {algorithm!r} is not supported")
    return found


class _EncryptGcm:
    def __init__(self, key: bytes, iv: bytes) -> None:
        self._context = Cipher(AES(key), GCM(iv)).encryptor()
        self._iv = iv

    def feed(self, data: bytes) -> bytes:
        iv, self._iv = self._iv, b""
        return iv + self._context.update(data)

    def finish(self) -> bytes:
        rest = self._iv + self._context.finalize()
        return rest + self._context.tag


class _EncryptCbc:
    def __init__(self, key: bytes, iv: bytes) -> None:
        self._context = Cipher(AES(key), CBC(iv)).encryptor()
        self._iv = iv
        self._size = 0

    def feed(self, data: bytes) -> bytes:
        iv, self._iv = self._iv, b""
        self._size += len(data)
        return iv + self._context.update(data)

    def finish(self) -> bytes:
        missing = BLOCK_SIZE - self._size % BLOCK_SIZE  # XML Encryption: only the last octet means something
        rest = self._iv + self._context.update(b"\0" * (missing - 1) + bytes([missing]))
        return rest + self._context.finalize()


class _HoldingBack:
    """Splits off the IV at the begin, and always keeps back the last bytes that came."""

    def __init__(self, iv_size: int, kept: int, begin: Callable[[bytes], CipherContext]) -> None:
        self._iv_size = iv_size
        self._kept = kept
        self._begin = begin
        self._buffer = b""
        self._context: CipherContext | None = None

    def feed(self, data: bytes) -> bytes:
        self._buffer += data
        if self._context is None:
            if len(self._buffer) < self._iv_size:
                return b""
            self._context = self._begin(self._buffer[: self._iv_size])
            self._buffer = self._buffer[self._iv_size :]
        ready = max(0, len(self._buffer) - self._kept)
        given, self._buffer = self._buffer[:ready], self._buffer[ready:]
        return self._context.update(given)


class _DecryptGcm(_HoldingBack):
    def __init__(self, key: bytes) -> None:
        super().__init__(12, TAG_SIZE, lambda iv: Cipher(AES(key), GCM(iv)).decryptor())

    def finish(self) -> bytes:
        if not isinstance(self._context, AEADDecryptionContext) or len(self._buffer) < TAG_SIZE:
            raise ValueError("no tag")
        try:
            return self._context.finalize_with_tag(self._buffer)
        except InvalidTag as error:
            raise ValueError("wrong tag") from error


class _DecryptCbc(_HoldingBack):
    def __init__(self, key: bytes) -> None:
        super().__init__(BLOCK_SIZE, BLOCK_SIZE, lambda iv: Cipher(AES(key), CBC(iv)).decryptor())

    def finish(self) -> bytes:
        if self._context is None:
            raise ValueError("no content")
        last = self._context.update(self._buffer) + self._context.finalize()  # ValueError: not whole blocks
        if not last or not 1 <= last[-1] <= BLOCK_SIZE:
            raise ValueError("wrong padding")
        return last[: -last[-1]]
