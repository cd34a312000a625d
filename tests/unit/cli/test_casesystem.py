"""`casesystem list` and `casesystem test` over a real database: what is shown and sent, and that nothing is kept."""

import json
from pathlib import Path

from click.testing import Result
from tests.unit.cli.test_verzoek import Installation
from typer.testing import CliRunner

from digikoppelaar.cli.app import app
from digikoppelaar.errors import CaseSystemError, ConfigError

OIN = "00000099000000101000"
APPLY = f"""
[[organisatie]]
oin = "{OIN}"
naam = "Gemeente Voorbeeldstad"
bestuurslaag = "gemeente"

[[partij]]
oin = "{OIN}"
naam = "Gemeente Voorbeeldstad"

[[aansluiting]]
organisatie_oin = "{OIN}"
kind = "stam"
omgeving = "pre"
partij_oin = "{OIN}"
dso = {{base_url = "https://dso.example.org", api_key_file = "key"}}

[[aansluiting.target]]
name = "vth"
kind = "folder"
when = {{type = "Informatie"}}
settings = {{path = "informatie"}}

[[aansluiting.target]]
name = "vth"
kind = "folder"
settings = {{path = "zaken"}}

[[aansluiting.target]]
name = "leverancier"
kind = "webhook"
settings = {{url = "http://127.0.0.1:1/verzoeken", upload = false, token_file = "token"}}
"""


class Trying(Installation):
    """An installation with three targets, of which only `zaken` is there."""

    def __init__(self, url: str, folder: Path, omgeving: str = "pre") -> None:
        super().__init__(url, folder)
        self.folder = folder
        (folder / "aansluitingen.toml").write_text(APPLY.replace('"pre"', f'"{omgeving}"'))
        (folder / "zaken").mkdir()
        assert self.run("organisatie", "apply", str(folder / "aansluitingen.toml")).exit_code == 0

    def run(self, *arguments: str, answer: str | None = None) -> Result:
        """A command with these arguments, and what is typed when it asks."""
        return CliRunner().invoke(app, ["--config", str(self.file), *arguments], input=answer)

    def cases(self) -> list[str]:
        """The case folders."""
        return sorted(path.name for path in (self.folder / "zaken").glob("*/*/*"))


def test_targets_are_listed_and_tried(database_url: str, tmp_path: Path) -> None:
    here = Trying(database_url, tmp_path)
    rows = json.loads(here.run("casesystem", "list", "--json").output)
    assert [(row["number"], row["name"], row["kind"], row["when"]) for row in rows] == [
        (1, "vth", "folder", {"type": "Informatie"}),
        (2, "vth", "folder", {}),
        (3, "leverancier", "webhook", {}),
    ]
    assert "type Informatie" in here.run("casesystem", "list").output

    planned = here.run("casesystem", "test", "--target", "2", "--dry-run")
    assert planned.output.splitlines()[-1] == "Nothing was sent: --dry-run."
    assert here.cases() == []

    tried = json.loads(here.run("casesystem", "test", "--target", "2", "--json").output)
    assert (tried["delivered"], [step["name"] for step in tried["steps"]]) == (True, ["folder"])
    assert here.cases() == [f"{tried['verzoeknummer']}-0"]
    repeat = here.run("casesystem", "test", "--target", "2", "--verzoeknummer", tried["verzoeknummer"], "--dry-run")
    assert "(was done before)" in repeat.output
    again = here.run("casesystem", "test", "--target", "2", "--verzoeknummer", tried["verzoeknummer"])
    assert (again.exit_code, here.cases()) == (0, [f"{tried['verzoeknummer']}-0"])
    assert here.states() == []


def test_what_goes_wrong_is_told_with_its_advice(database_url: str, tmp_path: Path) -> None:
    here = Trying(database_url, tmp_path)
    (tmp_path / "token").write_text("geheim-token")
    told = here.run("casesystem", "test", "--target", "leverancier", "--json")
    assert told.exit_code == 1
    assert "no connection" in json.loads(told.output)["error"]
    assert json.loads(told.output)["advice"]
    assert isinstance(here.run("casesystem", "test", "--target", "vth").exception, CaseSystemError)
    for arguments, complaint in (
        ((), "there are more targets; there is 1 (vth), 2 (vth), 3 (leverancier)"),
        (("--target", "4"), "there is no target 4"),
        (("--target", "2", "--omgeving", "prod"), "has no aansluiting stam in prod"),
        (("--target", "2", "--verzoeknummer", "2026060200019"), "such as TEST-"),
    ):
        refused = here.run("casesystem", "test", *arguments).exception
        assert isinstance(refused, ConfigError)
        assert complaint in str(refused)


def test_a_test_verzoek_goes_to_prod_only_when_it_is_meant(database_url: str, tmp_path: Path) -> None:
    here = Trying(database_url, tmp_path, "prod")
    test = ("casesystem", "test", "--target", "2")
    asked = here.run(*test, answer="n\n")
    assert (asked.exit_code, here.cases()) == (1, [])
    assert "This is prod: vth gets a case" in asked.output
    told = here.run(*test, "--json")
    assert (told.exit_code, json.loads(told.output)["error"], here.cases()) == (1, "--json needs --yes", [])
    assert here.run(*test, "--dry-run").exit_code == 0
    assert here.cases() == []
    assert here.run(*test, answer="y\n").exit_code == 0
    assert here.run(*test, "--yes", "--json").exit_code == 0
    assert len(here.cases()) == 2
