"""The twin of the telling store keeps the contract."""

from collections.abc import Awaitable, Callable

import pytest
from tests.unit.ebms.cpas import GEMEENTE
from tests.unit.flows import telling_store_contract as contract

from digikoppelaar.adapters.memory.kennisgevingen import MemoryKennisgevingen
from digikoppelaar.flows.ports.kennisgevingen import Origin

NUMBER = "2026060200019"


def memory_place() -> contract.Place:
    store = MemoryKennisgevingen()
    store.tellings.owners |= {1: ("sandbox-pre", GEMEENTE), 2: ("sandbox-prod", GEMEENTE)}

    async def take(origin: Origin, target: str, case: str) -> None:
        store.tellings.took(origin, target, case, contract.NOW)

    async def connect() -> None:
        store.tellings.webhooks.add(contract.KEY.aansluiting_id)

    return contract.Place(store, store.tellings, Origin(1, NUMBER), Origin(2, NUMBER), take, connect)


@pytest.mark.parametrize("promise", contract.CONTRACT, ids=lambda promise: promise.__name__)
async def test_the_twin_keeps_the_promise_that(promise: Callable[[contract.Place], Awaitable[None]]) -> None:
    await promise(memory_place())
