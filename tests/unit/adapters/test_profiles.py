"""Every fact of a profile has a source, and a profile that lacks one is refused."""

from dataclasses import replace

import pytest

from digikoppelaar.adapters.profiles import load_drop_profile, load_profile, load_rekenregels, load_sru_profile
from digikoppelaar.drop.model import Documenttype
from digikoppelaar.drop.profile import Authentication, Doer
from digikoppelaar.errors import ConfigError

KOOP = load_drop_profile("koop-3pas-2020-01")


def test_the_profile_of_dso_lv_says_where_every_fact_comes_from() -> None:
    profile = load_profile("dso-lv")
    assert profile.provisional
    assert all(fact.source for fact in profile.facts.values())


def test_the_address_of_a_summary_is_built_from_the_profile() -> None:
    profile = load_profile("dso-lv")
    assert profile.summary_url("https://dso.test/v2/", "2026060200019").startswith("https://dso.test/v2/verzoeken/2026")


def test_the_profile_of_the_search_says_where_every_fact_comes_from() -> None:
    profile = load_sru_profile("koop-sru")
    assert all(fact.source for fact in profile.facts.values())
    assert profile.facts["title_relation"].provisional
    assert not profile.facts["sru_url"].provisional
    assert profile.names.creator_index == "dt.creator"


@pytest.mark.parametrize("name", ["geen", "../dso-lv", "", "__init__"])
def test_an_unknown_profile_is_refused(name: str) -> None:
    with pytest.raises(ConfigError):
        load_profile(name)
    with pytest.raises(ConfigError):
        load_drop_profile(name)


@pytest.mark.parametrize(("load", "other"), [(load_profile, KOOP.name), (load_drop_profile, "dso-lv")])
def test_the_profile_of_another_facility_is_refused(load: object, other: str) -> None:
    assert callable(load)
    with pytest.raises(ConfigError, match="lacks or misspells"):
        load(other)


def test_of_3pas_few_facts_are_known_and_each_says_where_it_comes_from() -> None:
    known = {name for name, fact in KOOP.facts.items() if not fact.provisional}
    named = {f"stage.{name}.{fact}" for name in KOOP.stages for fact in ("order", "naam")}
    assert known == {"namespace", "contract", "operation", "path.inhoud_zip"} | named
    assert all(fact.source for fact in KOOP.facts.values())
    assert KOOP.provisional


def test_the_action_of_3pas_is_the_one_that_is_public_with_its_quotes() -> None:
    # drop-3pas.md 0, of a supplier's documentation
    action = '"http://schemas.koopwrp.nl/2020/01/drp/api/IDossierService/VoegDossierToeEnPubliceer"'
    assert KOOP.envelope.action == action


def test_the_four_stages_say_how_one_shows_who_one_is_and_no_address_is_made_up() -> None:
    assert {name: stage.authentication for name, stage in KOOP.stages.items()} == {
        "poc": Authentication.USER_NAME,
        "tst-leverancier": Authentication.CERTIFICATE_OF_KOOP,
        "tst-organisatie": Authentication.CERTIFICATE_OF_ORGANISATIE,
        "productie": Authentication.CERTIFICATE_OF_ORGANISATIE,
    }
    assert {stage.address for stage in KOOP.stages.values()} == {""}
    assert all(stage.provisional and "KOOP" in stage.source for stage in KOOP.stages.values())


def test_the_stages_say_in_which_order_who_does_them_where_and_of_what() -> None:
    every = tuple(Documenttype)
    assert [(s.order, s.who, s.shared, s.omgeving, s.wanted) for s in KOOP.stages.values()] == [
        (1, Doer.LEVERANCIER, True, "pre", every),
        (2, Doer.LEVERANCIER, True, "pre", every),
        (3, Doer.BEIDE, False, "pre", every),
        (4, Doer.ORGANISATIE, False, "prod", every),
    ]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"order": ("oin", "kleur")}, "fields: kleur"),
        ({"order": ("oin", "titel")}, "without a path: titel"),
        ({"required": ("verzending",)}, "not sent: verzending"),
        ({"locatie_path": {"locatietype": "Soort"}}, "locatie without a path: .*geometrie"),
        ({"spelling": dict(KOOP.envelope.spelling) | {"blad": {"GEMEENTEBLAD": "g"}}}, "blad without .* STAATSCOURANT"),
        ({"spelling": dict(KOOP.envelope.spelling) | {"locatietype": {}}}, "locatietypen without a spelling"),
        ({"flaw_codes": {}}, "flaws without a code"),
        ({"bijlagen": "in-zip"}, "ways in which bijlagen travel: in-zip"),
        ({"spelling": {}}, "bestuurslaag without a spelling"),
        ({"path": dict(KOOP.envelope.path) | {"oin": "InhoudZip"}}, "two places: InhoudZip"),
        ({"path": dict(KOOP.envelope.path) | {"oin": "Planafwijking/Oin"}}, "two places: Planafwijking"),
        ({"locatie_path": dict.fromkeys(KOOP.envelope.locatie_path, "X")}, "two places: X"),
        ({"fault_code": "Fout/Code"}, "of a fault: DossierServiceFout, Fout"),
    ],
)
def test_a_profile_of_3pas_with_a_hole_is_refused(wrong: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        replace(KOOP.envelope, **wrong)


def test_a_profile_without_terms_is_no_profile_of_terms() -> None:
    with pytest.raises(ConfigError, match="gelijkgestelde-dagen"):
        load_rekenregels("dso-lv")
