"""The world of these tests."""

from collections.abc import AsyncIterator

import pytest
from tests.unit.adapters.postgres.world import World, opened_world


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    """Stores over a fresh database with two aansluitingen."""
    async with opened_world(database_url) as opened:
        yield opened
