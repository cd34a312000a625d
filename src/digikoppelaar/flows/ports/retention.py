"""What is deleted when it is no longer needed, what is kept of it, and for how long."""

from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from digikoppelaar.stam.fingerprints import Fingerprint, Key


class What(StrEnum):
    """Of what the content is deleted."""

    VERZOEK = "verzoek"
    """A version of a verzoek: its files, its name and theirs."""
    NOTIFICATION = "notification"
    """The document of a notification that did not come over ebMS."""
    INBOUND = "inbound"
    """The payloads of a message that came in."""
    OUTBOUND = "outbound"
    """The payloads of a message that an application sent."""
    LEFTOVER = "leftover"
    """Blobs that no row names: a kill came between storing and recording them (ADR 11)."""


@dataclass(frozen=True, slots=True)
class Due:
    """Something whose time has come: `ended_at`, and then the `days` of its aansluiting, have passed.

    `id` is that of the verzoek version, the notification or the message. `xml` is the blob with the XML of a version.
    """

    what: What
    id: int
    aansluiting_id: int
    omgeving: str
    organisatie_oin: str
    ended_at: datetime
    days: int
    verzoeknummer: str | None = None
    volgnummer: int | None = None
    message_id: str | None = None
    xml: str | None = None


@dataclass(frozen=True, slots=True)
class FingerprintSet:
    """The keyed hashes of one verzoek version, and until when they are kept; none: it says nothing of a person."""

    key_id: str
    fingerprints: frozenset[Fingerprint]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Purge:
    """A deletion on record, of which the blobs may still be there. Blobs that are newer than it belong to others."""

    id: int
    recorded_at: datetime
    blobs: tuple[str, ...]
    size: int = 0
    """Bytes of everything that it deletes."""


@dataclass(frozen=True, slots=True)
class PurgedContent:
    """One piece of content that was deleted; `sha256` (raw) where it was known."""

    kind: str
    size: int
    sha256: bytes | None
    blob: str | None = None


@dataclass(frozen=True, slots=True)
class PurgeRow:
    """A deletion for people. `completed_at` None: it is on record, and not every blob is known to be gone."""

    id: int
    run_id: int
    what: str
    omgeving: str | None
    organisatie_oin: str | None
    verzoeknummer: str | None
    volgnummer: int | None
    message_id: str | None
    recorded_at: datetime
    completed_at: datetime | None
    size: int
    contents: tuple[PurgedContent, ...] = ()


@dataclass(frozen=True, slots=True)
class KeptRow:
    """What is older than its period and kept, because it has not ended: `state` says what it waits for."""

    what: str
    omgeving: str
    organisatie_oin: str
    verzoeknummer: str | None
    volgnummer: int | None
    message_id: str | None
    state: str
    since: datetime
    reason: str | None = None
    advice: str | None = None


@dataclass(frozen=True, slots=True)
class PurgeFilter:
    """What to list; None means all."""

    verzoeknummer: str | None = None
    message_id: str | None = None
    what: str | None = None
    run_id: int | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True)
class VersionContent:
    """Where the persons of a version can be looked up: in its XML, or in its hashes; neither when both are gone."""

    volgnummer: int
    xml: str | None
    set: FingerprintSet | None = field(repr=False)


class RetentionStore(Protocol):
    """Periods, deletions and keyed hashes. A method is one transaction and raises StorageError."""

    async def begin(self, by: str, now: datetime, unless: datetime | None) -> int | None:
        """The id of a new run; None when one ended after `unless`, or began a short while ago and has not ended."""

    async def ended(self, run_id: int, now: datetime) -> None:
        """The run did all that it could."""

    async def due(self, what: What, days: int, now: datetime, after: int, limit: int) -> Sequence[Due]:
        """At most `limit` with an id above `after`, in that order; `days` unless the aansluiting has its own number."""

    async def purge(
        self, run_id: int, due: Due, days: int, now: datetime, kept: FingerprintSet | None = None
    ) -> Purge | None:
        """Put the deletion on record, keep the hashes, and empty what the database holds, together.

        From then on the content counts as gone. None, and nothing changed, when its time has not come after all.
        """

    async def purge_leftovers(self, run_id: int, blobs: Collection[tuple[str, int]], now: datetime) -> Purge:
        """Put on record that these blobs (name and size), which no row names, are deleted."""

    async def unnamed(self, blobs: Collection[str]) -> Collection[str]:
        """Those of these that no row names."""

    async def unfinished(self) -> Sequence[Purge]:
        """Deletions on record whose blobs are perhaps still there."""

    async def completed(self, purge_id: int, now: datetime) -> None:
        """Its blobs are gone."""

    async def purges(self, wanted: PurgeFilter) -> Sequence[PurgeRow]:
        """Deletions on record, the newest first."""

    async def kept(self, days: int, now: datetime) -> Sequence[KeptRow]:
        """Everything that is older than its period and has not ended, the oldest first."""

    async def forget_fingerprints(self, now: datetime) -> int:
        """Delete the hashes whose time is over; of how many versions."""

    async def keys_in_use(self) -> Collection[str]:
        """The ids of the keys of all hashes that are kept."""

    async def contents(self, aansluiting_id: int, verzoeknummer: str) -> Sequence[VersionContent]:
        """Every version of this verzoek, in order."""


class ErasableBlobs(Protocol):
    """Blobs as the one who deletes them sees them. Every method raises StorageError."""

    def get(self, name: str) -> AsyncIterator[bytes]:
        """See flows.ports.BlobStore."""

    async def has(self, name: str) -> bool:
        """Whether it is there."""

    async def sweep(self, now: datetime) -> int:
        """Remove what writers that died left, and parts that nobody goes on with; of how many files."""

    async def erase(self, names: Iterable[str], before: datetime) -> None:
        """Remove those that were stored before this moment, durably. One that is not there is fine."""

    def stored(self, before: datetime) -> AsyncIterator[Sequence[tuple[str, int]]]:
        """Name and size of every blob that was stored before this moment, some at a time."""


class FingerprintKeys(Protocol):
    """The keys of the keyed hashes."""

    async def current(self) -> Key:
        """The key for new hashes; made when there is none. Raises ConfigError."""

    async def find(self, key_id: str) -> Key | None:
        """The key with this id, if it is kept."""

    async def keep_only(self, key_ids: Collection[str]) -> None:
        """Destroy every other key, but never the current one."""
