"""A notification that is passed on: signed, whole, and on record as such only when its receiver has it."""

import base64
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace

import pytest
from tests.unit.flows.dso_world import AANSLUITING, NOW, NUMBER, Crash, Doom, Doomed, Standstill

from digikoppelaar.adapters.memory.blobs import MemoryBlobs
from digikoppelaar.adapters.memory.verzoeken import MemoryVerzoeken
from digikoppelaar.errors import PartnerUnreachable
from digikoppelaar.flows.attempts import Done
from digikoppelaar.flows.intake import Intake
from digikoppelaar.flows.intake_states import Park, Retry
from digikoppelaar.flows.pass_on import PassOn, body_of
from digikoppelaar.flows.ports import NewNotification, Original, Receiver
from digikoppelaar.flows.webhooks import signature

URL = "https://leverancier.example/notificaties"
HERE = replace(AANSLUITING, pass_on=Receiver(URL, "geheim"))
TRIGGER = b"<n><verzoeknummer>2026060200019</verzoeknummer></n>"
SECRET = b"een geheim van genoeg bytes"


@dataclass
class System:
    """The receiver: keeps what it gets, and answers with `statuses` in turn; None is no answer."""

    statuses: list[int | None] = field(default_factory=list)
    got: list[tuple[str, bytes, Mapping[str, str]]] = field(default_factory=list)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        self.got.append((url, body, headers))
        status = self.statuses.pop(0) if self.statuses else 204
        if status is None:
            raise PartnerUnreachable("nobody there")
        return status

    def secret(self, file: str) -> bytes:
        assert file == "geheim"
        return SECRET


class World:
    def __init__(self, *statuses: int | None) -> None:
        self.store, self.blobs, self.system = MemoryVerzoeken(), MemoryBlobs(), System(list(statuses))

    def intake(self, store: object = None) -> Intake:
        kept = store or self.store
        passing = PassOn(kept, self.blobs, self.system, self.system, Standstill())  # type: ignore[arg-type]
        return Intake(kept, _no_dso, self.blobs, Standstill(), pass_on=passing)  # type: ignore[arg-type]

    async def announce(self) -> int:
        made = await self.store.announced(HERE, NewNotification(NUMBER), TRIGGER, NOW)
        assert made is not None
        return made

    async def state(self, number: int) -> str:
        return (await self.store.notification(number)).state


def _no_dso(_: object) -> object:
    raise AssertionError("nothing is fetched")


async def test_the_receiver_gets_the_notification_whole_and_signed() -> None:
    world = World()
    number = await world.announce()
    assert await world.intake().attempt(number, 1) == Done()
    [(url, body, headers)] = world.system.got
    assert url == URL
    assert headers["Digikoppelaar-Signature"] == signature(SECRET, int(NOW.timestamp()), body)
    assert headers["Digikoppelaar-Event"] == f"notification-{number}"
    said = json.loads(body)
    assert base64.b64decode(said["notification"]) == TRIGGER
    assert (said["verzoeknummer"], said["oin"], said["intrekking"]) == (NUMBER, HERE.organisatie_oin, False)
    assert (await world.state(number), world.store.verzoeken) == ("passed_on", {})


async def test_it_is_passed_on_once() -> None:
    world = World()
    number = await world.announce()
    for attempt in (1, 2):
        await world.intake().attempt(number, attempt)
    assert len(world.system.got) == 1


@pytest.mark.parametrize("status", [None, 500, 503, 429, 408])
async def test_a_receiver_that_is_away_is_tried_again(status: int | None) -> None:
    world = World(status)
    number = await world.announce()
    assert isinstance(await world.intake().attempt(number, 1), Retry)
    assert await world.state(number) == "received"
    assert await world.intake().attempt(number, 2) == Done()


@pytest.mark.parametrize("status", [302, 400, 401, 404])
async def test_a_receiver_that_refuses_makes_it_wait_for_a_person(status: int) -> None:
    world = World(status)
    number = await world.announce()
    assert await world.intake().attempt(number, 1) == Park()
    assert "pass_on_url" in world.store.notification_troubles[number].advice
    await world.store.release(HERE.id, NUMBER, NOW)
    assert await world.intake().attempt(number, 1) == Done()


async def test_a_crash_anywhere_posts_the_same_event_again_and_loses_nothing() -> None:
    for door in range(1, 20):
        world = World()
        number = await world.announce()
        doom = Doom(door)
        try:
            await world.intake(Doomed(world.store, doom)).fetch(number)
        except Crash:
            await world.intake().fetch(number)
        assert await world.state(number) == "passed_on"
        assert {headers["Digikoppelaar-Event"] for _, _, headers in world.system.got} == {f"notification-{number}"}
        if doom.passed < door:
            return
    raise AssertionError("there are more doors than were tried")


async def test_a_large_notification_comes_out_of_its_blob() -> None:
    async def once() -> AsyncIterator[bytes]:
        yield TRIGGER

    world = World()
    number = await world.announce()
    await world.blobs.put("groot", once())
    large = replace_original(world.store, Original(blob="groot"))
    await world.intake(large).fetch(number)
    assert base64.b64decode(json.loads(world.system.got[0][1])["notification"]) == TRIGGER


def replace_original(store: MemoryVerzoeken, original: Original) -> MemoryVerzoeken:
    """The same store, of which every notification came as `original`."""

    class Large(MemoryVerzoeken):
        async def original(self, notification_id: int) -> Original:
            return original

    return Large(**{name: getattr(store, name) for name in MemoryVerzoeken.__dataclass_fields__ if name[0] != "_"})


async def test_what_a_search_found_has_no_original() -> None:
    world = World()
    notification = await world.store.notification(await world.announce())
    assert json.loads(body_of(notification, None))["notification"] is None
