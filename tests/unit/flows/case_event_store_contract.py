"""What every CaseEventStore must do. The twin in memory and the store in PostgreSQL both run these."""

from dataclasses import replace
from datetime import timedelta

from tests.unit.flows.verzoek_store_contract import NOW

from digikoppelaar.flows.ports.case_events import CaseEvent, CaseEventStore, NewCaseEvent, Resource

MINUTE = timedelta(minutes=1)
BESLUIT = NewCaseEvent(Resource.BESLUIT, "https://zaken.example/besluiten/1", None)
STATUS = NewCaseEvent(Resource.STATUS, "https://zaken.example/statussen/1", "https://zaken.example/zaken/1")
BY = "zaaksysteem/0123456789ab"


async def begun(store: CaseEventStore) -> CaseEvent:
    assert await store.take(1, BESLUIT, BY, NOW)
    [claimed] = await store.claim(NOW, MINUTE, 10)
    return claimed


async def the_same_url_is_the_same_event(store: CaseEventStore) -> None:
    assert await store.take(1, STATUS, BY, NOW)
    assert not await store.take(1, replace(STATUS, zaak=None), "iemand", NOW + MINUTE)
    assert await store.take(2, STATUS, BY, NOW), "of another aansluiting"
    [second, first] = await store.events(parked=False, limit=10)
    assert first == CaseEvent(first.id, 1, Resource.STATUS, STATUS.url, STATUS.zaak, BY, NOW, due_at=NOW)
    assert second.aansluiting_id == 2


async def what_is_claimed_nobody_else_gets_until_it_is_forsaken(store: CaseEventStore) -> None:
    claimed = await begun(store)
    assert (claimed.attempts, claimed.due_at) == (1, NOW + MINUTE)
    assert await store.claim(NOW, MINUTE, 10) == []
    [again] = await store.claim(NOW + MINUTE, MINUTE, 10)
    assert again.attempts == 2


async def no_more_are_claimed_than_there_is_room_for_the_oldest_first(store: CaseEventStore) -> None:
    for number in range(4):
        await store.take(1, replace(BESLUIT, url=f"https://zaken.example/{number}"), BY, NOW + number * MINUTE)
    assert [each.url[-1] for each in await store.claim(NOW + MINUTE, MINUTE, 1)] == ["0"]
    assert [each.url[-1] for each in await store.claim(NOW + MINUTE, 2 * MINUTE, 10)] == ["1"]


async def what_ended_has_its_outcome_and_is_never_claimed(store: CaseEventStore) -> None:
    claimed = await begun(store)
    await store.failed(claimed, "no answer", "Wacht.", NOW)
    assert await store.ended(claimed, "Er is een concept.", None, NOW + MINUTE)
    [row] = await store.events(parked=False, limit=10)
    assert (row.outcome, row.ended_at, row.due_at, row.reason) == ("Er is een concept.", NOW + MINUTE, None, None)
    assert await store.claim(NOW + timedelta(days=365), MINUTE, 10) == []
    await store.failed(claimed, "late", "Wacht.", NOW)
    assert (await store.events(parked=False, limit=10))[0] == row


async def one_kennisgeving_is_of_one_event(store: CaseEventStore, kennisgeving_id: int) -> None:
    """It comes with one that is there."""
    first = await begun(store)
    await store.take(1, STATUS, BY, NOW)
    [second] = await store.claim(NOW, MINUTE, 10)
    assert await store.ended(first, "Er is een concept.", kennisgeving_id, NOW)
    assert not await store.ended(first, "Er is een concept.", kennisgeving_id, NOW), "it ended already"
    assert not await store.ended(second, "Er is een concept.", kennisgeving_id, NOW)
    [row, _] = await store.events(parked=False, limit=10)
    assert (row.ended_at, row.kennisgeving_id) == (None, None)
    assert await store.forget(NOW + MINUTE) == 0


async def what_failed_is_tried_again_at_its_time(store: CaseEventStore) -> None:
    claimed = await begun(store)
    await store.failed(claimed, "no answer", "Wacht.", NOW + 5 * MINUTE)
    assert await store.claim(NOW + 4 * MINUTE, MINUTE, 10) == []
    [again] = await store.claim(NOW + 5 * MINUTE, MINUTE, 10)
    assert (again.attempts, again.reason, again.advice) == (2, "no answer", "Wacht.")
    await store.failed(claimed, "an attempt that was left", "Wacht.", None)
    assert (await store.events(parked=False, limit=10))[0] == again


async def what_is_parked_waits_for_a_person(store: CaseEventStore) -> None:
    claimed = await begun(store)
    await store.take(1, STATUS, BY, NOW)
    await store.failed(claimed, "refused", "Kijk.", None)
    assert [row.id for row in await store.events(parked=True, limit=10)] == [claimed.id]
    [other] = await store.claim(NOW + timedelta(days=365), MINUTE, 10)
    assert other.url == STATUS.url
    assert not await store.again(other.id, NOW)
    assert not await store.again(12345, NOW)
    assert await store.again(claimed.id, NOW + MINUTE)
    [again] = await store.claim(NOW + MINUTE, MINUTE, 10)
    assert (again.id, again.attempts, again.reason) == (claimed.id, 1, None)


async def what_is_parked_is_ended_by_a_person(store: CaseEventStore) -> None:
    claimed = await begun(store)
    assert not await store.end(claimed.id, "klaar", NOW), "it is under way"
    await store.failed(claimed, "refused", "Kijk.", None)
    assert await store.end(claimed.id, "klaar", NOW)
    assert not await store.end(claimed.id, "klaar", NOW)
    [row] = await store.events(parked=False, limit=10)
    assert (row.outcome, row.ended_at) == ("klaar", NOW)
    assert await store.events(parked=True, limit=10) == []


async def what_ended_long_ago_is_forgotten(store: CaseEventStore) -> None:
    claimed = await begun(store)
    await store.take(1, STATUS, BY, NOW)
    await store.ended(claimed, "", None, NOW)
    assert await store.forget(NOW) == 0
    assert await store.forget(NOW + MINUTE) == 1
    assert [row.url for row in await store.events(parked=False, limit=10)] == [STATUS.url]


CONTRACT = (
    the_same_url_is_the_same_event,
    what_is_claimed_nobody_else_gets_until_it_is_forsaken,
    no_more_are_claimed_than_there_is_room_for_the_oldest_first,
    what_ended_has_its_outcome_and_is_never_claimed,
    what_failed_is_tried_again_at_its_time,
    what_is_parked_waits_for_a_person,
    what_is_parked_is_ended_by_a_person,
    what_ended_long_ago_is_forgotten,
)
