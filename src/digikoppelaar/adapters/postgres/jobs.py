"""The job queue (procrastinate): jobs are deferred in the transaction of the row they are about.

Which jobs there are and what they do is in `digikoppelaar.worker`.
"""

from datetime import datetime
from typing import Final, cast

from procrastinate import App, PsycopgConnector

from digikoppelaar.adapters.postgres import queries
from digikoppelaar.adapters.postgres.connect import Connection, Pool, transaction

FETCH: Final = "fetch"
"""Job with `notification_id`: fetch its verzoek."""
DELIVER: Final = "deliver"
"""Job with `verzoek_id`: hand it to the case system."""

_SQL: Final = queries.load("jobs")
_WITHOUT_POOL: Final = App(connector=PsycopgConnector())
"""For deferring only: it always works on a connection that it is given."""


async def make_app(pool: Pool) -> App:
    """procrastinate over `pool`, which stays the caller's to close. Its tasks are still to be registered."""
    app = App(connector=PsycopgConnector())
    await app.open_async(pool)
    return app


async def defer(
    connection: Connection, task: str, argument: dict[str, int], *, lock: str, at: datetime | None = None
) -> None:
    """Queue a job in the transaction of `connection`; it runs after the commit, and not before `at`.

    Of jobs with the same `lock` one runs at a time.
    """
    job = _WITHOUT_POOL.configure_task(task, queue=task, lock=lock, schedule_at=at, connection=connection)
    await job.defer_async(**argument)


def lock_of(task: str, aansluiting_id: int, verzoeknummer: str) -> str:
    """The lock of the jobs of one kind about one verzoek.

    Of one kind only: a job that waits for its next attempt holds back every later job with its lock, and a
    notification that cannot be fetched must not keep a version that is there from its case system.
    """
    return f"{task}:{aansluiting_id}:{verzoeknummer}"


async def rescue_stalled(app: App, seconds: float) -> int:
    """Queue the jobs again whose worker gave no sign of life for `seconds`; how many. Raises StorageError."""
    connector = app.connector
    assert isinstance(connector, PsycopgConnector)
    async with transaction(cast("Pool", connector.pool)) as connection:
        return (await connection.execute(_SQL["rescue_stalled"], {"seconds": seconds})).rowcount


async def analyze(pool: Pool) -> None:
    """Tell the planner how long the queue is; worth it after a bulk of jobs. Raises StorageError."""
    async with transaction(pool) as connection:
        await connection.execute("ANALYZE procrastinate_jobs")
