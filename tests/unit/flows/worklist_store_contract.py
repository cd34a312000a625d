"""What every WorklistStore must do. The twin in memory and the store in PostgreSQL both run these."""

from datetime import date, timedelta

from tests.unit.ebms.cpas import GEMEENTE
from tests.unit.flows.verzoek_store_contract import NOW

from digikoppelaar.flows.worklist_mail import LEASE, WorklistStore

DAY = date(2026, 6, 2)
LATER = NOW + LEASE


async def an_item_is_claimed_once_until_the_claim_lapses(store: WorklistStore) -> None:
    await store.keep(GEMEENTE, ["a", "b"], NOW)
    assert sorted(await store.claim(GEMEENTE, NOW)) == ["a", "b"]
    assert list(await store.claim(GEMEENTE, LATER - timedelta(seconds=1))) == []
    assert sorted(await store.claim(GEMEENTE, LATER)) == ["a", "b"]


async def what_was_told_is_not_told_again(store: WorklistStore) -> None:
    await store.keep(GEMEENTE, ["a", "b"], NOW)
    await store.claim(GEMEENTE, NOW)
    await store.told(GEMEENTE, ["a"], NOW)
    await store.keep(GEMEENTE, ["a", "b"], LATER)
    assert list(await store.claim(GEMEENTE, LATER)) == ["b"]


async def what_is_gone_is_closed_and_new_when_it_comes_back(store: WorklistStore) -> None:
    await store.keep(GEMEENTE, ["a", "b"], NOW)
    await store.claim(GEMEENTE, NOW)
    await store.told(GEMEENTE, ["a", "b"], NOW)
    await store.keep(GEMEENTE, ["b"], NOW)
    await store.keep(GEMEENTE, ["a", "b"], NOW)
    assert list(await store.claim(GEMEENTE, NOW)) == ["a"]
    await store.keep(GEMEENTE, [], NOW)
    assert list(await store.claim(GEMEENTE, LATER)) == []


async def a_digest_goes_once_a_day(store: WorklistStore) -> None:
    assert await store.claim_digest(GEMEENTE, DAY, NOW)
    assert not await store.claim_digest(GEMEENTE, DAY, NOW)
    assert await store.claim_digest(GEMEENTE, DAY, LATER)
    await store.digest_told(GEMEENTE, DAY, LATER)
    assert not await store.claim_digest(GEMEENTE, DAY, LATER + LEASE)
    assert await store.claim_digest(GEMEENTE, DAY + timedelta(days=1), NOW)


async def only_who_has_addresses_is_told(store: WorklistStore) -> None:
    assert await store.recipients() == {}


CONTRACT = (
    an_item_is_claimed_once_until_the_claim_lapses,
    what_was_told_is_not_told_again,
    what_is_gone_is_closed_and_new_when_it_comes_back,
    a_digest_goes_once_a_day,
    only_who_has_addresses_is_told,
)
