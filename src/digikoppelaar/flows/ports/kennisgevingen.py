"""Kennisgevingen on record: what is to be published, how far each is, and who did what to it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final, Protocol

from digikoppelaar.errors import ConfigError, Conflict
from digikoppelaar.flows.kennisgeving_states import KennisgevingEvent, after, refused_move
from digikoppelaar.flows.ports.connections import CaseSystemSettings
from digikoppelaar.flows.ports.repair import Who

ANSWER_KEPT: Final = 64 * 1024
"""Bytes of an answer that are kept."""


@dataclass(frozen=True, slots=True)
class Key:
    """What a kennisgeving is about; there is one of it that is not cancelled (drop-3pas.md 9).

    `number` tells notices of one moment apart, from 1: a case may be extended or rectified twice.
    """

    aansluiting_id: int
    referentienummer: str
    moment: str
    blad: str
    number: int = 1


@dataclass(frozen=True, slots=True)
class Origin:
    """The verzoek that a kennisgeving is about; its aansluiting is of kind `stam`."""

    aansluiting_id: int
    verzoeknummer: str


@dataclass(frozen=True, slots=True)
class Publication:
    """Where it was published. `differences` are sentences in Dutch: what is not as it was sent."""

    number: str
    url: str
    published_on: date
    differences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sent:
    """What an attempt sends: in which stage, as which documenttype (a value of drop.model), and the request."""

    stage: str
    documenttype: str
    request: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever it means: status, the first ANSWER_KEPT bytes, and how many there were."""

    status: int
    body: bytes = field(repr=False)
    size: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What an event tells; what is None stays as it was.

    `due_at` is when it is to be sent or, of what KOOP may have, when it is next looked for. `detail` is for the log,
    `answer` is kept with the attempt.
    """

    due_at: datetime | None = None
    dossiernummer: str | None = None
    publication: Publication | None = None
    reason: str | None = None
    advice: str | None = None
    detail: str = ""
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """Of a draft, as it is made: it is approved, with when it is to be sent, or `facts` say why it waits."""

    approved: bool
    facts: Facts


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt that was about to reach KOOP, as evidence; `answer_sha256` is that of what was kept of the answer.

    Hashes are raw. Without an answer nobody knows whether it arrived.
    """

    number: int
    stage: str
    documenttype: str
    begun_at: datetime
    request_sha256: bytes
    answered_at: datetime | None = None
    status: int | None = None
    answer_size: int | None = None
    answer_sha256: bytes | None = None


@dataclass(frozen=True, slots=True)
class StoredKennisgeving:
    """A kennisgeving on record; `document` is drop.document's JSON.

    `attempts` counts how often it began to be sent, `due_at` as in Facts. `reason` and `advice` say why it does not go
    on.
    """

    id: int
    key: Key
    document: Mapping[str, object]
    state: str
    origin: Origin | None = None
    attempts: int = 0
    due_at: datetime | None = None
    begun_at: datetime | None = None
    dossiernummer: str | None = None
    publication: Publication | None = None
    reason: str | None = None
    advice: str | None = None


@dataclass(frozen=True, slots=True)
class LogLine:
    """One thing that happened: to which state it led, and who did it (None: the program)."""

    at: datetime
    event: str
    state: str
    by: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class KennisgevingFilter:
    """Which ones; None means all. The newest first."""

    aansluiting_id: int | None = None
    state: str | None = None
    referentienummer: str | None = None
    verzoeknummer: str | None = None
    limit: int = 100
    before: int | None = None
    """Only those with a lower id: where a list goes on."""


@dataclass(frozen=True, slots=True)
class Undrafted:
    """A delivered first version of which nobody drafted a kennisgeving, nor said that there is to be none.

    `xml` names its verzoek XML in the blob store; None when that was deleted, for its period was over. `case_system` is
    that of its aansluiting.
    """

    origin: Origin
    omgeving: str
    xml: str | None
    case_system: CaseSystemSettings | None = None


@dataclass(frozen=True, slots=True)
class NotDrafted:
    """Why a kennisgeving could not be drafted, and what a person can do: English and Dutch, as of an error.

    `publisher_id` is the aansluiting that would publish it; None when that was not found out.
    """

    reason: str
    advice: str
    publisher_id: int | None


def check_move(row: StoredKennisgeving, event: KennisgevingEvent, seen: Mapping[str, object] | None) -> None:
    """Raises Conflict when `event` cannot happen to it, or when it is not what somebody saw."""
    if after(row.state, event) is None:
        raise refused_move(row.id, row.state, event)
    if seen is not None and row.document != seen:
        raise Conflict(
            f"kennisgeving {row.id} was changed meanwhile",
            advice="De tekst is zojuist gewijzigd. Bekijk de kennisgeving opnieuw voordat u haar vrijgeeft.",
        )


