"""What the flows need from outside, in their own words. Adapters implement these; each has an in-memory twin.

Every method of a store is one transaction. Everything hangs on an aansluiting (organisatie, kind, omgeving):
the same OIN and verzoeknummer in `pre` and `prod` never meet.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol

from digikoppelaar.ebms.agreement import Agreement, ReliableMessaging

OMGEVINGEN = ("sandbox-pre", "sandbox-prod", "pre", "prod")


# --- Who is connected to what ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DsoSettings:
    """How *Verzoek afhandelen* is reached for one aansluiting. The API key is a file, never a value in the database."""

    base_url: str
    api_key_file: str
    profile: str = "dso-lv"


@dataclass(frozen=True, slots=True)
class CaseSystemSettings:
    """The case system that takes the verzoeken of one aansluiting; kind `folder` has the setting `path`."""

    kind: str
    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Aansluiting:
    """One link of one organisatie to one facility in one omgeving; `partij_oin` owns the certificates used for it."""

    id: int
    organisatie_oin: str
    organisatie_naam: str
    kind: str
    omgeving: str
    partij_oin: str
    dso: DsoSettings | None
    case_system: CaseSystemSettings | None


@dataclass(frozen=True, slots=True)
class CpaRecord:
    """An imported CPA as its aansluiting sees it. `id` is our row, `agreement.cpa_id` its name."""

    id: int
    aansluiting: Aansluiting
    agreement: Agreement


@dataclass(frozen=True, slots=True)
class Machtiging:
    """On record: in `omgeving`, the holder of a certificate with `gemachtigde_oin` may act for `namens_oin`."""

    omgeving: str
    gemachtigde_oin: str
    namens_oin: str
    since: datetime
    recorded_by: str


class Registry(Protocol):
    """Read access to organisaties, partijen, machtigingen, aansluitingen, certificates and CPAs."""

    async def cpa(self, omgeving: str, cpa_id: str) -> CpaRecord | None:
        """The CPA under this name in this omgeving."""

    async def acts_for(self, omgeving: str, oin: str) -> frozenset[str]:
        """The OINs for which `oin` has a machtiging in this omgeving."""

    async def aansluiting(self, aansluiting_id: int) -> Aansluiting:
        """The aansluiting; raises ConfigError when it is not there."""


# --- ebMS messages -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StoredPayload:
    """A payload of an inbound message: in the row (`data`) up to 256 KiB, above that in the blob store (`blob`)."""

    content_id: str
    content_type: str
    size: int
    sha256: bytes
    data: bytes | None = field(default=None, repr=False)
    blob: str | None = None


@dataclass(frozen=True, slots=True)
class NewInbound:
    """A received message as it will be stored. `error_code` is set when it was rejected."""

    cpa: CpaRecord
    message_id: str
    conversation_id: str
    ref_to_message_id: str | None
    service: str
    action: str
    timestamp: datetime
    received_at: datetime
    fingerprint: bytes
    content_type: str
    document: bytes = field(repr=False)
    """The SOAP part, byte for byte."""
    payloads: tuple[StoredPayload, ...] = ()
    error_code: str | None = None
    error_reason: str | None = None


@dataclass(frozen=True, slots=True)
class NewOutbound:
    """A message ready to send: `body` goes out as it is, every time (statement 66).

    `reliable` None: no acknowledgment is awaited and a 2xx settles it; a signal then gets the attempts of
    `transport_attempts`. `partner` is the key of the slots in the sender: the party id of the receiver.
    """

    cpa: CpaRecord
    message_id: str
    conversation_id: str
    ref_to_message_id: str | None
    service: str
    action: str
    timestamp: datetime
    partner: str
    endpoint: str
    content_type: str
    body: bytes = field(repr=False)
    reliable: ReliableMessaging | None
    time_to_live: datetime | None
    due_at: datetime


@dataclass(frozen=True, slots=True)
class SeenInbound:
    """An inbound message that is already stored, with the id of its answer if it has one."""

    id: int
    fingerprint: bytes
    answer_id: int | None


@dataclass(frozen=True, slots=True)
class SentMessage:
    """An outbound message of ours, as an incoming signal needs it."""

    id: int
    message_id: str
    state: str
    body: bytes = field(repr=False)
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class Claimed:
    """An outbound message of which attempt number `attempt` (from 1) was written down and may now be made."""

    id: int
    attempt: int
    message_id: str
    omgeving: str
    partij_oin: str
    partner: str
    endpoint: str
    content_type: str
    body: bytes = field(repr=False)
    reliable: ReliableMessaging | None = None
    time_to_live: datetime | None = None


class MessageStore(Protocol):
    """Inbound and outbound ebMS messages."""

    async def find_inbound(self, cpa: CpaRecord, message_id: str) -> SeenInbound | None:
        """The message with this MessageId that came in before under this CPA."""

    async def find_outbound(self, cpa: CpaRecord, message_id: str) -> SentMessage | None:
        """Our message with this MessageId under this CPA."""

    async def record_inbound(
        self,
        inbound: NewInbound,
        answer: NewOutbound | None,
        job: "NewNotification | None",
    ) -> bool:
        """Store raw bytes, row, answer and application job together.

        False, and nothing stored, when the MessageId is already there: the unique key decides, not a look before.
        """

    async def repeat_answer(self, answer_id: int, now: datetime) -> None:
        """Make the answer due again as it is; counts as a fresh series of transport attempts."""

    async def queue_outbound(self, message: NewOutbound) -> int:
        """Store a message to send; the sender is woken by the commit."""

    async def settle_by_signal(
        self, signal: NewInbound, message_id: str, event: str, reason: str, now: datetime
    ) -> str:
        """Store the signal and move our message `message_id` by `event` of the reliability table.

        Returns the state after it. A settled message keeps its state; the signal is stored all the same.
        """

    async def claim(self, now: datetime, lease: timedelta, busy: Mapping[str, int], slots: int) -> Sequence[Claimed]:
        """Due messages, at most `slots` less `busy[partner]` for each partner, oldest first.

        The attempt is written before it is returned. Messages that are due but have no attempt or no time left
        are moved to failed or expired here. A lease that ran out makes a message due again.
        """

    async def settle_attempt(
        self,
        claimed: Claimed,
        event: str,
        now: datetime,
        *,
        status: int | None,
        detail: str,
    ) -> None:
        """Write how the attempt ended, and move the message by `event` unless something settled it meanwhile."""

    async def next_due(self) -> datetime | None:
        """When the earliest message becomes due; None when nothing waits."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The HTTP response to a message we sent; `body` is bounded by the transport."""

    status: int
    content_type: str = ""
    body: bytes = field(default=b"", repr=False)


