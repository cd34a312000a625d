"""One file with some fields as multipart/form-data (RFC 7578), to be streamed. Pure."""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from digikoppelaar.flows.ports import Streamed

_MEDIA_TYPE: Final = re.compile(r"[0-9A-Za-z!#$&^_.+-]{1,127}/[0-9A-Za-z!#$&^_.+-]{1,127}", re.ASCII)
_BREAKS: Final = {'"': "%22", "\r": "%0D", "\n": "%0A", "\0": ""}


@dataclass(frozen=True, slots=True)
class Form:
    """What goes around the file."""

    content_type: str
    head: bytes = field(repr=False)
    tail: bytes = field(repr=False)

    def around(self, body: Streamed) -> Streamed:
        """The whole form, with the file in it."""
        return Streamed(len(self.head) + body.size + len(self.tail), lambda: self._pieces(body))

    async def _pieces(self, body: Streamed) -> AsyncIterator[bytes]:
        yield self.head
        async for piece in body.pieces():
            yield piece
        yield self.tail


def form(fields: Mapping[str, str], part: str, file_name: str, media_type: str, sha256: bytes) -> Form:
    """A form whose last part, called `part`, is a file with this SHA-256, or a stretch of it.

    The boundary is made of the hash: a file that holds its own hash cannot be made, and a repeat is the same.
    """
    boundary = f"digikoppelaar-{sha256.hex()[:40]}"
    parts = [_part(boundary, f'name="{_quoted(name)}"') + _bytes(value) + b"\r\n" for name, value in fields.items()]
    file = f'name="{_quoted(part)}"; filename="{_quoted(file_name)}"\r\nContent-Type: {plain_media_type(media_type)}'
    head = b"".join(parts) + _part(boundary, file)
    return Form(f"multipart/form-data; boundary={boundary}", head, f"\r\n--{boundary}--\r\n".encode())


def plain_media_type(text: str) -> str:
    """The media type that a stranger gave, without its parameters; any file when it is no media type."""
    found = text.partition(";")[0].strip().lower()
    return found if _MEDIA_TYPE.fullmatch(found) else "application/octet-stream"


def _part(boundary: str, disposition: str) -> bytes:
    return _bytes(f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n")


def _quoted(name: str) -> str:
    """A name between quotes as browsers write it (WHATWG, multipart form data): it cannot end the header."""
    return "".join(_BREAKS.get(character, character) for character in name)


def _bytes(text: str) -> bytes:
    return text.encode(errors="replace")
