"""A verzoekbericht becomes a Verzoek, whatever the spelling, and nothing is lost or leaked."""

import json
from datetime import UTC, datetime

import pytest
from tests.unit.stam.documents import NAMESPACE, verzoek_xml

from digikoppelaar.errors import VerzoekError, XmlError
from digikoppelaar.stam.model import Instantie
from digikoppelaar.stam.verzoek import WITHDRAWN, as_json, read_verzoek


def test_the_parts_of_a_verzoek_are_read() -> None:
    verzoek = read_verzoek(verzoek_xml(documents={"d1": "gevel.pdf"}))
    assert (verzoek.stam_versie, verzoek.verzoeknummer, verzoek.volgnummer) == (4, "2026060200019", 0)
    assert (verzoek.doel, verzoek.type) == ("initieren", "Aanvraag vergunning")
    assert verzoek.indien_datum == datetime(2026, 6, 2, 8, 45, 1, 933000, tzinfo=UTC)
    assert verzoek.bevoegd_gezag == Instantie("00000099000000001000", "Gemeente Voorbeeldstad")
    assert verzoek.projectactiviteiten[0].specificaties[0].antwoord == "12.500,00"
    assert [(each.document_id, each.bestandsnaam) for each in verzoek.documenten] == [("d1", "gevel.pdf")]
    assert verzoek.onbekend == ()


def test_coordinates_keep_their_reference_system() -> None:
    locatie = read_verzoek(verzoek_xml()).projectlocaties[0]
    assert locatie.coordinaten_opgegeven == (("@srsName", "EPSG:28992"), ("x", "155000"), ("y", "463000"))


def test_order_case_and_namespace_do_not_matter() -> None:
    plain = (
        b"<root><VERZOEK><VolgNummer>3</VolgNummer><DOEL>aanvullen</DOEL><VerzoekNummer>A1</VerzoekNummer>"
        b"<indiendatum>2026-01-05</indiendatum></VERZOEK></root>"
    )
    verzoek = read_verzoek(plain)
    assert (verzoek.stam_versie, verzoek.verzoeknummer, verzoek.volgnummer) == (None, "A1", 3)
    assert verzoek.indien_datum == datetime(2026, 1, 4, 23, tzinfo=UTC)


def test_unknown_elements_are_kept_with_their_path() -> None:
    verzoek = read_verzoek(verzoek_xml(extra="<vx:nieuw><vx:a>1</vx:a></vx:nieuw><vx:project><vx:b/></vx:project>"))
    assert [each.pad for each in verzoek.onbekend] == ["nieuw", "project"]
    assert "<vx:a>1</vx:a>" in verzoek.onbekend[0].xml


def test_nine_zeros_are_no_bsn() -> None:
    person = read_verzoek(verzoek_xml()).initiatiefnemer
    assert person is not None
    assert (person.soort, person.bsn, person.achternaam) == ("natuurlijk", None, "Fictief")
    assert person.adressen[0].waarden == (("binnenlandsAdres/straatnaam", "Veldweg"),)


def test_a_company_has_its_numbers_and_addresses() -> None:
    verzoek = read_verzoek(
        b"<verzoek><verzoeknummer>1</verzoeknummer><gemachtigde><nietNatuurlijkPersoon><kvkNummer>99999990</kvkNummer>"
        b"<handelsnaam>Fictief BV</handelsnaam><vestiging><vestigingsnummer>000099999999</vestigingsnummer>"
        b"<postAdres><afwijkendAdres><adrestype>Postbus 1</adrestype></afwijkendAdres></postAdres></vestiging>"
        b"</nietNatuurlijkPersoon></gemachtigde><contactpersoon><achternaam>Verzonnen</achternaam></contactpersoon>"
        b"</verzoek>"
    )
    company = verzoek.gemachtigde
    assert company is not None
    assert (company.soort, company.kvk_nummer, company.vestigingsnummer) == (
        "nietNatuurlijk",
        "99999990",
        "000099999999",
    )
    assert company.adressen[0].waarden == (("afwijkendAdres/adrestype", "Postbus 1"),)
    assert verzoek.contactpersoon is not None
    assert verzoek.onbekend == ()


@pytest.mark.parametrize(
    ("doel", "expected"),
    [("Vooroverleg", "conceptverzoek"), ("INITIËREN", "initieren"), ("Intrekken", "intrekken"), ("Nieuw", "Nieuw")],
)
def test_doel_is_known_in_every_spelling_and_kept_when_new(doel: str, expected: str) -> None:
    assert read_verzoek(verzoek_xml(doel=doel)).doel == expected


def test_a_type_in_the_spelling_of_the_model_gets_its_label() -> None:
    document = b"<verzoek><verzoeknummer>1</verzoeknummer><type>informatieOngewoonVoorval</type></verzoek>"
    assert read_verzoek(document).type == "Informatie ongewoon voorval"


@pytest.mark.parametrize(("doel", "expected"), [("Initiëren", 0), ("vooroverleg", 0), ("intrekken", WITHDRAWN)])
def test_an_absent_volgnummer_follows_from_the_doel(doel: str, expected: int) -> None:
    document = f"<verzoek><verzoeknummer>1</verzoeknummer><doel>{doel}</doel></verzoek>".encode()
    assert read_verzoek(document).volgnummer == expected


@pytest.mark.parametrize("volgnummer", ["", "<volgnummer>-1</volgnummer>", "<volgnummer>twee</volgnummer>"])
def test_an_aanvulling_without_usable_volgnummer_is_refused_for_it_would_pass_for_another_version(
    volgnummer: str,
) -> None:
    document = f"<verzoek><verzoeknummer>1</verzoeknummer><doel>aanvullen</doel>{volgnummer}</verzoek>".encode()
    with pytest.raises(VerzoekError):
        read_verzoek(document)


def test_a_truncated_document_is_not_well_formed() -> None:
    with pytest.raises(XmlError):
        read_verzoek(verzoek_xml()[:-20])


def test_no_personal_data_in_a_repr() -> None:
    shown = repr(read_verzoek(verzoek_xml()))
    assert not [word for word in ("Fictief", "Veldweg", "12.500") if word in shown]


def test_json_has_everything_in_camel_case() -> None:
    document = json.loads(json.dumps(as_json(read_verzoek(verzoek_xml(documents={"d1": "gevel.pdf"})))))
    assert document["indienDatum"] == "2026-06-02T08:45:01.933000+00:00"
    assert document["initiatiefnemer"]["achternaam"] == "Fictief"
    bijlage = document["projectactiviteiten"][0]["specificaties"][1]["gevraagdeBijlage"]
    assert bijlage["documenten"][0] == {"documentId": "d1", "bestandsnaam": "gevel.pdf", "vertrouwelijk": None}


def test_only_an_aansluitactiviteit_makes_a_trial() -> None:
    trial = (
        f"<v:verzoek xmlns:v='{NAMESPACE}'><v:verzoeknummer>1</v:verzoeknummer><v:projectactiviteiten>"
        "<v:projectactiviteit><v:activiteitNaam>Aansluitactiviteit Gemeentes - Melding</v:activiteitNaam>"
        "</v:projectactiviteit></v:projectactiviteiten></v:verzoek>"
    )
    assert read_verzoek(trial.encode()).aansluitactiviteit
    assert not read_verzoek(verzoek_xml()).aansluitactiviteit
