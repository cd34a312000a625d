"""A leverancier at the KOOP of the running sandbox, which has forgotten what other tests delivered."""

from collections.abc import AsyncIterator

import aiohttp
import pytest_asyncio
from tests.unit.sandbox.gateway import Gateway
from tests.unit.sandbox.koop.supplier import Supplier


@pytest_asyncio.fixture(loop_scope="session")
async def supplier(country: Gateway) -> AsyncIterator[Supplier]:
    async with aiohttp.ClientSession() as session:
        one = Supplier(country.ready, session)
        yield one
        await one.manage("DELETE", "/koop")
        await one.manage("DELETE", "/faults")
