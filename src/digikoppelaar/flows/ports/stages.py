"""What was delivered in the stages of 3PAS, and the word of whoever said that KOOP found it good."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

MOST: Final = 10
"""Deliveries of one documenttype in one stage that are told: what counts is whether there are none, one or more."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """A kennisgeving that KOOP has, in the stage of its last attempt; `documenttype` is a value of drop.model.

    `dossiernummer` is empty of one that was found, and never answered for.
    """

    aansluiting_id: int
    stage: str
    documenttype: str
    dossiernummer: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Somebody said that KOOP found a documenttype good; `note` in his words, without personal data."""

    aansluiting_id: int
    stage: str
    documenttype: str
    by: str
    at: datetime
    note: str = ""


class StageStore(Protocol):
    """Every method is one transaction, and raises StorageError."""

    async def delivered(
        self, aansluitingen: Collection[int], stages: Collection[str] | None = None
    ) -> Sequence[Delivered]:
        """Of each of these aansluitingen the first MOST of each documenttype in each of these stages (None: all).

        In the order of time.
        """

    async def confirmed(
        self, aansluitingen: Collection[int], stages: Collection[str] | None = None
    ) -> Sequence[Confirmed]:
        """Of these aansluitingen in these stages (None: all), in the order of time."""

    async def confirm(self, confirmed: Confirmed) -> bool:
        """Put it on record, once for an aansluiting, stage and documenttype. Whether it is news."""
