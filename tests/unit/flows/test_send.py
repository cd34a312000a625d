"""Sending, over the twin: slots, waking up, what an answer means, and what a crash costs."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from tests.unit.ebms.exchanges import notification
from tests.unit.flows.ebms_world import Watch, dso, gemeente, message_of, until
from tests.unit.flows.stored_messages import LEASE, NOW, PRE, RELIABLE, outbound_of

from digikoppelaar.adapters.memory.blobs import MemoryBlobs
from digikoppelaar.adapters.memory.messages import MemoryMessages, StoredOutbound
from digikoppelaar.ebms.faults import soap_fault
from digikoppelaar.ebms.packaging import Packaged
from digikoppelaar.ebms.reliability import SIGNAL_WAITS, Event, State
from digikoppelaar.errors import PartnerUnreachable, StorageError, TrustError
from digikoppelaar.flows import send
from digikoppelaar.flows.ports import Claimed, Reply, Streamed
from digikoppelaar.flows.send import Sender

NEVER = 3600.0
TAKEN = Reply(204)


@pytest.fixture(autouse=True)
def without_safety_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    """What happens here happens because something woke the sender."""
    monkeypatch.setattr(send, "SAFETY_POLL", NEVER)


@dataclass(slots=True)
class Line:
    """A Transport that answers as it is told, and keeps what went over it.

    `answers` are given one by one, after them TAKEN; a partner in `hanging` is answered when its event is set.
    """

    answers: list[Reply | Exception] = field(default_factory=list)
    hanging: dict[str, asyncio.Event] = field(default_factory=dict)
    posts: list[tuple[str, str, bytes]] = field(default_factory=list)

    async def post(
        self, omgeving: str, partij_oin: str, endpoint: str, content_type: str, body: bytes | Streamed
    ) -> Reply:
        """See flows.ports.Transport."""
        assert isinstance(body, bytes)
        self.posts.append((endpoint, content_type, body))
        if endpoint in self.hanging:
            await self.hanging[endpoint].wait()
        answer = self.answers.pop(0) if self.answers else TAKEN
        if isinstance(answer, Exception):
            raise answer
        return answer


class Unheard:
    """Nothing here is synchronous, so nobody reads responses."""

    async def take(self, claimed: Claimed, reply: Reply) -> None:
        """See flows.response.Responses."""
        raise AssertionError("a response to an asynchronous message is not read")


@dataclass(slots=True)
class Counting(MemoryMessages):
    """The twin, which counts how often it is looked at and fails as often as it is told."""

    looks: int = 0
    failing_claims: int = 0
    failing_settles: int = 0

    async def claim(self, now: object, lease: object, busy: Mapping[str, int], slots: int) -> Sequence[Claimed]:
        """See flows.ports.MessageStore."""
        self.looks += 1
        if self.failing_claims:
            self.failing_claims -= 1
            raise StorageError("the database failed")
        return await MemoryMessages.claim(self, now, lease, busy, slots)  # type: ignore[arg-type]

    async def settle_attempt(self, claimed: Claimed, event: str, now: object, **how: object) -> datetime | None:
        """See flows.ports.MessageStore."""
        if self.failing_settles:
            self.failing_settles -= 1
            raise StorageError("the database failed")
        return await MemoryMessages.settle_attempt(self, claimed, event, now, **how)  # type: ignore[arg-type]


@dataclass(slots=True)
class World:
    """A running sender and all around it."""

    sender: Sender
    line: Line
    store: Counting
    watch: Watch
    stop: asyncio.Event
    running: "asyncio.Task[None]"

    async def queue(self, message_id: str = "a1", *, partner: str = "dso", reliable: bool = False) -> StoredOutbound:
        """A message to send to this partner, told to the sender."""
        message = outbound_of(PRE, message_id, partner=partner, reliable=RELIABLE if reliable else None)
        number = await self.store.queue_outbound(replace(message, endpoint=partner))
        assert number is not None
        self.sender.wake()
        return self.store.outbound[number]

    async def later(self, by: timedelta) -> None:
        """The clock moves on and somebody looks."""
        self.watch.time += by
        self.sender.wake()


@asynccontextmanager
async def sending(**settings: int) -> AsyncIterator[World]:
    """A sender that runs; it must end by itself when told to."""
    line, store, watch, stop = Line(), Counting(), Watch(NOW), asyncio.Event()
    sender = Sender(store, line, watch, MemoryBlobs(), Unheard(), lease=LEASE, **settings)
    running = asyncio.create_task(sender.run(stop))
    yield World(sender, line, store, watch, stop, running)
    stop.set()
    sender.wake()
    for event in line.hanging.values():
        event.set()
    await asyncio.wait_for(running, 10)


async def settled(*messages: StoredOutbound) -> None:
    """All of these came to their end."""
    await until(lambda: all(message.settled_at for message in messages))


async def idle(world: World) -> None:
    """The sender has nothing to do: it does not look again, however often the loop goes round."""
    before = -1
    while before != world.store.looks:
        before = world.store.looks
        for _ in range(50):
            await asyncio.sleep(0)


# --- Waking up and slots -------------------------------------------------------------------------------------


async def test_a_commit_is_sent_at_once() -> None:
    async with sending() as world:
        await idle(world)
        message = await world.queue()
        await settled(message)
        assert message.state is State.DELIVERED
        assert world.line.posts == [("dso", "text/xml", message.message.body)]


async def test_what_becomes_due_later_is_sent_then_without_a_wake_up() -> None:
    async with sending() as world:
        message = outbound_of(PRE, "a1", due_at=NOW + timedelta(seconds=0.05))
        number = await world.store.queue_outbound(message)
        world.sender.wake()
        await idle(world)
        assert world.line.posts == []
        world.watch.time += timedelta(seconds=1)  # nobody wakes the sender: it knows how long it must wait
        await settled(world.store.outbound[number])


async def test_a_partner_that_hangs_takes_its_own_slots_and_delays_nobody() -> None:
    async with sending(slots=2) as world:
        world.line.hanging["hangs"] = asyncio.Event()
        stuck = [await world.queue(f"h{number}", partner="hangs") for number in range(5)]
        await until(lambda: len(world.line.posts) == 2)
        others = [await world.queue(f"w{number}", partner="works") for number in range(6)]
        await settled(*others)
        assert [message.state for message in stuck] == [State.SENDING] * 2 + [State.CREATED] * 3
        world.line.hanging["hangs"].set()
        await settled(*stuck)
        assert len(world.line.posts) == 11


@pytest.mark.statement(170)
async def test_an_attempt_ends_before_the_next_is_due_however_long_the_partner_hangs() -> None:
    async with sending() as world:
        world.line.hanging["dso"] = asyncio.Event()
        reliable = replace(RELIABLE, retry_interval=timedelta(seconds=0.05))
        number = await world.store.queue_outbound(replace(outbound_of(PRE, "a1", reliable=reliable), endpoint="dso"))
        world.sender.wake()
        message = world.store.outbound[number]
        await until(lambda: message.outcomes)
        assert message.outcomes == [(1, Event.UNREACHABLE, None, "no answer within RetryInterval")]
        assert not world.line.hanging["dso"].is_set()


async def test_full_slots_and_a_due_message_do_not_make_the_sender_spin() -> None:
    async with sending(slots=1) as world:
        world.line.hanging["dso"] = asyncio.Event()
        stuck = [await world.queue(f"a{number}") for number in range(2)]
        await idle(world)
        assert world.store.looks < 10
        assert await world.store.next_due() == NOW
        world.line.hanging["dso"].set()
        await settled(*stuck)


async def test_no_more_than_the_slots_of_a_partner_are_under_way() -> None:
    async with sending(slots=3) as world:
        world.line.hanging["dso"] = asyncio.Event()
        messages = [await world.queue(f"a{number}") for number in range(9)]
        await idle(world)
        assert len(world.line.posts) == 3
        world.line.hanging["dso"].set()
        await settled(*messages)


# --- What an answer means ------------------------------------------------------------------------------------

OUTCOMES = [
    (Reply(204), State.DELIVERED, State.SENT),
    (Reply(200, "text/xml", b"<soap/>"), State.DELIVERED, State.SENT),
    (Reply(503), State.CREATED, State.CREATED),
    (Reply(500, "text/xml", soap_fault("Server", "busy")), State.CREATED, State.CREATED),
    (Reply(429), State.CREATED, State.CREATED),
    (Reply(404), State.FAILED, State.FAILED),
    (Reply(302), State.FAILED, State.FAILED),
    (PartnerUnreachable("no connection"), State.CREATED, State.CREATED),
    (TrustError("no certificate"), State.CREATED, State.CREATED),
    (ZeroDivisionError("0123456789"), State.CREATED, State.CREATED),
]


@pytest.mark.statement(71, 73)
@pytest.mark.parametrize(("answer", "signal", "reliable"), OUTCOMES)
async def test_an_answer_settles_the_attempt(answer: Reply | Exception, signal: State, reliable: State) -> None:
    async with sending() as world:
        for message_id, after in (("s1", signal), ("r1", reliable)):
            world.line.answers = [answer]
            message = await world.queue(message_id, reliable=message_id == "r1")
            await until(lambda message=message: message.outcomes)
            assert message.state is after
            assert message.attempts == 1


@pytest.mark.statement(72, 94)
async def test_the_fault_of_the_partner_is_kept_and_the_text_of_a_mistake_of_ours_is_not() -> None:
    async with sending() as world:
        world.line.answers = [Reply(500, "text/xml", soap_fault("Server", "busy")), ZeroDivisionError("0123456789")]
        message = await world.queue()
        await until(lambda: message.outcomes)
        await world.later(SIGNAL_WAITS[0])
        await until(lambda: len(message.outcomes) == 2)
        assert message.outcomes == [
            (1, Event.UNREACHABLE, 500, "busy"),
            (2, Event.UNREACHABLE, None, "unexpected ZeroDivisionError"),
        ]


@pytest.mark.statement(66, 67)
async def test_every_resend_is_the_same_bytes_until_the_attempts_are_used_up() -> None:
    async with sending() as world:
        message = await world.queue(reliable=True)
        for attempt in range(1, RELIABLE.retries + 2):
            await until(lambda attempt=attempt: len(message.outcomes) == attempt)
            await world.later(RELIABLE.retry_interval)
        await settled(message)
        assert (message.state, len(world.line.posts)) == (State.FAILED, 2)
        assert set(world.line.posts) == {("dso", "text/xml", message.message.body)}


# --- When something breaks -----------------------------------------------------------------------------------


async def test_a_mistake_in_the_transport_costs_no_slot() -> None:
    async with sending(slots=1) as world:
        world.line.answers = [RuntimeError("session is closed") for _ in range(2)]
        messages = [await world.queue(f"a{number}") for number in range(3)]
        await settled(messages[2])
        assert [message.state for message in messages[:2]] == [State.CREATED] * 2
        await world.later(SIGNAL_WAITS[0])
        await settled(*messages)


async def test_a_store_that_fails_for_a_while_delays_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send, "SAFETY_POLL", 0.01)
    async with sending() as world:
        world.store.failing_claims = 3
        await settled(await world.queue())
        assert len(world.line.posts) == 1


async def test_an_attempt_that_could_not_be_settled_is_made_again_after_its_lease() -> None:
    async with sending() as world:
        world.store.failing_settles = 1
        message = await world.queue()
        await until(lambda: not world.store.failing_settles)
        await idle(world)
        assert message.state is State.SENDING
        await world.later(LEASE - timedelta(seconds=1))
        await idle(world)
        assert len(world.line.posts) == 1
        await world.later(timedelta(seconds=1))
        await settled(message)
        assert (message.state, message.attempts) == (State.DELIVERED, 2)
        assert len(set(world.line.posts)) == 1


async def test_a_store_that_breaks_the_rules_costs_no_slot() -> None:
    async with sending(slots=1) as world:
        world.line.hanging["dso"] = asyncio.Event()
        first = await world.queue()
        await until(lambda: world.line.posts)
        first.state = State.CREATED
        first.outcomes = None  # type: ignore[assignment]  # so that settling raises what nobody thought of
        world.line.hanging["dso"].set()
        await settled(await world.queue("a2"))


async def test_stop_lets_the_attempts_under_way_end_and_starts_no_more() -> None:
    async with sending(slots=1) as world:
        world.line.hanging["dso"] = asyncio.Event()
        first, second = await world.queue("a1"), await world.queue("a2")
        await until(lambda: world.line.posts)
        world.stop.set()
        world.sender.wake()
        await idle(world)
        assert not world.running.done()
        world.line.hanging["dso"].set()
        await asyncio.wait_for(world.running, 10)
        assert (first.state, second.state) == (State.DELIVERED, State.CREATED)


async def test_another_sender_goes_on_where_a_dead_one_stopped() -> None:
    async with sending() as world:
        world.line.hanging["dso"] = asyncio.Event()
        message = await world.queue(reliable=True)
        await until(lambda: world.line.posts)
        line, watch, stop = Line(), Watch(NOW + RELIABLE.retry_interval), asyncio.Event()
        other = Sender(world.store, line, watch, MemoryBlobs(), Unheard(), lease=LEASE)
        running = asyncio.create_task(other.run(stop))
        await until(lambda: message.state is State.SENT)
        assert line.posts == world.line.posts
        world.line.answers = [Reply(404)]
        world.line.hanging.pop("dso").set()
        await until(lambda: len(message.outcomes) == 2)
        assert message.state is State.SENT, "the answer to the first attempt came too late to decide"
        stop.set()
        other.wake()
        await asyncio.wait_for(running, 10)


# --- Both parties --------------------------------------------------------------------------------------------


async def test_a_notification_travels_and_its_acknowledgment_settles_it() -> None:
    ours, theirs = gemeente(), dso()
    parties = {"https://gemeente.example/ebms": ours, "https://dso.example/ebms": theirs}

    class Network:
        async def post(
            self, omgeving: str, partij_oin: str, endpoint: str, content_type: str, body: bytes | Streamed
        ) -> Reply:
            assert isinstance(body, bytes)
            answer = await parties[endpoint].receive(Packaged(content_type, body))
            return Reply(answer.status, answer.content_type or "", answer.body)

    stop = asyncio.Event()
    senders = [Sender(party.messages, Network(), party.watch, party.blobs, Unheard()) for party in (ours, theirs)]
    for party, sender in zip((ours, theirs), senders, strict=True):
        party.woke = sender.wake
    running = [asyncio.create_task(sender.run(stop)) for sender in senders]
    await theirs.queue(notification(theirs.agreement), message_of())
    senders[1].wake()
    await until(lambda: theirs.goes[0].state is State.ACKNOWLEDGED and ours.goes[0].state is State.DELIVERED)
    stop.set()
    for sender in senders:
        sender.wake()
    await asyncio.gather(*running)
    assert len(ours.notified) == 1
