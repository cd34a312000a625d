"""The job queue: jobs live and die with their row, one at a time for each verzoek, and outlive their worker."""

import asyncio
import time
from collections import Counter

import pytest
from tests.unit.adapters.postgres.world import World

from digikoppelaar.adapters.postgres import jobs
from digikoppelaar.adapters.postgres.connect import transaction
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
