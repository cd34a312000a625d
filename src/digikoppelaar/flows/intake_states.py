"""The states of a notification and of a verzoek, and what an error means for the next attempt: tables only.

    notification   received ──▶ fetched, passed_on  verzoek  fetching ──▶ waiting ──▶ fetched ──▶ delivered
                      │ ▲                                      │ ▲ └──────────────────▶│ ▲
                      ▼ │ released                             ▼ │ taken up            ▼ │ released
                    parked                               ignored, kept_apart         parked

A person can stop whatever has not ended, and have delivered again what is delivered: it goes back to fetched, or to
waiting when an earlier version does too.

A version waits while an earlier one of its verzoeknummer has not ended: that is `waiting`, not a job that sleeps. A
version that a rule does not deliver is ignored, kept apart or parked when it is whole. What was ignored or kept apart
is fetched again when it is announced again and a rule says otherwise now: a copy can be handed back. One that is being
fetched is never parked itself: its notification is. Stores take the state after an event from here, so that PostgreSQL
and memory agree; who goes when is in flows/version_order.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from digikoppelaar.errors import (
    CaseSystemError,
    ConfigError,
    DigikoppelaarError,
    FacilityAnswerBroken,
    FacilityNotFound,
    FacilityRefused,
    FacilityUnavailable,
    MailNotSent,
    PartnerError,
    PartnerUnreachable,
    StorageError,
)


class NotificationState(StrEnum):
    """How far a notification is."""

    RECEIVED = "received"
    FETCHED = "fetched"
    PASSED_ON = "passed_on"
    PARKED = "parked"


class NotificationEvent(StrEnum):
    """What happens to a notification."""

    FETCHED = "fetched"
    PASSED_ON = "passed_on"
    PARKED = "parked"
    RELEASED = "released"


class VerzoekState(StrEnum):
    """How far a verzoek version is."""

    FETCHING = "fetching"
    WAITING = "waiting"
    FETCHED = "fetched"
    DELIVERED = "delivered"
    PARKED = "parked"
    IGNORED = "ignored"
    KEPT_APART = "kept_apart"


class VerzoekEvent(StrEnum):
    """What happens to a verzoek version. The first five: every file of it is in the blob store."""

    FETCHED = "fetched"
    QUEUED = "queued"
    """An earlier version has not ended."""
    IGNORED = "ignored"
    KEPT_APART = "kept_apart"
    HELD = "held"
    """A rule wants a person to decide."""
    TURN = "turn"
    """Every earlier version has ended."""
    DELIVERED = "delivered"
    PARKED = "parked"
    RELEASED = "released"
    STOPPED = "stopped"
    """A person parks it: only a person lets it go on."""
    REDELIVERED = "redelivered"
    """A person wants it delivered again."""
    REQUEUED = "requeued"
    """An earlier version is delivered again, and so comes first."""
    TAKEN_UP = "taken_up"
    """Announced again, and no rule sets it aside any more."""


_N, _NE = NotificationState, NotificationEvent
_NOTIFICATION: Final[Mapping[tuple[NotificationState, NotificationEvent], NotificationState]] = {
    (_N.RECEIVED, _NE.FETCHED): _N.FETCHED,
    (_N.RECEIVED, _NE.PASSED_ON): _N.PASSED_ON,
    (_N.RECEIVED, _NE.PARKED): _N.PARKED,
    (_N.RECEIVED, _NE.RELEASED): _N.RECEIVED,
    (_N.PARKED, _NE.FETCHED): _N.FETCHED,  # an attempt that was still under way succeeded
    (_N.PARKED, _NE.PASSED_ON): _N.PASSED_ON,
    (_N.PARKED, _NE.PARKED): _N.PARKED,
    (_N.PARKED, _NE.RELEASED): _N.RECEIVED,
    (_N.FETCHED, _NE.FETCHED): _N.FETCHED,
    (_N.FETCHED, _NE.PASSED_ON): _N.FETCHED,
    (_N.FETCHED, _NE.PARKED): _N.FETCHED,  # a late failure does not undo what is there
    (_N.FETCHED, _NE.RELEASED): _N.FETCHED,
    (_N.PASSED_ON, _NE.FETCHED): _N.FETCHED,  # the setting changed while an attempt was under way
    (_N.PASSED_ON, _NE.PASSED_ON): _N.PASSED_ON,
    (_N.PASSED_ON, _NE.PARKED): _N.PASSED_ON,
    (_N.PASSED_ON, _NE.RELEASED): _N.PASSED_ON,
}

_V, _VE = VerzoekState, VerzoekEvent
_VERZOEK: Final[Mapping[tuple[VerzoekState, VerzoekEvent], VerzoekState]] = {
    # Every move; any other event leaves a version where it is. Not whole, it cannot have been delivered.
    (_V.FETCHING, _VE.FETCHED): _V.FETCHED,
    (_V.FETCHING, _VE.QUEUED): _V.WAITING,
    (_V.FETCHING, _VE.IGNORED): _V.IGNORED,
    (_V.FETCHING, _VE.KEPT_APART): _V.KEPT_APART,
    (_V.FETCHING, _VE.HELD): _V.PARKED,
    (_V.WAITING, _VE.FETCHED): _V.FETCHED,
    (_V.WAITING, _VE.TURN): _V.FETCHED,
    (_V.FETCHED, _VE.DELIVERED): _V.DELIVERED,
    (_V.FETCHED, _VE.PARKED): _V.PARKED,
    (_V.PARKED, _VE.FETCHED): _V.FETCHED,  # it was announced again: a fresh chance
    (_V.PARKED, _VE.QUEUED): _V.WAITING,
    (_V.PARKED, _VE.DELIVERED): _V.DELIVERED,
    (_V.PARKED, _VE.RELEASED): _V.FETCHED,
    (_V.WAITING, _VE.STOPPED): _V.PARKED,
    (_V.FETCHED, _VE.STOPPED): _V.PARKED,
    (_V.DELIVERED, _VE.REDELIVERED): _V.FETCHED,
    (_V.DELIVERED, _VE.REQUEUED): _V.WAITING,
    (_V.FETCHED, _VE.REQUEUED): _V.WAITING,
    (_V.IGNORED, _VE.TAKEN_UP): _V.FETCHING,
    (_V.KEPT_APART, _VE.TAKEN_UP): _V.FETCHING,
}


NOTIFICATION_ENDED: Final = frozenset({_N.FETCHED, _N.PASSED_ON})
"""Nothing is to be done about it any more."""


def notification_after(state: str, event: NotificationEvent) -> NotificationState:
    """The state of a notification after `event`."""
    return _NOTIFICATION[NotificationState(state), event]


def verzoek_after(state: str, event: VerzoekEvent) -> VerzoekState:
    """The state of a verzoek version after `event`."""
    before = VerzoekState(state)
    return _VERZOEK.get((before, event), before)


def needs_fetch_job(before: str, after: str) -> bool:
    """Whether a move makes the job that fetches; it belongs in the transaction of the move."""
    return after == NotificationState.RECEIVED and before != NotificationState.RECEIVED


def needs_delivery_job(before: str, after: str) -> bool:
    """Whether a move makes the job that delivers; it belongs in the transaction of the move."""
    return after == VerzoekState.FETCHED and before != VerzoekState.FETCHED


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again, `after` seconds from now."""

    after: float


