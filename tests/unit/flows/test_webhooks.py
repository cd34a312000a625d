"""Webhooks against a real receiver and database: order, retries, parking, signature, and a kill in the middle."""

import asyncio
import hashlib
import hmac
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send
from tests.servers import serving
from tests.unit.web.rest.world import NOW, OTHER, PRE, World, opened_world

from digikoppelaar.adapters.secret_files import SecretFiles
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.adapters.webhook_client import WebhookClient
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.ports import CpaRecord
from digikoppelaar.flows.webhooks import Webhook, WebhookPoster, signature

SECRET = b"0123456789abcdef0123456789abcdef"
AT_ONCE = (timedelta(0),) * 3


@dataclass
class Application:
    """The system of a leverancier: takes events, or refuses or hangs as a test wants."""

    statuses: dict[str, list[int]] = field(default_factory=dict)
    """By MessageId: what to answer, one after the other; then 200."""
    hangs: set[str] = field(default_factory=set)
    came: list[dict[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            event = await receive()
            body, more = body + event.get("body", b""), event.get("more_body", False)
        said = json.loads(body)
        self.came.append(said)
        self.bodies.append(body)
        self.headers.append({name.decode(): value.decode() for name, value in scope["headers"]})
        name = said["messageId"]
        if name in self.hangs:
            await asyncio.sleep(60)
        status = (self.statuses.get(name) or [200]).pop(0)
        if status == 200:
            self.taken.append(name)
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})


@dataclass
class Told:
    """A world with a webhook, and what is needed to post."""

    world: World
    application: Application
    cpa: CpaRecord
    url: str
    client: WebhookClient
    secret_file: Path

    def poster(
        self, lease: timedelta = timedelta(seconds=45), pauses: tuple[timedelta, ...] = AT_ONCE
    ) -> WebhookPoster:
        return WebhookPoster(
            self.world.webhooks, self.client, SecretFiles(), SystemClock(), slots=4, lease=lease, pauses=pauses
        )

    async def received(self, name: str, conversation: str) -> None:
        await self.world.receive(self.cpa, message_id=name, conversation_id=conversation)

    @asynccontextmanager
    async def posting(self, poster: WebhookPoster | None = None) -> AsyncIterator[WebhookPoster]:
        poster, stop = poster or self.poster(), asyncio.Event()
        running = asyncio.create_task(poster.run(stop))
        try:
            yield poster
        finally:
            stop.set()
            poster.wake()
            await asyncio.wait_for(running, 20)

    async def waiting(self) -> tuple[int, tuple[int, ...]]:
        [row] = await self.world.webhooks.webhooks()
        return row.waiting, row.parked


@pytest.fixture
async def told(database_url: str, tmp_path: Path) -> AsyncIterator[Told]:
    """A CPA with a webhook at a real listener."""
    secret = tmp_path / "geheim"
    secret.write_bytes(SECRET + b"\n")
    application = Application()
    async with (
        opened_world(database_url, tmp_path / "blobs") as world,
        serving(application) as port,
        WebhookClient(timeout=5) as client,
    ):
        cpa, url = await world.cpa(), f"http://127.0.0.1:{port}/berichten"
        assert await world.webhooks.set_webhook(Webhook(cpa.agreement.cpa_id, PRE, url, str(secret)), NOW)
        yield Told(world, application, cpa, url, client, secret)


async def until(condition: object, seconds: float = 15.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0.01)


