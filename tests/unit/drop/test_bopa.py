"""The GML file of a BOPA: the example of Geonovum is rebuilt, and an area that is none is refused with advice."""

from dataclasses import replace

import pytest
from tests.shared import shared_data
from tests.unit.drop.notices import PLANAFWIJKING, VLAK
from tests.unit.drop.trees import differences

from digikoppelaar import xml
from digikoppelaar.drop.bopa import GML, area, bopa_gml, notice_gml, read_bopa_gml, turned
from digikoppelaar.drop.model import AlsVlak, Bopa, Positie
from digikoppelaar.errors import AanleveringError, SubmissionError

UUID = "6009ae06-d459-41d8-b21c-fccfb27d527f"
SQUARE = ((120000.0, 480000.0), (120090.0, 480000.0), (120090.0, 480090.0), (120000.0, 480090.0), (120000.0, 480000.0))
HOLE = ((120010.0, 480010.0), (120010.0, 480020.0), (120020.0, 480020.0), (120010.0, 480010.0))


def example() -> bytes:
    return shared_data("koop", "dso-bopa", "BOPA-voorbeeld.gml").read_bytes()


def areas(document: bytes) -> list[AlsVlak]:
    """The polygons of a file, as a reader that knows nothing of ours finds them."""
    found = []
    for polygon in xml.parse(document, limit=1_000_000).iter(f"{{{GML}}}Polygon"):
        lists = [[float(word) for word in (each.text or "").split()] for each in polygon.iter(f"{{{GML}}}posList")]
        found.append(AlsVlak(tuple(tuple(zip(each[::2], each[1::2], strict=True)) for each in lists)))
    return found


def test_the_example_of_geonovum_is_rebuilt_element_by_element() -> None:
    theirs = example()
    vlakken = areas(theirs)
    assert [len(vlak.ringen) for vlak in vlakken] == [2, 2]
    ours = bopa_gml(vlakken, UUID)
    assert list(differences(xml.parse(ours, limit=100_000), xml.parse(theirs, limit=100_000))) == []


def test_every_identifier_in_a_file_is_another() -> None:
    document = bopa_gml([AlsVlak((SQUARE,)), AlsVlak((SQUARE,))], UUID)
    root = xml.parse(document, limit=100_000)
    ids = [element.get(f"{{{GML}}}id") for element in root.iter() if element.get(f"{{{GML}}}id")]
    assert ids == [f"id-{UUID}-{number}" for number in (0, 1, 2)]


def test_coordinates_are_to_the_millimetre() -> None:
    finer = tuple((x + 0.00049, y - 0.12345) for x, y in SQUARE)
    assert b">120000 479999.877 120090 479999.877 " in bopa_gml([AlsVlak((finer,))], UUID)


def test_positions_that_become_one_by_rounding_are_written_once() -> None:
    (vlak,) = areas(bopa_gml([AlsVlak(((SQUARE[0], (120000.0001, 480000.0), *SQUARE[1:]),))], UUID))
    assert vlak.ringen == (SQUARE,)


@pytest.mark.parametrize(
    ("ringen", "advice"),
    [
        ((), "buitengrens"),
        (((),), "Sluit de ring"),
        ((SQUARE[:-1],), "Sluit de ring"),
        ((SQUARE[:1],), "drie verschillende punten"),
        (((SQUARE[0], SQUARE[1], SQUARE[0]),), "drie verschillende punten"),
        (((SQUARE[0], SQUARE[1], (120030.0, 480000.0), SQUARE[0]),), "drie verschillende punten"),
        (((SQUARE[0], (120010.1, 480010.1), (120020.3, 480020.3), SQUARE[0]),), "drie verschillende punten"),
        (((SQUARE[0], (float("nan"), 480000.0), SQUARE[2], SQUARE[0]),), "drie verschillende punten"),
        ((SQUARE, HOLE[:-1]), "Sluit de ring"),
        ((SQUARE, HOLE[::-1]), "omgekeerde volgorde"),
        ((SQUARE, tuple((x + 200, y) for x, y in HOLE)), "binnen zijn vlak"),
        ((SQUARE, tuple((x, y + 75) for x, y in HOLE)), "binnen zijn vlak"),
    ],
)
def test_an_area_that_is_none_is_refused_with_advice(ringen: tuple[tuple[Positie, ...], ...], advice: str) -> None:
    with pytest.raises(SubmissionError) as refused:
        bopa_gml([AlsVlak((SQUARE,)), AlsVlak(ringen)], UUID)
    assert advice in refused.value.advice
    assert "vlak 2" in refused.value.advice


