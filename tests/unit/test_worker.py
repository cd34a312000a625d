"""The worker over a real queue: what a person released and what lost its job goes on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests.unit.adapters.postgres.world import World, opened_world
from tests.unit.ebms.cpas import GEMEENTE
from tests.unit.flows.dso_world import NUMBER, FakeDso

from digikoppelaar import worker
from digikoppelaar.adapters.casesystems.folder import FolderCaseSystem
from digikoppelaar.adapters.memory.blobs import MemoryBlobs
from digikoppelaar.adapters.postgres.connect import transaction
from digikoppelaar.adapters.postgres.deliveries import PostgresDeliveries
from digikoppelaar.adapters.postgres.jobs import make_app
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.errors import FacilityRefused, FacilityUnavailable
from digikoppelaar.flows.deliver import Delivery
from digikoppelaar.flows.intake import Intake

CASE = f"sandbox-pre/{GEMEENTE}/{NUMBER}-0"


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    """Stores over a fresh database with two aansluitingen."""
    async with opened_world(database_url) as opened:
        yield opened


@asynccontextmanager
async def working(world: World, dso: FakeDso, folder: Path) -> AsyncIterator[None]:
    """A worker that fetches from `dso` and delivers into `folder`."""
    app, clock, blobs, stop = await make_app(world.pool), SystemClock(), MemoryBlobs(), asyncio.Event()
    intake = Intake(world.verzoeken, lambda _: dso, blobs, clock)
    worker.register(
        app,
        intake,
        Delivery(world.verzoeken, lambda *_: FolderCaseSystem(folder), blobs, clock, PostgresDeliveries(world.pool)),
        clock,
    )
    running = asyncio.create_task(worker.run(app, 2, stop))
    try:
        yield
    finally:
        stop.set()
        await running


async def execute(world: World, statement: str) -> None:
    async with transaction(world.pool) as connection:
        await connection.execute(statement.encode())


async def until(happened: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await happened():
            await asyncio.sleep(0.02)


async def in_state(world: World, notification: int, state: str) -> None:
    async def reached() -> bool:
        return (await world.verzoeken.notification(notification)).state == state

    await until(reached)


async def delivered(folder: Path) -> None:
    async def there() -> bool:
        return (folder / CASE).is_dir()

    await until(there)


async def test_what_was_refused_goes_on_when_it_is_released(world: World, tmp_path: Path) -> None:
    notification = await world.notify(0, NUMBER)
    async with working(world, FakeDso(faults=[FacilityRefused("answered 403")]), tmp_path):
        await in_state(world, notification, "parked")
        await world.verzoeken.release(world.pre.aansluiting.id, NUMBER, SystemClock().now())
        await delivered(tmp_path)


async def test_what_has_no_job_goes_on_when_a_worker_starts(world: World, tmp_path: Path) -> None:
    notification = await world.notify(0, NUMBER)
    await execute(world, "UPDATE notification SET received_at = now() - interval '1 hour'")
    await execute(world, "UPDATE procrastinate_jobs SET status = 'failed'")
    with capture_logs() as told:
        async with working(world, FakeDso(), tmp_path):
            await delivered(tmp_path)
    replaced = [line for line in told if line["event"] == "lost_jobs_replaced"]
    assert replaced == [{"event": "lost_jobs_replaced", "log_level": "warning", "job": "fetch", "ids": [notification]}]


async def test_what_loses_its_job_under_a_running_worker_goes_on(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "LOOK_FOR_LOST", 0.1)
    unavailable = FacilityUnavailable("answered 503", retry_after=3600)

    async def waits_for_its_second_attempt() -> bool:
        return bool(await world.count("procrastinate_jobs WHERE status = 'todo' AND scheduled_at > now()"))

    async with working(world, FakeDso(faults=[unavailable]), tmp_path):
        await world.notify(0, NUMBER)
        await execute(world, "UPDATE notification SET received_at = now() - interval '1 hour'")
        await until(waits_for_its_second_attempt)
        await execute(world, "DELETE FROM procrastinate_jobs")
        await delivered(tmp_path)


async def test_a_look_for_lost_jobs_that_fails_does_not_stop_the_work(world: World, tmp_path: Path) -> None:
    await execute(world, "ALTER TABLE notification RENAME COLUMN received_at TO moved")  # what the look needs is gone
    with capture_logs() as told:
        async with working(world, FakeDso(), tmp_path):

            async def looked() -> bool:
                return any(line["event"] == "lost_jobs_not_looked_for" for line in told)

            await until(looked)
            await execute(world, "ALTER TABLE notification RENAME COLUMN moved TO received_at")
            await world.notify(0, NUMBER)
            await delivered(tmp_path)
