"""`verzoek release` over a real database: what it shows, what it does, and what it refuses."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from tests.unit.adapters.postgres.world import NOW, World, opened_world
from tests.unit.ebms.cpas import GEMEENTE
from typer.testing import CliRunner

from digikoppelaar.cli.app import app
from digikoppelaar.errors import ConfigError, VerzoekError
from digikoppelaar.flows.ports import FileKind, NewFile, NewVerzoek
from digikoppelaar.flows.reading import VerzoekFilter

NUMBER = "2026060200019"
FILES = [NewFile(0, FileKind.XML, "xml", "verzoek.xml", "application/xml", "https://dso.test/x")]


async def park_notification(world: World, which: int = 0, verzoeknummer: str = NUMBER) -> None:
    notification = await world.notify(which, verzoeknummer)
    await world.verzoeken.trouble(
        notification_id=notification, reason="DSO-LV [summary] answered 403", advice="", parked=True, now=NOW
    )


async def park_verzoek(world: World) -> None:
    notification = await world.notify(0, NUMBER)
    new = NewVerzoek(NUMBER, 3, "Aanvraag vergunning", "initieren", "Dakkapel", NOW, False)
    verzoek = await world.verzoeken.start_verzoek(notification, new, FILES, NOW)
    await world.verzoeken.file_fetched(verzoek.files[0].id, "verzoeken/1", 3, bytes(32), NOW)
    await world.verzoeken.verzoek_fetched(notification, verzoek.id, NOW)
    await world.verzoeken.trouble(verzoek_id=verzoek.id, reason="folder is full", advice="", parked=True, now=NOW)


class Installation:
    """A database, and a configuration file that points at it."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.file = folder / "digikoppelaar.toml"
        self.file.write_text(f'data_folder = "{folder}"\n[database]\nurl = "{url}"\n')

    def ask(self, question: Callable[[World], Awaitable[Any]]) -> Any:
        """Do something with the stores, or look into them."""

        async def within() -> Any:
            async with opened_world(self.url) as world:
                return await question(world)

        return asyncio.run(within())

    def states(self) -> list[str]:
        """Of everything that came in."""

        async def look(world: World) -> list[str]:
            return sorted(row.state for row in await world.reading.verzoeken(VerzoekFilter()))

        found: list[str] = self.ask(look)
        return found

    def release(self, *arguments: str) -> Result:
        """`verzoek release` with these arguments."""
        return CliRunner().invoke(app, ["--config", str(self.file), "verzoek", "release", *arguments])


@pytest.fixture
def installation(database_url: str, tmp_path: Path) -> Installation:
    """One in which a notification and a version of the same verzoek are parked."""
    made = Installation(database_url, tmp_path)
    made.ask(park_notification)
    made.ask(park_verzoek)
    return made


def test_a_release_shows_what_was_parked_and_why_and_lets_it_go_on(installation: Installation) -> None:
    result = installation.release(NUMBER)
    assert result.output.splitlines() == [
        "fetch it again; it was parked because: DSO-LV [summary] answered 403",
        "deliver volgnummer 3 again; it was parked because: folder is full",
        "Released.",
    ]
    assert result.exit_code == 0
    assert installation.states() == ["fetched", "received"]


def test_a_dry_run_shows_the_same_and_changes_nothing(installation: Installation) -> None:
    result = installation.release(NUMBER, "--dry-run")
    assert result.output.splitlines()[-1] == "Nothing changed: --dry-run."
    assert installation.states() == ["parked", "parked"]


def test_a_second_release_says_that_nothing_is_parked(installation: Installation) -> None:
    installation.release(NUMBER)
    result = installation.release(NUMBER)
    assert (result.exit_code, result.output) == (0, "Nothing of it is parked.\n")


def test_a_program_gets_one_document(installation: Installation) -> None:
    parked = [
        {"id": 1, "volgnummer": None, "reason": "DSO-LV [summary] answered 403"},
        {"id": 1, "volgnummer": 3, "reason": "folder is full"},
    ]
    told = [json.loads(installation.release(NUMBER, *more, "--json").output) for more in (["--dry-run"], [], [])]
    [plan] = told[0].pop("plans")
    assert (plan["volgnummer"], len(plan["targets"])) == (3, 1)
    assert told == [
        {"released": False, "parked": parked, "untold": []},
        {"released": True, "parked": parked, "untold": []},
        {"released": False, "parked": [], "untold": []},
    ]


def test_an_unknown_number_is_refused(installation: Installation) -> None:
    result = installation.release("42")
    assert isinstance(result.exception, ConfigError)
    assert str(result.exception) == "there is no verzoek 42"


def test_a_number_in_two_omgevingen_must_be_told_apart(installation: Installation) -> None:
    installation.ask(lambda world: park_notification(world, 1))
    result = installation.release(NUMBER)
    assert isinstance(result.exception, ConfigError)
    assert "--omgeving" in result.exception.advice
    assert installation.release(NUMBER, "--omgeving", "sandbox-prod").exit_code == 0
    assert installation.states() == ["parked", "parked", "received"]


def test_a_notification_without_verzoeknummer_is_refused_with_what_to_do(installation: Installation) -> None:
    installation.ask(lambda world: park_notification(world, 0, ""))
    result = installation.release("")
    assert isinstance(result.exception, ConfigError)
    assert "message list" in result.exception.advice
    assert installation.states() == ["parked", "parked", "parked"]


def notify(installation: Installation, file: Path, *more: str) -> Result:
    """`verzoek notify` for the gemeente in sandbox-pre, or where `more` says."""
    where = more or ("--organisatie", GEMEENTE, "--omgeving", "sandbox-pre", "--json")
    return CliRunner().invoke(app, ["--config", str(installation.file), "verzoek", "notify", str(file), *where])


def test_a_notification_from_a_file_is_taken_in_once(installation: Installation, tmp_path: Path) -> None:
    file = tmp_path / "notificatie.xml"
    file.write_bytes(b"<root><verzoeknummer>2026060200077</verzoeknummer><actie>close</actie></root>")
    first, second = (json.loads(notify(installation, file).output) for _ in range(2))
    assert (first["verzoeknummer"], first["withdrawal"]) == ("2026060200077", True)
    assert second == {**first, "notification_id": None}
    assert installation.states() == ["parked", "parked", "received"]
    fetch = (
        f"procrastinate_jobs WHERE task_name = 'fetch' AND args ->> 'notification_id' = '{first['notification_id']}'"
    )
    assert installation.ask(lambda world: world.count(fetch)) == 1


def test_a_file_that_is_no_notification_and_an_unknown_organisatie_store_nothing(
    installation: Installation, tmp_path: Path
) -> None:
    file = tmp_path / "notificatie.xml"
    file.write_bytes(b"<n><naam>iets</naam></n>")
    assert isinstance(notify(installation, file).exception, VerzoekError)
    assert isinstance(notify(installation, tmp_path / "weg.xml").exception, ConfigError)
    file.write_bytes(b"<n><verzoeknummer>1</verzoeknummer></n>")
    unknown = notify(installation, file, "--organisatie", "00000099000000007000", "--omgeving", "sandbox-pre")
    assert isinstance(unknown.exception, ConfigError)
    assert installation.states() == ["parked", "parked"]
