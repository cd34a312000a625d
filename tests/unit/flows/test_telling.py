"""Case systems and applications get to know what became of a kennisgeving, over real folders and sockets, once each."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from tests.servers import serving
from tests.unit.drop.notices import KENNISGEVING
from tests.unit.flows.kennisgeving_store_contract import PUBLISHED, WHO
from tests.unit.flows.koop_world import NOW, Clock

from digikoppelaar.adapters.casesystems import kinds
from digikoppelaar.adapters.casesystems.http import CaseSystemHttp
from digikoppelaar.adapters.memory.kennisgevingen import MemoryKennisgevingen
from digikoppelaar.adapters.secret_files import SecretFiles
from digikoppelaar.adapters.webhook_client import WebhookClient
from digikoppelaar.drop.document import to_document
from digikoppelaar.flows.kennisgeving_states import KennisgevingEvent as Event
from digikoppelaar.flows.ports import Aansluiting, CaseSystemSettings, PublishingSettings
from digikoppelaar.flows.ports.kennisgevingen import Facts, Key, Origin, StoredKennisgeving
from digikoppelaar.flows.ports.tellings import StoredTelling
from digikoppelaar.flows.targets import flattened
from digikoppelaar.flows.telling import Teller, TellSettings, tell_again
from digikoppelaar.flows.under_way import UnderWay
from digikoppelaar.flows.webhooks import PAUSES

OIN, DIENST = "00000099000000001000", "00000099000000007000"
ORIGIN = Origin(2, "2026060200019")
SECRET = b"een geheim van meer dan zestien bytes"
FILE = f"pre/{OIN}/{ORIGIN.verzoeknummer}-publicatie-{PUBLISHED.number}.json"
FORSAKEN = timedelta(seconds=5)


@dataclass
class Receiver:
    """What a supplier or an application listens with: answers with `statuses` in turn, then 204; hangs when told."""

    statuses: list[int] = field(default_factory=list)
    hangs: bool = False
    came: list[tuple[Mapping[str, str], bytes]] = field(default_factory=list)
    url: str = ""

    async def take(self, request: Request) -> Response:
        self.came.append((request.headers, await request.body()))
        if self.hangs:
            await asyncio.sleep(60)
        return Response(status_code=self.statuses.pop(0) if self.statuses else 204)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        async with serving(Starlette(routes=[Route("/{path:path}", self.take, methods=["POST"])])) as port:
            self.url = f"http://127.0.0.1:{port}"
            yield


@dataclass
class World:
    """A gemeente with a case folder and the interface of a supplier, and an application that hears of its notices."""

    folder: Path
    supplier: Receiver
    application: Receiver
    http: CaseSystemHttp
    client: WebhookClient
    store: MemoryKennisgevingen = field(default_factory=MemoryKennisgevingen)
    clock: Clock = field(default_factory=Clock)
    targets: list[dict[str, Any]] = field(default_factory=list)
    webhook: str = ""

    def __post_init__(self) -> None:
        self.folder.joinpath("secret").write_bytes(SECRET)
        self.webhook = f"{self.application.url}/kennisgevingen"
        vth = {"url": f"{self.supplier.url}/verzoeken", "upload": "nee", "publication": {"url": self.supplier.url}}
        self.targets = [
            {"name": "map", "kind": "folder", "settings": {"path": str(self.folder)}},
            {"name": "vth", "kind": "webhook", "settings": vth},
        ]

    @property
    def teller(self) -> Teller:
        facilities = kinds.Facilities(self.http, self.clock)
        return Teller(
            self.store.tellings,
            self.aansluitingen,
            lambda aansluiting, target: kinds.make(aansluiting, target, facilities),
            self.client,
            SecretFiles(),
            self.clock,
            TellSettings(slots=2, forsaken=FORSAKEN),
        )

    async def aansluitingen(self) -> list[Aansluiting]:
        publishing = PublishingSettings("poc", "Voorbeeldstad", "gemeente", "gmb")
        secret = str(self.folder / "secret")
        publishing = replace(publishing, webhook_url=self.webhook, webhook_secret_file=secret)
        flat = flattened(self.targets)
        settings = CaseSystemSettings(flat.pop("kind"), flat)
        about = (OIN, "Gemeente Voorbeeldstad")
        return [
            Aansluiting(1, *about, "drop", "pre", OIN, None, None, publishing=publishing),
            Aansluiting(2, *about, "stam", "pre", OIN, None, settings),
        ]

    async def draft(self, origin: Origin | None = ORIGIN) -> StoredKennisgeving:
        number = len(self.store.rows) + 1
        key = Key(1, KENNISGEVING.referentienummer, "aanvraag", "gmb", number)
        made, _ = await self.store.draft(key, to_document(KENNISGEVING), WHO, origin)
        return await self.store.move(made.id, Event.APPROVED, WHO, Facts(due_at=NOW))

    async def published(self, origin: Origin | None = ORIGIN, number: str = PUBLISHED.number) -> StoredKennisgeving:
        made = await self.draft(origin)
        [row] = await self.store.claim(NOW, 1, 100)
        await self.store.settle(row, Event.ACCEPTED, Facts(due_at=NOW), NOW)
        await self.store.looked(made.id, NOW, replace(PUBLISHED, number=number), NOW)
        return await self.store.kennisgeving(made.id)

    def took(self, *targets: str) -> None:
        for target in targets:
            self.store.tellings.took(ORIGIN, target, f"{target}/1", NOW)

    async def tell(self) -> int:
        """One look, and what it begins to its end."""
        async with UnderWay("telling") as under_way:
            return await self.teller.tell_due(under_way)

    def telling(self, target: str | None, number: int = -1) -> StoredTelling:
        return [row for row in self.store.tellings.rows.values() if row.target == target][number]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    supplier, application = Receiver(), Receiver()
    async with (
        supplier.listening(),
        application.listening(),
        CaseSystemHttp() as http,
        WebhookClient(timeout=10) as client,
    ):
        yield World(tmp_path, supplier, application, http, client)


# --- Case systems ----------------------------------------------------------------------------------------------------


async def test_every_target_that_took_the_verzoek_is_told_once(world: World) -> None:
    world.took("map", "vth")
    row = await world.published()
    assert await world.tell() == 2
    assert await world.tell() == 0
    said = json.loads((world.folder / FILE).read_bytes())
    assert (said["zaak"], said["kennisgeving"]["id"]) == ("map/1", row.id)
    [(headers, body)] = world.supplier.came
    assert json.loads(body) == {**said, "zaak": "vth/1"}
    assert headers["idempotency-key"] == f"pre-{OIN}-{ORIGIN.verzoeknummer}-publicatie-{PUBLISHED.number}"
    assert [world.telling(each).told_at for each in ("map", "vth")] == [NOW, NOW]


async def test_a_target_that_is_away_is_tried_again_as_a_delivery_is_and_holds_up_no_other(world: World) -> None:
    world.took("map", "vth")
    world.supplier.statuses = [503, 503]
    await world.published()
    for _ in range(2):
        await world.tell()
        telling = world.telling("vth")
        assert telling.due_at
        assert "503" in (telling.reason or "")
        assert "vanzelf opnieuw" in (telling.advice or "")
        world.clock.time = telling.due_at
    await world.tell()
    assert (world.telling("vth").attempts, world.telling("vth").told_at) == (3, world.clock.time)
    assert world.telling("map").attempts == 1


async def test_what_a_target_refuses_waits_for_a_person_who_releases_the_verzoek(world: World) -> None:
    world.took("vth")
    world.supplier.statuses = [422]
    row = await world.published()
    await world.tell()
    telling = world.telling("vth")
    assert (telling.due_at, telling.told_at) == (None, None)
    assert "verzoek release" in (telling.advice or "")
    stores = (world.store, world.store.tellings)
    assert await tell_again(*stores, Origin(9, ORIGIN.verzoeknummer), WHO, dry_run=False) == []
    assert await tell_again(*stores, ORIGIN, WHO, dry_run=True) == [row.id]
    assert await world.tell() == 0
    assert await tell_again(*stores, ORIGIN, WHO, dry_run=False) == [row.id]
    assert await world.tell() == 1
    assert world.telling("vth").told_at == NOW


async def test_a_target_that_is_no_longer_there_or_wants_nothing_is_told_nothing_and_that_is_noted(
    world: World,
) -> None:
    world.took("map", "vth")
    world.targets = world.targets[1:]
    del world.targets[0]["settings"]["publication"]
    await world.published()
    await world.tell()
    assert "staat niet meer in de instellingen" in world.telling("map").note
    assert "geen publication.url" in world.telling("vth").note
    assert (world.supplier.came, await world.tell()) == ([], 0)


@pytest.mark.parametrize(
    ("when", "first"),
    [
        ({"concept": True}, False),
        ({"concept": False, "type": "Aanvraag vergunning"}, True),
        ({"bevoegd_gezag": OIN}, True),
        ({"behandeldienst": DIENST}, False),
        ({"activiteit": "Bouwactiviteit"}, False),
    ],
)
async def test_of_targets_with_one_name_the_one_is_told_that_fits_what_is_left_of_the_verzoek(
    world: World, when: dict[str, Any], first: bool
) -> None:
    elsewhere = world.folder / "elders"
    elsewhere.mkdir()
    world.targets = [{**world.targets[0], "when": when}, {**world.targets[0], "settings": {"path": str(elsewhere)}}]
    world.took("map")
    await world.published()
    await world.tell()
    assert [(folder / FILE).exists() for folder in (world.folder, elsewhere)] == [first, not first]


async def test_a_case_that_is_being_made_anew_is_waited_for(world: World) -> None:
    world.took("map")
    await world.published()
    case = world.store.tellings.cases.pop((ORIGIN, "map"))
    await world.tell()
    telling = world.telling("map")
    assert telling.due_at
    assert "opnieuw" in (telling.advice or "")
    world.store.tellings.cases[ORIGIN, "map"] = case
    world.clock.time = telling.due_at
    await world.tell()
    assert world.telling("map").told_at


# --- Applications ----------------------------------------------------------------------------------------------------


async def test_an_application_hears_what_became_of_a_notice_in_order_and_never_its_text(world: World) -> None:
    world.store.tellings.webhooks.add(1)
    made = await world.draft(origin=None)
    [row] = await world.store.claim(NOW, 1, 1)
    await world.store.settle(row, Event.REFUSED, Facts(reason="rubriek"), NOW)
    await world.store.move(made.id, Event.RESUMED, WHO, Facts(due_at=NOW))
    [row] = await world.store.claim(NOW, 1, 1)
    await world.store.settle(row, Event.UNANSWERED, Facts(due_at=NOW), NOW)
    await world.store.looked(made.id, NOW, PUBLISHED, NOW)
    while await world.tell():
        pass
    bodies = [json.loads(body) for _, body in world.application.came]
    assert [(each["type"], each["state"]) for each in bodies] == [
        ("kennisgeving.refused", "refused"),
        ("kennisgeving.unknown", "unknown"),
        ("kennisgeving.published", "published"),
    ]
    assert bodies[0]["publication"] is bodies[1]["publication"] is None
    assert bodies[2] == {
        "id": "kennisgeving-3",
        "type": "kennisgeving.published",
        "at": NOW.isoformat(),
        "omgeving": "pre",
        "oin": OIN,
        "kennisgevingId": made.id,
        "referentienummer": KENNISGEVING.referentienummer,
        "moment": "aanvraag",
        "blad": "gmb",
        "number": 1,
        "state": "published",
        "verzoeknummer": None,
        "publication": {"number": PUBLISHED.number, "url": PUBLISHED.url, "publishedOn": "2026-06-04"},
        "href": f"/api/v1/kennisgevingen/{made.id}",
    }


async def test_a_post_is_signed_as_other_webhooks_are(world: World) -> None:
    world.store.tellings.webhooks.add(1)
    await world.published()
    await world.tell()
    [(headers, body)] = world.application.came
    at, _, given = headers["digikoppelaar-signature"].partition(",v1=")
    expected = hmac.new(SECRET, at.removeprefix("t=").encode() + b"." + body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(given, expected)
    assert headers["digikoppelaar-event"] == json.loads(body)["id"] == "kennisgeving-1"


async def test_an_application_that_refuses_is_asked_eleven_times_and_then_a_person(world: World) -> None:
    world.store.tellings.webhooks.add(1)
    world.application.statuses = [500, 302, 404, *[503] * 8]
    row = await world.published()
    pauses = []
    while due_at := world.telling(None).due_at:
        world.clock.time = due_at
        await world.tell()
        next_at = world.telling(None).due_at
        pauses.append(next_at - world.clock.time if next_at else None)
    assert pauses == [*PAUSES, None]
    parked = world.telling(None)
    assert (parked.reason, parked.told_at) == ("HTTP status 503", None)
    assert "kennisgeving tell" in (parked.advice or "")
    await world.store.tellings.again(row.id, replace(WHO, at=world.clock.time))
    await world.tell()
    assert world.telling(None).told_at
    assert len({headers["digikoppelaar-event"] for headers, _ in world.application.came}) == 1


async def test_a_webhook_that_has_no_secret_or_is_taken_away_is_not_posted_to(world: World) -> None:
    world.store.tellings.webhooks.add(1)
    world.folder.joinpath("secret").unlink()
    await world.published()
    await world.tell()
    assert "secret" in (world.telling(None).reason or "")
    world.webhook = ""
    world.clock.time += PAUSES[0]
    await world.tell()
    assert "geen webhook_url meer" in world.telling(None).note
    assert world.application.came == []


# --- Killed in the middle, and hanging -------------------------------------------------------------------------------


async def test_an_attempt_that_is_killed_is_made_once_more_with_the_same_id(world: World) -> None:
    world.store.tellings.webhooks.add(1)
    world.took("vth")
    await world.published()
    world.supplier.hangs = world.application.hangs = True
    killed = asyncio.create_task(world.tell())
    async with asyncio.timeout(20):
        while not (world.supplier.came and world.application.came):
            await asyncio.sleep(0.01)
    killed.cancel()
    await asyncio.wait({killed})
    world.supplier.hangs = world.application.hangs = False
    assert await world.tell() == 0, "whoever made it may still be at it"
    world.clock.time += FORSAKEN
    assert await world.tell() == 2
    assert [world.telling(each).attempts for each in ("vth", None)] == [2, 2]
    assert len({headers["idempotency-key"] for headers, _ in world.supplier.came}) == 1
    assert len({headers["digikoppelaar-event"] for headers, _ in world.application.came}) == 1


async def test_one_that_hangs_takes_its_own_slots_only_and_is_given_up_before_another_may_try(world: World) -> None:
    world.took("map", "vth")
    world.supplier.hangs = True
    for number in range(4):
        origin = replace(ORIGIN, verzoeknummer=f"2026060200{number:03}")
        for target in ("map", "vth"):
            world.store.tellings.took(origin, target, target, NOW)
        await world.published(origin, f"gmb-2026-{number}")
    async with UnderWay("telling") as under_way:
        begun = 0
        async with asyncio.timeout(20):
            while sum(row.told_at is not None for row in world.store.tellings.rows.values()) < 4:
                begun += await world.teller.tell_due(under_way)
                await asyncio.sleep(0.01)
        assert len(world.supplier.came) == 2
        assert begun == 6
    assert [row.reason for row in world.store.tellings.rows.values() if row.reason] == ["unexpected TimeoutError"] * 2
