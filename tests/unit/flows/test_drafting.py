"""A draft says what was applied for in words of the catalogue and of the organisatie, and never in the applicant's."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tests.unit.stam.documents import verzoek_xml

from digikoppelaar.adapters.notice_templates import default_templates, every_template
from digikoppelaar.adapters.profiles import load_drop_profile, load_lists, load_rekenregels
from digikoppelaar.drop.model import (
    AlsAdres,
    AlsPunt,
    AlsVlak,
    Bijlage,
    Blad,
    Bopa,
    Data,
    Documenttype,
    Kennisgeving,
    Moment,
    Procedure,
    Uitkomst,
    plain,
)
from digikoppelaar.drop.texts import For, TextTemplate, has_gaps
from digikoppelaar.errors import SubmissionError
from digikoppelaar.flows.drafting import Occasion, Texts, drafted, followed, why_none
from digikoppelaar.flows.ports import Aansluiting, CaseSystemSettings, PublishingSettings
from digikoppelaar.flows.targets import NEEDS, zaaktype_of
from digikoppelaar.stam.model import Adres, Geometrie, Instantie, Projectactiviteit, Projectlocatie, Verzoek
from digikoppelaar.stam.verzoek import read_verzoek

OIN = "00000099000000001000"
SETTINGS = PublishingSettings(
    "poc", "Voorbeeldstad", "gemeente", "gmb", bestuursorgaan="het college van Voorbeeldstad", telefoon="14 0123"
)
DROP = Aansluiting(7, OIN, "Gemeente Voorbeeldstad", "drop", "sandbox-pre", OIN, None, None, publishing=SETTINGS)
VERZOEK = read_verzoek(verzoek_xml())
SLOPEN = "nl.imow-gm9999.activiteit.1"
MELDING = replace(VERZOEK, type="Melding", projectactiviteiten=(Projectactiviteit("Slopen", SLOPEN),))
RING = ((155000.0, 463000.0), (155010.0, 463000.0), (155010.0, 463010.0), (155000.0, 463000.0))


TEXTS = Texts(
    lambda _: default_templates(), load_rekenregels(), load_lists(), lambda name: load_drop_profile(name).envelope
)
ZGW = CaseSystemSettings(
    "targets",
    {
        **{f"1.{key}": value for key, value in {"name": "map", "kind": "folder", "settings.path": "/zaken"}.items()},
        **{f"{n}.settings.{key}": "x" for n in (2, 3) for key in NEEDS["zgw"]},
        **{f"{n}.{key}": value for n in (2, 3) for key, value in {"name": "zaken", "kind": "zgw"}.items()},
        "2.settings.zaaktype": "DAKKAPEL",
        "2.when.activiteit": "Dakkapel plaatsen",
        "3.settings.zaaktype": "https://zgw.example/zaaktypen/1",
    },
)
"""A folder, and zaken of which the zaaktype depends on the activity."""


def templates_of(folder: Path, *places: str) -> Mapping[For, TextTemplate]:
    """Ours, with one for applications at each of these places that says where it lies."""
    for place in places:
        (folder / place).mkdir(parents=True, exist_ok=True)
        (folder / place / "regulier-aanvraag.txt").write_text(f"titel: van {place or 'iedereen'}\n\nTekst\n")
    return every_template(folder)


def draft(verzoek: Verzoek = VERZOEK, drop: Aansluiting = DROP, **more: Any) -> Kennisgeving:
    return drafted(verzoek, drop, TEXTS, **more)


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


@pytest.mark.parametrize(
    ("namen", "values", "without"),
    [
        (("Bouwactiviteit (technisch)", "bouwactiviteit (OMGEVINGSPLAN)"), ("bouwen",), ()),
        (("Boom kappen of houtopstand vellen", "Dakkapel plaatsen"), ("kappen",), ("Dakkapel plaatsen",)),
        (("Dakkapel plaatsen", "Dakkapel plaatsen"), (), ("Dakkapel plaatsen",)),
    ],
)
def test_an_activity_has_the_value_of_koop_that_its_name_allows_and_else_none(
    namen: tuple[str, ...], values: tuple[str, ...], without: tuple[str, ...]
) -> None:
    made = draft(replace(VERZOEK, projectactiviteiten=tuple(map(Projectactiviteit, namen))))
    assert (made.activiteiten, made.activiteiten_zonder_waarde) == (values, without)
    assert made.samenvatting == ", ".join(dict.fromkeys(namen))


@pytest.mark.parametrize(
    ("places", "used"),
    [
        (("", "KAP", OIN, f"{OIN}/KAP"), f"{OIN}/KAP"),
        (("", "KAP", OIN), OIN),
        (("", "KAP", f"{OIN}/SLOOP"), "KAP"),
        (("", "SLOOP", "00000099000000005000"), "iedereen"),
    ],
)
def test_the_text_is_of_organisatie_and_zaaktype_then_of_either_then_of_everybody(
    tmp_path: Path, places: tuple[str, ...], used: str
) -> None:
    texts = replace(TEXTS, templates=lambda _: templates_of(tmp_path, *places))
    assert drafted(VERZOEK, DROP, texts, "KAP").titel == f"van {used}"


def test_the_zaaktype_is_that_of_the_target_for_this_verzoek() -> None:
    other = replace(VERZOEK, projectactiviteiten=(Projectactiviteit("Boom kappen"),))
    assert zaaktype_of(ZGW, VERZOEK) == "DAKKAPEL"
    assert zaaktype_of(ZGW, other) is None, "its target has but the URL"
    assert zaaktype_of(CaseSystemSettings("folder", {"path": "/zaken"}), VERZOEK) is None
    assert zaaktype_of(None, VERZOEK) is None


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
    assert "Zet telefoon in [aansluiting.publishing]." in caught.value.advice


DECIDED = Occasion(
    Procedure.REGULIER,
    Moment.BESLUIT,
    Uitkomst.VERLEEND,
    Data(besluit=date(2026, 7, 20), verzending=date(2026, 7, 21)),
    {"inwerkingtreding": date(2026, 7, 22)},
)


def test_a_later_notice_is_about_the_same_case_and_place_and_says_what_happened() -> None:
    adres = AlsAdres("1234AB", "1", "Dorpsstraat", "Voorbeeldstad", "a", "2", positie=(155000.0, 463000.0))
    before = replace(draft(), locaties=(adres,), samenvatting="uitbouw")
    made = followed(before, DECIDED, DROP, TEXTS)
    assert (made.referentienummer, made.locaties) == (before.referentienummer, before.locaties)
    assert (made.moment, made.uitkomst) == (Moment.BESLUIT, Uitkomst.VERLEEND)
    assert made.documenttype is Documenttype.AFHANDELING
    assert made.titel == "Omgevingsvergunning verleend: uitbouw, Dorpsstraat 1a-2 in Voorbeeldstad"
    assert made.data == Data(date(2026, 6, 2), date(2026, 7, 20), date(2026, 7, 21))
    text = plain(made.tekst)
    for said in ("20 juli 2026", "21 juli 2026", "in werking op 22 juli 2026"):
        assert said in text
    assert "ter inzage van [[de eerste dag van de inzage]]" in text
    assert has_gaps(text)


def test_a_later_notice_has_nothing_that_belonged_to_the_one_before() -> None:
    before = replace(draft(), bopa=Bopa("Z", ()), bijlagen=(Bijlage("a.pdf", "application/pdf", "x"),))
    made = followed(before, Occasion(Procedure.UITGEBREID, Moment.OPSCHORTING), DROP, TEXTS)
    assert (made.bopa, made.bijlagen, made.uitkomst) == (None, (), None)
    assert "[[de dag waarop de beslistermijn is stilgezet]]" in plain(made.tekst)


@pytest.mark.parametrize(
    ("verzoek", "why"),
    [
        (VERZOEK, None),
        (replace(VERZOEK, doel="Vooroverleg"), "doel"),
        (replace(VERZOEK, doel="Aanvullen"), "doel"),
        (MELDING, "Melding"),
        (replace(MELDING, doel="Vooroverleg"), "doel"),
        (replace(VERZOEK, type="Informatie"), "Informatie"),
        (replace(VERZOEK, projectactiviteiten=(Projectactiviteit("Aansluitactiviteit Informatie"),)), "TEST"),
    ],
    ids=["aanvraag", "conceptverzoek", "aanvulling", "melding", "conceptmelding", "informatie", "test"],
)
def test_only_an_application_for_a_permit_gets_a_notice(verzoek: Verzoek, why: str | None) -> None:
    found = why_none(verzoek, SETTINGS)
    assert (found is None) == (why is None)
    assert why is None or (found and why in found)


@pytest.mark.parametrize(
    ("meldingen", "verzoek", "gets_one"),
    [
        ("*", MELDING, True),
        ("*", replace(MELDING, doel="Vooroverleg"), False),
        ("*", replace(MELDING, type="Informatie"), False),
        ("*", replace(MELDING, projectactiviteiten=(Projectactiviteit("Aansluitactiviteit Melding"),)), False),
        ("*", replace(MELDING, type="Melding gelijkwaardige maatregel"), False),
        (f"nl.imow-gm9999.activiteit.2,{SLOPEN}", MELDING, True),
        ("nl.imow-gm9999.activiteit.2", MELDING, False),
        (SLOPEN[:-1], MELDING, False),
        ("", replace(MELDING, projectactiviteiten=(Projectactiviteit("Slopen", ""),)), False),
    ],
)
def test_a_melding_gets_a_notice_only_where_that_was_set(meldingen: str, verzoek: Verzoek, gets_one: bool) -> None:
    assert (why_none(verzoek, replace(SETTINGS, meldingen=meldingen)) is None) == gets_one


def test_the_notice_of_a_melding_says_that_no_decision_follows() -> None:
    made = draft(MELDING)
    assert (made.moment, made.rubriek) == (Moment.MELDING, "omgevingsmelding")
    assert made.titel.startswith("Melding: Slopen")
    text = plain(made.tekst)
    assert "Omdat er geen besluit komt, kunt u geen bezwaar maken." in text
    assert "2 juni 2026" in text
