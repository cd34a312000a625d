"""What case systems tell of zaken: that a status was set or a besluit was taken, and how far that is.

A row is durable before the case system gets its answer. What it names is read by the worker, at the case system.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Protocol


class Resource(StrEnum):
    """What was made in a case system, as the ZGW Notificaties call it."""

    STATUS = "status"
    BESLUIT = "besluit"


@dataclass(frozen=True, slots=True)
class CaseEvent:
    """Something that a case system told. `url` is where it stands, `zaak` the URL of its zaak when that was told.

    `aansluiting_id` is the aansluiting of kind `stam` of the organisatie whose application told it, `by` that one.
    """

    id: int
    aansluiting_id: int
    resource: Resource
    url: str
    zaak: str | None
    by: str
    received_at: datetime
    attempts: int = 0
    due_at: datetime | None = None
    """Neither due nor ended: it is parked, and waits for a person."""
    ended_at: datetime | None = None
    outcome: str = ""
    kennisgeving_id: int | None = None
    reason: str | None = None
    advice: str | None = None


@dataclass(frozen=True, slots=True)
class NewCaseEvent:
    """As it was told."""

    resource: Resource
    url: str
    zaak: str | None


@dataclass(frozen=True, slots=True)
class Happened:
    """What the case system says of it. `type_url` and `type_name` are of its statustype or besluittype.

    `day` is that of the besluit, or on which the status was set. Of a besluit: when it was `sent`, when it is to be
    published and when it comes into force; of a zaak when is decided at the latest.
    """

    zaak: str
    type_url: str
    type_name: str
    day: date
    sent: date | None = None
    publish_on: date | None = None
    in_force: date | None = None
    decide_by: date | None = None


class CaseReader(Protocol):
    """Reads at one target."""

    async def read(self, resource: Resource, url: str) -> Happened:
        """What happened. Raises CaseSystemError, CaseSystemRefused and ConfigError."""


class CaseEventStore(Protocol):
    """Every method is one transaction and raises StorageError."""

    async def take(self, aansluiting_id: int, new: NewCaseEvent, by: str, now: datetime) -> bool:
        """Put it on record, due at once. False when it was there already: the same URL is the same event."""

    async def claim(self, now: datetime, forsaken: timedelta, limit: int) -> Sequence[CaseEvent]:
        """Those that are due, each with its attempt on record; nobody else gets them before `forsaken` is over."""

    async def ended(self, event: CaseEvent, outcome: str, kennisgeving_id: int | None, now: datetime) -> bool:
        """Nothing is to be done about it any more; `outcome` is Dutch, for people, without personal data.

        False, and nothing changes, when another event led to this kennisgeving: what happened twice is told twice.
        """

    async def failed(self, tried: CaseEvent, reason: str, advice: str, due_at: datetime | None) -> None:
        """Try again at `due_at`, or park it. Does nothing when it ended, or another attempt was made since."""

    async def verzoek_of(self, aansluiting_id: int, zaak_id: str) -> str | None:
        """The verzoeknummer of what was delivered to the zaak whose URL ends in this id; None when nothing was."""

    async def events(self, *, parked: bool, limit: int) -> Sequence[CaseEvent]:
        """The newest first; `parked`: only those that wait for a person."""

    async def again(self, event_id: int, now: datetime) -> bool:
        """Give what is parked a fresh series of attempts; False when it is not parked."""

    async def end(self, event_id: int, outcome: str, now: datetime) -> bool:
        """Let nothing more be done about what is parked; False when it is not parked."""

    async def forget(self, before: datetime) -> int:
        """Remove what ended before this without a kennisgeving; how many."""
