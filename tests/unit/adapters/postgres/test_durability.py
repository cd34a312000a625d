"""What only a real database shows of the statements on durability: kills between two steps, senders side by side, and
a record of everything.

A killed process is a real one: it works on the same database, says where it is, and gets SIGKILL there.
"""

import asyncio
import re
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import psycopg
import pytest
from tests.unit.adapters.postgres.world import World
from tests.unit.ebms.cpas import DSO, GEMEENTE
from tests.unit.flows.ebms_world import Watch, until
from tests.unit.flows.stored_messages import LEASE, NOW, RELIABLE, after, inbound_of, outbound_of

import digikoppelaar
from digikoppelaar.adapters.memory.blobs import MemoryBlobs
from digikoppelaar.adapters.postgres.connect import opened_pool
from digikoppelaar.adapters.postgres.messages import PostgresMessages
from digikoppelaar.ebms.reliability import Event, State
from digikoppelaar.flows.ports import Claimed, NewNotification, Reply, Streamed
from digikoppelaar.flows.reading import Direction, MessageFilter
from digikoppelaar.flows.send import Sender

BODY = b"<soap>\x00\xff</soap>"
Meanwhile = Callable[[bytes], Awaitable[None]]


async def nothing(_: bytes) -> None:
    """Look at nothing meanwhile."""


@dataclass(slots=True)
class Line:
    """A Transport that keeps what went over it, and lets a test look around while a post is under way."""

    posts: list[bytes] = field(default_factory=list)
    meanwhile: Meanwhile = nothing

    async def post(
        self, omgeving: str, partij_oin: str, endpoint: str, content_type: str, body: bytes | Streamed
    ) -> Reply:
        """See flows.ports.Transport."""
        assert isinstance(body, bytes)
        self.posts.append(body)
        await self.meanwhile(body)
        return Reply(204)


class Unheard:
    """Nothing here is synchronous."""

    async def take(self, claimed: Claimed, reply: Reply) -> None:
        """See flows.response.Responses."""
        raise AssertionError("a response to an asynchronous message is not read")


@asynccontextmanager
async def sending(url: str, line: Line, watch: Watch) -> AsyncIterator[Sender]:
    """A sender with connections of its own, until the context ends."""
    async with opened_pool(lambda: url, 4) as pool:
        sender, stop = (
            Sender(PostgresMessages(pool), line, watch, MemoryBlobs(), Unheard(), lease=LEASE),
            asyncio.Event(),
        )
        running = asyncio.create_task(sender.run(stop))
        yield sender
        stop.set()
        sender.wake()
        await asyncio.wait_for(running, 10)


async def states(world: World) -> Counter[str]:
    """How many messages of ours are in each state."""
    return Counter(row.state for row in await world.reading.messages(MessageFilter(direction=Direction.OUT)))


async def until_all_are(world: World, state: State, count: int) -> None:
    """Wait for it."""
    async with asyncio.timeout(20):
        while await states(world) != {state: count}:
            await asyncio.sleep(0.01)


# --- Before the first byte -----------------------------------------------------------------------------------


@pytest.mark.statement(64)
@pytest.mark.parametrize("ours", [True, False], ids=["committed-by-the-sender", "committed-elsewhere"])
async def test_a_message_and_its_attempt_are_durable_before_the_first_byte(world: World, *, ours: bool) -> None:
    found: list[tuple[object, ...]] = []

    async def look(_: bytes) -> None:
        async with await psycopg.AsyncConnection.connect(world.url) as other:  # sees only what was committed
            told = "SELECT message.body, message.state, attempt.number FROM outbound_message AS message JOIN attempt"
            rows = await other.execute(f"{told} ON attempt.outbound_message_id = message.id".encode())
            found.extend(await rows.fetchall())

    line = Line(meanwhile=look)
    async with sending(world.url, line, Watch(NOW)) as sender:
        message = outbound_of(world.pre, "a1", reliable=RELIABLE)
        if ours:
            await until(lambda: sender._running)
            await sender.commit(message, sender.messages.queue_outbound)
        else:
            await world.messages.queue_outbound(message)
            sender.wake()
        await until_all_are(world, State.SENT, 1)
    assert found == [(BODY, "sending", 1)]
    assert line.posts == [BODY]


# --- Kills ---------------------------------------------------------------------------------------------------

VICTIM = """
import asyncio, sys
from datetime import timedelta
from tests.unit.adapters.postgres.test_durability import Line, Watch, killed_while_sending
asyncio.run(killed_while_sending(sys.argv[1], sys.argv[2]))
"""


