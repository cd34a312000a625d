"""The blob stores: the folder and its in-memory twin under one set of tests, then what only a disk can do wrong."""

import asyncio
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from digikoppelaar.adapters.blobs import PIECE, FolderBlobs
from digikoppelaar.adapters.memory.blobs import MemoryBlobs
from digikoppelaar.errors import ContentLost, FacilityAnswerBroken, StorageError
from digikoppelaar.flows.ports import BlobStore

EPOCH = datetime(2026, 6, 2, tzinfo=UTC)
CONTENT = bytes(range(256)) * 5000 + b"end"


async def chunks(content: bytes, size: int = 10_007) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def broken(content: bytes) -> AsyncIterator[bytes]:
    yield content
    raise FacilityAnswerBroken("the answer broke off")


async def read(blobs: BlobStore, name: str) -> bytes:
    return b"".join([chunk async for chunk in blobs.get(name)])


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.fixture(params=["folder", "memory"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    return FolderBlobs(tmp_path / "blobs") if request.param == "folder" else MemoryBlobs()


@pytest.mark.parametrize("content", [b"", b"x", CONTENT, CONTENT[:PIECE], CONTENT[: PIECE + 1]])
async def test_what_was_put_is_read_back_with_its_size_and_hash(blobs: BlobStore, content: bytes) -> None:
    blob = await blobs.put("verzoek/1/bijlage-1", chunks(content))
    assert (blob.name, blob.size, blob.sha256) == (
        "verzoek/1/bijlage-1",
        len(content),
        hashlib.sha256(content).digest(),
    )
    assert await read(blobs, "verzoek/1/bijlage-1") == content


async def test_several_that_are_put_together_are_as_if_put_one_by_one(blobs: BlobStore) -> None:
    contents = {"a/1": b"one", "a/2": b"", "b/c/3": CONTENT}
    await blobs.put("a/1", chunks(b"older"))
    together = await blobs.put_all(contents)
    assert {name: await read(blobs, name) for name in contents} == contents
    assert list(together) == [await blobs.put(name, chunks(content)) for name, content in contents.items()]


async def test_putting_a_name_again_replaces_the_content_whole(blobs: BlobStore) -> None:
    await blobs.put("a", chunks(CONTENT))
    await blobs.put("a", chunks(b"short"))
    assert await read(blobs, "a") == b"short"


async def test_a_put_that_breaks_off_leaves_nothing_and_the_old_content_stays(blobs: BlobStore) -> None:
    await blobs.put("old", chunks(b"old"))
    for name in ("old", "new"):
        with pytest.raises(FacilityAnswerBroken):
            await blobs.put(name, broken(CONTENT * 2))
    assert await read(blobs, "old") == b"old"
    with pytest.raises(ContentLost, match="not there"):
        await read(blobs, "new")


async def test_deleting_is_final_and_may_be_repeated(blobs: BlobStore) -> None:
    await blobs.put("a/b", chunks(b"content"))
    await blobs.delete("a/b")
    await blobs.delete("a/b")
    with pytest.raises(StorageError):
        await read(blobs, "a/b")


async def test_two_puts_of_one_name_at_once_leave_one_of_both_whole(blobs: BlobStore) -> None:
    one, other = b"1" * 3_000_000, b"2" * 2_000_000
    await asyncio.gather(blobs.put("a", chunks(one)), blobs.put("a", chunks(other)))
    assert await read(blobs, "a") in (one, other)


@pytest.mark.parametrize(
    "name", ["", "/etc/passwd", "..", "a/../../b", "a//b", "a/", ".part-1", "a/.hidden", "a\x00b", "a b", "x" * 300]
)
async def test_a_name_that_could_leave_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    blobs = FolderBlobs(tmp_path / "blobs")
    with pytest.raises(StorageError, match="cannot be the name"):
        await blobs.put(name, chunks(b"x"))
    with pytest.raises(StorageError, match="cannot be the name"):
        await blobs.put_all({"fine": b"x", name: b"x"})
    with pytest.raises(StorageError, match="cannot be the name"):
        await read(blobs, name)
    assert files(tmp_path) == []


async def test_a_broken_put_leaves_no_file_in_the_folder(tmp_path: Path) -> None:
    with pytest.raises(FacilityAnswerBroken):
        await FolderBlobs(tmp_path).put("a", broken(CONTENT * 2))
    assert files(tmp_path) == []


async def test_a_cancelled_put_leaves_no_file_in_the_folder(tmp_path: Path) -> None:
    started = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(PIECE)
            started.set()

    put = asyncio.create_task(FolderBlobs(tmp_path).put("a", endless()))
    await started.wait()
    put.cancel()
    with pytest.raises(asyncio.CancelledError):
        await put
    assert files(tmp_path) == []


async def test_a_reader_that_stops_early_gives_its_file_back(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path)
    await blobs.put("a", chunks(CONTENT * 3))
    before = open_files()
    async with aclosing(blobs.get("a")) as content:
        assert await anext(content) == (CONTENT * 3)[:PIECE]
    assert open_files() == before


async def test_the_event_loop_goes_on_while_a_large_blob_is_written(tmp_path: Path) -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    await FolderBlobs(tmp_path).put("a", chunks(bytes(8 * PIECE), PIECE))
    counting.cancel()
    assert turns > 8 * 2


async def test_erasing_is_final_and_takes_empty_folders_along(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path / "blobs")
    for name in ("a/b/1", "a/b/2", "a/c/3"):
        await blobs.put(name, chunks(b"x"))
    later = datetime.now(UTC) + timedelta(hours=1)  # noqa: TID251  # the disk has no other clock
    assert await blobs.has("a/b/1")
    for _ in range(2):
        await blobs.erase(["a/b/1", "a/b/2"], later)
    assert not await blobs.has("a/b/1")
    assert [str(each.relative_to(tmp_path)) for each in sorted(tmp_path.rglob("*"))] == [
        "blobs",
        "blobs/a",
        "blobs/a/c",
        "blobs/a/c/3",
    ]


async def test_only_what_was_stored_before_a_moment_is_listed_and_erased(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path)
    for number, age in enumerate((1, 5, 9)):
        await blobs.put(f"a/{number}", chunks(b"x" * number))
        moment = (EPOCH - timedelta(days=age)).timestamp()
        os.utime(tmp_path / "a" / str(number), (moment, moment))
    (tmp_path / "a" / ".part-1").write_bytes(b"under way")
    found = [each async for some in blobs.stored(EPOCH - timedelta(days=3)) for each in some]
    assert sorted(found) == [("a/1", 1), ("a/2", 2)]
    await blobs.erase(["a/0", "a/1", "a/2", "a/gone"], EPOCH - timedelta(days=3))
    assert files(tmp_path) == ["a/.part-1", "a/0"]


async def test_a_folder_that_goes_while_a_put_begins_is_made_again(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path)
    later = datetime.now(UTC) + timedelta(hours=1)  # noqa: TID251  # the disk has no other clock

    async def come_and_go(number: int) -> None:
        for _ in range(20):
            await blobs.put(f"a/b/{number}", chunks(b"x"))
            await blobs.erase([f"a/b/{number}"], later)

    await asyncio.gather(*(come_and_go(number) for number in range(4)))
    assert files(tmp_path) == []


async def test_sweeping_removes_what_dead_puts_left_and_nothing_else(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path)
    await blobs.put("a/kept", chunks(b"content"))
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    for name, age in (("old", timedelta(hours=2)), ("young", timedelta(minutes=5))):
        leftover = tmp_path / "a" / f".part-{name}"
        leftover.write_bytes(b"half")
        os.utime(leftover, ((now - age).timestamp(),) * 2)
    assert await blobs.sweep(now) == 1
    assert files(tmp_path) == ["a/.part-young", "a/kept"]
    assert await blobs.sweep(now) == 0


async def test_sweeping_a_folder_that_is_not_there_yet_is_fine(tmp_path: Path) -> None:
    assert await FolderBlobs(tmp_path / "none").sweep(datetime(2026, 3, 1, tzinfo=UTC)) == 0


async def test_a_folder_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="blob store"):
        await FolderBlobs(tmp_path / "file").put("a", chunks(b"x"))


FULL_DISK = """
import asyncio, resource, sys
from pathlib import Path
from digikoppelaar.adapters.blobs import FolderBlobs
from digikoppelaar.errors import StorageError

async def chunks():
    for _ in range(8):
        yield bytes(1024 * 1024)

resource.setrlimit(resource.RLIMIT_FSIZE, (3_500_000, 3_500_000))
try:
    asyncio.run(FolderBlobs(Path(sys.argv[1])).put("a", chunks()))
except StorageError as error:
    print(error)
"""


def test_a_disk_that_takes_no_more_is_a_storage_error_and_leaves_nothing(tmp_path: Path) -> None:
    run = subprocess.run([sys.executable, "-c", FULL_DISK, tmp_path], capture_output=True, text=True, check=True)
    assert run.stdout == "blob store: File too large\n"
    assert files(tmp_path) == []


async def test_of_several_that_cannot_all_be_written_no_half_ones_are_left(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="blob store"):
        await FolderBlobs(tmp_path).put_all({"a": b"x", "file/b": b"x"})
    assert files(tmp_path) == ["file"]


async def test_every_folder_on_the_way_to_several_is_synced_once_after_their_names_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[Path, list[str]]] = []
    monkeypatch.setattr("digikoppelaar.adapters.blobs.sync_folder", lambda each: synced.append((each, files(tmp_path))))
    root = tmp_path / "blobs"
    await FolderBlobs(root).put_all({"v/1/a": b"x", "v/1/b": b"y", "v/2/c": b"z"})
    assert [folder for folder, _ in synced[:2]] in ([root / "v/1", root / "v/2"], [root / "v/2", root / "v/1"])
    assert [folder for folder, _ in synced[2:]] == [root / "v", root, tmp_path]
    assert all(there == ["blobs/v/1/a", "blobs/v/1/b", "blobs/v/2/c"] for _, there in synced)


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from digikoppelaar.adapters import blobs

