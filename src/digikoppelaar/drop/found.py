"""Whether a publication is the kennisgeving that was sent, and in what it differs from it.

The search has no referentienummer (drop-3pas.md 7). So: who published, when, and under what title say which records
could be it, and the metadata record says which one is.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from math import dist
from typing import Final

from digikoppelaar.drop.inhoud import NONE_ACCEPTED, Accepted, plainer
from digikoppelaar.drop.markers import marker
from digikoppelaar.drop.metadata import Metadata
from digikoppelaar.drop.model import (
    AlsAdres,
    AlsGemeente,
    AlsLijn,
    AlsPostcode,
    AlsPunt,
    AlsVlak,
    Blad,
    Kennisgeving,
    Locatie,
    Positie,
    plain,
)
from digikoppelaar.drop.publication import Published, read_nummer
from digikoppelaar.drop.sru import Record

LIKE: Final = 0.5
"""Of the words of two titles, how many must be the same for one to be perhaps the other."""
NEAR: Final = 1.5
"""Metres between what was sent and what was published that are rounding: whole metres were seen in records."""

_MOST_QUOTED: Final = 300
"""Characters of a value that a sentence quotes: a title is shorter."""
_WORD: Final = re.compile(r"[^\W_]+")


def candidates(kennisgeving: Kennisgeving, records: Iterable[Record], creator: str, since: date) -> tuple[Record, ...]:
    """The records that could be it, the likeliest first: of its blad and of `creator`, with a like title.

    `since` is the day on which it was sent: a case has several notices, and an earlier one is another.
    """
    likely = ((likeness(kennisgeving.titel, record.titel), record) for record in records)
    blad = kennisgeving.blad
    could_be = [(like, record) for like, record in likely if like >= LIKE and _could_be(record, blad, creator, since)]
    return tuple(record for _, record in sorted(could_be, key=lambda each: (-each[0], each[1].identifier)))


def _could_be(record: Record, blad: Blad, creator: str, since: date) -> bool:
    nummer = read_nummer(record.identifier)
    return (
        nummer is not None
        and nummer.blad is blad
        and normalised(record.creator) == normalised(creator)
        and record.datum is not None
        and record.datum >= since
    )


def likeness(one: str, other: str) -> float:
    """Of the words of both, how many they share: 1 for titles that differ in nothing but case and signs."""
    first, second = set(normalised(one).split()), set(normalised(other).split())
    return len(first & second) / len(first | second) if first and second else 0.0


def normalised(text: str) -> str:
    """Its words in lower case with single blanks; signs and the spelling of characters do not count."""
    return " ".join(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


class Match(StrEnum):
    """What the metadata record of a candidate says."""

    CONFIRMED = "confirmed"
    OTHER = "other"
    UNKNOWN = "unknown"


def match(kennisgeving: Kennisgeving, metadata: Metadata) -> Match:
    """CONFIRMED with our referentienummer, OTHER with another; UNKNOWN when either has none."""
    ours, theirs = normalised(kennisgeving.referentienummer), normalised(metadata.referentienummer)
    if not ours or not theirs:
        return Match.UNKNOWN
    return Match.CONFIRMED if ours == theirs else Match.OTHER


# --- Differences -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Verschil:
    """In what a publication differs from what was sent. `veld` is Dutch; the others are texts for a reader."""

    veld: str
    verzonden: str
    gepubliceerd: str

    @property
    def zin(self) -> str:
        """In one sentence; a long text is named and not quoted."""
        if max(len(self.verzonden), len(self.gepubliceerd)) > _MOST_QUOTED:
            return f"{self.veld}: anders gepubliceerd dan verzonden."
        return f"{self.veld}: gepubliceerd is {_quoted(self.gepubliceerd)}, verzonden was {_quoted(self.verzonden)}."


def _quoted(text: str) -> str:
    return f"“{text}”" if text else "niets"


def differences(
    kennisgeving: Kennisgeving,
    metadata: Metadata,
    published: Published | None = None,
    accepted: Accepted = NONE_ACCEPTED,
) -> tuple[Verschil, ...]:
    """What was published otherwise than it was sent; with `published`, its text too. Shown, not judged.

    What was not sent is not compared, but for locations: one that nobody sent tells the wrong neighbours. `accepted` is
    what the receiver took when it was sent: without it, a heading went out as a paragraph.
    """
    data = kennisgeving.data
    pairs = [
        ("titel", kennisgeving.titel, metadata.titel),
        ("rubriek", kennisgeving.rubriek, metadata.rubriek),
        ("activiteiten", _listed(kennisgeving.activiteiten), _listed(metadata.activiteiten)),
        ("samenvatting", kennisgeving.samenvatting, metadata.samenvatting),
        ("onderwerp", kennisgeving.onderwerp, _listed(metadata.onderwerpen)),
        ("datum", _day(data.publicatie), _day(metadata.datum)),
    ]
    if published is not None:
        pairs.append(("tekst", plain(plainer(kennisgeving.tekst, accepted)), plain(published.tekst)))
    found = [Verschil(*pair) for pair in pairs if pair[1] and pair[1].split() != pair[2].split()]
    return (*found, *_other_places(kennisgeving.locaties, metadata))


def _listed(values: Iterable[str]) -> str:
    return ", ".join(sorted(values))


def _day(day: object) -> str:
    return "" if day is None else str(day)


def _other_places(sent: Sequence[Locatie], metadata: Metadata) -> Iterator[Verschil]:
    unmatched = list(metadata.locaties)
    for locatie in sent:
        same = next((each for each in unmatched if same_place(locatie, each)), None)
        if same is None:
            yield Verschil("locatie", told(locatie), "")
        else:
            unmatched.remove(same)
    yield from (Verschil("locatie", "", told(locatie)) for locatie in unmatched)
    for markering in metadata.markeringen:
        if markering.locatie is None:
            yield Verschil("locatie", "", f"{markering.soort}: niet te lezen")


def same_place(one: Locatie, other: Locatie) -> bool:
    """Whether both are one kind of place at one place; labels do not count, nor do metres that are rounding."""
    match one, other:
        case AlsPunt(), AlsPunt():
            return _near([one.positie], [other.positie])
        case AlsLijn(), AlsLijn():
            return _near(one.posities, other.posities)
        case AlsVlak(), AlsVlak():
            return len(one.ringen) == len(other.ringen) and all(map(_near, one.ringen, other.ringen))
        case AlsAdres(), AlsAdres():
            return _address(one) == _address(other)
        case AlsPostcode(), AlsPostcode():
            return normalised(one.postcode) == normalised(other.postcode)
        case AlsGemeente(), AlsGemeente():
            return normalised(one.gemeente) == normalised(other.gemeente)
    return False


def _near(one: Sequence[Positie], other: Sequence[Positie]) -> bool:
    return len(one) == len(other) and all(dist(*pair) <= NEAR for pair in zip(one, other, strict=True))


def _address(adres: AlsAdres) -> tuple[str, ...]:
    parts = (adres.postcode, adres.huisnummer, adres.huisletter, adres.toevoeging)
    return tuple(normalised(part or "") for part in parts)


def told(locatie: Locatie) -> str:
    """A location in one line, for a reader."""
    found = marker(locatie)
    return f"{found.soort}: " + ", ".join(waarde for _, waarde in found.velden)
