"""Synchronous messages: the signal stands in the HTTP response, and counts as if it had come by POST."""

from dataclasses import replace
from datetime import datetime

import pytest
from tests.unit.ebms.exchanges import SIGNED_OURS, best_effort, synchronous
from tests.unit.flows.ebms_world import until
from tests.unit.flows.two_handlers import World, two_handlers

from digikoppelaar.ebms.agreement import Agreement
from digikoppelaar.ebms.reliability import Event, State
from digikoppelaar.errors import PartnerUnreachable, StorageError
from digikoppelaar.flows.handler import HandlerSettings
from digikoppelaar.flows.ports import Claimed, NewInbound, Reply
from digikoppelaar.flows.receive import Receiver


async def sent_once(world: World) -> None:
    """The first attempt was made and settled."""
    await until(lambda: world.theirs.goes and world.theirs.goes[0].outcomes)


async def resent(world: World) -> None:
    """RetryInterval passed on the sending side."""
    [stored] = world.theirs.goes
    assert stored.message.reliable is not None
    world.theirs.watch.time += stored.message.reliable.retry_interval
    world.theirs.handler.sender.wake()


@pytest.mark.statement(60, 106, 110)
async def test_the_acknowledgment_comes_in_the_response_and_nothing_else_travels() -> None:
    async with two_handlers(synchronous) as world:
        await world.theirs.submit(b"<een/>")
        await until(lambda: world.theirs.goes[0].state is State.ACKNOWLEDGED)
        await sent_once(world)
        assert len(world.network.posts) == 1
        [answer] = world.ours.goes
        assert (answer.state, answer.attempts, answer.due_at) == (State.DELIVERED, 0, None)
        assert (world.theirs.told, world.ours.told) == (["DELIVERED"], ["RECEIVED"])


@pytest.mark.statement(99)
async def test_a_repeat_gets_the_very_same_response() -> None:
    responses: list[Reply] = []

    def lose_the_first(endpoint: str, reply: Reply) -> Reply:
        responses.append(reply)
        if len(responses) == 1:
            raise PartnerUnreachable("the connection broke before the response")
        return reply

    async with two_handlers(synchronous) as world:
        world.network.spoil = lose_the_first
        await world.theirs.submit(b"<een/>")
        await sent_once(world)
        assert world.theirs.goes[0].state is State.CREATED
        await resent(world)
        await until(lambda: world.theirs.goes[0].state is State.ACKNOWLEDGED)
        assert responses[0] == responses[1]
        assert (len(world.ours.came), world.ours.told) == (1, ["RECEIVED"])


@pytest.mark.statement(111)
async def test_an_error_comes_in_the_response_and_ends_the_delivery() -> None:
    def knows_no_such_action(agreement: Agreement) -> Agreement:
        changed = synchronous(agreement)
        return replace(changed, receives=()) if agreement == SIGNED_OURS else changed

    async with two_handlers(knows_no_such_action) as world:
        await world.theirs.submit(b"<een/>")
        await until(lambda: world.theirs.goes[0].state is State.FAILED)
        assert "ValueNotRecognized" in world.theirs.goes[0].reason
        assert world.theirs.told == ["FAILED"]
        assert world.ours.told == []


@pytest.mark.statement(111)
async def test_an_error_also_ends_a_synchronous_best_effort_message() -> None:
    def knows_no_such_action(agreement: Agreement) -> Agreement:
        changed = synchronous(best_effort(agreement))
        return replace(changed, receives=()) if agreement == SIGNED_OURS else changed

    async with two_handlers(knows_no_such_action) as world:
        await world.theirs.submit(b"<een/>")
        await until(lambda: world.theirs.goes[0].settled_at)
        assert (world.theirs.goes[0].state, world.theirs.told) == (State.FAILED, ["FAILED"])


@pytest.mark.statement(112)
@pytest.mark.parametrize(
    "body", [b"", b"<html/>", b"not even xml", b"<a>" * 300], ids=["empty", "html", "text", "endless"]
)
async def test_a_response_without_a_signal_is_no_acknowledgment_and_leads_to_a_resend(body: bytes) -> None:
    async with two_handlers(synchronous) as world:
        world.network.spoil = lambda _, reply: Reply(200, "text/xml", body)
        await world.theirs.submit(b"<een/>")
        await sent_once(world)
        assert (world.theirs.goes[0].state, world.theirs.came) == (State.SENT, [])
        world.network.spoil = lambda _, reply: reply
        await resent(world)
        await until(lambda: world.theirs.goes[0].state is State.ACKNOWLEDGED)


async def test_an_acknowledgment_of_another_message_does_not_settle_the_one_that_was_posted() -> None:
    replies: list[Reply] = []

    def the_first_always(endpoint: str, reply: Reply) -> Reply:
        replies.append(reply)
        return replies[0]

    async with two_handlers(synchronous) as world:
        world.network.spoil = the_first_always
        await world.theirs.submit(b"<een/>")
        await until(lambda: world.theirs.goes[0].state is State.ACKNOWLEDGED)
        await world.theirs.submit(b"<twee/>")
        await until(lambda: len(world.theirs.goes) == 2 and world.theirs.goes[1].outcomes)
        assert [each.state for each in world.theirs.goes] == [State.ACKNOWLEDGED, State.SENT]
        assert world.theirs.told == ["DELIVERED"]
        world.network.spoil = lambda _, reply: reply
        second = world.theirs.goes[1].message.reliable
        assert second is not None
        world.theirs.watch.time += second.retry_interval
        world.theirs.handler.sender.wake()
        await until(lambda: world.theirs.goes[1].state is State.ACKNOWLEDGED)


