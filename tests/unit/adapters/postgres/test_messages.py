"""The message store against a real server: one transaction for each promise."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from unittest.mock import ANY

import psycopg
import pytest
from tests.unit.adapters.postgres.world import LEASE, NOW, RELIABLE, VERZOEKNUMMER, World, inbound_of, outbound_of

from digikoppelaar.adapters.postgres.connect import listen
from digikoppelaar.adapters.postgres.messages import OUTBOUND
from digikoppelaar.ebms.reliability import SIGNAL_WAITS, Event, State
from digikoppelaar.errors import StorageError
from digikoppelaar.flows.ports import Claimed, NewNotification, StoredPayload

PAYLOADS = (
    StoredPayload("notificatie@dso", "application/xml", 3, b"\2" * 32, data=b"<a>"),
    StoredPayload("bijlage@dso", "application/pdf", 10**9, b"\3" * 32, blob="payloads/1"),
)
TABLES = ("inbound_message", "payload", "outbound_message", "notification", "step", "procrastinate_jobs")


async def claim(world: World, seconds: float = 0, **busy: int) -> list[Claimed]:
    return list(await world.messages.claim(NOW + timedelta(seconds=seconds), LEASE, busy, 4))


async def state_of(world: World, message_id: str) -> str:
    found = await world.messages.find_outbound(world.pre, message_id)
    assert found
    return found.state


# --- coming in ---


async def test_everything_about_a_message_is_stored_together(world: World) -> None:
    inbound = replace(inbound_of(world.pre, "m1"), payloads=PAYLOADS)
    answer = outbound_of(world.pre, "a1")
    assert await world.messages.record_inbound(inbound, answer, NewNotification(VERZOEKNUMMER))
    seen = await world.messages.find_inbound(world.pre, "m1")
    sent = await world.messages.find_outbound(world.pre, "a1")
    assert seen
    assert sent
    assert (seen.fingerprint, seen.answer_id) == (inbound.fingerprint, sent.id)
    assert (sent.body, sent.content_type, sent.state) == (answer.body, "text/xml", State.CREATED)
    assert [await world.count(table) for table in TABLES] == [1, 2, 1, 1, 1, 1]
    async with world.pool.connection() as connection:
        row = await (await connection.execute("SELECT * FROM procrastinate_jobs")).fetchone()
    assert row
    assert (row["task_name"], row["queue_name"], row["args"], row["lock"]) == (
        *("fetch", "fetch", {"notification_id": ANY}),
        f"fetch:{world.pre.aansluiting.id}:{VERZOEKNUMMER}",
    )


async def test_a_known_message_id_stores_nothing(world: World) -> None:
    first = (inbound_of(world.pre, "m1"), outbound_of(world.pre, "a1"), NewNotification(VERZOEKNUMMER))
    assert await world.messages.record_inbound(*first)
    before = [await world.count(table) for table in TABLES]
    again = (replace(first[0], payloads=PAYLOADS), outbound_of(world.pre, "a2"), NewNotification(VERZOEKNUMMER))
    assert not await world.messages.record_inbound(*again)
    assert [await world.count(table) for table in TABLES] == before


async def test_of_many_that_receive_the_same_message_at_once_one_stores_it(world: World) -> None:
    def receive(number: int) -> "asyncio.Future[bool]":
        job = NewNotification(VERZOEKNUMMER)
        stored = world.messages.record_inbound(inbound_of(world.pre, "m1"), outbound_of(world.pre, f"a{number}"), job)
        return asyncio.ensure_future(stored)

    outcomes = await asyncio.gather(*map(receive, range(8)))
    assert sorted(outcomes) == [False] * 7 + [True]
    assert [await world.count(table) for table in TABLES] == [1, 0, 1, 1, 1, 1]


async def test_the_same_message_id_and_verzoeknummer_in_two_omgevingen_never_meet(world: World) -> None:
    for cpa in (world.pre, world.prod):
        job = NewNotification(VERZOEKNUMMER)
        assert await world.messages.record_inbound(inbound_of(cpa, "m1"), outbound_of(cpa, "a1"), job)
    async with world.pool.connection() as connection:
        rows = await (await connection.execute("SELECT DISTINCT lock FROM procrastinate_jobs")).fetchall()
    assert len(rows) == 2
    assert world.pre.agreement == world.prod.agreement
    assert world.pre.aansluiting.organisatie_oin == world.prod.aansluiting.organisatie_oin


async def test_a_connection_that_dies_before_the_commit_leaves_nothing(world: World) -> None:
    async def cut_after_the_job() -> None:
        async with world.pool.connection() as other:
            waiting = "SELECT pid FROM pg_locks WHERE NOT granted AND relation = 'step'::regclass"
            while not (row := await (await other.execute(waiting)).fetchone()):
                await asyncio.sleep(0.01)
            await other.execute("SELECT pg_terminate_backend(%s)", [row["pid"]])

    async with await psycopg.AsyncConnection.connect(world.url) as blocking:
        await blocking.execute("LOCK TABLE step")  # the last thing that the transaction writes
        record = world.messages.record_inbound(
            inbound_of(world.pre, "m1"), outbound_of(world.pre, "a1"), NewNotification(VERZOEKNUMMER)
        )
        cut = asyncio.ensure_future(cut_after_the_job())
        with pytest.raises(StorageError):
            await record
        await cut
    assert [await world.count(table) for table in TABLES] == [0] * 6


async def test_a_notification_that_cannot_be_read_is_parked_without_a_job(world: World) -> None:
    job = NewNotification("", "no verzoeknummer")
    assert await world.messages.record_inbound(inbound_of(world.pre, "m1"), None, job)
    assert await world.count("procrastinate_jobs") == 0
    async with world.pool.connection() as connection:
        row = await (await connection.execute("SELECT state, reason FROM notification")).fetchone()
    assert row == {"state": "parked", "reason": "no verzoeknummer"}


async def test_a_rejected_message_keeps_its_error(world: World) -> None:
    rejected = inbound_of(world.pre, "m1", error_code="SecurityFailure")
    assert await world.messages.record_inbound(rejected, outbound_of(world.pre, "e1"), None)
    async with world.pool.connection() as connection:
        row = await (await connection.execute("SELECT error_code, name FROM inbound_message, step")).fetchone()
    assert row == {"error_code": "SecurityFailure", "name": "rejected"}


# --- going out ---


async def test_an_attempt_is_written_before_it_is_handed_out(world: World) -> None:
    message_row = await world.messages.queue_outbound(outbound_of(world.pre, "a1", reliable=RELIABLE))
    [claimed] = await claim(world)
    assert claimed == Claimed(
        message_row,
        1,
        "a1",
        "sandbox-pre",
        world.pre.aansluiting.partij_oin,
        ANY,
        "https://dso.example/ebms",
        "text/xml",
        b"<soap>\x00\xff</soap>",
        RELIABLE,
        None,
    )
    assert await state_of(world, "a1") == State.SENDING
    assert await world.count("attempt WHERE ended_at IS NULL AND number = 1") == 1
    assert await claim(world) == []


async def test_nothing_is_due_before_its_time(world: World) -> None:
    due_at = NOW + timedelta(seconds=30)
    assert await world.messages.next_due() is None
    await world.messages.queue_outbound(outbound_of(world.pre, "a1", due_at=due_at))
    assert await world.messages.next_due() == due_at
    assert await claim(world, 29) == []
    assert len(await claim(world, 30)) == 1


async def test_each_partner_has_its_own_slots_and_its_oldest_go_first(world: World) -> None:
    for number in range(8):
        for partner in ("hangs", "works"):
            due_at = NOW - timedelta(seconds=number)
            name = f"{partner}-{number}"
            await world.messages.queue_outbound(outbound_of(world.pre, name, partner=partner, due_at=due_at))
    claimed = await claim(world, hangs=3)
    assert Counter(each.partner for each in claimed) == {"hangs": 1, "works": 4}
    assert [each.message_id for each in claimed if each.partner == "works"] == [f"works-{n}" for n in (7, 6, 5, 4)]
    assert {each.partner for each in await claim(world, hangs=4, works=2)} == {"works"}


async def test_claimers_at_the_same_time_never_get_the_same_attempt(world: World) -> None:
    for number in range(60):
        await world.messages.queue_outbound(outbound_of(world.pre, f"a{number}", partner=f"p{number % 3}"))
    got: list[Claimed] = []

    async def claimer() -> None:
        while claimed := await claim(world):
            got.extend(claimed)

    await asyncio.gather(*(claimer() for _ in range(4)))
    assert len(got) == 60
    assert len({(each.id, each.attempt) for each in got}) == 60


async def test_a_lease_that_ran_out_makes_a_message_due_again(world: World) -> None:
    await world.messages.queue_outbound(outbound_of(world.pre, "a1"))
    [first] = await claim(world)
    assert await world.messages.next_due() == NOW + LEASE
    assert await claim(world, 44) == []
    [second] = await claim(world, 45)
    assert (second.attempt, second.body) == (2, first.body)
    assert await world.count("attempt WHERE event = 'lease_lost'") == 1
    late = NOW + timedelta(seconds=50)
    await world.messages.settle_attempt(first, Event.DELIVERED, late, status=204, detail="")
    assert await state_of(world, "a1") == State.SENDING, "the second attempt is under way and decides"
    await world.messages.settle_attempt(second, Event.DELIVERED, late, status=204, detail="")
    assert await state_of(world, "a1") == State.DELIVERED
    assert await world.count("attempt WHERE event = 'delivered' AND status = 204") == 2
    assert await world.messages.next_due() is None


async def test_an_attempt_that_found_nobody_is_made_again_after_a_while(world: World) -> None:
    await world.messages.queue_outbound(outbound_of(world.pre, "a1"))
    [claimed] = await claim(world)
    await world.messages.settle_attempt(claimed, Event.UNREACHABLE, NOW, status=None, detail="no connection")
    assert await state_of(world, "a1") == State.CREATED
    assert await world.messages.next_due() == NOW + SIGNAL_WAITS[0]


async def test_a_message_without_attempts_left_fails_when_it_is_due(world: World) -> None:
    await world.messages.queue_outbound(outbound_of(world.pre, "a1", reliable=RELIABLE))
    for number in range(2):
        [claimed] = await claim(world, 300 * number)
        at = NOW + timedelta(seconds=300 * number)
        await world.messages.settle_attempt(claimed, Event.TRANSPORTED, at, status=202, detail="")
        assert await state_of(world, "a1") == State.SENT
    assert await claim(world, 599) == []
    assert await state_of(world, "a1") == State.SENT
    assert await claim(world, 600) == []
    assert await state_of(world, "a1") == State.FAILED


async def test_the_last_attempt_that_lost_its_lease_ends_as_failed(world: World) -> None:
    await world.messages.queue_outbound(outbound_of(world.pre, "a1", reliable=RELIABLE))
    for number in range(2):
        assert len(await claim(world, 300 * number)) == 1
        assert await claim(world, 300 * number + 299) == [], "what was sent may have arrived: RetryInterval counts"
    assert await claim(world, 600) == []
    assert await state_of(world, "a1") == State.FAILED


async def test_a_message_whose_time_to_live_passed_expires(world: World) -> None:
    time_to_live = NOW + timedelta(seconds=10)
    message = outbound_of(world.pre, "a1", reliable=RELIABLE, time_to_live=time_to_live)
    await world.messages.queue_outbound(message)
    assert await claim(world, 10) == []
    assert await state_of(world, "a1") == State.EXPIRED


async def test_an_acknowledgment_overtakes_the_answer_to_its_own_post(world: World) -> None:
    await world.messages.queue_outbound(outbound_of(world.pre, "a1", reliable=RELIABLE))
    [claimed] = await claim(world)
    signal = inbound_of(world.pre, "ack")
    assert await world.messages.settle_by_signal(signal, "a1", Event.ACKNOWLEDGED, "", NOW) == State.ACKNOWLEDGED
    await world.messages.settle_attempt(claimed, Event.TRANSPORTED, NOW, status=202, detail="")
    assert await state_of(world, "a1") == State.ACKNOWLEDGED
    late = inbound_of(world.pre, "error")
    after = await world.messages.settle_by_signal(late, "a1", Event.ERROR_RECEIVED, "late", NOW)
    assert after == State.ACKNOWLEDGED
    assert await world.messages.find_inbound(world.pre, "error")


async def test_a_signal_about_a_message_that_is_not_ours_stores_nothing(world: World) -> None:
    with pytest.raises(StorageError):
        await world.messages.settle_by_signal(inbound_of(world.pre, "ack"), "x", Event.ACKNOWLEDGED, "", NOW)
    assert await world.messages.find_inbound(world.pre, "ack") is None


async def test_a_repeated_question_makes_the_same_answer_due_with_a_fresh_series(world: World) -> None:
    await world.messages.record_inbound(inbound_of(world.pre, "m1"), outbound_of(world.pre, "a1"), None)
    [first] = await claim(world)
    await world.messages.settle_attempt(first, Event.DELIVERED, NOW, status=204, detail="")
    seen = await world.messages.find_inbound(world.pre, "m1")
    assert seen
    assert seen.answer_id
    later = NOW + timedelta(hours=1)
    await world.messages.repeat_answer(seen.answer_id, later)
    [again] = await claim(world, 3600)
    assert (again.attempt, again.body) == (1, first.body)
    await world.messages.repeat_answer(seen.answer_id, later)  # while it is on its way
    assert await claim(world, 3601) == []


async def test_a_commit_wakes_the_sender(world: World) -> None:
    wakes = listen(lambda: world.url, OUTBOUND)
    await anext(wakes)
    waiting = asyncio.ensure_future(anext(wakes))
    await world.messages.queue_outbound(outbound_of(world.pre, "a1"))
    await asyncio.wait_for(waiting, 10)
    await wakes.aclose()


async def test_listening_and_storing_survive_a_lost_connection(world: World) -> None:
    wakes = listen(lambda: world.url, OUTBOUND)
    await anext(wakes)
    async with await psycopg.AsyncConnection.connect(world.url, autocommit=True) as other:
        others = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> %s"
        )
        await other.execute(others, [other.info.backend_pid])
    await asyncio.wait_for(anext(wakes), 10)
    await world.messages.queue_outbound(outbound_of(world.pre, "a1"))
    await asyncio.wait_for(anext(wakes), 10)
    await wakes.aclose()
