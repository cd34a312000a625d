"""The twin of the kennisgeving store keeps the contract."""

from collections.abc import Awaitable, Callable

import pytest
from tests.unit.flows import kennisgeving_store_contract as contract

from digikoppelaar.adapters.memory.kennisgevingen import MemoryKennisgevingen
from digikoppelaar.flows.ports.kennisgevingen import KennisgevingStore

Promise = Callable[[KennisgevingStore], Awaitable[None]]


@pytest.mark.parametrize("promise", contract.CONTRACT, ids=lambda promise: promise.__name__)
async def test_the_twin_keeps_the_promise_that(promise: Promise) -> None:
    await promise(MemoryKennisgevingen())
