"""The verzoek store keeps the contract that its twin in memory keeps."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest
from tests.unit.adapters.postgres.world import NOW, World
from tests.unit.flows import verzoek_store_contract as contract

from digikoppelaar.flows.ports import FileKind, NewFile


def contract_world(world: World) -> contract.World:
    async def jobs() -> Sequence[int]:
        made = "SELECT args ->> 'verzoek_id' AS id FROM procrastinate_jobs WHERE task_name = 'deliver' ORDER BY id"
        async with world.pool.connection() as connection:
            return [int(row["id"]) for row in await (await connection.execute(made)).fetchall()]

    async def shown(notification_id: int | None, verzoek_id: int | None) -> str | None:
        table = "notification" if notification_id else "verzoek"
        told = f"SELECT reason FROM {table} WHERE id = %s".encode()
        async with world.pool.connection() as connection:
            row = await (await connection.execute(told, [notification_id or verzoek_id])).fetchone()
        return row["reason"] if row else None

    return contract.World(world.verzoeken, world.notify, jobs, shown)


@pytest.mark.parametrize("promise", contract.CONTRACT, ids=lambda promise: promise.__name__)
async def test_the_store_keeps_the_promise_that(
    promise: Callable[[contract.World], Awaitable[None]], world: World
) -> None:
    await promise(contract_world(world))


async def test_two_with_the_same_version_at_once_make_one(world: World) -> None:
    notifications = [await world.notify(0, "2026060200019") for _ in range(4)]
    files = [NewFile(0, FileKind.XML, "xml", "verzoek.xml", "application/xml", "https://dso.test/x")]
    made = await asyncio.gather(
        *(world.verzoeken.start_verzoek(each, contract.version(), files, NOW) for each in notifications)
    )
    assert len({verzoek.id for verzoek in made}) == 1
    assert await world.count("verzoek_file") == 1
