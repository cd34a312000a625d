"""The folder as a case system: one folder for each verzoek version, whole or not there at all.

    <folder>/<omgeving>/<oin>/<verzoeknummer>-<volgnummer>/
        verzoek.xml       as DSO-LV sent it, byte for byte
        verzoek.pdf       the publishable version, when there is one
        bijlagen/         under the applicant's file names, made safe
        verzoek.json      the verzoek as it was understood
        manifest.json     every file with its bytes and SHA-256
        gereed            the SHA-256 of manifest.json: from now on nothing changes here

It is written in a hidden folder beside, synced, and renamed, which is one step on one file system. Personal data are
in these files: who may read the folder is up to whoever owns it.
"""

import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

from digikoppelaar.adapters.casesystems.filenames import FileNames
from digikoppelaar.adapters.casesystems.files import checked_content, fetched
from digikoppelaar.adapters.disk import in_thread, sync_folder, write_whole
from digikoppelaar.errors import CaseSystemError
from digikoppelaar.flows.ports import OMGEVINGEN, BlobStore, File, FileKind, Handover, PlannedStep, Steps, Verzoek
from digikoppelaar.stam.verzoek import as_json

DONE: Final = "gereed"
"""The marker: what watches the folder may take a case once this file is there."""
MANIFEST: Final = "manifest.json"

_JSON: Final = "verzoek.json"
_BIJLAGEN: Final = "bijlagen"
_SEGMENT: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,79}", re.ASCII)
_OIN: Final = re.compile(r"[0-9]{20}", re.ASCII)

_THREADS: Final = ThreadPoolExecutor(max_workers=8, thread_name_prefix="case-folder")
"""Not asyncio's few: a share that hangs would hold them, and the sender (names of hosts) and the blobs need them."""

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
        manifest = _manifest(verzoek, _laid_out(verzoek))
        await _in_thread(self._prepare, case)
        if await _in_thread(_is_delivered, case, manifest):
            await _in_thread(_sync_above, case)  # the attempt that renamed it may have died before this
            return reference
        async with _hidden(case) as draft:
            for file, entry in zip(verzoek.files, _entries(manifest), strict=True):
                await _copy(blobs, file, draft / str(entry["pad"]))
            await _in_thread(_finish, draft, manifest, document)
            await _in_thread(_publish, draft, case, manifest)
        return reference

    async def preview(self, handover: Handover, steps: Steps) -> Sequence[PlannedStep]:
        """See flows.ports.CaseSystem: one step, which is done when the case folder is there with the same files."""
        del steps
        verzoek = handover.verzoek
        reference = case_path(verzoek)
        manifest = _manifest(verzoek, _laid_out(verzoek))
        await _in_thread(self._check_there)
        done = await _in_thread(_is_delivered, self._folder / reference, manifest)
        return (PlannedStep("folder", f"Zaakmap {reference} schrijven, met {len(verzoek.files)} bestanden.", done),)

    def _check_there(self) -> None:
        if not self._folder.is_dir():
            raise CaseSystemError("the folder of the case system is not there")

    def _prepare(self, case: Path) -> None:
        """The folder above the case, without what a crash left in it."""
        self._check_there()
        case.parent.mkdir(parents=True, exist_ok=True)
        # Should another attempt still be writing there, it fails and finds this one's case when it is repeated.
        for leftover in case.parent.glob(f"{_hidden_prefix(case)}*"):
            _discard(leftover, _draft_of(case))


def case_path(verzoek: Verzoek) -> str:
    """The path of the case below the folder; raises CaseSystemError when a part of it could lead elsewhere.

    The verzoeknummer comes from outside; it was checked when it was read and is checked again where it counts.
    """
    omgeving, oin = verzoek.aansluiting.omgeving, verzoek.aansluiting.organisatie_oin
    fit = omgeving in OMGEVINGEN and _OIN.fullmatch(oin) and _SEGMENT.fullmatch(verzoek.verzoeknummer)
    if not fit or verzoek.volgnummer < 0:
        raise CaseSystemError(f"verzoek {verzoek.id}: omgeving, OIN or verzoeknummer cannot be a folder name")
    return f"{omgeving}/{oin}/{verzoek.verzoeknummer}-{verzoek.volgnummer}"


