"""A besluit or status in a case system becomes one draft, of the moment that a trigger names; nothing of it is lost."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.doubles.zgw.types import BESLUITTYPE
from tests.unit.adapters.casesystems.zgw import sample
from tests.unit.flows.koop_world import WHO
from tests.unit.flows.test_desk import AUTOMATIC, NUMBER, STAM
from tests.unit.flows.test_desk import World as DeskWorld
from tests.unit.flows.test_drafting import DROP, OIN, SETTINGS
from tests.unit.stam.documents import verzoek_xml

from digikoppelaar.adapters.casesystems import kinds
from digikoppelaar.adapters.memory.case_events import MemoryCaseEvents
from digikoppelaar.drop.document import from_document
from digikoppelaar.drop.model import Moment, Uitkomst, plain
from digikoppelaar.flows.case_events import NO_TRIGGER, NOT_OURS, CaseEvents
from digikoppelaar.flows.desk import NO_PUBLISHER, Desk
from digikoppelaar.flows.ports import Aansluiting, CaseSystemSettings
from digikoppelaar.flows.ports.case_events import CaseEvent, CaseReader, NewCaseEvent, Resource
from digikoppelaar.flows.ports.kennisgevingen import Origin, StoredKennisgeving
from digikoppelaar.flows.targets import Target
from digikoppelaar.flows.under_way import UnderWay

ORIGIN = Origin(STAM, NUMBER)


def triggers(**changes: Any) -> str:
    decided = {"resource": "besluit", "type": BESLUITTYPE, "moment": "besluit", "procedure": "regulier"}
    return json.dumps([{**decided, "uitkomst": "verleend", **changes}])


@dataclass(slots=True)
class World:
    """A ZGW server with a zaak that we made, its verzoek, and who publishes."""

    zgw: sample.World
    desks: DeskWorld
    zaak: str = ""
    store: MemoryCaseEvents = field(default_factory=MemoryCaseEvents)

    def events(self, **changes: str) -> CaseEvents:
        values = {**self.zgw.values, "besluiten_url": self.zgw.double.addresses["besluiten"], **changes}
        receiving = Aansluiting(
            STAM, OIN, "Gemeente", "stam", "sandbox-pre", OIN, None, CaseSystemSettings("zgw", values)
        )

        async def aansluitingen() -> Sequence[Aansluiting]:
            return [receiving, self.desks.drop]

        def reader_for(target: Target) -> CaseReader:
            return kinds.reader(target, kinds.Facilities(self.zgw.http, self.zgw.clock))

        def desk_of(publishers: Sequence[Aansluiting]) -> Desk:
            return replace(self.desks.desk, publishers=publishers)

        return CaseEvents(self.store, aansluitingen, reader_for, desk_of, self.desks.clock)

    async def tell(self, resource: Resource, url: str, zaak: str | None = None) -> CaseEvent:
        """The case system tells of it, and an attempt is made; how it is then."""
        assert await self.store.take(STAM, NewCaseEvent(resource, url, zaak), "zaaksysteem/x", self.desks.clock.now())
        return await self.attempt()

    async def attempt(self, **changes: str) -> CaseEvent:
        [event] = await self.store.claim(self.desks.clock.now(), timedelta(minutes=1), 10)
        await self.events(**changes).follow(event)
        return self.store.rows[event.id]

    def decide(self, **fields: str) -> str:
        days = {"verzenddatum": "2026-06-02", "ingangsdatum": "2026-06-03", **fields}
        return str(self.zgw.double.besluiten.add(self.zaak, BESLUITTYPE, "2026-06-01", **days)["url"])

    async def draft(self, number: int = 1) -> StoredKennisgeving:
        return await self.desks.store.kennisgeving(number)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with sample.world(tmp_path) as zgw:
        desks = DeskWorld(replace(DROP, publishing=replace(SETTINGS, trigger=triggers())))
        await desks.delivered()
        made = World(zgw, desks)
        made.zaak = await zgw.deliver(await zgw.handover())
        made.store.delivered[STAM, made.zaak.rpartition("/")[2]] = NUMBER
        yield made


async def test_a_besluit_becomes_a_draft_that_waits_for_somebody(world: World) -> None:
    event = await world.tell(Resource.BESLUIT, world.decide())
    assert (event.kennisgeving_id, event.outcome) == (1, "Er is een concept van besluit.")
    row = await world.draft()
    made = from_document(row.document)
    assert (row.state, row.origin, row.key.moment) == ("draft", ORIGIN, Moment.BESLUIT)
    assert (made.uitkomst, made.referentienummer) == (Uitkomst.VERLEEND, NUMBER)
    assert (made.data.besluit, made.data.verzending) == (date(2026, 6, 1), date(2026, 6, 2))
    assert made.data.reactie
    assert made.data.reactie.laatste == date(2026, 7, 14)
    text = plain(made.tekst)
    assert "in werking op 3 juni 2026" in text
    assert "[[de eerste dag van de inzage]]" in text
    checked = await world.desks.desk.check(row)
    assert {"tekst-incomplete", "inzage-missing"} <= {finding.code for finding in checked.findings}


async def test_an_attempt_that_was_left_after_the_draft_makes_no_second_one(world: World) -> None:
    url = world.decide()
    await world.tell(Resource.BESLUIT, url)
    for number, row in list(world.store.rows.items()):  # as when it died before it said that it ended
        world.store.rows[number] = replace(row, ended_at=None, due_at=row.received_at, outcome="", kennisgeving_id=None)
    assert (await world.attempt()).kennisgeving_id == 1
    assert len(world.desks.store.rows) == 1


async def test_the_notice_before_it_says_what_it_is_about_also_when_the_verzoek_was_deleted(world: World) -> None:
    before = await world.desks.desk.draft_of(world.desks.store.delivered[0], WHO)
    assert isinstance(before, StoredKennisgeving)
    edited = replace(from_document(before.document), samenvatting="uitbouw achter")
    await world.desks.desk.edit(before.id, edited, WHO)
    world.desks.store.delivered.clear()
    await world.tell(Resource.BESLUIT, world.decide())
    assert from_document((await world.draft(2)).document).titel.startswith(
        "Omgevingsvergunning verleend: uitbouw achter"
    )


async def test_a_verzoek_that_was_deleted_before_any_notice_waits_for_a_person(world: World) -> None:
    world.desks.store.delivered[0] = replace(world.desks.store.delivered[0], xml=None)
    event = await world.tell(Resource.BESLUIT, world.decide())
    assert (event.due_at, event.ended_at) == (None, None)
    assert event.advice
    assert "De inhoud van het verzoek is verwijderd" in event.advice


async def test_a_status_becomes_the_draft_of_its_own_trigger(world: World) -> None:
    settings = replace(
        SETTINGS, trigger=triggers(resource="status", type="ontvangen", moment="opschorting", uitkomst=None)
    )
    world.desks.drop = replace(DROP, publishing=settings)
    [status] = world.zgw.double.world.linked("statussen", world.zaak)
    event = await world.tell(Resource.STATUS, status["url"], world.zaak)
    assert event.outcome == "Er is een concept van opschorting."
    assert "staat stil sinds" in plain(from_document((await world.draft()).document).tekst)


async def test_what_an_organisatie_lets_go_by_itself_is_held_to_every_check(world: World) -> None:
    world.desks.drop = replace(DROP, publishing=replace(AUTOMATIC, trigger=triggers(), automatic="besluit"))
    await world.tell(Resource.BESLUIT, world.decide())
    row = await world.draft()
    assert row.state == "draft"
    assert row.reason
    assert "tekst-incomplete" in row.reason


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        ({"trigger": ""}, NO_TRIGGER),
        ({"trigger": triggers(type="Geweigerd")}, NO_TRIGGER),
        ({"trigger": triggers(resource="status")}, NO_TRIGGER),
        ({"trigger": triggers(type="https://elders.example/besluittypen/een-ander")}, NO_TRIGGER),
    ],
)
async def test_what_has_no_trigger_ends_without_a_draft(world: World, changed: dict[str, str], outcome: str) -> None:
    world.desks.drop = replace(DROP, publishing=replace(SETTINGS, **changed))
    event = await world.tell(Resource.BESLUIT, world.decide())
    assert (event.outcome, event.ended_at) == (outcome, world.desks.clock.now())
    assert world.desks.store.rows == {}


async def test_a_type_can_be_named_by_its_url_whatever_the_server_is_called(world: World) -> None:
    [besluittype] = world.zgw.double.world.catalogus["besluittypen"]
    named = triggers(type=f"https://ander-adres.example/catalogi/besluittypen/{besluittype}")
    world.desks.drop = replace(DROP, publishing=replace(SETTINGS, trigger=named))
    assert (await world.tell(Resource.BESLUIT, world.decide())).kennisgeving_id == 1


@pytest.mark.parametrize(
    ("document", "outcome"),
    [
        (verzoek_xml(doel="Vooroverleg"), "Het doel is"),
        (verzoek_xml().replace(OIN.encode(), b"00000099000000005000"), NO_PUBLISHER),
    ],
    ids=["concept", "other organisatie"],
)
async def test_what_gets_no_notice_says_why(world: World, document: bytes, outcome: str) -> None:
    world.desks.store.delivered.clear()
    await world.desks.delivered(document)
    event = await world.tell(Resource.BESLUIT, world.decide())
    assert event.ended_at
    assert event.outcome.startswith(outcome)
    assert world.desks.store.rows == {}


async def test_a_zaak_that_is_not_ours_is_passed_over(world: World) -> None:
    world.store.delivered.clear()
    assert (await world.tell(Resource.BESLUIT, world.decide())).outcome == NOT_OURS
    calls = world.zgw.double.traffic.number
    told = await world.tell(Resource.STATUS, "https://zaken.example/statussen/1", "https://zaken.example/zaken/1")
    assert told.outcome == NOT_OURS
    assert world.zgw.double.traffic.number == calls, "nobody is asked about a zaak of others"


async def test_a_server_that_is_away_is_asked_again_and_one_that_refuses_waits_for_a_person(world: World) -> None:
    url = world.decide()
    nowhere = "http://127.0.0.1:9/besluiten"
    assert await world.store.take(STAM, NewCaseEvent(Resource.BESLUIT, url, None), "x", world.desks.clock.now())
    event = await world.attempt(besluiten_url=nowhere)
    assert event.due_at
    assert event.due_at > world.desks.clock.now()
    world.desks.clock.time = event.due_at
    parked = await world.attempt(client_id="iemand")
    assert (parked.attempts, parked.due_at, parked.ended_at) == (2, None, None)
    assert parked.advice
    assert "besluiten.lezen" in parked.advice
    assert await world.store.again(parked.id, world.desks.clock.now())
    assert (await world.attempt()).kennisgeving_id == 1


async def test_of_what_happened_twice_in_a_zaak_the_second_is_for_a_person(world: World) -> None:
    urls = [world.decide() for _ in range(12)]
    for url in urls:
        await world.store.take(STAM, NewCaseEvent(Resource.BESLUIT, url, None), "x", world.desks.clock.now())
    async with UnderWay("case events") as under_way:
        assert await world.events().follow_due(under_way) == 10
    async with UnderWay("case events") as under_way:
        assert await world.events().follow_due(under_way) == 2
    led = [row for row in world.store.rows.values() if row.kennisgeving_id]
    parked = [row for row in world.store.rows.values() if (row.due_at, row.ended_at) == (None, None)]
    assert (len(led), len(parked), len(world.desks.store.rows)) == (1, 11, 1)
    assert {row.reason for row in parked} == {"another event led to kennisgeving 1"}
