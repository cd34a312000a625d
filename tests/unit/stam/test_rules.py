"""Every rule of the intake decides as its source says, and the first that applies decides."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digikoppelaar.stam.model import Document, Instantie, Projectactiviteit, Verzoek
from digikoppelaar.stam.rules import RULES, Action, Known, KnownVersion, RuleSettings, judge

OWN, OTHER = "00000099000000001000", "00000099000000002000"
NOTHING = Known(frozenset({OWN}))
DEFAULT = RuleSettings()


def verzoek(volgnummer: int = 0, doel: str = "initieren", *, dienst: str | None = None, documents: str = "") -> Verzoek:
    return Verzoek(
        stam_versie=4,
        verzoeknummer="2026060200019",
        volgnummer=volgnummer,
        doel=doel,
        type="Melding",
        bevoegd_gezag=Instantie(OWN),
        uitvoerende_instantie=Instantie(dienst) if dienst else None,
        verzoekbijlagen=tuple(Document(each) for each in documents.split()),
    )


def known(*versions: KnownVersion, linked: bool = False) -> Known:
    return Known(frozenset({OWN}), versions, linked)


FIRST = KnownVersion(0, Action.DELIVER_NEW, "delivered", document_ids=frozenset({"d1", "d2"}))
SECOND = KnownVersion(1, Action.DELIVER_AANVULLING, "fetched", document_ids=frozenset({"d2", "d3"}))
COPY = KnownVersion(0, Action.IGNORE, "ignored")
WITHDRAWAL = KnownVersion(999, Action.DELIVER_INTREKKING, "delivered", withdrawal=True)


@pytest.mark.parametrize(
    ("arrived", "on_record", "action", "rule"),
    [
        (verzoek(), NOTHING, Action.DELIVER_NEW, "first_version"),
        (verzoek(doel="opschorten"), NOTHING, Action.DELIVER_NEW, "first_version"),
        (verzoek(doel="conceptverzoek"), NOTHING, Action.DELIVER_NEW, "conceptverzoek"),
        (verzoek(1, "aanvullen"), known(FIRST), Action.DELIVER_AANVULLING, "aanvulling"),
        (verzoek(1, "initieren"), known(FIRST), Action.DELIVER_AANVULLING, "aanvulling"),
        (verzoek(), known(linked=True), Action.DELIVER_AANVULLING, "aanvulling"),
        (verzoek(3, "aanvullen"), NOTHING, Action.DELIVER_NEW, "rerouted_aanvulling"),
        (verzoek(1, "aanvullen"), known(COPY), Action.DELIVER_NEW, "rerouted_aanvulling"),
        (verzoek(), known(SECOND), Action.KEEP_APART, "older_than_known"),
        (verzoek(999, "initieren"), known(FIRST), Action.DELIVER_INTREKKING, "withdrawal"),
        (verzoek(2, "intrekken"), known(FIRST, SECOND), Action.DELIVER_INTREKKING, "withdrawal"),
        (verzoek(999, "intrekken"), known(linked=True), Action.DELIVER_INTREKKING, "withdrawal"),
        (verzoek(999, "intrekken"), NOTHING, Action.PARK, "withdrawal_of_the_unknown"),
        (verzoek(999, "intrekken"), known(COPY), Action.IGNORE, "withdrawal_of_what_was_set_aside"),
        (verzoek(2, "aanvullen"), known(FIRST, WITHDRAWAL), Action.PARK, "after_withdrawal"),
        (verzoek(dienst=OTHER), NOTHING, Action.IGNORE, "kopiebericht"),
        (verzoek(999, "intrekken", dienst=OTHER), NOTHING, Action.IGNORE, "kopiebericht"),
        (verzoek(dienst=OWN), NOTHING, Action.DELIVER_NEW, "first_version"),
        (verzoek(1, "aanvullen", dienst=OTHER), known(FIRST), Action.DELIVER_AANVULLING, "aanvulling"),
    ],
)
def test_the_first_rule_that_applies_decides(arrived: Verzoek, on_record: Known, action: Action, rule: str) -> None:
    ruling = judge(arrived, on_record, DEFAULT)
    assert (ruling.action, ruling.rule) == (action, rule)


def test_settings_choose_what_happens_to_a_copy_and_to_an_aanvulling_without_a_first_version() -> None:
    other = RuleSettings(kopiebericht=Action.KEEP_APART, aanvulling_without_first=Action.PARK)
    assert judge(verzoek(dienst=OTHER), NOTHING, other).action is Action.KEEP_APART
    assert judge(verzoek(2, "aanvullen"), NOTHING, other).action is Action.PARK


def test_bevoegd_gezag_and_behandeldienst_that_are_both_ours_each_get_the_verzoek() -> None:
    arrived = verzoek(dienst=OTHER)
    both = frozenset({OWN, OTHER})
    assert judge(arrived, Known(both), DEFAULT).action is Action.DELIVER_NEW
    assert judge(arrived, Known(frozenset({OTHER})), DEFAULT).action is Action.DELIVER_NEW


def test_documents_that_an_aanvulling_no_longer_names_have_lapsed() -> None:
    ruling = judge(verzoek(2, "aanvullen", documents="d3 d4"), known(FIRST, SECOND), DEFAULT)
    assert ruling.lapsed == ("d1", "d2")


def test_a_withdrawal_makes_no_document_lapse() -> None:
    assert judge(verzoek(999, "intrekken"), known(FIRST), DEFAULT).lapsed == ()


def test_a_version_is_judged_the_same_when_it_is_on_record_itself() -> None:
    assert judge(verzoek(), known(FIRST), DEFAULT) == judge(verzoek(), NOTHING, DEFAULT)


def test_an_aansluitactiviteit_is_marked_test_whatever_the_rule() -> None:
    trial = (Projectactiviteit("Aansluitactiviteit Gemeentes - Melding"),)
    for arrived in (verzoek(), verzoek(999, "intrekken"), verzoek(dienst=OTHER)):
        assert judge(replace(arrived, projectactiviteiten=trial), NOTHING, DEFAULT).test
        assert not judge(arrived, NOTHING, DEFAULT).test


def test_every_rule_is_named_after_its_function_and_has_its_source_there_too() -> None:
    for rule in RULES:
        assert rule.name == rule.function.__name__
        assert "stam.md" in rule.source
        assert "stam.md" in (rule.function.__doc__ or "")


@given(
    volgnummer=st.sampled_from([0, 1, 2, 999]),
    doel=st.sampled_from(["initieren", "conceptverzoek", "aanvullen", "intrekken", "iets anders"]),
    dienst=st.sampled_from([None, OWN, OTHER]),
    on_record=st.lists(st.sampled_from([FIRST, SECOND, COPY, WITHDRAWAL]), unique=True),
    linked=st.booleans(),
)
def test_whatever_comes_one_rule_decides_and_a_withdrawal_never_makes_a_case(
    volgnummer: int, doel: str, dienst: str | None, on_record: list[KnownVersion], linked: bool
) -> None:
    ruling = judge(verzoek(volgnummer, doel, dienst=dienst), known(*on_record, linked=linked), DEFAULT)
    assert ruling.reason
    assert ruling.advice
    if doel == "intrekken" or volgnummer == 999:
        assert ruling.action not in (Action.DELIVER_NEW, Action.DELIVER_AANVULLING)