def _laid_out(verzoek: Verzoek) -> list[str]:
    """Where each file goes, in the order of the files; the same every time for the same verzoek."""
    top, bijlagen = FileNames(_JSON, MANIFEST, DONE, _BIJLAGEN), FileNames()
    return [
        f"{_BIJLAGEN}/{bijlagen.give(file.naam, f'bijlage-{number}')}"
        if file.kind is FileKind.BIJLAGE
        else top.give(f"verzoek.{file.kind.value}", "verzoek")
        for number, file in enumerate(verzoek.files, start=1)
    ]


def _manifest(verzoek: Verzoek, paths: list[str]) -> dict[str, object]:
    return {
        "omgeving": verzoek.aansluiting.omgeving,
        "oin": verzoek.aansluiting.organisatie_oin,
        "verzoeknummer": verzoek.verzoeknummer,
        "volgnummer": verzoek.volgnummer,
        "bestanden": [_entry(file, path) for file, path in zip(verzoek.files, paths, strict=True)],
    }


def _entry(file: File, path: str) -> dict[str, object]:
    _, size, sha256 = fetched(file)
    return {
        "pad": path,
        "soort": file.kind.value,
        "naam": file.naam,
        "documentId": file.document_id,
        "mediaType": file.media_type,
        "bytes": size,
        "sha256": sha256.hex(),
    }


def _entries(manifest: Mapping[str, object]) -> list[dict[str, object]]:
    entries = manifest["bestanden"]
    assert isinstance(entries, list)
    return entries


def _is_delivered(case: Path, manifest: Mapping[str, object]) -> bool:
    """Whether exactly this was delivered before. Raises CaseSystemError when something else is in its place."""
    if not case.exists() or (case.is_dir() and not any(case.iterdir())):
        return False
    try:
        content = (case / MANIFEST).read_bytes()
        marker = (case / DONE).read_text(encoding="ascii").strip()
        same = marker == hashlib.sha256(content).hexdigest() and json.loads(content) == manifest
    except (OSError, ValueError):
        same = False
    if not same:
        raise CaseSystemError(
            f"the case folder {case.name} is there already with other content",
            advice="Op de plek van dit verzoek staat al een andere map; verplaats die. Wacht het verzoek al op een "
            "beheerder, geef het dan vrij met `digikoppelaar verzoek release`.",
        )
    return True


@asynccontextmanager
async def _hidden(case: Path) -> AsyncIterator[Path]:
    """A fresh hidden folder beside the case, removed again unless it was published."""
    # A name of its own for each attempt: two that run at once cannot write into each other's folder.
    draft = _draft_of(case)
    await _in_thread((draft / _BIJLAGEN).mkdir, parents=True)
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
    shutil.rmtree(doomed, ignore_errors=True)


def _draft_of(case: Path) -> Path:
    """A hidden name beside the case that nobody else has."""
    return case.parent / f"{_hidden_prefix(case)}{secrets.token_hex(8)}"


def _hidden_prefix(case: Path) -> str:
    return f".{case.name}.deel-"


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
    content = _json_bytes(manifest)
    _write_synced(draft / _JSON, _json_bytes(document))
    _write_synced(draft / MANIFEST, content)
    _write_synced(draft / DONE, f"{hashlib.sha256(content).hexdigest()}\n".encode())
    sync_folder(draft / _BIJLAGEN)
    sync_folder(draft)


def _publish(draft: Path, case: Path, manifest: Mapping[str, object]) -> None:
    """Rename, durably; when another attempt was first, what it delivered must be the same."""
    try:
        draft.rename(case)
    except OSError:
        if not _is_delivered(case, manifest):
            raise
    _sync_above(case)


def _sync_above(case: Path) -> None:
    """Make the name of the case durable, and the names of the folders it is in: any of them may be new."""
    for folder in case.parents[:3]:
        sync_folder(folder)


def _json_bytes(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2).encode() + b"\n"


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
