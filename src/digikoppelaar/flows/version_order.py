"""The order of the versions of one verzoeknummer: a version goes to the case system when every earlier one has ended.

Pure: stores ask this inside their transaction, so that PostgreSQL and memory agree. Which state follows an event is in
flows/intake_states.py, what the rules say of a version in stam/rules.py.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from digikoppelaar.flows.intake_states import VerzoekEvent, VerzoekState, verzoek_after
from digikoppelaar.stam.rules import SET_ASIDE, Action, Known, Ruling

_ASIDE: Final[Mapping[Action, VerzoekEvent]] = {
    Action.IGNORE: VerzoekEvent.IGNORED,
    Action.KEEP_APART: VerzoekEvent.KEPT_APART,
    Action.PARK: VerzoekEvent.HELD,
}
BY_HAND: Final = ("a person parked it", "Een beheerder heeft dit aangehouden; het gaat verder na een vrijgave.")
"""What is shown of a version that a person parked before it was whole."""
_GOING: Final = (VerzoekState.WAITING, VerzoekState.FETCHED, VerzoekState.PARKED)
_OUT: Final = (VerzoekState.FETCHED, VerzoekState.DELIVERED)


@dataclass(frozen=True, slots=True)
class Place:
    """A version in the order. `expected`: a notification that is not done yet leads to it; `stopped`: by a person."""

    id: int
    volgnummer: int
    state: str
    action: Action
    expected: bool
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """What happens to a version, and what is shown about it; both texts are empty when nothing is."""

    event: VerzoekEvent
    reason: str = ""
    advice: str = ""


def taken_up(volgnummer: int, known: Known, judge: Callable[[Known], Ruling]) -> Ruling | None:
    """The new ruling of a known version that a rule set aside, when it is announced again and ruled otherwise.

    A behandeldienst can give back what was a copy to its bevoegd gezag (stam.md 1.10, 3.2). None: it stays as it is;
    about what is delivered, under way or waits for a person, `judge` is not even asked.
    """
    own = next(each for each in known.versions if each.volgnummer == volgnummer)
    fetched_anew = verzoek_after(own.state, VerzoekEvent.TAKEN_UP) is VerzoekState.FETCHING
    if own.action not in SET_ASIDE or not fetched_anew:
        return None
    ruling = judge(known)
    return None if ruling.action in SET_ASIDE else ruling


def when_whole(own: Place, versions: Sequence[Place], reason: str, advice: str) -> Step:
    """What follows when every file of `own` is there; `reason` and `advice` are those of its ruling."""
    if own.stopped:
        return Step(VerzoekEvent.HELD, *BY_HAND)
    if own.action in _ASIDE:
        return Step(_ASIDE[own.action], reason, advice)
    overtaken = [each for each in versions if each.volgnummer > own.volgnummer and each.state in _OUT]
    if overtaken and own.state == VerzoekState.FETCHING:
        newer = overtaken[0].volgnummer
        return Step(
            VerzoekEvent.KEPT_APART,
            f"volgnummer {newer} was on its way to the case system before this version was whole",
            "Deze versie is ingehaald door een nieuwere en is alleen bewaard.",
        )
    return in_turn(own, versions, VerzoekEvent.FETCHED)


def in_turn(
    own: Place, versions: Sequence[Place], event: VerzoekEvent, otherwise: VerzoekEvent = VerzoekEvent.QUEUED
) -> Step:
    """`event` when no earlier version stands in the way, else `otherwise`."""
    first = next(_before(own, versions), None)
    if first is None:
        return Step(event)
    return Step(
        otherwise,
        f"waits until volgnummer {first.volgnummer} has ended",
        f"Deze versie wacht tot volgnummer {first.volgnummer} is afgehandeld.",
    )


def again(versions: Sequence[Place], since: int) -> Iterator[tuple[Place, Step]]:
    """Each version that moves when those that are delivered, from volgnummer `since` on, are delivered again.

    Each goes after the one before it, and a later one that was at work goes after them all.
    """
    places = {each.id: each for each in versions}
    for own in versions:
        if own.volgnummer < since or own.state not in _OUT:
            continue
        step = in_turn(own, list(places.values()), VerzoekEvent.REDELIVERED, VerzoekEvent.REQUEUED)
        places[own.id] = replace(own, state=verzoek_after(own.state, step.event))
        if places[own.id] != own:
            yield own, step


def next_in_turn(versions: Sequence[Place]) -> Place | None:
    """The version that waits for nothing any more; `versions` are in the order of volgnummers."""
    waiting = (each for each in versions if each.state == VerzoekState.WAITING)
    return next((each for each in waiting if next(_before(each, versions), None) is None), None)


def _before(own: Place, versions: Sequence[Place]) -> Iterator[Place]:
    """Earlier versions that have not ended.

    DSO-LV hands out the newest version only, so what is half fetched ends when no notification leads to it any more.
    """
    return (
        each
        for each in versions
        if each.volgnummer < own.volgnummer
        and (each.state in _GOING or (each.state == VerzoekState.FETCHING and each.expected))
    )
