"""`worklist list` over a real database."""

import json
from pathlib import Path

from tests.unit.cli.test_verzoek import NUMBER, Installation, park_verzoek
from typer.testing import CliRunner

from digikoppelaar.cli.app import app


def test_what_is_parked_and_what_ended_is_listed_with_what_to_do(database_url: str, tmp_path: Path) -> None:
    installation = Installation(database_url, tmp_path)
    installation.ask(park_verzoek)
    asked = ["--config", str(installation.file), "worklist", "list", "--omgeving", "sandbox-pre"]
    parked = next(
        row for row in json.loads(CliRunner().invoke(app, [*asked, "--json"]).output) if row["sort"] == "parked"
    )
    assert (parked["verzoeknummer"], parked["reason"], parked["key"]) == (NUMBER, "folder is full", "parked:verzoek:1")
    text = CliRunner().invoke(app, asked).output
    assert "Verzoek 2026060200019, versie 3, wacht op een beheerder." in text
    assert "wat te doen: Neem de oorzaak weg" in text
