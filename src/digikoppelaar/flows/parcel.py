"""The payloads of a message that goes out: small ones in memory, large ones in the blob store, digested, encrypted.

Leaving the parcel removes from the blob store what it wrote, unless a row refers to it (`Parcel.keep`).
"""

import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self

import structlog

from digikoppelaar.ebms import names
from digikoppelaar.ebms.agreement import Encryption
from digikoppelaar.ebms.algorithms import DIGESTS
from digikoppelaar.ebms.encryption import ENCRYPTED_CONTENT_TYPE, Encryptor, iv_size, key_size
from digikoppelaar.ebms.messages import Part
from digikoppelaar.ebms.packaging import PartHead
from digikoppelaar.errors import StorageError
from digikoppelaar.flows.outbound import domain_of
from digikoppelaar.flows.ports import Blob, BlobStore, CpaRecord, Ids

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class NewPayload:
    """A payload to send. `content` is the bytes, or what `BlobStore.put` returned for large ones.

    A blob belongs to the message once `submit` returned: its caller must not delete it then. `content_id` is made when
    not given; `name` is a file name for the receiver.
    """

    content_type: str
    content: bytes | Blob = field(repr=False)
    content_id: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Packed:
    """A payload as it travels; `part` tells of it as it is signed, so before encryption (statement 141)."""

    head: PartHead
    part: Part
    content: bytes | Blob = field(repr=False)


@dataclass(frozen=True, slots=True)
class Encrypting:
    """How payloads are encrypted for a partner; `legacy` is the tolerance `legacy_encryption`."""

    encryption: Encryption
    legacy: bool


class Parcel:
    """Holds the payloads of one message until its row is there; an async context manager."""

    def __init__(self, blobs: BlobStore, ids: Ids, cpa: CpaRecord, in_memory: int) -> None:
        self._blobs = blobs
        self._ids = ids
        self._cpa = cpa
        self._room = in_memory
        self._written: list[str] = []
        self._replaced: list[str] = []
        self._kept = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # What was encrypted travels; the plaintext of it is not kept.
        for name in self._replaced if self._kept else self._written:
            try:
                await self._blobs.delete(name)
            except StorageError as problem:
                log.warning("payload_not_removed", blob=name, reason=str(problem))

    def keep(self) -> None:
        """A row may refer to the payloads from now on: they stay. To be called before the commit."""
        self._kept = True

    def give_up(self) -> None:
        """No row refers to them after all."""
        self._kept = False

    async def pack(self, payloads: Sequence[NewPayload], digest_method: str | None) -> list[Packed]:
        """The payloads as they travel, in the same order. Raises StorageError."""
        return [await self._pack(payload, digest_method) for payload in payloads]

    async def _pack(self, payload: NewPayload, digest_method: str | None) -> Packed:
        content_id = payload.content_id or self._ids.message_id(domain_of(self._cpa))
        digests = {digest_method: await self._digest(payload, digest_method)} if digest_method else {}
        part = Part(content_id, payload.content_type, size_of(payload), digests)
        head = PartHead(content_id, payload.content_type, payload.name)
        return Packed(head, part, await self._placed(payload.content))

    async def encrypt(self, payloads: Sequence[Packed], how: Encrypting) -> list[Packed]:
        """The same payloads, each encrypted for the partner under its own fresh key (2.11). Raises CpaError."""
        return [await self._encrypt(payload, how) for payload in payloads]

    async def _encrypt(self, payload: Packed, how: Encrypting) -> Packed:
        algorithm, head = how.encryption.algorithm, payload.head
        encryptor = Encryptor(
            how.encryption,
            head.content_id,
            head.content_type,
            key=self._ids.key(key_size(algorithm)),
            iv=self._ids.key(iv_size(algorithm)),
            legacy=how.legacy,
        )
        head = replace(head, content_type=ENCRYPTED_CONTENT_TYPE)
        if isinstance(payload.content, bytes):
            encrypted = encryptor.feed(payload.content) + encryptor.finish()
            return replace(payload, head=head, content=encrypted)
        blob = await self._blobs.put(self._new_name(), _encrypted(encryptor, self._chunks(payload.content)))
        self._replaced.append(payload.content.name)
        return replace(payload, head=head, content=blob)

    async def _placed(self, content: bytes | Blob) -> bytes | Blob:
        if isinstance(content, Blob):
            return content
        if len(content) <= self._room:
            self._room -= len(content)
            return content
        return await self._blobs.put(self._new_name(), _once(content))

    def _new_name(self) -> str:
        name = f"ebms/{self._cpa.aansluiting.omgeving}/{self._ids.unique()}"
        self._written.append(name)
        return name

    async def _digest(self, payload: NewPayload, method: str) -> bytes:
        if method == names.SHA256:
            return sha256_of(payload)
        digest = DIGESTS[method]()
        async for chunk in self._chunks(payload.content):
            digest.update(chunk)
        return bytes(digest.digest())

    async def _chunks(self, content: bytes | Blob) -> AsyncIterator[bytes]:
        if isinstance(content, Blob):
            async for chunk in self._blobs.get(content.name):
                yield chunk
        else:
            yield content


def size_of(payload: NewPayload) -> int:
    """In bytes."""
    return payload.content.size if isinstance(payload.content, Blob) else len(payload.content)


def sha256_of(payload: NewPayload) -> bytes:
    """The digest of its content, raw."""
    return payload.content.sha256 if isinstance(payload.content, Blob) else hashlib.sha256(payload.content).digest()


async def _encrypted(encryptor: Encryptor, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        yield encryptor.feed(chunk)
    yield encryptor.finish()


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
