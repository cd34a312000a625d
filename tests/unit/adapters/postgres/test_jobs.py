"""The job queue: jobs live and die with their row, one at a time for each verzoek, and outlive their worker."""

import asyncio
import time
from collections import Counter

import pytest
from tests.unit.adapters.postgres.world import World
from tests.unit.flows import verzoek_store_contract as contract

from digikoppelaar.adapters.postgres import jobs
from digikoppelaar.adapters.postgres.connect import transaction
from digikoppelaar.adapters.postgres.deliveries import PostgresDeliveries
from digikoppelaar.errors import StorageError


async def test_a_job_of_a_transaction_that_failed_was_never_there(world: World) -> None:
    async def fail() -> None:
        async with transaction(world.pool) as connection:
            await jobs.defer(connection, jobs.FETCH, {"notification_id": 1}, lock="1:x")
            await connection.execute("SELECT 1 / 0")

    with pytest.raises(StorageError, match="22012"):
        await fail()
    assert await world.count("procrastinate_jobs") == 0


async def test_a_worker_runs_a_job_and_jobs_with_one_lock_not_at_once(world: World) -> None:
    app = await jobs.make_app(world.pool)
    running: Counter[str] = Counter()
    done: list[int] = []

    @app.task(name=jobs.FETCH, queue=jobs.FETCH)
    async def fetch(notification_id: int) -> None:
        running["now"] += 1
        running["most"] = max(running["most"], running["now"])
        await asyncio.sleep(0)
        done.append(notification_id)
        running["now"] -= 1
        if len(done) == 5:
            worker.cancel()

    async with transaction(world.pool) as connection:
        for number in range(5):
            await jobs.defer(
                connection, jobs.FETCH, {"notification_id": number}, lock=jobs.lock_of(jobs.FETCH, 1, "2026")
            )
    worker = asyncio.ensure_future(
        app.run_worker_async(concurrency=4, install_signal_handlers=False, fetch_job_polling_interval=0.02)
    )
    await asyncio.wait([worker], timeout=30)
    assert sorted(done) == list(range(5))
    assert running["most"] == 1


async def test_the_job_of_a_dead_worker_is_given_back_once_and_that_of_a_live_one_is_not(world: World) -> None:
    app = await jobs.make_app(world.pool)
    async with transaction(world.pool) as connection:
        for number in range(2):
            await jobs.defer(connection, jobs.FETCH, {"notification_id": number}, lock=f"1:{number}")
    dead, alive = [await app.job_manager.register_worker() for _ in range(2)]
    taken = [await app.job_manager.fetch_job(queues=None, worker_id=worker) for worker in (dead, alive)]
    assert all(taken)
    async with world.pool.connection() as connection:
        old = "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '4 seconds' WHERE id = %s"
        await connection.execute(old, [dead])
    rescued = await asyncio.gather(*(jobs.rescue_stalled(app, 3.0) for _ in range(3)))
    assert sum(rescued) == 1
    assert await world.count("procrastinate_jobs WHERE status = 'todo'") == 1
    assert await world.count("procrastinate_jobs WHERE status = 'doing'") == 1


async def test_a_long_queue_does_not_crawl(world: World) -> None:
    app = await jobs.make_app(world.pool)
    done = 0

    @app.task(name=jobs.FETCH, queue=jobs.FETCH)
    async def fetch(notification_id: int) -> None:
        nonlocal done
        done += 1
        if done == 300:
            worker.cancel()

    async with transaction(world.pool) as connection:
        await connection.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, lock, args)"
            " SELECT 'fetch', 'fetch', '1:' || n, jsonb_build_object('notification_id', n)"
            " FROM generate_series(1, 10000) AS n"
        )
    await jobs.analyze(world.pool)
    started = time.monotonic()
    worker = asyncio.ensure_future(
        app.run_worker_async(concurrency=8, install_signal_handlers=False, delete_jobs="successful")
    )
    await asyncio.wait([worker])
    print(f"{done / (time.monotonic() - started):.0f} jobs/s out of a queue of 10,000")
    assert done >= 300


async def waiting_to_be_delivered(world: World) -> int:
    """A verzoek that is whole, with its job; its id."""
    notification = await world.notify(0, "2026060200019")
    verzoek = await world.verzoeken.start_verzoek(notification, contract.version(), contract.FILES, contract.NOW)
    for file in verzoek.files:
        await world.verzoeken.file_fetched(file.id, f"verzoeken/{file.id}", 3, bytes(32), contract.NOW)
    await world.verzoeken.verzoek_fetched(notification, verzoek.id, contract.NOW)
    await execute(
        world, "DELETE FROM procrastinate_jobs WHERE task_name = 'fetch'"
    )  # as a worker does with what is done
    return verzoek.id


