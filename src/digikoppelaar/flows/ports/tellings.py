"""Who is to be told what became of a kennisgeving, and how far that is: an outbox with a row for each of both.

A row is made in the transaction in which the kennisgeving moves; one for a case system also when that takes the verzoek
after the kennisgeving was published. Two receivers never wait for each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from digikoppelaar.flows.ports.kennisgevingen import StoredKennisgeving
from digikoppelaar.flows.ports.repair import ParkedFilter, Who


@dataclass(frozen=True, slots=True)
class StoredTelling:
    """To be told that a kennisgeving came to `state` at `at`.

    The receiver is `target`, a case system of the aansluiting that took the verzoek, or without one the webhook of the
    aansluiting that publishes. Neither told nor due: it is parked, and waits for a person. `note` (Dutch) is what of it
    could not be told, `reason` and `advice` why it does not go on.
    """

    id: int
    aansluiting_id: int
    kennisgeving_id: int
    target: str | None
    state: str
    at: datetime
    attempts: int = 0
    due_at: datetime | None = None
    told_at: datetime | None = None
    note: str = ""
    reason: str | None = None
    advice: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """The case that a verzoek has at a target: its reference there; type and doel of the newest version that it took.

    They stay on record when the content of the verzoek is deleted.
    """

    verzoeknummer: str
    reference: str
    type: str
    doel: str


@dataclass(frozen=True, slots=True)
class Telling:
    """An attempt that begins, at `row`. `case` is that at the target; None when it has none now.

    `newest`: no kennisgeving about the verzoek was published later.
    """

    row: StoredTelling
    kennisgeving: StoredKennisgeving
    case: Case | None = None
    newest: bool = True


class TellingStore(Protocol):
    """Every method is one transaction and raises StorageError."""

    async def claim(self, now: datetime, forsaken: timedelta, slots: int) -> Sequence[Telling]:
        """Those that are due, each with its attempt on record; nobody else gets them before `forsaken` is over.

        Of one receiver at most `slots` at a time, and of what it is told of one verzoek (a webhook: of one
        kennisgeving) only the first. What is parked holds up nothing.
        """

    async def told(self, told: StoredTelling, note: str, now: datetime) -> None:
        """The receiver knows."""

    async def failed(self, tried: StoredTelling, reason: str, advice: str, due_at: datetime | None) -> None:
        """It does not; try again at `due_at`, or park it. Does nothing when another attempt was made since."""

    async def of(self, kennisgeving_id: int) -> Sequence[StoredTelling]:
        """Those of a kennisgeving, the first first."""

    async def parked(self, wanted: ParkedFilter) -> Sequence[int]:
        """The kennisgevingen of which something that fits is parked, those that wait longest first."""

    async def again(self, kennisgeving_id: int, who: Who, *, told_too: bool = False) -> int:
        """Give what is parked, or also what was told, a fresh series of attempts; how many. The log says who did it."""
