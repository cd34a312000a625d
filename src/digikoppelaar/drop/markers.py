"""Gebiedsmarkeringen: a location as KOOP publishes it, a kind with named fields and a geometry in WKT (drop-3pas.md 4).

The same fields are in the metadata record and, under other spelling, in what the search answers.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite
from typing import Final

from digikoppelaar.drop.model import (
    AlsAdres,
    AlsGemeente,
    AlsLijn,
    AlsPostcode,
    AlsPunt,
    AlsVlak,
    Locatie,
    Positie,
)

SCHEMES: Final = {"ligtInGemeente": "OVERHEID.Gemeente", "gemeentenaam": "OVERHEID.Gemeente"}
"""The value list of a field, where it has one."""

MAX_POSITIONS: Final = 50_000
"""Of one geometry; no area of a permit comes near it."""

_WKT: Final = re.compile(r"\s*(POINT|LINESTRING|POLYGON)\s*(\([^A-Za-z]*\))\s*", re.IGNORECASE)
_RING: Final = re.compile(r"\(([^()]*)\)")


@dataclass(frozen=True, slots=True)
class Markering:
    """A gebiedsmarkering as it is published: its locatietype, and its fields in their order.

    Kept as it is, for there are kinds and fields of which we know the name only.
    """

    soort: str
    velden: tuple[tuple[str, str], ...]

    def veld(self, naam: str) -> str | None:
        """The value of a field, whatever the case of its name; None when absent or empty."""
        found = (waarde for key, waarde in self.velden if key.lower() == naam.lower() and waarde)
        return next(found, None)

    @property
    def locatie(self) -> Locatie | None:
        """What it says, as a location; None when it is of another kind or lacks what makes a place of it."""
        return _location(self)


def marker(locatie: Locatie) -> Markering:
    """How a location is published. The fields of Postcodegebied were not seen; the rest was."""
    match locatie:
        case AlsPunt(positie, label, gemeente):
            return _drawn("Punt", f"POINT({_position(positie)})", label, gemeente)
        case AlsLijn(posities, label, gemeente):
            return _drawn("Lijn", f"LINESTRING({_positions(posities)})", label, gemeente)
        case AlsVlak(ringen, label, gemeente):
            rings = ", ".join(f"({_positions(ring)})" for ring in ringen)
            return _drawn("Vlak", f"POLYGON({rings})", label, gemeente)
        case AlsAdres():
            return _address(locatie)
        case AlsPostcode(postcode, gemeente):
            return Markering("Postcodegebied", _filled(postcode=postcode, ligtInGemeente=gemeente))
        case AlsGemeente(gemeente, provincie):
            return Markering("Gemeente", _filled(gemeentenaam=gemeente, ligtInProvincie=provincie))


def _drawn(soort: str, wkt: str, label: str | None, gemeente: str | None) -> Markering:
    return Markering(soort, _filled(geometrie=wkt, geometrieLabel=label, ligtInGemeente=gemeente))


def _address(adres: AlsAdres) -> Markering:
    velden = _filled(
        geometrie=f"POINT({_position(adres.positie)})" if adres.positie else None,
        ligtInGemeente=adres.gemeente,
        huisnummer=adres.huisnummer,
        huisletter=adres.huisletter,
        huisnummertoevoeging=adres.toevoeging,
        postcode=adres.postcode,
        straatnaam=adres.straatnaam,
        woonplaats=adres.woonplaats,
    )
    return Markering("Adres", velden)


def _filled(**velden: str | None) -> tuple[tuple[str, str], ...]:
    return tuple((naam, waarde) for naam, waarde in velden.items() if waarde)


def _positions(posities: Iterable[Positie]) -> str:
    return ", ".join(_position(positie) for positie in posities)


def _position(positie: Positie) -> str:
    return " ".join(millimetres(number) for number in positie)


def millimetres(number: float) -> str:
    """A coordinate rounded to three decimals, without zeros at its end."""
    return f"{number:.3f}".rstrip("0").rstrip(".")


# --- Reading ---------------------------------------------------------------------------------------------------------


def _location(found: Markering) -> Locatie | None:
    label, gemeente = found.veld("geometrieLabel"), found.veld("ligtInGemeente")
    postcode, naam = found.veld("postcode"), found.veld("gemeentenaam")
    rings = read_wkt(found.veld("geometrie") or "")
    match found.soort.lower():
        case "punt" if rings:
            return AlsPunt(rings[0][0], label, gemeente)
        case "lijn" if rings:
            return AlsLijn(rings[0], label, gemeente)
        case "vlak" if rings:
            return AlsVlak(rings, label, gemeente)
        case "adres" | "postcodehuisnummer" if postcode and found.veld("huisnummer"):
            return _read_address(found, postcode, rings)
        case "postcodegebied" if postcode:
            return AlsPostcode(postcode, gemeente)
        case "gemeente" if naam:
            return AlsGemeente(naam, found.veld("ligtInProvincie"))
    return None


def _read_address(found: Markering, postcode: str, rings: tuple[tuple[Positie, ...], ...]) -> AlsAdres:
    return AlsAdres(
        postcode=postcode,
        huisnummer=found.veld("huisnummer") or "",
        straatnaam=found.veld("straatnaam"),
        woonplaats=found.veld("woonplaats"),
        huisletter=found.veld("huisletter"),
        toevoeging=found.veld("huisnummertoevoeging"),
        gemeente=found.veld("ligtInGemeente"),
        positie=rings[0][0] if rings else None,
    )


def read_wkt(text: str) -> tuple[tuple[Positie, ...], ...]:
    """The positions of a POINT, LINESTRING or POLYGON, ring by ring; empty for anything else."""
    match = _WKT.fullmatch(text)
    if match is None or text.count(",") >= MAX_POSITIONS:
        return ()
    lists = _RING.findall(match[2])
    rings = tuple(tuple(_read_position(pair) for pair in found.split(",")) for found in lists)
    if not rings or any(positie is None for ring in rings for positie in ring):
        return ()
    return tuple(tuple(positie for positie in ring if positie is not None) for ring in rings)


def _read_position(text: str) -> Positie | None:
    numbers = text.split()
    try:
        x, y = (float(number) for number in numbers)
    except ValueError:
        return None
    return (x, y) if isfinite(x) and isfinite(y) else None
