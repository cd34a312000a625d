"""The worklist store keeps the contract of its twin, and finds the rows that items are made of."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from tests.unit.adapters.postgres.test_tellings import place_of
from tests.unit.adapters.postgres.test_verzoeken import contract_world
from tests.unit.adapters.postgres.world import ENTRIES, NOW, World
from tests.unit.ebms.cpas import GEMEENTE
from tests.unit.flows import case_event_store_contract as case_events
from tests.unit.flows import kennisgeving_store_contract as notices
from tests.unit.flows import telling_store_contract as tellings
from tests.unit.flows import verzoek_store_contract as versions
from tests.unit.flows.worklist_store_contract import CONTRACT

from digikoppelaar.adapters.postgres.case_events import PostgresCaseEvents
from digikoppelaar.adapters.postgres.deliveries import PostgresDeliveries
from digikoppelaar.adapters.postgres.kennisgevingen import PostgresKennisgevingen
from digikoppelaar.adapters.postgres.onboarding import PostgresOnboarding
from digikoppelaar.adapters.postgres.worklist import PostgresWorklist
from digikoppelaar.flows.kennisgeving_states import KennisgevingEvent
from digikoppelaar.flows.ports.kennisgevingen import Facts, NotDrafted, Origin
from digikoppelaar.flows.registration import AansluitingEntry, OrganisatieEntry, difference
from digikoppelaar.flows.worklist import items
from digikoppelaar.flows.worklist_mail import WorklistStore
from digikoppelaar.flows.worklist_rows import Limits, WorklistFilter
from digikoppelaar.onboarding.model import Finding, Kind, Rol, Severity, Subject
from digikoppelaar.onboarding.progress import Told
from digikoppelaar.onboarding.states import StepEvent

LIMITS = Limits()
LATER = NOW + timedelta(hours=2)
EVERYBODY = WorklistFilter()


@pytest.mark.parametrize("promise", CONTRACT, ids=lambda promise: promise.__name__)
async def test_the_store_keeps_the_promise_that(
    promise: Callable[[WorklistStore], Awaitable[None]], world: World
) -> None:
    await promise(PostgresWorklist(world.pool))


async def keys(world: World, wanted: WorklistFilter = EVERYBODY) -> list[str]:
    """What is on the worklist two hours later, without what is there because nothing came in or a CPA ends."""
    rows = await PostgresWorklist(world.pool).rows(wanted, LIMITS, LATER)
    assert {row.place.organisatie_naam for row in (*rows.heard, *rows.cpas)} <= {"Gemeente Voorbeeldstad"}
    return [item.key for item in items(replace(rows, heard=(), cpas=()), [], LATER, LIMITS)]


async def test_what_waits_fails_or_is_parked_is_found_and_gone_when_it_is_over(world: World) -> None:
    place, deliveries = contract_world(world), PostgresDeliveries(world.pool)
    waiting = await world.notify(1, "1")
    notification = await versions.parked_notification(place, verzoeknummer="2")
    failing = await versions.whole(place, 0, number="3")
    [row] = await deliveries.plan(failing.id, ["map"], NOW)
    await deliveries.started(row.id)
    await deliveries.trouble(row.id, "folder is away", "", NOW, parked=False)
    parked = await versions.whole(place, 0, number="4")
    await world.verzoeken.trouble(verzoek_id=parked.id, reason="x", advice="", parked=True, now=NOW)
    assert await keys(world) == [
        "failing:1:map",
        f"not-fetched:{waiting}",
        f"parked:notification:{notification}",
        f"parked:verzoek:{parked.id}",
    ]
    assert await keys(world, WorklistFilter("sandbox-prod")) == [f"not-fetched:{waiting}"]
    assert await keys(world, WorklistFilter(organisatie_oin="00000099000000007000")) == []
    await deliveries.delivered(row.id, "map/3", LATER)
    await world.verzoeken.release(parked.aansluiting.id, "4", NOW)
    assert await keys(world) == [f"not-fetched:{waiting}", f"parked:notification:{notification}"]


async def test_much_trouble_of_one_aansluiting_pushes_no_other_off_the_list(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digikoppelaar.adapters.postgres.worklist.MOST", 1)
    place = contract_world(world)
    waiting = [await world.notify(which, number) for which, number in ((0, "1"), (0, "2"), (1, "3"))]
    parked = [await versions.parked_notification(place, verzoeknummer=number) for number in ("4", "5")]
    found = [f"not-fetched:{waiting[0]}", f"not-fetched:{waiting[2]}", f"parked:notification:{parked[0]}"]
    assert await keys(world) == found
    store = PostgresKennisgevingen(world.pool)
    for aansluiting, number in ((1, 1), (1, 2), (2, 1)):
        await store.draft(replace(notices.KEY, aansluiting_id=aansluiting, number=number), notices.TEXT, notices.WHO)
        await store.not_drafted(Origin(aansluiting, str(number)), NotDrafted("x", "Doe iets.", None), NOW)
    rows = await PostgresWorklist(world.pool).rows(EVERYBODY, LIMITS, LATER)
    of_whom = [[row.place.aansluiting_id for row in sort] for sort in (rows.kennisgevingen, rows.not_drafted)]
    assert of_whom == [[1, 2], [1, 2]]


async def test_what_is_kept_beyond_the_period_of_its_aansluiting_is_counted_until_it_is_over(world: World) -> None:
    place = contract_world(world)
    parked = [await versions.whole(place, 0, number=number) for number in ("1", "2")]
    for each in parked:
        await world.verzoeken.trouble(verzoek_id=each.id, reason="x", advice="", parked=True, now=NOW)
    await world.notify(1, "3")
    store, month_later = PostgresWorklist(world.pool), NOW + timedelta(days=31)

    async def kept(days: int, now: datetime = month_later) -> list[tuple[str, int, int, datetime]]:
        found = (await store.rows(EVERYBODY, Limits(retention=days), now)).kept
        return [(row.place.omgeving, row.verzoeken, row.messages, row.since) for row in found]

    assert await kept(31) == [("sandbox-pre", 2, 0, NOW), ("sandbox-prod", 1, 0, NOW)]
    assert await kept(32) == []
    assert (await store.rows(WorklistFilter("sandbox-acc"), Limits(), month_later)).kept == []
    async with world.pool.connection() as connection:
        await connection.execute("UPDATE aansluiting SET retention_days = 40 WHERE omgeving = 'sandbox-prod'")
    assert await kept(31) == [("sandbox-pre", 2, 0, NOW)]
    await world.verzoeken.verzoek_delivered(parked[0].id, "map/1", NOW)
    assert await kept(31) == [("sandbox-pre", 1, 0, NOW)]


async def test_kennisgevingen_that_wait_or_that_koop_has_are_found_with_their_day(world: World) -> None:
    store = PostgresKennisgevingen(world.pool)
    wished = {"titel": "x", "data": {"publicatie": "2026-06-08"}}
    await store.draft(replace(notices.KEY, number=2), wished, notices.WHO)
    await notices.accepted(store)
    rows = await PostgresWorklist(world.pool).rows(EVERYBODY, Limits(), NOW)
    assert [(row.id, row.state, row.planned) for row in rows.kennisgevingen] == [
        (1, "draft", date(2026, 6, 8)),
        (2, "accepted", NOW.date() + timedelta(days=1)),
    ]
    assert (await PostgresWorklist(world.pool).rows(WorklistFilter("prod"), Limits(), NOW)).kennisgevingen == []


@pytest.mark.parametrize("late", ["accepted", "found", "refused"])
async def test_what_was_cancelled_is_there_when_koop_has_it_until_a_person_saw_that(world: World, late: str) -> None:
    store, listed = PostgresKennisgevingen(world.pool), PostgresWorklist(world.pool)
    sent = await notices.sending(store)

    async def waiting() -> list[tuple[int, str]]:
        return [(row.id, row.state) for row in (await listed.rows(EVERYBODY, Limits(), NOW)).kennisgevingen]

    await store.settle(sent, KennisgevingEvent.UNANSWERED, Facts(due_at=NOW), NOW)
    await store.move(sent.id, KennisgevingEvent.CANCELLED, notices.WHO, Facts(detail="dubbel"))
    assert await waiting() == []
    if late == "found":
        await store.looked(sent.id, NOW, notices.PUBLISHED, NOW)
    else:
        assert not await store.settle(sent, KennisgevingEvent(late), Facts(dossiernummer="123"), NOW)
    assert await waiting() == ([] if late == "refused" else [(sent.id, "cancelled")])
    await store.move(sent.id, KennisgevingEvent.CANCELLED, notices.WHO, Facts(detail="gezien"))
    assert await waiting() == []


async def test_what_was_taken_in_a_test_of_koop_is_awaited_only_where_it_can_be_found(world: World) -> None:
    store, listed = PostgresKennisgevingen(world.pool), PostgresWorklist(world.pool)

    async def waiting(**publishing: str) -> list[tuple[str, str]]:
        drop = AansluitingEntry(GEMEENTE, "drop", "pre", GEMEENTE, {}, {}, publishing={"stage": "poc", **publishing})
        await world.registry.apply(difference(await world.registry.entries(), [drop]), NOW)
        rows = (await listed.rows(WorklistFilter("pre"), Limits(), NOW)).kennisgevingen
        return [(row.place.omgeving, row.state) for row in rows]

    assert await waiting() == []
    await store.draft(replace(notices.KEY, aansluiting_id=3, number=2), notices.TEXT, notices.WHO)
    await notices.accepted(store, replace(notices.KEY, aansluiting_id=3))
    assert await waiting() == [("pre", "draft")]
    assert await waiting(sru_url="https://eto.example/sru") == [("pre", "draft"), ("pre", "accepted")]


async def test_what_could_not_be_drafted_is_with_who_publishes_it_until_there_is_a_draft_or_to_be_none(
    world: World,
) -> None:
    store = PostgresKennisgevingen(world.pool)

    async def there() -> list[tuple[str, str]]:
        rows = (await PostgresWorklist(world.pool).rows(EVERYBODY, LIMITS, NOW)).not_drafted
        return [(row.verzoeknummer, row.place.omgeving) for row in rows]

    await store.none_for(Origin(1, "1"), "Het is een TEST.", None, NOW)
    for number, publisher in (("2", 2), ("3", None)):
        await store.not_drafted(Origin(1, number), NotDrafted("x", "Doe iets.", publisher), NOW)
    assert await there() == [("2", "sandbox-prod"), ("3", "sandbox-pre")]
    await store.draft(notices.KEY, notices.TEXT, notices.WHO, Origin(1, "2"))
    assert await there() == [("3", "sandbox-pre")]
    await store.none_for(Origin(1, "3"), "Dubbel.", notices.WHO, NOW)
    assert await there() == []


async def test_what_a_case_system_told_is_there_as_long_as_it_is_parked(world: World) -> None:
    store = PostgresCaseEvents(world.pool)

    async def there() -> list[tuple[str, str]]:
        rows = (await PostgresWorklist(world.pool).rows(EVERYBODY, LIMITS, NOW)).case_events
        return [(row.resource, row.place.omgeving) for row in rows]

    claimed = await case_events.begun(store)
    assert await there() == []
    await store.failed(claimed, "refused", "Kijk.", None)
    assert await there() == [("besluit", "sandbox-pre")]
    await store.end(claimed.id, "klaar", NOW)
    assert await there() == []


async def test_who_was_not_told_is_found_with_whose_it_is_and_gone_when_it_was(world: World) -> None:
    place = place_of(world)
    await place.take(place.origin, "zaken", tellings.CASE)
    await place.connect()
    row = await tellings.published(place)

    async def there(wanted: WorklistFilter = EVERYBODY, now: datetime = LATER) -> list[tuple[str | None, bool]]:
        rows = (await PostgresWorklist(world.pool).rows(wanted, LIMITS, now)).untold
        assert {each.referentienummer for each in rows} <= {row.key.referentienummer}
        return [(each.target, each.parked) for each in rows]

    assert await there() == [], "nothing failed yet"
    for telling in await tellings.claimed(place):
        await place.tellings.failed(telling.row, "x", "", None if telling.row.target else LATER)
    assert await there(now=NOW) == [("zaken", True)], "what is tried again is no item at once"
    assert await there() == [(None, False), ("zaken", True)]
    assert await there(WorklistFilter("sandbox-prod")) == []
    for stored in await place.tellings.of(row.id):
        await place.tellings.told(stored, "", NOW)
    assert await there() == []


async def test_a_done_step_that_became_wrong_is_found_and_gone_when_it_is_good(world: World) -> None:
    onboarding, subject = PostgresOnboarding(world.pool), Subject(GEMEENTE, Kind.STAM, "sandbox-pre")
    trouble = Finding("certificate-expired", Severity.WRONG, "Verlopen.", "", "Vernieuw.", Rol.DIGIKOPPELAAR)
    findings = (Finding("oin-good", Severity.GOOD, "Goed."), trouble)

    async def tell(number: str, event: StepEvent, *found: Finding) -> None:
        await onboarding.tell(subject, number, event, Told(LATER, findings=found))

    async def there(wanted: WorklistFilter = EVERYBODY) -> list[tuple[str, str, str]]:
        rows = (await PostgresWorklist(world.pool).rows(wanted, LIMITS, LATER)).wrong_steps
        return [(row.place.omgeving, row.number, row.who) for row in rows]

    await tell("3.1", StepEvent.FAILED, *findings)
    await tell("3.2", StepEvent.FULFILLED)
    assert await there() == [], "what was never done is progress, no trouble"
    await tell("3.2", StepEvent.FAILED, *findings)
    assert await there() == [("sandbox-pre", "3.2", "digikoppelaar")]
    assert await there(WorklistFilter("sandbox-prod")) == []
    await tell("3.2", StepEvent.FULFILLED)
    assert await there() == []


async def test_when_something_came_in_last_and_what_ends_is_found(world: World) -> None:
    await world.notify(1, "1")
    rows = await PostgresWorklist(world.pool).rows(EVERYBODY, Limits(expiry=36_500), NOW)
    assert [(row.place.omgeving, row.last) for row in rows.heard] == [("sandbox-pre", NOW), ("sandbox-prod", NOW)]
    assert [row.place.omgeving for row in rows.cpas] == ["sandbox-pre", "sandbox-prod"]
    assert [oin for _, oin in await PostgresWorklist(world.pool).places()] == [GEMEENTE] * 2


async def test_addresses_are_put_on_record_with_the_organisatie(world: World) -> None:
    addresses = ("vth@gemeente.example", "beheer@gemeente.example")
    wanted = replace(ENTRIES[0], worklist_mail=addresses)
    assert isinstance(wanted, OrganisatieEntry)
    [change] = difference(await world.registry.entries(), [wanted])
    assert change.differences == (("worklist_mail", None, "vth@gemeente.example, beheer@gemeente.example"),)
    await world.registry.apply([change], NOW)
    assert difference(await world.registry.entries(), [wanted]) == ()
    assert await PostgresWorklist(world.pool).recipients() == {GEMEENTE: addresses}
