"""The metadata records: the real pair is rebuilt, and what was written is read back."""

from dataclasses import replace
from datetime import date

import pytest
from lxml import etree
from tests.shared import shared_data
from tests.unit.drop.notices import KENNISGEVING
from tests.unit.drop.trees import differences

from digikoppelaar import xml
from digikoppelaar.drop.markers import MAX_POSITIONS, Markering, marker, read_wkt
from digikoppelaar.drop.metadata import metadata_owms_xml, metadata_xml, read_metadata
from digikoppelaar.drop.model import (
    AlsAdres,
    AlsGemeente,
    AlsLijn,
    AlsPostcode,
    AlsPunt,
    AlsVlak,
    Bestuurslaag,
    Documenttype,
    Kennisgeving,
    Locatie,
    Publicist,
)
from digikoppelaar.drop.publication import Publicatie
from digikoppelaar.errors import FacilityAnswerBroken

PUBLICATIE = Publicatie(KENNISGEVING, 2026, 7, date(2026, 6, 2))


def reimerswaal() -> Kennisgeving:
    """By hand, after gmb-2024-216934: a notice without activiteit, abstract and referentienummer."""
    return replace(
        KENNISGEVING,
        publicist=Publicist("", "Reimerswaal", Bestuurslaag.GEMEENTE),
        documenttype=Documenttype.AFHANDELING,
        titel="Kennisgeving melding incidentele festiviteit op grond van de Algemene Plaatselijke Verordening, "
        "Hogeweg 15 in Yerseke",
        rubriek="evenementenvergunning",
        referentienummer="",
        activiteiten=(),
        samenvatting="",
        onderwerp="Openbare orde en veiligheid | Organisatie en beleid",
        locaties=(AlsAdres("4401BT", "15", "Hogeweg", "Yerseke", gemeente="Reimerswaal", positie=(61309, 389557)),),
    )


def tree(document: bytes) -> etree._Element:
    return xml.parse(document, limit=1_000_000)


@pytest.mark.parametrize(("name", "write"), [("metadata", metadata_xml), ("metadata_owms", metadata_owms_xml)])
def test_a_real_record_is_rebuilt_element_by_element(name: str, write: type[bytes]) -> None:
    document = shared_data("koop", "op-metadata", f"gmb-2024-216934.{name}.xml").read_bytes()
    ours = write(Publicatie(reimerswaal(), 2024, 216934, date(2024, 5, 17)))  # type: ignore[arg-type]
    assert list(differences(tree(ours), tree(document))) == []


def test_a_real_record_is_read() -> None:
    metadata = read_metadata(shared_data("koop", "op-metadata", "gmb-2024-216934.metadata.xml").read_bytes())
    sent = reimerswaal()
    assert (metadata.identifier, metadata.titel, metadata.creator) == ("gmb-2024-216934", sent.titel, "Reimerswaal")
    assert (metadata.datum, metadata.rubriek) == (date(2024, 5, 17), "evenementenvergunning")
    assert (metadata.referentienummer, metadata.locaties) == ("", sent.locaties)


def test_what_is_written_is_read_back() -> None:
    metadata = read_metadata(metadata_xml(PUBLICATIE))
    assert metadata.referentienummer == "Z2026-000123"
    assert (metadata.activiteiten, metadata.samenvatting) == (("kappen",), "kappen van een boom")
    assert (metadata.onderwerpen, metadata.locaties) == ((KENNISGEVING.onderwerp,), KENNISGEVING.locaties)


def test_the_owms_record_has_the_case_number_and_the_activities_too() -> None:
    text = metadata_owms_xml(PUBLICATIE).decode()
    assert "<overheidop:referentienummer>Z2026-000123</" in text
    assert '<overheidop:activiteit scheme="OVERHEIDop.ActiviteitOmgevingsvergunning">kappen</' in text
    assert "<dcterms:abstract>kappen van een boom</" in text


@pytest.mark.parametrize(
    "locatie",
    [
        AlsPunt((151229, 368702)),
        AlsPunt((151229.123, 368702.5), "bij de molen", "Voorbeeldstad"),
        AlsLijn(((1, 2), (3, 4), (5.25, 6)), "N200", "Voorbeeldstad"),
        AlsVlak((((0, 0), (9, 0), (9, 9), (0, 0)), ((3, 1), (5, 1), (5, 2), (3, 1))), "terrein"),
        AlsAdres("1234AB", "1", "Dorpsstraat", "Voorbeeldstad", "b", "II", "Voorbeeldstad", (1, 2)),
        AlsAdres("1234AB", "1"),
        AlsPostcode("1234AB", "Voorbeeldstad"),
        AlsGemeente("Voorbeeldstad", "Utrecht"),
    ],
)
def test_every_kind_of_location_comes_back_from_its_marker(locatie: Locatie) -> None:
    assert marker(locatie).locatie == locatie


@pytest.mark.parametrize(
    "found",
    [
        Markering("Perceel", (("geometrie", "POINT(1 2)"),)),
        Markering("Punt", ()),
        Markering("Punt", (("geometrie", "POINT(1)"),)),
        Markering("Adres", (("postcode", "1234AB"),)),
        Markering("Gemeente", (("gemeentenaam", ""),)),
    ],
)
def test_a_marker_that_says_no_place_is_kept_and_gives_no_location(found: Markering) -> None:
    assert found.locatie is None
    record = (
        f'<metadata_gegevens><metadata name="DC.identifier" content="gmb-2026-7"/>{written(found)}</metadata_gegevens>'
    )
    metadata = read_metadata(record.encode())
    assert (metadata.markeringen, metadata.locaties) == ((found,), ())


def written(found: Markering) -> str:
    inner = "".join(f'<metadata name="OVERHEIDop.{naam}" content="{waarde}"/>' for naam, waarde in found.velden)
    return f'<metadata name="OVERHEIDop.gebiedsmarkering" content="{found.soort}">{inner}</metadata>'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "POINT()",
        "POINT(nan 1)",
        f"POINT({'9' * 400} 1)",
        "MULTIPOINT((1 2))",
        "POLYGON((1 2, 3))",
        f"LINESTRING({'1 2,' * MAX_POSITIONS}3 4)",
        "POINT(1 2) x",
    ],
)
def test_a_geometry_that_cannot_be_read_is_none(text: str) -> None:
    assert read_wkt(text) == ()


def test_a_geometry_is_read_with_any_blanks_and_case() -> None:
    assert read_wkt(" polygon (( 1 2 ,3 4.5),(5 6)) ") == (((1, 2), (3, 4.5)), ((5, 6),))


@pytest.mark.parametrize("document", [b"x", b"<html/>", b"<metadata_gegevens/>"])
def test_what_is_no_record_is_told_so(document: bytes) -> None:
    with pytest.raises(FacilityAnswerBroken):
        read_metadata(document)
