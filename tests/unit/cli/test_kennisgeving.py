"""`kennisgeving` over a real database: a notice from a verzoek or a file, checked, planned and taken back."""

import asyncio
import json
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from tests.unit.adapters.postgres.test_tellings import place_of
from tests.unit.adapters.postgres.world import GEMEENTE, NOW, World
from tests.unit.cli.test_repair import verzoek
from tests.unit.cli.test_verzoek import FILES, NUMBER, Installation
from tests.unit.drop.notices import KENNISGEVING
from tests.unit.flows import telling_store_contract as tellings
from tests.unit.flows.kennisgeving_store_contract import PUBLISHED, WHO
from tests.unit.stam.documents import verzoek_xml
from typer.testing import CliRunner

from digikoppelaar.adapters.blobs import FolderBlobs
from digikoppelaar.adapters.postgres.connect import opened_pool
from digikoppelaar.adapters.postgres.kennisgevingen import PostgresKennisgevingen
from digikoppelaar.adapters.postgres.registry import PostgresRegistry
from digikoppelaar.cli.app import app
from digikoppelaar.drop.document import to_document
from digikoppelaar.errors import ConfigError, Conflict, SubmissionError
from digikoppelaar.flows.kennisgeving_states import KennisgevingEvent
from digikoppelaar.flows.ports import NewVerzoek
from digikoppelaar.flows.ports.kennisgevingen import Answer, Facts, Origin, Sent, StoredKennisgeving
from digikoppelaar.flows.registration import AansluitingEntry, difference

PUBLISHING = {
    "stage": "poc",
    "naam": "Voorbeeldstad",
    "bestuurslaag": "gemeente",
    "blad": "gmb",
    "bestuursorgaan": "het college van Voorbeeldstad",
    "telefoon": "14 0123",
}
REQUEST = b"<request/>"
DROP = AansluitingEntry(GEMEENTE, "drop", "sandbox-pre", GEMEENTE, {}, {}, publishing=PUBLISHING)


async def connect(world: World) -> None:
    """Let the gemeente publish."""
    await world.registry.apply(difference(await world.registry.entries(), [DROP]), NOW)


async def store_of(url: str, use: Callable[[PostgresKennisgevingen], Awaitable[object]]) -> None:
    async with opened_pool(lambda: url, 1) as pool:
        await use(PostgresKennisgevingen(pool))


async def sent_without_answer(store: PostgresKennisgevingen) -> None:
    """As the gateway does when the time of number 1 has come."""
    [row] = await store.claim(NOW.replace(year=2100), 1, 1)
    await store.settle(row, KennisgevingEvent.UNANSWERED, Facts(reason="no answer"), NOW)


async def sent_and_refused(store: PostgresKennisgevingen) -> None:
    """As the gateway does when KOOP refuses number 1."""
    [row] = await store.claim(NOW.replace(year=2100), 1, 1)
    assert await store.began(row, Sent("poc", KENNISGEVING.documenttype, REQUEST), NOW)
    await store.settle(row, KennisgevingEvent.REFUSED, Facts(answer=Answer(500, b"<html>", 6)), NOW)


async def published(store: PostgresKennisgevingen) -> None:
    """As the gateway does when KOOP has number 1."""
    await store.move(1, KennisgevingEvent.APPROVED, WHO, Facts(due_at=NOW))
    [row] = await store.claim(NOW, 1, 1)
    await store.settle(row, KennisgevingEvent.ACCEPTED, Facts(due_at=NOW), NOW)
    await store.looked(1, NOW, PUBLISHED, NOW)


async def untold(world: World) -> StoredKennisgeving:
    """Its zaak was closed when the case system was to be told."""
    place = place_of(world)
    await place.take(place.origin, "zaken", tellings.CASE)
    row = await tellings.published(place)
    [telling] = await tellings.claimed(place)
    await place.tellings.failed(telling.row, "zaak is closed", "Heropen de zaak.", None)
    return row


async def tell_it(world: World) -> int:
    """As the gateway does, with what is due; how many."""
    store = place_of(world).tellings
    due = await store.claim(NOW.replace(year=2100), tellings.FORSAKEN, 10)
    for each in due:
        await store.told(each.row, "", NOW)
    return len(due)


def delivered(folder: Path, document: bytes) -> Callable[[World], Awaitable[None]]:
    """A verzoek that was fetched and delivered."""

    async def content() -> AsyncIterator[bytes]:
        yield document

    async def deliver(world: World) -> None:
        blob = await FolderBlobs(folder / "blobs").put("verzoeken/1", content())
        notification = await world.notify(0, NUMBER)
        new = NewVerzoek(NUMBER, 0, "Aanvraag vergunning", "initieren", "Dakkapel", NOW, False)
        row = await world.verzoeken.start_verzoek(notification, new, FILES, NOW)
        await world.verzoeken.file_fetched(row.files[0].id, blob.name, blob.size, blob.sha256, NOW)
        await world.verzoeken.verzoek_fetched(notification, row.id, NOW)
        await world.verzoeken.verzoek_delivered(row.id, "map/1", NOW)

    return deliver


