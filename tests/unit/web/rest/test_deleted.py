"""Messages of applications whose content was deleted: what is kept is told, and what is gone is a 410."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

from tests.unit.web.rest.test_streams import MIB, MTOM, form, post
from tests.unit.web.rest.world import NOW, World

from digikoppelaar.adapters.fingerprint_keys import FingerprintKeyFile
from digikoppelaar.adapters.postgres.retention import PostgresRetention
from digikoppelaar.flows.ports.retention import PurgeFilter
from digikoppelaar.flows.retention import Ran, Retention

LATER = NOW + timedelta(days=40)


class Later:
    """A clock after every period."""

    def now(self) -> datetime:
        return LATER


async def deleted(world: World, folder: Path) -> Ran:
    keys = FingerprintKeyFile(folder / "fingerprint.key")
    ran = await Retention(PostgresRetention(world.pool), world.blobs, keys, Later()).run("test")
    assert ran
    assert ran.problems == []
    return ran


async def one(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def test_a_message_that_was_taken_goes_and_one_that_waits_stays(world: World, tmp_path: Path) -> None:
    cpa = await world.cpa()
    large = await world.blobs.put("ebms/in/1", one(b"groot"))
    taken, waiting = await world.receive(cpa, b"<a/>", large), await world.receive(cpa, b"<b/>")
    async with await world.http() as http:
        await http.patch(f"/service/rest/v19/ebms/messages/{taken}")
        assert (await deleted(world, tmp_path)).messages == 1
        for path in (
            f"/api/v1/messages/{taken}/payloads/p1@dso.example",
            f"/service/rest/v19/ebms/messages/{taken}",
            f"{MTOM}/{taken}",
        ):
            answer = await http.get(path)
            assert (answer.status_code, "was deleted on" in answer.text) == (410, True)
        facts = (await http.get(f"/api/v1/messages/{taken}")).json()["payloads"]
        assert [(each["size"], "deleted" in each, "name" in each) for each in facts] == [
            (4, True, False),
            (5, True, False),
        ]
        assert (await http.get(f"/api/v1/messages/{waiting}/payloads/p1@dso.example")).content == b"<b/>"
    assert not await world.blobs.has("ebms/in/1")
    kept = await PostgresRetention(world.pool).kept(31, LATER)
    assert [(row.what, row.message_id, row.state) for row in kept] == [("inbound", waiting, "received")]


async def test_a_message_that_was_sent_keeps_its_header_and_cannot_be_sent_again(world: World, tmp_path: Path) -> None:
    await world.cpa()
    async with await world.http() as http:
        name = (await post(http, MTOM, form([("een@x", b"<klein/>"), ("twee@x", b"x" * MIB)]))).text
        assert (await deleted(world, tmp_path)).messages == 0
        await world.pool_execute(
            "UPDATE outbound_message SET state = 'acknowledged', due_at = NULL, settled_at = timestamp"
        )
        before = (await http.get(f"/api/v1/messages/{name}")).json()
        assert (await deleted(world, tmp_path)).messages == 1
        assert (await http.get(f"/api/v1/messages/{name}")).json() == before
        answer = await http.put(f"/service/rest/v19/ebms/messages/{name}")
        assert (answer.status_code, "was deleted on" in answer.text) == (410, True)
    [row] = await PostgresRetention(world.pool).purges(PurgeFilter())
    assert (row.what, row.message_id) == ("outbound", name)
    assert [(each.kind, each.blob is None) for each in row.contents] == [("body", True), ("payload", False)]
    assert not list((tmp_path / "blobs").iterdir())
