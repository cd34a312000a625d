"""Deliveries and their steps are durable, and the twin in memory says the same."""

from collections.abc import Sequence

import pytest
from tests.unit.adapters.memory.test_verzoeken import world_of
from tests.unit.adapters.postgres.test_verzoeken import about, contract_world
from tests.unit.adapters.postgres.world import NOW, World
from tests.unit.flows import verzoek_store_contract as contract

from digikoppelaar.adapters.memory.deliveries import MemoryDeliveries
from digikoppelaar.adapters.memory.verzoeken import MemoryVerzoeken
from digikoppelaar.adapters.postgres.deliveries import PostgresDeliveries
from digikoppelaar.adapters.postgres.links import PostgresLinks
from digikoppelaar.errors import StorageError
from digikoppelaar.flows.ports import DeliveryStore, StoredDelivery
from digikoppelaar.flows.ports.repair import CaseLink, Who


async def both(world: World) -> tuple[int, Sequence[DeliveryStore]]:
    """A verzoek, and the two stores."""
    _, verzoek = await contract.parked_verzoek(contract_world(world))
    return verzoek.id, (PostgresDeliveries(world.pool), MemoryDeliveries())


def shown(rows: Sequence[StoredDelivery]) -> list[tuple[str, str, int]]:
    """What there is to compare."""
    return [(row.target, row.state, row.attempts) for row in rows]


async def test_planning_makes_or_finds_and_gives_what_is_parked_a_fresh_series(world: World) -> None:
    verzoek_id, stores = await both(world)
    for store in stores:
        first, _ = await store.plan(verzoek_id, ["a", "b"], NOW)
        assert [await store.started(first.id), await store.started(first.id)] == [1, 2]
        await store.record(first.id, "zaak", {"url": "u"}, NOW)
        await store.trouble(first.id, "refused", "Kijk.", NOW, parked=True)
        assert (await store.delivery(first.id)).state == "parked"
        again = await store.plan(verzoek_id, ["a", "c"], NOW)
        assert shown(again) == [("a", "waiting", 0), ("c", "waiting", 0)]
        assert (again[0].id, again[0].steps) == (first.id, {"zaak": {"url": "u"}})
    assert await world.count("delivery") == 2
    assert len(await about(world, "deliver_target")) == 3  # a is at work, and got no second one


async def test_the_verzoek_is_delivered_with_its_last_target(world: World) -> None:
    verzoek_id, stores = await both(world)
    for store in stores:
        one, two = await store.plan(verzoek_id, ["a", "b"], NOW)
        assert not await store.delivered(one.id, "first", NOW)
        assert await store.delivered(two.id, "second", NOW)
        assert await store.delivered(one.id, "other", NOW)
        assert (await store.delivery(one.id)).case_reference == "first"
        await store.trouble(one.id, "late", "Kijk.", NOW, parked=True)
        assert (await store.delivery(one.id)).state == "delivered"


async def test_a_delivery_that_is_not_there_is_told(world: World) -> None:
    for store in (await both(world))[1]:
        with pytest.raises(StorageError):
            await store.delivery(99)


async def test_a_later_version_knows_the_case_of_the_earlier_one_at_the_same_target(world: World) -> None:
    known = contract_world(world)
    notification, first = await contract.parked_verzoek(known)
    second = await known.store.start_verzoek(notification, contract.version(volgnummer=1), contract.FILES, NOW)
    deliveries = PostgresDeliveries(world.pool)
    one, _ = await deliveries.plan(first.id, ["a", "b"], NOW)
    await deliveries.delivered(one.id, "https://zaken.example/1", NOW)
    assert await deliveries.case(first.id, "a") is None
    assert [await deliveries.case(second.id, target) for target in ("a", "b", "c")] == [
        "https://zaken.example/1",
        None,
        None,
    ]


async def test_a_linked_case_counts_before_that_of_an_earlier_version_in_both_stores(world: World) -> None:
    for known in (contract_world(world), world_of(MemoryVerzoeken())):
        store = known.store
        memory = isinstance(store, MemoryVerzoeken)
        deliveries = MemoryDeliveries(verzoeken=store) if memory else PostgresDeliveries(world.pool)
        links = store.links if memory else PostgresLinks(world.pool)
        notification, first = await contract.parked_verzoek(known)
        second = await store.start_verzoek(notification, contract.version(volgnummer=1), contract.FILES, NOW)
        [row] = await deliveries.plan(first.id, ["a"], NOW)
        await deliveries.delivered(row.id, "made", NOW)
        assert await deliveries.case(second.id, "a") == "made"
        await links.link([CaseLink(first.aansluiting.id, first.verzoeknummer, "a", "linked")], Who("beheerder", NOW))
        assert [await deliveries.case(each.id, "a") for each in (first, second)] == ["linked", "linked"]
        assert await deliveries.case(first.id, "b") is None
