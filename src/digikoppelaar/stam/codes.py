"""The enumerations doel and type of a verzoek (stam.md 1.4), matched without case, diacritics and spaces.

A value that is not in a table stays as it stood: a new code must not stop a verzoek.
"""

import unicodedata
from collections.abc import Mapping
from typing import Final

INITIEREN: Final = "initieren"
CONCEPTVERZOEK: Final = "conceptverzoek"
AANVULLEN: Final = "aanvullen"
INTREKKEN: Final = "intrekken"

_DOELEN: Final[Mapping[str, str]] = {
    "initieren": INITIEREN,
    "vooroverleg": CONCEPTVERZOEK,  # until STAM 4
    "conceptverzoek": CONCEPTVERZOEK,
    "concept": CONCEPTVERZOEK,
    "aanvullen": AANVULLEN,
    "intrekken": INTREKKEN,
}

DOELEN: Final = frozenset(_DOELEN.values())

VERGUNNINGAANVRAAG: Final = "Aanvraag vergunning"
MELDING: Final = "Melding"
TYPES: Final = (
    VERGUNNINGAANVRAAG,
    MELDING,
    "Informatie",
    "Informatie ongewoon voorval",
    "Aanvraag maatwerkvoorschrift",
    "Melding gelijkwaardige maatregel",
    "Aanvraag toestemming gelijkwaardige maatregel",
)

_TYPES: Final[Mapping[str, str]] = {label.lower().replace(" ", ""): label for label in TYPES}


def read_doel(text: str | None) -> str:
    """The doel as this package spells it, or `text` when it is unknown; absent reads as initieren."""
    return _DOELEN.get(_folded(text), text) if text else INITIEREN


def read_type(text: str | None) -> str:
    """The type as its label on the wire, also from the spelling of the information model; else `text`."""
    return _TYPES.get(_folded(text), text) if text else ""


def _folded(text: str) -> str:
    plain = "".join(letter for letter in unicodedata.normalize("NFD", text) if not unicodedata.combining(letter))
    return "".join(plain.casefold().split())
