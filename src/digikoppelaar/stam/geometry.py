"""From the coordinates of a projectlocatie to GeoJSON in WGS84 and to RD. Pure.

pyproj converts (ADR 18): RD and ETRS89 within 25 cm without grid files. WGS84 counts as ETRS89, as Dutch practice has
it: since 1989 they have drifted under a metre apart. What was submitted is ETRS89 (stam.md 1.8, CIM-AM).
"""

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from digikoppelaar.stam.coordinates import ETRS89, RD, WGS84
from digikoppelaar.stam.model import Geometrie, Positie, Projectlocatie, Ring

if TYPE_CHECKING:
    from pyproj import Transformer

GeoJson = dict[str, object]
"""A geometry object of RFC 7946: `type` with `coordinates`, or with `geometries`."""

_DECIMALS: Final = {RD: 3, ETRS89: 8, WGS84: 8}
"""A millimetre; the coordinates themselves are not that exact."""


def geojson(*locaties: Projectlocatie) -> GeoJson | None:
    """Where it happens, longitude before latitude (EPSG:4326); None when no usable coordinates came.

    One shape gives a Point, LineString or Polygon; more of one kind a Multi..., more kinds a GeometryCollection.
    Outer rings go counterclockwise, inner rings clockwise (RFC 7946, 3.1.6).
    """
    found = [converted(geometrie, WGS84) for each in locaties if (geometrie := each.etrs or each.opgegeven)]
    return _as_geojson(found) if found else None


def in_rd(locatie: Projectlocatie) -> Geometrie | None:
    """The coordinates in RD (EPSG:28992), in metres: those that were entered when they are RD; None without any."""
    entered = locatie.opgegeven if locatie.opgegeven and locatie.opgegeven.stelsel == RD else None
    geometrie = entered or locatie.etrs or locatie.opgegeven
    return converted(geometrie, RD) if geometrie else None


def converted(geometrie: Geometrie, stelsel: str) -> Geometrie:
    """The same shapes in `stelsel`, which is RD, ETRS89 or WGS84; rounded to a millimetre when that changes them."""
    if _frame(geometrie.stelsel) == _frame(stelsel):
        return Geometrie(stelsel, geometrie.punten, geometrie.lijnen, geometrie.vlakken)

    def convert(positions: Sequence[Positie]) -> tuple[Positie, ...]:
        return _convert(positions, geometrie.stelsel, stelsel)

    return Geometrie(
        stelsel,
        punten=convert(geometrie.punten),
        lijnen=tuple(map(convert, geometrie.lijnen)),
        vlakken=tuple(tuple(map(convert, vlak)) for vlak in geometrie.vlakken),
    )


def _frame(stelsel: str) -> str:
    return ETRS89 if stelsel == WGS84 else stelsel


def _convert(positions: Sequence[Positie], source: str, target: str) -> tuple[Positie, ...]:
    if not positions:
        return ()
    east, north = zip(*positions, strict=True)
    new_east, new_north = _transformer(_frame(source), _frame(target)).transform(list(east), list(north))
    digits = _DECIMALS[target]
    return tuple((round(x, digits), round(y, digits)) for x, y in zip(new_east, new_north, strict=True))


@cache
def _transformer(source: str, target: str) -> "Transformer":
    from pyproj import Transformer  # here, for it takes 15 MiB in each process that imports it

    return Transformer.from_crs(source, target, always_xy=True)


def _as_geojson(found: Iterable[Geometrie]) -> GeoJson:
    shapes = list(found)
    punten = [list(punt) for each in shapes for punt in each.punten]
    lijnen = [[list(punt) for punt in lijn] for each in shapes for lijn in each.lijnen]
    vlakken = [_polygon(vlak) for each in shapes for vlak in each.vlakken]
    kinds = [
        _one_or_many(kind, coordinates)
        for kind, coordinates in (("Point", punten), ("LineString", lijnen), ("Polygon", vlakken))
        if coordinates
    ]
    return kinds[0] if len(kinds) == 1 else {"type": "GeometryCollection", "geometries": kinds}


def _one_or_many(kind: str, coordinates: Sequence[object]) -> GeoJson:
    if len(coordinates) == 1:
        return {"type": kind, "coordinates": coordinates[0]}
    return {"type": f"Multi{kind}", "coordinates": coordinates}


def _polygon(vlak: Sequence[Ring]) -> list[list[list[float]]]:
    return [[list(punt) for punt in _directed(ring, outer=number == 0)] for number, ring in enumerate(vlak)]


def _directed(ring: Ring, *, outer: bool) -> Ring:
    """Twice the area is positive when a ring goes counterclockwise."""
    (x0, y0), *_ = ring  # near the ring: far from zero the products lose their digits
    twice = sum((x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0) for (x1, y1), (x2, y2) in pairwise(ring))
    return ring if (twice > 0) == outer else ring[::-1]
