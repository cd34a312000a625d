"""KOOP for tests of the flows: it reads what is sent as the sandbox does, and publishes it when it is told to."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from tests.unit.drop.notices import KENNISGEVING

from digikoppelaar.adapters.memory.kennisgevingen import MemoryKennisgevingen
from digikoppelaar.adapters.profiles import load_drop_profile, load_sru_profile
from digikoppelaar.drop.document import to_document
from digikoppelaar.drop.envelope import RawAnswer, SoapRequest
from digikoppelaar.drop.metadata import Metadata, metadata_xml, read_metadata
from digikoppelaar.drop.model import Kennisgeving
from digikoppelaar.drop.profile import EnvelopeProfile
from digikoppelaar.drop.publication import Nummer, Publicatie, Published, publication_xml, read_publication
from digikoppelaar.drop.receiving import accepted_body, kennisgeving, read_request
from digikoppelaar.drop.sru import Record, Search, query, read_answer
from digikoppelaar.drop.sru_answer import Listed, answer_search
from digikoppelaar.drop.sru_answer import Repository as Answering
from digikoppelaar.errors import FacilityNotFound
from digikoppelaar.flows.kennisgeving_states import KennisgevingEvent, KennisgevingState
from digikoppelaar.flows.ports.kennisgevingen import Facts, KennisgevingFilter, Key, StoredKennisgeving
from digikoppelaar.flows.ports.repair import Who
from digikoppelaar.flows.publish import Publishing, Route
from digikoppelaar.flows.published import Source, Verification
from digikoppelaar.flows.under_way import UnderWay

PROFILE = load_drop_profile("koop-3pas-2020-01").envelope
SRU = load_sru_profile("koop-sru")
NOW = datetime(2026, 6, 3, 8, tzinfo=UTC)
WHO = Who("een medewerker", NOW)


@dataclass(slots=True)
class Clock:
    """A clock that stands still until it is set."""

    time: datetime = NOW

    def now(self) -> datetime:
        return self.time


@dataclass(slots=True)
class Koop:
    """What came in, what is published, and what it does instead of answering (an answer, or an error to raise)."""

    received: list[Kennisgeving] = field(default_factory=list)
    listed: list[Listed] = field(default_factory=list)
    instead: list[RawAnswer | Exception | None] = field(default_factory=list)
    takes: bool = True
    """Whether what is answered with an error was taken all the same."""
    searches: list[Search] = field(default_factory=list)
    away: Exception | None = None
    profile: EnvelopeProfile = PROFILE

    async def post(self, request: SoapRequest) -> RawAnswer:
        instead = self.instead.pop(0) if self.instead else None
        if instead is None or self.takes:
            said = read_request(request.action, request.content_type, request.body, self.profile)
            self.received.append(kennisgeving(said, self.profile))
        if isinstance(instead, Exception):
            raise instead
        headers = {"content-type": "text/xml; charset=utf-8"}
        return instead or RawAnswer(200, headers, accepted_body(str(len(self.received)), self.profile))

    def publish(self, day: date, **changed: object) -> None:
        """Everything that came in and is not published yet; `changed` is what KOOP makes of it."""
        for number in range(len(self.listed), len(self.received)):
            made = replace(self.received[number], **changed)  # type: ignore[arg-type]
            moment = datetime(day.year, day.month, day.day, 9, 21, tzinfo=UTC)
            self.listed.append(Listed(Publicatie(made, day.year, number + 1, day), moment))

    async def records(self, search: Search) -> AsyncIterator[Record]:
        self.searches.append(search)
        if self.away:
            raise self.away
        at = Answering(self.listed, SRU.names, SRU.publication_url, SRU.manifestation_url, lambda at: (at[0], at[1]))
        parameters = {"query": query(search, SRU.names), "maximumRecords": "1000"}
        for record in read_answer(answer_search(parameters, at)).records:
            yield record

    async def metadata(self, nummer: Nummer) -> Metadata:
        return read_metadata(metadata_xml(self._publication(nummer)))

    async def publication(self, nummer: Nummer) -> Published:
        return read_publication(publication_xml(self._publication(nummer)))

    def _publication(self, nummer: Nummer) -> Publicatie:
        for listed in self.listed:
            if listed.publicatie.identifier == str(nummer):
                return listed.publicatie
        raise FacilityNotFound(f"there is no {nummer}")


@dataclass(slots=True)
class World:
    """A store, KOOP, and both flows between them."""

    store: MemoryKennisgevingen = field(default_factory=MemoryKennisgevingen)
    koop: Koop = field(default_factory=Koop)
    clock: Clock = field(default_factory=Clock)
    creator: str = KENNISGEVING.publicist.naam

    @property
    def publishing(self) -> Publishing:
        async def route_for(_aansluiting_id: int) -> Route:
            return Route(self.koop.profile, self.koop.post, "poc")

        return Publishing(self.store, route_for, self.clock)

    @property
    def verification(self) -> Verification:
        async def source_for(_aansluiting_id: int) -> Source:
            return Source(self.koop, self.creator, self.koop.profile.accepted)

        return Verification(self.store, source_for, self.clock)

    async def send_due(self, publishing: Publishing | None = None) -> int:
        """One round of sending, to its end; how many attempts it made."""
        async with UnderWay("sending") as under_way:
            return await (publishing or self.publishing).send_due(under_way)

    async def look(self) -> int:
        """One round of looking, to its end; how many it found."""
        before = await self._published()
        async with UnderWay("looking") as under_way:
            await self.verification.look(under_way)
        return await self._published() - before

    async def _published(self) -> int:
        return len(await self.store.kennisgevingen(KennisgevingFilter(state=KennisgevingState.PUBLISHED)))

    async def planned(self, number: int = 1, aansluiting_id: int = 1, **changed: object) -> StoredKennisgeving:
        """A kennisgeving that is due, about a case of its own."""
        what = replace(KENNISGEVING, **{"referentienummer": f"Z2026-{number:06}", **changed})  # type: ignore[arg-type]
        key = Key(aansluiting_id, what.referentienummer, what.moment, what.blad)
        made, _ = await self.store.draft(key, to_document(what), WHO)
        return await self.store.move(made.id, KennisgevingEvent.APPROVED, WHO, Facts(due_at=self.clock.now()))

    async def row(self, kennisgeving_id: int = 1) -> StoredKennisgeving:
        return await self.store.kennisgeving(kennisgeving_id)

    def later(self, **time: float) -> None:
        self.clock.time += timedelta(**time)
