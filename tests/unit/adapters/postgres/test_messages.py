"""The message store keeps the contract that its twin in memory keeps; and what only a real server can show."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import replace
from unittest.mock import ANY

import psycopg
import pytest
from tests.unit.adapters.postgres.world import World
from tests.unit.flows import stored_messages
from tests.unit.flows.message_store_contract import CONTRACT
from tests.unit.flows.stored_messages import (
    LEASE,
    NOW,
    PAYLOADS,
    RELIABLE,
    VERZOEKNUMMER,
    after,
    inbound_of,
    outbound_of,
)

from digikoppelaar.adapters.postgres.connect import listen
from digikoppelaar.adapters.postgres.group_commit import KEPT
from digikoppelaar.adapters.postgres.messages import OUTBOUND
from digikoppelaar.ebms.reliability import Event
from digikoppelaar.errors import StorageError
from digikoppelaar.flows.ports import NewNotification, PartnerSeen
from digikoppelaar.flows.reading import PartnerRow

TABLES = ("inbound_message", "payload", "outbound_message", "notification", "procrastinate_jobs")


def contract_world(world: World) -> stored_messages.World:
    async def notifications() -> Sequence[tuple[int, str, str | None]]:
        made = "SELECT aansluiting_id, verzoeknummer, reason FROM notification ORDER BY id"
        async with world.pool.connection() as connection:
            rows = await (await connection.execute(made)).fetchall()
        return [(row["aansluiting_id"], row["verzoeknummer"], row["reason"]) for row in rows]

    async def shown(message_id: str) -> str | None:
        told = "SELECT reason FROM outbound_message WHERE message_id = %s AND cpa_row = %s"
        async with world.pool.connection() as connection:
            row = await (await connection.execute(told, [message_id, world.pre.id])).fetchone()
        return row["reason"] if row else None

    async def events() -> Sequence[tuple[str, str]]:
        told = (
            "SELECT type, coalesce(inbound.message_id, outbound.message_id) AS message_id FROM message_event AS event"
            " LEFT JOIN inbound_message AS inbound ON inbound.id = event.inbound_message_id"
            " LEFT JOIN outbound_message AS outbound ON outbound.id = event.outbound_message_id ORDER BY event.id"
        )
        async with world.pool.connection() as connection:
            rows = await (await connection.execute(told)).fetchall()
        return [(row["type"], row["message_id"]) for row in rows]

    return stored_messages.World(world.messages, world.pre, world.prod, notifications, events, shown)


@pytest.mark.parametrize("promise", CONTRACT, ids=lambda promise: promise.__name__)
async def test_the_store_keeps_the_promise_that(promise: stored_messages.Promise, world: World) -> None:
    await promise(contract_world(world))


# --- coming in ---


async def test_everything_about_a_message_is_stored_together_and_once(world: World) -> None:
    inbound = replace(inbound_of(world.pre, "m1"), payloads=PAYLOADS)
    job = NewNotification(VERZOEKNUMMER)
    assert await world.messages.record_inbound(inbound, outbound_of(world.pre, "a1"), job)
    assert [await world.count(table) for table in TABLES] == [1, 2, 1, 1, 1]
    assert not await world.messages.record_inbound(inbound, outbound_of(world.pre, "a2"), job)
    assert [await world.count(table) for table in TABLES] == [1, 2, 1, 1, 1]
    async with world.pool.connection() as connection:
        row = await (await connection.execute("SELECT * FROM procrastinate_jobs")).fetchone()
    assert row
    assert (row["task_name"], row["queue_name"], row["args"], row["lock"]) == (
        *("fetch", "fetch", {"notification_id": ANY}),
        f"fetch:{world.pre.aansluiting.id}:{VERZOEKNUMMER}",
    )


async def test_jobs_about_one_verzoeknummer_in_two_omgevingen_have_their_own_locks(world: World) -> None:
    for cpa in (world.pre, world.prod):
        assert await world.messages.record_inbound(inbound_of(cpa, "m1"), None, NewNotification(VERZOEKNUMMER))
    async with world.pool.connection() as connection:
        rows = await (await connection.execute("SELECT DISTINCT lock FROM procrastinate_jobs")).fetchall()
    assert len(rows) == 2


async def test_a_connection_that_dies_before_the_commit_leaves_nothing(world: World) -> None:
    async def cut_after_the_job() -> None:
        async with world.pool.connection() as other:
            waiting = "SELECT pid FROM pg_locks WHERE NOT granted AND relation = 'notification'::regclass"
            while not (row := await (await other.execute(waiting)).fetchone()):
                await asyncio.sleep(0.01)
            await other.execute("SELECT pg_terminate_backend(%s)", [row["pid"]])

    async with await psycopg.AsyncConnection.connect(world.url) as blocking:
        await blocking.execute("LOCK TABLE notification")  # the message and its answer are written by then
        record = world.messages.record_inbound(
            inbound_of(world.pre, "m1"), outbound_of(world.pre, "a1"), NewNotification(VERZOEKNUMMER)
        )
        cut = asyncio.ensure_future(cut_after_the_job())
        with pytest.raises(StorageError):
            await record
        await cut
    assert [await world.count(table) for table in TABLES] == [0] * 5


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
        row = await (await connection.execute("SELECT error_code, error_reason FROM inbound_message")).fetchone()
    assert row == {"error_code": "SecurityFailure", "error_reason": "because"}


# --- going out ---


async def test_an_attempt_is_written_before_it_is_made_and_every_report_is_kept(world: World) -> None:
    await world.messages.queue_outbound(outbound_of(world.pre, "a1"))
    [first] = await world.messages.claim(NOW, LEASE, {}, 4)
    assert await world.count("attempt WHERE ended_at IS NULL AND number = 1") == 1
    [second] = await world.messages.claim(NOW + LEASE, LEASE, {}, 4)
    assert await world.count("attempt WHERE event = 'lease_lost'") == 1
    for claimed in (first, second):
        await world.messages.settle_attempt(claimed, Event.DELIVERED, after(50), status=204, detail="")
    assert await world.count("attempt WHERE event = 'delivered' AND status = 204") == 2


async def test_what_is_known_of_a_partner_is_shown_with_what_waits_for_it(world: World) -> None:
    await world.messages.queue_outbound(outbound_of(world.pre, "a1", partner="sandbox-pre/1", reliable=RELIABLE))
    await world.messages.queue_outbound(outbound_of(world.pre, "a2", partner="sandbox-pre/1"))
    await world.messages.claim(NOW, LEASE, {}, 1)
    await world.messages.note_partner(PartnerSeen("sandbox-pre/2", 0, last_success_at=NOW))
    await world.messages.note_partner(PartnerSeen("sandbox-pre/2", 3, last_failure_at=after(9), last_error="down"))
    assert await world.reading.partners() == [
        PartnerRow("sandbox-pre", "1", 2, NOW, 1, 0, None, None, None),
        PartnerRow("sandbox-pre", "2", 0, None, 0, 3, NOW, after(9), "down"),
    ]


async def test_many_that_come_at_once_share_commits(world: World) -> None:
    async with world.pool.connection() as connection:
        before = await (await connection.execute("SELECT txid_current() AS id")).fetchone()
    stored = [world.messages.queue_outbound(outbound_of(world.pre, f"a{number}")) for number in range(200)]
    assert len(set(await asyncio.gather(*stored))) == 200
    async with world.pool.connection() as connection:
        after_it = await (await connection.execute("SELECT txid_current() AS id")).fetchone()
    assert before
    assert after_it
    assert after_it["id"] - before["id"] < 20


async def test_what_nobody_is_in_a_hurry_for_does_not_wait_for_a_connection_that_is_kept(world: World) -> None:
    await world.messages.queue_outbound(outbound_of(world.pre, "a1"))
    [claimed] = await world.messages.claim(NOW, LEASE, {}, 4)
    async with asyncio.timeout(KEPT * 0.8):
        await world.messages.settle_attempt(claimed, Event.DELIVERED, after(1), status=204, detail="")


async def test_a_server_that_breaks_the_connection_fails_what_was_under_way_and_nothing_after_it(world: World) -> None:
    await world.messages.queue_outbound(outbound_of(world.pre, "a0"))
    async with await psycopg.AsyncConnection.connect(world.url, autocommit=True) as other:
        await other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    with contextlib.suppress(StorageError):
        await world.messages.queue_outbound(outbound_of(world.pre, "a1"))
    assert await world.messages.queue_outbound(outbound_of(world.pre, "a2"))


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
