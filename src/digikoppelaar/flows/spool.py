"""Reading the body of a message as it streams in: SOAP part and small payloads in memory, large ones in the blob store.

Leaving the spool removes from the blob store what was not kept (`Spool.keep`).
"""

import hashlib
import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Final, Self
from urllib.parse import unquote

import structlog

from digikoppelaar.ebms import names
from digikoppelaar.ebms.algorithms import KNOWN_DIGESTS
from digikoppelaar.ebms.encryption import Decryptor
from digikoppelaar.ebms.messages import Confidentiality, Part
from digikoppelaar.ebms.mime import (
    MimeEvent,
    MimeLimits,
    MimeSplitter,
    PartBegin,
    PartData,
    PartEnd,
    parse_content_type,
)
from digikoppelaar.errors import DecryptionError, MimeError, StorageError, TooLarge
from digikoppelaar.flows.ports import BlobStore, StoredPayload

log = structlog.get_logger()

_XML_TYPES: Final = frozenset({"application/xml", "text/xml", "application/xenc+xml"})
"""Of a part that can be an EncryptedData (statement 142)."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_LONGEST_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class SpoolLimits:
    """Bytes, except where said otherwise."""

    soap: int = 1024 * 1024
    in_memory: int = 256 * 1024
    """Of all payloads of one message together: a message may have many small ones, and many may come at once."""
    mime: MimeLimits = field(default_factory=MimeLimits)


@dataclass(frozen=True, slots=True)
class SoapPart:
    """The SOAP part as it came, with its own Content-Type."""

    document: bytes = field(repr=False)
    content_type: str


@dataclass(frozen=True, slots=True)
class Spooled:
    """The payloads of a message: per Content-ID the facts and the place of each, in the order in which they came."""

    parts: tuple[Part, ...] = ()
    stored: Mapping[str, StoredPayload] = field(default_factory=dict)


class Spool:
    """Holds the payloads of one message while it is decided on; an async context manager.

    First `read_soap`, so that nobody can fill the blob store who may not send; then `read_payloads`.
    """

    def __init__(self, blobs: BlobStore, new_name: Callable[[], str], omgeving: str, limits: SpoolLimits) -> None:
        self._blobs = blobs
        self._new_name = new_name
        self._folder = f"ebms/{omgeving}"
        self._limits = limits
        self._room = limits.in_memory
        self._events: AsyncIterator[MimeEvent]
        self._before: list[StoredPayload] = []
        self._written: list[str] = []
        self._kept: set[str] = set()
        self.spooled = Spooled()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for blob in self._written:
            if blob not in self._kept:
                await self._remove(blob)

    async def _remove(self, blob: str) -> None:
        try:
            await self._blobs.delete(blob)
        except StorageError as error:  # what was decided stands, and the next blob has its turn
            log.warning("payload_not_removed", blob=blob, reason=str(error))

    def keep(self, content_ids: Iterable[str]) -> tuple[StoredPayload, ...]:
        """A row may refer to these payloads from now on: they stay.

        To be called before the commit. When its outcome stays unknown they must be there; one too many costs space.
        """
        payloads = tuple(self.spooled.stored[content_id] for content_id in content_ids)
        self._kept.update(payload.blob for payload in payloads if payload.blob is not None)
        return payloads

    def give_up(self) -> None:
        """No row refers to a payload after all."""
        self._kept.clear()

    async def read_soap(self, content_type: str, body: AsyncIterator[bytes]) -> SoapPart:
        """Read up to the end of the SOAP part. Raises MimeError, TooLarge or StorageError.

        Parts before it, where `start` names a later one, must fit in memory: nothing is spooled for anybody yet.
        """
        splitter = MimeSplitter(content_type, self._limits.mime)
        self._events = _events(splitter, body)
        async for event in self._events:
            assert isinstance(event, PartBegin), "parts do not nest"
            if splitter.start in {None, event.content_id}:
                return SoapPart(await self._read_soap(self._events), event.content_type)
            self._before.append(await self._read_early(event))
        raise MimeError("the message has no SOAP part: the parameter `start` names no part, or there is none")

    async def read_payloads(self) -> Spooled:
        """Read the rest of the body. Raises MimeError, TooLarge or StorageError."""
        stored = self._before
        async for event in self._events:
            assert isinstance(event, PartBegin), "parts do not nest"
            stored.append(await self._read_payload(event, _until_end(self._events)))
        self.spooled = Spooled(tuple(map(_part, stored)), {payload.content_id: payload for payload in stored})
        return self.spooled

    async def decrypt(self, decryptor: Callable[[], Decryptor]) -> bool:
        """Decrypt every payload that looks encrypted, and tell of it as it was before; whether a tolerance was used.

        One that does not decrypt stays as it came, and its Part says so (statements 148-151). Raises StorageError.
        """
        parts, stored, legacy = [], dict(self.spooled.stored), False
        for part in self.spooled.parts:
            if parse_content_type(part.content_type)[0] not in _XML_TYPES:
                parts.append(part)
                continue
            one = decryptor()
            try:
                payload = await self._decrypted(one, stored[part.content_id])
            except DecryptionError:
                parts.append(replace(part, confidentiality=Confidentiality.BROKEN))
                continue
            stored[part.content_id] = payload
            parts.append(replace(_part(payload), confidentiality=Confidentiality.DECRYPTED))
            legacy = legacy or one.is_legacy
        self.spooled = Spooled(tuple(parts), stored)
        return legacy

    async def _decrypted(self, decryptor: Decryptor, payload: StoredPayload) -> StoredPayload:
        begin = PartBegin(payload.content_id, payload.content_type)
        if payload.blob is None:
            self._room += payload.size  # what it was encrypted to goes where it was
        plain = await self._read_payload(begin, _decrypting(decryptor, self._chunks(payload)))
        return replace(plain, content_type=decryptor.content_type, name=payload.name)

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
            if part is not None and algorithm in KNOWN_DIGESTS and algorithm not in part.digests:
                part.digests[algorithm] = await self._digest(content_id, algorithm)

    async def _digest(self, content_id: str, algorithm: str) -> bytes:
        digest = KNOWN_DIGESTS[algorithm]()
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

    async def _read_early(self, begin: PartBegin) -> StoredPayload:
        collected = bytearray()
        async for data in _until_end(self._events):
            collected += data
            if len(collected) > self._room:
                raise TooLarge(f"parts before the SOAP part are over the limit of {self._limits.in_memory} bytes")
        return self._in_memory(begin, bytes(collected))

    async def _read_payload(self, begin: PartBegin, data: AsyncIterator[bytes]) -> StoredPayload:
        start = bytearray()
        async for chunk in data:
            start += chunk
            if len(start) > self._room:
                return await self._to_blob(begin, bytes(start), data)
        return self._in_memory(begin, bytes(start))

    def _in_memory(self, begin: PartBegin, content: bytes) -> StoredPayload:
        self._room -= len(content)
        digest = hashlib.sha256(content).digest()
        return StoredPayload(
            begin.content_id, begin.content_type, len(content), digest, data=content, name=file_name(begin.headers)
        )

    async def _to_blob(self, begin: PartBegin, start: bytes, rest: AsyncIterator[bytes]) -> StoredPayload:
        name = f"{self._folder}/{self._new_name()}"
        self._written.append(name)
        blob = await self._blobs.put(name, _chain(start, rest))
        return StoredPayload(
            begin.content_id, begin.content_type, blob.size, blob.sha256, blob=name, name=file_name(begin.headers)
        )


def file_name(headers: Mapping[str, str]) -> str | None:
    """The name that a sender gives to a part (RFC 2183, RFC 2231), without folders and control characters."""
    try:
        _, parameters = parse_content_type(headers.get("content-disposition", ""))
    except MimeError:
        return None
    encoded = parameters.get("filename*", "").rpartition("'")[2]
    name = re.split(r"[/\\]", unquote(encoded) or parameters.get("filename", ""))[-1]
    return _CONTROL.sub("", name).strip(". ")[:_LONGEST_NAME] or None


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


async def _decrypting(decryptor: Decryptor, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        yield decryptor.feed(chunk)
    yield decryptor.finish()


async def _chain(start: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield start
    async for chunk in rest:
        yield chunk