@pytest.mark.statement(112)
@pytest.mark.parametrize("content_type", ["text/html", "", "ÿ", 'text/xml; x="ÿ"'])
async def test_an_acknowledgment_under_an_odd_content_type_breaks_nothing(content_type: str) -> None:
    async with two_handlers(synchronous) as world:
        world.network.spoil = lambda _, reply: replace(reply, content_type=content_type)
        await world.theirs.submit(b"<een/>")
        await sent_once(world)
        assert world.theirs.goes[0].state in {State.SENT, State.ACKNOWLEDGED}
        assert (world.theirs.goes[0].state is State.ACKNOWLEDGED) == content_type.startswith("text/xml")


@pytest.mark.statement(113)
async def test_a_signal_in_the_response_to_an_asynchronous_message_is_not_looked_at() -> None:
    async with two_handlers(synchronous) as elsewhere:
        replies: list[Reply] = []
        elsewhere.network.spoil = lambda _, reply: replies.append(reply) or reply  # type: ignore[func-returns-value]
        await elsewhere.theirs.submit(b"<een/>", message_id="zelfde@app")
        await until(lambda: elsewhere.theirs.goes[0].state is State.ACKNOWLEDGED)
    async with two_handlers() as world:
        world.network.spoil = lambda _, reply: replies[0]
        world.ours.handler = world.ours.started(HandlerSettings(sends=False))  # its own acknowledgment stays away
        await world.theirs.submit(b"<een/>", message_id="zelfde@app")
        await sent_once(world)
        assert (world.theirs.goes[0].state, world.theirs.came) == (State.SENT, [])


async def test_a_process_that_remembers_nothing_understands_the_response_all_the_same() -> None:
    async with two_handlers(synchronous) as world:
        world.network.spoil = lambda _, reply: Reply(200)
        await world.theirs.submit(b"<een/>")
        await sent_once(world)
        world.theirs.handler.submitter.sent.forget(world.theirs.cpa, world.theirs.goes[0].message.message_id)
        world.network.spoil = lambda _, reply: reply
        await resent(world)
        await until(lambda: world.theirs.goes[0].state is State.ACKNOWLEDGED)


# --- Killed in the middle ------------------------------------------------------------------------------------


async def test_killed_between_commit_and_response_the_repeat_gets_what_was_committed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with two_handlers(synchronous) as world:
        real, calls = Receiver._record, 0

        async def dies_after_the_commit(self: Receiver, *arguments: object) -> object:
            nonlocal calls
            answer, calls = await real(self, *arguments), calls + 1  # type: ignore[arg-type]
            if calls == 1:
                raise StorageError("the process died")
            return answer

        monkeypatch.setattr(Receiver, "_record", dies_after_the_commit)
        await world.theirs.submit(b"<een/>")
        await sent_once(world)
        assert world.theirs.goes[0].state is State.CREATED
        await resent(world)
        await until(lambda: world.theirs.goes[0].state is State.ACKNOWLEDGED)
        assert (len(world.ours.came), len(world.ours.goes), world.ours.told) == (1, 1, ["RECEIVED"])


async def test_killed_between_the_signal_and_the_end_of_the_attempt_the_message_is_settled_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with two_handlers(synchronous) as world:
        store, settles = world.theirs.messages, 0

        async def dies(self: object, claimed: Claimed, event: Event, now: datetime, **how: object) -> None:
            nonlocal settles
            settles += 1
            raise StorageError("the process died")

        monkeypatch.setattr(type(store), "settle_attempt", dies)
        await world.theirs.submit(b"<een/>")
        await until(lambda: settles)
        assert (world.theirs.goes[0].state, world.theirs.told) == (State.ACKNOWLEDGED, ["DELIVERED"])
        assert await store.next_due() is None


async def test_killed_between_the_response_and_its_commit_the_message_is_sent_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with two_handlers(synchronous) as world:
        store, real, dead = world.theirs.messages, type(world.theirs.messages).settle_by_signal, []

        async def dies_once(self: object, signal: NewInbound, *arguments: object) -> str:
            if not dead:
                dead.append(signal)
                raise StorageError("the process died")
            return await real(self, signal, *arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(type(store), "settle_by_signal", dies_once)
        await world.theirs.submit(b"<een/>")
        await until(lambda: dead)
        assert world.theirs.goes[0].state is State.SENDING, "its lease runs out"
        await resent(world)
        await until(lambda: world.theirs.goes[0].state is State.ACKNOWLEDGED)
        assert (len(world.ours.came), world.theirs.told) == (1, ["DELIVERED"])
