"""The twin keeps the contract of LinkStore."""

from collections.abc import Awaitable, Callable

import pytest
from tests.unit.flows.link_store_contract import CONTRACT

from digikoppelaar.adapters.memory.links import MemoryLinks
from digikoppelaar.flows.ports.repair import LinkStore


@pytest.mark.parametrize("promise", CONTRACT, ids=lambda promise: promise.__name__)
async def test_the_twin_keeps_the_promise_that(promise: Callable[[LinkStore], Awaitable[None]]) -> None:
    await promise(MemoryLinks())
