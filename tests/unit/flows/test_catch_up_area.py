"""An area is read in RD, united, and given as rings that hold all of it."""

import json
import math
from typing import Any

import pytest
from shapely.geometry import Point, Polygon, shape  # type: ignore[import-untyped]
from tests.unit.flows.dso_world import OIN

from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.catch_up_area import MOST_POINTS, read_area, rings


def square(x: float, y: float, size: float = 1000.0) -> list[list[float]]:
    return [[x, y], [x + size, y], [x + size, y + size], [x, y + size], [x, y]]


def polygon(*boundaries: list[list[float]]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(boundaries)}


def features(*found: tuple[str, dict[str, Any]]) -> bytes:
    made = [{"type": "Feature", "properties": {"code": code}, "geometry": geometry} for code, geometry in found]
    return json.dumps({"type": "FeatureCollection", "features": made}).encode()


LEFT, RIGHT, FAR = (polygon(square(x, 4e5)) for x in (1.00e5, 1.01e5, 2.00e5))


def test_the_area_of_a_behandeldienst_is_the_union_of_its_municipalities() -> None:
    document = features(("0001", LEFT), ("0002", RIGHT), ("0003", FAR))
    area = read_area(OIN, {"gemeenten.json": document})
    assert shape(area.geometry).area == 3_000_000
    assert len(rings(area.geometry)) == 2  # neighbours became one
    again = read_area(OIN, {}, others=[read_area(OIN, {"a": features(("1", LEFT))}), area])
    assert (again.sha256, again.source) == (area.sha256, f"OIN {OIN}, OIN {OIN}")


def test_features_can_be_chosen_by_a_property() -> None:
    area = read_area(OIN, {"g": features(("0001", LEFT), ("0003", FAR))}, {"code": "0003"})
    assert shape(area.geometry).equals(shape(FAR))
    with pytest.raises(ConfigError, match="no polygon is left"):
        read_area(OIN, {"g": features(("0001", LEFT))}, {"code": "0009"})


def test_a_ring_has_few_points_and_holds_every_point_of_the_area() -> None:
    steps = [2 * math.pi * step / 20_000 for step in range(20_000)]
    jagged = [
        [1.5e5 + math.cos(angle) * (9000 + 40 * math.sin(900 * angle)), 4.5e5 + math.sin(angle) * 9000]
        for angle in steps
    ]
    area = read_area(OIN, {"g": json.dumps(polygon([*jagged, jagged[0]])).encode()})
    [ring] = rings(area.geometry)
    assert len(ring) <= MOST_POINTS
    assert ring[0] == ring[-1]
    assert Polygon(ring).buffer(0.01).covers(shape(area.geometry))
    assert Polygon(ring).area < 1.05 * shape(area.geometry).area


def test_a_hole_is_filled() -> None:
    holed = polygon(square(1e5, 4e5), square(1.004e5, 4.004e5, 100)[::-1])
    [ring] = rings(read_area(OIN, {"g": json.dumps(holed).encode()}).geometry)
    assert Polygon(ring).contains(Point(1.0045e5, 4.0045e5))


def test_heights_in_the_coordinates_are_left_out() -> None:
    flat = read_area(OIN, {"g": json.dumps(LEFT).encode()})
    high = read_area(OIN, {"g": json.dumps(polygon([[*point, 3.5] for point in square(1e5, 4e5)])).encode()})
    assert high.sha256 == flat.sha256
    assert rings(high.geometry) == rings(flat.geometry)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (b"<gml/>", "not GeoJSON"),
        (b"[]", "not GeoJSON"),
        (b'{"type": "FeatureCollection", "features": ["x"]}', "not GeoJSON"),
        (b'{"type": "Polygon", "coordinates": [[[' + b"9" * 400 + b", 1], [1, 1], [1, 2], [1, 1]]]}", "cannot be read"),
        (b'{"type": "Polygon", "coordinates": ' + b"[" * 900 + b"]" * 900 + b"}", "cannot be read"),
        (b'{"type": "FeatureCollection"}', "not GeoJSON"),
        (b'{"type": "Polygon", "coordinates": "x"}', "cannot be read"),
        (b'{"type": "Point", "coordinates": [100000, 400000]}', "is no polygon"),
        (json.dumps(polygon(square(5.1, 52.1, 0.1))).encode(), "not in RD"),
        (json.dumps(polygon([[1e5, 4e5], [1.1e5, 4.1e5], [1.1e5, 4e5], [1e5, 4.1e5], [1e5, 4e5]])).encode(), "crosses"),
        (b'{"type": "Polygon", "coordinates": [[[NaN, 1], [1, 1], [1, 2], [NaN, 1]]]}', "cannot be read"),
    ],
)
def test_what_is_no_area_in_rd_is_refused_with_what_to_do(document: bytes, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as refused:
        read_area(OIN, {"gebied.json": document})
    assert "gebied.json" in str(refused.value)
    assert refused.value.advice
