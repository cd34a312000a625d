"""Searches and what they found are durable, as the contract says."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest
from tests.unit.adapters.postgres.test_verzoeken import about
from tests.unit.adapters.postgres.world import NOW, World
from tests.unit.flows import catch_up_store_contract as contract

from digikoppelaar.adapters.postgres.catch_up import PostgresCatchUp
from digikoppelaar.flows.ports.catch_up import NotSince, Span


def contract_world(world: World) -> contract.World:
    async def fetches() -> Sequence[int]:
        return await about(world, "fetch")

    store = PostgresCatchUp(world.pool)
    return contract.World(store, world.verzoeken, world.pre.aansluiting, world.notify, fetches)


@pytest.mark.parametrize("promise", contract.CONTRACT, ids=lambda promise: promise.__name__)
async def test_the_store_keeps_the_promise_that(
    promise: Callable[[contract.World], Awaitable[None]], world: World
) -> None:
    await promise(contract_world(world))


async def test_of_two_that_take_in_the_same_at_once_one_announces_it(world: World) -> None:
    known = contract_world(world)
    search = await known.begun()
    made = await asyncio.gather(*(known.store.take_in(search, known.aansluiting, known.found(), NOW) for _ in range(4)))
    assert len([each for each in made if each is not None]) == 1
    assert await world.count("notification WHERE origin = 'catch-up'") == 1


async def test_of_two_periodic_searches_at_once_one_begins(world: World) -> None:
    known, unless = contract_world(world), NotSince(NOW, NOW - contract.HOUR)
    span = Span(NOW - contract.HOUR, NOW, covers=True)
    began = await asyncio.gather(
        *(known.store.begin(known.aansluiting.id, span, known.area, NOW, unless) for _ in range(4))
    )
    assert len([each for each in began if each is not None]) == 1


async def test_the_origin_of_a_notification_is_on_record(world: World) -> None:
    await world.notify(0, contract.NUMBER)
    assert await world.count("notification WHERE origin = 'ebms'") == 1
