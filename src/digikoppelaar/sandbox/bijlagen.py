"""Bijlagen: generated files of any size, the same bytes at every reading, never held whole in memory.

A large one is a key stream: 1 GiB takes about a second and no memory. Small ones are real PDF, PNG or text files.
"""

import hashlib
import random
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from digikoppelaar.sandbox.pdf import page

CHUNK: Final = 256 * 1024
_ZEROS: Final = bytes(CHUNK)
_LARGE_KINDS: Final = (
    ("dwg", "image/vnd.dwg"),
    ("las", "application/octet-stream"),
    ("rvt", "application/octet-stream"),
)
SMALL_KINDS: Final = ("pdf", "png", "txt")

Wish = int | str | tuple[int | str, str]
"""A size in bytes, or one of SMALL_KINDS; and perhaps the file name, whatever is in it."""

_PNG_SIDE: Final = 64
_TITEL: Final = "Bijlage"
"""Of one that nobody asked for."""


@dataclass(frozen=True, slots=True)
class Bijlage:
    """One document of a verzoek; `sha256` is raw, `gevraagd` says that it answers a question for a bijlage.

    Its bytes are `content`, or the file `stored`, or else the key stream of `seed`.
    """

    document_id: str
    titel: str
    bestandsnaam: str
    media_type: str
    size: int
    sha256: bytes
    seed: bytes = field(repr=False)
    content: bytes | None = field(repr=False, default=None)
    stored: Path | None = None
    gevraagd: bool = True

    def chunks(self) -> Iterator[bytes]:
        """The bytes of the file."""
        if self.stored:
            return _read(self.stored)
        if self.content is None:
            return key_stream(self.seed, self.size)
        return iter((self.content,))


def _read(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while chunk := opened.read(CHUNK):
            yield chunk


def key_stream(seed: bytes, size: int) -> Iterator[bytes]:
    """`size` bytes that depend on `seed` only: AES-256 in counter mode over zeros."""
    encryptor = Cipher(algorithms.AES(hashlib.sha256(seed).digest()), modes.CTR(bytes(16))).encryptor()
    for start in range(0, size, CHUNK):
        yield encryptor.update(_ZEROS[: min(CHUNK, size - start)])


def make_bijlagen(wanted: Sequence[Wish], titels: Sequence[str], chance: random.Random) -> list[Bijlage]:
    """A file for each wish.

    The first ones answer the questions `titels`, what is left belongs to no question. Reads a large file once for its
    hash: call it from a thread when sizes are large.
    """
    called = titels or (_TITEL,)
    made = [_wished(wish, called[at % len(called)], at + 1, chance) for at, wish in enumerate(wanted)]
    return [replace(each, gevraagd=at < len(titels)) for at, each in enumerate(made)]


def _wished(wish: Wish, titel: str, number: int, chance: random.Random) -> Bijlage:
    if isinstance(wish, tuple):
        what, naam = wish
        return replace(_bijlage(what, titel, number, chance), bestandsnaam=naam)
    return _bijlage(wish, titel, number, chance)


def _bijlage(wish: int | str, titel: str, number: int, chance: random.Random) -> Bijlage:
    seed = chance.randbytes(16)
    document_id = f"{chance.getrandbits(64):016x}"
    if isinstance(wish, str):
        return _small(wish, titel, number, document_id, seed)
    extension, media_type = chance.choice(_LARGE_KINDS)
    digest = hashlib.sha256()
    for chunk in key_stream(seed, wish):
        digest.update(chunk)
    naam = _bestandsnaam(titel, number, extension)
    return Bijlage(document_id, titel, naam, media_type, wish, digest.digest(), seed)


def _small(kind: str, titel: str, number: int, document_id: str, seed: bytes) -> Bijlage:
    content, media_type = _content(kind, titel, seed)
    naam = _bestandsnaam(titel, number, kind)
    sha256 = hashlib.sha256(content).digest()
    return Bijlage(document_id, titel, naam, media_type, len(content), sha256, seed, content)


def _content(kind: str, titel: str, seed: bytes) -> tuple[bytes, str]:
    match kind:
        case "pdf":
            return page(titel, [("Kenmerk", seed.hex())]), "application/pdf"
        case "png":
            return _png(seed), "image/png"
        case "txt":
            return f"SANDBOX\r\n{titel}\r\nKenmerk: {seed.hex()}\r\n".encode(), "text/plain"
    raise ValueError(f"the sandbox makes no file of kind {kind}; it makes {', '.join(SMALL_KINDS)}")


def _bestandsnaam(titel: str, number: int, extension: str) -> str:
    """As people name files: spaces, diacritics, quotes and brackets."""
    return f"{titel} (versie {number}, café 'Zeeëend').{extension}"


def _png(seed: bytes) -> bytes:
    """A grey square with noise from `seed`."""
    pixels = b"".join(key_stream(seed, _PNG_SIDE * _PNG_SIDE))
    rows = b"".join(b"\0" + pixels[start : start + _PNG_SIDE] for start in range(0, len(pixels), _PNG_SIDE))
    header = struct.pack(">IIBBBBB", _PNG_SIDE, _PNG_SIDE, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(map(_png_chunk, *zip(*chunks, strict=True)))


def _png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
