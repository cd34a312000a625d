"""Everything that an administrator should know of a verzoek is one list, in Dutch and without personal data."""

import pytest
from tests.unit.stam.documents import verzoek_xml
from tests.unit.stam.locations_xml import ETRS_URN, HOLE, RD_URN, SQUARE, point, polygon

from digikoppelaar.stam.findings import MAX_UNKNOWN, findings
from digikoppelaar.stam.verzoek import read_verzoek

BOWTIE = ((155000, 463000), (155100, 463100), (155100, 463000), (155000, 463100), (155000, 463000))
OUTSIDE = tuple((x + 5000, y) for x, y in HOLE)
CLEAN = verzoek_xml().decode()


def found(document: str) -> dict[str, str]:
    """The first code at each path."""
    return {finding.path: finding.code for finding in reversed(findings(read_verzoek(document.encode())))}


def changed(old: str, new: str) -> str:
    assert old in CLEAN
    return CLEAN.replace(old, new)


def located(inner: str) -> str:
    start, end = CLEAN.index("<vx:projectlocaties>"), CLEAN.index("</vx:projectlocaties>")
    return f"{CLEAN[:start]}<vx:projectlocaties><vx:projectlocatie>{inner}</vx:projectlocatie>{CLEAN[end:]}"


def test_an_ordinary_verzoek_has_no_findings() -> None:
    assert findings(read_verzoek(verzoek_xml(documents={"d1": "gevel.pdf"}))) == ()


@pytest.mark.parametrize(
    ("document", "path", "code"),
    [
        (CLEAN.replace("stam-v4", "stam-v9"), "", "namespace-new"),
        (CLEAN.replace("stam-v4", "iets"), "", "namespace-unknown"),
        (changed("Initiëren", "Nieuw"), "doel", "doel-unknown"),
        (changed("Aanvraag vergunning", "Aanvraag van iets"), "type", "type-unknown"),
        (changed("<vx:type>Aanvraag vergunning</vx:type>", ""), "type", "type-missing"),
        (changed("Dakkapel aan de Veldweg", "Dakkapel " * 555), "naam", "naam-too-long"),
        (changed("<vx:naam>Dakkapel</vx:naam>", f"<vx:naam>{'n' * 201}</vx:naam>"), "project/naam", "naam-too-long"),
        (changed("<vx:naam>Dakkapel aan de Veldweg</vx:naam>", ""), "naam", "naam-missing"),
        (changed("2026-06-02T10:45:01.933+02:00", "eergisteren"), "indienDatum", "indiendatum-missing"),
        (changed("00000099000000001000", "99"), "bevoegdGezag/oin", "oin-invalid"),
        (changed("000000000</imam:bsn>", "999990018</imam:bsn>"), "initiatiefnemer/bsn", "bsn-invalid"),
        (changed("imam:straatnaam", "imam:onbekend"), "initiatiefnemer/correspondentieAdres", "address-unreadable"),
        (located(""), "projectlocaties/projectlocatie[1]", "locatie-empty"),
        (changed("vx:projectlocaties", "vx:plaatsen"), "projectlocaties", "locatie-missing"),
        (changed("vx:projectactiviteiten", "vx:dingen"), "projectactiviteiten", "activiteit-missing"),
        (
            changed("<vx:activiteitnaam>Dakkapel plaatsen</vx:activiteitnaam>", ""),
            "projectactiviteiten/projectactiviteit[1]",
            "activiteit-without-name",
        ),
        (changed("</vx:verzoek>", "<vx:nieuw>1</vx:nieuw></vx:verzoek>"), "nieuw", "element-unknown"),
    ],
)
def test_a_fault_is_a_finding_at_its_place(document: str, path: str, code: str) -> None:
    assert found(document)[path] == code


@pytest.mark.parametrize(
    ("inner", "code"),
    [
        (polygon(SQUARE[:-1]), "ring-not-closed"),
        (polygon(BOWTIE), "area-self-crossing"),
        (polygon(SQUARE, OUTSIDE), "area-rings-misplaced"),
        (point("52.6 3.2", ETRS_URN), "in-the-sea"),
        (point("10000 600000"), "in-the-sea"),
        (point("1 1"), "outside-netherlands"),
    ],
)
def test_a_fault_in_a_geometry_is_told_with_its_location(inner: str, code: str) -> None:
    path = "projectlocaties/projectlocatie[1]/coordinatenOpgegeven"
    assert found(located(f"<vx:coordinatenOpgegeven>{inner}</vx:coordinatenOpgegeven>")) == {path: code}