def test_a_hole_may_touch_its_area_and_lie_in_its_bend() -> None:
    bent = (*SQUARE[:3], (120045.0, 480050.0), *SQUARE[3:])
    touching = ((120000.0, 480010.0), (120000.0, 480020.0), (120010.0, 480020.0), (120000.0, 480010.0))
    assert areas(bopa_gml([AlsVlak((bent, touching, HOLE))], UUID)) == [AlsVlak((bent, touching, HOLE))]
    in_the_bend = tuple((x + 30, y + 55) for x, y in HOLE)
    with pytest.raises(SubmissionError, match="outside its area"):
        bopa_gml([AlsVlak((bent, in_the_bend))], UUID)


@pytest.mark.parametrize("outer", [SQUARE, SQUARE[::-1]])
def test_a_hole_that_turns_the_wrong_way_can_be_turned(outer: tuple[Positie, ...]) -> None:
    for hole in (HOLE, HOLE[::-1]):
        vlak = turned(AlsVlak((outer, hole), "label"))
        assert areas(bopa_gml([vlak], UUID)) == [replace(vlak, label=None)]
        assert abs(area(vlak.ringen[1])) == abs(area(hole)) == 50


def test_no_area_and_no_uuid_are_refused() -> None:
    with pytest.raises(SubmissionError, match="no area"):
        bopa_gml([], UUID)
    for uuid in ("", "x", UUID.upper(), f"{UUID}x"):
        with pytest.raises(SubmissionError, match="uuid"):
            bopa_gml([AlsVlak((SQUARE,))], uuid)


# --- Of one notice, and read back ------------------------------------------------------------------------------------

HERE = Bopa("Z2026-0001", (VLAK, AlsVlak((SQUARE, HOLE[::-1]))))
FILE = notice_gml(PLANAFWIJKING, HERE)


def test_one_kennisgeving_has_one_file_and_another_has_another_identifier() -> None:
    assert notice_gml(PLANAFWIJKING, HERE) == FILE
    others = [
        notice_gml(replace(PLANAFWIJKING, titel="Rectificatie"), HERE),
        notice_gml(PLANAFWIJKING, replace(HERE, imro_ids=("NL.IMRO.9999.BP02-VA01",))),
        notice_gml(PLANAFWIJKING, replace(HERE, vlakken=(AlsVlak((SQUARE,)),))),
    ]
    ids = {xml.parse(document, limit=100_000).findtext(".//{*}id") for document in (FILE, *others)}
    assert len(ids) == 4


def test_what_is_delivered_is_read_with_its_holes_turned() -> None:
    first, second = read_bopa_gml(FILE)
    assert first.ringen[0][2] == (120050.0, 480050.123)
    assert second == AlsVlak((SQUARE, HOLE))
    with pytest.raises(SubmissionError, match="no rings"):
        notice_gml(PLANAFWIJKING, replace(HERE, vlakken=(AlsVlak(()),)))


def test_the_example_of_geonovum_is_read() -> None:
    assert list(read_bopa_gml(example())) == areas(example())


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"<a/>",
        FILE.replace(b"EPSG:28992", b"EPSG:4326"),
        FILE.replace(b"120000 480000 ", b"120000 ", 1),
        FILE.replace(b"120000", b"nan", 1),
        FILE.replace(b"120000", b"oost", 1),
    ],
)
def test_a_file_without_an_area_in_rd_is_refused(bad: bytes) -> None:
    with pytest.raises(AanleveringError):
        read_bopa_gml(bad)
