"""The files of a verzoek on their way to a case system: streamed, and never anything but what was fetched."""

import hashlib
from collections.abc import AsyncIterator

from digikoppelaar.errors import StorageError
from digikoppelaar.flows.ports import BlobStore, File


def fetched(file: File) -> tuple[str, int, bytes]:
    """Blob, size in bytes and raw SHA-256 of a file. Raises StorageError when it was not fetched yet."""
    if file.blob is None or file.size is None or file.sha256 is None:
        raise StorageError(f"file {file.id} was not fetched yet")
    return file.blob, file.size, file.sha256


async def checked_content(blobs: BlobStore, file: File) -> AsyncIterator[bytes]:
    """The content of a file in chunks. Raises StorageError when it is not what was recorded when it was fetched.

    The last chunk only comes when all of it was right, so that who reads a whole file never reads a wrong one.
    """
    blob, size, sha256 = fetched(file)
    digest, seen, held = hashlib.sha256(), 0, b""
    async for chunk in blobs.get(blob):
        if held:
            yield held
        digest.update(chunk)
        seen += len(chunk)
        held = chunk
    if (seen, digest.digest()) != (size, sha256):
        raise StorageError(f"file {file.id} in the blob store is not what was fetched")
    yield held
