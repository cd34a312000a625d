"""Content that comes in parts: both blob stores under one set of tests, then what only a disk and a crash can do."""

import asyncio
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from digikoppelaar.adapters import blob_parts
from digikoppelaar.adapters.blobs import FolderBlobs
from digikoppelaar.adapters.memory.blobs import MemoryBlobs
from digikoppelaar.errors import FacilityAnswerBroken, StorageError

CONTENT = bytes(range(256)) * 10_000
NAME = "verzoeken/1/2/3"
Blobs = FolderBlobs | MemoryBlobs


async def chunks(content: bytes, *, cut: bool = False) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 70_001):
        yield content[start : start + 70_001]
    if cut:
        raise FacilityAnswerBroken("cut")


async def cut_at(blobs: Blobs, size: int, tag: str = '"v1"') -> None:
    """An attempt that begins, and is cut after so many bytes."""
    async with blobs.part(NAME) as part:
        await part.begin(tag)
        with pytest.raises(FacilityAnswerBroken):
            await part.append(chunks(CONTENT[:size], cut=True))


async def goes_on(blobs: Blobs, size: int, tag: str = '"v1"') -> None:
    """An attempt that finds so many bytes, and brings the rest."""
    async with blobs.part(NAME) as part:
        assert (part.size, part.tag) == (size, tag)
        await part.append(chunks(CONTENT[size:]))
        blob = await part.finish(f"{NAME}-2")
    assert (blob.name, blob.size, blob.sha256) == (f"{NAME}-2", len(CONTENT), hashlib.sha256(CONTENT).digest())
    assert b"".join([piece async for piece in blobs.get(blob.name)]) == CONTENT


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def folder_of(tmp_path: Path) -> Path:
    return tmp_path / "verzoeken/1/2"


@pytest.fixture(params=["folder", "memory"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    return FolderBlobs(tmp_path) if request.param == "folder" else MemoryBlobs()


@pytest.mark.parametrize("size", [1, 70_001, 1_048_576, 1_048_577, len(CONTENT)])
async def test_what_came_before_a_cut_is_gone_on_with_to_the_byte(blobs: Blobs, size: int) -> None:
    await cut_at(blobs, size)
    await goes_on(blobs, size)
    async with blobs.part(NAME) as part:
        assert part.size == 0


async def test_a_part_that_begins_again_forgets_what_was_there(blobs: Blobs) -> None:
    await cut_at(blobs, 1_000_000, '"v0"')
    await cut_at(blobs, 50_000, '"v1"')
    await goes_on(blobs, 50_000)


async def test_nothing_and_everything_at_once_are_blobs_too(blobs: Blobs) -> None:
    for content in (b"", CONTENT):
        async with blobs.part(NAME) as part:
            await part.begin("")
            await part.append(chunks(content))
            assert (await part.finish("x")).size == len(content)
        assert b"".join([piece async for piece in blobs.get("x")]) == content


async def test_who_comes_while_another_holds_it_gets_one_of_its_own(blobs: Blobs) -> None:
    await cut_at(blobs, 1_000_000)
    async with blobs.part(NAME) as first, blobs.part(NAME) as second:
        assert (first.size, second.size) == (1_000_000, 0)
        await second.begin('"v2"')
        await second.append(chunks(b"other"))
        await first.append(chunks(CONTENT[1_000_000:]))
        mine, other = await first.finish("first"), await second.finish("second")
    assert (mine.sha256, other.size) == (hashlib.sha256(CONTENT).digest(), 5)


async def test_a_cancelled_append_keeps_what_came(blobs: Blobs) -> None:
    came = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield CONTENT[:300_000]
        came.set()
        await asyncio.Event().wait()

    async def attempt() -> None:
        async with blobs.part(NAME) as part:
            await part.begin('"v1"')
            await part.append(endless())

    attempting = asyncio.create_task(attempt())
    await came.wait()
    attempting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await attempting
    await goes_on(blobs, 300_000)


async def test_what_nobody_goes_on_with_leaves_no_file(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path)
    await cut_at(blobs, 0)
    assert files(tmp_path) == []
    await cut_at(blobs, 10)
    await goes_on(blobs, 10)
    assert files(tmp_path) == ["3-2"]
    with pytest.raises(StorageError, match="cannot be the name"):
        async with blobs.part("../x"):
            pass


DAMAGE: dict[str, tuple[Any, int]] = {
    "longer than its log says": (lambda content, log: content.write_bytes(content.read_bytes() + b"stray"), 600_000),
    "shorter than its log says": (lambda content, log: os.truncate(content, 599_999), 0),
    "without its log": (lambda content, log: log.unlink(), 0),
    "with half a line in its log": (lambda content, log: log.write_bytes(log.read_bytes() + b"9999"), 600_000),
    "with a damaged log": (lambda content, log: log.write_bytes(b"\0" * 40), 0),
    "with an empty log": (lambda content, log: log.write_bytes(b""), 0),
}


@pytest.mark.parametrize("case", DAMAGE)
async def test_only_what_the_log_says_is_durable_counts(tmp_path: Path, case: str) -> None:
    damage, size = DAMAGE[case]
    blobs = FolderBlobs(tmp_path)
    await cut_at(blobs, 600_000)
    await asyncio.to_thread(damage, folder_of(tmp_path) / ".resume-3", folder_of(tmp_path) / ".resume-3.log")
    if not size:
        async with blobs.part(NAME) as part:
            assert (part.size, part.tag) == (0, "")
            await part.begin('"v1"')
            await part.append(chunks(CONTENT[:9]))
    await goes_on(blobs, size or 9)


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from digikoppelaar.adapters import blob_parts
from digikoppelaar.adapters.blobs import FolderBlobs

async def chunks():
    content = bytes(range(256)) * 10_000
    for start in range(0, len(content), 1 << 20):
        yield content[start : start + (1 << 20)]
        if start:
            os.kill(os.getpid(), signal.SIGKILL)

async def attempt():
    async with FolderBlobs(Path(sys.argv[1])).part("verzoeken/1/2/3") as part:
        await part.begin('"v1"')
        await part.append(chunks())

blob_parts.SYNC_EVERY = 1 << 20
asyncio.run(attempt())
"""


async def test_a_killed_process_leaves_what_was_synced_and_its_lock_free(tmp_path: Path) -> None:
    run = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", KILLED, tmp_path], check=False)
    assert run.returncode == -signal.SIGKILL
    await goes_on(FolderBlobs(tmp_path), 2 << 20)


async def test_a_full_disk_gives_the_part_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blobs = FolderBlobs(tmp_path)
    await cut_at(blobs, 600_000)

    def full(descriptor: int, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    async with blobs.part(NAME) as part:
        monkeypatch.setattr(blob_parts, "write_whole", full)
        with pytest.raises(StorageError, match="No space left"):
            await part.append(chunks(CONTENT))
    assert files(tmp_path) == []


async def test_sweeping_takes_parts_that_are_old_and_not_held(tmp_path: Path) -> None:
    blobs, now = FolderBlobs(tmp_path), datetime.now(UTC)  # noqa: TID251  # the files carry the real time
    await cut_at(blobs, 10)
    assert await blobs.sweep(now + timedelta(days=7)) == 0
    async with blobs.part(NAME):
        await blobs.sweep(now + timedelta(days=9))
        assert ".resume-3" in files(tmp_path)
    assert await blobs.sweep(now + timedelta(days=9)) > 0
    assert files(tmp_path) == []
