"""What every StageStore must do. The twin in memory and the store in PostgreSQL both run these."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

from tests.unit.flows.kennisgeving_store_contract import KEY, SENT, WHO, planned
from tests.unit.flows.verzoek_store_contract import NOW

from digikoppelaar.flows.kennisgeving_states import KennisgevingEvent as Event
from digikoppelaar.flows.ports.kennisgevingen import Answer, Facts, KennisgevingStore, Publication
from digikoppelaar.flows.ports.stages import MOST, Confirmed, StageStore

Promise = Callable[[KennisgevingStore, StageStore], Awaitable[None]]
MINUTE = timedelta(minutes=1)
TYPE = SENT.documenttype
WORD = Confirmed(1, "poc", TYPE, "een medewerker", NOW, "mail van 3 juni")


async def sent(
    store: KennisgevingStore, number: int, event: Event, facts: Facts, stage: str = "poc", aansluiting_id: int = 1
) -> int:
    """A kennisgeving that was sent in a stage, and what became of it a few minutes later."""
    made = await planned(store, replace(KEY, aansluiting_id=aansluiting_id, number=number))
    [row] = await store.claim(NOW, 1, 10)
    assert row.id == made.id
    assert await store.began(row, replace(SENT, stage=stage), NOW)
    assert await store.settle(row, event, facts, NOW + number * MINUTE)
    return row.id


async def what_koop_has_counts_in_the_stage_in_which_it_was_sent(store: KennisgevingStore, stages: StageStore) -> None:
    taken = Facts(dossiernummer="41", answer=Answer(200, b"<ok/>", 5))
    await sent(store, 3, Event.ACCEPTED, taken)
    await sent(store, 2, Event.ACCEPTED, replace(taken, dossiernummer="42"), stage="tst-leverancier")
    await sent(store, 1, Event.ACCEPTED, replace(taken, dossiernummer="43"), aansluiting_id=2)
    await sent(store, 4, Event.REFUSED, Facts(answer=Answer(500, b"<fout/>", 7)))
    await sent(store, 5, Event.UNANSWERED, Facts(due_at=NOW))
    found = await stages.delivered([1, 2])
    assert [(each.aansluiting_id, each.stage, each.dossiernummer) for each in found] == [
        (2, "poc", "43"),
        (1, "tst-leverancier", "42"),
        (1, "poc", "41"),
    ]
    assert {each.documenttype for each in found} == {TYPE}
    assert found[2].at == NOW + 3 * MINUTE
    assert [each.dossiernummer for each in await stages.delivered([1], ["poc", "productie"])] == ["41"]
    assert await stages.delivered([1], []) == []
    assert await stages.delivered([]) == []


async def what_was_found_without_an_answer_counts_too(store: KennisgevingStore, stages: StageStore) -> None:
    made = await sent(store, 1, Event.UNANSWERED, Facts(due_at=NOW))
    await store.looked(made, NOW, Publication("gmb-2026-1", "https://p.example", NOW.date()), NOW + MINUTE)
    [one] = await stages.delivered([1])
    assert (one.dossiernummer, one.at) == ("", NOW)


async def an_attempt_that_came_after_decides_the_stage(store: KennisgevingStore, stages: StageStore) -> None:
    made = await sent(store, 1, Event.REFUSED, Facts())
    await store.move(made, Event.RESUMED, WHO, Facts(due_at=NOW))
    [row] = await store.claim(NOW, 1, 10)
    await store.began(row, replace(SENT, stage="productie"), NOW)
    await store.settle(row, Event.ACCEPTED, Facts(dossiernummer="41"), NOW)
    assert [each.stage for each in await stages.delivered([1])] == ["productie"]


async def of_many_the_first_few_are_told(store: KennisgevingStore, stages: StageStore) -> None:
    for number in range(1, MOST + 3):
        await sent(store, number, Event.ACCEPTED, Facts(dossiernummer=str(number), answer=Answer(200, b"", 0)))
    assert [each.dossiernummer for each in await stages.delivered([1])] == [str(n) for n in range(1, MOST + 1)]


async def a_word_is_on_record_once_with_who_gave_it_first(store: KennisgevingStore, stages: StageStore) -> None:
    del store
    assert await stages.confirm(WORD)
    assert not await stages.confirm(replace(WORD, by="een ander"))
    assert await stages.confirm(replace(WORD, stage="productie", at=NOW - MINUTE))
    assert await stages.confirm(replace(WORD, aansluiting_id=2))
    assert await stages.confirmed([1]) == [replace(WORD, stage="productie", at=NOW - MINUTE), WORD]
    assert await stages.confirmed([2], ["poc"]) == [replace(WORD, aansluiting_id=2)]
    assert await stages.confirmed([2], ["productie"]) == []


CONTRACT: tuple[Promise, ...] = (
    what_koop_has_counts_in_the_stage_in_which_it_was_sent,
    what_was_found_without_an_answer_counts_too,
    an_attempt_that_came_after_decides_the_stage,
    of_many_the_first_few_are_told,
    a_word_is_on_record_once_with_who_gave_it_first,
)
