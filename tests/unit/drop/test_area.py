"""Our plane geometry says what shapely says."""

from typing import Any

import pytest
import shapely  # type: ignore[import-untyped]
from hypothesis import assume, given
from hypothesis import strategies as st

from digikoppelaar.drop.area import Lies, is_inside, lies, position_in
from digikoppelaar.drop.model import AlsVlak, Positie

POSITIONS = st.tuples(st.floats(0, 100, width=32), st.floats(0, 100, width=32))


def ring(*positions: Positie) -> tuple[Positie, ...]:
    return (*positions, positions[0])


OUTER = ring((20, 20), (80, 20), (80, 80), (50, 40), (20, 80))
HOLE = ring((30, 25), (40, 25), (35, 35))
AREA = AlsVlak((OUTER, HOLE))
SHAPE: Any = shapely.Polygon(OUTER, [HOLE])
BORDER: Any = SHAPE.boundary


@given(POSITIONS)
def test_a_point_is_inside_when_shapely_says_so(positie: Positie) -> None:
    point = shapely.Point(positie)
    assume(BORDER.distance(point) > 1e-6)
    assert is_inside(positie, AREA.ringen) == bool(SHAPE.contains(point))
    assert lies([positie], [AREA]) is (Lies.IN if SHAPE.contains(point) else Lies.OUT)


@given(st.lists(POSITIONS, min_size=2, max_size=6))
def test_a_line_lies_as_shapely_says(posities: list[Positie]) -> None:
    line = shapely.LineString(posities)
    assume(line.is_valid and line.length > 1e-3)
    assume(all(BORDER.distance(shapely.Point(each)) > 1e-6 for each in posities))
    assume(all(line.distance(shapely.Point(each)) > 1e-6 for each in (*OUTER, *HOLE)))
    expected = Lies.IN if SHAPE.contains(line) else Lies.PARTLY if SHAPE.intersects(line) else Lies.OUT
    assert lies(posities, [AREA]) is expected


@pytest.mark.parametrize(
    ("corners", "expected"),
    [
        (((21, 21), (25, 21), (25, 24)), Lies.IN),
        (((0, 0), (100, 0), (100, 100), (0, 100)), Lies.PARTLY),  # all of the area is in it
        (((0, 0), (10, 0), (10, 10)), Lies.OUT),
        (((45, 0), (55, 0), (55, 100), (45, 100)), Lies.PARTLY),  # a strip across it, with no corner inside
    ],
)
def test_an_area_lies_in_partly_in_or_out(corners: tuple[Positie, ...], expected: Lies) -> None:
    assert lies(ring(*corners), [AREA], closed=True) is expected


@given(st.lists(POSITIONS, min_size=3, max_size=8))
def test_a_position_in_an_area_is_in_it(corners: list[Positie]) -> None:
    shape = shapely.Polygon(corners)
    assume(shape.is_valid and shape.area > 1)
    middle = (min(y for _, y in corners) + max(y for _, y in corners)) / 2
    assume(shape.intersection(shapely.LineString([(0, middle), (100, middle)])).length > 0.01)
    assert shape.contains(shapely.Point(position_in(AlsVlak((ring(*corners),)))))
    x, y = position_in(AREA)
    assert SHAPE.contains(shapely.Point(x, y))


def test_one_of_several_areas_is_enough() -> None:
    other = AlsVlak((ring((0, 0), (5, 0), (5, 5)),))
    assert lies([(4, 1)], [AREA, other]) is Lies.IN