def no_attempt(kennisgeving_id: int, number: int) -> ConfigError:
    """What to raise when the kennisgeving has no such attempt."""
    return ConfigError(
        f"kennisgeving {kennisgeving_id} has no attempt {number}",
        advice="Bekijk met `kennisgeving show` welke pogingen er zijn.",
    )


class KennisgevingStore(Protocol):
    """Every method is one transaction with its line in the log, and raises StorageError."""

    async def draft(
        self,
        key: Key,
        document: Mapping[str, object],
        who: Who,
        origin: Origin | None = None,
        judged: Judged | None = None,
    ) -> tuple[StoredKennisgeving, bool]:
        """The kennisgeving with this key, and whether it was made now. One that was cancelled is none.

        What was `judged` of one that is made now is on record with it, in the same transaction.
        """

    async def edit(
        self,
        kennisgeving_id: int,
        document: Mapping[str, object],
        who: Who,
        seen: Mapping[str, object] | None = None,
    ) -> StoredKennisgeving:
        """Put another text in its place: it is a draft again. Raises Conflict when it is too late for that.

        With `seen` also when the document is another one meanwhile: nobody loses what somebody else wrote.
        """

    async def kennisgeving(self, kennisgeving_id: int) -> StoredKennisgeving:
        """Raises ConfigError when there is none."""

    async def kennisgevingen(self, wanted: KennisgevingFilter) -> Sequence[StoredKennisgeving]:
        """Those that fit."""

    async def log(self, kennisgeving_id: int) -> Sequence[LogLine]:
        """What happened to it, in order."""

    async def move(
        self,
        kennisgeving_id: int,
        event: KennisgevingEvent,
        who: Who,
        facts: Facts,
        seen: Mapping[str, object] | None = None,
    ) -> StoredKennisgeving:
        """A person does something. Raises Conflict, with advice, when it cannot be done now.

        With `seen` also when the document is another one meanwhile: what nobody looked at is not approved.
        """

    async def claim(self, now: datetime, limit: int, per_aansluiting: int) -> Sequence[StoredKennisgeving]:
        """Those planned whose time has come: they are sending now, and nobody else gets them.

        Of one aansluiting at most so many, counting what is sending already: one hanging endpoint holds up no other.
        """

    async def began(self, claimed: StoredKennisgeving, sent: Sent, now: datetime) -> bool:
        """Put attempt `claimed.attempts` on record, before its first byte goes out.

        False, and nothing may be sent, when that was done before or the kennisgeving is not sending any more.
        """

    async def settle(self, sent: StoredKennisgeving, event: KennisgevingEvent, facts: Facts, now: datetime) -> bool:
        """What became of attempt `sent.attempts`. False, and only a line in the log, when it is too late:

        another attempt was made since, or the event cannot happen any more. The answer is kept all the same.
        """

    async def attempts(self, kennisgeving_id: int) -> Sequence[Attempt]:
        """In order."""

    async def exchange(self, kennisgeving_id: int, number: int) -> tuple[bytes, bytes | None]:
        """What the attempt with this number sent and, if one came, what was kept of the answer.

        Raises ConfigError when there is no such attempt.
        """

    async def forsaken(self, now: datetime, after: timedelta, facts: Facts) -> Sequence[int]:
        """Make unknown what has been sending for longer than this: whoever sent it is gone."""

    async def sought(self, now: datetime, limit: int, but: Collection[int] = ()) -> Sequence[StoredKennisgeving]:
        """Those that KOOP has or may have and whose time to be looked for has come, the longest waiting first.

        None of the aansluitingen `but`.
        """

    async def looked(
        self, kennisgeving_id: int, next_look: datetime, publication: Publication | None, now: datetime
    ) -> None:
        """It was looked for: found, or to be looked for again, also when another of its aansluiting has that number."""

    async def undrafted(self, limit: int, verzoeknummer: str | None = None, skip: int = 0) -> Sequence[Undrafted]:
        """Verzoeken in an omgeving where somebody publishes, the oldest first, without the first `skip`.

        With a number only that one, also when somebody said that it gets none, all its kennisgevingen were cancelled,
        it could not be drafted, or its content was deleted.
        """

    async def none_for(self, origin: Origin, reason: str, who: Who | None, now: datetime) -> bool:
        """There is to be none of it, also if it could not be drafted. Whether that is news; safe to repeat."""

    async def not_drafted(self, origin: Origin, why: NotDrafted, now: datetime) -> None:
        """The program does not try again; it is for a person, until there is a draft or there is to be none."""
