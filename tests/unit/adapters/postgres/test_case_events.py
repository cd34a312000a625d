"""The store of case events keeps the contract of its twin, finds a verzoek by its zaak, and gives nobody the same."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.adapters.postgres.world import World
from tests.unit.flows import case_event_store_contract as contract
from tests.unit.flows import kennisgeving_store_contract as kennisgevingen
from tests.unit.flows.verzoek_store_contract import FILES, NOW

from digikoppelaar.adapters.postgres.case_events import PostgresCaseEvents
from digikoppelaar.adapters.postgres.deliveries import PostgresDeliveries
from digikoppelaar.adapters.postgres.kennisgevingen import PostgresKennisgevingen
from digikoppelaar.flows.ports import NewVerzoek
from digikoppelaar.flows.ports.case_events import CaseEventStore

Promise = Callable[[CaseEventStore], Awaitable[None]]
ZAAK = "0b2f5b60-1111-4e2c-9a55-3c6f0e7d9b01"


@pytest.mark.parametrize("promise", contract.CONTRACT, ids=lambda promise: promise.__name__)
async def test_the_store_keeps_the_promise_that(promise: Promise, world: World) -> None:
    await promise(PostgresCaseEvents(world.pool))


async def test_one_kennisgeving_is_of_one_event(world: World) -> None:
    made, _ = await PostgresKennisgevingen(world.pool).draft(
        kennisgevingen.KEY, kennisgevingen.TEXT, kennisgevingen.WHO
    )
    await contract.one_kennisgeving_is_of_one_event(PostgresCaseEvents(world.pool), made.id)


async def test_of_many_that_claim_at_once_each_gets_others(world: World) -> None:
    store = PostgresCaseEvents(world.pool)
    for number in range(20):
        await store.take(1, replace(contract.BESLUIT, url=f"https://zaken.example/{number}"), contract.BY, NOW)
    claims = await asyncio.gather(*(store.claim(NOW, timedelta(minutes=1), 5) for _ in range(8)))
    claimed = [event.id for claim in claims for event in claim]
    assert len(claimed) == len(set(claimed)) == 20


async def test_many_that_tell_the_same_at_once_make_one(world: World) -> None:
    store = PostgresCaseEvents(world.pool)
    taken = await asyncio.gather(*(store.take(1, contract.BESLUIT, contract.BY, NOW) for _ in range(8)))
    assert taken.count(True) == 1


async def test_a_verzoek_is_found_by_its_zaak_whatever_name_the_server_has_and_for_its_own_aansluiting(
    world: World,
) -> None:
    notification = await world.notify(0, "2026060200019")
    new = NewVerzoek("2026060200019", 0, "Aanvraag vergunning", "initieren", "Dakkapel", NOW, False)
    row = await world.verzoeken.start_verzoek(notification, new, FILES, NOW)
    deliveries = PostgresDeliveries(world.pool)
    [delivery] = await deliveries.plan(row.id, ["zaken"], NOW)
    await deliveries.record(delivery.id, "zaaktype", {"url": f"https://intern/zaaktypen/{ZAAK}x"}, NOW)
    await deliveries.record(delivery.id, "zaak", {"url": f"https://intern:8443/zaken/api/v1/zaken/{ZAAK}"}, NOW)
    store = PostgresCaseEvents(world.pool)
    own, other = world.pre.aansluiting.id, world.prod.aansluiting.id
    assert await store.verzoek_of(own, ZAAK) == "2026060200019"
    assert await store.verzoek_of(other, ZAAK) is None
    assert await store.verzoek_of(own, f"{ZAAK}x") is None
