"""The numbers of a geometry: texts to positions, which stelsel they are in, and which of two comes first. Pure.

Nothing here knows XML or converts anything. The Netherlands are small and far from the equator, so that x, y,
longitude and latitude each have a range of their own: a value tells what it is (stam.md 8).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Final

from digikoppelaar.stam.model import Positie

RD: Final = "EPSG:28992"
ETRS89: Final = "EPSG:4258"
WGS84: Final = "EPSG:4326"

MAX_POSITIONS: Final = 50_000
"""Of one geometry. The border of a large municipality has some ten thousand."""

_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)

_CODE: Final = re.compile(r"(?:epsg.*[:/#])?(\d+)$")
"""`EPSG:28992`, `urn:ogc:def:crs:EPSG::4258`, `.../def/crs/EPSG/0/4326`, `.../gml/srs/epsg.xml#4326`."""

_WORDS: Final = {"rd": "28992", "rdnew": "28992", "etrs89": "4258", "etrs": "4258", "wgs84": "4326"}

_STELSELS: Final = {
    "28992": (RD, 2),
    "7415": (RD, 3),  # with height in NAP
    "4258": (ETRS89, 2),
    "4937": (ETRS89, 3),
    "9067": (ETRS89, 2),  # ETRF2000
    "7931": (ETRS89, 3),
    "4326": (WGS84, 2),
    "4979": (WGS84, 3),
}

_RANGES: Final = {
    RD: ((-50_000.0, 300_000.0), (300_000.0, 900_000.0)),
    ETRS89: ((2.0, 8.0), (50.0, 56.0)),
    WGS84: ((2.0, 8.0), (50.0, 56.0)),
}
"""East and north of the Netherlands with their part of the North Sea, wide (stam.md 8 has the ranges on land)."""


@dataclass(frozen=True, slots=True)
class Stelsel:
    """What a srsName says. `north_first`: None when it does not say which number comes first."""

    naam: str
    dimension: int = 2
    north_first: bool | None = None


def read_stelsel(srs_name: str) -> Stelsel | None:
    """What `srs_name` stands for; None when it is none of RD, ETRS89 and WGS84.

    A urn or an address under opengis.net/def has the order of the EPSG register, which for degrees is latitude first;
    the other spellings are used for both orders (GML 3.2.1, OGC 05-096r1 and 07-092r3).
    """
    name = srs_name.strip().casefold()
    if name.endswith(("crs84", "crs:84", "crs:1.3:84")):
        return Stelsel(WGS84, north_first=False)
    code = _CODE.search(name, max(name.find("epsg"), 0))
    known = _STELSELS.get(_WORDS.get(name) or (code.group(1) if code else ""))
    if known is None:
        return None
    stelsel, dimension = known
    if stelsel == RD:
        return Stelsel(stelsel, dimension, north_first=False)
    return Stelsel(stelsel, dimension, north_first=True if name.startswith("urn:") or "/def/crs/" in name else None)


def read_numbers(words: Iterable[str]) -> tuple[float, ...] | None:
    """The numbers that `words` are; None when one of them is not a finite decimal number."""
    numbers = tuple(float(word) if _NUMBER.fullmatch(word) else float("nan") for word in words)
    return numbers if all(map(isfinite, numbers)) else None


def in_range(stelsel: str, positions: Iterable[Positie]) -> bool:
    """Whether every position can be in the Netherlands or their part of the North Sea."""
    (west, east), (south, north) = _RANGES[stelsel]
    return all(west <= x <= east and south <= y <= north for x, y in positions)


def swapped(positions: Sequence[Positie]) -> tuple[Positie, ...]:
    """The same with the other number first."""
    return tuple((second, first) for first, second in positions)


def told_by_value(positions: Sequence[Positie]) -> tuple[str, bool] | None:
    """The stelsel in which all of `positions` fit, and whether north comes first; None when they fit nowhere."""
    for stelsel in (RD, ETRS89):
        if in_range(stelsel, positions):
            return stelsel, False
        if in_range(stelsel, swapped(positions)):
            return stelsel, True
    return None
