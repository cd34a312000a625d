"""What people do to verzoeken by hand: linking a case that was made elsewhere, repairing, and who did what."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from digikoppelaar.flows.ports.messages import StoredPayload
from digikoppelaar.flows.ports.verzoeken import NewNotification


@dataclass(frozen=True, slots=True)
class Who:
    """Who does something by hand, and when; `name` is that of the user of the operating system."""

    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CaseLink:
    """At `target` of this aansluiting, the verzoek is about a case that is there already.

    `case_reference` is spelled as that case system does; letters of the verzoeknummer compare without case.
    """

    aansluiting_id: int
    verzoeknummer: str
    target: str
    case_reference: str


@dataclass(frozen=True, slots=True)
class KeptLink:
    """A link on record."""

    link: CaseLink
    linked_at: datetime
    linked_by: str


class LinkStore(Protocol):
    """Cases that people linked. Every method is one transaction and raises StorageError."""

    async def links(self, aansluiting_id: int | None = None, verzoeknummer: str | None = None) -> Sequence[KeptLink]:
        """Those on record, in the order of aansluiting, verzoeknummer and target; None means of all."""

    async def link(self, links: Sequence[CaseLink], who: Who, *, replace: bool = False) -> Sequence[CaseLink]:
        """Put all of them on record, or none; those that were not there are returned. Safe to repeat.

        Raises ConfigError when one is linked to another case, unless `replace`.
        """

    async def unlink(self, aansluiting_id: int, verzoeknummer: str, target: str | None, who: Who) -> Sequence[CaseLink]:
        """Take away the link at this target, or at all; those that were there are returned."""


@dataclass(frozen=True, slots=True)
class Which:
    """A verzoek in one aansluiting; with `volgnummer` that version of it only."""

    aansluiting_id: int
    verzoeknummer: str
    volgnummer: int | None = None


@dataclass(frozen=True, slots=True)
class Redelivery:
    """What is delivered again: at one target, or at all; `volgnummer` of `which` and every version after it.

    Without a volgnummer the newest that is delivered. `from_scratch` forgets what was done, for a case system that
    lost it.
    """

    which: Which
    target: str | None = None
    from_scratch: bool = False


@dataclass(frozen=True, slots=True)
class Moved:
    """A version or, without `volgnummer`, a notification that a person moved; `before` is the state it was in."""

    id: int
    volgnummer: int | None
    before: str


@dataclass(frozen=True, slots=True)
class InboundNotification:
    """An inbound message that may hold a notification; `payload` is its first."""

    id: int
    aansluiting_id: int
    payload: StoredPayload | None


class Replayed(StrEnum):
    """What taking a message through the notification code again comes to."""

    TAKEN_IN = "taken_in"
    """There was no notification of it, or one that nobody could read: it will be fetched."""
    WAITS = "waits"
    """It will be fetched as it is."""
    FETCHED_AGAIN = "fetched_again"


@dataclass(frozen=True, slots=True)
class ParkedFilter:
    """Which parked verzoeken; None means all. `target`: of which a delivery there is parked. `reason`: a part of it."""

    omgeving: str | None = None
    organisatie_oin: str | None = None
    target: str | None = None
    reason: str | None = None
    limit: int = 100


class RepairStore(Protocol):
    """Moves that people make. Every method is one transaction, with its record of who made it; StorageError.

    With `dry_run` it says the same and changes nothing. Doing it again moves nothing.
    """

    async def versions(self, which: Which) -> Sequence[int]:
        """The ids of the versions, in order."""

    async def park(self, which: Which, reason: str, who: Who, *, dry_run: bool = False) -> Sequence[Moved]:
        """Park everything of a verzoek that has not ended: nothing is done for it until `release`.

        Not even when it is announced again. What is at this moment under way may still succeed. `reason` is shown.
        """

    async def park_target(
        self, which: Which, target: str, reason: str, who: Who, *, dry_run: bool = False
    ) -> Sequence[Moved]:
        """Park the versions of which a delivery waits at this target, and that delivery; others go on."""

    async def redeliver(self, wanted: Redelivery, who: Who, *, dry_run: bool = False) -> Sequence[Moved]:
        """Deliver again, in order; the steps that are on record are kept unless `from_scratch`.

        Raises ConfigError when a file of such a version is not there any more.
        """

    async def refetch(self, which: Which, who: Who) -> int:
        """A notification that has the verzoek fetched again, with its job; its id. Again makes another."""

    async def inbound(self, message_id: str, omgeving: str | None) -> Sequence[InboundNotification]:
        """The accepted inbound messages of this MessageId: more when it came in under more than one CPA."""

    async def replay(self, inbound_id: int, new: NewNotification, who: Who, *, dry_run: bool = False) -> Replayed:
        """Take what a stored message says (`new`) in again."""

    async def failed(self, wanted: ParkedFilter) -> Sequence[Which]:
        """Verzoeken of which something is parked because it failed, those that wait longest first.

        What a person or a rule parked is not among them: that is decided one at a time.
        """
