"""Reads what a form posts: fields as they were typed, files streamed to disk, never more than a bound."""

import hashlib
import re
import shutil
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser
from starlette.requests import Request

from digikoppelaar.adapters.http_in.body import Body, BodyLimits
from digikoppelaar.errors import MimeError, TooLarge
from digikoppelaar.sandbox.bijlagen import Bijlage
from digikoppelaar.sandbox.loket.typed import Typed

LIMIT: Final = 1024**3
"""Bytes of one post, all files together."""
_WITH_FILES: Final = "multipart/form-data"
_IN_MEMORY: Final = 4 * 1024 * 1024
"""Bytes of all fields that were typed, which are kept in memory; of files a little is."""
_FIELD_BYTES: Final = 1024 * 1024
_MOST_FIELDS: Final = 1000
_MOST_FILES: Final = 100
_REST_BYTES: Final = 64 * 1024**2
_REST_SECONDS: Final = 5.0
_MEDIA_TYPE: Final = re.compile(r"[\w!#$&^.+-]{1,60}/[\w!#$&^.+-]{1,100}", re.ASCII)
_ESCAPES: Final = {"%22": '"', "%0D": "\r", "%0A": "\n"}
"""What browsers write in the file name of a part (HTML, multipart/form-data)."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with the field `name`, and its name where it came from. Its bytes are with the request."""

    name: str
    bestandsnaam: str
    media_type: str
    file: UploadFile


@dataclass(frozen=True, slots=True)
class Posted:
    """A form as it was posted."""

    typed: Typed
    uploads: Sequence[Upload]


async def read_posted(request: Request, limit: int = LIMIT) -> Posted:
    """The form of a request. Raises TooLarge over `limit` bytes, MimeError when it cannot be read as a form."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().casefold()
    length = request.headers.get("content-length", "")
    size = limit if kind == _WITH_FILES else min(limit, _IN_MEMORY)
    body = Body(request.receive, BodyLimits(size=size), int(length) if length.isascii() and length.isdigit() else None)
    try:
        return _posted(await _parsed(request, body, kind))
    except TooLarge:
        await body.linger(_REST_BYTES, _REST_SECONDS)
        raise
    except MultiPartException as error:
        raise MimeError("this is no form") from error


def store(upload: Upload, file: Path, document_id: str, titel: str, *, gevraagd: bool) -> Bijlage:
    """Write an upload to `file`, which is new; blocking."""
    digest, size = hashlib.sha256(), 0
    with file.open("xb") as target:
        while chunk := upload.file.file.read(256 * 1024):
            digest.update(chunk)
            size += target.write(chunk)
    media_type = upload.media_type if _MEDIA_TYPE.fullmatch(upload.media_type) else "application/octet-stream"
    return Bijlage(
        document_id=document_id,
        titel=titel,
        bestandsnaam=upload.bestandsnaam,
        media_type=media_type,
        size=size,
        sha256=digest.digest(),
        seed=b"",
        stored=file,
        gevraagd=gevraagd,
    )


def empty_folder(folder: Path) -> Path:
    """The folder for uploads, without what an earlier run left: the sandbox forgets everything."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    return folder


class _Bounded(MultiPartParser):
    """Starlette's, with a bound for all fields together: it has one for each."""

    spool_max_size = 64 * 1024
    _typed = 0

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        """Some of a field or file. Raises TooLarge."""
        if self._current_part.file is None:
            self._typed += end - start
        if self._typed > _IN_MEMORY:
            raise TooLarge(f"fields of more than {_IN_MEMORY} bytes together")
        super().on_part_data(data, start, end)


async def _parsed(request: Request, body: Body, kind: str) -> FormData:
    async with aclosing(_bytes(body)) as stream:
        if kind == _WITH_FILES:
            parser = _Bounded(
                request.headers, stream, max_files=_MOST_FILES, max_fields=_MOST_FIELDS, max_part_size=_FIELD_BYTES
            )
            return await parser.parse()
        if kind == "application/x-www-form-urlencoded":
            return await FormParser(request.headers, stream).parse()
    raise MimeError("this is no form")


async def _bytes(body: Body) -> AsyncGenerator[bytes, None]:
    async for chunk in body.chunks():
        yield chunk


def _posted(form: FormData) -> Posted:
    typed: Typed = {}
    uploads = []
    for name, value in form.multi_items():
        if isinstance(value, str):
            typed.setdefault(name, []).append(value.replace("\r\n", "\n"))
        elif value.filename:
            uploads.append(Upload(name, _file_name(value.filename), value.content_type or "", value))
    return Posted(typed, uploads)


def _file_name(text: str) -> str:
    for escape, letter in _ESCAPES.items():
        text = text.replace(escape, letter)
    return text


async def stored(uploads: Sequence[tuple[Upload, Path, str, str, bool]]) -> list[Bijlage]:
    """Several uploads, each with its file, documentId, title, and whether it answers a question."""
    made = []
    for upload, file, document_id, titel, gevraagd in uploads:
        made.append(await run_in_threadpool(store, upload, file, document_id, titel, gevraagd=gevraagd))
        await upload.file.close()
    return made
