"""Content-Transfer-Encodings of MIME parts, undone while the part streams in (RFC 2045, section 6).

Digikoppeling advises against every one of them (KS-40), but partners send them. Nothing here knows about parts.
"""

import binascii
import re
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from digikoppelaar.errors import MimeError

MAX_LINE: Final = 16 * 1024
"""Longest line of quoted-printable in bytes, without its line feed.

RFC 2045 says 76; a line is kept in memory until it is whole.
"""

_WHITE_SPACE: Final = b" \t\r\n"
_TRAILING_SPACE: Final = re.compile(rb"(?<![ \t])[ \t]+(?=\r?\n)")  # looks at a run of spaces once
_SOFT_BREAK: Final = re.compile(rb"=\r?\n")
_ESCAPE: Final = re.compile(rb"=([0-9A-Fa-f]{2})?")


class Decoder(Protocol):
    """Undoes one encoding for one part."""

    def feed(self, data: bytes) -> bytes:
        """The bytes that can be decoded now. Raises MimeError."""

    def finish(self) -> bytes:
        """The last bytes. Raises MimeError when the encoded text is not whole."""


class Identity:
    """7bit, 8bit and binary: the bytes as they are."""

    def feed(self, data: bytes) -> bytes:
        """The same bytes."""
        return data

    def finish(self) -> bytes:
        """Nothing is kept back."""
        return b""


class Base64:
    """Strict base64, with white space anywhere."""

    def __init__(self) -> None:
        self._rest = b""
        self._padded = False

    def feed(self, data: bytes) -> bytes:
        """The bytes of every whole group of four characters."""
        text = self._rest + data.translate(None, _WHITE_SPACE)
        whole = len(text) - len(text) % 4
        self._rest = text[whole:]
        return self._decode(text[:whole])

    def finish(self) -> bytes:
        """Raises MimeError when a group of four is not whole."""
        if self._rest:
            raise MimeError("a base64 part ends inside a group of four characters")
        return b""

    def _decode(self, text: bytes) -> bytes:
        if not text:
            return b""
        if self._padded or text.endswith(b"==="):
            raise MimeError("a base64 part goes on after its padding")
        self._padded = text.endswith(b"=")
        try:
            return binascii.a2b_base64(text, strict_mode=True)
        except binascii.Error as error:
            raise MimeError(f"a base64 part is malformed: {error}") from error


class QuotedPrintable:
    """Quoted-printable, line by line: line ends stay as they are, white space before them was added on the way."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        """The bytes of every whole line."""
        text = self._rest + data
        # Every line, also the whole ones: what is refused may not depend on the pieces in which it came.
        if any(len(line) > MAX_LINE for line in text.split(b"\n")):
            raise MimeError(f"a quoted-printable line is longer than {MAX_LINE} bytes")
        whole = text.rfind(b"\n") + 1
        self._rest = text[whole:]
        return _decode_lines(text[:whole])

    def finish(self) -> bytes:
        """The last line, which has no line end."""
        return _decode_lines(self._rest.rstrip(b" \t").removesuffix(b"="))


def _decode_lines(text: bytes) -> bytes:
    return _ESCAPE.sub(_octet, _SOFT_BREAK.sub(b"", _TRAILING_SPACE.sub(b"", text)))


def _octet(escape: re.Match[bytes]) -> bytes:
    if escape[1] is None:
        raise MimeError("a quoted-printable part has a malformed escape")
    return bytes.fromhex(escape[1].decode("ascii"))


_DECODERS: Final[Mapping[str, Callable[[], Decoder]]] = {
    "": Identity,
    "7bit": Identity,
    "8bit": Identity,
    "binary": Identity,
    "base64": Base64,
    "quoted-printable": QuotedPrintable,
}


def decoder_for(encoding: str) -> Decoder:
    """A fresh decoder for the value of Content-Transfer-Encoding. Raises MimeError for an unknown one."""
    decoder = _DECODERS.get(encoding.strip().lower())
    if decoder is None:
        raise MimeError(f"the Content-Transfer-Encoding {encoding.strip()[:40]!r} is not known")
    return decoder()
