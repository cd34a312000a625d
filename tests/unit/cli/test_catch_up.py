"""`verzoek area`, `verzoek catch-up`, `verzoek report` and `verzoek reroute` over a real database."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from tests.unit.cli.test_verzoek import Installation, park_notification
from tests.unit.ebms.cpas import GEMEENTE
from typer.testing import CliRunner

from digikoppelaar.cli.app import app
from digikoppelaar.errors import ConfigError

NUMBER = "2026060200019"
OTHER = "00000099000000005000"
HERE = ("--omgeving", "sandbox-pre")


def feature(west: float, **properties: str) -> dict[str, Any]:
    ring = [[west, 4e5], [west + 1e3, 4e5], [west + 1e3, 4.01e5], [west, 4.01e5], [west, 4e5]]
    return {"type": "Feature", "properties": properties, "geometry": {"type": "Polygon", "coordinates": [ring]}}


@pytest.fixture
def gebied(tmp_path: Path) -> Path:
    """A file with two gemeenten that lie apart."""
    file = tmp_path / "gebied.json"
    both = [feature(1e5, naam="Voorbeeldstad"), feature(1.1e5, naam="Proefdorp")]
    file.write_text(json.dumps({"type": "FeatureCollection", "features": both}))
    return file


@pytest.fixture
def installation(database_url: str, tmp_path: Path) -> Installation:
    made = Installation(database_url, tmp_path)
    made.ask(park_notification)
    return made


def verzoek(installation: Installation, *arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["--config", str(installation.file), "verzoek", *map(str, arguments)])


def imported(installation: Installation, *arguments: str | Path) -> Result:
    return verzoek(installation, "area", "import", "--organisatie", GEMEENTE, *arguments)


def test_an_area_is_imported_shown_and_joined_with_another(installation: Installation, gebied: Path) -> None:
    told = json.loads(imported(installation, gebied, "--where", "naam=Voorbeeldstad", "--json").output)
    assert (told["source"], told["polygons"], told["points"], told["km2"]) == ("gebied.json", 1, 5, 1.0)
    assert json.loads(verzoek(installation, "area", "show", "--json").output) == [told]
    both = json.loads(imported(installation, gebied, "--where", "naam=Proefdorp", "--union", GEMEENTE, "--json").output)
    assert (both["source"], both["polygons"], both["km2"]) == (f"gebied.json, OIN {GEMEENTE}", 2, 2.0)
    assert "2.0" in verzoek(installation, "area", "show", "--organisatie", GEMEENTE).output
    assert "gebied.json" in verzoek(installation, "area", "show").output


def test_an_import_that_is_a_dry_run_or_makes_no_sense_stores_nothing(
    installation: Installation, gebied: Path, tmp_path: Path
) -> None:
    assert imported(installation, gebied, "--dry-run").output.splitlines()[-1] == "Nothing changed: --dry-run."
    wgs84 = tmp_path / "wgs84.json"
    wgs84.write_text(json.dumps({"type": "Point", "coordinates": [5.1, 52.1]}))
    for wrong in (
        imported(installation, wgs84),
        imported(installation, gebied, "--where", "naam=Nergens"),
        imported(installation, gebied, "--where", "naam"),
        imported(installation, "--union", OTHER),
        imported(installation, tmp_path / "weg.json"),
        verzoek(installation, "area", "import", gebied, "--organisatie", OTHER),
    ):
        assert isinstance(wrong.exception, ConfigError), wrong.output
    assert json.loads(verzoek(installation, "area", "show", "--json").output)[0]["source"] is None


def test_without_an_area_a_catch_up_says_what_to_do_and_fails(installation: Installation) -> None:
    result = verzoek(installation, "catch-up", *HERE)
    assert result.exit_code == 1
    assert "area import" in result.output
    [told] = json.loads(verzoek(installation, "catch-up", *HERE, "--json").output)
    assert (told["problem"], told["missed"]) == (f"organisatie {GEMEENTE} has no area on record", [])


def test_a_report_shows_a_day_and_fails_while_something_is_wrong_with_it(installation: Installation) -> None:
    result = verzoek(installation, "report", *HERE)
    assert result.exit_code == 1
    assert "wat te doen: Leg het gebied vast" in result.output
    [told] = json.loads(verzoek(installation, "report", *HERE, "--day", "2026-06-02", "--again", "--json").output)
    assert (told["day"], told["figures"]["found"]) == ("2026-06-02", 0)


def test_a_reroute_says_what_it_would_do_and_asks_first(installation: Installation) -> None:
    asked = verzoek(installation, "reroute", NUMBER, *HERE, "--bevoegd-gezag", OTHER)
    assert f"will get {OTHER} as bevoegd gezag" in asked.output
    assert "Send it on? [y/N]" in asked.output
    assert asked.exit_code == 1  # nobody answered
    dry = json.loads(verzoek(installation, "reroute", NUMBER, "--behandeldienst", "none", "--dry-run", "--json").output)
    assert (dry["role"], dry["oin"], dry["done"]) == ("behandeldienst", None, False)
    told = verzoek(installation, "reroute", NUMBER, "--behandeldienst", "none", "--dry-run").output
    assert "will have no behandeldienst any more" in told
    assert installation.ask(lambda world: world.count("step WHERE name LIKE '%reroute%'")) == 0


WRONG = (
    ("catch-up", "--since", "gisteren"),
    ("catch-up", "--omgeving", "prod"),
    ("catch-up", "--organisatie", OTHER, "--omgeving", "pre"),
    ("report", "--day", "gisteren"),
    ("report", "--day", "2999-01-01"),
    ("report", "--day", "0001-01-01"),
    ("reroute", NUMBER),
    ("reroute", NUMBER, "--bevoegd-gezag", OTHER, "--behandeldienst", "none"),
    ("reroute", NUMBER, "--bevoegd-gezag", "12"),
    ("reroute", NUMBER, "--behandeldienst", "none", "--json"),
    ("reroute", "42", "--behandeldienst", "none", "--dry-run"),
)


def test_what_makes_no_sense_is_refused(installation: Installation) -> None:
    for wrong in WRONG:
        assert isinstance(verzoek(installation, *wrong).exception, ConfigError), wrong
