"""`aansluiting copy` over a real database: PROD beside PRE, for one or for all, and nobody else touched."""

import pytest
from click.testing import Result
from tests.unit.cli.test_organisatie import on_record
from tests.unit.cli.test_organisatie_import import LEVERANCIER, imported, installation, run, said
from tests.unit.cli.test_verzoek import Installation

from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.registration import AansluitingEntry, MachtigingEntry

__all__ = ["installation"]
TO_PROD = ("aansluiting", "copy", "--from", "pre", "--to", "prod")
LIST = "oin;naam;bestuurslaag\n" + "".join(
    f"{LEVERANCIER[:-4]}{number}000;Gemeente {number};gemeente\n" for number in range(5, 9)
)


@pytest.fixture
def connected(installation: Installation) -> Installation:
    """Four organisaties with stam and drop in PRE."""
    said(imported(installation, LIST, "--omgeving", "pre", "--json"))
    return installation


def copied(connected: Installation, *options: str) -> Result:
    return run(connected, *TO_PROD, *options)


def aansluitingen(connected: Installation, omgeving: str) -> list[AansluitingEntry]:
    found = [each for each in on_record(connected) if isinstance(each, AansluitingEntry)]
    return [each for each in found if each.omgeving == omgeving]


def test_all_are_copied_at_once_and_again_changes_nothing(connected: Installation) -> None:
    before = on_record(connected)
    shown = said(copied(connected, "--all", "--dry-run", "--json"))
    assert (shown["applied"], len(shown["changes"]), shown["there_already"]) == (False, 8, 0)
    assert on_record(connected) == before
    made = said(copied(connected, "--all", "--recorded-by", "F. Voorbeeld", "--json"))
    assert len(made["changes"]) == 12
    after = on_record(connected)
    assert [each for each in after if each in before] == before
    assert {each.recorded_by for each in after if isinstance(each, MachtigingEntry) and each.omgeving == "prod"} == {
        "F. Voorbeeld"
    }
    stam = [each for each in aansluitingen(connected, "prod") if each.kind == "stam"]
    assert all(each.dso["base_url"].startswith("https://pkio.service.omgevingswet") for each in stam)
    assert all("/prod/" in each.dso["api_key_file"] and "/prod/" in each.case_system["path"] for each in stam)
    assert not any("machtiging" in what for what in made["to_do"])
    again = said(copied(connected, "--all", "--json"))
    assert (again["changes"], again["there_already"], again["to_do"]) == ([], 8, {})


def test_one_is_copied_and_what_must_still_be_done_is_told(connected: Installation) -> None:
    one = f"{LEVERANCIER[:-4]}6000"
    text = copied(connected, "--organisatie", one, "--kind", "stam").output
    assert f"+ aansluiting {one} stam prod" in text
    assert f"Nog te doen voor {one}: Vraag een nieuwe CPA aan voor prod" in text
    assert [(each.organisatie_oin, each.kind) for each in aansluitingen(connected, "prod")] == [(one, "stam")]
    assert "1 there already, left as they are." in copied(connected, "--all", "--kind", "stam", "--dry-run").output


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ((), "give --organisatie or --all"),
        (("--all", "--organisatie", LEVERANCIER), "give --organisatie or --all"),
        (("--organisatie", LEVERANCIER), "has no aansluiting in pre to copy"),
        (("--all", "--replace", "x"), "--replace is written as OLD=NEW"),
        (("--all", "--replace", "/prod/=/pre/"), "nothing is copied:\n  aansluiting"),
    ],
)
def test_what_cannot_be_copied_changes_nothing(
    connected: Installation, options: tuple[str, ...], complaint: str
) -> None:
    before = on_record(connected)
    error = copied(connected, *options).exception
    assert isinstance(error, ConfigError)
    assert complaint in str(error)
    assert on_record(connected) == before
