"""Sending on is a line on the timeline of what came in last."""

import pytest
from tests.unit.adapters.postgres.world import NOW, World

from digikoppelaar.adapters.postgres.reroutes import PostgresReroutes
from digikoppelaar.errors import StorageError


async def test_it_is_a_line_on_the_timeline_of_the_verzoek(world: World) -> None:
    await world.notify(0, "2026060200019")
    await world.notify(1, "2026060200019")
    record, which = PostgresReroutes(world.pool), world.pre.aansluiting.id
    await record.noted(which, "2026060200019", "rerouted", "bevoegd gezag 1", NOW)
    assert await world.count("step WHERE name = 'rerouted' AND detail = 'bevoegd gezag 1' AND notification_id = 1") == 1
    assert await world.count("step WHERE name = 'rerouted'") == 1
    with pytest.raises(StorageError, match="nothing came in"):
        await record.noted(which, "2026060299999", "rerouted", "", NOW)
