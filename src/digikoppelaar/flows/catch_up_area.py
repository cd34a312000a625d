"""The area of an organisatie: read from GeoJSON in RD, united, and given as the rings that a search asks for. Pure.

A search may look in a wider area than asked, for what is of others is dropped; it may never look in a narrower one.
So holes are filled, and a boundary of many points is replaced by a simpler one around it.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.ports.catch_up import Area
from digikoppelaar.stam.search import Ring

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry  # type: ignore[import-untyped]

MOST_POINTS: Final = 500
"""Points of one ring. No limit of DSO-LV is known; a municipality has tens of thousands."""
X: Final = (0.0, 300_000.0)
Y: Final = (300_000.0, 650_000.0)
"""RD coordinates in metres (stam.md 8)."""

_FIRST_TOLERANCE: Final = 10.0
"""Metres by which a boundary may lie outside the real one; doubled until it has few enough points."""
_RD_ADVICE: Final = "Lever het gebied aan als GeoJSON met coördinaten in RD (EPSG:28992), in meters."


def read_area(
    oin: str, documents: Mapping[str, bytes], where: Mapping[str, str] | None = None, others: Sequence[Area] = ()
) -> Area:
    """The union of all polygons in these GeoJSON documents (by name) and of the areas of others.

    `where`: only features with these properties. Raises ConfigError when a document is no GeoJSON, when nothing of
    it is a polygon in RD, or when a polygon crosses itself.
    """
    from shapely import unary_union  # type: ignore[import-untyped]  # here, for with numpy it takes 30 MiB in each process that imports it
    from shapely.geometry import shape  # type: ignore[import-untyped]

    parts = [
        _polygon(name, geometry)
        for name, document in documents.items()
        for geometry in _geometries(name, document, where or {})
    ]
    parts += [shape(each.geometry) for each in others]
    if not parts:
        raise ConfigError("no polygon is left to import", advice="Controleer bestand en --where.")
    geometry = _as_geojson(unary_union(parts).normalize())
    content = json.dumps(geometry, sort_keys=True).encode()
    source = ", ".join([*documents, *(f"OIN {each.organisatie_oin}" for each in others)])
    return Area(oin, geometry, hashlib.sha256(content).digest(), source)


def rings(geometry: Mapping[str, Any]) -> list[Ring]:
    """Rings that together hold the whole area, each of at most MOST_POINTS points."""
    from shapely.geometry import shape

    parts = getattr(shape(geometry), "geoms", [])
    return [[(x, y) for x, y in _simpler(part)] for part in parts]


@dataclass(frozen=True, slots=True)
class Extent:
    """How large an area is; `bounds` are west, south, east and north in RD."""

    polygons: int
    points: int
    square_metres: float
    bounds: tuple[float, ...]


def extent(geometry: Mapping[str, Any]) -> Extent:
    """What can be told of an area in one line."""
    from shapely import get_num_coordinates
    from shapely.geometry import shape

    whole = shape(geometry)
    return Extent(len(whole.geoms), int(get_num_coordinates(whole)), float(whole.area), tuple(whole.bounds))


def _simpler(part: Any) -> list[tuple[float, float]]:
    """The boundary of a polygon without its holes, or a simpler one around it."""
    from shapely.geometry import Polygon

    whole, tolerance = Polygon(part.exterior), _FIRST_TOLERANCE
    around = whole
    while len(around.exterior.coords) > MOST_POINTS:
        grown = whole.buffer(2 * tolerance, quad_segs=4).simplify(tolerance)  # stays outside by about one
        around = Polygon(grown.exterior)
        tolerance *= 2
    return [(round(x, 3), round(y, 3)) for x, y in around.exterior.coords]


def _geometries(name: str, document: bytes, where: Mapping[str, str]) -> list[Mapping[str, Any]]:
    """The geometries of the document that count, whatever its outermost object is."""
    try:
        read = json.loads(document)
        match read["type"]:
            case "FeatureCollection":
                return [each["geometry"] for each in read["features"] if _fits(each, where)]
            case "Feature":
                return [read["geometry"]] if _fits(read, where) else []
            case _:
                return [read]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ConfigError(f"{name}: not GeoJSON", advice=_RD_ADVICE) from error


def _fits(feature: Mapping[str, Any], where: Mapping[str, str]) -> bool:
    properties = feature.get("properties") or {}
    return all(str(properties.get(key)) == value for key, value in where.items())


def _polygon(name: str, geometry: Mapping[str, Any]) -> "BaseGeometry":
    from shapely import force_2d
    from shapely.errors import ShapelyError  # type: ignore[import-untyped]
    from shapely.geometry import shape

    try:
        found: BaseGeometry = force_2d(shape(geometry))  # some programs write a height with every point
    except (ShapelyError, ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError) as error:
        raise ConfigError(f"{name}: a geometry cannot be read", advice=_RD_ADVICE) from error
    if found.geom_type not in ("Polygon", "MultiPolygon") or found.is_empty:
        raise ConfigError(f"{name}: a geometry is no polygon", advice=_RD_ADVICE)
    west, south, east, north = found.bounds
    if not (X[0] <= west <= east <= X[1] and Y[0] <= south <= north <= Y[1]):
        raise ConfigError(f"{name}: coordinates are not in RD", advice=_RD_ADVICE)
    if not found.is_valid:
        raise ConfigError(f"{name}: a polygon crosses itself", advice="Herstel het gebied in een GIS-programma.")
    return found


def _as_geojson(geometry: "BaseGeometry") -> dict[str, Any]:
    """Always a MultiPolygon, as plain lists."""
    from shapely.geometry import MultiPolygon, Polygon, mapping

    whole = MultiPolygon([geometry]) if isinstance(geometry, Polygon) else geometry
    plain: dict[str, Any] = json.loads(json.dumps(mapping(whole)))
    return plain
