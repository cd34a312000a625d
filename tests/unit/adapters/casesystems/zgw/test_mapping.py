"""A verzoek as the bodies of ZGW: every trap between DSO and ZGW (zgw.md 1.4), and the lengths of the standard."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.adapters.casesystems.handovers import AANSLUITING, NUMMER
from tests.unit.adapters.casesystems.zgw.sample import (
    APPLICANT,
    BSN,
    COMPANY,
    CONTACT,
    HOUSE,
    LOCATIES,
    PERCEEL,
    READ,
    RSIN,
    SQUARE,
    TITLE,
    source,
)

from digikoppelaar.adapters.casesystems.zgw import mapping
from digikoppelaar.adapters.casesystems.zgw.eigenschappen import fitting, wanted_eigenschappen
from digikoppelaar.adapters.casesystems.zgw.objecten import wanted_objecten
from digikoppelaar.adapters.casesystems.zgw.rollen import contains, wanted_rollen
from digikoppelaar.adapters.casesystems.zgw.texts import cut, dutch_date, wrapped
from digikoppelaar.adapters.casesystems.zgw.typen import Eigenschap, Roltype, Zaaktype
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.ports import Handover
from digikoppelaar.stam.model import Adres, Persoon, Projectactiviteit, Projectlocatie, Specificatie
from digikoppelaar.stam.rules import Action

ROLTYPEN = (
    Roltype("https://c/1", "Aanvrager", "initiator"),
    Roltype("https://c/2", "Gemachtigde", "belanghebbende"),
    Roltype("https://c/3", "Contactpersoon", "klantcontacter"),
)
EIGENSCHAPPEN = tuple(
    Eigenschap(f"https://c/e/{naam}", naam, "tekst", 200)
    for naam in ("projectnaam", "verzoeknummer", "bouwkosten", "test")
)
ZAAKTYPE = Zaaktype("https://c/z", "https://c", "Z", ROLTYPEN, (), EIGENSCHAPPEN)


def persoon_of(**changes: object) -> dict[str, object]:
    """What identifies the initiatiefnemer when these fields are other ones."""
    rol = wanted_rollen(source(initiatiefnemer=replace(APPLICANT, **changes)), ZAAKTYPE)[0]  # type: ignore[arg-type]
    return dict(rol.body["betrokkeneIdentificatie"])


def test_a_title_is_cut_on_a_word_and_kept_whole_beside_it() -> None:
    body = mapping.zaak(source(), "https://c/z", "X")
    assert len(body["omschrijving"]) <= 80
    assert body["omschrijving"][:-1] in TITLE
    assert TITLE[len(body["omschrijving"]) - 1] == " "
    assert body["toelichting"].startswith(TITLE)
    wanted = {each.eigenschap.naam: each.waarde for each in wanted_eigenschappen(source(), ZAAKTYPE)}
    assert wanted["projectnaam"] == TITLE


def test_a_title_of_five_thousand_characters_is_no_trouble() -> None:
    body = mapping.zaak(source(naam="lang " * 1000), "https://c/z", "X")
    assert (len(body["omschrijving"]) <= 80, len(body["toelichting"]) <= 1000) == (True, True)


@given(st.text(max_size=200), st.integers(2, 100))
def test_a_text_that_is_cut_fits_and_is_the_beginning(text: str, limit: int) -> None:
    found = cut(text, limit)
    assert len(found) <= limit
    assert found == text or text.startswith(found[:-1])


def test_one_endless_word_is_cut_where_it_must_be() -> None:
    assert cut("x" * 100, 10) == "xxxxxxxxx…"


def test_without_a_title_the_zaak_is_named_after_what_there_is() -> None:
    nameless = source(naam="", project=None, projectactiviteiten=())
    assert mapping.title(nameless) == f"DSO-verzoek {NUMMER}"
    assert mapping.title(source(naam="")) == "Verbouwing"


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 6, 1, 22, 30, tzinfo=UTC), date(2026, 6, 2)),
        (datetime(2026, 12, 31, 23, 30, tzinfo=UTC), date(2027, 1, 1)),
        (datetime(2026, 6, 1, 21, 59, tzinfo=UTC), date(2026, 6, 1)),
    ],
)
def test_a_day_is_a_day_in_the_netherlands(moment: datetime, day: date) -> None:
    assert dutch_date(moment) == day
    assert mapping.zaak(source(indien_datum=moment), "https://c/z", "X")["startdatum"] == day.isoformat()


def test_without_indiendatum_it_starts_today() -> None:
    assert source(indien_datum=None).day == date(2026, 6, 3)


def test_the_number_is_always_the_same_and_differs_per_organisatie_and_target() -> None:
    here = source()
    other = replace(AANSLUITING, organisatie_oin="00000099000000002000")
    verzoek = replace(here.verzoek, aansluiting=other)
    behandeldienst = replace(here, handover=Handover(verzoek, here.read))
    numbers = [mapping.derived_identificatie(each) for each in (here, behandeldienst, replace(here, target="b"))]
    assert len(set(numbers)) == 3
    assert numbers[0] == mapping.derived_identificatie(source())
    assert all(number.startswith(f"DSO-{NUMMER}-") and len(number) <= 40 for number in numbers)


def test_a_verzoeknummer_of_eighty_characters_still_gives_a_number_of_its_own() -> None:
    numbers = {mapping.derived_identificatie(source(verzoeknummer="x" * 79 + end)) for end in "ab"}
    assert len(numbers) == 2
    assert all(len(number) <= 40 for number in numbers)


@pytest.mark.parametrize(
    ("oin", "rsin"),
    [
        ("00000001999990019000", "999990019"),
        ("00000001999990018000", None),
        ("00000001000000000000", None),
        ("00000003999999990000", None),
        ("00000099000000001000", None),
        ("", None),
    ],
)
def test_an_rsin_comes_out_of_an_oin_that_holds_one(oin: str, rsin: str | None) -> None:
    assert mapping.rsin_of(oin) == rsin


def test_without_an_rsin_a_person_is_told_which_setting_is_needed() -> None:
    with pytest.raises(ConfigError, match="bronorganisatie") as missing:
        mapping.zaak(source(bronorganisatie=""), "https://c/z", "X")
    assert "bronorganisatie" in missing.value.advice


def test_the_bevoegd_gezag_is_responsible_when_its_oin_says_which_it_is() -> None:
    gezag = replace(READ.bevoegd_gezag, oin="00000001123456782000")  # type: ignore[type-var]
    assert source(bevoegd_gezag=gezag).verantwoordelijke == "123456782"
    assert source(bevoegd_gezag=gezag, verantwoordelijke_organisatie=RSIN).verantwoordelijke == RSIN
    assert source().verantwoordelijke == RSIN


@pytest.mark.parametrize("bsn", ["000000000", "123456789", "12345", "", None])
def test_nine_zeros_and_a_wrong_bsn_are_no_bsn(bsn: str | None) -> None:
    found = persoon_of(bsn=bsn)
    assert "inpBsn" not in found
    assert found["geslachtsnaam"] == "Voorbeeld"


def test_a_person_is_identified_with_bsn_name_and_address() -> None:
    assert persoon_of() == {
        "inpBsn": BSN,
        "geslachtsnaam": "Voorbeeld",
        "voorvoegselGeslachtsnaam": "van",
        "voorletters": "A.B.",
        "verblijfsadres": {
            "aoaIdentificatie": "0999200000000001",
            "wplWoonplaatsNaam": "Voorbeeldstad",
            "gorOpenbareRuimteNaam": "Voorbeeldlaan",
            "aoaHuisnummer": 12,
            "aoaPostcode": "9999XX",
            "aoaHuisletter": "a",
        },
    }


def test_a_foreign_address_goes_in_three_lines_with_its_country() -> None:
    lines = ("Hauptstrasse 1 im Hinterhof bei der alten Mühle", "12345 Musterstadt", "Bayern", "zweiter Stock")
    abroad = Adres("verblijfsadresBuitenland", (), "buitenlands", land="Duitsland", regels=lines)
    found = persoon_of(adressen=(abroad,))["subVerblijfBuitenland"]
    assert found == {
        "lndLandcode": "0000",
        "lndLandnaam": "Duitsland",
        "subAdresBuitenland_1": "Hauptstrasse 1 im Hinterhof bei…",
        "subAdresBuitenland_2": "12345 Musterstadt",
        "subAdresBuitenland_3": "Bayern, zweiter Stock",
    }
    coded = persoon_of(adressen=(replace(abroad, land="6029"),))["subVerblijfBuitenland"]
    assert isinstance(coded, dict)
    assert coded["lndLandcode"] == "6029"


def test_a_foreign_address_without_lines_is_told_by_its_parts() -> None:
    abroad = replace(HOUSE, vorm="buitenlands", land="België")
    found = persoon_of(adressen=(abroad,))["subVerblijfBuitenland"]
    assert isinstance(found, dict)
    assert found["subAdresBuitenland_1"].startswith("Voorbeeldlaan 12a, 9999XX")


def test_an_address_that_lacks_what_the_standard_asks_is_left_out() -> None:
    postbus = Adres("correspondentieAdres", (), "afwijkend", adrestype="Postbus 1", woonplaats="Voorbeeldstad")
    assert "verblijfsadres" not in persoon_of(adressen=(postbus,))
    assert "verblijfsadres" in persoon_of(adressen=(postbus, HOUSE))


def test_a_company_is_no_person_and_has_no_surname() -> None:
    company = replace(COMPANY, achternaam="Wrong")
    (rol,) = wanted_rollen(source(initiatiefnemer=company, gemachtigde=None, contactpersoon=None), ZAAKTYPE)
    assert rol.body["betrokkeneType"] == "niet_natuurlijk_persoon"
    assert rol.body["betrokkeneIdentificatie"] == {
        "kvkNummer": "99999999",
        "vestigingsNummer": "000099999999",
        "statutaireNaam": "Voorbeeld Architecten",
        "bezoekadres": "Voorbeeldlaan 12a, 9999XX Voorbeeldstad",
    }
    assert "kvkNummer" not in rol.standard["betrokkeneIdentificatie"]
    assert "KvK 99999999, vestiging 000099999999" in rol.body["roltoelichting"]


def test_only_the_initiatiefnemer_is_initiator() -> None:
    rollen = wanted_rollen(source(), ZAAKTYPE)
    assert [(rol.name, rol.roltype.generiek) for rol in rollen] == [
        ("initiatiefnemer", "initiator"),
        ("gemachtigde", "belanghebbende"),
        ("contactpersoon", "klantcontacter"),
    ]
    assert rollen[1].body["indicatieMachtiging"] == "gemachtigde"
    wrongly_set = source(**{"roltype.gemachtigde": "Aanvrager"})
    assert [rol.name for rol in wanted_rollen(wrongly_set, ZAAKTYPE)] == ["initiatiefnemer", "contactpersoon"]


def test_a_contactpersoon_stands_with_the_company_that_submitted() -> None:
    rollen = wanted_rollen(source(), ZAAKTYPE)
    assert rollen[1].body["contactpersoonRol"] == {"naam": "Contact", "emailadres": "contact@example.org"}
    alone = wanted_rollen(source(initiatiefnemer=COMPANY, gemachtigde=None), ZAAKTYPE)
    assert alone[0].body["contactpersoonRol"]["naam"] == "Contact"


@pytest.mark.parametrize("email", ["geen adres", "a@b", "a b@example.org", "x" * 250 + "@example.org"])
def test_what_is_no_address_is_left_out_and_the_number_stays(email: str) -> None:
    rol = wanted_rollen(source(initiatiefnemer=replace(APPLICANT, emailadres=email)), ZAAKTYPE)[0]
    assert rol.body["contactpersoonRol"] == {"naam": "A.B. van Voorbeeld", "telefoonnummer": "0201234567"}


def test_a_zaaktype_without_the_roltypen_gets_the_initiator_only() -> None:
    bare = replace(ZAAKTYPE, roltypen=ROLTYPEN[:1])
    assert [
        rol.name for rol in wanted_rollen(replace(source(), settings=replace(source().settings, roltypen={})), bare)
    ] == ["initiatiefnemer"]


def test_every_location_becomes_an_object() -> None:
    drawn = Projectlocatie(etrs=SQUARE)
    unknown_place = Projectlocatie(adres=replace(HOUSE, woonplaats=None), adres_aanduiding=(("postcode", "9999XX"),))
    both = Projectlocatie(adres=HOUSE, percelen=(PERCEEL, PERCEEL))
    found = wanted_objecten(source(projectlocaties=(*LOCATIES, drawn, unknown_place, both)))
    assert [(each.name, each.body["objectType"]) for each in found] == [
        ("1:adres", "adres"),
        ("2:perceel:1", "kadastrale_onroerende_zaak"),
        ("3:gebied", "overige"),
        ("4:adres", "overige"),
        ("5:adres", "adres"),
        ("5:perceel:1", "kadastrale_onroerende_zaak"),
        ("5:perceel:2", "kadastrale_onroerende_zaak"),
    ]
    assert found[1].body["objectIdentificatie"]["kadastraleAanduiding"] == "VBS00 A 1234"
    assert found[2].body["objectIdentificatie"]["overigeData"]["geometrie"]["type"] == "Polygon"
    assert found[3].body["objectIdentificatie"]["overigeData"]["adres"] == {"postcode": "9999XX"}
    marks = [each.body["relatieomschrijving"] for each in found]
    assert len(set(marks)) == len(marks)
    assert all(len(mark) <= 80 for mark in marks)


def test_the_whole_verzoek_can_be_an_object() -> None:
    (*_, last) = wanted_objecten(source(verzoek_object="ja"))
    assert last.body["objectTypeOverige"] == "dso_verzoek"
    assert last.body["objectIdentificatie"]["overigeData"]["verzoeknummer"] == NUMMER


def test_geometry_is_geojson_in_wgs84() -> None:
    body = mapping.zaak(source(), "https://c/z", "X")
    (ring,) = body["zaakgeometrie"]["coordinates"]
    assert all(3 < east < 8 and 50 < north < 54 for east, north in ring)


def test_answers_of_several_activities_stand_together() -> None:
    twice = tuple(
        Projectactiviteit(name, specificaties=(Specificatie("284856", antwoord=answer),))
        for name, answer in (("A", "10"), ("B", "20"), ("C", "10"), ("D", None))
    )
    wanted = {
        each.eigenschap.naam: each.waarde for each in wanted_eigenschappen(source(projectactiviteiten=twice), ZAAKTYPE)
    }
    assert wanted["bouwkosten"] == "10; 20"


@pytest.mark.parametrize(
    ("formaat", "text", "waarde"),
    [
        ("tekst", "zes woorden die er niet passen", "zes woorden…"),
        ("getal", "€ 1.234.567,50", "1234567.50"),
        ("getal", "12,5", "12.5"),
        ("getal", "ongeveer 12", ""),
        ("datum", "2026-06-02", "2026-06-02"),
        ("datum", "volgende week", ""),
    ],
)
def test_a_waarde_fits_the_specificatie_that_servers_do_not_check(formaat: str, text: str, waarde: str) -> None:
    assert fitting(text, Eigenschap("u", "n", formaat, 14)) == waarde


def test_an_eigenschap_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(ConfigError) as missing:
        wanted_eigenschappen(source(**{"veld.doel": "Doel"}), ZAAKTYPE)
    assert "bouwkosten" in missing.value.advice


def test_a_withdrawal_only_says_that_it_is_one() -> None:
    wanted = wanted_eigenschappen(source(action=Action.DELIVER_INTREKKING), ZAAKTYPE)
    assert [(each.eigenschap.naam, each.waarde) for each in wanted] == [("test", "ja")]


def test_news_goes_in_front_and_nothing_a_person_wrote_is_lost() -> None:
    second = source(volgnummer=1, action=Action.DELIVER_AANVULLING)
    text = mapping.with_news(second, "Gebeld met aanvrager.")
    assert text is not None
    assert text.endswith("\nGebeld met aanvrager.")
    assert mapping.with_news(second, text) is None
    assert mapping.with_news(second, "x" * 1000) is None


def test_kenmerken_fit_and_mark_a_test() -> None:
    found = mapping.kenmerken(source(test=True, referentie_aanvrager="lange referentie " * 5))
    assert [each["bron"] for each in found] == ["DSO-verzoeknummer", "Referentie aanvrager", "DSO-aansluitactiviteit"]
    assert all(len(each["kenmerk"]) <= 40 for each in found)


def test_what_a_server_added_or_left_empty_makes_no_difference() -> None:
    assert contains({"a": 1, "b": {"c": "x", "d": ""}, "e": None}, {"a": "1", "b": {"c": "x"}})
    assert contains({"a": [[1.0, 2.0]]}, {"a": [[1.0, 2.0]]})
    assert not contains({"a": [1, 2, 3]}, {"a": [1, 2]})
    assert not contains({}, {"a": {"b": 1}})


def test_lines_beyond_the_last_are_put_together() -> None:
    assert wrapped(["a", "", "b", "c", "d"], 10, 3) == ["a", "b", "c, d"]


@given(st.builds(Persoon, st.sampled_from(["natuurlijk", "nietNatuurlijk", "contactpersoon"]),
       *([st.none() | st.text(max_size=300)] * 9)))  # fmt: skip
def test_whatever_a_person_is_called_the_rol_fits_the_standard(persoon: Persoon) -> None:
    rol = wanted_rollen(source(initiatiefnemer=persoon, gemachtigde=None, contactpersoon=CONTACT), ZAAKTYPE)[0]
    limits = {"geslachtsnaam": 200, "voorvoegselGeslachtsnaam": 80, "voorletters": 20, "statutaireNaam": 500,
              "kvkNummer": 8, "vestigingsNummer": 24, "inpBsn": 9}  # fmt: skip
    assert all(len(text) <= limits[name] for name, text in rol.body["betrokkeneIdentificatie"].items())
    assert len(rol.body["roltoelichting"]) <= 1000
    assert 0 < len(rol.body["contactpersoonRol"]["naam"]) <= 40
