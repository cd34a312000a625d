"""Large content, *Verzoek afhandelen* of DSO-LV, and the case system."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from digikoppelaar.drop.model import Kennisgeving
from digikoppelaar.flows.ports.connections import Aansluiting
from digikoppelaar.flows.ports.kennisgevingen import Publication
from digikoppelaar.flows.ports.verzoeken import Blob, FileKind, Verzoek
from digikoppelaar.stam import model


class PartialBlob(Protocol):
    """Content that may come in parts, over attempts and crashes. Every method raises StorageError.

    `size` bytes are there, of the version that has this `tag`; whoever began it chose the tag.
    """

    @property
    def size(self) -> int:
        """Bytes that are there."""

    @property
    def tag(self) -> str:
        """Of the version that they are of; empty when there is none."""

    async def begin(self, tag: str) -> None:
        """Forget what is there: what comes is of the version with this tag."""

    async def append(self, chunks: AsyncIterator[bytes]) -> None:
        """Add all chunks. Also when `chunks` raises, what came before that is durable when this returns or raises."""

    async def finish(self, name: str) -> Blob:
        """It is whole: a blob under `name`, as durable as with `put`. Nothing can be added any more."""


class BlobStore(Protocol):
    """Large content under a name that the caller chooses; putting the same name again replaces it whole."""

    async def put(self, name: str, chunks: AsyncIterator[bytes]) -> Blob:
        """Store all chunks, durably, and only then return. When `chunks` raises, nothing is left."""

    async def put_all(self, contents: Mapping[str, bytes]) -> Sequence[Blob]:
        """Store small contents by their names, all of them durably, and only then return; cheaper than one by one."""

    def get(self, name: str, start: int = 0) -> AsyncIterator[bytes]:
        """The content in chunks, from byte `start` on; raises StorageError when it is not there."""

    def part(self, name: str) -> AbstractAsyncContextManager[PartialBlob]:
        """What an earlier attempt left under `name`, or nothing yet; what is not finished stays for the next one.

        One at a time holds it: who comes while another does, gets an empty one that nobody goes on with.
        """

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
    """An answer being read. `length` is the announced number of bytes of the whole, None when not announced.

    `chunks` begin at byte `start`. `tag` is for asking the rest of this very version; empty when there is no way.
    """

    length: int | None
    chunks: AsyncIterator[bytes]
    start: int = 0
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Have:
    """What is here already of a download: its first `size` bytes, of the version with this `tag`."""

    size: int
    tag: str


class DsoClient(Protocol):
    """*Verzoek afhandelen* of DSO-LV for one aansluiting. Every method raises a FacilityError."""

    async def summary(self, verzoeknummer: str) -> Sequence[Link]:
        """Links to the XML, the PDF and every bijlage of the newest version."""

    def download(self, href: str, have: Have | None = None) -> AbstractAsyncContextManager[Download]:
        """The content behind a link; reading it raises FacilityAnswerBroken when it ends too early or too late.

        With `have` it may begin after what is there, when that is of the same version; else it begins at 0.
        """


class Steps(Protocol):
    """What was done before of one delivery, so that a crash repeats one step and never the whole."""

    def done(self, name: str) -> Mapping[str, str] | None:
        """What was recorded of this step; None when it has to be done, perhaps again."""

    async def record(self, name: str, outcome: Mapping[str, str]) -> None:
        """This step is done. Durable before it returns; recording it again replaces the outcome.

        `outcome` holds identifiers and URLs of the case system, never personal data. Raises StorageError.
        """


@dataclass(frozen=True, slots=True)
class Handover:
    """What a case system gets: a verzoek version as it is on record, with its files, and as its XML was understood.

    `case` is the reference of the case that this verzoeknummer has there already, by an earlier version or because a
    person linked it; None when we know of none.
    """

    verzoek: Verzoek
    read: model.Verzoek
    case: str | None = None


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """What a delivery will do: `name` as in Steps, `what` one Dutch sentence without personal data.

    `done`: an earlier attempt did it, so that it will not be done again.
    """

    name: str
    what: str
    done: bool = False


@dataclass(frozen=True, slots=True)
class News:
    """What a case system is told: a kennisgeving about a verzoek that it took was published.

    `case` is the reference of its case there, `id` our number of the kennisgeving. `newest`: no later one was published
    about the verzoek. Nothing of the verzoek itself is in it, for that may have been deleted.
    """

    aansluiting: Aansluiting
    verzoeknummer: str
    case: str
    id: int
    kennisgeving: Kennisgeving
    publication: Publication
    newest: bool = True


class CaseSystem(Protocol):
    """Where verzoeken of an aansluiting end up."""

    async def deliver(self, handover: Handover, blobs: BlobStore, steps: Steps) -> str:
        """Hand the verzoek over and return its reference there.

        Must be safe to repeat after a crash at any point: a second call gives the same one case. A step that is done
        is not done again; one that was under way may have been, so it looks before it makes. Raises CaseSystemError.
        """

    async def preview(self, handover: Handover, steps: Steps) -> Sequence[PlannedStep]:
        """What `deliver` would do now, in its order. May read at the other side, and changes nothing anywhere.

        Raises what `deliver` would raise before its first step.
        """

    async def tell(self, news: News) -> str:
        """Keep with the case where a kennisgeving was published; in Dutch what of it there was no place for.

        Safe to repeat, as `deliver`. Raises CaseSystemError, CaseSystemRefused and ConfigError.
        """