async def execute(world: World, statement: str) -> None:
    async with transaction(world.pool) as connection:
        await connection.execute(statement.encode())


async def long_ago(world: World) -> None:
    """Let everything have come in, and have been fetched, an hour ago."""
    await execute(world, "UPDATE notification SET received_at = now() - interval '1 hour'")
    await execute(world, "UPDATE verzoek SET fetched_at = now() - interval '1 hour' WHERE fetched_at IS NOT NULL")


ENDS = [
    "DELETE FROM procrastinate_jobs",
    *(
        f"UPDATE procrastinate_jobs SET status = '{status}'"
        for status in ("failed", "aborted", "cancelled", "succeeded")
    ),
]


@pytest.mark.parametrize("end", ENDS)
async def test_what_waits_without_a_job_gets_one_again_once(world: World, end: str) -> None:
    app = await jobs.make_app(world.pool)
    verzoek = await waiting_to_be_delivered(world)
    notification = await world.notify(0, "2026060200020")
    await long_ago(world)
    assert await jobs.replace_lost(app, 0) == {}
    await execute(world, end)
    assert await jobs.replace_lost(app, 0) == {jobs.FETCH: [notification], jobs.DELIVER: [verzoek]}
    assert await jobs.replace_lost(app, 0) == {}
    assert await world.count("procrastinate_jobs WHERE status = 'todo' AND attempts = 0") == 2


async def test_a_replaced_job_is_like_the_one_that_was_lost(world: World) -> None:
    app = await jobs.make_app(world.pool)
    await waiting_to_be_delivered(world)
    await world.notify(0, "2026060200020")

    async def made() -> list[dict[str, object]]:
        columns = b"SELECT queue_name, task_name, lock, args FROM procrastinate_jobs ORDER BY task_name"
        async with world.pool.connection() as connection:
            return list(await (await connection.execute(columns)).fetchall())

    await long_ago(world)
    before = await made()
    await execute(world, "DELETE FROM procrastinate_jobs")
    await jobs.replace_lost(app, 0)
    assert await made() == before


async def planned_for_two(world: World) -> tuple[int, int]:
    """A verzoek that goes to the targets `a` and `b`, each with its job; the ids of the deliveries."""
    verzoek = await waiting_to_be_delivered(world)
    a, b = await PostgresDeliveries(world.pool).plan(verzoek, ["a", "b"], contract.NOW)
    await execute(world, "DELETE FROM procrastinate_jobs WHERE task_name = 'deliver'")
    await long_ago(world)
    return a.id, b.id


async def of_targets(world: World) -> list[dict[str, object]]:
    """The jobs of single targets."""
    made = b"SELECT queue_name, task_name, lock, args FROM procrastinate_jobs WHERE task_name = 'deliver_target'"
    async with world.pool.connection() as connection:
        return list(await (await connection.execute(made + b" ORDER BY lock")).fetchall())


@pytest.mark.parametrize("end", ENDS)
async def test_one_of_several_targets_that_lost_its_job_gets_it_again_once(world: World, end: str) -> None:
    app = await jobs.make_app(world.pool)
    _, b = await planned_for_two(world)
    before = await of_targets(world)
    assert await jobs.replace_lost(app, 0) == {}
    lost = f"(args ->> 'delivery_id')::bigint = {b}"
    await execute(world, f"{end} WHERE {lost}")
    assert await jobs.replace_lost(app, 0) == {jobs.DELIVER_TARGET: [b]}
    assert await jobs.replace_lost(app, 0) == {}
    await execute(world, "DELETE FROM procrastinate_jobs WHERE status <> 'todo'")
    assert await of_targets(world) == before


async def test_a_target_that_lost_its_job_gets_it_again_while_another_is_parked(world: World) -> None:
    app = await jobs.make_app(world.pool)
    a, b = await planned_for_two(world)
    await execute(world, "DELETE FROM procrastinate_jobs")
    await execute(world, f"UPDATE delivery SET state = 'parked' WHERE id = {a}")
    await execute(world, "UPDATE verzoek SET state = 'parked'")
    assert await jobs.replace_lost(app, 0) == {jobs.DELIVER_TARGET: [b]}


