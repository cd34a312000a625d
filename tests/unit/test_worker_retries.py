"""What becomes of a job: done, tried again when the flow said so, given back when the worker or the database stops."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from procrastinate import App, JobContext
from procrastinate.testing import InMemoryConnector
from structlog.testing import capture_logs
from tests.unit.adapters.postgres.world import World, opened_world
from tests.unit.flows.dso_world import AANSLUITING, NUMBER, FakeDso

from digikoppelaar import worker
from digikoppelaar.adapters.memory.blobs import MemoryBlobs
from digikoppelaar.adapters.memory.deliveries import MemoryDeliveries
from digikoppelaar.adapters.memory.verzoeken import MemoryVerzoeken
from digikoppelaar.adapters.postgres.deliveries import PostgresDeliveries
from digikoppelaar.adapters.postgres.jobs import DELIVER, FETCH, make_app
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.errors import CaseSystemError, FacilityNotFound, FacilityRefused, FacilityUnavailable
from digikoppelaar.flows.deliver import Delivery
from digikoppelaar.flows.intake import Intake
from digikoppelaar.flows.intake_states import NotificationState, VerzoekState
from digikoppelaar.flows.ports import NewNotification

LATER = datetime(2999, 1, 1, tzinfo=UTC)


class FarFuture:
    """A clock of which no time ever comes, so that a job that waits keeps waiting until a test makes it due."""

    def now(self) -> datetime:
        """See flows.ports.Clock."""
        return LATER


@dataclass
class Cases:
    """A case system with faults that are raised one by one; then it takes everything."""

    faults: list[Exception] = field(default_factory=list)

    async def deliver(self, handover: Any, blobs: Any, steps: Any) -> str:
        """See flows.ports.CaseSystem."""
        if self.faults:
            raise self.faults.pop(0)
        return "case-1"


@dataclass
class Queue:
    """The two kinds of job over a queue in memory."""

    dso: FakeDso = field(default_factory=FakeDso)
    cases: Cases = field(default_factory=Cases)
    verzoeken: MemoryVerzoeken = field(default_factory=MemoryVerzoeken)

    def __post_init__(self) -> None:
        self.connector = InMemoryConnector()
        self.app = App(connector=self.connector)
        blobs, clock = MemoryBlobs(), FarFuture()
        intake = Intake(self.verzoeken, lambda _: self.dso, blobs, clock)
        worker.register(
            self.app, intake, Delivery(self.verzoeken, lambda *_: self.cases, blobs, clock, MemoryDeliveries()), clock
        )

    async def announce(self) -> int:
        """A notification with its job."""
        number = self.verzoeken.announce(AANSLUITING, NewNotification(NUMBER), LATER)
        await self.app.configure_task(FETCH, queue=FETCH).defer_async(notification_id=number)
        return number

    async def work(self) -> None:
        """Run every job whose time has come."""
        async with self.app.open_async():
            await self.app.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)

    @property
    def job(self) -> dict[str, Any]:
        """The newest job as it is in the queue."""
        return self.connector.jobs[max(self.connector.jobs)]

    def make_due(self) -> None:
        """Its time has come."""
        self.job["scheduled_at"] = None


async def test_a_job_that_succeeds_is_done() -> None:
    queue = Queue()
    notification = await queue.announce()
    await queue.work()
    assert queue.job["status"] == "succeeded"
    assert (await queue.verzoeken.notification(notification)).state == NotificationState.FETCHED


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [(FacilityUnavailable("answered 503", retry_after=120.0), 120.0), (FacilityNotFound("answered 404"), 0.5)],
)
async def test_a_job_is_tried_again_when_the_flow_said_so(fault: Exception, seconds: float) -> None:
    queue = Queue(FakeDso(faults=[fault]))
    notification = await queue.announce()
    await queue.work()
    assert (queue.job["status"], queue.job["attempts"]) == ("todo", 1)
    assert queue.job["scheduled_at"] == LATER + timedelta(seconds=seconds)
    queue.make_due()
    await queue.work()
    assert queue.job["status"] == "succeeded"
    assert (await queue.verzoeken.notification(notification)).state == NotificationState.FETCHED


async def test_what_is_parked_ends_its_job() -> None:
    queue = Queue(FakeDso(faults=[FacilityRefused("answered 403")]))
    notification = await queue.announce()
    await queue.work()
    assert queue.job["status"] == "succeeded"
    assert (await queue.verzoeken.notification(notification)).state == NotificationState.PARKED


async def test_attempts_are_counted_over_restarts_until_it_is_parked() -> None:
    queue = Queue(FakeDso(faults=[FacilityNotFound("answered 404") for _ in range(99)]))
    notification = await queue.announce()
    while queue.job["status"] == "todo":
        queue.make_due()
        await queue.work()
    assert queue.job["attempts"] == 7
    assert (await queue.verzoeken.notification(notification)).state == NotificationState.PARKED


async def test_a_delivery_that_fails_is_tried_again_too() -> None:
    queue = Queue(cases=Cases([CaseSystemError("folder is full")]))
    await queue.announce()
    await queue.work()
    [verzoek_id] = queue.verzoeken.delivery_jobs
    await queue.app.configure_task(DELIVER, queue=DELIVER).defer_async(verzoek_id=verzoek_id)
    await queue.work()
    assert (queue.job["task_name"], queue.job["status"], queue.job["attempts"]) == (DELIVER, "todo", 1)
    assert queue.job["scheduled_at"] > LATER
    queue.make_due()
    await queue.work()
    assert (await queue.verzoeken.verzoek(verzoek_id)).state == VerzoekState.DELIVERED


async def test_a_job_of_which_the_flow_said_nothing_ends_as_failed() -> None:
    queue, retry = Queue(), worker._AsTold(FarFuture())

    @queue.app.task(name="odd", pass_context=True, retry=retry)
    async def odd(context: JobContext) -> None:
        raise ZeroDivisionError(context.job.task_name)

    await odd.defer_async()
    await queue.work()
    assert queue.job["status"] == "failed"


class Silent(FakeDso):
    """A DSO-LV that takes the question and never answers, until a test lets it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.free = asyncio.Event(), asyncio.Event()

    async def summary(self, verzoeknummer: str) -> Any:
        """See flows.ports.DsoClient."""
        self.asked.set()
        await self.free.wait()
        return await super().summary(verzoeknummer)


