"""The world of these tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.unit.web.rest.world import World, opened_world


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """Two organisaties, and the interface on a real listener over a fresh database."""
    async with opened_world(database_url, tmp_path / "blobs") as opened:
        yield opened
