"""The contract against PostgreSQL, and what only a database can do: tell other nodes, and be killed half-way."""

import asyncio
from datetime import timedelta

import psycopg
import pytest
from tests.certificates import NOW
from tests.unit.adapters.postgres.world import World
from tests.unit.flows.trust_records_contract import URL, TrustRecordsContract, crl

from digikoppelaar.adapters.postgres.connect import listen
from digikoppelaar.adapters.postgres.trust import TRUST, PostgresTrust
from digikoppelaar.errors import StorageError
from digikoppelaar.flows.ports.trust import StoredCrl, TrustRecords


class TestPostgresTrust(TrustRecordsContract):
    @pytest.fixture
    def records(self, world: World) -> TrustRecords:
        """Over a fresh database."""
        return PostgresTrust(world.pool)


async def test_a_new_crl_wakes_other_nodes(world: World) -> None:
    wakings = listen(lambda: world.url, TRUST)
    await anext(wakings)
    waking = asyncio.ensure_future(anext(wakings))
    await PostgresTrust(world.pool).keep_crl("pre", URL, crl(), NOW)
    async with asyncio.timeout(10):
        await waking
    await wakings.aclose()


async def test_a_kill_between_writing_and_commit_leaves_the_old_crl_whole(world: World) -> None:
    records, old, new = PostgresTrust(world.pool), crl(timedelta(hours=3)), crl()
    await records.keep_crl("pre", URL, old, NOW)
    async with await psycopg.AsyncConnection.connect(world.url) as killer:
        await killer.execute(
            "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$"
        )
        await killer.execute(
            "CREATE CONSTRAINT TRIGGER die AFTER UPDATE ON crl"
            " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION die()"
        )
        await killer.commit()
        with pytest.raises(StorageError):
            await records.keep_crl("pre", URL, new, NOW)
        assert await records.crls("pre") == [StoredCrl(URL, old, NOW)]
        await killer.execute("DROP TRIGGER die ON crl")
        await killer.commit()
    assert await records.keep_crl("pre", URL, new, NOW)
    assert await records.crls("pre") == [StoredCrl(URL, new, NOW)]
