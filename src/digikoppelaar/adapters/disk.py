"""The local disk: steps in threads, whole writes, durable names. What its errors mean is up to whoever calls."""

import asyncio
import os
import uuid
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(threads: Executor | None, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run it in one of `threads` (None: asyncio's own); when cancelled, wait for it, for it still uses the file."""
    work = asyncio.get_running_loop().run_in_executor(threads, partial(function, *args, **kwargs))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        raise


def write_whole(descriptor: int, content: bytes) -> None:
    """Write all of it: one write may take less than it is given."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def put_file(file: Path, content: bytes, mode: int, *, replace: bool = False) -> None:
    """A file, whole and durable when this returns, or not at all. Raises FileExistsError unless it may be replaced."""
    temporary = file.with_name(f".{file.name}-{uuid.uuid4().hex}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            write_whole(descriptor, content)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if replace:
            temporary.replace(file)
        else:
            os.link(temporary, file)
        sync_folder(file.parent)
    finally:
        temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make the names in it durable: what was made, renamed or removed there."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
