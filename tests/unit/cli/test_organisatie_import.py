"""`organisatie import` over a real database: a whole invented country, or nothing."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from tests.unit.cli.test_link import nothing
from tests.unit.cli.test_organisatie import on_record
from tests.unit.cli.test_verzoek import Installation
from tests.unit.ebms.cpas import GEMEENTE
from typer.testing import CliRunner

from digikoppelaar.cli.app import app
from digikoppelaar.cli.sandbox import organisaties_of
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.registration import AansluitingEntry, MachtigingEntry, OrganisatieEntry

LEVERANCIER = "00000099000000104000"
TEMPLATE = f"""
[[partij]]
oin = "{LEVERANCIER}"
naam = "Voorbeeld Software B.V."

[[machtiging]]
omgevingen = ["pre", "prod"]
gemachtigde_oin = "{LEVERANCIER}"
since = 2026-01-31
recorded_by = "F. Voorbeeld"

[[aansluiting]]
kind = "stam"
omgevingen = ["pre", "prod"]
partij_oin = "{LEVERANCIER}"
dso = {{api_key_file = "{{omgeving}}/{{oin}}/api-key"}}
case_system = {{kind = "folder", path = "zaken/{{omgeving}}/{{oin}}"}}

[[aansluiting]]
kind = "drop"
omgevingen = ["pre", "prod"]
partij_oin = "{LEVERANCIER}"
"""
SQUARE = {"type": "Polygon", "coordinates": [[[1e5, 4e5], [1.1e5, 4e5], [1.1e5, 4.1e5], [1e5, 4e5]]]}
FEW = f"""oin,naam,bestuurslaag,gebied
{LEVERANCIER[:-4]}5000,Gemeente A,gemeente,a.json
{LEVERANCIER[:-4]}6000,Gemeente B,gemeente,
"""


@pytest.fixture
def installation(database_url: str, tmp_path: Path) -> Installation:
    made = Installation(database_url, tmp_path)
    made.ask(nothing)
    (tmp_path / "sjabloon.toml").write_text(TEMPLATE)
    return made


def run(installation: Installation, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["--config", str(installation.file), *arguments])


def imported(installation: Installation, text: str, *options: str) -> Result:
    folder = installation.file.parent
    (folder / "lijst.csv").write_text(text)
    template = str(folder / "sjabloon.toml")
    return run(installation, "organisatie", "import", str(folder / "lijst.csv"), "--template", template, *options)


def said(result: Result) -> Any:
    assert result.exit_code == 0, result.exception
    return json.loads(result.output)


def test_a_whole_country_is_connected_at_once_and_who_was_there_is_left_alone(installation: Installation) -> None:
    before = on_record(installation)
    country = run(installation, "sandbox", "country", "generate", "--seed", "7").output
    text = imported(installation, country, "--dry-run").output
    assert "+ 403 of organisatie\n+ 1 of partij\n+ 806 of machtiging\n+ 1612 of aansluiting\n" in text
    assert on_record(installation) == before
    made = said(imported(installation, country, "--json"))
    assert (made["applied"], made["organisaties"], len(made["changes"])) == (True, 403, 2822)
    after = on_record(installation)
    assert [each for each in after if each in before] == before
    counts = {kind: sum(isinstance(each, kind) for each in after) for kind in (OrganisatieEntry, MachtigingEntry)}
    assert counts == {OrganisatieEntry: 404, MachtigingEntry: 807}
    assert sum(isinstance(each, AansluitingEntry) and each.organisatie_oin == GEMEENTE for each in after) == 2
    assert said(imported(installation, country, "--json"))["changes"] == []
    rows = said(run(installation, "aansluiting", "list", "--json"))
    assert len(rows) == 4 * 404


def test_the_same_seed_invents_the_same_names_and_too_many_are_refused(installation: Installation) -> None:
    file = installation.file.parent / "land.csv"
    assert run(installation, "sandbox", "country", "generate", str(file), "--gemeente", "3").exit_code == 0
    lines = file.read_text().splitlines()
    assert lines[0] == "oin;naam;bestuurslaag"
    assert len(lines) == 1 + 3 + 21 + 12 + 28
    assert run(installation, "sandbox", "country", "generate", "--gemeente", "3").output == file.read_text()
    assert (
        run(installation, "sandbox", "country", "generate", "--gemeente", "3", "--seed", "2").output != file.read_text()
    )
    refused = run(installation, "sandbox", "country", "generate", "--gemeente", "900").exception
    assert "there are names for" in str(refused)


def test_the_sandbox_connects_the_authorities_of_a_list(tmp_path: Path) -> None:
    file = tmp_path / "land.csv"
    file.write_text(FEW.replace("gebied", "behandeldienst").replace("a.json", f"{LEVERANCIER[:-4]}6000"))
    first, second = organisaties_of(None, file)
    assert (first.naam, first.behandeldiensten[0].oin) == ("Gemeente A", second.oin)
    assert first.gebied != second.gebied
    file.write_text("oin;naam;bestuurslaag\n1;A;gemeente\n")
    with pytest.raises(ConfigError, match=r"land.csv: nothing is imported:\n  line 2"):
        organisaties_of(None, file)


def test_areas_come_with_the_list_and_one_that_cannot_be_read_lets_nothing_in(installation: Installation) -> None:
    area = installation.file.parent / "a.json"
    before = on_record(installation)
    for wrong in (None, "{}"):
        if wrong:
            area.write_text(wrong)
        error = imported(installation, FEW).exception
        assert isinstance(error, ConfigError)
        assert "lijst.csv: nothing is imported:\n  line 2: " in str(error)
        assert on_record(installation) == before
    area.write_text(json.dumps(SQUARE))
    assert said(imported(installation, FEW, "--json"))["areas"] == 1
    shown = said(run(installation, "verzoek", "area", "show", "--organisatie", f"{LEVERANCIER[:-4]}5000", "--json"))
    assert shown[0]["km2"] == 50.0


def test_what_is_saved_can_be_applied_anywhere_and_is_never_written_over(installation: Installation) -> None:
    few = FEW.replace("a.json", "")
    saved = installation.file.parent / "elders" / "alles.toml"
    saved.parent.mkdir()
    options = ("--save", str(saved), "--omgeving", "pre")
    assert imported(installation, few, *options, "--dry-run").exit_code == 0
    assert said(imported(installation, few, *options, "--json"))["applied"]
    assert said(run(installation, "organisatie", "apply", str(saved), "--json"))["changes"] == []
    saved.write_text("# mine\n")
    error = imported(installation, few, *options).exception
    assert "is there already, with other content" in str(error)
    assert saved.read_text() == "# mine\n"
    assert "unknown omgeving test" in str(imported(installation, few, "--omgeving", "test").exception)