async def test_an_event_is_posted_with_a_signature_that_five_lines_can_verify(told: Told) -> None:
    await told.received("m1@x", "c1")
    async with told.posting():
        await until(lambda: told.application.taken)
    [said], [headers], [body] = told.application.came, told.application.headers, told.application.bodies
    assert said["type"] == "RECEIVED"
    assert (said["messageId"], said["conversationId"], said["omgeving"]) == ("m1@x", "c1", PRE)
    assert (said["cpaId"], said["action"]) == (told.cpa.agreement.cpa_id, "notificeer")
    assert said["href"] == "/api/v1/messages/m1%40x"
    assert headers["digikoppelaar-event"] == said["id"]
    at, _, given = headers["digikoppelaar-signature"].partition(",v1=")
    expected = hmac.new(SECRET, at.removeprefix("t=").encode() + b"." + body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(given, expected)
    assert abs(int(at.removeprefix("t=")) - time.time()) < 60
    assert await told.waiting() == (0, ())


def test_a_signature_covers_time_and_body() -> None:
    assert signature(SECRET, 1, b"{}") != signature(SECRET, 2, b"{}") != signature(SECRET, 2, b"{ }")
    assert signature(SECRET, 1, b"{}").startswith("t=1,v1=")


async def test_a_commit_wakes_the_poster_of_another_process(told: Told) -> None:
    from digikoppelaar.adapters.postgres.connect import listen
    from digikoppelaar.adapters.postgres.webhooks import CHANNEL

    heard = 0
    url = told.world.pool.conninfo
    assert callable(url)
    address = await url()

    async def hear() -> None:
        nonlocal heard
        async for _ in listen(lambda: str(address), CHANNEL):
            heard += 1

    listening = asyncio.create_task(hear())
    await until(lambda: heard == 1)
    await told.received("m1@x", "c1")
    await until(lambda: heard == 2)
    listening.cancel()


async def test_a_later_event_of_a_conversation_waits_and_others_do_not(told: Told) -> None:
    told.application.statuses["a1@x"] = [500, 503]
    for name, conversation in (("a1@x", "a"), ("a2@x", "a"), ("b1@x", "b"), ("b2@x", "b")):
        await told.received(name, conversation)
    async with told.posting(told.poster(pauses=(timedelta(seconds=0.5),) * 3)):
        await until(lambda: len(told.application.taken) == 4)
    assert told.application.taken == ["b1@x", "b2@x", "a1@x", "a2@x"]
    assert [said["messageId"] for said in told.application.came].count("a2@x") == 1


async def test_an_event_that_is_refused_too_often_is_parked_and_can_be_released(told: Told) -> None:
    told.application.statuses["a1@x"] = [500, 404, 302, 500]
    await told.received("a1@x", "a")
    await told.received("a2@x", "a")
    async with told.posting() as poster:
        async with asyncio.timeout(15):
            while not (await told.waiting())[1]:
                await asyncio.sleep(0.01)
        waiting, [parked] = await told.waiting()
        assert waiting == 2
        assert told.application.taken == []
        [row] = await told.world.webhooks.webhooks()
        assert row.last_reason == "HTTP status 500"
        assert await told.world.webhooks.release(parked, NOW)
        assert not await told.world.webhooks.release(parked, NOW)
        poster.wake()
        await until(lambda: told.application.taken == ["a1@x", "a2@x"])
    assert len({said["id"] for said in told.application.came if said["messageId"] == "a1@x"}) == 1


async def test_a_post_that_is_killed_in_the_middle_is_made_again_with_the_same_id(told: Told) -> None:
    told.application.hangs.add("m1@x")
    await told.received("m1@x", "c1")
    poster = told.poster(lease=timedelta(seconds=1))
    killed = asyncio.create_task(poster.run(asyncio.Event()))
    await until(lambda: told.application.came)
    killed.cancel()
    for post in list(poster._posts):
        post.cancel()
    await asyncio.wait({killed, *poster._posts})
    assert (await told.waiting())[0] == 1
    told.application.hangs.clear()
    async with told.posting(told.poster(lease=timedelta(seconds=1))):
        await until(lambda: told.application.taken == ["m1@x"])
    assert len({said["id"] for said in told.application.came}) == 1
    assert len(told.application.came) == 2


async def test_two_nodes_post_an_event_once(told: Told) -> None:
    for number in range(20):
        await told.received(f"m{number}@x", f"c{number}")
    async with told.posting(), told.posting():
        await until(lambda: len(told.application.taken) == 20)
    assert len(told.application.came) == 20


async def test_an_application_that_hangs_holds_up_no_other(told: Told, tmp_path: Path) -> None:
    other = Application()
    async with serving(other) as port:
        cpa = await told.world.cpa(OTHER, name="cpa-van-een-ander")
        url = f"http://127.0.0.1:{port}/"
        await told.world.webhooks.set_webhook(Webhook("cpa-van-een-ander", PRE, url, str(told.secret_file)), NOW)
        for number in range(6):
            told.application.hangs.add(f"m{number}@x")
            await told.received(f"m{number}@x", f"c{number}")
        await told.world.receive(cpa, message_id="snel@x")
        async with told.posting():
            await until(lambda: other.taken == ["snel@x"])
            assert len(told.application.came) == 4


async def test_a_secret_that_is_not_there_refuses_the_event_and_says_so(told: Told) -> None:
    told.secret_file.unlink()
    await told.received("m1@x", "c1")
    async with told.posting(told.poster(pauses=())):
        async with asyncio.timeout(15):
            while not (await told.waiting())[1]:
                await asyncio.sleep(0.01)
    [row] = await told.world.webhooks.webhooks()
    assert row.last_reason
    assert "secret file" in row.last_reason
    assert told.application.came == []


async def test_a_webhook_that_is_removed_leaves_its_events_to_rest(told: Told) -> None:
    await told.received("m1@x", "c1")
    assert await told.world.webhooks.remove_webhook(PRE, told.cpa.agreement.cpa_id)
    assert not await told.world.webhooks.remove_webhook(PRE, told.cpa.agreement.cpa_id)
    async with await told.world.http() as http:
        [event] = (await http.get("/service/rest/v19/ebms/events/unprocessed")).json()
    assert event == {"messageId": "m1@x", "type": "RECEIVED"}


async def test_a_webhook_needs_a_cpa_that_is_not_the_intakes(told: Told) -> None:
    await told.world.pool_execute("UPDATE cpa SET consumer = 'intake'")
    for name in (told.cpa.agreement.cpa_id, "onbekend"):
        assert not await told.world.webhooks.set_webhook(Webhook(name, PRE, told.url, "x"), NOW)


async def test_the_client_follows_no_redirect_and_insists_on_https(told: Told) -> None:
    async def elsewhere(scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        await send({"type": "http.response.start", "status": 307, "headers": [(b"location", told.url.encode())]})
        await send({"type": "http.response.body", "body": b""})

    async with serving(elsewhere) as port:
        assert await told.client.post(f"http://127.0.0.1:{port}/", b"{}", {}) == 307
    assert told.application.came == []
    for url in ("http://10.0.0.1/", "ftp://127.0.0.1/", "https://gebruiker:geheim@elders.example/", "http://", "x"):
        with pytest.raises(ConfigError):
            await told.client.post(url, b"{}", {})


@pytest.mark.parametrize("content", [b"", b"te kort\n"])
def test_a_short_secret_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "geheim"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match="16 bytes"):
        SecretFiles().secret(str(file))


async def test_what_waits_longest_has_its_turn_when_it_is_due(told: Told) -> None:
    await told.received("m1@x", "c1")
    now: datetime = SystemClock().now()
    lease = timedelta(seconds=30)
    [first] = await told.world.webhooks.claim(now, lease, {}, 4)
    assert first.attempt == 1
    assert await told.world.webhooks.claim(now, lease, {}, 4) == []
    assert await told.world.webhooks.next_due() == now + lease
    await told.world.webhooks.refused(first, now + timedelta(seconds=5), now, 500, "HTTP status 500")
    assert await told.world.webhooks.claim(now + timedelta(seconds=4), lease, {}, 4) == []
    [again] = await told.world.webhooks.claim(now + timedelta(seconds=5), lease, {}, 4)
    assert (again.event_id, again.attempt) == (first.event_id, 2)
    await told.world.webhooks.taken(again, now)
    assert await told.world.webhooks.next_due() is None


def test_the_five_lines_of_the_documentation_tell_a_genuine_event() -> None:
    text = (Path(__file__).parents[3] / "docs" / "howto" / "connect-an-application.md").read_text()
    [lines] = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    names: dict[str, Any] = {}
    exec(lines, names)  # the text of our own page
    now, body = int(time.time()), b'{"id": "1"}'
    is_genuine = names["is_genuine"]
    assert is_genuine(signature(SECRET, now, body), body, SECRET)
    assert not is_genuine(signature(SECRET, now, body), body + b" ", SECRET)
    assert not is_genuine(signature(SECRET, now - 3600, body), body, SECRET)
    assert not is_genuine(signature(b"x" * 32, now, body), body, SECRET)
