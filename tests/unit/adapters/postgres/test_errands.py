"""The contract against PostgreSQL, and what only a database can do wrong."""

import asyncio

import pytest
from tests.unit.adapters.postgres.world import World
from tests.unit.flows.errand_store_contract import NOW, ErrandStoreContract, key

from digikoppelaar.adapters.postgres.errands import PostgresErrands
from digikoppelaar.errors import StorageError
from digikoppelaar.flows.ports.errands import Errands


class TestPostgresErrands(ErrandStoreContract):
    @pytest.fixture
    def store(self, world: World) -> Errands:
        """Over a fresh database."""
        return PostgresErrands(world.pool)

    @pytest.fixture
    def aansluiting_id(self, world: World) -> int:
        """Of the gemeente in sandbox-pre."""
        return world.pre.aansluiting.id


async def test_of_many_who_begin_at_once_one_does(world: World) -> None:
    which = key(world.pre.aansluiting.id)
    store = PostgresErrands(world.pool)
    for _ in range(3):
        begun = await asyncio.gather(*(store.begin(which, NOW, forsaken=NOW.replace(hour=8)) for _ in range(6)))
        assert sum(begun) == 1
        await store.answered(which, {}, NOW)


async def test_an_errand_is_of_an_aansluiting(world: World) -> None:
    with pytest.raises(StorageError):
        await PostgresErrands(world.pool).begin(key(999), NOW, forsaken=NOW)
