"""A case system tells of a status or besluit as ZGW Notificaties do: on record before it is answered, and one draft.

A killed process is a real one: it works on the same database, says where it is, and gets SIGKILL there.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from tests.doubles.zgw.types import BESLUITTYPE
from tests.unit.adapters.casesystems.zgw import sample
from tests.unit.ebms.cpas import GEMEENTE
from tests.unit.flows.koop_world import Clock
from tests.unit.flows.verzoek_store_contract import FILES
from tests.unit.web.rest.test_isolation import a_document
from tests.unit.web.rest.world import DROP, NOW, OTHER, PRE, World, desk_of, opened_world

from digikoppelaar.adapters.casesystems import kinds
from digikoppelaar.adapters.casesystems.http import CaseSystemHttp
from digikoppelaar.adapters.postgres.case_events import PostgresCaseEvents
from digikoppelaar.adapters.postgres.deliveries import PostgresDeliveries
from digikoppelaar.adapters.postgres.verzoeken import PostgresVerzoeken
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.flows.application import Right
from digikoppelaar.flows.case_events import CaseEvents
from digikoppelaar.flows.ports import Clock as AnyClock
from digikoppelaar.flows.ports import NewNotification, NewVerzoek
from digikoppelaar.flows.ports.case_events import CaseEvent, CaseReader, NewCaseEvent
from digikoppelaar.flows.registration import AansluitingEntry, difference
from digikoppelaar.flows.targets import Target
from digikoppelaar.flows.under_way import UnderWay

PATH: Final = "/api/v1/zgw/notificaties"
NUMBER: Final = "2026060200019"
TRIGGER: Final = json.dumps(
    [{"resource": "besluit", "type": BESLUITTYPE, "moment": "besluit", "procedure": "regulier", "uitkomst": "verleend"}]
)


def told(url: str = "https://zaken.example/besluiten/1", **changes: Any) -> dict[str, Any]:
    return {
        "kanaal": "besluiten",
        "hoofdObject": url,
        "resource": "besluit",
        "resourceUrl": url,
        "actie": "create",
        "aanmaakdatum": "2026-07-20T09:00:00Z",
        "kenmerken": {"verantwoordelijkeOrganisatie": "000000000"},
        **changes,
    }


async def receive(world: World, settings: dict[str, str]) -> int:
    """Let the gemeente receive verzoeken for a ZGW server, and publish besluiten of it; the id of its aansluiting."""
    stam = AansluitingEntry(GEMEENTE, "stam", PRE, GEMEENTE, {}, {"kind": "zgw", **settings})
    drop = replace(DROP[0], publishing={**DROP[0].publishing, "trigger": TRIGGER})  # type: ignore[union-attr]
    await world.registry.apply(difference(await world.registry.entries(), (stam, drop)), NOW)
    [row] = [each for each in await world.registry.aansluitingen() if each.kind == "stam"]
    return row.id


async def rows(world: World) -> list[dict[str, Any]]:
    async with world.pool.connection() as connection:
        return await (await connection.execute("SELECT * FROM case_event ORDER BY id")).fetchall()


@pytest.fixture
async def receiving(world: World) -> World:
    await receive(world, {"zaken_url": "https://zaken.example"})
    return world


async def test_what_is_told_is_on_record_once_with_who_told_it(receiving: World) -> None:
    key = await receiving.key(rights=[Right.DRAFT])
    headers = {"Authorization": f"Bearer {key}"}  # as the `auth` of an abonnement is sent
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{receiving.port}", headers=headers) as http:
        answers = [await http.post(PATH, json=told()) for _ in range(3)]
        answers += await asyncio.gather(*(http.post(PATH, json=told()) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {204}
    assert answers[0].content == b""
    [row] = await rows(receiving)
    assert (row["resource"], row["url"], row["zaak"]) == ("besluit", told()["resourceUrl"], None)
    assert row["by"].startswith("zaaksysteem/")
    assert row["due_at"]


async def test_of_a_status_the_zaak_is_on_record_too(receiving: World) -> None:
    status = told("https://zaken.example/zaken/1", kanaal="zaken", resource="status")
    async with await receiving.http() as http:
        assert (await http.post(PATH, json={**status, "resourceUrl": "https://zaken.example/s/1"})).status_code == 204
    [row] = await rows(receiving)
    assert (row["resource"], row["url"], row["zaak"]) == ("status", "https://zaken.example/s/1", status["hoofdObject"])


@pytest.mark.parametrize(
    "changes",
    [
        {"kanaal": "test", "resource": "test"},
        {"kanaal": "zaken", "resource": "zaak"},
        {"actie": "partial_update"},
        {"kanaal": "zaken"},
    ],
)
async def test_what_is_of_no_use_is_answered_and_not_kept(receiving: World, changes: dict[str, str]) -> None:
    async with await receiving.http() as http:
        assert (await http.post(PATH, json=told(**changes))).status_code == 204
    assert await rows(receiving) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"resourceUrl": None},
        {"resourceUrl": "urn:een"},
        {"resourceUrl": f"https://zaken.example/{'x' * 1000}"},
        {"resourceUrl": "https://zaken.example/é"},
        {"hoofdObject": ["https://zaken.example"]},
        {"actie": "a\0"},
    ],
)
async def test_what_is_no_notification_is_refused_and_not_kept(receiving: World, wrong: dict[str, Any]) -> None:
    async with await receiving.http() as http:
        assert (await http.post(PATH, json=told(**wrong))).status_code == 400
        assert (await http.post(PATH, content=b"[")).status_code == 400
    assert await rows(receiving) == []


async def test_who_may_not_draft_and_who_receives_no_verzoeken_tell_nothing(receiving: World) -> None:
    async with await receiving.http(rights=[Right.MESSAGES]) as http:
        assert (await http.post(PATH, json=told())).status_code == 403
    async with await receiving.http(OTHER) as http:
        answer = await http.post(PATH, json=told())
    assert (answer.status_code, "no aansluiting stam" in answer.text) == (400, True)
    assert await rows(receiving) == []


# --- Kills -----------------------------------------------------------------------------------------------------------

VICTIM = """
import asyncio, sys
from pathlib import Path
from tests.unit.web.rest.test_case_events import victim
asyncio.run(victim(*sys.argv[1:]))
"""


@dataclass(frozen=True, slots=True)
class Dying(PostgresCaseEvents):
    """The store of a process that says how far it came, and waits there for its end."""

    where: str = ""

    async def take(self, aansluiting_id: int, new: NewCaseEvent, by: str, now: datetime) -> bool:
        """Durable, and never answered."""
        taken = await PostgresCaseEvents.take(self, aansluiting_id, new, by, now)
        await self._die("taken")
        return taken

    async def ended(self, event: CaseEvent, outcome: str, kennisgeving_id: int | None, now: datetime) -> bool:
        """The draft is there, and this is not on record."""
        await self._die("drafted")
        return await PostgresCaseEvents.ended(self, event, outcome, kennisgeving_id, now)

    async def _die(self, where: str) -> None:
        if where == self.where:
            print(where, flush=True)
            await asyncio.sleep(3600)


def following(world: World, http: CaseSystemHttp, clock: AnyClock, store: PostgresCaseEvents) -> CaseEvents:
    def reader_for(target: Target) -> CaseReader:
        return kinds.reader(target, kinds.Facilities(http, SystemClock()))

    return CaseEvents(store, world.registry.aansluitingen, reader_for, lambda found: desk_of(world, found), clock)


async def follow(events: CaseEvents) -> None:
    async with UnderWay("case events") as under_way:
        await events.follow_due(under_way)


async def victim(url: str, folder: str, where: str) -> None:
    """The life of a process that dies: it takes in what it is told, or follows what is due."""
    async with opened_world(url, Path(folder), case_events=lambda pool: Dying(pool, where)) as world:
        print(f"port {world.port}", flush=True)
        async with CaseSystemHttp() as http:
            if where == "drafted":
                await follow(following(world, http, SystemClock(), Dying(world.pool, where)))
            await asyncio.sleep(3600)


@asynccontextmanager
async def dying(url: str, folder: Path, where: str) -> AsyncIterator[int]:
    """Such a process, killed when it came so far; its port."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", VICTIM, url, str(folder), where),
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[4],
    )
    assert process.stdout
    try:
        async with asyncio.timeout(60):
            yield int((await said(process.stdout, "port ")).removeprefix("port "))
            await said(process.stdout, where)
    finally:
        process.kill()
        await process.wait()