async def killed_while_sending(url: str, where: str) -> None:
    """The life of a victim: it sends what is due, says when it is there, and waits for its end."""

    async def says_so(_: bytes) -> None:
        print(where, flush=True)
        await asyncio.sleep(3600)

    async with opened_pool(lambda: url, 4) as pool:
        messages = PostgresMessages(pool)
        if where == "claimed":
            [_] = await messages.claim(NOW, LEASE, {}, 4)
            await says_so(b"")
        async with sending(url, Line(meanwhile=says_so), Watch(NOW)):
            await asyncio.sleep(3600)


async def killed(url: str, where: str) -> None:
    """Let a process come so far and kill it there."""
    victim = await asyncio.create_subprocess_exec(
        sys.executable, "-c", VICTIM, url, where, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[4]
    )
    assert victim.stdout
    async with asyncio.timeout(30):
        assert (await victim.stdout.readline()).decode().strip() == where
    victim.kill()
    await victim.wait()


@pytest.mark.statement(212)
async def test_killed_between_storing_and_sending_the_very_message_goes_out(world: World) -> None:
    await world.messages.queue_outbound(outbound_of(world.pre, "a1", reliable=RELIABLE))
    await killed(world.url, "claimed")
    assert await states(world) == {State.SENDING: 1}
    line = Line()
    async with sending(world.url, line, Watch(NOW + RELIABLE.retry_interval)):
        await until_all_are(world, State.SENT, 1)
    assert line.posts == [BODY]
    page = await world.reading.message(Direction.OUT, 1)
    assert page
    assert [(each.number, each.event) for each in page.attempts] == [(1, "lease_lost"), (2, "transported")]


@pytest.mark.statement(66, 213)
async def test_killed_between_the_answer_and_storing_it_the_same_bytes_go_out_again(world: World) -> None:
    """That the partner takes these for a duplicate is proven in tests/unit/flows."""
    await world.messages.queue_outbound(outbound_of(world.pre, "a1", reliable=RELIABLE))
    await killed(world.url, "answered")
    line = Line()
    async with sending(world.url, line, Watch(NOW + RELIABLE.retry_interval)):
        await until_all_are(world, State.SENT, 1)
    assert line.posts == [BODY]
    assert await world.count("outbound_message") == 1


# --- Side by side, and the clock -----------------------------------------------------------------------------


@pytest.mark.statement(215)
async def test_two_senders_on_one_database_never_make_the_same_attempt(world: World) -> None:
    async def takes_a_while(_: bytes) -> None:
        await asyncio.sleep(0.02)  # so that one has no slot left for all of them

    lines, count = (Line(meanwhile=takes_a_while), Line(meanwhile=takes_a_while)), 60
    async with sending(world.url, lines[0], Watch(NOW)) as one, sending(world.url, lines[1], Watch(NOW)) as other:
        for number in range(count):
            message = outbound_of(world.pre, f"a{number}", partner=f"p{number % 3}")
            await world.messages.queue_outbound(replace(message, body=f"a{number}".encode()))
            one.wake()
            other.wake()
        await until_all_are(world, State.DELIVERED, count)
    assert all(line.posts for line in lines), "both took part"
    assert sorted(lines[0].posts + lines[1].posts) == sorted(f"a{number}".encode() for number in range(count))
    assert await world.count("attempt") == count


@pytest.mark.statement(96, 103)
async def test_of_two_copies_at_one_moment_one_is_stored(world: World) -> None:
    async with opened_pool(lambda: world.url, 4) as pool:
        workers = world.messages, PostgresMessages(pool)
        for number in range(20):
            copy = inbound_of(world.pre, f"m{number}")
            answers = outbound_of(world.pre, f"a{number}"), outbound_of(world.pre, f"b{number}")
            recorded = await asyncio.gather(
                *(each.record_inbound(copy, answer, None) for each, answer in zip(workers, answers, strict=True))
            )
            assert len([each for each in recorded if each]) == 1
    assert (await world.count("inbound_message"), await world.count("outbound_message")) == (20, 20)


@pytest.mark.statement(68, 81)
async def test_an_acknowledgment_between_two_sends_ends_them_also_when_it_overtakes_its_own_answer(
    world: World,
) -> None:
    await world.messages.queue_outbound(outbound_of(world.pre, "a1", reliable=RELIABLE))
    [claimed] = await world.messages.claim(NOW, LEASE, {}, 4)
    for _ in range(2):
        settled = await world.messages.settle_by_signal(
            inbound_of(world.pre, "s1"), "a1", Event.ACKNOWLEDGED, "", after(1)
        )
        assert settled == State.ACKNOWLEDGED
    await world.messages.settle_attempt(claimed, Event.TRANSPORTED, after(2), status=204, detail="")
    assert await states(world) == {State.ACKNOWLEDGED: 1}
    assert await world.messages.claim(after(10_000), LEASE, {}, 4) == []