moment = sys.argv[2]

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

async def chunks():
    yield bytes(3_000_000)
    if moment == "writing":
        die()

if moment == "before rename":
    Path.replace = die
elif moment == "after rename":
    blobs.sync_folder = die
store = blobs.FolderBlobs(Path(sys.argv[1]))
if moment == "together, before rename":
    Path.replace = die
    asyncio.run(store.put_all({"a/b": bytes(3_000_000), "a/c": b"x"}))
asyncio.run(store.put("a/b", chunks()))
"""


@pytest.mark.parametrize(
    ("moment", "visible"),
    [("writing", False), ("before rename", False), ("after rename", True), ("together, before rename", False)],
)
async def test_a_put_killed_at_any_moment_shows_all_or_nothing(tmp_path: Path, moment: str, visible: bool) -> None:
    run = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", KILLED, tmp_path, moment], check=False)
    assert run.returncode == -signal.SIGKILL
    blobs = FolderBlobs(tmp_path)
    if visible:
        assert await read(blobs, "a/b") == bytes(3_000_000)
    else:
        with pytest.raises(StorageError, match="not there"):
            await read(blobs, "a/b")
    await blobs.sweep(datetime.now(UTC) + timedelta(hours=2))  # noqa: TID251  # the files carry the real time
    assert files(tmp_path) == (["a/b"] if visible else [])


async def test_a_blob_can_be_read_from_any_byte_on(blobs: BlobStore) -> None:
    await blobs.put("a", chunks(CONTENT))
    for start in (0, 1, PIECE, len(CONTENT) - 1, len(CONTENT)):
        assert b"".join([chunk async for chunk in blobs.get("a", start)]) == CONTENT[start:]
