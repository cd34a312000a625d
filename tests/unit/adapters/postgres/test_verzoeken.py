"""The verzoek store keeps the contract that its twin in memory keeps."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest
from tests.unit.adapters.postgres.world import NOW, World
from tests.unit.flows import verzoek_store_contract as contract

from digikoppelaar.errors import StorageError
from digikoppelaar.flows.ports import FileKind, NewFile


async def about(world: World, task: str) -> list[int]:
    """What the jobs of one kind are about, in the order in which they were made."""
    made = "SELECT args FROM procrastinate_jobs WHERE task_name = %s ORDER BY id"
    async with world.pool.connection() as connection:
        return [next(iter(row["args"].values())) for row in await (await connection.execute(made, [task])).fetchall()]


def contract_world(world: World) -> contract.World:
    async def jobs() -> Sequence[int]:
        return await about(world, "deliver")

    async def fetches() -> Sequence[int]:
        return await about(world, "fetch")

    async def shown(notification_id: int | None, verzoek_id: int | None) -> str | None:
        table = "notification" if notification_id else "verzoek"
        told = f"SELECT reason FROM {table} WHERE id = %s".encode()
        async with world.pool.connection() as connection:
            row = await (await connection.execute(told, [notification_id or verzoek_id])).fetchone()
        return row["reason"] if row else None

    return contract.World(world.verzoeken, world.notify, jobs, fetches, shown)


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


async def test_two_that_release_at_once_make_one_job_of_a_first_attempt(world: World) -> None:
    notification = await contract.parked_notification(contract_world(world))
    async with world.pool.connection() as connection:
        await connection.execute("DELETE FROM procrastinate_jobs")
    aansluiting_id = (await world.verzoeken.notification(notification)).aansluiting.id
    released = await asyncio.gather(*(world.verzoeken.release(aansluiting_id, "2026060200019", NOW) for _ in range(4)))
    assert sorted(map(len, released)) == [0, 0, 0, 1]
    assert await about(world, "fetch") == [notification]
    assert await world.count("procrastinate_jobs WHERE attempts = 0 AND status = 'todo'") == 1


async def test_a_release_that_fails_half_way_leaves_everything_parked(world: World) -> None:
    _, verzoek = await contract.parked_verzoek(contract_world(world))
    async with world.pool.connection() as connection:
        await connection.execute("ALTER TABLE step ADD CHECK (name <> 'released')")
    with pytest.raises(StorageError):
        await world.verzoeken.release(verzoek.aansluiting.id, "2026060200019", NOW)
    assert await world.verzoeken.verzoek(verzoek.id) == verzoek
    assert await about(world, "deliver") == [verzoek.id]


async def test_a_release_is_a_line_in_the_timeline(world: World) -> None:
    _, verzoek = await contract.parked_verzoek(contract_world(world))
    await contract.parked_notification(contract_world(world))
    await world.verzoeken.release(verzoek.aansluiting.id, "2026060200019", NOW)
    page = await world.reading.verzoek(verzoek.aansluiting.id, "2026060200019")
    assert page
    assert [version.steps[-1].name for version in page.versions] == ["released", "released"]
