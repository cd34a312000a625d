"""What proves a kennisgeving: the bytes that went out and came back, and hashes of them all."""

import json
from dataclasses import replace
from hashlib import sha256

from tests.unit.drop.notices import KENNISGEVING
from tests.unit.flows.koop_world import PROFILE, WHO, World
from tests.unit.flows.test_publish import CLIENT

from digikoppelaar.drop.document import to_document
from digikoppelaar.drop.inhoud import read_inhoud
from digikoppelaar.flows.evidence import evidence
from digikoppelaar.flows.kennisgeving_states import KennisgevingEvent
from digikoppelaar.flows.ports import Aansluiting
from digikoppelaar.flows.ports.kennisgevingen import Facts

PUBLISHER = Aansluiting(1, KENNISGEVING.publicist.oin, "Voorbeeldstad", "drop", "sandbox-pre", "x", None, None)


async def exported(world: World) -> dict[str, bytes]:
    return dict(await evidence(world.store, await world.row(), PUBLISHER, PROFILE))


async def test_every_file_is_as_it_was_sent_and_has_its_hash() -> None:
    world = World()
    await world.planned()
    await world.send_due()
    files = await exported(world)
    told = json.loads(files.pop("evidence.json"))
    assert told["sha256"] == {name: sha256(content).hexdigest() for name, content in files.items()}
    assert list(files) == ["document.json", *(f"attempt-1/{name}" for name in ("request.xml", "inhoud.xml", "answer"))]
    assert read_inhoud(files["attempt-1/inhoud.xml"])[0] == KENNISGEVING.titel
    assert b"Dossiernummer" in files["attempt-1/answer"]
    assert (told["dossiernummer"], told["sandbox"], told["state"]) == ("1", True, "accepted")
    [attempt] = told["attempts"]
    assert (attempt["stage"], attempt["status"], attempt["made_again"]) == ("poc", 200, True)
    assert attempt["request_sha256"] == told["sha256"]["attempt-1/request.xml"]
    assert [line["event"] for line in told["log"]] == ["drafted", "approved", "claimed", "accepted"]
    assert await exported(world) == await exported(world)


async def test_what_was_refused_and_edited_is_still_there_as_it_was_sent() -> None:
    world = World()
    await world.planned()
    world.koop.instead, world.koop.takes = [CLIENT], False
    await world.send_due()
    await world.store.edit(1, to_document(replace(KENNISGEVING, titel="Een andere titel")), WHO)
    await world.store.move(1, KennisgevingEvent.APPROVED, WHO, Facts(due_at=world.clock.now()))
    await world.send_due()
    files = await exported(world)
    titles = [read_inhoud(files[f"attempt-{number}/inhoud.xml"])[0] for number in (1, 2)]
    assert titles == [KENNISGEVING.titel, "Een andere titel"]
    assert files["attempt-1/answer"] == CLIENT.body
    assert [each["made_again"] for each in json.loads(files["evidence.json"])["attempts"]] == [False, True]


async def test_of_what_was_never_sent_there_is_the_text_alone() -> None:
    world = World()
    await world.planned()
    assert list(await exported(world)) == ["evidence.json", "document.json"]
