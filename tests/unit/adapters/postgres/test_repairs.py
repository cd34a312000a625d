"""The repair store keeps the contract of its twin, and what a person did is on record or not done."""

from collections.abc import Awaitable, Callable

import pytest
from tests.unit.adapters.postgres.test_verzoeken import contract_world
from tests.unit.adapters.postgres.world import NOW, World
from tests.unit.flows import repair_store_contract as contract

from digikoppelaar.adapters.postgres.deliveries import PostgresDeliveries
from digikoppelaar.adapters.postgres.repairs import PostgresRepairs
from digikoppelaar.errors import StorageError
from digikoppelaar.flows.ports.repair import Redelivery


def repair_world(world: World) -> contract.World:
    """The contract over the stores of a database."""
    return contract.World(contract_world(world), PostgresRepairs(world.pool), PostgresDeliveries(world.pool))


@pytest.mark.parametrize("promise", contract.CONTRACT, ids=lambda promise: promise.__name__)
async def test_the_store_keeps_the_promise_that(
    promise: Callable[[contract.World], Awaitable[None]], world: World
) -> None:
    await promise(repair_world(world))


async def test_what_cannot_be_put_on_record_is_not_done(world: World) -> None:
    place = repair_world(world)
    verzoek = await place.delivered()
    async with world.pool.connection() as connection:
        await connection.execute("ALTER TABLE intervention ADD CONSTRAINT crash CHECK (name = 'released')")
    wanted = Redelivery(contract.which(verzoek), from_scratch=True)
    with pytest.raises(StorageError):
        await place.repairs.redeliver(wanted, contract.WHO)
    assert await place.states(verzoek) == ["delivered"]
    assert await world.count("delivery_step") == 1
    async with world.pool.connection() as connection:
        await connection.execute("ALTER TABLE intervention DROP CONSTRAINT crash")
    await place.repairs.redeliver(wanted, contract.WHO)
    await place.repairs.park(contract.which(verzoek), contract.WHY, contract.WHO)
    await world.verzoeken.release(verzoek.aansluiting.id, verzoek.verzoeknummer, NOW, by="een ander")
    page = await world.reading.verzoek(verzoek.aansluiting.id, verzoek.verzoeknummer)
    assert page
    assert [(each.name, each.done_by) for each in page.interventions] == [
        ("redelivered", "een beheerder"),
        ("parked", "een beheerder"),
        ("released", "een ander"),
    ]
    assert [each.name for each in page.versions[0].steps][-3:] == ["redelivered", "parked", "released"]
