"""A multipart/form-data body as it streams in: parts in memory while they are small, else straight to the blob store.

Leaving an `Upload` removes the blobs that nobody took over (`take`).
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

import structlog
from python_multipart.exceptions import FormParserError, MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from digikoppelaar.errors import MimeError, StorageError, TooLarge
from digikoppelaar.flows.ports import Blob, BlobStore
from digikoppelaar.web.rest.problems import Problem
from digikoppelaar.web.rest.requests import checked_text, media_type

log = structlog.get_logger(__name__)

IN_MEMORY: Final = 256 * 1024
"""Bytes of all parts of one body together; what goes over it goes to the blob store."""
PARTS: Final = 100
HEADER_BYTES: Final = 16 * 1024
"""Of one part."""


@dataclass(frozen=True, slots=True)
class FormPart:
    """One part. `name` is that of the form field; `content_id` is without angle brackets."""

    name: str
    content_type: str
    content: bytes | Blob = field(repr=False)
    content_id: str | None = None
    filename: str | None = None


@dataclass(frozen=True, slots=True)
class _Begin:
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class _End:
    pass


_Event = _Begin | bytes | _End


class Upload:
    """Reads one body; an async context manager."""

    def __init__(self, blobs: BlobStore, new_blob: Callable[[], str]) -> None:
        self._blobs = blobs
        self._new_blob = new_blob
        self._room = IN_MEMORY
        self._written: list[str] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in self._written:
            try:
                await self._blobs.delete(name)
            except StorageError as problem:  # what was answered stands, and the next blob has its turn
                log.warning("payload_not_removed", blob=name, reason=str(problem))

    def take(self) -> None:
        """The blobs belong to a message from now on, or perhaps do: they stay."""
        self._written.clear()

    async def read(self, content_type: str, body: AsyncIterator[bytes]) -> list[FormPart]:
        """All parts. Raises Problem 400, MimeError, TooLarge or StorageError."""
        events = _events(_boundary(content_type), body)
        found: list[FormPart] = []
        async for event in events:
            assert isinstance(event, _Begin), "parts do not nest"
            if len(found) >= PARTS:
                raise TooLarge(f"more than {PARTS} parts")
            found.append(await self._part(event.headers, events))
        return found

    async def _part(self, headers: dict[str, str], events: AsyncIterator[_Event]) -> FormPart:
        _, disposition = parse_options_header(headers.get("content-disposition", ""))
        filename = disposition.get(b"filename")
        return FormPart(
            name=disposition.get(b"name", b"").decode(errors="replace"),
            content_type=media_type(headers.get("content-type", "application/octet-stream")),
            content=await self._content(events),
            content_id=headers.get("content-id", "").strip("<> ") or None,
            filename=checked_text(filename.decode(errors="replace"), "filename") if filename else None,
        )

    async def _content(self, events: AsyncIterator[_Event]) -> bytes | Blob:
        start = bytearray()
        data = _until_end(events)
        async for chunk in data:
            start += chunk
            if len(start) > self._room:
                name = self._new_blob()
                self._written.append(name)
                return await self._blobs.put(name, _chain(bytes(start), data))
        self._room -= len(start)
        return bytes(start)


def _boundary(content_type: str) -> bytes:
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if kind.lower() != b"multipart/form-data" or not boundary:
        raise Problem(400, "the body must be multipart/form-data with a boundary")
    return boundary


class _Parts:
    """What the parser calls back; `events` is taken after each piece that it was given."""

    def __init__(self) -> None:
        self.events: list[_Event] = []
        self.ended = False
        self._headers: dict[str, str] = {}
        self._name = bytearray()
        self._value = bytearray()
        self._size = 0

    def begin(self) -> None:
        self._headers, self._size = {}, 0

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]
        self._grow(end - start)

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]
        self._grow(end - start)

    def header_end(self) -> None:
        # As latin-1 the bytes come back when the parameters are taken out; those are read as UTF-8.
        self._headers[self._name.decode("latin-1").lower()] = self._value.decode("latin-1").strip()
        self._name.clear()
        self._value.clear()

    def headers_end(self) -> None:
        self.events.append(_Begin(self._headers))

    def data(self, data: bytes, start: int, end: int) -> None:
        self.events.append(data[start:end])

    def part_end(self) -> None:
        self.events.append(_End())

    def end(self) -> None:
        self.ended = True

    def _grow(self, size: int) -> None:
        self._size += size
        if self._size > HEADER_BYTES:
            raise TooLarge(f"the headers of a part are larger than {HEADER_BYTES} bytes")


async def _events(boundary: bytes, body: AsyncIterator[bytes]) -> AsyncIterator[_Event]:
    parts = _Parts()
    parser = _parser(boundary, parts)
    async for chunk in body:
        try:
            parser.write(chunk)
        except MultipartParseError as error:
            raise MimeError("the body is not well-formed multipart/form-data") from error
        events, parts.events = parts.events, []
        for event in events:
            yield event
    if not parts.ended:
        raise MimeError("the body ends before its closing boundary")


def _parser(boundary: bytes, parts: _Parts) -> MultipartParser:
    try:
        return MultipartParser(
            boundary,
            {
                "on_part_begin": parts.begin,
                "on_header_field": parts.header_name,
                "on_header_value": parts.header_value,
                "on_header_end": parts.header_end,
                "on_headers_finished": parts.headers_end,
                "on_part_data": parts.data,
                "on_part_end": parts.part_end,
                "on_end": parts.end,
            },
        )
    except FormParserError as error:  # RFC 2046 allows 70 characters, the parser 256
        raise Problem(400, "the boundary is too long") from error


async def _until_end(events: AsyncIterator[_Event]) -> AsyncIterator[bytes]:
    async for event in events:
        if isinstance(event, _End):
            return
        assert isinstance(event, bytes), "a part is data until it ends"
        yield event


async def _chain(start: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield start
    async for chunk in rest:
        yield chunk
