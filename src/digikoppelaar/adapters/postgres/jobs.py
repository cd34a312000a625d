"""The job queue (procrastinate): jobs are deferred in the transaction of the row they are about.

Which jobs there are and what they do is in `digikoppelaar.worker`.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final, cast

from procrastinate import App, PsycopgConnector

from digikoppelaar.adapters.postgres import queries
from digikoppelaar.adapters.postgres.connect import Connection, Pool, Row, Url, opened_pool, transaction

FETCH: Final = "fetch"
"""Job with `notification_id`: fetch its verzoek."""
DELIVER: Final = "deliver"
"""Job with `verzoek_id`: hand it to its targets."""
DELIVER_TARGET: Final = "deliver_target"
"""Job with `delivery_id` and `verzoek_id`: hand it to one of several targets."""

_ARGUMENT: Final = {FETCH: "notification_id", DELIVER: "verzoek_id"}
_WITHOUT_JOB: Final = {
    # In this order: a delivery whose verzoek got a job that plans needs none of its own.
    FETCH: "notifications_without_job",
    DELIVER: "verzoeken_without_job",
    DELIVER_TARGET: "deliveries_without_job",
}
QUEUE_CONNECTIONS: Final = 4
FIRST: Final = {FETCH: 0, DELIVER: 1, DELIVER_TARGET: 1}
"""Priority, the highest first: what is here goes out before more comes in, so that a verzoek is under way shortly."""
ONE_LOOKS: Final = int.from_bytes(b"lost_job")
"""Key of the advisory lock: of two looks at once, the later could not see the jobs that the earlier makes."""

_SQL: Final = queries.load("jobs")
_WITHOUT_POOL: Final = App(connector=PsycopgConnector())
"""For deferring only: it always works on a connection that it is given."""


@asynccontextmanager
async def opened_queue(url: Url) -> AsyncIterator[App]:
    """procrastinate for a worker, over connections of its own.

    That a job was taken up or is done need not be on disk: when the server dies and forgets it, the job is done again,
    and every step may run twice. That there is a job is committed with what it is about, and waits for the disk.
    """
    async with opened_pool(url, QUEUE_CONNECTIONS, relaxed=True) as pool:
        yield await make_app(pool)


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
    job = _WITHOUT_POOL.configure_task(
        task, queue=task, lock=lock, priority=FIRST[task], schedule_at=at, connection=connection
    )
    await job.defer_async(**argument)


async def defer_about(connection: Connection, task: str, row: Row) -> None:
    """Queue the job of this kind about a row (notification or verzoek: id, aansluiting_id, verzoeknummer)."""
    lock = lock_of(task, row["aansluiting_id"], row["verzoeknummer"])
    await defer(connection, task, {_ARGUMENT[task]: row["id"]}, lock=lock)


async def defer_target(connection: Connection, delivery_id: int, verzoek_id: int) -> None:
    """Queue the job of one of several targets."""
    about = {"delivery_id": delivery_id, "verzoek_id": verzoek_id}
    await defer(connection, DELIVER_TARGET, about, lock=f"{DELIVER_TARGET}:{delivery_id}")


def lock_of(task: str, aansluiting_id: int, verzoeknummer: str) -> str:
    """The lock of the jobs of one kind about one verzoek.

    Of one kind only: a job that waits for its next attempt holds back every later job with its lock, and a
    notification that cannot be fetched must not keep a version that is there from its case system.
    """
    return f"{task}:{aansluiting_id}:{verzoeknummer}"


async def rescue_stalled(app: App, seconds: float) -> int:
    """Queue the jobs again whose worker gave no sign of life for `seconds`; how many. Raises StorageError."""
    async with transaction(_pool(app)) as connection:
        return (await connection.execute(_SQL["rescue_stalled"], {"seconds": seconds})).rowcount


async def replace_lost(app: App, seconds: float, limit: int = 1000) -> Mapping[str, Sequence[int]]:
    """Queue a job for what has waited `seconds` and has none.

    The ids of notifications (FETCH), verzoeken (DELIVER) and deliveries to one of several targets (DELIVER_TARGET). At
    most `limit` of each; those that are locked, or looked for by another node at this moment, are left for the
    next look. Raises StorageError.
    """
    async with transaction(_pool(app)) as connection:
        row = await (await connection.execute(_SQL["try_to_look"], {"key": ONE_LOOKS})).fetchone()
        if row is None or not row["alone"]:
            return {}
        values = {"seconds": seconds, "limit": limit}
        found = {task: await _replace(connection, task, values) for task in _WITHOUT_JOB}
    return {task: ids for task, ids in found.items() if ids}


async def _replace(connection: Connection, task: str, values: Row) -> list[int]:
    rows = await (await connection.execute(_SQL[_WITHOUT_JOB[task]], values)).fetchall()
    for row in rows:
        if task == DELIVER_TARGET:
            await defer_target(connection, row["id"], row["verzoek_id"])
        else:
            await defer_about(connection, task, row)
    return [row["id"] for row in rows]


def _pool(app: App) -> Pool:
    connector = app.connector
    assert isinstance(connector, PsycopgConnector)
    return cast("Pool", connector.pool)


async def analyze(pool: Pool) -> None:
    """Tell the planner how long the queue is; worth it after a bulk of jobs. Raises StorageError."""
    async with transaction(pool) as connection:
        await connection.execute("ANALYZE procrastinate_jobs")