async def test_a_target_gets_no_job_when_its_verzoek_has_one_or_waits_for_a_person_or_an_earlier_version(
    world: World,
) -> None:
    app = await jobs.make_app(world.pool)
    a, b = await planned_for_two(world)
    await execute(world, "DELETE FROM procrastinate_jobs")
    for state in ("waiting", "parked"):
        await execute(world, f"UPDATE verzoek SET state = '{state}'")
        assert await jobs.replace_lost(app, 0) == {}
    await execute(world, "UPDATE verzoek SET state = 'fetched'")
    assert list(await jobs.replace_lost(app, 0)) == [jobs.DELIVER], "it plans again, which gives each target its job"
    await execute(world, f"UPDATE delivery SET state = 'delivered', delivered_at = now() WHERE id IN ({a}, {b})")
    await execute(world, "DELETE FROM procrastinate_jobs")
    assert list(await jobs.replace_lost(app, 0)) == [jobs.DELIVER], "it settles the verzoek"


async def test_many_nodes_that_look_at_once_replace_a_lost_job_once(world: World) -> None:
    app = await jobs.make_app(world.pool)
    for number in range(20):
        await world.notify(0, f"2026060200{number:03}")
    await long_ago(world)
    for _ in range(5):
        await execute(world, "DELETE FROM procrastinate_jobs")
        found = await asyncio.gather(*(jobs.replace_lost(app, 0) for _ in range(6)))
        assert sum(len(each.get(jobs.FETCH, [])) for each in found) == 20
        assert await world.count("procrastinate_jobs") == 20


async def test_a_look_while_another_looks_is_left_to_the_other(world: World) -> None:
    app = await jobs.make_app(world.pool)
    notification = await world.notify(0, "2026060200019")
    await long_ago(world)
    await execute(world, "DELETE FROM procrastinate_jobs")
    async with transaction(world.pool) as other:
        await other.execute("SELECT pg_advisory_xact_lock(%s)", [jobs.ONE_LOOKS])
        assert await jobs.replace_lost(app, 0) == {}
    assert await jobs.replace_lost(app, 0) == {jobs.FETCH: [notification]}


async def test_what_is_fresh_locked_parked_or_done_gets_no_job(world: World) -> None:
    app = await jobs.make_app(world.pool)
    fresh, locked, parked, fetched = [await world.notify(0, f"202606020001{number}") for number in range(4)]
    await long_ago(world)
    await execute(world, "DELETE FROM procrastinate_jobs")
    await execute(world, f"UPDATE notification SET received_at = now() WHERE id = {fresh}")
    await execute(world, f"UPDATE notification SET state = 'parked' WHERE id = {parked}")
    await execute(world, f"UPDATE notification SET state = 'fetched' WHERE id = {fetched}")
    async with transaction(world.pool) as connection:
        await connection.execute("SELECT FROM notification WHERE id = %s FOR UPDATE", [locked])
        assert await jobs.replace_lost(app, 60) == {}
    assert await jobs.replace_lost(app, 60) == {jobs.FETCH: [locked]}


async def test_more_than_a_look_replaces_are_replaced_in_the_next(world: World) -> None:
    app = await jobs.make_app(world.pool)
    notifications = [await world.notify(0, f"202606020001{number}") for number in range(3)]
    await long_ago(world)
    await execute(world, "DELETE FROM procrastinate_jobs")
    looks = [await jobs.replace_lost(app, 0, limit=2) for _ in range(3)]
    assert looks == [{jobs.FETCH: notifications[:2]}, {jobs.FETCH: notifications[2:]}, {}]


async def test_a_look_among_10_000_jobs_is_cheap_before_the_planner_knows_of_them(world: World) -> None:
    app = await jobs.make_app(world.pool)
    lost = await world.notify(0, "2026060200019")
    await execute(world, "DELETE FROM procrastinate_jobs")
    await execute(
        world,
        "WITH message AS ("
        " INSERT INTO inbound_message (aansluiting_id, cpa_row, message_id, conversation_id, service, action,"
        "  timestamp, received_at, fingerprint, content_type, document)"
        " SELECT aansluiting_id, cpa_row, n || '@bulk', '', '', '', received_at, received_at, '', '', ''"
        " FROM inbound_message, generate_series(1, 10000) AS n RETURNING *"
        "), waiting AS ("
        " INSERT INTO notification (aansluiting_id, inbound_message_id, verzoeknummer, received_at, state)"
        " SELECT aansluiting_id, id, message_id, received_at, 'received' FROM message RETURNING *"
        ") INSERT INTO procrastinate_jobs (queue_name, task_name, lock, args)"
        " SELECT 'fetch', 'fetch', id::text, jsonb_build_object('notification_id', id) FROM waiting",
    )
    await long_ago(world)
    started = time.monotonic()
    assert await jobs.replace_lost(app, 0) == {jobs.FETCH: [lost]}
    taken = time.monotonic() - started
    print(f"{taken * 1000:.0f} ms to find the one of 10,001 that has no job")
    assert taken < 2