# --- Over a real queue ---------------------------------------------------------------------------------------


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    """Stores over a fresh database with two aansluitingen."""
    async with opened_world(database_url) as opened:
        yield opened


@asynccontextmanager
async def working(world: World, dso: FakeDso) -> AsyncIterator[asyncio.Event]:
    """A worker that fetches from `dso`; ends it, when the event that it gives did not."""
    app, blobs, clock, stop = await make_app(world.pool), MemoryBlobs(), SystemClock(), asyncio.Event()
    intake = Intake(world.verzoeken, lambda _: dso, blobs, clock)
    worker.register(
        app, intake, Delivery(world.verzoeken, lambda *_: Cases(), blobs, clock, PostgresDeliveries(world.pool)), clock
    )
    running = asyncio.create_task(worker.run(app, 2, stop))
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(running, 20)


async def until(happened: Callable[[], Awaitable[object]]) -> None:
    """Wait for it, at most half a minute."""
    async with asyncio.timeout(30):
        while not await happened():
            await asyncio.sleep(0.02)


async def test_a_worker_that_stops_in_the_middle_of_a_job_gives_it_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "GRACE", 0.05)
    dso = Silent()
    notification = await world.notify(0, NUMBER)
    async with working(world, dso) as stop:
        await asyncio.wait_for(dso.asked.wait(), 20)
        stop.set()
    assert await world.count("procrastinate_jobs WHERE status = 'todo' AND task_name = 'fetch'") == 1
    dso.free.set()
    async with working(world, dso):
        await until(lambda: world.count("verzoek WHERE state = 'delivered'"))
    assert (await world.verzoeken.notification(notification)).state == NotificationState.FETCHED


async def test_a_worker_lets_a_job_that_is_nearly_done_end(world: World) -> None:
    dso = Silent()
    await world.notify(0, NUMBER)
    async with working(world, dso) as stop:
        await asyncio.wait_for(dso.asked.wait(), 20)
        stop.set()
        dso.free.set()
    assert await world.count("verzoek WHERE state = 'fetched'") == 1
    assert await world.count("procrastinate_jobs WHERE task_name = 'fetch'") == 0


async def test_a_database_that_is_away_for_a_while_is_waited_for(world: World) -> None:
    server, _, name = world.url.rpartition("/")
    with capture_logs() as told:
        async with (
            working(world, FakeDso()),
            await psycopg.AsyncConnection.connect(f"{server}/postgres", autocommit=True) as other,
        ):
            await world.notify(0, "first")
            await until(lambda: world.count("notification WHERE state <> 'received' OR reason IS NOT NULL"))
            await other.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
            await other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])

            async def waits() -> bool:
                return any(line["event"] == "worker_waits_for_storage" for line in told)

            await until(waits)
            await other.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())
            await world.notify(0, NUMBER)
            await until(lambda: world.count("verzoek WHERE state = 'delivered'"))
