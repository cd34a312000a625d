"""Payloads encrypted and decrypted while they stream: XML Encryption of one part, in constant memory (2.11).

The caller owns randomness (content key and IV are arguments) and private keys (`unwrap`). The signature is made over
the payload before it is encrypted and verified after it is decrypted (statements 141 and 150). Ciphers are in
`ciphers`, the XML around them in `encrypted_data`; nothing here asks whether a certificate is valid: the caller does,
before use (statement 152).
"""

import re
from base64 import b64encode
from collections.abc import Callable
from typing import Final

from digikoppelaar.ebms import ciphers
from digikoppelaar.ebms.agreement import Encryption
from digikoppelaar.ebms.ciphers import KeyTransport, encryption_problem, iv_size, key_size
from digikoppelaar.ebms.encrypted_data import (
    HEAD_LIMIT,
    Description,
    Head,
    HeadFinder,
    read_description,
    write_around,
)
from digikoppelaar.ebms.transfer import Base64
from digikoppelaar.errors import CpaError, DecryptionError, MimeError, SignatureError, TooLarge, XmlError

__all__ = [
    "ENCRYPTED_CONTENT_TYPE",
    "Decryptor",
    "Encryptor",
    "KeyTransport",
    "encryption_problem",
    "iv_size",
    "key_size",
]

ENCRYPTED_CONTENT_TYPE: Final = "application/xml"
"""Content-Type of a part that is encrypted (statement 142)."""

_WHITE_SPACE_REFERENCE: Final = re.compile(rb"&#(?:0{0,8}(?:13|10|9|32)|x0{0,8}(?:[dDaA9]|20));")
_MAX_REFERENCE: Final = 16


class Encryptor:
    """Encrypts one payload for the holder of `encryption.certificate`: `feed` it as it comes, then `finish`.

    `key` and `iv` are fresh random bytes for each payload, of `key_size` and `iv_size` of the algorithm: with GCM an IV
    that comes twice under one key gives both payloads away. AES-GCM goes with RSA-OAEP; where `legacy` allows AES-CBC,
    that goes with RSA 1.5, for the peer that needs the one reads only the other. Raises CpaError for a cipher that is
    not allowed and for a certificate without an RSA key (statements 142, 143, 145 and 146).
    """

    def __init__(
        self,
        encryption: Encryption,
        content_id: str,
        content_type: str,
        *,
        key: bytes,
        iv: bytes,
        legacy: bool = False,
    ) -> None:
        algorithm = encryption.algorithm
        if not ciphers.is_allowed(algorithm, legacy=legacy):
            raise CpaError(f"the encryption algorithm {algorithm!r} is not allowed")
        if (len(key), len(iv)) != (key_size(algorithm), iv_size(algorithm)):
            raise ValueError("key or IV does not have the size of the algorithm")
        transport = ciphers.transport_of(algorithm)
        wrapped = ciphers.wrap(key, encryption.certificate, transport)
        description = Description(algorithm, transport, wrapped, content_type)
        self._head, self._tail = write_around(description, content_id, encryption.certificate)
        self._stream = ciphers.encrypting(algorithm, key, iv)
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        """The bytes of the document that the next bytes of the payload bring."""
        head, self._head = self._head, b""
        ready = self._rest + self._stream.feed(data)
        whole = len(ready) - len(ready) % 3
        self._rest = ready[whole:]
        return head + b64encode(ready[:whole])

    def finish(self) -> bytes:
        """The rest of the document."""
        return self._head + b64encode(self._rest + self._stream.finish()) + self._tail


