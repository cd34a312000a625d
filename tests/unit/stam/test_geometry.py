"""Coordinates become GeoJSON in WGS84 and RD, to the centimetre and in the right direction."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from tests.unit.stam.locations_xml import ETRS_URN, HOLE, SQUARE, locatie, point, polygon

from digikoppelaar.stam.coordinates import ETRS89, RD, WGS84
from digikoppelaar.stam.geometry import converted, geojson, in_rd
from digikoppelaar.stam.model import Geometrie, Projectlocatie

CENTIMETRE = 1e-7
"""Degrees of latitude; of longitude it is less than a centimetre here."""

_ORACLE = Transformer.from_crs("EPSG:28992", "EPSG:4258", always_xy=True)

rd_positions = st.tuples(st.floats(10_000, 280_000), st.floats(305_000, 620_000))


def coordinates(shape: dict[str, object] | None, kind: str) -> list[list[list[float]]]:
    assert shape is not None
    assert shape["type"] == kind
    found = shape["coordinates"]
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize(
    ("x", "y", "north", "east"),
    [
        (155000, 463000, 52.15517, 5.38721),  # Amersfoort, Onze Lieve Vrouwetoren
        (120700.723, 487525.502, 52.37453, 4.88352),  # Amsterdam, Westertoren
        (233883.131, 582065.167, 53.21938, 6.56820),  # Groningen, Martinitoren
    ],
)
def test_towers_stand_where_they_are_published_to_stand(x: float, y: float, north: float, east: float) -> None:
    found = geojson(locatie(point(f"{x} {y}")))
    assert found is not None
    assert found["type"] == "Point"
    assert found["coordinates"] == pytest.approx([east, north], abs=1.2e-5)


@given(rd_positions)
@settings(max_examples=60)
def test_any_rd_point_is_within_a_centimetre_of_pyproj_and_comes_back(position: tuple[float, float]) -> None:
    found = geojson(Projectlocatie(opgegeven=Geometrie(RD, punten=(position,))))
    assert found is not None
    east, north = found["coordinates"]  # type: ignore[misc]
    assert (east, north) == pytest.approx(_ORACLE.transform(*position), abs=CENTIMETRE)
    back = converted(Geometrie(WGS84, punten=((east, north),)), RD)
    assert back.punten[0] == pytest.approx(position, abs=0.01)


@given(rd_positions)
@settings(max_examples=30)
def test_what_is_written_in_etrs_latitude_first_is_read_longitude_first(position: tuple[float, float]) -> None:
    east, north = _ORACLE.transform(*position)
    found = geojson(locatie(etrs=point(f"{north:.9f} {east:.9f}", ETRS_URN)))
    assert found is not None
    assert found["coordinates"] == pytest.approx([east, north], abs=1e-9)


@pytest.mark.parametrize("turned", [False, True])
def test_outer_rings_go_counterclockwise_and_inner_ones_clockwise(turned: bool) -> None:
    step = -1 if turned else 1
    outer, inner = coordinates(geojson(locatie(polygon(SQUARE[::step], HOLE[::step]))), "Polygon")
    assert _twice_area(outer) > 0 > _twice_area(inner)
    assert (outer[0], inner[0]) == (outer[-1], inner[-1])
    assert (len(outer), len(inner)) == (5, 5)


@given(st.lists(rd_positions, min_size=3, max_size=12, unique=True))
@settings(max_examples=40)
def test_every_ring_closes_whatever_its_points(positions: list[tuple[float, float]]) -> None:
    (ring,) = coordinates(geojson(locatie(polygon(positions))), "Polygon")
    assert ring[0] == ring[-1]
    assert _twice_area(ring) >= -1e-12


def test_the_coordinates_that_dso_derived_go_before_those_that_were_entered() -> None:
    both = locatie(point("155000 463000"), point("52.2 5.4", ETRS_URN))
    assert geojson(both) == {"type": "Point", "coordinates": [5.4, 52.2]}
    assert in_rd(both) == Geometrie(RD, punten=((155000.0, 463000.0),))


def test_rd_is_derived_when_it_was_not_entered() -> None:
    found = in_rd(locatie(etrs=point("52.155172293 5.387203504", ETRS_URN)))
    assert found is not None
    assert found.punten[0] == pytest.approx((155000, 463000), abs=0.001)


def test_without_coordinates_there_is_no_geometry() -> None:
    nothing = locatie(rest="<vx:adresAanduiding><vx:postcode>1234AB</vx:postcode></vx:adresAanduiding>")
    assert geojson(nothing) is None
    assert in_rd(nothing) is None
    assert geojson() is None


def test_several_locaties_are_one_geometry() -> None:
    points = [locatie(point("155000 463000")), locatie(point("155010 463000"))]
    shape = geojson(*points)
    assert shape is not None
    assert shape["type"] == "MultiPoint"
    mixed = geojson(*points, locatie(polygon(SQUARE)))
    assert mixed is not None
    assert mixed["type"] == "GeometryCollection"
    parts = mixed["geometries"]
    assert isinstance(parts, list)
    assert [part["type"] for part in parts] == ["MultiPoint", "Polygon"]


def test_etrs_and_wgs_are_one_frame() -> None:
    shape = Geometrie(ETRS89, lijnen=(((5.1, 52.1), (5.2, 52.2)),))
    assert converted(shape, WGS84).lijnen == shape.lijnen


def _twice_area(ring: list[list[float]]) -> float:
    return sum(
        (x1 - ring[0][0]) * (y2 - ring[0][1]) - (x2 - ring[0][0]) * (y1 - ring[0][1])
        for (x1, y1), (x2, y2) in pairwise(ring)
    )
