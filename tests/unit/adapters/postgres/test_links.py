"""The link store keeps the contract of its twin, and what a person did is to be seen."""

from collections.abc import Awaitable, Callable

import pytest
from tests.unit.adapters.postgres.test_verzoeken import contract_world
from tests.unit.adapters.postgres.world import NOW, World
from tests.unit.flows import link_store_contract as contract
from tests.unit.flows import verzoek_store_contract as versions

from digikoppelaar.adapters.postgres.links import PostgresLinks
from digikoppelaar.flows.ports.repair import LinkStore
from digikoppelaar.flows.reading import InterventionRow, LinkRow


@pytest.mark.parametrize("promise", contract.CONTRACT, ids=lambda promise: promise.__name__)
async def test_the_store_keeps_the_promise_that(promise: Callable[[LinkStore], Awaitable[None]], world: World) -> None:
    await promise(PostgresLinks(world.pool))


async def test_the_page_of_a_verzoek_shows_its_links_and_what_was_done_by_hand(world: World) -> None:
    _, verzoek = await versions.parked_verzoek(contract_world(world))
    store = PostgresLinks(world.pool)
    await store.link([contract.LINK], contract.WHO)
    page = await world.reading.verzoek(verzoek.aansluiting.id, verzoek.verzoeknummer)
    assert page
    link = contract.LINK
    assert page.links == (LinkRow(link.target, link.case_reference, NOW, "een beheerder"),)
    await store.unlink(link.aansluiting_id, link.verzoeknummer, None, contract.WHO)
    page = await world.reading.verzoek(verzoek.aansluiting.id, verzoek.verzoeknummer)
    assert page
    detail = f"map {link.case_reference}"
    assert page.links == ()
    assert page.interventions == tuple(
        InterventionRow(NOW, "een beheerder", name, detail) for name in ("linked", "unlinked")
    )