def kennisgeving(installation: Installation, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["--config", str(installation.file), "kennisgeving", *arguments])


def told(installation: Installation, *arguments: str) -> Any:
    return json.loads(kennisgeving(installation, *arguments, "--json").output)


@pytest.fixture
def installation(database_url: str, tmp_path: Path) -> Installation:
    made = Installation(database_url, tmp_path)
    made.ask(connect)
    return made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "kennisgeving.json"
    document = to_document(KENNISGEVING)
    document["publicist"]["oin"] = GEMEENTE
    made.write_text(json.dumps(document))
    return made


def test_a_file_becomes_a_draft_once_and_is_shown_as_a_reader_sees_it(installation: Installation, file: Path) -> None:
    assert told(installation, "draft", "--file", str(file))["state"] == "draft"
    assert told(installation, "draft", "--file", str(file))["id"] == 1
    [row] = told(installation, "list")
    assert (row["titel"], row["state"], row["organisatie_oin"]) == (KENNISGEVING.titel, "draft", GEMEENTE)
    assert told(installation, "list", "--organisatie", "00000099000000005000") == []
    assert KENNISGEVING.titel in kennisgeving(installation, "preview", "1").output
    assert "<InhoudZip" in kennisgeving(installation, "preview", "1", "--xml").output.replace("d:", "")
    assert kennisgeving(installation, "preview", "1", "--html").output.startswith("<article>")


def test_what_a_check_blocks_is_published_only_with_a_reason(installation: Installation, file: Path) -> None:
    kennisgeving(installation, "draft", "--file", str(file))
    checked = kennisgeving(installation, "check", "1")
    assert checked.exit_code == 1
    assert "ontvangst-missing" in checked.output
    assert told(installation, "check", "1")["blocked"]
    refused = kennisgeving(installation, "publish", "1")
    assert isinstance(refused.exception, Conflict)
    published = kennisgeving(installation, "publish", "1", "--override", "akkoord")
    assert published.exit_code == 0
    assert "provisional" in published.output
    shown = told(installation, "show", "1")
    assert shown["kennisgeving"]["state"] == "planned"
    assert [line["event"] for line in shown["log"]] == ["drafted", "approved"]
    assert "akkoord" in shown["log"][1]["detail"]
    assert shown["log"][1]["by"]


def test_what_is_asked_of_one_omgeving_is_found_behind_what_is_newer_in_another(
    database_url: str, tmp_path: Path, file: Path
) -> None:
    async def connect_both(world: World) -> None:
        both = [DROP, replace(DROP, omgeving="sandbox-prod")]
        await world.registry.apply(difference(await world.registry.entries(), both), NOW)

    async def of_a_verzoek(store: PostgresKennisgevingen) -> None:
        row = await store.kennisgeving(1)
        origin = Origin(row.key.aansluiting_id, NUMBER)
        await store.draft(replace(row.key, referentienummer=NUMBER), row.document, WHO, origin)

    installation = Installation(database_url, tmp_path)
    installation.ask(connect_both)
    for omgeving in ("sandbox-pre", "sandbox-prod"):
        told(installation, "draft", "--file", str(file), "--omgeving", omgeving)
    [found] = told(installation, "list", "--omgeving", "sandbox-pre", "--limit", "1")
    assert (found["id"], found["omgeving"]) == (1, "sandbox-pre")
    asyncio.run(store_of(database_url, of_a_verzoek))
    assert told(installation, "draft", NUMBER, "--omgeving", "sandbox-pre")["id"] == 3
    refused = kennisgeving(installation, "draft", NUMBER, "--omgeving", "sandbox-prod")
    assert isinstance(refused.exception, ConfigError)


def test_a_person_holds_resumes_and_takes_back(installation: Installation, file: Path) -> None:
    kennisgeving(installation, "draft", "--file", str(file))
    planned = told(installation, "publish", "1", "--override", "akkoord", "--on", "2099-06-10")
    assert "is held" in kennisgeving(installation, "hold", "1", "--reason", "wacht op overleg").output
    blocked = kennisgeving(installation, "resume", "1").exception
    assert isinstance(blocked, Conflict), "it is checked again"
    assert "is planned" in kennisgeving(installation, "resume", "1", "--override", "akkoord").output
    assert told(installation, "list")[0]["due_at"] == planned["due_at"], "it is not sent before its day"
    assert "is cancelled" in kennisgeving(installation, "cancel", "1", "--reason", "dubbel").output
    late = kennisgeving(installation, "hold", "1", "--reason", "te laat")
    assert isinstance(late.exception, ConfigError)
    assert told(installation, "draft", "--file", str(file))["id"] == 2


