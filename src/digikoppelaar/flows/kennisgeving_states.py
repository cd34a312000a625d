"""The states of a kennisgeving: one table.

    draft ──approved──▶ planned ──claimed──▶ sending ──▶ accepted ──found──▶ published
      ▲                  │ ▲  ▲                │ │ │
      │ edited       held│ │  └────not sent────┘ │ └──▶ unknown ──found──▶ published
      │                  ▼ │resumed              ▼         └──a person says: again──▶ planned
      └───────────────  held                  refused

What is not under way can be cancelled. A kennisgeving that is sending may be with KOOP: nothing but an answer, a search
or a person's word says what became of it. Stores take the state after an event from here, so that PostgreSQL and memory
agree.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from digikoppelaar.errors import Conflict


class KennisgevingState(StrEnum):
    """How far a kennisgeving is."""

    DRAFT = "draft"
    PLANNED = "planned"
    HELD = "held"
    SENDING = "sending"
    UNKNOWN = "unknown"
    """An attempt was made and no answer came: KOOP may have it."""
    REFUSED = "refused"
    ACCEPTED = "accepted"
    """KOOP gave a dossiernummer; nobody saw it published yet."""
    PUBLISHED = "published"
    CANCELLED = "cancelled"


class KennisgevingEvent(StrEnum):
    """What happens to a kennisgeving; those of a person come first."""

    EDITED = "edited"
    APPROVED = "approved"
    HELD = "held"
    RESUMED = "resumed"
    CANCELLED = "cancelled"
    AGAIN = "again"
    """A person says that KOOP does not have it, and that it must be sent."""
    CLAIMED = "claimed"
    """An attempt begins; on record before the first byte goes out."""
    NOT_SENT = "not_sent"
    """It certainly did not arrive."""
    REFUSED = "refused"
    UNANSWERED = "unanswered"
    ACCEPTED = "accepted"
    FOUND = "found"
    """It is in the repository, with our referentienummer."""


_S, _E = KennisgevingState, KennisgevingEvent
_MOVES: Final[Mapping[tuple[KennisgevingState, KennisgevingEvent], KennisgevingState]] = {
    (_S.DRAFT, _E.EDITED): _S.DRAFT,
    (_S.DRAFT, _E.APPROVED): _S.PLANNED,
    (_S.DRAFT, _E.CANCELLED): _S.CANCELLED,
    (_S.PLANNED, _E.EDITED): _S.DRAFT,  # what was approved was another text
    (_S.PLANNED, _E.HELD): _S.HELD,
    (_S.PLANNED, _E.CANCELLED): _S.CANCELLED,
    (_S.PLANNED, _E.CLAIMED): _S.SENDING,
    (_S.PLANNED, _E.FOUND): _S.PUBLISHED,  # a search was under way while a person said that it must be sent again
    (_S.HELD, _E.EDITED): _S.DRAFT,
    (_S.HELD, _E.RESUMED): _S.PLANNED,
    (_S.HELD, _E.CANCELLED): _S.CANCELLED,
    (_S.SENDING, _E.NOT_SENT): _S.PLANNED,
    (_S.SENDING, _E.REFUSED): _S.REFUSED,
    (_S.SENDING, _E.UNANSWERED): _S.UNKNOWN,
    (_S.SENDING, _E.ACCEPTED): _S.ACCEPTED,
    (_S.UNKNOWN, _E.ACCEPTED): _S.ACCEPTED,  # the answer came late, or a person saw it in DROP
    (_S.UNKNOWN, _E.REFUSED): _S.REFUSED,  # likewise
    (_S.UNKNOWN, _E.FOUND): _S.PUBLISHED,
    (_S.UNKNOWN, _E.AGAIN): _S.PLANNED,
    (_S.UNKNOWN, _E.CANCELLED): _S.CANCELLED,
    (_S.REFUSED, _E.EDITED): _S.DRAFT,
    (_S.REFUSED, _E.RESUMED): _S.PLANNED,  # the fault was not in the text
    (_S.REFUSED, _E.CANCELLED): _S.CANCELLED,
    (_S.CANCELLED, _E.CANCELLED): _S.CANCELLED,  # a person has seen that KOOP took it all the same
    (_S.ACCEPTED, _E.FOUND): _S.PUBLISHED,
}
"""Every move; any other event is refused."""

LOOKED_FOR: Final = frozenset({_S.UNKNOWN, _S.ACCEPTED})
"""KOOP has it or may have it: it is searched for."""
TOLD_OF: Final = frozenset({_S.PUBLISHED, _S.REFUSED, _S.UNKNOWN})
"""An application is told that it came to this; case systems are told of the first only."""


def after(state: str, event: KennisgevingEvent) -> KennisgevingState | None:
    """The state after `event`; None when it cannot happen in `state`."""
    return _MOVES.get((KennisgevingState(state), event))


_ADVICE: Final[Mapping[KennisgevingState, str]] = {
    _S.SENDING: "De kennisgeving wordt nu verzonden; wacht een minuut en probeer het opnieuw.",
    _S.UNKNOWN: "Of KOOP deze kennisgeving heeft is niet bekend. Kijk in DROP, en geef dan aan wat er is gebeurd.",
    _S.ACCEPTED: "KOOP heeft deze kennisgeving; wijzigen of intrekken kan alleen in DROP of met een rectificatie.",
    _S.PUBLISHED: "Deze kennisgeving is gepubliceerd; een fout herstelt u met een rectificatie.",
    _S.CANCELLED: "Deze kennisgeving is ingetrokken; maak een nieuwe.",
}


def refused_move(kennisgeving_id: int, state: str, event: KennisgevingEvent) -> Conflict:
    """What to raise when `event` cannot happen now."""
    return Conflict(
        f"kennisgeving {kennisgeving_id} is {state}, so it cannot be {event.replace('_', ' ')}",
        advice=_ADVICE.get(KennisgevingState(state), "Bekijk met `kennisgeving show` wat nu kan."),
    )
