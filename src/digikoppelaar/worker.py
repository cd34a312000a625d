"""The jobs, and a worker that goes on when the database does not.

A job only says which notification or verzoek; what there is to do stands in `flows.intake` and `flows.deliver`, and
when to try again in `flows.intake_states`. Jobs of one kind about one verzoek never run at once (their lock); their
order is no rule here.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, timedelta
from typing import Final

import psycopg
import structlog
from procrastinate import App, BaseRetryStrategy, JobContext, RetryDecision
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import DeleteJobCondition, Job

from digikoppelaar.adapters.postgres.jobs import DELIVER, DELIVER_TARGET, FETCH, replace_lost, rescue_stalled
from digikoppelaar.errors import StorageError
from digikoppelaar.flows.attempts import Outcome
from digikoppelaar.flows.deliver import Delivery
from digikoppelaar.flows.intake import Intake
from digikoppelaar.flows.intake_states import Retry
from digikoppelaar.flows.ports import Clock, File

log = structlog.get_logger()

HEARTBEAT: Final = 1.0
STALLED_AFTER: Final = 3.0
"""Seconds: a worker without heartbeat for this long is dead, and its jobs are taken over (measured: within 5 s)."""
POLL: Final = 0.5
"""Seconds between two looks for jobs whose time has come; new jobs announce themselves."""
GRACE: Final = 5.0
"""Seconds that running jobs get to end when the worker stops; a longer one goes on later, with the files it has."""
LOOK_FOR_LOST: Final = 60.0
"""Seconds between two looks for what waits without a job."""
LOST_AFTER: Final = 10.0
"""Seconds: what came in or was fetched later than this is not looked at, for it is most likely at work."""
PAUSE: Final = 0.5
"""Seconds before a worker that lost its database starts again."""
PROGRESS_FROM: Final = 1024**2
"""Bytes from which a file is large enough to tell how far it is."""
PROGRESS_STEP: Final = 0.1
"""Part of a large file after which progress is told again."""


class _TryAgainError(Exception):
    """Tells procrastinate that this attempt did not succeed; the reason is on record already."""

    def __init__(self, after: float) -> None:
        super().__init__(f"again in {after:g} s")
        self.after = after


class _AsTold(BaseRetryStrategy):
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """When the flow said so; None ends the job."""
        del job
        if not isinstance(exception, _TryAgainError):
            return None
        return RetryDecision(retry_at=self._clock.now().astimezone(UTC) + timedelta(seconds=exception.after))


def register(app: App, intake: Intake, delivery: Delivery, clock: Clock) -> None:
    """Teach `app` the kinds of job."""
    retry = _AsTold(clock)

    @app.task(name=FETCH, queue=FETCH, pass_context=True, retry=retry)
    async def fetch(context: JobContext, notification_id: int) -> None:
        await _attempt(context, lambda number: intake.attempt(notification_id, number))

    @app.task(name=DELIVER, queue=DELIVER, pass_context=True, retry=retry)
    async def deliver(context: JobContext, verzoek_id: int) -> None:
        await _attempt(context, lambda number: delivery.attempt(verzoek_id, number))

    @app.task(name=DELIVER_TARGET, queue=DELIVER_TARGET, pass_context=True, retry=retry)
    async def deliver_target(context: JobContext, delivery_id: int, verzoek_id: int) -> None:
        await _attempt(context, lambda _: delivery.attempt_target(delivery_id, verzoek_id))


async def _attempt(context: JobContext, make: Callable[[int], Awaitable[Outcome]]) -> None:
    attempts_before = context.job.attempts
    try:
        outcome = await make(attempts_before + 1)
    except asyncio.CancelledError:
        # The worker stops before a long step ended. Procrastinate would call the job aborted, and never run it again.
        raise _TryAgainError(0.0) from None
    if isinstance(outcome, Retry):
        raise _TryAgainError(outcome.after)


async def run(app: App, jobs: int, stop: asyncio.Event) -> None:
    """Work until `stop` is set, then let running jobs end. A lost database is waited for."""
    while not stop.is_set():
        try:
            await _work(app, jobs, stop)
        except (psycopg.Error, ConnectorException, OSError, StorageError) as error:
            log.warning("worker_waits_for_storage", reason=type(error).__name__)
        await asyncio.sleep(0 if stop.is_set() else PAUSE)


async def _work(app: App, jobs: int, stop: asyncio.Event) -> None:
    working = asyncio.create_task(
        app.run_worker_async(
            concurrency=jobs,
            install_signal_handlers=False,
            delete_jobs=DeleteJobCondition.SUCCESSFUL,
            fetch_job_polling_interval=POLL,
            update_heartbeat_interval=HEARTBEAT,
            stalled_worker_timeout=STALLED_AFTER,
            shutdown_graceful_timeout=GRACE,
        )
    )
    others = (_rescue(app), _replace(app), stop.wait())
    tasks = {working, *map(asyncio.create_task, others)}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        # run_worker_async returns as if all were well when the database died: either way it is started again.
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result


async def _rescue(app: App) -> None:
    """Give the jobs of dead workers back, over and over."""
    while True:
        rescued = await rescue_stalled(app, STALLED_AFTER)
        if rescued:
            log.warning("jobs_rescued", jobs=rescued)
        await asyncio.sleep(HEARTBEAT)


async def _replace(app: App) -> None:
    """Give what waits without a job a new one, over and over: jobs can end in ways nobody thought of, or by hand."""
    while True:
        try:
            for task, ids in (await replace_lost(app, LOST_AFTER)).items():
                log.warning("lost_jobs_replaced", job=task, ids=ids)
        except StorageError as error:  # a safety net that fails must not stop what works
            log.warning("lost_jobs_not_looked_for", reason=str(error))
        await asyncio.sleep(LOOK_FOR_LOST)


class FileProgress:
    """Tells in the log how far large files are, now and then."""

    def __init__(self) -> None:
        self._told: dict[int, float] = {}

    def tell(self, file: File, done: int, total: int | None) -> None:
        """See flows.intake.Progress."""
        if total is None or total < PROGRESS_FROM:
            return
        part = done / total
        if done < total and part < self._told.get(file.id, 0.0) + PROGRESS_STEP:
            return
        self._told[file.id] = part
        if done >= total:
            del self._told[file.id]
        log.info("file_progress", file=file.id, kind=file.kind.value, done=done, total=total)
