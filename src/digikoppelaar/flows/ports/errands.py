"""Errands: what is asked of the CPA register and of DSO-LV for an aansluiting, on record before it is asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from digikoppelaar.flows.errand_states import ErrandState


class ErrandKind(StrEnum):
    """What is asked, and of whom."""

    MACHTIGING = "machtiging"
    CPA_REQUEST = "cpa-request"
    CPA_OFFER = "cpa-offer"


@dataclass(frozen=True, slots=True)
class ErrandKey:
    """Which errand: `subject` tells what is asked, so that the same question is the same errand."""

    aansluiting_id: int
    kind: ErrandKind
    subject: str


@dataclass(frozen=True, slots=True)
class Errand:
    """An errand on record. `outcome` is what the other side said, by name; identifiers, never personal data."""

    key: ErrandKey
    state: ErrandState
    begun_at: datetime
    changed_at: datetime
    outcome: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    """Why it failed, in English, with the advice in Dutch."""
    advice: str = ""


class Errands(Protocol):
    """The errands on record. Every method is one transaction and raises StorageError."""

    async def begin(self, key: ErrandKey, now: datetime, *, forsaken: datetime) -> bool:
        """Put on record that this is going to be asked. False when another is about it, who began after `forsaken`."""

    async def answered(self, key: ErrandKey, outcome: Mapping[str, str], now: datetime) -> None:
        """The other side has it. What is not on record stays so."""

    async def failed(self, key: ErrandKey, reason: str, advice: str, now: datetime) -> None:
        """It refused, or no answer came. What is not begun stays as it is."""

    async def errands(self, aansluiting_id: int) -> Sequence[Errand]:
        """All of an aansluiting, the last that changed first."""