async def said(stream: asyncio.StreamReader, start: str) -> str:
    """The first line that begins so; log lines stand between."""
    while not (line := (await stream.readline()).decode()).startswith(start):
        assert line, "it ended"
    return line.strip()


async def test_killed_before_it_answered_it_is_told_again_and_is_on_record_once(
    receiving: World, database_url: str, tmp_path: Path
) -> None:
    headers = {"X-API-Key": await receiving.key()}
    async with httpx.AsyncClient(headers=headers, timeout=60) as http:
        async with dying(database_url, tmp_path / "blobs", "taken") as port:
            telling = asyncio.create_task(http.post(f"http://127.0.0.1:{port}{PATH}", json=told()))
        with pytest.raises(httpx.TransportError):
            await telling
        [row] = await rows(receiving)
        assert row["due_at"]
        again = await http.post(f"http://127.0.0.1:{receiving.port}{PATH}", json=told())
    assert again.status_code == 204
    assert await rows(receiving) == [row]


async def test_killed_between_the_draft_and_its_end_there_is_one_draft(
    world: World, database_url: str, tmp_path: Path
) -> None:
    async with sample.world(tmp_path) as zgw, await world.http() as http:
        settings = {**zgw.values, "besluiten_url": zgw.double.addresses["besluiten"]}
        aansluiting = await receive(world, settings)
        zaak = await zgw.deliver(await zgw.handover())
        await delivered(world, aansluiting, zaak)
        assert (await http.post(f"/api/v1/kennisgevingen?verzoeknummer={NUMBER}", json=a_document())).status_code == 201
        besluit = zgw.double.besluiten.add(zaak, BESLUITTYPE, "2026-06-01", verzenddatum="2026-06-02")
        assert (await http.post(PATH, json=told(besluit["url"]))).status_code == 204
        async with dying(database_url, tmp_path / "blobs", "drafted"):
            pass
        [row] = await rows(world)
        assert (row["attempts"], row["ended_at"]) == (1, None)
        later = Clock(SystemClock().now() + timedelta(minutes=11))
        await follow(following(world, zgw.http, later, PostgresCaseEvents(world.pool)))
        [row] = await rows(world)
        drafts: Sequence[dict[str, Any]] = (await http.get("/api/v1/kennisgevingen")).json()
    assert (row["attempts"], row["outcome"]) == (2, "Er is een concept van besluit.")
    assert [(each["moment"], each["state"]) for each in drafts] == [("besluit", "draft"), ("aanvraag", "draft")]
    assert row["kennisgeving_id"] == drafts[0]["id"]


async def delivered(world: World, aansluiting_id: int, zaak: str) -> None:
    """A verzoek that was delivered to this zaak."""
    verzoeken = PostgresVerzoeken(world.pool)
    [aansluiting] = [each for each in await world.registry.aansluitingen() if each.id == aansluiting_id]
    notification = await verzoeken.announced(aansluiting, NewNotification(NUMBER), b"<n/>", NOW)
    assert notification
    new = NewVerzoek(NUMBER, 0, "Aanvraag vergunning", "initieren", "Dakkapel", NOW, False)
    verzoek = await verzoeken.start_verzoek(notification, new, FILES, NOW)
    deliveries = PostgresDeliveries(world.pool)
    [delivery] = await deliveries.plan(verzoek.id, ["map"], NOW)
    await deliveries.record(delivery.id, "zaak", {"url": zaak}, NOW)
