"""What every TellingStore must do. The twin in memory and the store in PostgreSQL both run these."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from tests.unit.flows.kennisgeving_store_contract import KEY, NOW, PUBLISHED, WHO, accepted, sending

from digikoppelaar.flows.kennisgeving_states import KennisgevingEvent as Event
from digikoppelaar.flows.ports.kennisgevingen import Facts, KennisgevingStore, Origin, StoredKennisgeving
from digikoppelaar.flows.ports.repair import ParkedFilter
from digikoppelaar.flows.ports.tellings import StoredTelling, Telling, TellingStore

FORSAKEN = timedelta(minutes=10)
MINUTE = timedelta(minutes=1)
CASE = "https://zaken.example/zaken/1"


@dataclass(frozen=True, slots=True)
class Place:
    """The stores, a verzoek, and one with the same number that came in elsewhere."""

    kennisgevingen: KennisgevingStore
    tellings: TellingStore
    origin: Origin
    elsewhere: Origin
    take: Callable[[Origin, str, str], Awaitable[None]]
    """Let a target take the verzoek, with this reference of its case."""
    connect: Callable[[], Awaitable[None]]
    """Give the aansluiting that publishes a webhook."""


async def published(place: Place, number: int = 1, day: int = 4, origin: Origin | None = None) -> StoredKennisgeving:
    store = place.kennisgevingen
    row = await accepted(store, replace(KEY, number=number), origin or place.origin)
    found = replace(PUBLISHED, number=f"gmb-2026-{number}", published_on=date(2026, 6, day))
    await store.looked(row.id, NOW, found, NOW)
    return await store.kennisgeving(row.id)


async def claimed(place: Place, slots: int = 10) -> list[Telling]:
    return list(await place.tellings.claim(NOW, FORSAKEN, slots))


def receivers(rows: list[StoredTelling]) -> list[tuple[str | None, str]]:
    return [(row.target, row.state) for row in rows]


async def a_publication_is_told_to_every_target_that_took_the_verzoek(place: Place) -> None:
    await place.take(place.origin, "zaken", CASE)
    await place.take(place.origin, "map", "pre/1-0")
    await place.take(place.elsewhere, "anders", "x")
    row = await published(place)
    found = list(await place.tellings.of(row.id))
    assert sorted(receivers(found)) == [("map", "published"), ("zaken", "published")]
    assert {(each.aansluiting_id, each.due_at, each.told_at) for each in found} == {
        (place.origin.aansluiting_id, NOW, None)
    }
    tellings = {each.row.target: each for each in await claimed(place)}
    assert tellings["zaken"].kennisgeving == row
    assert {name: each.case and each.case.reference for name, each in tellings.items()} == {
        "zaken": CASE,
        "map": "pre/1-0",
    }


async def a_target_that_takes_the_verzoek_later_is_told_then_and_once(place: Place) -> None:
    row = await published(place)
    assert await place.tellings.of(row.id) == []
    await place.take(place.origin, "zaken", CASE)
    await place.take(place.origin, "zaken", CASE)
    await place.take(place.elsewhere, "zaken", CASE)
    assert receivers(list(await place.tellings.of(row.id))) == [("zaken", "published")]


async def nobody_is_told_of_a_kennisgeving_without_verzoek_or_webhook(place: Place) -> None:
    await place.take(place.origin, "zaken", CASE)
    row = await accepted(place.kennisgevingen)
    await place.kennisgevingen.looked(row.id, NOW, PUBLISHED, NOW)
    assert await place.tellings.of(row.id) == []
    assert await claimed(place) == []


async def an_application_is_told_of_each_state_that_it_must_know_in_order(place: Place) -> None:
    await place.connect()
    store = place.kennisgevingen
    sent = await sending(store)
    assert await store.settle(sent, Event.REFUSED, Facts(reason="x"), NOW)
    await store.move(sent.id, Event.RESUMED, WHO, Facts(due_at=NOW))
    [again] = await store.claim(NOW, 1, 1)
    assert await store.settle(again, Event.UNANSWERED, Facts(due_at=NOW), NOW)
    await store.looked(sent.id, NOW, PUBLISHED, NOW)
    found = list(await place.tellings.of(sent.id))
    assert receivers(found) == [(None, "refused"), (None, "unknown"), (None, "published")]
    told = []
    while tellings := await claimed(place):
        [each] = tellings
        told.append(each.row.state)
        await place.tellings.told(each.row, "", NOW)
    assert told == ["refused", "unknown", "published"]


async def an_attempt_is_on_record_and_nobody_else_makes_it_until_it_is_forsaken(place: Place) -> None:
    await place.take(place.origin, "zaken", CASE)
    await published(place)
    [first] = await claimed(place)
    assert (first.row.attempts, await claimed(place)) == (1, [])
    [second] = await place.tellings.claim(NOW + FORSAKEN, FORSAKEN, 1)
    assert (second.row.id, second.row.attempts) == (first.row.id, 2)
    await place.tellings.failed(first.row, "late", "", None)
    assert (await place.tellings.of(first.row.kennisgeving_id))[0].reason is None
    await place.tellings.told(first.row, "", NOW)
    await place.tellings.failed(second.row, "later still", "", NOW)
    [row] = await place.tellings.of(first.row.kennisgeving_id)
    assert (row.told_at, row.due_at, row.reason) == (NOW, None, None)


async def one_receiver_takes_no_more_than_its_slots_and_another_its_own(place: Place) -> None:
    await place.connect()
    for number in (1, 2, 3):
        await published(place, number, origin=Origin(place.origin.aansluiting_id, f"nobody-{number}"))
    assert [each.row.state for each in await claimed(place, 2)] == ["published"] * 2
    assert await claimed(place, 2) == []
    await place.take(place.origin, "zaken", CASE)
    await published(place, 4)
    assert [each.row.target for each in await claimed(place, 2)] == ["zaken"]


async def of_one_verzoek_a_target_is_told_one_thing_at_a_time(place: Place) -> None:
    await place.take(place.origin, "zaken", CASE)
    first, second = await published(place, 1, day=4), await published(place, 2, day=9)
    [telling] = await claimed(place)
    assert (telling.kennisgeving.id, telling.newest) == (first.id, False)
    await place.tellings.failed(telling.row, "closed", "Heropen de zaak.", None)
    [telling] = await claimed(place)
    assert (telling.kennisgeving.id, telling.newest) == (second.id, True)


async def what_failed_is_due_again_when_it_was_said_and_then_parked_until_a_person_says_so(place: Place) -> None:
    await place.take(place.origin, "zaken", CASE)
    row = await published(place)
    [telling] = await claimed(place)
    await place.tellings.failed(telling.row, "no answer", "Wacht.", NOW + MINUTE)
    assert await claimed(place) == []
    [again] = await place.tellings.claim(NOW + MINUTE, FORSAKEN, 1)
    assert (again.row.attempts, again.row.reason) == (2, "no answer")
    await place.tellings.failed(again.row, "closed", "Heropen de zaak.", None)
    [parked] = await place.tellings.of(row.id)
    assert (parked.due_at, parked.told_at, parked.reason, parked.advice) == (None, None, "closed", "Heropen de zaak.")
    assert await place.tellings.claim(NOW + timedelta(days=365), FORSAKEN, 1) == []
    assert await place.tellings.again(row.id, WHO) == 1
    [fresh] = await claimed(place)
    assert (fresh.row.attempts, fresh.row.reason) == (1, None)
    assert await place.tellings.again(row.id, WHO) == 0


async def what_is_parked_is_found_by_whose_it_is_where_and_why(place: Place) -> None:
    await place.take(place.origin, "zaken", CASE)
    rows = [await published(place, number) for number in (1, 2)]
    for row, reason in zip(rows, ("zaak is closed", "HTTP status 403"), strict=True):
        [telling] = await claimed(place)
        assert telling.kennisgeving.id == row.id
        assert list(await place.tellings.parked(ParkedFilter(reason=reason))) == []
        await place.tellings.failed(telling.row, reason, "Herstel dit.", None)
    first, second = (row.id for row in rows)

    async def parked(**wanted: Any) -> list[int]:
        return list(await place.tellings.parked(ParkedFilter(**wanted)))

    assert await parked(omgeving="sandbox-pre", target="zaken") == [first, second]
    assert (await parked(limit=1), await parked(limit=0)) == ([first], [])
    assert await parked(reason="CLOSED") == [first]
    for elsewhere in ({"omgeving": "sandbox-prod"}, {"organisatie_oin": "00000099999999999999"}, {"target": "map"}):
        assert await parked(**elsewhere) == []
    await place.tellings.again(first, WHO)
    assert await parked() == [second]


async def what_was_told_is_told_again_only_when_that_is_asked(place: Place) -> None:
    await place.take(place.origin, "zaken", CASE)
    row = await published(place)
    [telling] = await claimed(place)
    await place.tellings.told(telling.row, "Geen eigenschap.", NOW + MINUTE)
    [told] = await place.tellings.of(row.id)
    assert (told.told_at, told.note) == (NOW + MINUTE, "Geen eigenschap.")
    assert await place.tellings.again(row.id, WHO) == 0
    assert await claimed(place) == []
    assert await place.tellings.again(row.id, WHO, told_too=True) == 1
    [again] = await claimed(place)
    assert (again.row.id, again.row.note, again.row.told_at) == (told.id, "", None)


CONTRACT = (
    a_publication_is_told_to_every_target_that_took_the_verzoek,
    a_target_that_takes_the_verzoek_later_is_told_then_and_once,
    nobody_is_told_of_a_kennisgeving_without_verzoek_or_webhook,
    an_application_is_told_of_each_state_that_it_must_know_in_order,
    an_attempt_is_on_record_and_nobody_else_makes_it_until_it_is_forsaken,
    one_receiver_takes_no_more_than_its_slots_and_another_its_own,
    of_one_verzoek_a_target_is_told_one_thing_at_a_time,
    what_failed_is_due_again_when_it_was_said_and_then_parked_until_a_person_says_so,
    what_is_parked_is_found_by_whose_it_is_where_and_why,
    what_was_told_is_told_again_only_when_that_is_asked,
)
