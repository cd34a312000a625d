"""The folder as a case system: one case folder for each verzoek version, whole or not there at all.

What it holds is in casefolder.py. It is written in a hidden folder beside, synced, and renamed, which is one step on
one file system.
"""

import os
import secrets
import shutil
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

from digikoppelaar.adapters.casesystems.casefolder import (
    BIJLAGEN,
    DOCUMENT,
    DONE,
    MANIFEST,
    case_path,
    is_same,
    json_bytes,
    manifest_of,
    marker_of,
    other_content,
    paths_in,
    publication_path,
)
from digikoppelaar.adapters.casesystems.files import checked_content
from digikoppelaar.adapters.casesystems.publication import document
from digikoppelaar.adapters.disk import in_thread, sync_folder, write_whole
from digikoppelaar.errors import CaseSystemError
from digikoppelaar.flows.ports import BlobStore, File, Handover, News, PlannedStep, Steps
from digikoppelaar.stam.verzoek import as_json

_THREADS: Final = ThreadPoolExecutor(max_workers=8, thread_name_prefix="case-folder")
"""Not asyncio's few: a share that hangs would hold them, and the sender (names of hosts) and the blobs need them."""

SMALL: Final = 256 * 1024
"""Bytes of files that are written together."""

P = ParamSpec("P")
T = TypeVar("T")