def test_what_nobody_knows_waits_for_a_persons_word(installation: Installation, file: Path) -> None:
    kennisgeving(installation, "draft", "--file", str(file))
    kennisgeving(installation, "publish", "1", "--override", "akkoord")
    asyncio.run(store_of(installation.url, sent_without_answer))
    assert told(installation, "list", "--state", "unknown")[0]["reason"] == "no answer"
    assert told(installation, "arrived", "1", "--dossiernummer", "4711")["dossiernummer"] == "4711"
    assert isinstance(kennisgeving(installation, "again", "1", "--reason", "x").exception, ConfigError)


def test_what_koop_turns_out_not_to_have_can_be_changed_before_it_goes_again(
    installation: Installation, file: Path
) -> None:
    kennisgeving(installation, "draft", "--file", str(file))
    kennisgeving(installation, "publish", "1", "--override", "akkoord")
    asyncio.run(store_of(installation.url, sent_without_answer))
    assert told(installation, "refused", "1", "--reason", "staat niet in DROP")["state"] == "refused"
    assert told(installation, "show", "1")["log"][-1]["detail"] == "staat niet in DROP"
    assert told(installation, "edit", "1", "--file", str(file))["state"] == "draft"


def test_what_was_sent_and_answered_is_shown_and_exported_once(installation: Installation, file: Path) -> None:
    kennisgeving(installation, "draft", "--file", str(file))
    kennisgeving(installation, "publish", "1", "--override", "akkoord")
    asyncio.run(store_of(installation.url, sent_and_refused))
    [attempt] = told(installation, "show", "1")["attempts"]
    assert (attempt["status"], attempt["stage"]) == (500, "poc")
    assert sha256(REQUEST).hexdigest() in kennisgeving(installation, "show", "1").output
    packed = file.with_name("bewijs.zip")
    assert "attempt-1/answer" in kennisgeving(installation, "export", "1", str(packed)).output
    with zipfile.ZipFile(packed) as archive:
        assert archive.read("attempt-1/request.xml") == REQUEST
        assert archive.read("attempt-1/answer") == b"<html>"
        assert json.loads(archive.read("evidence.json"))["organisatie_oin"] == GEMEENTE
    assert isinstance(kennisgeving(installation, "export", "1", str(packed)).exception, ConfigError)


def test_without_a_publisher_what_cannot_be_shown_says_what_to_mend(installation: Installation, file: Path) -> None:
    kennisgeving(installation, "draft", "--file", str(file))

    async def lose_publishing() -> None:
        async with opened_pool(lambda: installation.url, 1) as pool:
            registry = PostgresRegistry(pool)
            await registry.apply(difference(await registry.entries(), [replace(DROP, publishing={})]), NOW)

    asyncio.run(lose_publishing())
    packed = file.with_name("bewijs.zip")
    for arguments in (("preview", "1"), ("preview", "1", "--xml"), ("export", "1", str(packed))):
        error = kennisgeving(installation, *arguments).exception
        assert isinstance(error, ConfigError), arguments
        assert "[aansluiting.publishing]" in error.advice
    assert not packed.exists()


def test_an_edited_text_has_to_be_approved_again(installation: Installation, file: Path) -> None:
    kennisgeving(installation, "draft", "--file", str(file))
    kennisgeving(installation, "publish", "1", "--override", "akkoord")
    shown = told(installation, "show", "1")
    shown["document"]["titel"] = "Een andere titel"
    file.write_text(json.dumps(shown))
    assert kennisgeving(installation, "edit", "1", "--file", str(file)).exit_code == 0
    [row] = told(installation, "list")
    assert (row["state"], row["titel"]) == ("draft", "Een andere titel")


@pytest.mark.parametrize("content", ["", "[]", "{", '{"titel": "x"}'])
def test_what_is_no_kennisgeving_is_refused_and_nothing_changes(
    installation: Installation, file: Path, content: str
) -> None:
    file.write_text(content)
    assert isinstance(kennisgeving(installation, "draft", "--file", str(file)).exception, ConfigError | SubmissionError)
    assert told(installation, "list") == []


