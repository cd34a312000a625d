"""How far each delivery is: one for every version of a verzoek and every target that it goes to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class DeliveryState(StrEnum):
    """A parked delivery waits for a person, who releases its verzoek."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    PARKED = "parked"


@dataclass(frozen=True, slots=True)
class StoredDelivery:
    """A delivery with what was done of it; `attempts` counts those of the present series."""

    id: int
    verzoek_id: int
    target: str
    state: str = DeliveryState.WAITING
    attempts: int = 0
    case_reference: str | None = None
    steps: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


class DeliveryStore(Protocol):
    """Deliveries and their steps. Every method is one transaction and raises StorageError."""

    async def plan(self, verzoek_id: int, targets: Sequence[str], now: datetime) -> Sequence[StoredDelivery]:
        """The deliveries to these targets, made or found, in this order. Safe to repeat.

        One that is parked gets a fresh series of attempts and keeps its steps; one to a target that is no longer
        among these goes, unless it was delivered. Of several, each that waits and has no job gets one of its own.
        """

    async def planned(self, verzoek_id: int) -> Sequence[StoredDelivery]:
        """The deliveries of this version that are on record, with their steps."""

    async def delivery(self, delivery_id: int) -> StoredDelivery:
        """The delivery with its steps; raises StorageError when it is not there."""

    async def case(self, verzoek_id: int, target: str) -> str | None:
        """The case of this verzoeknummer at this target: linked by a person, else of the newest earlier version."""

    async def started(self, delivery_id: int) -> int:
        """An attempt starts; which number it has, from 1."""

    async def record(self, delivery_id: int, name: str, outcome: Mapping[str, str], now: datetime) -> None:
        """This step is done; see flows.ports.Steps."""

    async def delivered(self, delivery_id: int, case_reference: str, now: datetime) -> bool:
        """The target has it. Whether every delivery of this version is now delivered."""

    async def trouble(self, delivery_id: int, reason: str, advice: str, now: datetime, *, parked: bool) -> None:
        """Show why it does not go on; what is delivered stays delivered."""
