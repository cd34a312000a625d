"""A draft says what was applied for in words of the catalogue and of the organisatie, and never in the applicant's."""

from dataclasses import replace
from datetime import date

import pytest
from tests.unit.stam.documents import verzoek_xml

from digikoppelaar.adapters.notice_templates import default_templates
from digikoppelaar.adapters.profiles import load_rekenregels
from digikoppelaar.drop.model import AlsAdres, AlsPunt, AlsVlak, Blad, Documenttype, Kennisgeving, Procedure, plain
from digikoppelaar.errors import SubmissionError
from digikoppelaar.flows.drafting import drafted, why_none
from digikoppelaar.flows.ports import Aansluiting, PublishingSettings
from digikoppelaar.stam.model import Adres, Geometrie, Instantie, Projectactiviteit, Projectlocatie, Verzoek
from digikoppelaar.stam.verzoek import read_verzoek

OIN = "00000099000000001000"
SETTINGS = PublishingSettings(
    "poc", "Voorbeeldstad", "gemeente", "gmb", bestuursorgaan="het college van Voorbeeldstad", telefoon="14 0123"
)
DROP = Aansluiting(7, OIN, "Gemeente Voorbeeldstad", "drop", "sandbox-pre", OIN, None, None, publishing=SETTINGS)
VERZOEK = read_verzoek(verzoek_xml())
RING = ((155000.0, 463000.0), (155010.0, 463000.0), (155010.0, 463010.0), (155000.0, 463000.0))


def draft(verzoek: Verzoek = VERZOEK, drop: Aansluiting = DROP, **more: Procedure) -> Kennisgeving:
    return drafted(verzoek, drop, default_templates(), load_rekenregels(), **more)


def test_a_draft_tells_what_where_and_when() -> None:
    made = draft()
    assert (made.blad, made.documenttype, made.referentienummer) == (
        Blad.GEMEENTEBLAD,
        Documenttype.AANVRAAG,
        VERZOEK.verzoeknummer,
    )
    assert made.data.ontvangst == date(2026, 6, 2)
    assert "Dakkapel plaatsen" in made.titel
    text = plain(made.tekst)
    assert "2 juni 2026" in text
    assert "28 juli 2026" in text, "eight weeks from the day after"
    assert "het college van Voorbeeldstad" in text
    assert made.locaties == (AlsPunt((155000.0, 463000.0)),)


def test_no_word_of_the_applicant_gets_into_it() -> None:
    made = draft(replace(VERZOEK, naam="Uitbouw voor Fictief", toelichting="Bel Fictief op 0612345678"))
    said = f"{made.titel} {plain(made.tekst)} {made.samenvatting}"
    for theirs in ("Fictief", "Uitbouw voor", "0612345678", "Veldweg"):
        assert theirs not in said


def test_the_place_is_the_address_applied_for() -> None:
    adres = Adres(
        "adres", (), straatnaam="Dorpsstraat", huisnummer="1", huisletter="a", huisnummertoevoeging="2",
        postcode="1234 ab", woonplaats="Voorbeeldstad",
    )  # fmt: skip
    rd = Geometrie("EPSG:28992", punten=((155000.0, 463000.0),), vlakken=((RING,),))
    made = draft(replace(VERZOEK, projectlocaties=(Projectlocatie(adres=adres, opgegeven=rd),)))
    assert "Dorpsstraat 1a-2 in Voorbeeldstad" in made.titel
    assert made.locaties == (
        AlsAdres("1234AB", "1", "Dorpsstraat", "Voorbeeldstad", "a", "2", positie=(155000.0, 463000.0)),
        AlsVlak((RING,)),
    )


def test_the_behandeldienst_is_named_apart_from_who_publishes() -> None:
    made = draft(replace(VERZOEK, uitvoerende_instantie=Instantie("00000099000000002000")))
    assert (made.publicist.oin, made.behandelaar_oin) == (OIN, "00000099000000002000")


def test_the_extended_procedure_has_another_text_and_term() -> None:
    made = draft(procedure=Procedure.UITGEBREID)
    assert made.procedure is Procedure.UITGEBREID
    assert "2 december 2026" in plain(made.tekst)


def test_what_the_organisatie_has_not_said_is_asked_for_by_name() -> None:
    with pytest.raises(SubmissionError, match="telefoon not there") as caught:
        draft(drop=replace(DROP, publishing=replace(SETTINGS, telefoon="")))
    assert "het telefoonnummer van de organisatie" in caught.value.advice


@pytest.mark.parametrize(
    ("verzoek", "why"),
    [
        (VERZOEK, None),
        (replace(VERZOEK, doel="Vooroverleg"), "doel"),
        (replace(VERZOEK, doel="Aanvullen"), "doel"),
        (replace(VERZOEK, type="Melding"), "Melding"),
        (replace(VERZOEK, type="Informatie"), "Informatie"),
        (replace(VERZOEK, projectactiviteiten=(Projectactiviteit("Aansluitactiviteit Informatie"),)), "TEST"),
    ],
    ids=["aanvraag", "conceptverzoek", "aanvulling", "melding", "informatie", "test"],
)
def test_only_an_application_for_a_permit_gets_a_notice(verzoek: Verzoek, why: str | None) -> None:
    found = why_none(verzoek)
    assert (found is None) == (why is None)
    assert why is None or (found and why in found)
