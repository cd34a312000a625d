"""The twin of the store of case events keeps the contract."""

from collections.abc import Awaitable, Callable

import pytest
from tests.unit.flows import case_event_store_contract as contract

from digikoppelaar.adapters.memory.case_events import MemoryCaseEvents
from digikoppelaar.flows.ports.case_events import CaseEventStore

Promise = Callable[[CaseEventStore], Awaitable[None]]


@pytest.mark.parametrize("promise", contract.CONTRACT, ids=lambda promise: promise.__name__)
async def test_the_twin_keeps_the_promise_that(promise: Promise) -> None:
    await promise(MemoryCaseEvents())


async def test_the_twin_keeps_the_promise_that_one_kennisgeving_is_of_one_event() -> None:
    await contract.one_kennisgeving_is_of_one_event(MemoryCaseEvents(), 1)
