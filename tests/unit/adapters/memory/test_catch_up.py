"""The twin keeps the contract of the store."""

from collections.abc import Awaitable, Callable, Sequence

import pytest
from tests.unit.flows import catch_up_store_contract as contract
from tests.unit.flows.dso_world import AANSLUITING

from digikoppelaar.adapters.memory.catch_up import MemoryCatchUp
from digikoppelaar.adapters.memory.verzoeken import MemoryVerzoeken
from digikoppelaar.flows.ports import NewNotification


@pytest.mark.parametrize("promise", contract.CONTRACT, ids=lambda promise: promise.__name__)
async def test_the_twin_keeps_the_promise_that(promise: Callable[[contract.World], Awaitable[None]]) -> None:
    verzoeken = MemoryVerzoeken()

    async def notify(which: int, verzoeknummer: str) -> int:
        assert which == 0
        return verzoeken.announce(AANSLUITING, NewNotification(verzoeknummer), contract.NOW)

    async def fetches() -> Sequence[int]:
        return verzoeken.fetch_jobs

    await promise(contract.World(MemoryCatchUp(verzoeken), verzoeken, AANSLUITING, notify, fetches))
