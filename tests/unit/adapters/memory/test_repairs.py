"""The twin keeps the contract of RepairStore."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from tests.unit.adapters.memory.test_verzoeken import AANSLUITINGEN, world_of
from tests.unit.flows.repair_store_contract import CONTRACT, World

from digikoppelaar.adapters.memory.deliveries import MemoryDeliveries
from digikoppelaar.adapters.memory.repairs import MemoryRepairs
from digikoppelaar.adapters.memory.verzoeken import MemoryVerzoeken
from digikoppelaar.flows.ports.repair import InboundNotification


@pytest.mark.parametrize("promise", CONTRACT, ids=lambda promise: promise.__name__)
async def test_the_twin_keeps_the_promise_that(promise: Callable[[World], Awaitable[None]]) -> None:
    store = MemoryVerzoeken()
    deliveries = MemoryDeliveries(verzoeken=store)
    repairs = MemoryRepairs(store, deliveries, {each.id: each for each in AANSLUITINGEN})
    known = world_of(store)

    async def notify(which: int, verzoeknummer: str) -> int:
        made = await known.notify(which, verzoeknummer)
        number = len(repairs.messages)
        repairs.messages[f"{number}@dso.example"] = InboundNotification(number, AANSLUITINGEN[which].id, None)
        repairs.notification_of[number] = made
        return made

    await promise(World(replace(known, notify=notify), repairs, deliveries))
