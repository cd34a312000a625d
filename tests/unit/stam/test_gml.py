"""Geometry in every spelling of GML, and bad geometry: findings, never an exception."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.stam.locations_xml import ETRS_URN, HOLE, RD_URN, SQUARE, codes, locatie, point, polygon

from digikoppelaar.stam.coordinates import ETRS89, MAX_POSITIONS, RD, WGS84
from digikoppelaar.stam.geometry import geojson
from digikoppelaar.stam.model import Geometrie

RING = tuple((float(x), float(y)) for x, y in SQUARE)
INNER = tuple((float(x), float(y)) for x, y in HOLE)
TEXT = " ".join(f"{x} {y}" for x, y in SQUARE)
POS = "".join(f"<pos>{x} {y}</pos>" for x, y in SQUARE)
TUPLES = " ".join(f"{x},{y}" for x, y in SQUARE)
AREA = Geometrie(RD, vlakken=((RING,),))
SPOT = Geometrie(RD, punten=((155000.0, 463000.0),))


@pytest.mark.parametrize(
    ("xml", "expected"),
    [
        (polygon(SQUARE), AREA),
        (polygon(SQUARE, HOLE), Geometrie(RD, vlakken=((RING, INNER),))),
        (f"<Polygon><exterior><LinearRing>{POS}</LinearRing></exterior></Polygon>", AREA),
        (
            ("<Polygon><outerBoundaryIs><LinearRing><coordinates>"
            f"{TUPLES}</coordinates></LinearRing></outerBoundaryIs></Polygon>"),
            AREA,
        ),
        (
            ("<Surface><patches><PolygonPatch><exterior><LinearRing><posList>"
            f"{TEXT}</posList></LinearRing></exterior></PolygonPatch></patches></Surface>"),
            AREA,
        ),
        (
            "<MultiSurface>"
            + 2 * f"<surfaceMember><Polygon><exterior><posList>{TEXT}</posList></exterior></Polygon></surfaceMember>"
            + "</MultiSurface>",
            Geometrie(RD, vlakken=((RING,), (RING,))),
        ),
        (f"<geometrie><posList>{TEXT}</posList></geometrie>", AREA),
        (f"<polygoon>{TUPLES}</polygoon>".replace("polygoon", "posList").replace(",", " "), AREA),
        ("<Point><pos>155000 463000 2.5</pos></Point>", SPOT),
        ('<Point><coordinates cs=";" decimal=",">155000,0;463000</coordinates></Point>', SPOT),
        ("<Point><coord><X>155000</X><Y>463000</Y></coord></Point>", SPOT),
        ("<xCoordinaat>155000,0</xCoordinaat><yCoordinaat>463000</yCoordinaat>", SPOT),
        ("155000,463000", SPOT),
        (TUPLES, AREA),
        ("<LineString><posList>155000 463000 155100 463000</posList></LineString>",
         Geometrie(RD, lijnen=((RING[0], RING[1]),))),
        ("<boundedBy><Envelope><pos>1 1</pos></Envelope></boundedBy><Point><pos>155000 463000</pos></Point>", SPOT),
        ((f'<Polygon srsDimension="3"><exterior><posList>{" ".join(f"{x} {y} 0" for x, y in SQUARE)}</posList>'
         "</exterior></Polygon>"), AREA),
        ('<Point srsName="EPSG:7415"><pos>155000 463000 1.5</pos></Point>', SPOT),
    ],
)  # fmt: skip
def test_every_spelling_gives_the_same_shape(xml: str, expected: Geometrie) -> None:
    found = locatie(xml)
    assert found.opgegeven == expected
    assert found.findings == ()


@pytest.mark.parametrize(
    ("srs", "text", "stelsel"),
    [
        (ETRS_URN, "52.1 5.3", ETRS89),
        ("http://www.opengis.net/def/crs/EPSG/0/4258", "52.1 5.3", ETRS89),
        ("EPSG:4258", "52.1 5.3", ETRS89),
        ("EPSG:4258", "5.3 52.1", ETRS89),
        ("urn:ogc:def:crs:EPSG::4326", "52.1 5.3", WGS84),
        ("urn:ogc:def:crs:OGC:1.3:CRS84", "5.3 52.1", WGS84),
        ("http://www.opengis.net/gml/srs/epsg.xml#4326", "5.3 52.1", WGS84),
        ("urn:ogc:def:crs:EPSG:6.9:4937", "52.1 5.3 40", ETRS89),
        ("", "52.1 5.3", ETRS89),
        ("", "5.3 52.1", ETRS89),
    ],
)
def test_the_order_of_axes_follows_the_srs_name_and_ends_east_first(srs: str, text: str, stelsel: str) -> None:
    found = locatie(etrs=point(text, srs))
    assert found.etrs == Geometrie(stelsel, punten=((5.3, 52.1),))
    assert found.findings == ()


@pytest.mark.parametrize(
    ("xml", "code", "usable"),
    [
        (polygon(SQUARE[:-1]), "ring-not-closed", True),
        (polygon(SQUARE[:2]), "ring-too-short", False),
        (polygon([SQUARE[0], SQUARE[1], SQUARE[0]]), "ring-too-short", False),
        (polygon(SQUARE, HOLE[:2]), "ring-too-short", True),
        (point("463000 155000"), "axes-swapped", True),
        (point("5.3 52.1", ETRS_URN), "axes-swapped", True),
        (point("155000 463000", ETRS_URN), "srs-contradicted", True),
        (point("5.3 52.1", RD_URN), "srs-contradicted", True),
        (point("155000 463000", "EPSG:31370"), "srs-unknown", True),
        (point("0 0"), "outside-netherlands", False),
        (point("600000 5700000", "EPSG:25831"), "outside-netherlands", False),
        (point("155000 vier"), "not-a-number", False),
        (point("NaN 463000"), "not-a-number", False),
        (point("1e999 463000"), "not-a-number", False),
        (point("1_5 463000"), "not-a-number", False),
        (point("155000"), "positions-incomplete", False),
        (point(""), "positions-incomplete", False),
        (point("155000,463000"), "positions-incomplete", False),
        ("<posList>155000 463000 155100 463000 155100</posList>", "positions-incomplete", False),
        ("<iets>onleesbaar</iets>", "coordinates-unreadable", False),
        (point("155000 463000") + point("5.3 52.1", "EPSG:4326"), "srs-mixed", False),
        ("<Curve><segments><Arc><posList>155000 463000 155100 463050 155200 463000</posList></Arc></segments></Curve>",
         "arc-as-line", True),
    ],
)  # fmt: skip
def test_bad_geometry_is_a_finding_and_the_texts_are_kept(xml: str, code: str, usable: bool) -> None:
    found = locatie(xml)
    assert code in codes(found)
    assert (geojson(found) is not None) == usable
    assert found.coordinaten_opgegeven
    assert all(finding.path == "coordinatenOpgegeven" and finding.sentence for finding in found.findings)


def test_an_endless_geometry_is_not_used_and_said_once() -> None:
    row = "155000 463000 155100 463000 155100 463100 "
    found = locatie(f"<Polygon><exterior><posList>{row * (MAX_POSITIONS // 3 + 1)}</posList></exterior></Polygon>")
    assert found.opgegeven is None
    assert codes(found) == ["too-many-positions"]


def test_thousands_of_faults_of_one_kind_are_one_finding() -> None:
    assert codes(locatie("<m>" + "<Point><pos>a b</pos></Point>" * 5000 + "</m>")) == ["not-a-number"]


NAMES = ("Polygon", "exterior", "interior", "LinearRing", "posList", "pos", "Point", "coordinates", "x", "y", "Arc")
TEXTS = ("", "155000 463000", "1,2 3,4", "NaN", "5.3 52.1 5.4 52.1 5.4 52.2", "\t", "é", "155000 463000 155100")
elements = st.recursive(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(TEXTS)).map(lambda each: f"<{each[0]}>{each[1]}</{each[0]}>"),
    lambda inner: st.tuples(st.sampled_from(NAMES), st.lists(inner, max_size=4)).map(
        lambda each: f'<{each[0]} srsName="EPSG:28992">{"".join(each[1])}</{each[0]}>'
    ),
    max_leaves=12,
)


@given(elements)
@settings(max_examples=150)
def test_no_geometry_raises_and_every_ring_that_is_read_is_closed(xml: str) -> None:
    found = locatie(xml)
    assert found.opgegeven or found.findings or not found.coordinaten_opgegeven
    for vlak in found.opgegeven.vlakken if found.opgegeven else ():
        assert all(len(ring) > 3 and ring[0] == ring[-1] for ring in vlak)
    geojson(found)
