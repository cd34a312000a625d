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
from tests.unit.flows import test_desk as desks
from tests.unit.flows import verzoek_store_contract as versions
from tests.unit.flows.test_drafting import DROP
from tests.unit.stam.documents import verzoek_xml

from digikoppelaar.adapters.postgres.kennisgevingen import PostgresKennisgevingen
from digikoppelaar.errors import StorageError
from digikoppelaar.flows.kennisgeving_states import KennisgevingEvent
from digikoppelaar.flows.ports import CaseSystemSettings
from digikoppelaar.flows.ports.kennisgevingen import Facts, KennisgevingFilter, KennisgevingStore, NotDrafted, Origin
from digikoppelaar.flows.registration import AansluitingEntry, difference

PUBLISHING = {"stage": "poc", "naam": "Voorbeeldstad", "bestuurslaag": "gemeente", "blad": "gmb"}
DIES_AT_APPROVAL = """
CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_terminate_backend(pg_backend_pid());
    RETURN NEW;
END $$;
CREATE TRIGGER dies BEFORE INSERT ON kennisgeving_log FOR EACH ROW WHEN (NEW.event = 'approved') EXECUTE FUNCTION die();
"""
"""From now on whoever tells of an approval loses the connection there and then, as when a process is killed."""
WAITS_AFTER_DRAFTING = """
CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(1);
    RETURN NULL;
END $$;
CREATE TRIGGER waits AFTER INSERT ON kennisgeving FOR EACH STATEMENT EXECUTE FUNCTION wait();
"""
"""Who tried to draft waits there while somebody holds lock 1, also when there was one already."""
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


async def test_of_many_that_find_one_publication_at_once_for_one_case_one_has_it(world: World) -> None:
    store = PostgresKennisgevingen(world.pool)
    rows = [await contract.accepted(store, replace(contract.KEY, number=number)) for number in range(1, 6)]
    await asyncio.gather(*(store.looked(row.id, contract.NOW, contract.PUBLISHED, contract.NOW) for row in rows))
    states = [row.state for row in await store.kennisgevingen(KennisgevingFilter())]
    assert sorted(states) == ["accepted"] * 4 + ["published"]


async def test_what_is_cancelled_at_the_moment_of_drafting_it_again_makes_room(world: World) -> None:
    store = PostgresKennisgevingen(world.pool)
    old, _ = await store.draft(contract.KEY, contract.TEXT, contract.WHO)
    async with await psycopg.AsyncConnection.connect(world.url, autocommit=True) as connection:
        await connection.execute(WAITS_AFTER_DRAFTING)
        await connection.execute("SELECT pg_advisory_lock(1)")
        drafting = asyncio.create_task(store.draft(contract.KEY, contract.TEXT, contract.WHO))
        waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 1 AND NOT granted"
        while not await (await connection.execute(waiting)).fetchone():
            assert not drafting.done()
            await asyncio.sleep(0.01)
        await store.move(old.id, KennisgevingEvent.CANCELLED, contract.WHO, Facts())
        await connection.execute("SELECT pg_advisory_unlock(1)")
    made, new = await drafting
    assert (new, made.state, made.id == old.id) == (True, "draft", False)


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


async def test_who_dies_between_the_draft_and_its_approval_leaves_neither_and_the_next_round_makes_both_once(
    world: World,
) -> None:
    store, here = PostgresKennisgevingen(world.pool), desks.World(replace(DROP, id=3, publishing=desks.AUTOMATIC))
    version = await versions.whole(contract_world(world), 0)
    await world.verzoeken.verzoek_delivered(version.id, "map/1", contract.NOW)
    drop = AansluitingEntry(GEMEENTE, "drop", "sandbox-pre", GEMEENTE, {}, {}, publishing=PUBLISHING)
    await world.registry.apply(difference(await world.registry.entries(), [drop]), contract.NOW)
    [undrafted] = await store.undrafted(10)
    assert undrafted.xml
    await here.blobs.put_all({undrafted.xml: verzoek_xml()})
    desk = replace(here.desk, store=store)
    async with world.pool.connection() as connection:
        await connection.execute(DIES_AT_APPROVAL)
    with pytest.raises(StorageError):
        await desk.draft_new(10)
    assert await world.count("kennisgeving") == 0
    async with world.pool.connection() as connection:
        await connection.execute("DROP TRIGGER dies ON kennisgeving_log")
    assert [await desk.draft_new(10) for _ in range(2)] == [1, 0]
    [row] = await store.kennisgevingen(KennisgevingFilter())
    assert row.state == "planned"
    assert [line.event for line in await store.log(row.id)] == ["drafted", "approved"]


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
    assert [each.origin.verzoeknummer for each in await store.undrafted(1, skip=1)] == ["2"]
    assert (await store.undrafted(1))[0].case_system == CaseSystemSettings("folder", {"path": "/zaken"})
    await store.none_for(Origin(1, "1"), "Het is een TEST.", None, contract.NOW)
    await store.not_drafted(Origin(1, "2"), NotDrafted("x", "Doe iets.", 2), contract.NOW)
    drafted, _ = await store.draft(contract.KEY, contract.TEXT, contract.WHO, Origin(1, "3"))
    assert await numbers() == []
    assert (await numbers("1"), await numbers("2"), await numbers("3")) == (["1"], ["2"], [])
    await store.move(drafted.id, KennisgevingEvent.CANCELLED, contract.WHO, Facts())
    assert (await numbers(), await numbers("3")) == ([], ["3"]), "again by hand, and never by itself"
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
