"""A case folder is there whole or not at all, whatever happens while it is written."""

import asyncio
import contextlib
import errno
import hashlib
import json
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from digikoppelaar.adapters.casesystems import folder
from digikoppelaar.adapters.casesystems.casefolder import DONE, MANIFEST, case_path
from digikoppelaar.adapters.casesystems.folder import FolderCaseSystem
from digikoppelaar.adapters.memory.blobs import MemoryBlobs
from digikoppelaar.errors import CaseSystemError, StorageError
from digikoppelaar.flows.delivery_steps import DeliverySteps
from digikoppelaar.flows.ports import Aansluiting, File, FileKind, Handover, Verzoek
from digikoppelaar.stam import model
from digikoppelaar.stam.verzoek import as_json

OIN = "00000099000000001000"
AANSLUITING = Aansluiting(7, OIN, "Gemeente Voorbeeldstad", "stam", "pre", OIN, None, None)
READ = model.Verzoek(None, "2026060200019", 0, "initieren", "Melding", naam="Dakkapel é")
CASE = f"pre/{OIN}/2026060200019-0"
CONTENTS = {
    (FileKind.XML, "verzoek.xml"): b"<verzoek/>",
    (FileKind.PDF, "samenvatting.pdf"): b"%PDF-1.7",
    (FileKind.BIJLAGE, "gevel é.png"): b"png" * 100_000,
    (FileKind.BIJLAGE, "GEVEL é.png"): b"another",
    (FileKind.BIJLAGE, "../../../etc/passwd"): b"root",
    (FileKind.BIJLAGE, ""): b"",
}


async def stored(blobs: MemoryBlobs, *, volgnummer: int = 0) -> Handover:
    """A verzoek version whose files are in the blob store."""

    async def once(content: bytes) -> AsyncIterator[bytes]:
        yield content

    files = []
    for number, ((kind, naam), content) in enumerate(CONTENTS.items(), start=1):
        blob = await blobs.put(f"verzoeken/7/{volgnummer}/{number}", once(content))
        files.append(File(number, kind, f"d{number}", naam, "", "", blob.name, blob.size, blob.sha256))
    verzoek = Verzoek(
        1, AANSLUITING, "2026060200019", volgnummer, "Melding", "initieren", "Dakkapel", False, "fetched", tuple(files)
    )
    return Handover(verzoek, READ)


def changed(handover: Handover, **changes: Any) -> Handover:
    """The same with these fields of its verzoek."""
    return replace(handover, verzoek=replace(handover.verzoek, **changes))


def names_in(folder: Path) -> list[str]:
    """What is in `folder`, hidden or not."""
    return sorted(path.name for path in folder.iterdir())


def visible(root: Path) -> list[str]:
    """Every file and folder below `root`, as a path."""
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


