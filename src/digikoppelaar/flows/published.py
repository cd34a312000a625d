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
from digikoppelaar.drop.found import Match, candidates, differences, likeness, match
from digikoppelaar.drop.inhoud import Accepted
from digikoppelaar.drop.metadata import Metadata
from digikoppelaar.drop.model import Kennisgeving
from digikoppelaar.drop.publication import Nummer, Published, read_nummer
from digikoppelaar.drop.sru import Record, Search
from digikoppelaar.errors import (
    ConfigError,
    DigikoppelaarError,
    FacilityAnswerBroken,
    FacilityError,
    FacilityNotFound,
    StorageError,
    SubmissionError,
)
from digikoppelaar.flows.kennisgeving_states import LOOKED_FOR
from digikoppelaar.flows.ports import Clock
from digikoppelaar.flows.ports.kennisgevingen import (
    KennisgevingFilter,
    KennisgevingStore,
    Publication,
    StoredKennisgeving,
)
from digikoppelaar.flows.under_way import UnderWay

log = structlog.get_logger()

AMSTERDAM: Final = ZoneInfo("Europe/Amsterdam")
AT_ONCE: Final = 500
"""Kennisgevingen of one round."""
NOT_COMPARED: Final = "tekst: niet vergeleken, want KOOP gaf haar niet in een vorm die te lezen is."


class Repository(Protocol):
    """KOOP's publications as anybody can read them. Every method raises a FacilityError."""

    def records(self, search: Search) -> AsyncIterator[Record]:
        """Every record of the search."""

    async def metadata(self, nummer: Nummer) -> Metadata:
        """The metadata of a publication. Raises FacilityNotFound."""

    async def publication(self, nummer: Nummer) -> Published:
        """What was published. Raises FacilityNotFound."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where what one aansluiting sent is looked for, and under what name of the body; `accepted` is its markup."""

    repository: Repository
    creator: str
    accepted: Accepted


