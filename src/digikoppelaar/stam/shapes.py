"""What is wrong with the shape of a geometry or with where it lies. Pure; shapely and pyproj do the mathematics.

Asked for when a person looks, not at every reading: a geometry with these faults goes to the case system all the same.
"""

from collections.abc import Iterator
from math import hypot
from typing import Any, Final

from digikoppelaar.stam.coordinates import RD, WGS84
from digikoppelaar.stam.geometry import converted
from digikoppelaar.stam.model import Geometrie, Positie, Projectlocatie, Ring

APART: Final = 25.0
"""Metres between the entered and the derived coordinates of one place that deserve a look; conversions take up one."""

_LAND: Final = (
    *((3.25, 51.18), (3.42, 51.15), (3.85, 51.14), (4.28, 51.27), (4.45, 51.38), (4.72, 51.35), (5.12, 51.22)),
    *((5.55, 51.14), (5.72, 51.08), (5.55, 50.95), (5.55, 50.73), (6.08, 50.70), (6.18, 50.90), (6.15, 51.05)),
    *((6.30, 51.20), (6.30, 51.50), (6.18, 51.75), (6.45, 51.78), (6.85, 51.85), (7.15, 52.20), (7.15, 52.45)),
    *((7.18, 52.85), (7.30, 53.15), (7.28, 53.33), (6.95, 53.55), (6.50, 53.62), (5.75, 53.55), (5.15, 53.48)),
    *((4.75, 53.30), (4.62, 53.10), (4.62, 52.85), (4.45, 52.45), (4.15, 52.15), (3.88, 52.03), (3.70, 51.90)),
    *((3.52, 51.75), (3.33, 51.60), (3.25, 51.40)),
)
"""Longitude and latitude around the land of the Netherlands, drawn by us some five to ten kilometres too wide."""

SENTENCES: Final = {
    "area-self-crossing": "De rand van een vlak kruist of raakt zichzelf; een zaaksysteem kan het vlak weigeren.",
    "area-rings-misplaced": "De binnenringen van een vlak liggen niet goed in de buitenring.",
    "in-the-sea": "De coördinaten liggen in zee of net over de grens. Klopt de plaats?",
    "coordinates-differ": f"De opgegeven en de afgeleide coördinaten liggen meer dan {APART:.0f} meter uit elkaar.",
}
"""In Dutch, by the code of a finding."""


def shape_codes(geometrie: Geometrie) -> Iterator[str]:
    """The codes in SENTENCES that hold for `geometrie`."""
    reasons = [_reason(vlak) for vlak in geometrie.vlakken]
    if any("self-intersection" in reason for reason in reasons):
        yield "area-self-crossing"
    if any(reason and "self-intersection" not in reason for reason in reasons):
        yield "area-rings-misplaced"
    if not _touches_land(converted(geometrie, WGS84)):
        yield "in-the-sea"


def are_apart(locatie: Projectlocatie) -> bool:
    """Whether the centres of what was entered and of what was derived are more than APART metres apart."""
    if locatie.opgegeven is None or locatie.etrs is None:
        return False
    (x, y), (other_x, other_y) = (_centre(converted(each, RD)) for each in (locatie.opgegeven, locatie.etrs))
    return hypot(x - other_x, y - other_y) > APART


def _positions(geometrie: Geometrie) -> list[Positie]:
    """Of points, lines and outer rings."""
    rings = [ring for vlak in geometrie.vlakken for ring in vlak[:1]]
    return [*geometrie.punten, *(position for line in (*geometrie.lijnen, *rings) for position in line)]


def _centre(geometrie: Geometrie) -> Positie:
    """Of the box around it."""
    east, north = zip(*_positions(geometrie), strict=True)
    return (min(east) + max(east)) / 2, (min(north) + max(north)) / 2


def _touches_land(geometrie: Geometrie) -> bool:
    east, north = zip(*_positions(geometrie), _centre(geometrie), strict=True)
    shapely = _shapely()
    return bool(shapely.contains_xy(shapely.Polygon(_LAND), east, north).any())


def _reason(vlak: tuple[Ring, ...]) -> str:
    """Why it is no valid area, in lower case; empty when it is one."""
    shapely = _shapely()
    reason = str(shapely.is_valid_reason(shapely.Polygon(vlak[0], vlak[1:]))).casefold()
    return "" if reason == "valid geometry" else reason


def _shapely() -> Any:
    """Imported here, for it takes 15 MiB in each process that does."""
    import shapely  # type: ignore[import-untyped]  # it comes without types

    return shapely