class Transport(Protocol):
    """Posts ebMS messages over mutual TLS."""

    async def post(self, omgeving: str, partij_oin: str, endpoint: str, content_type: str, body: bytes) -> Reply:
        """POST with SOAPAction "ebXML", as the partij with this OIN; follows no redirect.

        Raises PartnerUnreachable when no complete HTTP response came, TrustError when the partij has no usable
        certificate for tls-client in this omgeving.
        """


# --- Verzoeken ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NewNotification:
    """The application job of an accepted notification: fetch this verzoek.

    `problem` is set when no verzoeknummer could be read: the notification is then parked at once, without a job,
    for the message was acknowledged and must not be lost.
    """

    verzoeknummer: str
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Notification:
    """A notification that waits to be fetched."""

    id: int
    aansluiting: Aansluiting
    verzoeknummer: str
    received_at: datetime
    state: str


@dataclass(frozen=True, slots=True)
class NewVerzoek:
    """A verzoek version as the fetched XML says it; (verzoeknummer, volgnummer) is unique in the aansluiting."""

    verzoeknummer: str
    volgnummer: int
    type: str
    doel: str
    naam: str
    indien_datum: datetime | None
    test: bool


class FileKind(Enum):
    """What a file of a verzoek is."""

    XML = "xml"
    PDF = "pdf"
    BIJLAGE = "bijlage"


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that DSO-LV announced. `position` orders them; `document_id` is DSO-LV's."""

    position: int
    kind: FileKind
    document_id: str
    naam: str
    media_type: str
    href: str


