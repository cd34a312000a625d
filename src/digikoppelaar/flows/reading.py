"""What pages and the command line may look at: rows and pages, read-only, never for deciding anything.

The stores in `ports` decide and change; nothing here is written back. Times are aware, in UTC. A verzoek is
looked up by aansluiting and verzoeknummer, never by the verzoeknummer alone: the same number in `pre` and
`prod` is two verzoeken.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from typing import Protocol

from digikoppelaar.flows.ports import CpaRecord, StoredPayload
from digikoppelaar.stam.model import Finding

PAGE_SIZE = 100
"""Rows of a list when nothing else is asked for."""


class Direction(Enum):
    """Which way a message went, seen from us."""

    IN = "in"
    OUT = "out"


@dataclass(frozen=True, slots=True)
class VerzoekFilter:
    """What to list; None means all. `before` continues a list: only rows that came in before this time."""

    omgeving: str | None = None
    organisatie_oin: str | None = None
    verzoeknummer: str | None = None
    state: str | None = None
    before: datetime | None = None
    limit: int = PAGE_SIZE
    oins: Sequence[str] | None = None
    """Only of these organisaties."""


@dataclass(frozen=True, slots=True)
class VerzoekRow:
    """A verzoek version; or, with `volgnummer` None, a notification of which nothing could be fetched yet.

    `received_at` is when its first notification came in. `reason` (English, ids only) and `advice` (Dutch) say
    why it does not go on.
    """

    aansluiting_id: int
    omgeving: str
    organisatie_oin: str
    organisatie_naam: str
    verzoeknummer: str
    volgnummer: int | None
    type: str
    doel: str
    naam: str
    test: bool
    state: str
    received_at: datetime
    delivered_at: datetime | None = None
    case_reference: str | None = None
    reason: str | None = None
    advice: str | None = None
    purged_at: datetime | None = None
    """From then on its files are gone, and its name and theirs are empty."""


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file of a verzoek version; `sha256` is raw. `size`, `sha256` and `fetched_at` are set once it was fetched."""

    kind: str
    document_id: str
    naam: str
    media_type: str
    size: int | None = None
    sha256: bytes | None = None
    fetched_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StepRow:
    """One line of a timeline. `name` is a short English key such as `received`; `detail` holds ids only."""

    at: datetime
    name: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """What to list; None means all. `before` continues a list: only messages from before this time."""

    omgeving: str | None = None
    organisatie_oin: str | None = None
    direction: Direction | None = None
    state: str | None = None
    message_id: str | None = None
    ref_to_message_id: str | None = None
    before: datetime | None = None
    limit: int = PAGE_SIZE
    oins: Sequence[str] | None = None
    """Only of these organisaties."""


def answers_to(cpa: CpaRecord, message_id: str) -> MessageFilter:
    """What came in about a message of ours under this CPA."""
    aansluiting = cpa.aansluiting
    return MessageFilter(aansluiting.omgeving, aansluiting.organisatie_oin, Direction.IN, ref_to_message_id=message_id)


@dataclass(frozen=True, slots=True)
class MessageRow:
    """An ebMS message. `at` is when it came in or was made.

    `state`: of an outbound message the state of the reliability table; of an inbound one `accepted` or `rejected`.
    (`direction`, `id`) is the key for `Reading.message`: a MessageId can occur under more than one CPA.
    """

    direction: Direction
    id: int
    aansluiting_id: int
    omgeving: str
    organisatie_oin: str
    organisatie_naam: str
    cpa_id: str
    message_id: str
    conversation_id: str
    ref_to_message_id: str | None
    service: str
    action: str
    state: str
    at: datetime
    attempts: int = 0
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class PayloadRow:
    """What is known of one payload, without its content; `sha256` is raw."""

    content_id: str
    content_type: str
    size: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One attempt to send; `ended_at` and `event` are None while it runs or when it was cut off by a crash."""

    number: int
    started_at: datetime
    ended_at: datetime | None
    event: str | None
    status: int | None
    detail: str


@dataclass(frozen=True, slots=True)
class MessagePage:
    """One message with all that is known of it. `document` is what was received (SOAP part) or is sent (whole)."""

    message: MessageRow
    partner: str
    """Party id of the other side."""
    endpoint: str | None
    """Where an outbound message goes."""
    content_type: str
    document: bytes = field(repr=False)
    payloads: tuple[PayloadRow, ...] = ()
    attempts: tuple[AttemptRow, ...] = ()
    steps: tuple[StepRow, ...] = ()
    verzoeknummer: str | None = None
    """Of the notification that this message carries."""
    purged_at: datetime | None = None
    """From then on its payloads are gone; `document` is the SOAP part."""


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A case that a person tied to the verzoek."""

    target: str
    case_reference: str
    linked_at: datetime
    linked_by: str


@dataclass(frozen=True, slots=True)
class InterventionRow:
    """What a person did to the verzoek by hand. `name` is a short English key such as `linked`."""

    done_at: datetime
    done_by: str
    name: str
    detail: str


@dataclass(frozen=True, slots=True)
class KennisgevingRow:
    """A kennisgeving about the verzoek; `publication` is its number, with address and day, once it was found."""

    id: int
    moment: str
    blad: str
    state: str
    publication: str | None
    publication_url: str | None
    published_on: date | None


@dataclass(frozen=True, slots=True)
class VersionPage:
    """One version of a verzoek, or a notification without version, with its files and its own steps.

    `findings` are what an administrator should know of it.
    """

    verzoek: VerzoekRow
    files: tuple[FileRow, ...]
    steps: tuple[StepRow, ...]
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class VerzoekPage:
    """All of one verzoeknummer in one aansluiting: versions, newest first, and messages, oldest first."""

    aansluiting_id: int
    omgeving: str
    organisatie_oin: str
    organisatie_naam: str
    verzoeknummer: str
    versions: tuple[VersionPage, ...]
    messages: tuple[MessageRow, ...]
    links: tuple[LinkRow, ...] = ()
    interventions: tuple[InterventionRow, ...] = ()
    kennisgevingen: tuple[KennisgevingRow, ...] = ()


@dataclass(frozen=True, slots=True)
class PartnerRow:
    """How sending to one partner goes. `party_id` is that of the other side; times are of the attempts.

    `waiting` counts messages that are not settled, of which the oldest was made at `oldest`; `attempts` were made for
    them so far. `failures` counts attempts in a row that found nobody: from the third on, one at a time is made.
    """

    omgeving: str
    party_id: str
    waiting: int
    oldest: datetime | None
    attempts: int
    failures: int
    last_success_at: datetime | None
    last_failure_at: datetime | None
    last_error: str | None


class Reading(Protocol):
    """Read access for pages and the command line. Every method raises StorageError when the database fails."""

    async def verzoeken(self, wanted: VerzoekFilter) -> Sequence[VerzoekRow]:
        """Verzoek versions and notifications without version, the newest `received_at` first."""

    async def verzoek(self, aansluiting_id: int, verzoeknummer: str) -> VerzoekPage | None:
        """All versions of one verzoek; None when nothing with this number ever came in."""

    async def messages(self, wanted: MessageFilter) -> Sequence[MessageRow]:
        """Inbound and outbound messages, the newest first."""

    async def message(self, direction: Direction, message_row_id: int) -> MessagePage | None:
        """One message by the key of its row."""

    async def payloads(self, inbound_id: int) -> Sequence[StoredPayload]:
        """What came with an inbound message, whoever takes it, in its order."""

    async def partners(self) -> Sequence[PartnerRow]:
        """Every partner that was ever sent to, those with most waiting first."""
