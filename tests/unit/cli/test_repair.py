"""`verzoek park|release --all|redeliver|refetch` over a real database: what they say, and what they leave."""

import json
from pathlib import Path
from typing import Any

from click.testing import Result
from tests.unit.adapters.postgres.world import NOW, World
from tests.unit.cli.test_verzoek import FILES, NUMBER, Installation, park_notification, park_verzoek
from typer.testing import CliRunner

from digikoppelaar.adapters.postgres.deliveries import PostgresDeliveries
from digikoppelaar.cli.app import app
from digikoppelaar.errors import ConfigError, ContentPurged, PartnerError
from digikoppelaar.flows.ports import NewVerzoek
from digikoppelaar.flows.ports.verzoeken import Judge
from digikoppelaar.stam.rules import Action, Known, Ruling, taken_as_new


def verzoek(installation: Installation, *arguments: str) -> Result:
    """`verzoek` with these arguments."""
    return CliRunner().invoke(app, ["--config", str(installation.file), "verzoek", *arguments])


def told(installation: Installation, *arguments: str) -> Any:
    """What it says to a program."""
    return json.loads(verzoek(installation, *arguments, "--json").output)


async def deliver(world: World) -> None:
    """The parked version ends well after all."""
    [row] = await PostgresDeliveries(world.pool).plan(1, ["map"], NOW)
    await PostgresDeliveries(world.pool).delivered(row.id, "map/1", NOW)
    await world.verzoeken.verzoek_delivered(1, "map/1", NOW)


def test_what_failed_is_released_together_and_what_a_person_parked_is_not(database_url: str, tmp_path: Path) -> None:
    installation = Installation(database_url, tmp_path)
    for number in ("1", "2", NUMBER):
        installation.ask(lambda world, number=number: park_notification(world, 0, number))
    installation.ask(park_verzoek)
    assert verzoek(installation, "park", NUMBER, "--reason", "de gemeente zoekt het uit").output.splitlines() == [
        "park a notification, which is parked",
        "park volgnummer 3, which is parked",
        "Parked.",
    ]
    assert verzoek(installation, "park", NUMBER, "--reason", "nog eens").output == "Nothing of it goes on.\n"
    assert [
        row["which"]["verzoeknummer"] for row in told(installation, "release", "--all", "--dry-run")["verzoeken"]
    ] == [
        "1",
        "2",
    ]
    assert installation.states() == ["parked"] * 4
    assert verzoek(installation, "release", "--all", "--reason", "403", "--limit", "1").output.endswith(
        "Released: 1.\n"
    )
    assert verzoek(installation, "release", "--all", "--reason", "folder").output == "Nothing that failed fits.\n"
    assert installation.states() == ["parked", "parked", "parked", "received"]
    assert isinstance(verzoek(installation, "release").exception, ConfigError)
    assert told(installation, "release", NUMBER)["released"]
    shown = told(installation, "show", NUMBER)["interventions"]
    assert [each["name"] for each in shown] == ["parked", "released"]
    assert "zoekt het uit" in shown[0]["detail"]


def test_a_verzoek_is_delivered_and_fetched_again(database_url: str, tmp_path: Path) -> None:
    installation = Installation(database_url, tmp_path)
    installation.ask(park_verzoek)
    assert verzoek(installation, "redeliver", NUMBER).output == "Nothing of it is delivered.\n"
    installation.ask(deliver)
    plan = told(installation, "redeliver", NUMBER, "--from-scratch", "--dry-run")["plans"]
    assert [(each["volgnummer"], "blob" in each["targets"][0]["problem"]) for each in plan] == [(3, True)]
    assert installation.states() == ["delivered"]
    assert "there is map" in str(verzoek(installation, "redeliver", NUMBER, "--target", "mpa").exception)
    assert verzoek(installation, "redeliver", NUMBER).output.endswith("It will be delivered again.\n")
    assert installation.states() == ["fetched"]
    assert told(installation, "refetch", NUMBER, "--dry-run") == {"refetches": False, "damaged": {"3": ["xml xml"]}}
    assert told(installation, "refetch", NUMBER)["refetches"]
    assert installation.states() == ["fetched", "received"]


def ignoring(_: Known) -> Ruling:
    """A judge to whom everything is a copy."""
    return Ruling(Action.IGNORE, "kopiebericht", "a copy", "Een kopie.")


