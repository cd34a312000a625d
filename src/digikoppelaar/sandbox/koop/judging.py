"""What KOOP would not take, beyond what the schema and the zip already say. Pure.

Which refusals KOOP really gives is not public; these are the ones of drop-3pas.md 12.7.
"""

import tomllib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

from digikoppelaar.drop.inhoud import Flaw
from digikoppelaar.drop.model import AlsAdres, AlsLijn, AlsPunt, AlsVlak, Kennisgeving, Locatie, Positie
from digikoppelaar.errors import AanleveringError
from digikoppelaar.sandbox.koop.dossiers import Key, key_of


@dataclass(frozen=True, slots=True)
class Known:
    """The rubrieken that there are, and the corners of a box around the Netherlands in RD."""

    rubrieken: frozenset[str]
    south_west: Positie
    north_east: Positie


@cache
def known() -> Known:
    """What the data file says."""
    text = (resources.files("digikoppelaar.sandbox") / "data" / "koop.toml").read_text("utf-8")
    data = tomllib.loads(text)
    west, south, east, north = data["nederland"]
    return Known(frozenset(data["rubrieken"]), (west, south), (east, north))


def judge(kennisgeving: Kennisgeving, delivered: Collection[Key] = ()) -> None:
    """Raises AanleveringError for the first thing that is wrong; `delivered` is what may not be delivered again."""
    if kennisgeving.rubriek not in known().rubrieken:
        raise AanleveringError("the rubriek is not one of OVERHEIDop.Rubriek", reason=Flaw.RUBRIEK)
    vlakken = kennisgeving.bopa.vlakken if kennisgeving.bopa else ()
    places = (positie for locatie in (*kennisgeving.locaties, *vlakken) for positie in _positions(locatie))
    if not all(map(_in_the_netherlands, places)):
        raise AanleveringError("a gebiedsmarkering lies outside the Netherlands", reason=Flaw.PLAATS)
    if key_of(kennisgeving) in delivered:
        raise AanleveringError("this referentienummer, documenttype and blad came before", reason=Flaw.DUBBEL)


def _in_the_netherlands(positie: Positie) -> bool:
    box = known()
    inside = zip(box.south_west, positie, box.north_east, strict=True)
    return all(least <= number <= most for least, number, most in inside)


def _positions(locatie: Locatie) -> Iterator[Positie]:
    match locatie:
        case AlsPunt(positie):
            yield positie
        case AlsAdres(positie=positie) if positie:
            yield positie
        case AlsLijn(posities):
            yield from posities
        case AlsVlak(ringen):
            for ring in ringen:
                yield from ring
