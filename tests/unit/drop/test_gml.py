"""The GML file of a planafwijking: as the example of Geonovum, always the same, and read back."""

from dataclasses import replace

import pytest
from lxml import etree
from tests.shared import shared_data
from tests.unit.drop.notices import BESLUIT, PLANAFWIJKING, VLAK

from digikoppelaar import xml
from digikoppelaar.drop.gml import bopa_gml, read_bopa_gml
from digikoppelaar.drop.model import Bopa
from digikoppelaar.errors import AanleveringError, SubmissionError

GML = bopa_gml(PLANAFWIJKING)


def shape(element: etree._Element, found: str, instead: str) -> object:
    """Everything in it but comments and white space, with one text for another."""
    texts = {name: value.replace(found, instead) for name, value in element.attrib.items()}
    children = [shape(child, found, instead) for child in element.iterchildren("*")]
    return element.tag, texts, (element.text or "").strip().replace(found, instead), children


def test_the_example_of_geonovum_can_be_made() -> None:
    document = shared_data("koop", "dso-bopa", "BOPA-voorbeeld.gml").read_bytes()
    theirs = xml.parse(document, limit=100_000)
    ours = xml.parse(
        bopa_gml(replace(PLANAFWIJKING, bopa=Bopa("Z1", read_bopa_gml(document)))),
        limit=100_000,
    )
    id_of_ours, id_of_theirs = (root.findtext(".//{*}id") or "" for root in (ours, theirs))
    assert shape(ours, id_of_ours, id_of_theirs) == shape(theirs, id_of_theirs, id_of_theirs)


def test_one_kennisgeving_has_one_file_and_another_has_another_id() -> None:
    assert bopa_gml(PLANAFWIJKING) == GML
    other = bopa_gml(replace(PLANAFWIJKING, titel="Rectificatie"))
    ids = [xml.parse(document, limit=100_000).findtext(".//{*}id") for document in (GML, other)]
    assert ids[0] != ids[1]


def test_coordinates_are_read_back_to_the_millimetre() -> None:
    first, second = read_bopa_gml(GML)
    assert first == second
    assert first.ringen[0][2] == (120050.0, 480050.123)
    assert [len(ring) for ring in first.ringen] == [len(ring) for ring in VLAK.ringen]


@pytest.mark.parametrize("bopa", [None, Bopa("Z1", ())])
def test_without_an_area_there_is_no_file(bopa: Bopa | None) -> None:
    with pytest.raises(SubmissionError, match="without an area"):
        bopa_gml(replace(BESLUIT, bopa=bopa))


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"<a/>",
        GML.replace(b"EPSG:28992", b"EPSG:4326"),
        GML.replace(b"120000 480000 ", b"120000 ", 1),
        GML.replace(b"120000", b"nan", 1),
        GML.replace(b"120000", b"oost", 1),
    ],
)
def test_what_is_no_area_in_rd_is_refused(bad: bytes) -> None:
    with pytest.raises(AanleveringError):
        read_bopa_gml(bad)