def check_whole(case: Path) -> None:
    """Every file is there as its manifest says, and nothing else."""
    manifest = json.loads((case / MANIFEST).read_bytes())
    listed = {entry["pad"]: (entry["bytes"], entry["sha256"]) for entry in manifest["bestanden"]}
    found = {
        str(path.relative_to(case)): (path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in case.rglob("*")
        if path.is_file() and path.name not in (MANIFEST, DONE, "verzoek.json")
    }
    assert found == listed
    assert len(listed) == len(CONTENTS)
    assert (case / DONE).read_text().strip() == hashlib.sha256((case / MANIFEST).read_bytes()).hexdigest()


async def test_a_verzoek_becomes_a_folder_with_everything_in_it(tmp_path: Path) -> None:
    blobs = MemoryBlobs()
    reference = await FolderCaseSystem(tmp_path).deliver(await stored(blobs), blobs, DeliverySteps())
    assert reference == CASE
    check_whole(tmp_path / CASE)
    assert visible(tmp_path / CASE) == [
        "bijlagen",
        "bijlagen/GEVEL é (2).png",
        "bijlagen/_.._.._etc_passwd",
        "bijlagen/bijlage-6",
        "bijlagen/gevel é.png",
        "gereed",
        "manifest.json",
        "verzoek.json",
        "verzoek.pdf",
        "verzoek.xml",
    ]
    assert json.loads((tmp_path / CASE / "verzoek.json").read_text()) == as_json(READ)


async def test_the_manifest_says_what_is_test_and_which_documents_lapsed_and_else_nothing(tmp_path: Path) -> None:
    blobs = MemoryBlobs()
    for volgnummer, marks in enumerate(({}, {"test": True}, {"lapsed": ("d4", "d5")})):
        handover = changed(await stored(blobs, volgnummer=volgnummer), **marks)
        await FolderCaseSystem(tmp_path).deliver(handover, blobs, DeliverySteps())
    manifests = [json.loads((case / MANIFEST).read_text()) for case in sorted((tmp_path / CASE).parent.iterdir())]
    said = [{name: each[name] for name in ("test", "vervallenDocumenten") if name in each} for each in manifests]
    assert said == [{}, {"test": True}, {"vervallenDocumenten": ["d4", "d5"]}]


async def test_a_preview_changes_nothing_and_says_whether_it_was_done(tmp_path: Path) -> None:
    blobs = MemoryBlobs()
    system, verzoek = FolderCaseSystem(tmp_path), await stored(blobs)
    (before,) = await system.preview(verzoek, DeliverySteps())
    assert (before.done, visible(tmp_path)) == (False, [])
    assert "6 bestanden" in before.what
    await system.deliver(verzoek, blobs, DeliverySteps())
    (after,) = await system.preview(verzoek, DeliverySteps())
    assert after.done


async def test_a_preview_says_what_would_stop_a_delivery(tmp_path: Path) -> None:
    system, verzoek = FolderCaseSystem(tmp_path / "not-mounted"), await stored(MemoryBlobs())
    with pytest.raises(CaseSystemError, match="not there"):
        await system.preview(verzoek, DeliverySteps())


async def test_delivering_again_changes_nothing(tmp_path: Path) -> None:
    blobs = MemoryBlobs()
    system, verzoek = FolderCaseSystem(tmp_path), await stored(blobs)
    await system.deliver(verzoek, blobs, DeliverySteps())
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    better = replace(verzoek, read=replace(READ, naam="understood better by now"))
    assert await system.deliver(better, blobs, DeliverySteps()) == CASE
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


async def test_two_versions_stand_side_by_side(tmp_path: Path) -> None:
    blobs = MemoryBlobs()
    system = FolderCaseSystem(tmp_path)
    for volgnummer in (0, 1):
        await system.deliver(await stored(blobs, volgnummer=volgnummer), blobs, DeliverySteps())
    assert [path.name for path in sorted((tmp_path / "pre" / OIN).iterdir())] == ["2026060200019-0", "2026060200019-1"]


async def test_two_deliveries_at_once_make_one_case(tmp_path: Path) -> None:
    blobs = MemoryBlobs()
    system, verzoek = FolderCaseSystem(tmp_path), await stored(blobs)
    await asyncio.gather(*(system.deliver(verzoek, blobs, DeliverySteps()) for _ in range(4)), return_exceptions=True)
    assert await system.deliver(verzoek, blobs, DeliverySteps()) == CASE
    check_whole(tmp_path / CASE)
    assert names_in(tmp_path / "pre" / OIN) == ["2026060200019-0"]


async def test_an_attempt_that_clears_up_never_empties_a_case_that_another_publishes_meanwhile(tmp_path: Path) -> None:
    case = tmp_path / CASE
    draft = case.with_name(f".{case.name}.deel-of-another-attempt")
    (draft / "bijlagen").mkdir(parents=True)
    for number in range(2000):  # enough for the removal to be under way when the other attempt publishes
        (draft / "bijlagen" / str(number)).touch()
    verzoek = await stored(MemoryBlobs())
    clearing = asyncio.create_task(FolderCaseSystem(tmp_path).deliver(verzoek, MemoryBlobs(), DeliverySteps()))
    with contextlib.suppress(FileNotFoundError):  # the removal got to the end between two looks
        while draft.exists() and len(names_in(draft / "bijlagen")) == 2000:
            await asyncio.sleep(0)
    try:
        draft.rename(case)
    except FileNotFoundError:
        published = 2000  # refused: that attempt fails and is repeated
    else:
        await asyncio.wait([clearing])
        published = len(names_in(case / "bijlagen"))
    with pytest.raises((StorageError, CaseSystemError)):  # the blobs of this verzoek are somewhere else
        await clearing
    assert published == 2000


class Crash(BaseException):
    """The process dies here: no clean-up of ours may count on running after it."""


@pytest.mark.parametrize(("small", "points"), [(0, 20), (folder.SMALL, 10)], ids=["one-by-one", "together"])
async def test_a_crash_at_any_point_leaves_nothing_half_and_a_rerun_mends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: int, points: int
) -> None:
    """Every step through the file system is a point where the process may die; clean-up is switched off with it."""
    blobs = MemoryBlobs()
    verzoek = await stored(blobs)
    real = folder._in_thread
    monkeypatch.setattr(folder, "SMALL", small)
    crashed = 0
    for point in range(1, 200):
        root = tmp_path / str(point)
        root.mkdir()
        steps = [0]

        async def dying(
            function: Any, *args: Any, _steps: list[int] = steps, _point: int = point, **kwargs: Any
        ) -> Any:
            _steps[0] += 1
            if _steps[0] == _point:
                raise Crash
            if _steps[0] > _point:
                return None  # dead: nothing runs any more, clean-up included
            return await real(function, *args, **kwargs)

        monkeypatch.setattr(folder, "_in_thread", dying)
        try:
            await FolderCaseSystem(root).deliver(verzoek, blobs, DeliverySteps())
            finished = True
        except Crash:
            finished = False
        monkeypatch.setattr(folder, "_in_thread", real)
        case = root / CASE
        if case.exists():
            check_whole(case)
        assert await FolderCaseSystem(root).deliver(verzoek, blobs, DeliverySteps()) == CASE
        check_whole(case)
        assert names_in(case.parent) == [case.name]
        if finished:
            break
        crashed += 1
    assert crashed > points