class FolderCaseSystem:
    """flows.ports.CaseSystem in `folder`, which must exist: a share that is not mounted must not look empty."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def deliver(self, handover: Handover, blobs: BlobStore, steps: Steps) -> str:
        """Write the case folder and return its path below the folder of this case system.

        It is one step, and whether that was done is to be seen in the folder, so `steps` has nothing to add.

        A folder that is there already with the same files is success. Raises CaseSystemError when it holds
        something else or cannot be written, StorageError when a blob is not what was recorded.
        """
        del steps
        verzoek = handover.verzoek
        document = await _in_thread(as_json, handover.read)
        reference = case_path(verzoek)
        case = self._folder / reference
        manifest = manifest_of(verzoek)
        await _in_thread(self._prepare, case)
        if await _in_thread(_is_delivered, case, manifest):
            await _in_thread(_sync_above, case)  # the attempt that renamed it may have died before this
            return reference
        async with _hidden(case) as draft:
            await _copy_all(blobs, zip(verzoek.files, paths_in(manifest), strict=True), draft)
            await _in_thread(_finish, draft, manifest, document)
            await _in_thread(_publish, draft, case, manifest)
        return reference

    async def preview(self, handover: Handover, steps: Steps) -> Sequence[PlannedStep]:
        """See flows.ports.CaseSystem: one step, which is done when the case folder is there with the same files."""
        del steps
        verzoek = handover.verzoek
        reference = case_path(verzoek)
        manifest = manifest_of(verzoek)
        await _in_thread(self._check_there)
        done = await _in_thread(_is_delivered, self._folder / reference, manifest)
        return (PlannedStep("folder", f"Zaakmap {reference} schrijven, met {len(verzoek.files)} bestanden.", done),)

    async def tell(self, news: News) -> str:
        """See flows.ports.CaseSystem: a file beside the case folders, whole or not there at all."""
        file = self._folder / publication_path(news)
        await _in_thread(self._prepare, file)
        await _in_thread(_replace, file, json_bytes(document(news)))
        return ""

    def _check_there(self) -> None:
        if not self._folder.is_dir():
            raise CaseSystemError("the folder of the case system is not there")

    def _prepare(self, case: Path) -> None:
        """The folder above the case, without what a crash left in it."""
        self._check_there()
        case.parent.mkdir(parents=True, exist_ok=True)
        # Should another attempt still be writing there, it fails and finds this one's case when it is repeated.
        for name in os.listdir(case.parent):  # noqa: PTH208  # maybe thousands, which need no Path each
            if name.startswith(_hidden_prefix(case)):
                _discard(case.parent / name, _draft_of(case))


def _is_delivered(case: Path, manifest: Mapping[str, object]) -> bool:
    """Whether exactly this was delivered before. Raises CaseSystemError when something else is in its place."""
    if not case.exists() or (case.is_dir() and not any(case.iterdir())):
        return False
    try:
        found = (case / MANIFEST).read_bytes()
        same = is_same((case / DONE).read_bytes(), found, manifest)
    except OSError:
        same = False
    if not same:
        raise other_content(case.name)
    return True


@asynccontextmanager
async def _hidden(case: Path) -> AsyncIterator[Path]:
    """A fresh hidden folder beside the case, removed again unless it was published."""
    # A name of its own for each attempt: two that run at once cannot write into each other's folder.
    draft = _draft_of(case)
    await _in_thread((draft / BIJLAGEN).mkdir, parents=True)
    try:
        yield draft
    finally:
        await _in_thread(shutil.rmtree, draft, ignore_errors=True)


def _discard(leftover: Path, doomed: Path) -> None:
    """Remove a draft unless it is published meanwhile: the rename decides which of the two it is.

    Removing it under its own name would go on inside the case when the other attempt renames it halfway.
    """
    try:
        leftover.rename(doomed)
    except FileNotFoundError:
        return
    if doomed.is_dir():
        shutil.rmtree(doomed, ignore_errors=True)
    else:
        doomed.unlink()


def _draft_of(case: Path) -> Path:
    """A hidden name beside the case that nobody else has."""
    return case.parent / f"{_hidden_prefix(case)}{secrets.token_hex(8)}"


def _hidden_prefix(case: Path) -> str:
    return f".{case.name}.deel-"


async def _copy_all(blobs: BlobStore, files: Iterable[tuple[File, str]], draft: Path) -> None:
    """Every blob into its file below `draft`, synced: small ones together, for each switch of threads costs as much."""
    gathered: dict[Path, bytes] = {}
    for file, path in files:
        if (file.size or 0) > SMALL:
            await _copy(blobs, file, draft / path)
            continue
        gathered[draft / path] = b"".join([chunk async for chunk in checked_content(blobs, file)])
        if sum(map(len, gathered.values())) > SMALL:
            await _in_thread(_write_all, gathered)
            gathered = {}
    await _in_thread(_write_all, gathered)


def _write_all(contents: Mapping[Path, bytes]) -> None:
    for path, content in contents.items():
        _write_synced(path, content)


async def _copy(blobs: BlobStore, file: File, target: Path) -> None:
    """The blob into a new file, synced."""
    handle = await _in_thread(target.open, "xb", buffering=0)
    try:
        async for chunk in checked_content(blobs, file):
            await _in_thread(write_whole, handle.fileno(), chunk)
        await _in_thread(os.fsync, handle.fileno())
    finally:
        handle.close()


def _finish(draft: Path, manifest: Mapping[str, object], document: Mapping[str, object]) -> None:
    content = json_bytes(manifest)
    _write_synced(draft / DOCUMENT, json_bytes(document))
    _write_synced(draft / MANIFEST, content)
    _write_synced(draft / DONE, marker_of(content))
    sync_folder(draft / BIJLAGEN)
    sync_folder(draft)


def _publish(draft: Path, case: Path, manifest: Mapping[str, object]) -> None:
    """Rename, durably; when another attempt was first, what it delivered must be the same."""
    try:
        draft.rename(case)
    except OSError:
        if not _is_delivered(case, manifest):
            raise
    _sync_above(case)


def _replace(file: Path, content: bytes) -> None:
    """Write it in one step, durably, whatever was there before."""
    draft = _draft_of(file)
    try:
        _write_synced(draft, content)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    _sync_above(file)


def _sync_above(case: Path) -> None:
    """Make the name of the case durable, and the names of the folders it is in: any of them may be new."""
    for folder in case.parents[:3]:
        sync_folder(folder)


def _write_synced(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


async def _in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """An error of the file system becomes ours, without the path: file names can be personal data."""
    try:
        return await in_thread(_THREADS, function, *args, **kwargs)
    except OSError as error:
        raise CaseSystemError(f"case folder: {error.strerror or type(error).__name__}") from None
