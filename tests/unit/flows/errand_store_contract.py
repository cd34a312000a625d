"""What every store of errands does; the fixture `store` gives one, `aansluiting_id` an aansluiting on record."""

from datetime import UTC, datetime, timedelta

from digikoppelaar.flows.errand_states import ErrandState
from digikoppelaar.flows.ports.errands import Errand, ErrandKey, ErrandKind, Errands

NOW = datetime(2026, 6, 2, 9, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)


def key(aansluiting_id: int, subject: str = "afdruk") -> ErrandKey:
    return ErrandKey(aansluiting_id, ErrandKind.CPA_REQUEST, subject)


class ErrandStoreContract:
    async def test_what_is_begun_is_on_record_and_another_may_not_be_about_it(
        self, store: Errands, aansluiting_id: int
    ) -> None:
        which = key(aansluiting_id)
        assert await store.begin(which, NOW, forsaken=NOW - timedelta(minutes=1))
        assert await store.errands(aansluiting_id) == [Errand(which, ErrandState.BEGUN, NOW, NOW)]
        assert not await store.begin(which, LATER, forsaken=NOW - timedelta(minutes=1))
        assert await store.begin(which, LATER, forsaken=NOW)
        assert await store.errands(aansluiting_id) == [Errand(which, ErrandState.BEGUN, LATER, LATER)]

    async def test_an_answer_stays_and_is_replaced_by_a_newer_one(self, store: Errands, aansluiting_id: int) -> None:
        which = key(aansluiting_id)
        await store.begin(which, NOW, forsaken=NOW)
        await store.answered(which, {"id": "31"}, NOW)
        await store.answered(which, {"id": "31", "state": "made"}, LATER)
        [found] = await store.errands(aansluiting_id)
        assert found == Errand(which, ErrandState.DONE, NOW, LATER, {"id": "31", "state": "made"})

    async def test_a_failure_says_why_until_it_is_begun_again(self, store: Errands, aansluiting_id: int) -> None:
        which = key(aansluiting_id)
        await store.begin(which, NOW, forsaken=NOW)
        await store.failed(which, "answered 403", "Vraag een machtiging.", NOW)
        [found] = await store.errands(aansluiting_id)
        assert (found.state, found.reason, found.advice) == (
            ErrandState.FAILED,
            "answered 403",
            "Vraag een machtiging.",
        )
        assert await store.begin(which, LATER, forsaken=NOW - timedelta(days=1))
        assert await store.errands(aansluiting_id) == [Errand(which, ErrandState.BEGUN, LATER, LATER)]

    async def test_what_was_done_may_be_begun_again_and_keeps_its_outcome(
        self, store: Errands, aansluiting_id: int
    ) -> None:
        which = key(aansluiting_id)
        await store.begin(which, NOW, forsaken=NOW)
        await store.answered(which, {"id": "31"}, NOW)
        assert await store.begin(which, LATER, forsaken=NOW - timedelta(days=1))
        assert await store.errands(aansluiting_id) == [Errand(which, ErrandState.BEGUN, LATER, LATER, {"id": "31"})]

    async def test_what_is_not_on_record_or_not_begun_is_not_changed(self, store: Errands, aansluiting_id: int) -> None:
        which = key(aansluiting_id)
        await store.answered(which, {"id": "31"}, NOW)
        assert await store.errands(aansluiting_id) == []
        await store.begin(which, NOW, forsaken=NOW)
        await store.answered(which, {"id": "31"}, NOW)
        await store.failed(which, "te laat", "", LATER)
        assert [each.state for each in await store.errands(aansluiting_id)] == [ErrandState.DONE]

    async def test_the_last_that_changed_comes_first_and_another_aansluiting_sees_nothing(
        self, store: Errands, aansluiting_id: int
    ) -> None:
        for minutes, subject in enumerate(("een", "twee")):
            await store.begin(key(aansluiting_id, subject), NOW + timedelta(minutes=minutes), forsaken=NOW)
        assert [each.key.subject for each in await store.errands(aansluiting_id)] == ["twee", "een"]
        assert await store.errands(aansluiting_id + 100) == []