@pytest.mark.parametrize("call", ["fsync", "rename", "mkdir", "write"])
async def test_a_full_or_failing_disk_leaves_nothing_and_tells_no_file_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    blobs = MemoryBlobs()
    verzoek = await stored(blobs)

    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device", "gevel é.png")

    with monkeypatch.context() as patched:
        patched.setattr(os, call, refuse)
        with pytest.raises(CaseSystemError) as refused:
            await FolderCaseSystem(tmp_path).deliver(verzoek, blobs, DeliverySteps())
    assert str(refused.value) == "case folder: No space left on device"
    assert not (tmp_path / CASE).exists()
    assert not list(tmp_path.glob("**/.*"))
    await FolderCaseSystem(tmp_path).deliver(verzoek, blobs, DeliverySteps())
    check_whole(tmp_path / CASE)


@pytest.mark.parametrize("harm", ["another", "no manifest", "no marker", "torn manifest", "a file"])
async def test_something_else_in_its_place_is_told_and_left_alone(tmp_path: Path, harm: str) -> None:
    blobs = MemoryBlobs()
    system, verzoek = FolderCaseSystem(tmp_path), await stored(blobs)
    case = tmp_path / CASE
    if harm == "a file":
        case.parent.mkdir(parents=True)
        case.write_text("?")
    else:
        await system.deliver(verzoek, blobs, DeliverySteps())
    match harm:
        case "another":
            verzoek = changed(verzoek, files=verzoek.verzoek.files[:-1])
        case "no manifest":
            (case / MANIFEST).unlink()
        case "no marker":
            (case / DONE).unlink()
        case "torn manifest":
            (case / MANIFEST).write_text("{")
    before = visible(tmp_path)
    with pytest.raises(CaseSystemError, match="other content"):
        await system.deliver(verzoek, blobs, DeliverySteps())
    assert visible(tmp_path) == before


async def test_an_empty_folder_in_its_place_is_no_obstacle(tmp_path: Path) -> None:
    blobs = MemoryBlobs()
    (tmp_path / CASE).mkdir(parents=True)
    await FolderCaseSystem(tmp_path).deliver(await stored(blobs), blobs, DeliverySteps())
    check_whole(tmp_path / CASE)


