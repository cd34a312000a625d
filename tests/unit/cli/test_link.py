"""`verzoek link` and `unlink` over a real database: what they say, and what they leave."""

import json
from pathlib import Path

from click.testing import Result
from tests.unit.adapters.postgres.world import World
from tests.unit.cli.test_verzoek import NUMBER, Installation
from tests.unit.ebms.cpas import GEMEENTE
from typer.testing import CliRunner

from digikoppelaar.cli.app import app
from digikoppelaar.errors import ConfigError

ZAAK = "https://zaken.example/1"
WHERE = ("--organisatie", GEMEENTE, "--omgeving", "sandbox-pre")


async def nothing(world: World) -> None:
    """Opening a world puts its aansluitingen on record."""


def verzoek(installation: Installation, *arguments: str) -> Result:
    """`verzoek` with these arguments."""
    return CliRunner().invoke(app, ["--config", str(installation.file), "verzoek", *arguments])


def linked(installation: Installation) -> list[list[str]]:
    """Verzoeknummer and zaak of what is on record, as the list says it."""
    return [
        [row["verzoeknummer"], row["zaak"]]
        for row in json.loads(verzoek(installation, "link", "--list", "--json").output)
    ]


def test_a_case_is_linked_before_anything_came_in_and_unlinked_again(database_url: str, tmp_path: Path) -> None:
    installation = Installation(database_url, tmp_path)
    installation.ask(nothing)
    refused = verzoek(installation, "link", NUMBER, ZAAK)
    assert (refused.exit_code, "more aansluitingen" in refused.output) == (1, True)
    assert verzoek(installation, "link", NUMBER, ZAAK, *WHERE, "--dry-run").exit_code == 0
    assert linked(installation) == []
    for verdict in ("new", "same"):
        told = json.loads(verzoek(installation, "link", NUMBER, ZAAK, *WHERE, "--json").output)
        assert (told["linked"], told["lines"][0]["verdict"]) == (True, verdict)
    assert linked(installation) == [[NUMBER, ZAAK]]
    assert json.loads(verzoek(installation, "unlink", NUMBER, *WHERE, "--json").output)["unlinked"]
    assert verzoek(installation, "unlink", NUMBER, *WHERE).output == "Nothing is linked.\n"


def test_a_file_is_taken_whole_or_not_at_all(database_url: str, tmp_path: Path) -> None:
    installation = Installation(database_url, tmp_path)
    installation.ask(nothing)
    file = tmp_path / "zaken.csv"
    rows = f"verzoeknummer;zaak;oin;omgeving\n{NUMBER};{ZAAK};{GEMEENTE};sandbox-pre\n"
    file.write_text(f"{rows}2026060200020;{ZAAK};{GEMEENTE};nergens\n")
    result = verzoek(installation, "link", "--csv", str(file), "--json")
    report = json.loads(result.output)
    assert (result.exit_code, report["linked"]) == (1, False)
    assert [each["verdict"] for each in report["lines"]] == ["new", "refused"]
    assert linked(installation) == []
    file.write_text(rows)
    assert verzoek(installation, "link", "--csv", str(file)).output.endswith("Linked.\n")
    assert linked(installation) == [[NUMBER, ZAAK]]
    assert isinstance(verzoek(installation, "link", "--csv", str(tmp_path / "weg.csv")).exception, ConfigError)
    assert "too large" in str(verzoek(installation, "link", "--csv", "/dev/zero").exception)
    assert isinstance(verzoek(installation, "link", NUMBER).exception, ConfigError)
