"""Large content in a folder of the local disk: durable when `put` returns, and never half visible.

A blob is written beside its name, synced, renamed, and the folder is synced; a crash leaves at most a file whose
name starts with a dot, which `sweep` removes. The event loop never waits for the disk: each piece goes to a thread.
What comes in parts is in adapters/blob_parts.py.
"""

import errno
import hashlib
import os
import re
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final, ParamSpec, TypeVar

from digikoppelaar.adapters.blob_parts import PIECE, PartFile, gathered, sweep_parts
from digikoppelaar.adapters.disk import in_thread, sync_folder, write_whole
from digikoppelaar.errors import ContentLost, StorageError
from digikoppelaar.flows.ports import Blob

TRIES: Final = 20
"""To begin a file in a folder that others remove, for being empty, again and again."""
SOME: Final = 1000
"""Blobs that are listed at once."""
ABANDONED_AFTER: Final = timedelta(hours=1)
"""A temporary file that nobody wrote to for this long belongs to a process that died."""
GIVEN_UP_AFTER: Final = timedelta(days=8)
"""A part that nobody added to for this long: with whatever retries there are, its verzoek waits for a person."""

_SEGMENT: Final = r"[A-Za-z0-9_][A-Za-z0-9._=@+-]{0,199}"
_NAME: Final = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*")
_TEMPORARY: Final = ".part-"

P = ParamSpec("P")
T = TypeVar("T")


