"""Searching DSO-LV for verzoeken whose notification never came: what was found, and what is kept of the searches."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

from digikoppelaar.flows.ports.connections import Aansluiting
from digikoppelaar.stam.search import Ring, Zaakverwijzing


class Search(Protocol):
    """`_zoek` of *Verzoek afhandelen* as one aansluiting sees it."""

    def search(self, where: Ring | str, since: datetime, until: datetime) -> AsyncIterator[Zaakverwijzing]:
        """Every verzoek of the period in an area, or at the place of a verzoeknummer, of other authorities too.

        Raises a FacilityError when a page cannot be had: then the search was not complete.
        """


@dataclass(frozen=True, slots=True)
class OnRecord:
    """What we have of a verzoeknummer: volgnummer and doel of each version, and notifications not fetched yet.

    `delivers`: a version of it is meant for our case system, so that it is no copy to us. `copies` are the volgnummers
    of those that were set aside as a copy, unless a search announced them since: what was fetched after that said again
    that another handles it, and every search would announce it.
    """

    versions: tuple[tuple[int, str], ...] = ()
    waiting: bool = False
    waiting_withdrawal: bool = False
    delivers: bool = False
    copies: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Area:
    """Where the verzoeken of an organisatie lie: a GeoJSON MultiPolygon in RD. `sha256` (raw) is of the geometry."""

    organisatie_oin: str
    geometry: Mapping[str, Any] = field(repr=False)
    sha256: bytes = field(repr=False)
    source: str
    """The names of the files or the OINs that it was made of."""


@dataclass(frozen=True, slots=True)
class Span:
    """What one search covers. `covers`: nothing lies between it and the last complete one."""

    since: datetime
    until: datetime
    covers: bool


@dataclass(frozen=True, slots=True)
class NotSince:
    """A periodic search does not begin when one was complete after `complete`, or began after `begun`."""

    complete: datetime
    begun: datetime


@dataclass(frozen=True, slots=True)
class DayFigures:
    """Of one aansluiting and one day; the verzoeknummers are those that a search found first on that day."""

    found: int
    received: int
    caught_up: int
    delivered: int
    not_here: tuple[str, ...]
    not_delivered: tuple[str, ...]
    searched_until: datetime | None


@dataclass(frozen=True, slots=True)
class DayReport:
    """The figures of a day, with whose they are. `problem` and `advice` say what makes them less than whole."""

    aansluiting_id: int
    organisatie_oin: str
    organisatie_naam: str
    omgeving: str
    day: date
    figures: DayFigures
    problem: str | None = None
    advice: str | None = None


class CatchUpStore(Protocol):
    """Areas, searches and what they found. A method is one transaction and raises StorageError."""

    async def area(self, organisatie_oin: str) -> Area | None:
        """The area on record."""

    async def put_area(self, area: Area, now: datetime) -> None:
        """Replace the area of its organisatie; with another geometry, earlier searches no longer count."""

    async def last(self, aansluiting_id: int, area: Area) -> datetime | None:
        """Up to when everything in this area was searched without a gap; None when it never was."""

    async def begin(
        self, aansluiting_id: int, span: Span, area: Area, now: datetime, unless: NotSince | None
    ) -> int | None:
        """The id of a new search; None when `unless` says that it is not its time. Of two at once one begins."""

    async def on_record(self, aansluiting_id: int, verzoeknummer: str) -> OnRecord:
        """What we have of this verzoeknummer."""

    async def take_in(
        self, search_id: int, aansluiting: Aansluiting, found: Zaakverwijzing, now: datetime
    ) -> int | None:
        """Put on record that this was found and, when it is missing here, its notification and the job that fetches.

        Whether it is missing is judged in the same transaction; the id of the notification, or None. Repeating it is
        harmless: what has a notification that waits is not missing.
        """

    async def complete(self, search_id: int, seen: int, now: datetime) -> None:
        """Everything that was found is on record: from now on the search counts as the last complete one."""

    async def failed(self, search_id: int, reason: str, advice: str, now: datetime) -> None:
        """It ended before it was complete; the next one starts where this one did."""

    async def figures(self, aansluiting_id: int, begins: datetime, ends: datetime) -> DayFigures:
        """What was found, came in and was delivered from `begins` until `ends`."""

    async def keep_report(self, report: DayReport, now: datetime) -> None:
        """Keep it, in place of an earlier one of the same aansluiting and day."""

    async def reports(self, day: date) -> Sequence[DayReport]:
        """Those kept of a day, by organisatie and omgeving."""

    async def reported(self, day: date) -> Collection[int]:
        """The aansluitingen that have one for this day."""