@dataclass(frozen=True, slots=True)
class Park:
    """Do not try again: a person must look at it."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Waits of `first`, `first * factor`, ... seconds, never more than `cap`, `retries` times; then parked."""

    first: float
    factor: float
    cap: float
    retries: int


_NEVER: Final = Schedule(0, 1, 0, 0)
_FIVE_DAYS: Final = Schedule(0.2, 2, 900, 490)
_A_DAY: Final = Schedule(0.5, 2, 900, 100)

_SCHEDULES: Final[tuple[tuple[type[Exception], Schedule], ...]] = (
    # The first row that fits counts.
    (FacilityRefused, _NEVER),
    (FacilityNotFound, Schedule(0.5, 4, 600, 6)),  # eleven minutes in all
    (FacilityAnswerBroken, _A_DAY),  # each attempt may be a large download
    (FacilityUnavailable, _FIVE_DAYS),
    (PartnerUnreachable, _FIVE_DAYS),
    (CaseSystemError, _FIVE_DAYS),
    (MailNotSent, _FIVE_DAYS),
    (StorageError, Schedule(0.2, 2, 60, 7_200)),
    (PartnerError, _NEVER),
    (ConfigError, _NEVER),
    (DigikoppelaarError, _NEVER),
    (TimeoutError, _FIVE_DAYS),
    (Exception, Schedule(1, 4, 600, 8)),  # a fault of ours: a restart or a release may mend it
)

_LONGEST_WAIT: Final = 86_400.0
"""Seconds. A facility that asks for more (Retry-After) is asked again after a day."""


def retry_plan(error: Exception, attempt: int) -> Retry | Park:
    """What follows when attempt number `attempt` (from 1) failed with `error`.

    The wait that the other side asked for (Retry-After) is honoured when it is longer than ours.
    """
    schedule = next(row for kind, row in _SCHEDULES if isinstance(error, kind))
    if attempt > schedule.retries:
        return Park()
    wait = min(schedule.first * schedule.factor ** min(attempt - 1, 50), schedule.cap)
    asked = error.retry_after if isinstance(error, FacilityUnavailable | CaseSystemError) else None
    return Retry(min(max(wait, asked or 0.0), _LONGEST_WAIT))
