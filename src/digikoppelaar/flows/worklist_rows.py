"""What the worklist is made of, and what an item is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

MOST: Final = 1000
"""Rows of one sort and one aansluiting: more would not be read by anybody."""


class Sort(StrEnum):
    """What sort of item it is; in the order in which they are shown."""

    FAILING_TARGET = "failing_target"
    """Deliveries to a target fail, and have for longer than a while."""
    NOT_FETCHED = "not_fetched"
    PARKED = "parked"
    MISSED = "missed"
    """A search found it; its notification never came."""
    KENNISGEVING = "kennisgeving"
    """A notice waits for somebody, could not be drafted, or is not published when it should be."""
    UNTOLD = "untold"
    """A case system or an application does not know what became of a notice, and has not for longer than a while."""
    ONBOARDING = "onboarding"
    """A step of onboarding was done, and a check of it is no longer good."""
    SILENT = "silent"
    """No notification came for days."""
    KEPT = "kept"
    """Older than its period and not deleted, for it has not ended."""
    EXPIRING = "expiring"
    """A certificate or CPA ends soon, or has ended."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When something becomes an item. `expiry`: thresholds of pki.expiry up to this many days before the end.

    `retention`: days after which content is deleted, unless the aansluiting has its own number.
    """

    fetch: timedelta = timedelta(minutes=15)
    failing: timedelta = timedelta(hours=1)
    silent: timedelta = timedelta(days=7)
    """Zero: never."""
    missed: timedelta = timedelta(days=7)
    """So long it stays, once found."""
    expiry: int = 60
    retention: int = 31


@dataclass(frozen=True, slots=True)
class Place:
    """Whose it is."""

    aansluiting_id: int
    omgeving: str
    organisatie_oin: str
    organisatie_naam: str


@dataclass(frozen=True, slots=True)
class Item:
    """One line. `key` stays the same as long as it is the same trouble.

    `reason` is English or a person's own words, so it is shown and not mailed.
    """

    key: str
    sort: Sort
    place: Place
    since: datetime
    what: str
    todo: str
    verzoeknummer: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """A notification that waits to be fetched."""

    place: Place
    id: int
    verzoeknummer: str
    received_at: datetime
    reason: str | None = None
    advice: str | None = None


@dataclass(frozen=True, slots=True)
class ParkedRow:
    """A parked version with the targets at which it is parked or, without `volgnummer`, a parked notification."""

    place: Place
    id: int
    verzoeknummer: str
    volgnummer: int | None
    since: datetime
    reason: str | None = None
    advice: str | None = None
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MissedRow:
    """A notification that a search made."""

    place: Place
    id: int
    verzoeknummer: str
    found_at: datetime


@dataclass(frozen=True, slots=True)
class HeardRow:
    """When the last notification came to an aansluiting, or its first CPA when none did."""

    place: Place
    last: datetime


@dataclass(frozen=True, slots=True)
class FailingRow:
    """A target at which `waiting` deliveries failed and are tried again; none succeeded after `since`."""

    place: Place
    target: str
    waiting: int
    since: datetime


@dataclass(frozen=True, slots=True)
class KennisgevingRow:
    """A kennisgeving that is not under way by itself, or that KOOP has; `planned` is the day it is to appear on."""

    place: Place
    id: int
    referentienummer: str
    state: str
    since: datetime
    planned: date
    reason: str | None = None
    advice: str | None = None


@dataclass(frozen=True, slots=True)
class NotDraftedRow:
    """A verzoek of which no kennisgeving could be drafted; `place` is who would publish it, where that is known."""

    place: Place
    id: int
    verzoeknummer: str
    since: datetime
    reason: str
    advice: str


@dataclass(frozen=True, slots=True)
class UntoldRow:
    """A telling that failed or, with `parked`, waits for a person: a target, or without one a webhook, must know it."""

    place: Place
    id: int
    kennisgeving_id: int
    referentienummer: str
    state: str
    target: str | None
    since: datetime
    parked: bool
    verzoeknummer: str | None = None
    reason: str | None = None
    advice: str | None = None


@dataclass(frozen=True, slots=True)
class WrongStepRow:
    """A step of onboarding that was done and is wrong, with the first finding that says why; `who` must act."""

    place: Place
    kind: str
    number: str
    since: datetime
    says: str
    advice: str
    who: str


@dataclass(frozen=True, slots=True)
class CaseEventRow:
    """A status or besluit in a case system of which no kennisgeving could be drafted."""

    place: Place
    id: int
    resource: str
    since: datetime
    reason: str
    advice: str


@dataclass(frozen=True, slots=True)
class KeptRows:
    """So many verzoeken (or notifications) and messages are older than their period and kept, the oldest from `since`.

    Why each is kept is in RetentionStore.kept.
    """

    place: Place
    verzoeken: int
    messages: int
    since: datetime


@dataclass(frozen=True, slots=True)
class CpaRow:
    """A CPA in use."""

    place: Place
    cpa_id: str
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Rows:
    """What the items are made of, of each sort and aansluiting at most MOST."""

    waiting: Sequence[WaitingRow] = ()
    parked: Sequence[ParkedRow] = ()
    missed: Sequence[MissedRow] = ()
    heard: Sequence[HeardRow] = ()
    failing: Sequence[FailingRow] = ()
    kennisgevingen: Sequence[KennisgevingRow] = ()
    not_drafted: Sequence[NotDraftedRow] = ()
    untold: Sequence[UntoldRow] = ()
    wrong_steps: Sequence[WrongStepRow] = ()
    case_events: Sequence[CaseEventRow] = ()
    kept: Sequence[KeptRows] = ()
    cpas: Sequence[CpaRow] = ()


@dataclass(frozen=True, slots=True)
class WorklistFilter:
    """Whose; None means all."""

    omgeving: str | None = None
    organisatie_oin: str | None = None


class WorklistReading(Protocol):
    """Read access to what the worklist is made of. Raises StorageError."""

    async def rows(self, wanted: WorklistFilter, limits: Limits, now: datetime) -> Rows:
        """Those that may be items; what does not pass the limits may be left out."""

    async def places(self) -> Sequence[tuple[Place, str]]:
        """Every aansluiting for STAM, with the OIN of the partij that owns its certificates."""
