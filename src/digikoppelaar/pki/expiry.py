"""What ends soon: certificates of ours and of partners, and CPAs; who must be told, and when (statement 208).

Pure: the ends come in as values, and what was told before is the caller's to keep.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

THRESHOLDS: Final = (120, 60, 30, 7)
"""Days before the end at which it is told, and told once."""


class Kind(StrEnum):
    """What ends."""

    CERTIFICATE = "certificate"
    """One of ours."""
    PARTNER_CERTIFICATE = "partner-certificate"
    """One that a CPA names for the other party."""
    TRUST_ANCHOR = "trust-anchor"
    CPA = "cpa"


@dataclass(frozen=True, slots=True)
class Ending:
    """Something with an end. `name` tells it from others of its kind: a fingerprint, or a CPAId."""

    kind: Kind
    omgeving: str
    name: str
    subject: str
    """In words, for people: subject and uses, or the partner."""
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Expiry:
    """An ending that is near. `threshold`: the smallest of THRESHOLDS that has been passed; 0: it is over."""

    ending: Ending
    threshold: int
    days_left: int


def expiries(endings: Iterable[Ending], now: datetime) -> list[Expiry]:
    """What ends within the largest threshold, or has ended; the soonest first."""
    near = (
        Expiry(ending, threshold, _days(ending, now))
        for ending in endings
        if (threshold := _passed(ending, now)) is not None
    )
    return sorted(near, key=lambda expiry: (expiry.ending.ends_at, expiry.ending.name))


def _passed(ending: Ending, now: datetime) -> int | None:
    if now > ending.ends_at:
        return 0
    left = ending.ends_at - now
    return min((days for days in THRESHOLDS if left <= timedelta(days=days)), default=None)


def _days(ending: Ending, now: datetime) -> int:
    return (ending.ends_at - now) // timedelta(days=1)