class RottenBlobs(MemoryBlobs):
    """A blob store on a disk that lost something."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self._content = content

    async def get(self, name: str) -> AsyncIterator[bytes]:
        """Always this content."""
        yield self._content


@pytest.mark.parametrize("content", [b"", b"<verzoek?>", b"<verzoek/> "])
async def test_a_blob_that_is_not_what_was_fetched_is_never_delivered(tmp_path: Path, content: bytes) -> None:
    blobs = RottenBlobs(content)
    with pytest.raises(StorageError, match="not what was fetched"):
        await FolderCaseSystem(tmp_path).deliver(await stored(blobs), blobs, DeliverySteps())
    assert names_in(tmp_path / "pre" / OIN) == []


async def test_a_verzoek_with_a_missing_file_is_never_delivered(tmp_path: Path) -> None:
    blobs = MemoryBlobs()
    whole = await stored(blobs)
    *files, last = whole.verzoek.files
    half = changed(whole, files=(*files, replace(last, blob=None)))
    with pytest.raises(StorageError):
        await FolderCaseSystem(tmp_path).deliver(half, blobs, DeliverySteps())
    assert visible(tmp_path) == []


async def test_a_folder_that_is_not_mounted_is_not_made(tmp_path: Path) -> None:
    blobs = MemoryBlobs()
    with pytest.raises(CaseSystemError, match="not there"):
        await FolderCaseSystem(tmp_path / "share").deliver(await stored(blobs), blobs, DeliverySteps())
    assert visible(tmp_path) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("verzoeknummer", ".."),
        ("verzoeknummer", "../1"),
        ("verzoeknummer", "/1"),
        ("verzoeknummer", ""),
        ("verzoeknummer", "1\n"),
        ("verzoeknummer", "1\0"),
        ("volgnummer", -1),
        ("aansluiting", replace(AANSLUITING, organisatie_oin="..")),
        ("aansluiting", replace(AANSLUITING, organisatie_oin=f"{OIN}\n")),
        ("aansluiting", replace(AANSLUITING, organisatie_oin="٠" * 20)),
        ("aansluiting", replace(AANSLUITING, omgeving="../prod")),
    ],
)
async def test_no_part_of_the_path_leads_elsewhere(tmp_path: Path, field: str, value: Any) -> None:
    blobs = MemoryBlobs()
    verzoek = changed(await stored(blobs), **{field: value})
    with pytest.raises(CaseSystemError):
        case_path(verzoek.verzoek)
    with pytest.raises(CaseSystemError):
        await FolderCaseSystem(tmp_path).deliver(verzoek, blobs, DeliverySteps())
    assert visible(tmp_path) == []


async def test_a_cancelled_delivery_leaves_nothing(tmp_path: Path) -> None:
    reached = asyncio.Event()

    class Stalling(MemoryBlobs):
        async def get(self, name: str) -> AsyncIterator[bytes]:
            yield b"<"
            reached.set()
            await asyncio.Event().wait()

    blobs = Stalling()
    delivery = asyncio.create_task(FolderCaseSystem(tmp_path).deliver(await stored(blobs), blobs, DeliverySteps()))
    await asyncio.wait_for(reached.wait(), 10)
    delivery.cancel()
    with pytest.raises(asyncio.CancelledError):
        await delivery
    assert names_in(tmp_path / "pre" / OIN) == []


async def test_a_share_that_hangs_leaves_the_threads_of_everybody_else_alone(tmp_path: Path) -> None:
    blobs = MemoryBlobs()
    system, verzoek = FolderCaseSystem(tmp_path), await stored(blobs)
    (tmp_path / CASE).mkdir(parents=True)
    os.mkfifo(tmp_path / CASE / MANIFEST)  # reading it hangs until somebody writes
    hanging = [asyncio.create_task(system.deliver(verzoek, blobs, DeliverySteps())) for _ in range(64)]
    try:
        async with asyncio.timeout(10):
            for _ in range(10):
                await asyncio.to_thread(os.getpid)  # what resolving the name of a partner's host needs, and a blob
        assert not any(task.done() for task in hanging)
    finally:
        await _feed(tmp_path / CASE / MANIFEST, hanging)
    results = await asyncio.gather(*hanging, return_exceptions=True)
    assert all(isinstance(result, CaseSystemError) for result in results)


async def _feed(fifo: Path, hanging: list[asyncio.Task[str]]) -> None:
    """Let every reader of the FIFO go."""
    while not all(task.done() for task in hanging):
        with contextlib.suppress(OSError):  # nobody reads at this moment
            os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
        await asyncio.sleep(0.01)