class FolderBlobs:
    """flows.ports.BlobStore in `folder`. A name has segments of letters, digits and `._=@+-`, split by slashes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, name: str, chunks: AsyncIterator[bytes]) -> Blob:
        """Store all chunks under `name`, durably. When `chunks` raises, nothing is left.

        Raises StorageError for a bad name, a full disk and every other fault of the file system.
        """
        writing = await _in_thread(_Writing.start, self._path(name))
        try:
            async for piece in gathered(chunks):
                await _in_thread(writing.write, piece)
            await _in_thread(writing.finish, self._folder)
        except BaseException:
            await _in_thread(writing.discard)
            raise
        return Blob(name, writing.size, writing.sha256)

    async def put_all(self, contents: Mapping[str, bytes]) -> Sequence[Blob]:
        """Store small contents by their names, all durably when it returns: one folder sync for each folder.

        Raises StorageError as `put` does; some may then be there.
        """
        named = {self._path(name): content for name, content in contents.items()}
        blobs = await _in_thread(_put_all, self._folder, named)
        return [Blob(name, *written) for name, written in zip(contents, blobs, strict=True)]

    @asynccontextmanager
    async def part(self, name: str) -> AsyncIterator["FolderPart"]:
        """What an earlier attempt left under `name`; see flows.ports.BlobStore."""
        file = await _in_thread(PartFile.open, self._path(name))
        try:
            yield FolderPart(file, self._folder, self._path)
        finally:
            await _in_thread(file.close)

    async def get(self, name: str, start: int = 0) -> AsyncIterator[bytes]:
        """The content in pieces, from byte `start` on; raises ContentLost when it is not there."""
        piece, file = await _in_thread(_begin, self._path(name), start)
        try:
            while piece:
                yield piece
                piece = await _in_thread(file.read, PIECE) if file else b""
        finally:
            if file:
                file.close()

    async def delete(self, name: str) -> None:
        """Remove it; not being there is fine."""
        await _in_thread(_remove, self._path(name))

    async def has(self, name: str) -> bool:
        """Whether it is there."""
        return await _in_thread(self._path(name).is_file)

    async def erase(self, names: Iterable[str], before: datetime) -> None:
        """Remove those that were stored before this moment, durably, and the folders that are then empty."""
        await _in_thread(_erase, self._folder, [self._path(name) for name in names], before.timestamp())

    async def stored(self, before: datetime) -> AsyncIterator[Sequence[tuple[str, int]]]:
        """Name and size of every blob that was stored before this moment, a folder at a time."""
        folders = _folders(self._folder, before.timestamp())
        while (found := await _in_thread(next, folders, None)) is not None:
            for start in range(0, len(found), SOME):
                yield found[start : start + SOME]

    async def sweep(self, now: datetime) -> int:
        """Remove the files of puts that died, and parts that nobody goes on with; returns how many.

        Safe while others write.
        """
        parts = await _in_thread(sweep_parts, self._folder, (now - GIVEN_UP_AFTER).timestamp())
        return parts + await _in_thread(_sweep, self._folder, (now - ABANDONED_AFTER).timestamp())

    def _path(self, name: str) -> Path:
        if _NAME.fullmatch(name) is None:
            raise StorageError(f"{name[:80]!r} cannot be the name of a blob")
        return self._folder / name


class FolderPart:
    """flows.ports.PartialBlob on the local disk."""

    def __init__(self, file: PartFile, folder: Path, path: Callable[[str], Path]) -> None:
        self._file = file
        self._folder = folder
        self._path = path

    @property
    def size(self) -> int:
        """Bytes that are there."""
        return self._file.size

    @property
    def tag(self) -> str:
        """Of the version that they are of."""
        return self._file.tag

    async def begin(self, tag: str) -> None:
        """See flows.ports.PartialBlob."""
        await _in_thread(self._file.begin, tag)

    async def append(self, chunks: AsyncIterator[bytes]) -> None:
        """See flows.ports.PartialBlob. What a full disk cannot take is given up, with all that was there."""
        try:
            async for piece in gathered(chunks):
                await _in_thread(self._file.write, piece)
        except StorageError:
            self._file.discard()
            raise
        finally:
            await _in_thread(self._file.sync)

    async def finish(self, name: str) -> Blob:
        """See flows.ports.PartialBlob."""
        return await _in_thread(self._finish, name)

    def _finish(self, name: str) -> Blob:
        target = self._path(name)
        blob = self._file.finish(name, target)
        for each in _above([target], self._folder):
            sync_folder(each)
        return blob


class _Writing:
    """One put under way; every method runs in a thread, one at a time."""

    def __init__(self, target: Path, temporary: Path, file: BinaryIO) -> None:
        self._target = target
        self._temporary = temporary
        self._file = file
        self._hash = hashlib.sha256()
        self.size = 0

    @classmethod
    def start(cls, target: Path) -> "_Writing":
        temporary = target.parent / f"{_TEMPORARY}{uuid.uuid4().hex}"
        return cls(target, temporary, _opened(temporary))

    @property
    def sha256(self) -> bytes:
        return self._hash.digest()

    def write(self, piece: bytes) -> None:
        self._hash.update(piece)
        self.size += len(piece)
        write_whole(self._file.fileno(), piece)

    def finish(self, folder: Path) -> None:
        self.settle()
        for each in _above([self._target], folder):
            sync_folder(each)

    def settle(self) -> None:
        """Whole under its own name; durable once the folders above are synced."""
        os.fsync(self._file.fileno())
        self._file.close()
        self._temporary.replace(self._target)

    def discard(self) -> None:
        self._file.close()
        self._temporary.unlink(missing_ok=True)


async def _in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        return await in_thread(None, function, *args, **kwargs)
    except OSError as error:
        raise StorageError(f"blob store: {error.strerror or type(error).__name__}") from error


def _put_all(folder: Path, contents: Mapping[Path, bytes]) -> list[tuple[int, bytes]]:
    """Size and hash of each."""
    writings: list[_Writing] = []
    try:
        for path, content in contents.items():
            writings.append(_Writing.start(path))
            writings[-1].write(content)
        for each in writings:
            each.settle()
        for above in _above(contents, folder):
            sync_folder(above)
    except BaseException:
        for each in writings:
            each.discard()
        raise
    return [(each.size, each.sha256) for each in writings]


def _above(paths: Iterable[Path], folder: Path) -> Iterable[Path]:
    """The folders that these names are in, the lowest first, each once, up to the one that `folder` is in.

    Every folder on the way may be new, and a new folder's name is in the folder above it.
    """
    found = {each for path in paths for each in path.parents if each == folder or folder in each.parents}
    return sorted({*found, folder.parent}, key=lambda each: len(each.parts), reverse=True)


def _begin(path: Path, start: int) -> tuple[bytes, BinaryIO | None]:
    """The first piece, and the open file when there may be more."""
    try:
        file = path.open("rb", buffering=0)
    except (FileNotFoundError, IsADirectoryError) as error:
        raise ContentLost(f"blob {path.name} is not there") from error
    try:
        file.seek(start)
        piece, size = file.read(PIECE), os.fstat(file.fileno()).st_size
    except BaseException:
        file.close()
        raise
    if start + len(piece) < size:
        return piece, file
    file.close()
    return piece, None


def _remove(path: Path) -> None:
    try:
        path.unlink()
    except FileNotFoundError:
        return
    sync_folder(path.parent)


def _opened(temporary: Path) -> BinaryIO:
    """A new file in a folder that may be removed, for being empty, at this very moment."""
    for _ in range(TRIES):
        with suppress(FileNotFoundError, FileExistsError):
            temporary.parent.mkdir(parents=True, exist_ok=True)
            return temporary.open("xb", buffering=0)
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


def _erase(folder: Path, paths: Sequence[Path], before: float) -> None:
    for path in paths:
        try:
            if path.stat().st_mtime <= before:
                path.unlink()
        except FileNotFoundError:
            continue
    for parent in dict.fromkeys(path.parent for path in paths):
        with suppress(FileNotFoundError):  # another pruned it
            sync_folder(parent)
            _prune(parent, folder)


def _prune(parent: Path, folder: Path) -> None:
    """Remove empty folders, upwards; that one comes back after a crash does not matter."""
    while parent != folder and parent.is_relative_to(folder):
        try:
            parent.rmdir()
        except OSError:  # not empty, or gone
            return
        parent = parent.parent


def _folders(folder: Path, before: float) -> Iterator[list[tuple[str, int]]]:
    """Name and size of the blobs in each folder that are older."""
    for root, _, names in os.walk(folder):
        found = []
        for name in names:
            path = Path(root) / name
            with suppress(FileNotFoundError):
                stat = path.stat()
                if not name.startswith(".") and stat.st_mtime <= before:
                    found.append((path.relative_to(folder).as_posix(), stat.st_size))
        if found:
            yield found


def _sweep(folder: Path, older_than: float) -> int:
    removed = 0
    for leftover in folder.rglob(f"{_TEMPORARY}*"):
        if leftover.stat().st_mtime < older_than:
            leftover.unlink(missing_ok=True)
            removed += 1
    return removed
