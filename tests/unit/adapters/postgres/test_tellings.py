"""The telling store keeps the contract of its twin, also when two do something at once."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace

import psycopg
import pytest
from psycopg.types.json import Jsonb
from tests.unit.adapters.postgres.world import NOW, World
from tests.unit.flows import telling_store_contract as contract
from tests.unit.flows.kennisgeving_store_contract import KEY, PUBLISHED, WHO, accepted
from tests.unit.flows.verzoek_store_contract import FILES, version

from digikoppelaar.adapters.postgres.deliveries import PostgresDeliveries
from digikoppelaar.adapters.postgres.kennisgevingen import PostgresKennisgevingen
from digikoppelaar.adapters.postgres.links import PostgresLinks
from digikoppelaar.adapters.postgres.tellings import PostgresTellings
from digikoppelaar.flows.ports import PublishingSettings
from digikoppelaar.flows.ports.kennisgevingen import Origin
from digikoppelaar.flows.ports.repair import CaseLink

NUMBER = "2026060200019"
PUBLISHING = asdict(PublishingSettings("poc", "Voorbeeldstad", "gemeente", "gmb", webhook_url="https://app.example/"))


def place_of(world: World) -> contract.Place:
    deliveries = PostgresDeliveries(world.pool)
    pre, prod = world.pre.aansluiting.id, world.prod.aansluiting.id

    async def take(origin: Origin, target: str, case: str) -> None:
        notification = await world.notify(int(origin.aansluiting_id == prod), origin.verzoeknummer)
        verzoek = await world.verzoeken.start_verzoek(notification, version(origin.verzoeknummer), FILES, NOW)
        [row] = await deliveries.plan(verzoek.id, [target], NOW)
        await deliveries.delivered(row.id, case, NOW)

    async def connect() -> None:
        async with world.pool.connection() as connection:
            await connection.execute(
                "UPDATE aansluiting SET publishing = %s WHERE id = %s", [Jsonb(PUBLISHING), KEY.aansluiting_id]
            )

    stores = PostgresKennisgevingen(world.pool), PostgresTellings(world.pool)
    return contract.Place(*stores, Origin(pre, NUMBER), Origin(prod, NUMBER), take, connect)


@pytest.mark.parametrize("promise", contract.CONTRACT, ids=lambda promise: promise.__name__)
async def test_the_store_keeps_the_promise_that(
    promise: Callable[[contract.Place], Awaitable[None]], world: World
) -> None:
    await promise(place_of(world))


async def test_of_a_publication_and_a_delivery_at_once_either_sees_the_other(world: World) -> None:
    """Whichever commits first, the target is told once."""
    place, deliveries = place_of(world), PostgresDeliveries(world.pool)
    for number in range(20):
        origin = Origin(place.origin.aansluiting_id, f"20260602{number:05}")
        notification = await world.notify(0, origin.verzoeknummer)
        verzoek = await world.verzoeken.start_verzoek(notification, version(origin.verzoeknummer), FILES, NOW)
        [delivery] = await deliveries.plan(verzoek.id, ["zaken"], NOW)
        row = await accepted(place.kennisgevingen, replace(KEY, number=number + 1), origin)
        await asyncio.gather(
            place.kennisgevingen.looked(row.id, NOW, replace(PUBLISHED, number=f"gmb-2026-{number}"), NOW),
            deliveries.delivered(delivery.id, contract.CASE, NOW),
        )
        assert contract.receivers(list(await place.tellings.of(row.id))) == [("zaken", "published")]


async def test_of_many_that_claim_at_once_each_gets_others(world: World) -> None:
    place = place_of(world)
    for number in range(1, 13):
        origin = Origin(place.origin.aansluiting_id, f"20260602{number:05}")
        await place.take(origin, "zaken", contract.CASE)
        await contract.published(place, number, origin=origin)
    claims = await asyncio.gather(*(contract.claimed(place, 100) for _ in range(6)))
    assert sorted(each.row.id for claim in claims for each in claim) == list(range(1, 13))


async def test_a_case_that_a_person_linked_counts_and_one_that_is_made_anew_is_waited_for(world: World) -> None:
    place = place_of(world)
    await place.take(place.origin, "zaken", contract.CASE)
    await place.take(place.origin, "map", "pre/1-0")
    link = CaseLink(place.origin.aansluiting_id, NUMBER, "zaken", "ZAAK-2026-1")
    await PostgresLinks(world.pool).link([link], WHO)
    row = await contract.published(place)
    async with world.pool.connection() as connection:
        await connection.execute("UPDATE delivery SET case_reference = NULL WHERE target = 'map'")
    assert {each.row.target: each.case and each.case.reference for each in await contract.claimed(place)} == {
        "zaken": "ZAAK-2026-1",
        "map": None,
    }
    assert await place.tellings.again(row.id, WHO) == 0


async def test_who_has_something_told_again_is_in_the_log(world: World) -> None:
    place = place_of(world)
    await place.take(place.origin, "zaken", contract.CASE)
    row = await contract.published(place)
    [telling] = await contract.claimed(place)
    await place.tellings.failed(telling.row, "closed", "", None)
    await place.tellings.again(row.id, WHO)
    last = (await place.kennisgevingen.log(row.id))[-1]
    assert (last.event, last.state, last.by) == ("told_again", "published", WHO.name)


async def test_what_a_telling_cannot_be_the_database_refuses(world: World) -> None:
    place = place_of(world)
    await place.take(place.origin, "zaken", contract.CASE)
    await contract.published(place)
    async with world.pool.connection() as connection:
        for wrong in ("state = 'refused'", "state = 'draft'", "told_at = now()"):
            with pytest.raises(psycopg.errors.CheckViolation):
                await connection.execute(f"UPDATE telling SET {wrong}".encode())
