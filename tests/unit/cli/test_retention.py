"""`retention` over a real database and folder: what would go, what went, what stays, and the key."""

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from tests.unit.adapters.postgres.keeping import Keeping, MovingClock
from tests.unit.adapters.postgres.world import World
from tests.unit.cli.test_verzoek import Installation
from typer.testing import CliRunner

from digikoppelaar.adapters.system import SystemClock, os_user
from digikoppelaar.cli.app import app
from digikoppelaar.errors import StorageError


@pytest.fixture
def installation(database_url: str, tmp_path: Path) -> Installation:
    """One with a verzoek that was delivered 40 days ago, and one that has waited 50 days to be delivered."""
    made = Installation(database_url, tmp_path)

    async def fill(world: World) -> None:
        keeping = Keeping(world, tmp_path, MovingClock(SystemClock().now()))
        await keeping.delivered(40)
        await keeping.fetched(50)

    made.ask(fill)
    return made


def call(installation: Installation, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["--config", str(installation.file), *arguments])


def run(installation: Installation, *arguments: str) -> Any:
    result = call(installation, *arguments, "--json")
    assert result.exit_code == 0, result.exception
    return json.loads(result.output)


def test_a_run_deletes_what_a_dry_run_shows_and_a_second_run_nothing(installation: Installation) -> None:
    shown = run(installation, "retention", "run", "--dry-run")
    [due] = shown["due"]
    assert (due["what"], due["days"], shown["verzoeken"]) == ("verzoek", 31, 1)
    assert run(installation, "retention", "list") == []
    assert run(installation, "retention", "run")["verzoeken"] == 1
    assert run(installation, "retention", "run")["verzoeken"] == 0
    payload, verzoek = run(installation, "retention", "list")
    assert (payload["what"], verzoek["what"], verzoek["verzoeknummer"]) == ("inbound", "verzoek", due["verzoeknummer"])
    assert [each["kind"] for each in verzoek["contents"]] == ["xml", "bijlage"]
    assert verzoek["completed_at"]
    page = call(installation, "verzoek", "show", due["verzoeknummer"]).output
    assert "content deleted" in page
    assert "Fictief" not in page


def test_the_run_by_hand_says_who_asked_for_it(installation: Installation) -> None:
    run(installation, "retention", "run")

    async def who(world: World) -> str:
        async with world.pool.connection() as connection:
            row = await (await connection.execute("SELECT by FROM retention_run")).fetchone()
        assert row
        return str(row["by"])

    assert installation.ask(who) == os_user()


def test_what_is_kept_beyond_its_period_is_reported(installation: Installation) -> None:
    [kept] = run(installation, "retention", "report")
    assert (kept["what"], kept["state"]) == ("verzoek", "fetched")


def test_people_get_tables(installation: Installation) -> None:
    assert "Nothing changed: --dry-run." in call(installation, "retention", "run", "--dry-run").output
    assert "verzoeken" in call(installation, "retention", "run").output
    assert "inbound" in call(installation, "retention", "list").output
    assert "fetched" in call(installation, "retention", "report").output


def test_the_settings_of_the_installation_count(installation: Installation) -> None:
    with installation.file.open("a") as file:
        file.write("[retention]\ndays = 41\n")
    assert run(installation, "retention", "run")["verzoeken"] == 0


def test_a_run_that_could_not_do_all_says_so(installation: Installation, tmp_path: Path) -> None:
    for number in range(25):
        blob = tmp_path / "blobs" / "verzoeken" / "9" / f"{number}-1"
        blob.parent.mkdir(parents=True, exist_ok=True)
        blob.write_bytes(b"x")
    with installation.file.open("a") as file:
        file.write("[retention]\nleftover_days = 1\n")
    old = (SystemClock().now() - timedelta(days=2)).timestamp()
    for blob in (tmp_path / "blobs" / "verzoeken" / "9").iterdir():
        os.utime(blob, (old, old))
    result = call(installation, "retention", "run")
    assert isinstance(result.exception, StorageError)
    assert "25 of" in str(result.exception)


def test_the_key_can_be_rotated(installation: Installation, tmp_path: Path) -> None:
    first = run(installation, "retention", "rotate-key")["key_id"]
    assert run(installation, "retention", "rotate-key")["key_id"] != first
    assert len((tmp_path / "fingerprint.key").read_text().split()) == 2