@pytest.mark.statement(214)
async def test_a_clock_that_is_set_back_claims_nothing_early(world: World) -> None:
    await world.messages.queue_outbound(outbound_of(world.pre, "a1", reliable=RELIABLE))
    [claimed] = await world.messages.claim(NOW, LEASE, {}, 4)
    await world.messages.settle_attempt(claimed, Event.TRANSPORTED, NOW, status=204, detail="")
    for seconds in (-400 * 86_400, -3600, 0, 299):
        assert await world.messages.claim(after(seconds), LEASE, {}, 4) == []
    assert len(await world.messages.claim(after(300), LEASE, {}, 4)) == 1


# --- The record ----------------------------------------------------------------------------------------------


@pytest.mark.statement(102)
async def test_nothing_that_we_run_ever_removes_a_message(world: World) -> None:
    """A MessageId is remembered for good, so forgetting one can remove nothing."""
    kept = {"inbound_message", "outbound_message", "payload", "notification", "message_event", "attempt"}
    sources = [file for kind in ("*.sql", "*.py") for file in Path(digikoppelaar.__file__).parent.rglob(kind)]
    removed = {name for file in sources for name in re.findall(r"(?i)DELETE\s+FROM\s+(\w+)", file.read_text())}
    assert len(sources) > 100
    assert removed & kept == set()
    cascades = "SELECT conname FROM pg_constraint WHERE confdeltype NOT IN ('a', ' ') AND conrelid::regclass::text"
    async with world.pool.connection() as connection:
        assert await (await connection.execute(f"{cascades} = ANY(%s)".encode(), [sorted(kept)])).fetchall() == []


REACHED: dict[State, tuple[Event, ...]] = {
    State.CREATED: (),
    State.SENDING: (Event.CLAIMED,),
    State.SENT: (Event.CLAIMED, Event.TRANSPORTED),
    State.ACKNOWLEDGED: (Event.CLAIMED, Event.TRANSPORTED, Event.ACKNOWLEDGED),
    State.FAILED: (Event.CLAIMED, Event.REFUSED),
    State.DELIVERED: (Event.CLAIMED, Event.DELIVERED),
    State.EXPIRED: (Event.TIME_TO_LIVE_PASSED,),
}


@pytest.mark.statement(216)
@pytest.mark.parametrize("state", State)
async def test_the_state_of_a_message_can_be_seen_whatever_it_is(world: World, state: State) -> None:
    expiring = state is State.EXPIRED
    message = outbound_of(world.pre, "a1", reliable=RELIABLE, time_to_live=NOW if expiring else None)
    await world.messages.queue_outbound(message)
    claimed = []
    for event in REACHED[state]:
        match event:
            case Event.CLAIMED:
                claimed = [*await world.messages.claim(NOW, LEASE, {}, 4)]
            case Event.TIME_TO_LIVE_PASSED:
                await world.messages.end_overdue(NOW)
            case Event.ACKNOWLEDGED:
                await world.messages.settle_by_signal(inbound_of(world.pre, "s1"), "a1", event, "", NOW)
            case _:
                await world.messages.settle_attempt(claimed[0], event, NOW, status=200, detail="")
    [row] = await world.reading.messages(MessageFilter(message_id="a1"))
    assert row.state == state


@pytest.mark.statement(217)
async def test_of_every_message_parties_cpa_times_and_result_are_kept(world: World) -> None:
    job = NewNotification("2026060200019")
    await world.messages.record_inbound(inbound_of(world.pre, "good"), outbound_of(world.pre, "ack"), job)
    await world.messages.record_inbound(inbound_of(world.pre, "bad", error_code="SecurityFailure"), None, None)
    [claimed] = await world.messages.claim(after(1), LEASE, {}, 4)
    await world.messages.settle_attempt(claimed, Event.DELIVERED, after(2), status=204, detail="")
    pages = {}
    for row in await world.reading.messages(MessageFilter()):
        page = await world.reading.message(row.direction, row.id)
        assert page
        pages[row.message_id] = page
    assert {name: (page.message.state, page.message.at) for name, page in pages.items()} == {
        "good": ("accepted", NOW),
        "bad": ("rejected", NOW),
        "ack": ("delivered", NOW),
    }
    for page in pages.values():
        assert (page.message.organisatie_oin, page.partner) == (GEMEENTE, DSO)
        assert page.message.cpa_id == world.pre.agreement.cpa_id
    assert pages["bad"].message.reason == "SecurityFailure: because"
    [attempt] = pages["ack"].attempts
    assert (attempt.started_at, attempt.ended_at, attempt.event, attempt.status) == (
        after(1),
        after(2),
        "delivered",
        204,
    )
