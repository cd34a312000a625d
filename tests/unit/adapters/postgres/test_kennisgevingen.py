"""The kennisgeving store keeps the contract of its twin, also when two look at once."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import psycopg
import pytest
from tests.unit.adapters.postgres.test_verzoeken import contract_world
from tests.unit.adapters.postgres.world import World
from tests.unit.ebms.cpas import GEMEENTE
from tests.unit.flows import kennisgeving_store_contract as contract
from tests.unit.flows import verzoek_store_contract as versions

from digikoppelaar.adapters.postgres.kennisgevingen import PostgresKennisgevingen
from digikoppelaar.flows.kennisgeving_states import KennisgevingEvent
from digikoppelaar.flows.ports.kennisgevingen import Facts, KennisgevingStore, NotDrafted, Origin
from digikoppelaar.flows.registration import AansluitingEntry, difference

PUBLISHING = {"stage": "poc", "naam": "Voorbeeldstad", "bestuurslaag": "gemeente", "blad": "gmb"}
Promise = Callable[[KennisgevingStore], Awaitable[None]]


@pytest.mark.parametrize("promise", contract.CONTRACT, ids=lambda promise: promise.__name__)
async def test_the_store_keeps_the_promise_that(promise: Promise, world: World) -> None:
    await promise(PostgresKennisgevingen(world.pool))


async def test_of_many_that_claim_at_once_each_gets_others(world: World) -> None:
    store = PostgresKennisgevingen(world.pool)
    made = [await contract.planned(store, replace(contract.KEY, number=number)) for number in range(1, 21)]
    claims = await asyncio.gather(*(store.claim(contract.NOW, 5, 100) for _ in range(8)))
    claimed = [row.id for claim in claims for row in claim]
    assert len(claimed) == len(set(claimed))
    rest = await store.claim(contract.NOW, 100, 100)
    assert sorted([*claimed, *(row.id for row in rest)]) == [row.id for row in made]


async def test_two_that_draft_the_same_at_once_make_one(world: World) -> None:
    store = PostgresKennisgevingen(world.pool)
    made = await asyncio.gather(*(store.draft(contract.KEY, contract.TEXT, contract.WHO) for _ in range(6)))
    assert len({row.id for row, _ in made}) == 1
    assert [new for _, new in made].count(True) == 1


async def test_a_request_that_is_sent_again_and_again_is_kept_once(world: World) -> None:
    store = PostgresKennisgevingen(world.pool)
    await contract.planned(store)
    for _ in range(3):
        [row] = await store.claim(contract.NOW, 1, 1)
        assert await store.began(row, contract.SENT, contract.NOW)
        await store.settle(row, KennisgevingEvent.NOT_SENT, Facts(due_at=contract.NOW), contract.NOW)
    assert (await world.count("kennisgeving_attempt"), await world.count("kennisgeving_request")) == (3, 1)


async def test_of_many_that_begin_one_attempt_at_once_one_may_send(world: World) -> None:
    store = PostgresKennisgevingen(world.pool)
    row = await contract.sending(store)
    began = await asyncio.gather(*(store.began(row, contract.SENT, contract.NOW) for _ in range(6)))
    assert began.count(True) == 1


async def test_what_is_to_be_drafted_is_of_who_publishes_delivered_and_not_settled(world: World) -> None:
    store, place = PostgresKennisgevingen(world.pool), contract_world(world)
    for number in ("1", "2", "3", "4"):
        version = await versions.whole(place, 0, number=number)
        if number != "4":
            await world.verzoeken.verzoek_delivered(version.id, f"map/{number}", contract.NOW)

    async def numbers(verzoeknummer: str | None = None) -> list[str]:
        return [each.origin.verzoeknummer for each in await store.undrafted(10, verzoeknummer)]

    async def publish_in(omgeving: str) -> None:
        drop = AansluitingEntry(GEMEENTE, "drop", omgeving, GEMEENTE, {}, {}, publishing=PUBLISHING)
        await world.registry.apply(difference(await world.registry.entries(), [drop]), contract.NOW)

    await publish_in("sandbox-prod")
    assert await numbers() == [], "nobody publishes there"
    await publish_in("sandbox-pre")
    assert await numbers() == ["1", "2", "3"]
    await store.none_for(Origin(1, "1"), "Het is een TEST.", None, contract.NOW)
    await store.not_drafted(Origin(1, "2"), NotDrafted("x", "Doe iets.", 2), contract.NOW)
    await store.draft(contract.KEY, contract.TEXT, contract.WHO, Origin(1, "3"))
    assert await numbers() == []
    assert (await numbers("1"), await numbers("2"), await numbers("3")) == (["1"], ["2"], [])
    async with world.pool.connection() as connection:
        await connection.execute("UPDATE verzoek_file SET blob = NULL, purged_at = fetched_at")
    assert [each.xml for each in await store.undrafted(10, "2")] == [None]


async def test_what_a_kennisgeving_cannot_be_the_database_refuses(world: World) -> None:
    store = PostgresKennisgevingen(world.pool)
    made = await contract.planned(store)
    async with world.pool.connection() as connection:
        for wrong in ("state = 'published'", "state = 'lost'", "publication = 'gmb-2026-1'", "state = 'sending'"):
            with pytest.raises(psycopg.errors.CheckViolation):
                await connection.execute(f"UPDATE kennisgeving SET {wrong} WHERE id = {made.id}".encode())
