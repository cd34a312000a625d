"""Notifications, verzoek versions and their files."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol

from digikoppelaar.flows.ports.connections import Aansluiting
from digikoppelaar.stam.model import Finding
from digikoppelaar.stam.rules import Action, Known, Ruling, taken_as_new

Judge = Callable[[Known], Ruling]
"""Says what is done with a version, from what is on record about its verzoeknummer."""


@dataclass(frozen=True, slots=True)
class Blob:
    """What was stored in the blob store: `sha256` is raw."""

    name: str
    size: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class NewNotification:
    """The application job of an accepted notification: fetch this verzoek.

    `problem` is set when no verzoeknummer could be read: the notification is then parked at once, without a job,
    for the message was acknowledged and must not be lost.
    """

    verzoeknummer: str
    problem: str | None = None
    withdrawal: bool = False


@dataclass(frozen=True, slots=True)
class Notification:
    """A notification that waits to be fetched."""

    id: int
    aansluiting: Aansluiting
    verzoeknummer: str
    received_at: datetime
    state: str
    withdrawal: bool = False
    """It says that the verzoek is withdrawn, also when no verzoekbericht says so."""
    stopped: bool = False
    """A person parked it."""
    again: bool = False
    """A person has the verzoek fetched again: files that are not what was recorded are replaced."""


@dataclass(frozen=True, slots=True)
class Original:
    """A notification as it came: its bytes, or the blob that holds them; neither when a search found the verzoek."""

    document: bytes | None = field(default=None, repr=False)
    blob: str | None = None


@dataclass(frozen=True, slots=True)
class NewVerzoek:
    """A verzoek version as the fetched XML says it; (verzoeknummer, volgnummer) is unique in the aansluiting.

    `findings` are what an administrator should know of it; they stop nothing.
    """

    verzoeknummer: str
    volgnummer: int
    type: str
    doel: str
    naam: str
    indien_datum: datetime | None
    test: bool
    findings: tuple[Finding, ...] = ()


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
    """A verzoek version in our store, with its files. `state`: see flows/intake_states.py.

    `action` and `rule` are what `stam.rules` said of it; `lapsed` are ids of documents that it no longer names.
    """

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
    action: Action = Action.DELIVER_NEW
    rule: str = ""
    lapsed: tuple[str, ...] = ()
    purged_at: datetime | None = None
    """From then on its files are gone, and its name and theirs are empty."""


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

    async def announced(
        self, aansluiting: Aansluiting, new: NewNotification, document: bytes, now: datetime
    ) -> int | None:
        """A notification that did not come over ebMS, with its job; its id, None when these bytes were there before."""

    async def original(self, notification_id: int) -> Original:
        """The notification as it came, whole."""

    async def passed_on(self, notification_id: int, now: datetime) -> None:
        """Its receiver has it: nothing is fetched. Safe to repeat."""

    async def start_verzoek(
        self,
        notification_id: int,
        verzoek: NewVerzoek,
        files: Sequence[NewFile],
        now: datetime,
        judge: Judge = taken_as_new,
    ) -> Verzoek:
        """The verzoek version with its files, made or found, and linked to the notification. Safe to repeat.

        `judge` is asked when the version is made, in the transaction that makes it: of two versions at once one sees
        the other. It is asked again about what was set aside, as flows.version_order.taken_up says; what is taken up
        is fetched anew, but for the bijlagen that are here. A version that is still being fetched gets the files that
        it does not have yet.
        """

    async def file_fetched(self, file_id: int, blob: str, size: int, sha256: bytes, now: datetime) -> bool:
        """This file is in the blob store. False, and nothing changed, when another attempt recorded it first."""

    async def files_fetched(self, blobs: Mapping[int, Blob], now: datetime) -> Collection[int]:
        """These files, by their id, are in the blob store; which of them are recorded now and not by another attempt.

        Nothing is recorded when one of them does not exist: StorageError.
        """

    async def file_replaced(self, file_id: int, gone: str, blob: str, size: int, sha256: bytes, now: datetime) -> bool:
        """Another blob in the place of `gone`, which is damaged. False, and nothing changed, when it is not there."""

    async def verzoek_fetched(self, notification_id: int, verzoek_id: int, now: datetime) -> None:
        """All files are there: notification done, and what ruling and order say, in one transaction.

        State `fetched` and the job to deliver, or waiting, ignored, kept apart, parked (flows/version_order.py). A
        version that is already delivered stays delivered and gets no second job.
        """

    async def verzoek(self, verzoek_id: int) -> Verzoek:
        """The verzoek version; raises StorageError when it is not there."""

    async def verzoek_delivered(self, verzoek_id: int, case_reference: str, now: datetime) -> None:
        """State `delivered`, with where the case system put it, and the job of the version that waited for it."""

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
        self, aansluiting_id: int, verzoeknummer: str, now: datetime, *, by: str = "", dry_run: bool = False
    ) -> Sequence[Parked]:
        """Let everything of this verzoek that is parked go on, and say what that was; `dry_run` only says it.

        `by` is the person who does it, for the record.

        The states, the reasons that are gone, the steps and new jobs (so the first attempt again) are one transaction;
        what is not parked is left alone, so a second call releases nothing. A notification without verzoeknummer
        stays parked: there is nothing that DSO-LV could be asked for.
        """
