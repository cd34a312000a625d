"""Group commit: statements that come at the same time share one transaction, one round trip and one fsync.

A commit costs a few milliseconds of waiting for the disk, however much is in it. So while one is under way, what comes
meanwhile is gathered, and goes together into the next. Nobody waits for company: a statement that comes alone is
committed alone, at once. What nobody waits for (`soon`) goes with the next one that somebody waits for, or after a
short while. Each caller is answered after the commit, and not before (statement 165).

Only for statements that are whole by themselves. When one of a group fails, the group was rolled back and each is made
again alone, so that nobody pays for another's mistake.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg

from digikoppelaar.adapters.postgres.connect import Connection, Pool, Row, failure
from digikoppelaar.errors import StorageError

LARGEST_GROUP: Final = 16
"""More would wait for each other: all of a large group come to the next step together, and leave the last one idle."""
SOON: Final = 0.02
"""Seconds that a statement waits at most for company when nobody is in a hurry."""
KEPT: Final = 0.5
"""Seconds that a connection is kept when there is nothing to do; after that it is checked again before use."""
_PLAN_ONCE: Final = b"SET plan_cache_mode = force_generic_plan"
"""The same few statements again and again, whose best plan does not depend on their values."""
_PLAN_AS_OTHERS: Final = b"RESET plan_cache_mode"
_ROLLED_BACK: Final = ("22", "23", "40")
"""Classes of SQLSTATE after which it is certain that nothing was stored: bad data, a constraint, a deadlock."""

Answer = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _Waiting:
    query: bytes
    values: Row
    answer: "asyncio.Future[Answer]" = field(repr=False)


class GroupCommit:
    """Commits statements over `pool`, on at most one connection of it at a time."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._waiting: list[_Waiting] = []
        self._alone = 0
        self._came = asyncio.Event()
        self._hurry = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    async def execute(self, query: bytes, values: Row, *, soon: bool = False) -> Answer:
        """The rows that `query` gives, after its commit. Raises StorageError.

        `soon`: it may wait a little for others. A caller that is cancelled does not take its statement back.
        """
        waiting = _Waiting(query, values, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._came.set()
        if not soon:
            self._hurry.set()
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return await waiting.answer

    async def _run(self) -> None:
        """Commit group after group on one connection, until nothing came for a while or a group failed."""
        try:
            async with self._pool.connection() as connection:
                await connection.execute(_PLAN_ONCE)
                while await self._something_came() and await self._settle(self._next_group(), connection):
                    pass
                if not connection.closed:
                    await connection.execute(_PLAN_AS_OTHERS)
        except psycopg.Error as error:  # there is no connection
            _fail(self._waiting, failure(error))
            self._waiting = []
        finally:
            self._running = asyncio.create_task(self._run()) if self._waiting else None

    async def _something_came(self) -> bool:
        """Wait for somebody in a hurry, no longer than what waits may; False when there is nothing to do."""
        if await _is_set(self._came, KEPT):
            await _is_set(self._hurry, SOON)
        return bool(self._waiting)

    def _next_group(self) -> Sequence[_Waiting]:
        size = 1 if self._alone else LARGEST_GROUP
        self._alone = max(self._alone - 1, 0)
        group, self._waiting = self._waiting[:size], self._waiting[size:]
        if not self._waiting:
            self._came.clear()
            self._hurry.clear()
        return group

    async def _settle(self, group: Sequence[_Waiting], connection: Connection) -> bool:
        """Commit this group and answer its callers; whether the connection can be used for another."""
        try:
            answers = await _commit(group, connection)
        except psycopg.Error as error:
            await connection.close()  # it believes to have prepared statements that the failed group took along
            self._failed(group, error)
            return False
        except BaseException:
            _fail(group, StorageError("the commit was broken off"))
            raise
        for each, answer in zip(group, answers, strict=True):
            if not each.answer.done():
                each.answer.set_result(answer)
        return True

    def _failed(self, group: Sequence[_Waiting], error: psycopg.Error) -> None:
        if len(group) > 1 and (error.sqlstate or "").startswith(_ROLLED_BACK):
            self._waiting, self._alone = [*group, *self._waiting], len(group)
            self._came.set()
            self._hurry.set()
        else:
            _fail(group, failure(error))


async def _is_set(event: asyncio.Event, seconds: float) -> bool:
    """Whether it is, at the latest after so long."""
    if not event.is_set():
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()
    return event.is_set()


async def _commit(group: Sequence[_Waiting], connection: Connection) -> list[Answer]:
    async with connection.pipeline():  # its end is the commit: autocommit makes all of it one transaction
        cursors = [await connection.execute(each.query, each.values) for each in group]
    return [await cursor.fetchall() for cursor in cursors]


def first(answer: Answer) -> dict[str, Any] | None:
    """Of a statement that gives one row, or none when there was nothing to do."""
    return answer[0] if answer else None


def _fail(group: Sequence[_Waiting], error: StorageError) -> None:
    for each in group:
        if not each.answer.done():
            each.answer.set_exception(error)