class Decryptor:
    """Decrypts one part: `feed` it in chunks of any size, then `finish`. One that raised must not be used again.

    What `feed` gives is not trustworthy before `finish` returned: only then is the tag of GCM verified. Keep it apart
    until then, and throw it away when DecryptionError comes (statement 149). A key that does not unwrap, a padding and
    a tag that do not fit give one and the same error, at the same moment, after the same work: nobody can use us to
    learn which it was (statements 148 and 151).

    `unwrap(wrapped_key, transport)` gives the content key by the private key of the certificate in the CPA, and raises
    SignatureError or ValueError when it does not open. `legacy` is the tolerance `legacy_encryption`.
    """

    def __init__(self, unwrap: Callable[[bytes, KeyTransport], bytes], *, legacy: bool) -> None:
        self._unwrap = unwrap
        self._legacy = legacy
        self._finder = HeadFinder()
        self._head: Head | None = None
        self._description: Description | None = None
        self._base64 = _CharacterData()
        self._stream: ciphers.Stream
        self._opened = True
        self._tail: bytes | None = None

    @property
    def content_type(self) -> str:
        """The Content-Type of the payload before encryption (statement 150); to be asked after `finish`."""
        assert self._description is not None, "the head was not read yet"
        return self._description.content_type

    @property
    def is_legacy(self) -> bool:
        """Whether only the tolerance let it in; the caller logs that (statement 146). To be asked after `finish`."""
        assert self._description is not None, "the head was not read yet"
        return ciphers.is_legacy(self._description.algorithm, self._description.transport)

    def feed(self, data: bytes) -> bytes:
        """The payload bytes that can be decrypted now. Raises DecryptionError."""
        if self._head is None:
            found = self._finder.feed(data)
            if found is None:
                return b""
            self._head, data = found
            self._begin(self._head)
        return self._read_content(data)

    def finish(self) -> bytes:
        """The last payload bytes. Raises DecryptionError when the document is not whole or does not decrypt."""
        if self._head is None or self._tail is None:
            raise DecryptionError("the part is not a whole xenc:EncryptedData")
        if _read(self._head.text + self._tail) != self._description:
            raise DecryptionError("the EncryptedData says another thing at its end")
        try:
            self._base64.finish()
            last = self._stream.finish()
        except (MimeError, ValueError):
            raise DecryptionError from None
        if not self._opened:
            raise DecryptionError
        return last

    def _begin(self, head: Head) -> None:
        described = self._description = _read(head.text + head.closing)
        if not ciphers.is_allowed(described.algorithm, legacy=self._legacy):
            raise DecryptionError(f"the encryption algorithm {described.algorithm[:100]!r} is not allowed")
        if not ciphers.transport_is_allowed(described.transport, legacy=self._legacy):
            raise DecryptionError(f"the key transport {described.transport.algorithm[:100]!r} is not allowed")
        self._stream = ciphers.decrypting(described.algorithm, self._key(described))

    def _key(self, described: Description) -> bytes:
        """The content key. One that does not open is replaced, so that the failure shows in `finish` and not here."""
        size = key_size(described.algorithm)
        try:
            key = self._unwrap(described.wrapped_key, described.transport)
        except (SignatureError, ValueError):
            key = b""
        self._opened = len(key) == size
        return key if self._opened else bytes(size)

    def _read_content(self, data: bytes) -> bytes:
        if self._tail is not None:
            self._add_tail(data)
            return b""
        content, bracket, after = data.partition(b"<")
        try:
            given = self._stream.feed(self._base64.feed(content))
        except MimeError:
            raise DecryptionError("the content is not base64") from None
        except ValueError:
            raise DecryptionError from None
        if bracket:
            self._add_tail(bracket + after)
        return given

    def _add_tail(self, data: bytes) -> None:
        self._tail = (self._tail or b"") + data
        if len(self._tail) > HEAD_LIMIT:
            raise DecryptionError("the EncryptedData goes on too long after its content")


def _read(document: bytes) -> Description:
    try:
        return read_description(document)
    except (XmlError, TooLarge) as error:
        raise DecryptionError(f"the EncryptedData cannot be read: {error}") from error


class _CharacterData:
    """Base64 as an XML document may hold it: with white space, also as `&#13;`, which Java writes."""

    def __init__(self) -> None:
        self._base64 = Base64()
        self._open = b""

    def feed(self, data: bytes) -> bytes:
        text = self._open + data
        start = text.rfind(b"&")
        cut = start if start >= 0 and b";" not in text[start:] else len(text)
        self._open = text[cut:]
        if len(self._open) > _MAX_REFERENCE:
            raise MimeError("an endless character reference")
        return self._base64.feed(_WHITE_SPACE_REFERENCE.sub(b"", text[:cut]))

    def finish(self) -> bytes:
        if self._open:
            raise MimeError("a character reference is not whole")
        return self._base64.finish()
