"""The twin of the stage store keeps the contract."""

import pytest
from tests.unit.flows import stage_store_contract as contract

from digikoppelaar.adapters.memory.kennisgevingen import MemoryKennisgevingen
from digikoppelaar.adapters.memory.stages import MemoryStages


@pytest.mark.parametrize("promise", contract.CONTRACT, ids=lambda promise: promise.__name__)
async def test_the_twin_keeps_the_promise_that(promise: contract.Promise) -> None:
    store = MemoryKennisgevingen()
    await promise(store, MemoryStages(store))
