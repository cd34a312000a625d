"""File names of strangers made fit for a case folder, on any file system. Pure.

A name comes from an applicant's computer by way of DSO-LV: it can hold anything. Letters with diacritics stay.
"""

import re
import unicodedata
from typing import Final

MAX_BYTES: Final = 200
"""UTF-8 bytes of a name: file systems allow 255, and what copies the folder may want some for itself."""

_LONGEST_EXTENSION: Final = 20
"""Bytes; a longer tail after the last dot is not an extension."""

_FORBIDDEN: Final = frozenset('/\\:*?"<>|')
_RESERVED: Final = re.compile(r"(?:con|prn|aux|nul|clock\$|conin\$|conout\$|(?:com|lpt)[0-9¹²³])", re.IGNORECASE)
"""Names of devices, which Windows refuses with any extension."""


class FileNames:
    """Gives every file of one folder a safe name of its own; `taken` are names that are in use there."""

    def __init__(self, *taken: str) -> None:
        self._taken = {_key(name) for name in taken}
        self._last: dict[str, int] = {}

    def give(self, wanted: str, fallback: str) -> str:
        """A safe name as near to `wanted` as can be; `fallback` when nothing is left of it.

        Names that differ only in case count as the same, as they do on some file systems; the second one then
        gets ` (2)` before its extension.
        """
        base = safe_name(wanted) or fallback
        name, number = base, self._last.get(_key(base), 1)
        while _key(name) in self._taken:
            number += 1
            name = _numbered(base, number)
        self._last[_key(base)] = number
        self._taken.add(_key(name))
        return name


def safe_name(wanted: str) -> str:
    """`wanted` as one file name in NFC of at most MAX_BYTES, or "" when nothing usable is left.

    Separators, characters with a meaning in paths, control and format characters (also those that turn the reading
    direction) become `_` or go; dots and spaces go at both ends, so that nothing is hidden or means a folder.
    """
    name = unicodedata.normalize("NFC", "".join(map(_fit, unicodedata.normalize("NFC", wanted))))
    name = name.strip(". ")
    if _RESERVED.fullmatch(name.partition(".")[0].rstrip()):
        name = f"_{name}"
    return _shortened(name, MAX_BYTES)


def _fit(character: str) -> str:
    if character in _FORBIDDEN:
        return "_"
    category = unicodedata.category(character)
    if category in ("Zs", "Zl", "Zp") or character in "\t\r\n":
        return " "
    return "" if category.startswith("C") else character


def _numbered(name: str, number: int) -> str:
    stem, extension = _split(name)
    mark = f" ({number})"
    return _cut(stem, MAX_BYTES - len((mark + extension).encode())) + mark + extension


def _shortened(name: str, limit: int) -> str:
    stem, extension = _split(name)
    return (_cut(stem, limit - len(extension.encode())) + extension).rstrip(". ")


def _split(name: str) -> tuple[str, str]:
    """Stem and extension; no extension where there is no short tail after a dot."""
    stem, dot, tail = name.rpartition(".")
    return (stem, dot + tail) if stem and tail and len(tail.encode()) <= _LONGEST_EXTENSION else (name, "")


def _cut(text: str, limit: int) -> str:
    """At most `limit` bytes, no character cut in two."""
    return text.encode()[:limit].decode(errors="ignore")


def _key(name: str) -> str:
    return unicodedata.normalize("NFKC", name.casefold())
