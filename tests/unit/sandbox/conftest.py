"""The running sandbox that tests of versions and of the loket share: starting one costs seconds."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tests.unit.sandbox.gateway import COUNTRY, Gateway, sandbox_and_gateway


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def country(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    """A sandbox with the authorities of COUNTRY, and a gateway beside it."""
    async with sandbox_and_gateway(tmp_path_factory.mktemp("country"), organisaties=COUNTRY) as running:
        yield running
