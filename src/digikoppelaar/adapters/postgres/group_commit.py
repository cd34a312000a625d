"""Group commit: statements that come at the same time share one transaction, one round trip and one fsync.

A commit costs a few milliseconds of waiting for the disk, however much is in it. So while one is under way, what comes
meanwhile is gathered, and goes together into the next. Nobody waits for company: a statement that comes alone is
committed alone, at once. Each caller is answered after the commit, and not before (statement 165).

Only for statements that are whole by themselves. When one of a group fails, the group was rolled back and each is made
again alone, so that nobody pays for another's mistake.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg

from digikoppelaar.adapters.postgres.connect import Pool, Row, transaction
from digikoppelaar.errors import StorageError

LARGEST_GROUP: Final = 64
_ROLLED_BACK: Final = ("22", "23", "40")
"""Classes of SQLSTATE after which it is certain that nothing was stored: bad data, a constraint, a deadlock."""

Answer = dict[str, Any] | None


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
        self._running: asyncio.Task[None] | None = None

    async def execute(self, query: bytes, values: Row) -> Answer:
        """The first row that `query` gives, if any, after its commit. Raises StorageError.

        A caller that is cancelled does not take its statement back.
        """
        waiting = _Waiting(query, values, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return await waiting.answer

    async def _run(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting[:LARGEST_GROUP], self._waiting[LARGEST_GROUP:]
                await self._settle(group)
        finally:
            self._running = None

    async def _settle(self, group: Sequence[_Waiting]) -> None:
        try:
            answers = await self._commit(group)
        except StorageError as error:
            if len(group) > 1 and _was_rolled_back(error):
                for each in group:
                    await self._settle([each])
            else:
                _fail(group, error)
        except BaseException:
            _fail(group, StorageError("the commit was broken off"))
            raise
        else:
            for each, answer in zip(group, answers, strict=True):
                if not each.answer.done():
                    each.answer.set_result(answer)

    async def _commit(self, group: Sequence[_Waiting]) -> list[Answer]:
        async with transaction(self._pool) as connection, connection.pipeline():
            cursors = [await connection.execute(each.query, each.values) for each in group]
            return [await cursor.fetchone() for cursor in cursors]


def _was_rolled_back(error: StorageError) -> bool:
    cause = error.__cause__
    return isinstance(cause, psycopg.Error) and (cause.sqlstate or "").startswith(_ROLLED_BACK)


def _fail(group: Sequence[_Waiting], error: StorageError) -> None:
    for each in group:
        if not each.answer.done():
            each.answer.set_exception(error)
