"""The twins keep the contracts of MessageStore and Registry."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from tests.unit.ebms.cpas import DSO, GEMEENTE
from tests.unit.flows.message_store_contract import CONTRACT
from tests.unit.flows.stored_messages import AGREEMENT, PRE, PROD, Promise, World

from digikoppelaar.adapters.memory.messages import MemoryMessages, MemoryRegistry
from digikoppelaar.flows.ports import Machtiging


def world_of(store: MemoryMessages) -> World:
    async def notifications() -> Sequence[tuple[int, str, str | None]]:
        stored = store.inbound.values()
        jobs = [(each.message.cpa.aansluiting.id, each.job) for each in stored if each.job]
        return [(aansluiting_id, job.verzoeknummer, job.problem) for aansluiting_id, job in jobs]

    async def shown(message_id: str) -> str | None:
        found = await store.find_outbound(PRE, message_id)
        return (store.outbound[found.id].reason or None) if found else None

    async def events() -> Sequence[tuple[str, str]]:
        return [(event.type, event.message_id) for event in store.events]

    return World(store, PRE, PROD, notifications, events, shown)


@pytest.mark.parametrize("promise", CONTRACT, ids=lambda promise: promise.__name__)
async def test_the_twin_keeps_the_promise_that(promise: Promise) -> None:
    await promise(world_of(MemoryMessages()))


async def test_a_cpa_is_found_by_omgeving_and_name() -> None:
    registry = MemoryRegistry([PRE, PROD])
    assert await registry.cpa("sandbox-prod", AGREEMENT.cpa_id) is PROD
    assert await registry.cpa("pre", AGREEMENT.cpa_id) is None


async def test_a_machtiging_counts_in_its_own_omgeving_only() -> None:
    since = datetime(2026, 1, 1, tzinfo=UTC)
    registry = MemoryRegistry([], [Machtiging("sandbox-pre", DSO, GEMEENTE, since, "A. Tester")])
    assert await registry.acts_for("sandbox-pre", DSO) == {GEMEENTE}
    assert await registry.acts_for("sandbox-prod", DSO) == frozenset()
