"""The in-memory twin of adapters/blobs.py."""

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence

from digikoppelaar.errors import StorageError
from digikoppelaar.flows.ports import Blob

_PIECE = 256 * 1024


class MemoryBlobs:
    """flows.ports.BlobStore that forgets everything with the process."""

    def __init__(self) -> None:
        self._contents: dict[str, bytes] = {}

    async def put(self, name: str, chunks: AsyncIterator[bytes]) -> Blob:
        """Store all chunks under `name`; when `chunks` raises, nothing changes."""
        content = b"".join([chunk async for chunk in chunks])
        self._contents[name] = content
        return Blob(name, len(content), hashlib.sha256(content).digest())

    async def put_all(self, contents: Mapping[str, bytes]) -> Sequence[Blob]:
        """See flows.ports.BlobStore."""
        self._contents.update(contents)
        return [Blob(name, len(each), hashlib.sha256(each).digest()) for name, each in contents.items()]

    async def get(self, name: str, start: int = 0) -> AsyncIterator[bytes]:
        """The content in chunks, from byte `start` on; raises StorageError when it is not there."""
        if name not in self._contents:
            raise StorageError(f"blob {name} is not there")
        content = self._contents[name]
        for offset in range(start, len(content), _PIECE):
            yield content[offset : offset + _PIECE]

    async def delete(self, name: str) -> None:
        """Remove it; not being there is fine."""
        self._contents.pop(name, None)
