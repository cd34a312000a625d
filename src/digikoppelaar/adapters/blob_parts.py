"""A blob that comes in parts, over attempts and crashes, in the folder of adapters/blobs.py.

Beside the content stands a log: the tag of its version, and after every sync how many bytes are durable. A crash of the
process or of the machine leaves at most bytes beyond the last length in the log, which do not count. Whoever writes
holds a lock on the content, which the system gives back when its process dies.
"""

import fcntl
import hashlib
import json
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from digikoppelaar.adapters.disk import write_whole
from digikoppelaar.errors import StorageError
from digikoppelaar.flows.ports import Blob

SYNC_EVERY: Final = 8 * 1024 * 1024
"""Bytes after which what came in is made durable: as much is fetched again after a crash, and no more."""
PIECE: Final = 1024 * 1024
"""Bytes that go to the disk at once, and so the memory that one stream needs."""
KEPT: Final = ".resume-"
_LOG: Final = ".log"
_TRIES: Final = 20


class PartFile:
    """The content so far; every method runs in a thread, one at a time. `kept` is False of one that nobody resumes."""

    def __init__(self, path: Path, descriptor: int, *, kept: bool) -> None:
        self.path = path
        self._descriptor = descriptor
        self._kept = kept
        self._log = path.with_name(path.name + _LOG)
        self._hash = hashlib.sha256()
        self._synced = 0
        self.size = 0
        self.tag = ""

    @classmethod
    def open(cls, target: Path) -> "PartFile":
        """What is there of `target`, or an empty one; while another holds it, an empty one that nobody resumes."""
        for _ in range(_TRIES):
            target.parent.mkdir(parents=True, exist_ok=True)
            path = target.parent / f"{KEPT}{target.name}"
            with suppress(FileNotFoundError):  # the folder was removed, for being empty
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
                if not _locked(descriptor):
                    os.close(descriptor)
                    return cls._own(target)
                if _is(path, descriptor):
                    part = cls(path, descriptor, kept=True)
                    part._read()
                    return part
                os.close(descriptor)  # who held it has just finished or removed it
        raise StorageError(f"blob store: part of {target.name} cannot be opened")

    @classmethod
    def _own(cls, target: Path) -> "PartFile":
        path = target.parent / f".part-{uuid.uuid4().hex}"
        return cls(path, os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640), kept=False)

    def begin(self, tag: str) -> None:
        """Start again, with the content of the version that has this tag."""
        os.ftruncate(self._descriptor, 0)
        self.size, self._synced, self._hash, self.tag = 0, 0, hashlib.sha256(), tag
        if self._kept:
            _write_log(self._log, f"{json.dumps(tag)}\n".encode(), fresh=True)

    def write(self, piece: bytes) -> None:
        """Add this. What a full disk took of it does not count."""
        os.lseek(self._descriptor, self.size, os.SEEK_SET)
        write_whole(self._descriptor, piece)
        self._hash.update(piece)
        self.size += len(piece)
        if self.size - self._synced >= SYNC_EVERY:
            self.sync()

    def sync(self) -> None:
        """Make durable what was written, and then say so in the log."""
        if self._kept and self.size > self._synced:
            os.fdatasync(self._descriptor)
            _write_log(self._log, f"{self.size}\n".encode(), fresh=False)
        self._synced = self.size

    def finish(self, name: str, target: Path) -> Blob:
        """It is whole: give it its name. The caller makes the names durable."""
        os.ftruncate(self._descriptor, self.size)
        os.fsync(self._descriptor)
        self.path.replace(target)
        self._log.unlink(missing_ok=True)
        return Blob(name, self.size, self._hash.digest())

    def discard(self) -> None:
        """Nothing of it is wanted."""
        self.size = 0

    def close(self) -> None:
        """Leave what is durable for another attempt, if it is worth it."""
        try:
            if _is(self.path, self._descriptor) and not (self._kept and self.size):
                self._log.unlink(missing_ok=True)
                self.path.unlink(missing_ok=True)
        finally:
            os.close(self._descriptor)

    def _read(self) -> None:
        """Take over what an earlier attempt left, as far as its log says that it is durable."""
        tag, size = _read_log(self._log, os.fstat(self._descriptor).st_size)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        while self.size < size and (piece := os.read(self._descriptor, min(PIECE, size - self.size))):
            self._hash.update(piece)
            self.size += len(piece)
        self.tag, self._synced = tag, self.size


async def gathered(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in pieces of PIECE or a little more. When `chunks` raises, first what it gave before."""
    some = bytearray()
    failure: BaseException | None = None
    try:
        async for chunk in chunks:
            some += chunk
            if len(some) >= PIECE:
                yield bytes(some)
                some.clear()
    except GeneratorExit:
        raise
    except BaseException as error:  # also a cancellation: the piece is on disk before it goes on
        failure = error
    try:
        if some:
            yield bytes(some)
        if failure is not None:
            raise failure
    finally:
        del failure, some  # else error and frame keep each other alive, and the piece with them


def sweep_parts(folder: Path, older_than: float) -> int:
    """Remove parts that nobody wrote to for long, with their logs; returns how many files went."""
    old = []
    for leftover in folder.rglob(f"{KEPT}*"):
        with suppress(FileNotFoundError):
            if leftover.stat().st_mtime < older_than:
                old.append(leftover)
    return sum(map(_removed, old))


def _removed(path: Path) -> bool:
    """Whether it went: not while somebody holds it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        if _locked(descriptor) and _is(path, descriptor):
            path.unlink()
            return True
        return False
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    """Whether the lock is ours now; the system gives it back with the descriptor."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is(path: Path, descriptor: int) -> bool:
    """Whether this name still is the file that is open."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _write_log(log: Path, line: bytes, *, fresh: bool) -> None:
    """A fresh log is durable at once: an old one must never speak of the content that comes."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | (os.O_TRUNC if fresh else os.O_APPEND), 0o640)
    try:
        write_whole(descriptor, line)
        if fresh:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read_log(log: Path, there: int) -> tuple[str, int]:
    """The tag, and the last length that a whole line says; nothing when that is more than is there."""
    try:
        first, *lines = log.read_bytes().split(b"\n")[:-1]
        tag, sizes = json.loads(first), [int(line) for line in lines if line.isdigit()]
    except (FileNotFoundError, ValueError):
        return "", 0
    size = sizes[-1] if sizes else 0
    return (tag, size) if isinstance(tag, str) and size <= there else ("", 0)
