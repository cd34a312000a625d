"""A good notice has no findings; each fault in it has one, with its own code."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given as given_any
from hypothesis import settings
from hypothesis import strategies as st
from tests.unit.drop.good_notices import ALL, PROFILE, TODAY, days, given, notice

from digikoppelaar.adapters.profiles import load_lists
from digikoppelaar.drop.checks import check
from digikoppelaar.drop.findings import RULES, Checked, Given, Severity, read_severities
from digikoppelaar.drop.model import (
    Alinea,
    AlsAdres,
    AlsGemeente,
    AlsLijn,
    AlsPostcode,
    AlsPunt,
    AlsVlak,
    Bestuurslaag,
    Bijlage,
    Blad,
    Bopa,
    Data,
    Documenttype,
    Kennisgeving,
    Lijst,
    Moment,
    Periode,
    Procedure,
    Punt,
    Stuk,
    Uitkomst,
)
from digikoppelaar.drop.opmaak import parse
from digikoppelaar.drop.personal_data import Outcome, PrivacyChecked
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows import privacy

REGULIER, UITGEBREID = Procedure
BSN = "999990019"
FIELD = AlsVlak((((105_000, 405_000), (105_050, 405_000), (105_050, 405_050), (105_000, 405_000)),))
BOPA = Bopa("Z-2026-00001", (FIELD,))
Change = Callable[[Kennisgeving], Kennisgeving]


def codes(kennisgeving: Kennisgeving, known: Given | None = None) -> list[str]:
    return [finding.code for finding in check(kennisgeving, known or given()).findings]


def changed(**changes: Any) -> Change:
    return lambda kennisgeving: replace(kennisgeving, **changes)


def dated(**changes: Any) -> Change:
    return lambda kennisgeving: replace(kennisgeving, data=replace(kennisgeving.data, **changes))


def reworded(old: str, new: str = "") -> Change:
    """With other words wherever they stand in a stretch of the text."""

    def in_block(blok: Any) -> Any:
        if hasattr(blok, "regel"):
            return replace(blok, regel=tuple(replace(each, tekst=each.tekst.replace(old, new)) for each in blok.regel))
        items = (replace(punt, alineas=tuple(map(in_block, punt.alineas))) for punt in blok.punten)
        return replace(blok, punten=tuple(items))

    return lambda kennisgeving: replace(kennisgeving, tekst=tuple(map(in_block, kennisgeving.tekst)))


def unlinked(kennisgeving: Kennisgeving) -> Kennisgeving:
    """Without any list: no link, no place, no address."""
    return replace(kennisgeving, tekst=tuple(blok for blok in kennisgeving.tekst if not hasattr(blok, "punten")))


# --- good notices ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("procedure", "moment"), ALL)
@pytest.mark.parametrize("uitkomst", Uitkomst)
def test_a_notice_from_our_own_templates_has_no_findings(
    procedure: Procedure, moment: Moment, uitkomst: Uitkomst
) -> None:
    checked = check(notice(procedure, moment, uitkomst=uitkomst), given())
    assert checked == Checked(())
    assert checked.good


@settings(max_examples=50)
@given_any(st.dates(date(2024, 1, 1), date(2028, 12, 1)), st.sampled_from(ALL))
def test_periods_as_the_law_counts_them_are_never_found_wrong(day: date, combination: Any) -> None:
    data = days(*combination, published=day)
    assert codes(notice(*combination, data=data), given(today=data.publicatie)) == []


@settings(max_examples=50)
@given_any(st.dates(date(2024, 1, 1), date(2028, 12, 1)), st.integers(1, 30))
def test_a_term_that_is_days_short_always_blocks(day: date, short: int) -> None:
    data = days(REGULIER, Moment.BESLUIT, published=day)
    assert data.reactie
    reactie = replace(data.reactie, laatste=data.reactie.laatste - timedelta(days=short))
    found = codes(notice(data=replace(data, reactie=reactie)), given(today=data.publicatie))
    assert "reactie-too-short" in found


def test_a_notice_of_a_melding_always_waits_for_a_person() -> None:
    checked = check(notice(REGULIER, Moment.MELDING), given(severities={}))
    assert [finding.code for finding in checked.findings] == ["documenttype-of-melding"]
    assert (checked.blocked, checked.good) == (False, False)


def test_a_granted_deviation_has_no_findings() -> None:
    deviation = replace(notice(planafwijking=True), documenttype=Documenttype.PLANAFWIJKING, bopa=BOPA)
    assert codes(deviation) == []


# --- one fault at a time ---------------------------------------------------------------------------------------------

FAULTS: list[tuple[Procedure, Moment, Change, list[str]]] = [
    # what must be there
    (REGULIER, Moment.AANVRAAG, changed(titel=" "), ["titel-missing"]),
    (REGULIER, Moment.AANVRAAG, changed(titel="\u200b\u2060 "), ["titel-missing", "character-hidden"]),
    (REGULIER, Moment.AANVRAAG, changed(titel="x" * 5000), ["titel-too-long"]),
    (REGULIER, Moment.AANVRAAG, changed(titel="Kap \U0001f333 – caf\u00e9\u00a05"), []),
    *(
        (REGULIER, Moment.AANVRAAG, changed(samenvatting=f"de{hidden} kap"), ["character-hidden"])
        for hidden in ("\0", "\x1b", "\x9b", "\u00ad", "\u202e", "\ufeff", "\uffff", "\ud800")
    ),
    (REGULIER, Moment.BESLUIT, reworded("bouwen van een dakkapel", "[[waarvoor]]"), ["tekst-incomplete"]),
    (
        REGULIER,
        Moment.BESLUIT,
        lambda k: replace(k, tekst=(*k.tekst, Alinea((Stuk("hier", link="https://vul-in.invalid/inzage_link"),)))),
        ["tekst-incomplete"],
    ),
    (REGULIER, Moment.AANVRAAG, changed(referentienummer=""), ["referentienummer-missing"]),
    (REGULIER, Moment.AANVRAAG, changed(referentienummer="Z-2"), ["referentienummer-not-in-text"]),
    (REGULIER, Moment.AANVRAAG, reworded("0123-456789"), ["telefoon-missing"]),
    (REGULIER, Moment.AANVRAAG, changed(rubriek=""), ["rubriek-missing"]),
    (REGULIER, Moment.AANVRAAG, changed(rubriek="Omgevingsvergunning"), ["rubriek-unknown"]),
    (REGULIER, Moment.AANVRAAG, changed(activiteiten=("bouwen", "vliegen")), ["activiteit-unknown"]),
    (REGULIER, Moment.AANVRAAG, changed(activiteiten_zonder_waarde=("Vliegen",)), ["activiteit-without-value"]),
    (REGULIER, Moment.AANVRAAG, changed(blad=Blad.STAATSCOURANT), ["blad-of-others"]),
    (REGULIER, Moment.AANVRAAG, dated(ontvangst=None), ["ontvangst-missing"]),
    (REGULIER, Moment.AANVRAAG, dated(ontvangst=date(2026, 4, 1)), ["ontvangst-not-in-text"]),
    (REGULIER, Moment.AANVRAAG, changed(procedure=UITGEBREID), []),
    (
        UITGEBREID,
        Moment.AANVRAAG,
        lambda _: unlinked(notice(UITGEBREID, Moment.AANVRAAG)),
        ["referentienummer-not-in-text"],
    ),
    (UITGEBREID, Moment.ONTWERPBESLUIT, changed(procedure=REGULIER), ["moment-not-in-procedure"]),
    (UITGEBREID, Moment.ONTWERPBESLUIT, changed(uitkomst=None), ["uitkomst-missing"]),
    (UITGEBREID, Moment.ONTWERPBESLUIT, dated(inzage=None), ["inzage-missing"]),
    (
        UITGEBREID,
        Moment.ONTWERPBESLUIT,
        reworded("zienswijze", "mening"),
        ["reactie-not-told", "reactie-not-in-text", "reactie-way-missing"],
    ),
    (REGULIER, Moment.BESLUIT, changed(uitkomst=Uitkomst.GEWEIGERD), ["uitkomst-not-in-text"]),
    (REGULIER, Moment.BESLUIT, dated(besluit=None), ["besluit-missing"]),
    (REGULIER, Moment.BESLUIT, dated(besluit=date(2026, 5, 28)), ["besluit-not-in-text"]),
    (REGULIER, Moment.BESLUIT, reworded("in werking"), ["inwerkingtreding-missing"]),
    (REGULIER, Moment.BESLUIT, reworded("2 juni 2026", "3 juni 2026"), ["inzage-not-in-text"]),
    (REGULIER, Moment.BESLUIT, reworded("op papier: het gemeentehuis", "wij: thuis"), ["inzage-place-missing"]),
    (REGULIER, Moment.BESLUIT, dated(reactie=None), ["reactie-missing"]),
    (UITGEBREID, Moment.RECTIFICATIE, changed(titel="Verbetering"), ["rectificatie-not-in-title"]),
    (UITGEBREID, Moment.RECTIFICATIE, reworded("gmb-2026-12345", "12345"), ["rectificatie-of-nothing"]),
    # days and terms
    (REGULIER, Moment.BESLUIT, dated(publicatie=date(1026, 6, 1)), ["date-implausible"]),
    (REGULIER, Moment.VERLENGING, dated(ontvangst=TODAY + timedelta(days=1), besluit=None), ["ontvangst-in-future"]),
    (REGULIER, Moment.VERLENGING, dated(besluit=date(2026, 3, 1)), ["dates-out-of-order"]),
    (REGULIER, Moment.VERLENGING, dated(publicatie=date(2026, 5, 29)), ["publicatie-past"]),
    (REGULIER, Moment.VERLENGING, dated(publicatie=date(2026, 6, 6)), ["publicatie-on-free-day"]),
    (REGULIER, Moment.VERLENGING, dated(publicatie=None), []),
    (
        REGULIER,
        Moment.BESLUIT,
        dated(verzending=date(2026, 6, 2)),
        ["publicatie-before-verzending", "reactie-begins-otherwise", "reactie-too-short"],
    ),
    (REGULIER, Moment.BESLUIT, dated(verzending=None), ["verzending-missing"]),
    (UITGEBREID, Moment.ONTWERPBESLUIT, dated(publicatie=date(2026, 6, 2)), ["publicatie-not-before-inzage"]),
    (UITGEBREID, Moment.BESLUIT, dated(publicatie=date(2026, 6, 2)), []),
    (UITGEBREID, Moment.BESLUIT, dated(publicatie=date(2026, 6, 3)), ["publicatie-after-inzage"]),
]


@pytest.mark.parametrize(("procedure", "moment", "change", "found"), FAULTS)
def test_each_fault_is_found(procedure: Procedure, moment: Moment, change: Change, found: list[str]) -> None:
    assert codes(change(notice(procedure, moment))) == found


def test_a_notice_without_text_lacks_all_that_a_text_says() -> None:
    found = codes(replace(notice(), tekst=()))
    assert {"tekst-missing", "telefoon-missing", "inzage-not-in-text", "reactie-not-told"} <= set(found)
    assert "inzage-not-told" in codes(replace(notice(moment=Moment.AANVRAAG), tekst=()))


def test_inspection_must_be_electronic_as_well() -> None:
    text = parse(
        "Het besluit ligt ter inzage van 2 juni 2026 tot en met 13 juli 2026 op papier.\n\n# Bezwaar\n\nOnline."
    )
    assert "inzage-electronic-missing" in codes(replace(notice(), tekst=text))
    assert "inzage-place-missing" not in codes(replace(notice(), tekst=text))


def test_a_place_that_the_body_named_counts_as_a_place_of_inspection() -> None:
    change = reworded("op papier: het gemeentehuis, Markt 1", "in De Zwaan")
    assert codes(change(notice())) == ["inzage-place-missing"]
    assert codes(change(notice()), given(places=("de zwaan",))) == []


@pytest.mark.parametrize(
    ("procedure", "moment", "inzage", "reactie", "found"),
    [
        (UITGEBREID, Moment.ONTWERPBESLUIT, (2, 42), (2, 43), ["inzage-too-short", "inzage-ends-on-free-day"]),
        (UITGEBREID, Moment.ONTWERPBESLUIT, (2, 43), (2, 42), ["reactie-too-short", "reactie-ends-on-free-day"]),
        (UITGEBREID, Moment.ONTWERPBESLUIT, (2, 43), (3, 43), ["reactie-begins-otherwise"]),
        (UITGEBREID, Moment.ONTWERPBESLUIT, (2, 43), (2, 44), ["inzage-ends-before-reactie", "reactie-too-long"]),
        (UITGEBREID, Moment.BESLUIT, (2, 43), (3, 44), ["inzage-too-short"]),
        (UITGEBREID, Moment.BESLUIT, (2, 48), (3, 44), ["inzage-ends-on-free-day"]),
        (UITGEBREID, Moment.BESLUIT, (2, 50), (3, 48), ["reactie-too-long", "reactie-ends-on-free-day"]),
        (REGULIER, Moment.BESLUIT, (2, 43), (1, 12), ["reactie-too-short"]),
        (REGULIER, Moment.BESLUIT, (2, 16), (1, 43), ["inzage-ends-before-reactie"]),
        (REGULIER, Moment.BESLUIT, (16, 2), (1, 44), ["period-reversed", "inzage-too-short", "reactie-too-long"]),
    ],
)
def test_periods_are_held_against_the_law(
    procedure: Procedure, moment: Moment, inzage: tuple[int, int], reactie: tuple[int, int], found: list[str]
) -> None:
    """Days count from the last of May: the 43rd is Monday 13 July."""

    def periode(first: int, last: int) -> Periode:
        return Periode(*(TODAY + timedelta(days=day - 1) for day in (first, last)))

    data = replace(days(procedure, moment), inzage=periode(*inzage), reactie=periode(*reactie))
    assert codes(notice(procedure, moment, data=data)) == found


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (changed(documenttype=Documenttype.AANVRAAG), ["documenttype-not-for-moment"]),
        (changed(bopa=BOPA), ["bopa-superfluous"]),
        (changed(documenttype=Documenttype.PLANAFWIJKING), ["planafwijking-not-in-text", "bopa-missing"]),
        (
            changed(documenttype=Documenttype.PLANAFWIJKING, bopa=Bopa("", ())),
            ["planafwijking-not-in-text", "bopa-without-area"],
        ),
    ],
)
def test_text_documenttype_and_data_of_a_deviation_belong_together(change: Change, found: list[str]) -> None:
    assert codes(change(notice())) == found


def test_a_deviation_that_the_text_denies_or_that_is_not_granted_blocks() -> None:
    deviation = replace(notice(planafwijking=True), documenttype=Documenttype.PLANAFWIJKING, bopa=BOPA)
    binnenplans = Alinea((Stuk("Het is een binnenplanse omgevingsplanactiviteit."),))
    assert codes(replace(deviation, tekst=(*deviation.tekst, binnenplans))) == ["planafwijking-but-binnenplans"]
    assert "planafwijking-not-granted" in codes(replace(deviation, uitkomst=Uitkomst.GEWEIGERD))
    assert codes(replace(deviation, documenttype=Documenttype.AFHANDELING, bopa=None)) == ["planafwijking-perhaps"]


# --- places ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("locatie", "found"),
    [
        (AlsPunt((105_000, 405_000)), []),
        (AlsPunt((95_000, 405_000)), ["locatie-outside"]),
        (AlsPunt((4.9, 52.4)), ["locatie-not-rd"]),
        (AlsPunt((105_000, 405_000), gemeente="Elders"), ["locatie-other-gemeente"]),
        (AlsLijn(((99_000, 405_000), (101_000, 405_000))), ["locatie-partly-outside"]),
        (AlsVlak((((0, 300_000), (200_000, 300_000), (200_000, 600_000), (0, 300_000)),)), ["locatie-partly-outside"]),
        (AlsVlak(()), ["locatie-without-position"]),
        (AlsAdres("1234AB", "1", positie=(95_000, 405_000)), ["locatie-outside"]),
        (AlsAdres("1234AB", "1"), ["locatie-without-position"]),
        (AlsPostcode("1234AB"), ["locatie-without-position"]),
        (AlsGemeente("Voorbeeldstad"), ["locatie-without-position"]),
    ],
)
def test_a_location_is_in_the_area_of_the_body(locatie: Any, found: list[str]) -> None:
    assert codes(replace(notice(), locaties=(locatie,))) == found


def test_a_notice_without_location_reaches_nobody() -> None:
    assert codes(replace(notice(), locaties=())) == ["locatie-missing"]


def test_a_provincie_may_name_any_gemeente() -> None:
    province = replace(notice().publicist, bestuurslaag=Bestuurslaag.PROVINCIE)
    elsewhere = AlsPunt((105_000, 405_000), gemeente="Elders")
    checked = codes(replace(notice(), publicist=province, blad=Blad.PROVINCIAAL_BLAD, locaties=(elsewhere,)))
    assert checked == []


def test_without_an_area_the_place_was_not_checked_and_that_is_never_good() -> None:
    checked = check(notice(), given(area=()))
    assert [finding.code for finding in checked.findings] == ["area-unknown"]
    assert not checked.blocked
    assert not checked.good


# --- personal data ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (changed(titel=f"Rectificatie voor {BSN}"), "titel, teken 19 tot en met 27"),
        (changed(samenvatting=BSN), "samenvatting, teken 1 tot en met 9"),
        (reworded("Dit bericht verbetert die.", f"Van {BSN}."), "tekst, regel 1, teken"),
        (
            changed(tekst=(Lijst((Punt(BSN, ()),)), *notice(moment=Moment.RECTIFICATIE).tekst)),
            "tekst, regel 1, teken 1",
        ),
        (changed(locaties=(AlsPunt((105_000, 405_000), label=BSN),)), "locatie 1, teken 1"),
        (changed(locaties=(AlsAdres("4401BT", "12", toevoeging=BSN, positie=(105_000, 405_000)),)), "locatie 1, teken"),
        (changed(onderwerp=BSN), "onderwerp, teken 1"),
        (changed(bijlagen=(Bijlage(f"{BSN}.pdf", "application/pdf", "blob"),)), "bijlage 1, bestandsnaam, teken 1"),
    ],
)
def test_a_bsn_is_found_wherever_it_would_be_published(change: Change, where: str) -> None:
    [finding] = check(change(notice(moment=Moment.RECTIFICATIE)), given()).findings
    assert (finding.code, finding.severity) == ("bsn-found", Severity.BLOCK)
    assert finding.where.startswith(where)
    assert BSN not in finding.sentence


@pytest.mark.parametrize(
    ("text", "code", "severity"),
    [
        ("NL91 ABNA 0417 1643 00", "iban-found", "block"),
        ("jan@mail.example", "email-found", "block"),
        ("06 12345678", "phone-found", "block"),
        ("mevrouw De Vries", "person-found", "warn"),
    ],
)
def test_each_kind_of_personal_data_has_its_own_code(text: str, code: str, severity: str) -> None:
    [finding] = check(replace(notice(), samenvatting=text), given()).findings
    assert (finding.code, finding.severity, finding.where.split(",")[0]) == (code, severity, "samenvatting")


def test_the_number_of_the_body_itself_must_be_known_as_such() -> None:
    assert codes(notice(), given(own=frozenset())) == ["phone-found"]


def test_a_case_number_that_may_be_a_bsn_is_told_once() -> None:
    assert codes(notice(referentienummer=BSN)) == ["referentienummer-like-bsn"]
    assert "referentienummer-like-bsn" in codes(replace(notice(), referentienummer=f"{BSN[:3]}.{BSN[3:6]}.{BSN[6:]}"))


@pytest.mark.parametrize(("number", "code"), [(f"BSN {BSN}", "bsn-found"), ("jan@mail.example", "email-found")])
def test_what_is_more_than_a_case_number_is_not_passed_over_as_one(number: str, code: str) -> None:
    found = check(notice(referentienummer=number), given()).findings
    assert {(each.code, each.where.split(",")[0]) for each in found} >= {(code, "referentienummer"), (code, "tekst")}


@pytest.mark.parametrize(
    ("came_to", "found"),
    [
        (PrivacyChecked(Outcome.CLEAN), []),
        (PrivacyChecked(Outcome.FOUND), ["applicant-found"]),
        (PrivacyChecked(Outcome.FOUND, (0, 3)), ["applicant-found"]),
        (PrivacyChecked(Outcome.NOT_DONE, reason="Het verzoek is weg."), ["applicant-not-checked"]),
        (PrivacyChecked(Outcome.NOT_DONE, (0,), "Een deel is weg."), ["applicant-found", "applicant-not-checked"]),
        (None, ["applicant-not-checked"]),
    ],
)
def test_what_comparing_with_the_applicant_came_to_is_told(came_to: PrivacyChecked | None, found: list[str]) -> None:
    assert codes(notice(), given(privacy=came_to)) == found


def test_the_outcomes_are_those_of_the_privacy_check() -> None:
    assert {each.name: each.value for each in Outcome} == {each.name: each.value for each in privacy.Outcome}


@pytest.mark.parametrize(
    ("change", "required", "why"),
    [
        (changed(bijlagen=(Bijlage("a.pdf", "application/pdf", "blob"),)), (), "Hoe 3PAS bijlagen aanneemt"),
        (changed(onderwerp=""), ("onderwerp",), "Vul het gegeven 'onderwerp'"),
    ],
)
def test_what_this_version_of_3pas_does_not_take_is_found_before_it_is_sent(
    change: Change, required: tuple[str, ...], why: str
) -> None:
    profile = replace(PROFILE, required=(*PROFILE.required, *required))
    sent = change(notice(REGULIER, Moment.AANVRAAG))
    [found] = check(sent, given(profile=profile)).findings
    assert (found.code, found.severity) == ("not-sendable", Severity.BLOCK)
    assert why in found.sentence


def test_that_nobody_compared_is_never_good_however_severe_that_counts() -> None:
    severities = read_severities({"applicant-not-checked": "warn"})
    checked = check(notice(), given(privacy=None, severities=severities))
    assert [finding.severity for finding in checked.findings] == [Severity.WARN]
    assert checked.findings[0].sentence.endswith("Er is geen verzoek om mee te vergelijken.")
    assert not checked.blocked
    assert not checked.good


# --- rules and severities --------------------------------------------------------------------------------------------


def test_configuration_changes_how_severe_a_finding_is() -> None:
    long = replace(notice(), titel="x" * 300)
    assert check(long, given()).blocked
    assert not check(long, given(severities=read_severities({"titel-too-long": "warn"}))).blocked


@pytest.mark.parametrize("data", [{"titel-te-lang": "warn"}, {"titel-too-long": "ignore"}])
def test_an_unknown_code_or_severity_is_refused(data: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        read_severities(data)


def test_every_rule_is_a_dutch_sentence_with_a_stable_code() -> None:
    assert all(rule.sentence[0].isupper() and rule.sentence.endswith((".", "}")) for rule in RULES.values())


def test_the_observed_values_are_those_of_the_facts() -> None:
    lists = load_lists()
    assert len(lists.rubrieken) == len(set(lists.rubrieken)) == 20
    assert len(lists.activiteiten) == 9
    assert lists.activiteit_namen.keys() <= set(lists.activiteiten)
    namen = [naam for namen in lists.activiteit_namen.values() for naam in namen]
    assert len({naam.casefold() for naam in namen}) == len(namen)
    assert all(word == word.casefold() for word in (*lists.place_words, *lists.way_words, *lists.inspection_words))


@settings(max_examples=100)
@given_any(
    st.text(max_size=80),
    st.text(max_size=200),
    st.builds(Data, *([st.none() | st.dates()] * 3), *([st.none() | st.builds(Periode, st.dates(), st.dates())] * 2)),
    st.sampled_from([*ALL, (REGULIER, Moment.ONTWERPBESLUIT)]),
)
def test_any_notice_is_checked_without_fail(titel: str, text: str, data: Data, combination: Any) -> None:
    procedure, moment = combination
    odd = replace(notice(), titel=titel, tekst=(Alinea((Stuk(text),)),), data=data, procedure=procedure, moment=moment)
    assert {finding.code for finding in check(odd, given()).findings} <= set(RULES)