async def add_version(world: World, volgnummer: int, *, purged: bool, judge: Judge = taken_as_new) -> None:
    """A version with one file, delivered unless it is set aside; `purged`: its content was deleted."""
    notification = await world.notify(0, NUMBER)
    new = NewVerzoek(NUMBER, volgnummer, "Aanvraag vergunning", "initieren", "Dakkapel", NOW, False)
    made = await world.verzoeken.start_verzoek(notification, new, FILES, NOW, judge)
    await world.verzoeken.file_fetched(made.files[0].id, f"verzoeken/{volgnummer}", 3, bytes(32), NOW)
    await world.verzoeken.verzoek_fetched(notification, made.id, NOW)
    if made.action.delivers:
        await world.verzoeken.verzoek_delivered(made.id, f"map/{volgnummer}", NOW)
    if purged:
        async with world.pool.connection() as connection:
            await connection.execute(
                "UPDATE verzoek_file SET blob = NULL, purged_at = %s WHERE verzoek_id = %s", [NOW, made.id]
            )
            await connection.execute("UPDATE verzoek SET purged_at = %s WHERE id = %s", [NOW, made.id])


def test_a_verzoek_that_was_deleted_is_not_fetched_again_and_says_where_it_is(
    database_url: str, tmp_path: Path
) -> None:
    installation = Installation(database_url, tmp_path)
    installation.ask(lambda world: add_version(world, 0, purged=True))
    refused = verzoek(installation, "refetch", NUMBER).exception
    assert isinstance(refused, ContentPurged)
    assert f"op {NOW:%d-%m-%Y} verwijderd" in refused.advice
    assert "zaaksysteem" in refused.advice
    assert "catch-up" in refused.advice
    assert installation.states() == ["delivered"]


def test_a_copy_that_was_deleted_is_fetched_again_for_it_may_have_been_handed_back(
    database_url: str, tmp_path: Path
) -> None:
    installation = Installation(database_url, tmp_path)
    installation.ask(lambda world: add_version(world, 0, purged=True, judge=ignoring))
    assert told(installation, "refetch", NUMBER) == {"refetches": True, "damaged": {}}
    assert installation.states() == ["ignored", "received"]


def test_an_older_version_that_was_deleted_does_not_keep_the_newest_from_being_fetched_again(
    database_url: str, tmp_path: Path
) -> None:
    installation = Installation(database_url, tmp_path)
    installation.ask(lambda world: add_version(world, 0, purged=True))
    installation.ask(lambda world: add_version(world, 1, purged=False))
    assert told(installation, "refetch", NUMBER) == {"refetches": True, "damaged": {"1": ["xml xml"]}}


def test_a_stored_message_is_taken_in_again(database_url: str, tmp_path: Path) -> None:
    installation = Installation(database_url, tmp_path)
    installation.ask(lambda world: park_notification(world, 0, ""))
    assert isinstance(verzoek(installation, "refetch", "--from-message", "0@dso.example").exception, ConfigError)
    content = [b"<n>iets</n>"]

    async def carry(world: World) -> None:
        async with world.pool.connection() as connection:
            await connection.execute("DELETE FROM payload")
            await connection.execute(
                "INSERT INTO payload (aansluiting_id, inbound_message_id, position, content_id, content_type, size, "
                "sha256, data) SELECT aansluiting_id, id, 0, 'p', 'application/xml', %s, %s, %s FROM inbound_message",
                [len(content[0]), bytes(32), content[0]],
            )

    installation.ask(carry)
    refused = verzoek(installation, "refetch", "--from-message", "0@dso.example")
    assert isinstance(refused.exception, PartnerError)  # it is no notification, then as now
    content[0] = b"<n><verzoeknummer>2026060200077</verzoeknummer></n>"
    installation.ask(carry)
    for flags, outcome in ((["--dry-run"], "taken_in"), ([], "taken_in"), ([], "waits")):
        told_now = told(installation, "refetch", "--from-message", "0@dso.example", *flags)
        assert (told_now["verzoeknummer"], told_now["outcome"]) == ("2026060200077", outcome)
    assert installation.states() == ["received"]
    unknown = verzoek(installation, "refetch", "--from-message", "weg@dso.example")
    assert isinstance(unknown.exception, ConfigError)
