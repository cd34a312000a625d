"""The twin keeps the contract of WorklistStore."""

from collections.abc import Awaitable, Callable

import pytest
from tests.unit.flows.worklist_store_contract import CONTRACT

from digikoppelaar.adapters.memory.worklist import MemoryWorklist
from digikoppelaar.flows.worklist_mail import WorklistStore


@pytest.mark.parametrize("promise", CONTRACT, ids=lambda promise: promise.__name__)
async def test_the_twin_keeps_the_promise_that(promise: Callable[[WorklistStore], Awaitable[None]]) -> None:
    await promise(MemoryWorklist())
