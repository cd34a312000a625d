"""The notification (verzoeknotificatie; triggerbericht before STAM 4): it says which verzoek may be fetched.

Its schema is not public, so it is read by name: the first element that is called verzoeknummer counts, wherever it
stands (stam.md 1.2 and 8). The payload itself is kept by whoever calls this.
"""

import re
from dataclasses import dataclass
from typing import Final

from lxml import etree

from digikoppelaar import xml
from digikoppelaar.errors import VerzoekError
from digikoppelaar.stam import codes

LIMIT: Final = 1024 * 1024
"""Bytes. A notification holds little more than a number."""

WITHDRAWN: Final = 999
"""The volgnummer of a withdrawal by the applicant (stam.md 1.3)."""

_VERZOEKNUMMER: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,79}", re.ASCII)
"""Thirteen digits where seen, up to 80 letters and digits in a model (stam.md 1.3). It ends up in addresses and in
folder names, so nothing else is let in."""

_OIN: Final = re.compile(r"[0-9]{20}", re.ASCII)


@dataclass(frozen=True, slots=True)
class NotificationFacts:
    """What a notification says. Only the verzoeknummer is certain to be there; `oins` in order of the document.

    `withdrawal`: the applicant withdraws, whether or not a verzoekbericht is behind it (stam.md 1.2, 1.3).
    """

    verzoeknummer: str
    volgnummer: int | None = None
    doel: str | None = None
    oins: tuple[str, ...] = ()
    withdrawal: bool = False


def read_notification(payload: bytes) -> NotificationFacts:
    """The facts of a notification, in any namespace and any order.

    Raises VerzoekError when there is no usable verzoeknummer, XmlError or TooLarge when it is no acceptable XML.
    """
    leaves = _leaves(xml.parse(payload, limit=LIMIT))
    volgnummer, doel = _number(_first(leaves, "volgnummer")), _first(leaves, "doel")
    return NotificationFacts(
        verzoeknummer=checked_verzoeknummer(_first(leaves, "verzoeknummer")),
        volgnummer=volgnummer,
        doel=doel,
        withdrawal=codes.read_doel(doel) == codes.INTREKKEN or volgnummer == WITHDRAWN or _closes(leaves),
        oins=tuple(dict.fromkeys(text for _, text in leaves if _OIN.fullmatch(text))),
    )


def checked_verzoeknummer(text: str | None) -> str:
    """`text` when it is a verzoeknummer that can stand in an address and in a folder name; else VerzoekError."""
    if not text:
        raise VerzoekError("no element verzoeknummer with a value")
    if not _VERZOEKNUMMER.fullmatch(text):
        raise VerzoekError("verzoeknummer is not 1 to 80 letters, digits, hyphens and underscores")
    return text


def same_verzoeknummer(one: str, other: str) -> bool:
    """Whether two spellings name the same verzoek: letters compare without case."""
    return one.strip().casefold() == other.strip().casefold()


def _leaves(root: etree._Element) -> list[tuple[str, str]]:
    """Name in lower case and trimmed text of every element, in the order of the document."""
    return [(xml.local_name(element).casefold(), (element.text or "").strip()) for element in root.iter("*")]


def _closes(leaves: list[tuple[str, str]]) -> bool:
    """The form of an intermediary: `root` with oin, verzoeknummer and actie `close` (stam.md 1.2, OW-STAM)."""
    return leaves[0][0] == "root" and (_first(leaves, "actie") or "").casefold() == "close"


def _first(leaves: list[tuple[str, str]], name: str) -> str | None:
    return next((text for found, text in leaves if found == name), None) or None


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= 9 else None
