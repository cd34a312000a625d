"""What KOOP would not take, beyond what the schema and the zip already say. Pure.

Which refusals KOOP really gives is not public; these are the ones of drop-3pas.md 12.7.
"""

from collections.abc import Collection, Iterator
from typing import Final

from digikoppelaar.drop.inhoud import Flaw
from digikoppelaar.drop.model import AlsAdres, AlsLijn, AlsPunt, AlsVlak, Kennisgeving, Locatie, Positie
from digikoppelaar.errors import AanleveringError
from digikoppelaar.sandbox.koop.dossiers import Key, key_of

_SOUTH_WEST: Final = (-10_000.0, 300_000.0)
_NORTH_EAST: Final = (290_000.0, 640_000.0)
"""Corners in RD of a box around the Netherlands with their waters; ours, and generous."""


def judge(kennisgeving: Kennisgeving, rubrieken: Collection[str], delivered: Collection[Key] = ()) -> None:
    """Raises AanleveringError for the first thing that is wrong; `delivered` is what may not be delivered again."""
    if kennisgeving.rubriek not in rubrieken:
        raise AanleveringError("the rubriek is not one of OVERHEIDop.Rubriek", reason=Flaw.RUBRIEK)
    vlakken = kennisgeving.bopa.vlakken if kennisgeving.bopa else ()
    places = (positie for locatie in (*kennisgeving.locaties, *vlakken) for positie in _positions(locatie))
    if not all(map(_in_the_netherlands, places)):
        raise AanleveringError("a gebiedsmarkering lies outside the Netherlands", reason=Flaw.PLAATS)
    if key_of(kennisgeving) in delivered:
        raise AanleveringError("this referentienummer, documenttype and blad came before", reason=Flaw.DUBBEL)


def _in_the_netherlands(positie: Positie) -> bool:
    inside = zip(_SOUTH_WEST, positie, _NORTH_EAST, strict=True)
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