@dataclass(frozen=True, slots=True)
class LookSettings:
    """`soonest` and `latest` are between two looks for one kennisgeving; within, a quarter of the time it has waited.

    What was sent longer than `old` ago is looked for once a day and apart, for that search has to go far back.
    """

    soonest: timedelta = timedelta(minutes=5)
    latest: timedelta = timedelta(hours=1)
    old: timedelta = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Verification:
    """Looks with these parts; `source_for` gives that of an aansluiting."""

    store: KennisgevingStore
    source_for: Callable[[int], Awaitable[Source]]
    clock: Clock
    settings: LookSettings = LookSettings()

    async def look(self, under_way: UnderWay) -> None:
        """Begin to look for what is due, but of an aansluiting that is still being looked for. Raises StorageError.

        What KOOP does wrong is logged and waits.
        """
        together: dict[tuple[int, bool], list[StoredKennisgeving]] = defaultdict(list)
        for row in await self.store.sought(self.clock.now(), AT_ONCE, under_way.about()):
            together[row.key.aansluiting_id, self._is_old(row)].append(row)
        for (aansluiting, _), rows in together.items():
            under_way.start(aansluiting, self._look_for(aansluiting, rows))

    async def look_for(self, row: StoredKennisgeving) -> bool:
        """Look for one now, whatever its time; whether it was found.

        Raises ConfigError when KOOP cannot have it, and a FacilityError when not everything could be looked at.
        """
        if row.state not in LOOKED_FOR:
            raise ConfigError(
                f"kennisgeving {row.id} is {row.state}, so there is nothing to look for",
                advice="Zoeken kan als KOOP de kennisgeving heeft of kan hebben.",
            )
        trouble = await self._look_for(row.key.aansluiting_id, [row])
        found = (await self.store.kennisgeving(row.id)).publication is not None
        if trouble and not found:
            raise trouble[0]
        return found

    async def _look_for(self, aansluiting_id: int, rows: Sequence[StoredKennisgeving]) -> list[DigikoppelaarError]:
        """Those of one aansluiting, with one search; what went wrong, which the log has too."""
        trouble: list[DigikoppelaarError] = []
        try:
            source = await self.source_for(aansluiting_id)
            search = Search(source.creator, min(map(self._since, rows)))
            records = [record async for record in source.repository.records(search)]
        except StorageError:
            raise
        except DigikoppelaarError as error:
            log.warning("publications_not_searched", aansluiting=aansluiting_id, reason=str(error))
            await self._put_off(rows)
            return [error]
        for row in rows:
            try:
                publication = await self._found(source, row, records, trouble)
            except SubmissionError as error:  # kept by another release: it holds up no other
                log.warning("kennisgeving_not_read", kennisgeving=row.id, reason=str(error))
                trouble.append(error)
                publication = None
            await self.store.looked(row.id, self._next_look(row), publication, self.clock.now())
        return trouble

    async def _put_off(self, rows: Sequence[StoredKennisgeving]) -> None:
        for row in rows:
            await self.store.looked(row.id, self._next_look(row), None, self.clock.now())

    def _since(self, row: StoredKennisgeving) -> date:
        """The day of its last attempt. No day ends the search: KOOP may publish on any later one."""
        return (row.begun_at or self.clock.now()).astimezone(AMSTERDAM).date()

    async def _found(
        self, source: Source, row: StoredKennisgeving, records: Sequence[Record], trouble: list[DigikoppelaarError]
    ) -> Publication | None:
        """What could not be read is added to `trouble`."""
        kennisgeving = from_document(row.document)
        for record in candidates(kennisgeving, records, source.creator, self._since(row)):
            nummer = read_nummer(record.identifier)
            assert nummer, "a candidate has a number of a blad"
            try:
                metadata = await source.repository.metadata(nummer)
                if match(kennisgeving, metadata) is Match.CONFIRMED and not await self._is_of_another(row, record):
                    return await _publication(source, kennisgeving, record, nummer, metadata)
            except FacilityError as error:
                log.warning("publication_not_read", kennisgeving=row.id, number=record.identifier, reason=str(error))
                trouble.append(error)
        return None

    async def _is_of_another(self, row: StoredKennisgeving, record: Record) -> bool:
        """Whether it is another notice of the same case: of one it is on record, or it is liker to one that is sought.

        A rectificatie is sent on the day on which what it corrects appeared, with its number and much of its title.
        """
        wanted = KennisgevingFilter(row.key.aansluiting_id, referentienummer=row.key.referentienummer)
        others = [each for each in await self.store.kennisgevingen(wanted) if each.id != row.id]
        ours = likeness(str(row.document["titel"]), record.titel)
        return any(
            each.publication.number == record.identifier
            if each.publication
            else each.state in LOOKED_FOR and likeness(str(each.document["titel"]), record.titel) > ours
            for each in others
        )

    def _next_look(self, row: StoredKennisgeving) -> datetime:
        longest = timedelta(days=1) if self._is_old(row) else self.settings.latest
        return self.clock.now() + min(max(self._waited(row) / 4, self.settings.soonest), longest)

    def _is_old(self, row: StoredKennisgeving) -> bool:
        return self._waited(row) > self.settings.old

    def _waited(self, row: StoredKennisgeving) -> timedelta:
        now = self.clock.now()
        return now - (row.begun_at or now)


async def _publication(
    source: Source, kennisgeving: Kennisgeving, record: Record, nummer: Nummer, metadata: Metadata
) -> Publication:
    try:
        published = await source.repository.publication(nummer)
    except (FacilityNotFound, FacilityAnswerBroken):  # its metadata can be there first, and it can have another form
        published = None
    differing = tuple(each.zin for each in differences(kennisgeving, metadata, published, source.accepted))
    if published is None:
        differing += (NOT_COMPARED,)
    day = metadata.datum or record.datum
    assert day, "a candidate has a day"
    return Publication(record.identifier, record.preferred_url, day, differing)