@dataclass(frozen=True, slots=True)
class File:
    """A file of a verzoek; `blob`, `size` and `sha256` are set once it was fetched."""

    id: int
    kind: FileKind
    document_id: str
    naam: str
    media_type: str
    href: str
    blob: str | None = None
    size: int | None = None
    sha256: bytes | None = None


@dataclass(frozen=True, slots=True)
class Verzoek:
    """A verzoek version in our store, with its files. `state`: see flows/intake_states.py."""

    id: int
    aansluiting: Aansluiting
    verzoeknummer: str
    volgnummer: int
    type: str
    doel: str
    naam: str
    test: bool
    state: str
    files: tuple[File, ...]
    case_reference: str | None = None


@dataclass(frozen=True, slots=True)
class Parked:
    """What waits for a person: a version that was not delivered or, without `volgnummer`, a notification.

    `id` is that of the version or of the notification.
    """

    id: int
    volgnummer: int | None
    reason: str | None


class VerzoekStore(Protocol):
    """Notifications, verzoek versions and their files."""

    async def notification(self, notification_id: int) -> Notification:
        """The notification; raises StorageError when it is not there."""

    async def start_verzoek(
        self,
        notification_id: int,
        verzoek: NewVerzoek,
        files: Sequence[NewFile],
        now: datetime,
    ) -> Verzoek:
        """The verzoek version with its files, made or found, and linked to the notification. Safe to repeat.

        A version that is still being fetched gets the files that it does not have yet.
        """

    async def file_fetched(self, file_id: int, blob: str, size: int, sha256: bytes, now: datetime) -> bool:
        """This file is in the blob store. False, and nothing changed, when another attempt recorded it first."""

    async def verzoek_fetched(self, notification_id: int, verzoek_id: int, now: datetime) -> None:
        """All files are there: state `fetched`, notification done, and the job to deliver, in one transaction.

        A verzoek that is already delivered stays delivered and gets no second job.
        """

    async def verzoek(self, verzoek_id: int) -> Verzoek:
        """The verzoek version; raises StorageError when it is not there."""

    async def verzoek_delivered(self, verzoek_id: int, case_reference: str, now: datetime) -> None:
        """State `delivered`, with where the case system put it."""

    async def trouble(
        self,
        *,
        notification_id: int | None = None,
        verzoek_id: int | None = None,
        reason: str,
        advice: str,
        parked: bool,
        now: datetime,
    ) -> None:
        """Show why it does not go on; `parked`: it waits for a person, else it will be tried again."""

    async def release(
        self, aansluiting_id: int, verzoeknummer: str, now: datetime, *, dry_run: bool = False
    ) -> Sequence[Parked]:
        """Let everything of this verzoek that is parked go on, and say what that was; `dry_run` only says it.

        The states, the reasons that are gone, the steps and new jobs (so the first attempt again) are one transaction;
        what is not parked is left alone, so a second call releases nothing. A notification without verzoeknummer
        stays parked: there is nothing that DSO-LV could be asked for.
        """


# --- Large content, the national facility, the case system --------------------------------------------------


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


class Ids(Protocol):
    """Where new identifiers come from; randomness lives at the edge."""

    def message_id(self, domain: str) -> str:
        """A new MessageId, UUID@domain (EB013)."""

    def conversation_id(self) -> str:
        """A new ConversationId."""

    def unique(self) -> str:
        """A new name for something that needs no other name, such as a spooled payload."""


class Clock(Protocol):
    """The wall clock."""

    def now(self) -> datetime:
        """The time, aware, in UTC."""


class Signer(Protocol):
    """A private key of a partij with use `sign`. `certificate` is DER."""

    certificate: bytes

    def sign(self, data: bytes, algorithm: str) -> bytes:
        """The raw signature over `data` with a SignatureMethod URI of names.py."""


class Signers(Protocol):
    """Finds the signing key of a partij in an omgeving."""

    def signer(self, omgeving: str, partij_oin: str) -> Signer:
        """Raises TrustError when there is none."""
