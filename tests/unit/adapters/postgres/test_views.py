"""The contract against PostgreSQL, and that nothing in the log can be changed."""

import psycopg
import pytest
from tests.unit.adapters.postgres.world import World
from tests.unit.flows.view_log_contract import NOW, VERZOEK, ViewLogContract

from digikoppelaar.adapters.postgres.views import PostgresViews
from digikoppelaar.flows.views import ViewFilter, ViewLog


class TestPostgresViews(ViewLogContract):
    @pytest.fixture
    def log(self, world: World) -> ViewLog:
        """Over a fresh database."""
        return PostgresViews(world.pool)


async def test_a_view_on_record_can_be_neither_changed_nor_removed(world: World) -> None:
    log = PostgresViews(world.pool)
    await log.record(VERZOEK, NOW)
    for statement in ("UPDATE view_log SET viewer = 'piet'", "DELETE FROM view_log", "TRUNCATE view_log"):
        with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
            async with world.pool.connection() as connection:
                await connection.execute(statement.encode())
    assert [row.viewer for row in await log.views(ViewFilter())] == ["jan"]
