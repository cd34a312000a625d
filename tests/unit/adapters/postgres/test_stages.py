"""The stage store keeps the contract of its twin."""

import pytest
from tests.unit.adapters.postgres.world import World
from tests.unit.flows import stage_store_contract as contract

from digikoppelaar.adapters.postgres.kennisgevingen import PostgresKennisgevingen
from digikoppelaar.adapters.postgres.stages import PostgresStages


@pytest.mark.parametrize("promise", contract.CONTRACT, ids=lambda promise: promise.__name__)
async def test_the_store_keeps_the_promise_that(promise: contract.Promise, world: World) -> None:
    await promise(PostgresKennisgevingen(world.pool), PostgresStages(world.pool))