@pytest.mark.parametrize(
    "place",
    [
        *("51.270 3.386", "51.443 3.575", "51.228 3.800", "51.437 4.930", "51.310 5.160", "50.752 6.021"),
        *("50.850 5.690", "51.170 5.840", "51.700 6.120", "51.850 6.130", "51.970 6.830", "52.245 7.065"),
        *("52.390 7.060", "53.180 7.205", "53.460 6.835", "53.545 6.580", "53.480 6.160", "53.455 5.780"),
        *("53.440 5.330", "53.295 5.050", "53.180 4.850", "52.960 4.740", "52.463 4.555", "52.115 4.270"),
        *("51.985 3.985", "51.840 3.880", "51.700 3.690", "51.530 3.440"),
    ],
)  # fmt: skip
def test_places_at_the_coast_and_at_the_border_are_not_in_the_sea(place: str) -> None:
    assert found(located(f"<vx:coordinatenEtrs>{point(place, ETRS_URN)}</vx:coordinatenEtrs>")) == {}


def test_entered_and_derived_coordinates_of_two_places_are_told() -> None:
    one = f"<vx:coordinatenOpgegeven>{point('155000 463000', RD_URN)}</vx:coordinatenOpgegeven>"
    near = f"<vx:coordinatenEtrs>{point('52.15517 5.38721', ETRS_URN)}</vx:coordinatenEtrs>"
    far = f"<vx:coordinatenEtrs>{point('52.16 5.38721', ETRS_URN)}</vx:coordinatenEtrs>"
    assert found(located(one + near)) == {}
    assert found(located(one + far)) == {"projectlocaties/projectlocatie[1]": "coordinates-differ"}


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a\\b.pdf", "fac\u202efdp.exe", "n" * 300, "\u200b.pdf", "é" * 130]
)
def test_a_file_name_that_no_system_takes_is_told(name: str) -> None:
    document = verzoek_xml(documents={"d1": name})
    assert [finding.code for finding in findings(read_verzoek(document))] == ["bestandsnaam-odd"]


def test_a_document_without_any_name_is_told() -> None:
    extra = (
        "<vx:verzoekbijlages><vx:document><vx:vertrouwelijk>ja</vx:vertrouwelijk></vx:document></vx:verzoekbijlages>"
    )
    assert found(verzoek_xml(extra=extra).decode()) == {"verzoekbijlages/document[1]": "document-unnamed"}


def test_many_unknown_elements_are_not_told_one_by_one() -> None:
    extra = "".join(f"<vx:nieuw{number}/>" for number in range(100))
    told = findings(read_verzoek(verzoek_xml(extra=extra)))
    assert len(told) == MAX_UNKNOWN + 1
    assert "80" in told[-1].sentence


def test_a_withdrawal_need_not_repeat_what_it_withdraws() -> None:
    document = (
        b'<verzoek xmlns="http://www.omgevingswet.nl/koppelvlak/stam-v4/verzoek"><verzoeknummer>1</verzoeknummer>'
    )
    document += b"<doel>Intrekken</doel></verzoek>"
    assert {finding.code for finding in findings(read_verzoek(document))} == {
        "type-missing",
        "naam-missing",
        "indiendatum-missing",
        "bevoegd-gezag-missing",
    }


def test_no_finding_says_a_value_of_the_document() -> None:
    document = changed("000000000</imam:bsn>", "999990018</imam:bsn>").replace("imam:straatnaam", "imam:anders")
    document = document.replace("Aanvraag vergunning", "Geheimtype").replace("2026-06-02T10:45:01.933+02:00", "Geheim")
    shown = repr(findings(read_verzoek(document.encode())))
    assert not [word for word in ("999990018", "Veldweg", "Fictief", "Geheim", "12.500") if word in shown]
