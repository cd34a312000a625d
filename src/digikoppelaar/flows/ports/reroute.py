"""Sending a verzoek on that DSO-LV should have sent to another authority."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol


class Role(Enum):
    """What another authority becomes of a verzoek."""

    BEVOEGD_GEZAG = "bevoegd gezag"
    BEHANDELDIENST = "behandeldienst"


@dataclass(frozen=True, slots=True)
class Reroute:
    """One change; DSO-LV takes one in a call (stam.md 3.2). `oin` None: it has no behandeldienst any more."""

    role: Role
    oin: str | None


class Rerouting(Protocol):
    """The re-route of *Verzoek afhandelen* as one aansluiting sees it."""

    async def reroute(self, verzoeknummer: str, to: Reroute) -> None:
        """Make this change; making it again changes nothing. Raises a FacilityError."""


class RerouteRecord(Protocol):
    """What is on record of sending verzoeken on."""

    async def noted(self, aansluiting_id: int, verzoeknummer: str, step: str, detail: str, now: datetime) -> None:
        """A line on the timeline of what came in last of this verzoek. Raises StorageError when nothing came in."""
