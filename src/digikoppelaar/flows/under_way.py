"""Work of which no piece waits for another: each is a task of its own, so that what hangs holds up only itself."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import structlog

from digikoppelaar.errors import DigikoppelaarError

log = structlog.get_logger()


@dataclass(slots=True)
class UnderWay:
    """Pieces of work, each with what it is about. An async context manager: leaving it waits until all have ended.

    Cancelled, it cancels them. A piece that fails is told in the log, as of `part`, and ends no other.
    """

    part: str
    _group: asyncio.TaskGroup = field(default_factory=asyncio.TaskGroup)
    _tasks: dict[asyncio.Task[None], tuple[int, float]] = field(default_factory=dict)

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._group.__aexit__(kind, error, trace)

    def start(self, about: int, work: Coroutine[Any, Any, object]) -> None:
        """Begin a piece of work."""
        self._tasks[self._group.create_task(self._safely(work))] = about, asyncio.get_running_loop().time()

    def about(self) -> frozenset[int]:
        """What the pieces that have not ended are about."""
        return frozenset(about for task, (about, _) in self._tasks.items() if not task.done())

    def begun_within(self, seconds: float) -> int:
        """How many of those that have not ended began less than so long ago."""
        since = asyncio.get_running_loop().time() - seconds
        return sum(begun > since for task, (_, begun) in self._tasks.items() if not task.done())

    async def repeat(
        self, begin: Callable[[], Awaitable[object]], stop: asyncio.Event, interval: float, *, at_ends: bool = False
    ) -> None:
        """Let `begin` begin what is due every `interval` seconds until `stop`; `at_ends` also whenever a piece ended.

        When it fails, also because the database is away, that is told in the log and it is called again.
        """
        stopping = self._group.create_task(stop.wait())
        while not stop.is_set():
            self._tasks = {task: begun for task, begun in self._tasks.items() if not task.done()}
            await self._safely(begin())
            # What ended since is still among the tasks, and so ends this at once.
            awaited = {stopping, *self._tasks} if at_ends else {stopping}
            await asyncio.wait(awaited, timeout=interval, return_when=asyncio.FIRST_COMPLETED)

    async def _safely(self, work: Awaitable[object]) -> None:
        try:
            await work
        except DigikoppelaarError as error:
            log.warning("part_waits", part=self.part, reason=str(error))
        except Exception:  # a fault of ours must not end what others wait for
            log.exception("part_broke", part=self.part)
