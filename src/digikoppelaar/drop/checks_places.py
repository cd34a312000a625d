"""The locations of a notice: there, in the Netherlands, and in the area of the body. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

from digikoppelaar.drop.area import Lies, lies
from digikoppelaar.drop.findings import Given, Seen
from digikoppelaar.drop.model import (
    AlsAdres,
    AlsLijn,
    AlsPunt,
    AlsVlak,
    Bestuurslaag,
    Kennisgeving,
    Locatie,
    Positie,
)

EAST: Final = (-7_000.0, 300_000.0)
NORTH: Final = (289_000.0, 629_000.0)
"""Where RD holds, in metres (EPSG:28992)."""

_CODES: Final = {Lies.OUT: "locatie-outside", Lies.PARTLY: "locatie-partly-outside"}


def places(kennisgeving: Kennisgeving, given: Given) -> Iterator[Seen]:
    """Every finding about where it is."""
    if not kennisgeving.locaties:
        yield Seen("locatie-missing", "locaties")
    named = [(f"locatie {number}", locatie) for number, locatie in enumerate(kennisgeving.locaties, start=1)]
    vlakken = kennisgeving.bopa.vlakken if kennisgeving.bopa else ()
    named += [(f"planafwijking, vlak {number}", vlak) for number, vlak in enumerate(vlakken, start=1)]
    for where, locatie in named:
        yield from _place(where, locatie, given)
        yield from _gemeente(where, locatie, kennisgeving)
    if not given.area and any(positions(locatie) for _, locatie in named):
        yield Seen("area-unknown", "locaties")


def positions(locatie: Locatie) -> Sequence[Positie]:
    """The positions of its outline; none of a postcode or gemeente, or of an address of which it is not known."""
    match locatie:
        case AlsPunt(positie) | AlsAdres(positie=(_, _) as positie):
            return (positie,)
        case AlsLijn(posities):
            return posities
        case AlsVlak(ringen) if ringen:
            return ringen[0]
    return ()


def size(kennisgeving: Kennisgeving) -> int:
    """How many positions its places have together; a place counts as one at least."""
    vlakken = kennisgeving.bopa.vlakken if kennisgeving.bopa else ()
    return sum(_size(locatie) for locatie in (*kennisgeving.locaties, *vlakken))


def _size(locatie: Locatie) -> int:
    match locatie:
        case AlsLijn(posities):
            return max(1, len(posities))
        case AlsVlak(ringen):
            return max(1, sum(map(len, ringen)))
    return 1


def _place(where: str, locatie: Locatie, given: Given) -> Iterator[Seen]:
    posities = positions(locatie)
    if not posities:
        yield Seen("locatie-without-position", where)
    elif not all(EAST[0] <= x <= EAST[1] and NORTH[0] <= y <= NORTH[1] for x, y in posities):
        yield Seen("locatie-not-rd", where)
    elif given.area:
        code = _CODES.get(lies(posities, given.area, closed=isinstance(locatie, AlsVlak)))
        if code:
            yield Seen(code, where)


def _gemeente(where: str, locatie: Locatie, kennisgeving: Kennisgeving) -> Iterator[Seen]:
    publicist = kennisgeving.publicist
    ours = publicist.bestuurslaag is not Bestuurslaag.GEMEENTE or locatie.gemeente in (None, publicist.naam)
    if not ours:
        yield Seen("locatie-other-gemeente", where)
