"""Whether a location lies in the area of a body: plane geometry in RD, without a library. Pure.

What lies on the border of the area may count as in or out.
"""

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from itertools import pairwise

from digikoppelaar.drop.model import AlsVlak, Positie

Edge = tuple[Positie, Positie]


class Lies(Enum):
    """How a shape lies towards an area."""

    IN = "in"
    PARTLY = "partly"
    OUT = "out"


def lies(posities: Sequence[Positie], area: Iterable[AlsVlak], *, closed: bool = False) -> Lies:
    """How a point, a line, or (`closed`) the ring of an area lies towards the areas in `area`."""
    vlakken = tuple(area)
    within = [any(is_inside(positie, vlak.ringen) for vlak in vlakken) for positie in posities]
    near = _near(posities, (edge for vlak in vlakken for edge in _edges(vlak)))
    crosses = any(_cross(one, other) for one in pairwise(posities) for other in near)
    if all(within) and not crosses:
        return Lies.IN
    if any(within) or crosses or (closed and any(is_inside(vlak.ringen[0][0], [posities]) for vlak in vlakken)):
        return Lies.PARTLY
    return Lies.OUT


def is_inside(positie: Positie, ringen: Iterable[Sequence[Positie]]) -> bool:
    """Whether a ray to the east leaves the rings an odd number of times: in the outer one and in no hole."""
    x, y = positie
    return sum(x < crossing for crossing in _crossings(y, ringen)) % 2 == 1


def position_in(vlak: AlsVlak) -> Positie:
    """A position in it: halfway its height, in the middle of the widest stretch there."""
    heights = [y for _, y in vlak.ringen[0]]
    y = (min(heights) + max(heights)) / 2
    ends = sorted(_crossings(y, vlak.ringen))
    west, east = max(zip(ends[::2], ends[1::2], strict=True), key=lambda stretch: stretch[1] - stretch[0])
    return round((west + east) / 2, 3), round(y, 3)


def _crossings(y: float, ringen: Iterable[Sequence[Positie]]) -> Iterator[float]:
    """Where the rings cross a line from west to east."""
    for ring in ringen:
        for (x0, y0), (x1, y1) in pairwise(ring):
            if (y0 > y) != (y1 > y):
                yield x0 + (y - y0) / (y1 - y0) * (x1 - x0)


def _near(posities: Sequence[Positie], edges: Iterable[Edge]) -> list[Edge]:
    """Those that come into the box around the positions: an area has thousands of edges, most of them elsewhere."""
    (west, east), (south, north) = ((min(values), max(values)) for values in zip(*posities, strict=True))
    return [
        ((x0, y0), (x1, y1))
        for (x0, y0), (x1, y1) in edges
        if min(x0, x1) <= east and max(x0, x1) >= west and min(y0, y1) <= north and max(y0, y1) >= south
    ]


def _edges(vlak: AlsVlak) -> Iterator[Edge]:
    for ring in vlak.ringen:
        yield from pairwise(ring)


def _cross(one: Edge, other: Edge) -> bool:
    """Whether each has its ends on both sides of the other."""
    return _sides(one, other) and _sides(other, one)


def _sides(line: Edge, ends: Edge) -> bool:
    return _turn(line, ends[0]) * _turn(line, ends[1]) < 0


def _turn(line: Edge, positie: Positie) -> float:
    """Above zero to the left of the line, below zero to its right."""
    (x0, y0), (x1, y1) = line
    return (x1 - x0) * (positie[1] - y0) - (y1 - y0) * (positie[0] - x0)
