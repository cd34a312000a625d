"""Small files of a verzoek, fetched side by side, made durable together and recorded together.

Most bijlagen are a few kilobytes. One by one, each costs a wait for DSO-LV, for the disk and for the database, and
that is nearly all it costs. A crash costs one group of them at the most. Larger files are streamed, one at a time.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Final

from digikoppelaar.flows.ports import File

SMALL: Final = 256 * 1024
"""Bytes up to which a file is small, by what DSO-LV announced."""
TOGETHER: Final = 1024 * 1024
"""Bytes that one group may hold in memory."""
AT_ONCE: Final = 4
"""Downloads under way for one verzoek."""


def groups(sized: Iterable[tuple[File, int]]) -> Iterator[list[File]]:
    """These files in their order, each group within TOGETHER; sizes in bytes."""
    group: list[File] = []
    room = TOGETHER
    for file, size in sized:
        if group and size > room:
            yield group
            group, room = [], TOGETHER
        group.append(file)
        room -= size
    if group:
        yield group


async def side_by_side(files: Sequence[File], read: Callable[[File], Awaitable[bytes]]) -> list[bytes]:
    """What `read` gives for each file, AT_ONCE at a time. When one fails the others are cancelled, and it is raised."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(file: File) -> bytes:
        async with room:
            return await read(file)

    try:
        async with asyncio.TaskGroup() as reading:
            tasks = [reading.create_task(one(file)) for file in files]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]
