"""What commands show of personal data is in the view log, and `views list` shows that."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.adapters.postgres.world import World
from tests.unit.cli.test_verzoek import NUMBER, Installation, park_verzoek
from tests.unit.flows.stored_messages import PAYLOADS, inbound_of
from typer.testing import CliRunner

from digikoppelaar.adapters.system import os_user
from digikoppelaar.cli.app import app
from digikoppelaar.flows.ports import NewNotification


@pytest.fixture
def installation(database_url: str, tmp_path: Path) -> Installation:
    """One with a verzoek named Dakkapel and its notification."""
    made = Installation(database_url, tmp_path)
    made.ask(park_verzoek)
    return made


def run(installation: Installation, *arguments: str) -> Any:
    result = CliRunner().invoke(app, ["--config", str(installation.file), *arguments, "--json"])
    assert result.exit_code == 0, result.exception
    return json.loads(result.output)


def seen(installation: Installation) -> list[tuple[str, str, str, str]]:
    rows = run(installation, "views", "list")
    return [(row["viewer_kind"], row["viewer"], row["way"], row["verzoeknummer"]) for row in rows]


def test_showing_a_verzoek_is_a_view_and_listing_it_is_none(installation: Installation) -> None:
    [row] = run(installation, "verzoek", "list")
    assert "naam" not in row
    assert seen(installation) == []
    run(installation, "verzoek", "show", NUMBER)
    assert seen(installation) == [("os-user", os_user(), "verzoek show", NUMBER)]
    assert run(installation, "views", "list", "--verzoek", "42") == []


def test_showing_or_exporting_the_content_of_a_message_is_a_view(installation: Installation, tmp_path: Path) -> None:
    async def message_id(world: World) -> str:
        async with world.pool.connection() as connection:
            row = await (await connection.execute("SELECT message_id FROM inbound_message")).fetchone()
        assert row
        return str(row["message_id"])

    name = installation.ask(message_id)
    CliRunner().invoke(app, ["--config", str(installation.file), "message", "show", name])
    assert seen(installation) == []
    run(installation, "message", "show", name)
    run(installation, "message", "export", name, str(tmp_path / "exported"))
    assert [way for _, _, way, _ in seen(installation)] == ["message export", "message show"]
    assert {verzoek for _, _, _, verzoek in seen(installation)} == {NUMBER}
    assert len(run(installation, "views", "list", "--message", name)) == 2


def test_a_message_that_the_intake_took_is_exported_with_its_payload(
    installation: Installation, tmp_path: Path
) -> None:
    async def received(world: World) -> None:
        inbound = replace(inbound_of(world.pre, "m1"), payloads=PAYLOADS[:1])
        await world.messages.record_inbound(inbound, None, NewNotification("2026060200020"))

    installation.ask(received)
    folder = tmp_path / "exported"
    run(installation, "message", "export", "m1", str(folder))
    assert (folder / "notificatie@dso").read_bytes() == b"<a>"
