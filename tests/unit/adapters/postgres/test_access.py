"""The contract against PostgreSQL, and many at once."""

import asyncio

import pytest
from tests.unit.adapters.postgres.world import World
from tests.unit.flows.access_store_contract import NOW, AccessStoreContract, Stores, made

from digikoppelaar.adapters.postgres.access import PostgresAccounts, PostgresSessions


@pytest.fixture
def stores(world: World) -> Stores:
    """Over a fresh database."""
    return Stores(PostgresAccounts(world.pool), PostgresSessions(world.pool))


class TestPostgresAccess(AccessStoreContract):
    """See the contract."""


async def test_of_many_who_use_one_code_at_once_one_gets_in(stores: Stores) -> None:
    account = await made(stores)
    await stores.accounts.set_code(account, b"sealed")
    used = await asyncio.gather(*(stores.accounts.use_code(account, 7) for _ in range(8)))
    assert sorted(used) == [False] * 7 + [True]


async def test_many_attempts_at_once_see_each_other(stores: Stores) -> None:
    tried = await asyncio.gather(*(stores.sessions.attempt("Anna", "192.0.2.1", NOW, NOW.min) for _ in range(8)))
    assert sorted(each.of_name for each in tried) == list(range(8))


async def test_what_is_typed_as_a_name_is_not_kept(world: World, stores: Stores) -> None:
    await stores.sessions.attempt("my password by mistake", "192.0.2.1", NOW, NOW)
    async with world.pool.connection() as connection:
        [row] = await (await connection.execute("SELECT login_attempt::text AS line FROM login_attempt")).fetchall()
    assert "password" not in row["line"]
