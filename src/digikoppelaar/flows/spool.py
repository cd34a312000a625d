"""Reading the body of a message as it streams in: SOAP part and small payloads in memory, large ones in the blob store.

Leaving the spool removes from the blob store what was not kept (`Spool.keep`).
"""

import hashlib
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import structlog

from digikoppelaar.ebms import names
from digikoppelaar.ebms.algorithms import DIGESTS
from digikoppelaar.ebms.messages import Part
from digikoppelaar.ebms.mime import MimeEvent, MimeLimits, MimeSplitter, PartBegin, PartData, PartEnd
from digikoppelaar.errors import MimeError, StorageError, TooLarge
from digikoppelaar.flows.ports import BlobStore, StoredPayload

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SpoolLimits:
    """Bytes, except where said otherwise."""

    soap: int = 1024 * 1024
    in_memory: int = 256 * 1024
    """Of all payloads of one message together: a message may have many small ones, and many may come at once."""
    mime: MimeLimits = field(default_factory=MimeLimits)


@dataclass(frozen=True, slots=True)
class Spooled:
    """A message read whole: the SOAP part, and per Content-ID the facts and the place of each payload."""

    soap: bytes = field(repr=False)
    soap_type: str
    """Content-Type of the SOAP part."""
    parts: tuple[Part, ...]
    stored: dict[str, StoredPayload]


class Spool:
    """Holds the payloads of one message while it is decided on; an async context manager."""

    def __init__(self, blobs: BlobStore, new_name: Callable[[], str], omgeving: str, limits: SpoolLimits) -> None:
        self._blobs = blobs
        self._new_name = new_name
        self._folder = f"ebms/{omgeving}"
        self._limits = limits
        self._room = limits.in_memory
        self._written: dict[str, str] = {}
        self._kept: set[str] = set()
        self.spooled = Spooled(b"", "", (), {})

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for content_id, blob in self._written.items():
            if content_id not in self._kept:
                await self._remove(blob)

    async def _remove(self, blob: str) -> None:
        try:
            await self._blobs.delete(blob)
        except StorageError as error:  # what was decided stands, and the next blob has its turn
            log.warning("payload_not_removed", blob=blob, reason=str(error))

    def keep(self, content_ids: Iterable[str]) -> None:
        """A row may refer to these payloads from now on: they stay.

        To be called before the commit. When its outcome stays unknown they must be there; one too many costs space.
        """
        self._kept.update(content_ids)

    def give_up(self, content_ids: Iterable[str]) -> None:
        """No row refers to these payloads after all."""
        self._kept.difference_update(content_ids)

    async def read(self, content_type: str, body: AsyncIterator[bytes]) -> Spooled:
        """Read the whole body. Raises MimeError, TooLarge or StorageError."""
        splitter = MimeSplitter(content_type, self._limits.mime)
        events = _events(splitter, body)
        soap: tuple[bytes, str] | None = None
        stored: list[StoredPayload] = []
        async for event in events:
            assert isinstance(event, PartBegin), "parts do not nest"
            if soap is None and splitter.start in {None, event.content_id}:
                soap = await self._read_soap(events), event.content_type
            else:
                stored.append(await self._read_payload(event, events))
        if soap is None:
            raise MimeError("the message has no SOAP part: the parameter `start` names no part, or there is none")
        parts = tuple(_part(payload) for payload in stored)
        self.spooled = Spooled(*soap, parts, {payload.content_id: payload for payload in stored})
        return self.spooled

    async def content(self, content_id: str, limit: int) -> bytes:
        """The bytes of a payload, cut off after `limit`."""
        collected = b""
        async for chunk in self._chunks(self.spooled.stored[content_id]):
            collected += chunk
            if len(collected) >= limit:
                break
        return collected[:limit]

    async def add_digests(self, wanted: Iterable[tuple[str, str]]) -> None:
        """Add the digests (content_id, algorithm) that are not there yet; SHA-256 always is.

        Unknown parts and algorithms are left to the signature check, which refuses them.
        """
        known = {part.content_id: part for part in self.spooled.parts}
        for content_id, algorithm in wanted:
            part = known.get(content_id)
            if part is not None and algorithm in DIGESTS and algorithm not in part.digests:
                part.digests[algorithm] = await self._digest(content_id, algorithm)

    async def _digest(self, content_id: str, algorithm: str) -> bytes:
        digest = DIGESTS[algorithm]()
        async for chunk in self._chunks(self.spooled.stored[content_id]):
            digest.update(chunk)
        return bytes(digest.digest())

    async def _chunks(self, payload: StoredPayload) -> AsyncIterator[bytes]:
        if payload.blob is None:
            yield payload.data or b""
            return
        async for chunk in self._blobs.get(payload.blob):
            yield chunk

    async def _read_soap(self, events: AsyncIterator[MimeEvent]) -> bytes:
        collected = bytearray()
        async for data in _until_end(events):
            collected += data
            if len(collected) > self._limits.soap:
                raise TooLarge(f"the SOAP part is over the limit of {self._limits.soap} bytes")
        return bytes(collected)

    async def _read_payload(self, begin: PartBegin, events: AsyncIterator[MimeEvent]) -> StoredPayload:
        start = bytearray()
        data = _until_end(events)
        async for chunk in data:
            start += chunk
            if len(start) > self._room:
                return await self._to_blob(begin, bytes(start), data)
        self._room -= len(start)
        content = bytes(start)
        return StoredPayload(
            begin.content_id, begin.content_type, len(content), hashlib.sha256(content).digest(), data=content
        )

    async def _to_blob(self, begin: PartBegin, start: bytes, rest: AsyncIterator[bytes]) -> StoredPayload:
        name = f"{self._folder}/{self._new_name()}"
        self._written[begin.content_id] = name
        blob = await self._blobs.put(name, _chain(start, rest))
        return StoredPayload(begin.content_id, begin.content_type, blob.size, blob.sha256, blob=name)


def _part(payload: StoredPayload) -> Part:
    return Part(payload.content_id, payload.content_type, payload.size, {names.SHA256: payload.sha256})


async def _events(splitter: MimeSplitter, body: AsyncIterator[bytes]) -> AsyncIterator[MimeEvent]:
    async for chunk in body:
        for event in splitter.feed(chunk):
            yield event
    for event in splitter.finish():
        yield event


async def _until_end(events: AsyncIterator[MimeEvent]) -> AsyncIterator[bytes]:
    async for event in events:
        if isinstance(event, PartEnd):
            return
        assert isinstance(event, PartData), "a part is data until it ends"
        yield event.data


async def _chain(start: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield start
    async for chunk in rest:
        yield chunk
