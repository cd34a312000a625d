"""The twin keeps the contract of VerzoekStore."""

from collections.abc import Awaitable, Callable, Sequence

import pytest
from tests.unit.flows.verzoek_store_contract import CONTRACT, NOW, World

from digikoppelaar.adapters.memory.verzoeken import MemoryVerzoeken
from digikoppelaar.flows.ports import Aansluiting, NewNotification

OIN = "00000099000000001000"
AANSLUITINGEN = [
    Aansluiting(number, OIN, "Gemeente Voorbeeldstad", "stam", omgeving, OIN, None, None)
    for number, omgeving in enumerate(("pre", "prod"), start=1)
]


def world_of(store: MemoryVerzoeken) -> World:
    async def notify(which: int, verzoeknummer: str) -> int:
        return store.announce(AANSLUITINGEN[which], NewNotification(verzoeknummer), NOW)

    async def jobs() -> Sequence[int]:
        return store.delivery_jobs

    async def fetches() -> Sequence[int]:
        return store.fetch_jobs

    async def shown(notification_id: int | None, verzoek_id: int | None) -> str | None:
        troubles = store.notification_troubles if notification_id else store.verzoek_troubles
        trouble = troubles.get(notification_id or verzoek_id or 0)
        return trouble.reason if trouble else None

    return World(store, notify, jobs, fetches, shown, store.links)


@pytest.mark.parametrize("promise", CONTRACT, ids=lambda promise: promise.__name__)
async def test_the_twin_keeps_the_promise_that(promise: Callable[[World], Awaitable[None]]) -> None:
    await promise(world_of(MemoryVerzoeken()))


async def test_a_notification_that_could_not_be_read_is_parked_at_once() -> None:
    store = MemoryVerzoeken()
    number = store.announce(AANSLUITINGEN[0], NewNotification("", "no verzoeknummer"), NOW)
    assert (await store.notification(number)).state == "parked"
    assert store.notification_troubles[number].reason == "no verzoeknummer"
