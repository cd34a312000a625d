"""Large content, *Verzoek afhandelen* of DSO-LV, and the case system."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from digikoppelaar.flows.ports.verzoeken import FileKind, Verzoek


@dataclass(frozen=True, slots=True)
class Blob:
    """What was stored: `sha256` is raw."""

    name: str
    size: int
    sha256: bytes


class BlobStore(Protocol):
    """Large content under a name that the caller chooses; putting the same name again replaces it whole."""

    async def put(self, name: str, chunks: AsyncIterator[bytes]) -> Blob:
        """Store all chunks, durably, and only then return. When `chunks` raises, nothing is left."""

    def get(self, name: str) -> AsyncIterator[bytes]:
        """The content in chunks; raises StorageError when it is not there."""

    async def delete(self, name: str) -> None:
        """Remove it; not being there is fine."""


@dataclass(frozen=True, slots=True)
class Link:
    """A file that the summary of a verzoek points at; `size` in bytes when DSO-LV said it."""

    kind: FileKind
    document_id: str
    naam: str
    media_type: str
    href: str
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Download:
    """An answer being read. `length` is the announced number of bytes, None when not announced."""

    length: int | None
    chunks: AsyncIterator[bytes]


class DsoClient(Protocol):
    """*Verzoek afhandelen* of DSO-LV for one aansluiting. Every method raises a FacilityError."""

    async def summary(self, verzoeknummer: str) -> Sequence[Link]:
        """Links to the XML, the PDF and every bijlage of the newest version."""

    def download(self, href: str) -> AbstractAsyncContextManager[Download]:
        """The content behind a link; reading it raises FacilityAnswerBroken when it ends too early or too late."""


class CaseSystem(Protocol):
    """Where verzoeken of an aansluiting end up."""

    async def deliver(self, verzoek: Verzoek, document: Mapping[str, object], blobs: BlobStore) -> str:
        """Hand the verzoek over, whole or not at all, and return its reference there.

        Must be safe to repeat after a crash at any point: a second call gives the same one case. `document` is
        the parsed verzoek for verzoek.json. Raises CaseSystemError.
        """
