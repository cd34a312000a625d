"""Is it published? What KOOP has or may have is searched for, until its metadata show our referentienummer.

    accepted or unknown ──▶ one search for all of a body ──▶ candidates by title ──▶ metadata ──▶ published, with what
                                                                                                   differs

What a search cannot answer now is asked again later, the longer after it was sent the less often. No body waits for
another but for its turn at a host that both ask.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Protocol
from zoneinfo import ZoneInfo

import structlog

from digikoppelaar.drop.document import from_document
from digikoppelaar.drop.found import Match, candidates, differences, match
from digikoppelaar.drop.metadata import Metadata
from digikoppelaar.drop.model import Kennisgeving, Periode
from digikoppelaar.drop.publication import Nummer, Published, read_nummer
from digikoppelaar.drop.sru import Record, Search
from digikoppelaar.errors import ConfigError, DigikoppelaarError, FacilityError, FacilityNotFound, StorageError
from digikoppelaar.flows.kennisgeving_states import LOOKED_FOR
from digikoppelaar.flows.ports import Clock
from digikoppelaar.flows.ports.kennisgevingen import KennisgevingStore, Publication, StoredKennisgeving
from digikoppelaar.flows.under_way import UnderWay

log = structlog.get_logger()

AMSTERDAM: Final = ZoneInfo("Europe/Amsterdam")
AT_ONCE: Final = 500
"""Kennisgevingen of one round."""


class Repository(Protocol):
    """KOOP's publications as anybody can read them. Every method raises a FacilityError."""

    def records(self, search: Search) -> AsyncIterator[Record]:
        """Every record of the search."""

    async def metadata(self, nummer: Nummer) -> Metadata:
        """The metadata of a publication. Raises FacilityNotFound."""

    async def publication(self, nummer: Nummer) -> Published:
        """What was published. Raises FacilityNotFound."""


@dataclass(frozen=True, slots=True)
class LookSettings:
    """`soonest` and `latest` are between two looks for one kennisgeving; within, a quarter of the time it has waited.

    `after` is how long after the day of its publication one is still expected.
    """

    soonest: timedelta = timedelta(minutes=5)
    latest: timedelta = timedelta(hours=1)
    after: timedelta = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Verification:
    """Looks with these parts; `repository_for` gives that of an aansluiting."""

    store: KennisgevingStore
    repository_for: Callable[[int], Awaitable[Repository]]
    clock: Clock
    settings: LookSettings = LookSettings()

    async def look(self, under_way: UnderWay) -> None:
        """Begin to look for what is due, but of an aansluiting that is still being looked for. Raises StorageError.

        What KOOP does wrong is logged and waits.
        """
        by_aansluiting: dict[int, list[StoredKennisgeving]] = defaultdict(list)
        for row in await self.store.sought(self.clock.now(), AT_ONCE, under_way.about()):
            by_aansluiting[row.key.aansluiting_id].append(row)
        for aansluiting, rows in by_aansluiting.items():
            under_way.start(aansluiting, self._look_for(aansluiting, rows))

    async def look_for(self, row: StoredKennisgeving) -> bool:
        """Look for one now, whatever its time; whether it was found. Raises ConfigError when KOOP cannot have it."""
        if row.state not in LOOKED_FOR:
            raise ConfigError(
                f"kennisgeving {row.id} is {row.state}, so there is nothing to look for",
                advice="Zoeken kan als KOOP de kennisgeving heeft of kan hebben.",
            )
        return bool(await self._look_for(row.key.aansluiting_id, [row]))

    async def _look_for(self, aansluiting_id: int, rows: Sequence[StoredKennisgeving]) -> int:
        """Those of one body, with one search."""
        found = 0
        try:
            repository = await self.repository_for(aansluiting_id)
            sought = [(row, from_document(row.document)) for row in rows]
            records = [record async for record in repository.records(self._search(sought))]
        except StorageError:
            raise
        except DigikoppelaarError as error:
            log.warning("publications_not_searched", aansluiting=aansluiting_id, reason=str(error))
            await self._put_off(rows)
            return 0
        for row, kennisgeving in sought:
            publication = await self._found(repository, row, kennisgeving, records)
            found += publication is not None
            await self.store.looked(row.id, self._next_look(row), publication, self.clock.now())
        return found

    async def _put_off(self, rows: Sequence[StoredKennisgeving]) -> None:
        for row in rows:
            await self.store.looked(row.id, self._next_look(row), None, self.clock.now())

    def _search(self, sought: Sequence[tuple[StoredKennisgeving, Kennisgeving]]) -> Search:
        periods = [self._period(row, kennisgeving) for row, kennisgeving in sought]
        first, last = min(period.eerste for period in periods), max(period.laatste for period in periods)
        return Search(sought[0][1].publicist.naam, first, last)

    def _period(self, row: StoredKennisgeving, kennisgeving: Kennisgeving) -> Periode:
        """From the day of its first attempt, for an earlier notice of the case is another."""
        begun = _day(row.begun_at or self.clock.now())
        expected = max(kennisgeving.data.publicatie or begun, _day(self.clock.now()))
        return Periode(begun, expected + self.settings.after)

    async def _found(
        self, repository: Repository, row: StoredKennisgeving, kennisgeving: Kennisgeving, records: Sequence[Record]
    ) -> Publication | None:
        for record in candidates(kennisgeving, records, self._period(row, kennisgeving)):
            nummer = read_nummer(record.identifier)
            assert nummer, "a candidate has a number of a blad"
            try:
                metadata = await repository.metadata(nummer)
                if match(kennisgeving, metadata) is Match.CONFIRMED:
                    return await _publication(repository, kennisgeving, record, nummer, metadata)
            except FacilityError as error:
                log.warning("publication_not_read", kennisgeving=row.id, number=record.identifier, reason=str(error))
        return None

    def _next_look(self, row: StoredKennisgeving) -> datetime:
        now = self.clock.now()
        waited = now - (row.begun_at or now)
        return now + min(max(waited / 4, self.settings.soonest), self.settings.latest)


async def _publication(
    repository: Repository, kennisgeving: Kennisgeving, record: Record, nummer: Nummer, metadata: Metadata
) -> Publication:
    try:
        published = await repository.publication(nummer)
    except FacilityNotFound:  # its metadata can be there first
        published = None
    differing = tuple(each.zin for each in differences(kennisgeving, metadata, published))
    day = metadata.datum or record.datum
    assert day, "a candidate has a day"
    return Publication(record.identifier, record.preferred_url, day, differing)


def _day(moment: datetime) -> date:
    return moment.astimezone(AMSTERDAM).date()
