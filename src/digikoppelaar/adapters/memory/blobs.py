"""The in-memory twin of adapters/blobs.py."""

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from digikoppelaar.errors import ContentLost
from digikoppelaar.flows.ports import Blob

_PIECE = 256 * 1024


class MemoryPart:
    """flows.ports.PartialBlob of MemoryBlobs."""

    def __init__(self, contents: dict[str, bytes]) -> None:
        self._contents = contents
        self._content = bytearray()
        self.tag = ""

    @property
    def size(self) -> int:
        """Bytes that are there."""
        return len(self._content)

    async def begin(self, tag: str) -> None:
        """See flows.ports.PartialBlob."""
        self._content, self.tag = bytearray(), tag

    async def append(self, chunks: AsyncIterator[bytes]) -> None:
        """See flows.ports.PartialBlob."""
        async for chunk in chunks:
            self._content += chunk

    async def finish(self, name: str) -> Blob:
        """See flows.ports.PartialBlob."""
        content = self._contents[name] = bytes(self._content)
        self._content = bytearray()
        return Blob(name, len(content), hashlib.sha256(content).digest())


class MemoryBlobs:
    """flows.ports.BlobStore that forgets everything with the process."""

    def __init__(self) -> None:
        self._contents: dict[str, bytes] = {}
        self._parts: dict[str, MemoryPart] = {}
        self._held: set[str] = set()

    async def put(self, name: str, chunks: AsyncIterator[bytes]) -> Blob:
        """Store all chunks under `name`; when `chunks` raises, nothing changes."""
        content = b"".join([chunk async for chunk in chunks])
        self._contents[name] = content
        return Blob(name, len(content), hashlib.sha256(content).digest())

    async def put_all(self, contents: Mapping[str, bytes]) -> Sequence[Blob]:
        """See flows.ports.BlobStore."""
        self._contents.update(contents)
        return [Blob(name, len(each), hashlib.sha256(each).digest()) for name, each in contents.items()]

    @asynccontextmanager
    async def part(self, name: str) -> AsyncIterator[MemoryPart]:
        """What an earlier attempt left under `name`; see flows.ports.BlobStore."""
        if name in self._held:
            yield MemoryPart(self._contents)
            return
        self._held.add(name)
        try:
            yield self._parts.setdefault(name, MemoryPart(self._contents))
        finally:
            self._held.discard(name)
            if not self._parts[name].size:
                del self._parts[name]

    async def get(self, name: str, start: int = 0) -> AsyncIterator[bytes]:
        """The content in chunks, from byte `start` on; raises ContentLost when it is not there."""
        if name not in self._contents:
            raise ContentLost(f"blob {name} is not there")
        content = self._contents[name]
        for offset in range(start, len(content), _PIECE):
            yield content[offset : offset + _PIECE]

    async def delete(self, name: str) -> None:
        """Remove it; not being there is fine."""
        self._contents.pop(name, None)
