"""The verzoek store keeps the contract that its twin in memory keeps."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest
from tests.unit.adapters.postgres.world import NOW, World
from tests.unit.flows import verzoek_store_contract as contract

from digikoppelaar.adapters.postgres.links import PostgresLinks
from digikoppelaar.errors import StorageError
from digikoppelaar.flows.ports import FileKind, NewFile
from digikoppelaar.stam.rules import Action, Known, Ruling


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

    return contract.World(world.verzoeken, world.notify, jobs, fetches, shown, PostgresLinks(world.pool))


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


async def test_two_workers_that_end_versions_at_once_let_each_next_one_go_once(world: World) -> None:
    place = contract_world(world)
    first, second, third = [await contract.whole(place, number) for number in range(3)]
    await asyncio.gather(*(world.verzoeken.verzoek_delivered(first.id, "map/1", NOW) for _ in range(4)))
    assert await about(world, "deliver") == [first.id, second.id]
    await asyncio.gather(*(world.verzoeken.verzoek_delivered(second.id, "map/2", NOW) for _ in range(4)))
    assert await about(world, "deliver") == [first.id, second.id, third.id]


async def test_a_version_that_is_whole_while_the_one_before_it_ends_gets_one_job(world: World) -> None:
    place = contract_world(world)
    for number in range(10):
        verzoeknummer = f"20260602000{number:02}"
        first = await contract.whole(place, 0, number=verzoeknummer)
        notification = await place.notify(0, verzoeknummer)
        second = await world.verzoeken.start_verzoek(
            notification, contract.version(verzoeknummer, 1), contract.FILES, NOW
        )
        for file in second.files:
            await world.verzoeken.file_fetched(file.id, f"verzoeken/{file.id}", 3, bytes(32), NOW)
        await asyncio.gather(
            world.verzoeken.verzoek_delivered(first.id, "map/1", NOW),
            world.verzoeken.verzoek_fetched(notification, second.id, NOW),
        )
        assert (await about(world, "deliver"))[-2:] == [first.id, second.id]
    assert await world.count("procrastinate_jobs WHERE task_name = 'deliver'") == 20


async def test_two_versions_at_once_see_each_other_when_they_are_judged(world: World) -> None:
    seen: list[int] = []

    def judge(known: Known) -> Ruling:
        seen.append(len(known.versions))
        return contract.ruled(Action.DELIVER_NEW)(known)

    notifications = [await world.notify(0, "2026060200019") for _ in range(4)]
    await asyncio.gather(
        *(
            world.verzoeken.start_verzoek(each, contract.version(volgnummer=number), contract.FILES, NOW, judge)
            for number, each in enumerate(notifications)
        )
    )
    assert sorted(seen) == [0, 1, 2, 3]


async def test_a_crash_before_the_next_version_has_its_job_undoes_the_end_of_the_one_before_it(world: World) -> None:
    first, second = [await contract.whole(contract_world(world), number) for number in range(2)]
    async with world.pool.connection() as connection:
        await connection.execute("ALTER TABLE step ADD CONSTRAINT crash CHECK (name <> 'turn')")
    with pytest.raises(StorageError):
        await world.verzoeken.verzoek_delivered(first.id, "map/1", NOW)
    assert (await world.verzoeken.verzoek(first.id)).state == "fetched"
    async with world.pool.connection() as connection:
        await connection.execute("ALTER TABLE step DROP CONSTRAINT crash")
    await world.verzoeken.verzoek_delivered(first.id, "map/1", NOW)
    assert await about(world, "deliver") == [first.id, second.id]