def test_a_verzoek_that_nobody_knows_and_one_of_another_organisatie_are_refused(
    installation: Installation, file: Path
) -> None:
    assert isinstance(kennisgeving(installation, "draft", "2026010100001").exception, ConfigError)
    assert isinstance(kennisgeving(installation, "none", "2026010100001", "--reason", "x").exception, ConfigError)
    file.write_text(file.read_text().replace(GEMEENTE, "00000099000000005000"))
    assert isinstance(kennisgeving(installation, "draft", "--file", str(file)).exception, ConfigError)
    assert isinstance(kennisgeving(installation, "show", "7").exception, ConfigError)


def test_a_delivered_verzoek_becomes_a_draft_once_or_is_said_to_get_none(database_url: str, tmp_path: Path) -> None:
    made = Installation(database_url, tmp_path)
    made.ask(delivered(tmp_path, verzoek_xml().replace(b"00000099000000001000", GEMEENTE.encode())))
    made.ask(connect)
    assert told(made, "none", NUMBER, "--reason", "geheim")["news"]
    assert not told(made, "none", NUMBER, "--reason", "geheim")["news"]
    drafted = told(made, "draft", NUMBER)
    assert (drafted["state"], drafted["key"]["referentienummer"]) == ("draft", NUMBER)
    assert told(made, "draft", NUMBER)["id"] == drafted["id"]
    asyncio.run(store_of(made.url, published))
    assert told(made, "show", str(drafted["id"]))["tellings"] == []
    shown = " ".join(verzoek(made, "show", NUMBER).output.split())
    assert f"published {PUBLISHED.number} 2026-06-04 {PUBLISHED.url}" in shown
    [row] = json.loads(verzoek(made, "show", NUMBER, "--json").output)["kennisgevingen"]
    assert (row["id"], row["state"], row["published_on"]) == (drafted["id"], "published", "2026-06-04")
    assert [row["id"] for row in told(made, "list", "--verzoeknummer", NUMBER)] == [drafted["id"]]
    assert isinstance(kennisgeving(made, "none", NUMBER, "--reason", "x").exception, ConfigError)


def test_who_was_not_told_is_shown_and_told_again_by_a_person_also_with_a_release_of_the_verzoek(
    database_url: str, tmp_path: Path
) -> None:
    made = Installation(database_url, tmp_path)
    row = made.ask(untold)
    [telling] = told(made, "show", str(row.id))["tellings"]
    assert (telling["target"], telling["reason"], telling["due_at"], telling["told_at"]) == (
        *("zaken", "zaak is closed"),
        *(None, None),
    )
    assert "zaak is closed" in kennisgeving(made, "show", str(row.id)).output
    assert json.loads(verzoek(made, "release", NUMBER, "--dry-run", "--json").output)["untold"] == [row.id]
    assert "Released." in verzoek(made, "release", NUMBER).output
    assert verzoek(made, "release", NUMBER).output == "Nothing of it is parked.\n"
    assert kennisgeving(made, "tell", str(row.id)).output == "Nothing of it waits for a person.\n"
    assert made.ask(tell_it) == 1
    assert told(made, "tell", str(row.id))["told_again"] == 0
    assert verzoek(made, "release", "--all").output == "Nothing that failed fits.\n"
    assert told(made, "tell", str(row.id), "--again")["told_again"] == 1
    assert isinstance(kennisgeving(made, "tell", "99").exception, ConfigError)
    assert [line["event"] for line in told(made, "show", str(row.id))["log"]][-2:] == ["told_again"] * 2


def test_who_was_not_told_is_told_again_with_a_release_of_everything_that_failed(
    database_url: str, tmp_path: Path
) -> None:
    made = Installation(database_url, tmp_path)
    row = made.ask(untold)
    dry = json.loads(verzoek(made, "release", "--all", "--dry-run", "--json").output)
    assert dry == {"released": False, "verzoeken": [], "untold": [row.id]}
    for elsewhere in (("--omgeving", "sandbox-prod"), ("--target", "map"), ("--reason", "403")):
        assert verzoek(made, "release", "--all", *elsewhere).output == "Nothing that failed fits.\n"
    assert verzoek(made, "release", "--all", "--target", "zaken", "--reason", "closed").output.splitlines() == [
        f"tell again what became of kennisgeving {row.id}",
        "Released: 1.",
    ]
    assert made.ask(tell_it) == 1


def test_a_verzoek_that_is_no_application_gets_none_and_says_why(database_url: str, tmp_path: Path) -> None:
    made = Installation(database_url, tmp_path)
    made.ask(delivered(tmp_path, verzoek_xml().replace(b"Aanvraag vergunning", b"Melding")))
    made.ask(connect)
    refused = kennisgeving(made, "draft", NUMBER).exception
    assert isinstance(refused, ConfigError)
    assert "Melding" in refused.advice
