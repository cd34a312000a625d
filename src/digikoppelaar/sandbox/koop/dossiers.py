"""A dossier at KOOP: a kennisgeving that was delivered, and how far it is. Pure.

    klaargezet ──offer──▶ ter controle ──approve──▶ gepland ──publish──▶ gepubliceerd
        ▲                      │                       │
        └──────send back───────┘                       └── cancel, as from the two before ──▶ geannuleerd

What was delivered with a blad begins as planned. Somebody else approves than who offers (drop-3pas.md 9).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from digikoppelaar.drop.model import Kennisgeving
from digikoppelaar.drop.publication import Publicatie
from digikoppelaar.errors import ConfigError


class Status(StrEnum):
    """How far it is; the value is the word on the page."""

    READY = "klaargezet"
    OFFERED = "ter controle"
    PLANNED = "gepland"
    PUBLISHED = "gepubliceerd"
    CANCELLED = "geannuleerd"


class Step(StrEnum):
    """What is done with it; the value is the word in an address."""

    OFFER = "aanbieden"
    SEND_BACK = "terugsturen"
    APPROVE = "goedkeuren"
    PUBLISH = "publiceren"
    CANCEL = "annuleren"


STEPS: Final[Mapping[tuple[Status, Step], Status]] = {
    (Status.READY, Step.OFFER): Status.OFFERED,
    (Status.READY, Step.CANCEL): Status.CANCELLED,
    (Status.OFFERED, Step.SEND_BACK): Status.READY,
    (Status.OFFERED, Step.APPROVE): Status.PLANNED,
    (Status.OFFERED, Step.CANCEL): Status.CANCELLED,
    (Status.PLANNED, Step.PUBLISH): Status.PUBLISHED,
    (Status.PLANNED, Step.CANCEL): Status.CANCELLED,
}
"""What is published stays so (drop-3pas.md 9)."""

Key = tuple[str, str, str, str]
"""What makes two deliveries the same: OIN of the publicist, referentienummer, documenttype, blad (drop-3pas.md 9)."""


def key_of(kennisgeving: Kennisgeving) -> Key:
    """What makes it the same as another delivery."""
    return (
        kennisgeving.publicist.oin,
        kennisgeving.referentienummer,
        kennisgeving.documenttype.value,
        kennisgeving.blad.value,
    )


@dataclass(slots=True, eq=False)
class Dossier:
    """One delivery that was taken.

    `jaar` and `nummer` are given at intake (drop-3pas.md 7); `stage` is where it came in, `oin` of the certificate that
    delivered it and empty when a user name did. `planned` is the day on which it is to be published, None while
    somebody must still approve it. `published_on` and `published_at` are of KOOP's calendar. `confirmed_by` is who
    found that it came in rightly, on the way to production.
    """

    dossiernummer: str
    kennisgeving: Kennisgeving
    jaar: int
    nummer: int
    stage: str
    oin: str
    received_at: datetime
    status: Status
    planned: date | None = None
    offered_by: str = ""
    approved_by: str = ""
    published_on: date | None = None
    published_at: datetime | None = None
    confirmed_by: str = ""
    confirmed_at: datetime | None = None

    @property
    def steps(self) -> tuple[Step, ...]:
        """What can be done with it now."""
        return tuple(step for status, step in STEPS if status is self.status)

    @property
    def identifier(self) -> str:
        """The number of its publicatie, also before it is published."""
        return self.publicatie.identifier

    @property
    def publicatie(self) -> Publicatie:
        """As it is published, or will be on the day that is planned."""
        day = self.published_on or self.planned or self.received_at.date()
        return Publicatie(self.kennisgeving, self.jaar, self.nummer, day)

    def move(self, step: Step) -> None:
        """Take a step. Raises ConfigError when that cannot be done now."""
        after = STEPS.get((self.status, step))
        if after is None:
            raise ConfigError(
                f"dossier {self.dossiernummer} is {self.status}, so {step} cannot be done",
                advice=f"Dit dossier is {self.status}; {step} kan nu niet.",
            )
        self.status = after
