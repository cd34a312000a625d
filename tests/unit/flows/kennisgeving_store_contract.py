"""What every KennisgevingStore must do. The twin in memory and the store in PostgreSQL both run these."""

from dataclasses import replace
from datetime import date, timedelta
from hashlib import sha256

import pytest
from tests.unit.flows.verzoek_store_contract import NOW

from digikoppelaar.errors import ConfigError, Conflict
from digikoppelaar.flows.kennisgeving_states import KennisgevingEvent as Event
from digikoppelaar.flows.ports.kennisgevingen import (
    Answer,
    Attempt,
    Facts,
    Judged,
    KennisgevingFilter,
    KennisgevingStore,
    Key,
    NotDrafted,
    Origin,
    Publication,
    Sent,
    StoredKennisgeving,
)
from digikoppelaar.flows.ports.repair import Who

WHO = Who("een medewerker", NOW)
KEY = Key(1, "Z2026-0001", "aanvraag", "gmb")
TEXT: dict[str, object] = {"titel": "Aanvraag: dakkapel"}
PUBLISHED = Publication(
    "gmb-2026-1", "https://publicaties.example/gmb-2026-1.html", date(2026, 6, 4), ("Andere titel.",)
)
MINUTE = timedelta(minutes=1)
SENT = Sent("poc", "Omgevingsvergunning | aanvraag", b"<request/>")
ANSWER = Answer(500, b"<html>", 9_000)


async def planned(store: KennisgevingStore, key: Key = KEY, origin: Origin | None = None) -> StoredKennisgeving:
    made, _ = await store.draft(key, TEXT, WHO, origin)
    return await store.move(made.id, Event.APPROVED, WHO, Facts(due_at=NOW))


async def sending(store: KennisgevingStore, key: Key = KEY, origin: Origin | None = None) -> StoredKennisgeving:
    made = await planned(store, key, origin)
    [claimed] = await store.claim(NOW, 10, 10)
    assert claimed.id == made.id
    return claimed


async def accepted(store: KennisgevingStore, key: Key = KEY, origin: Origin | None = None) -> StoredKennisgeving:
    sent = await sending(store, key, origin)
    assert await store.settle(sent, Event.ACCEPTED, Facts(due_at=NOW + MINUTE, dossiernummer="123"), NOW)
    return await store.kennisgeving(sent.id)


async def states(store: KennisgevingStore, kennisgeving_id: int) -> list[tuple[str, str, str | None]]:
    return [(line.event, line.state, line.by) for line in await store.log(kennisgeving_id)]


async def one_key_is_one_kennisgeving(store: KennisgevingStore) -> None:
    origin = Origin(2, "2026060200019")
    made, new = await store.draft(KEY, TEXT, WHO, origin)
    assert (new, made.state, made.document, made.origin) == (True, "draft", TEXT, origin)
    same, again = await store.draft(KEY, {"titel": "Iets anders"}, WHO)
    assert (same, again) == (made, False)
    other, new = await store.draft(replace(KEY, number=2), TEXT, WHO)
    assert new
    assert [row.id for row in await store.kennisgevingen(KennisgevingFilter())] == [other.id, made.id]
    [second] = await store.kennisgevingen(KennisgevingFilter(before=other.id))
    assert second.id == made.id
    about = KennisgevingFilter(verzoeknummer="2026060200019")
    assert [row.id for row in await store.kennisgevingen(about)] == [made.id]


async def what_is_approved_as_it_is_drafted_is_planned_and_another_draft_is_not(store: KennisgevingStore) -> None:
    approved = Judged(True, Facts(due_at=NOW, detail="title-long"))
    made, new = await store.draft(KEY, TEXT, WHO, judged=approved)
    assert (new, made.state, made.due_at) == (True, "planned", NOW)
    assert await store.draft(KEY, TEXT, WHO, judged=approved) == (made, False)
    assert await states(store, made.id) == [("drafted", "draft", WHO.name), ("approved", "planned", WHO.name)]
    by_hand, _ = await store.draft(replace(KEY, number=2), TEXT, WHO)
    assert await store.draft(replace(KEY, number=2), TEXT, WHO, judged=approved) == (by_hand, False)
    assert by_hand.state == "draft"


async def why_a_draft_waits_stays_until_somebody_approves_it(store: KennisgevingStore) -> None:
    waits = Judged(False, Facts(reason="title-long", advice="Bekijk haar.", detail="title-long"))
    made, _ = await store.draft(KEY, TEXT, WHO, judged=waits)
    assert (made.state, made.reason, made.advice) == ("draft", "title-long", "Bekijk haar.")
    assert [line.detail for line in await store.log(made.id)] == ["title-long"]
    assert (await store.move(made.id, Event.APPROVED, WHO, Facts(due_at=NOW))).reason is None


async def what_was_cancelled_makes_room_for_another(store: KennisgevingStore) -> None:
    made, _ = await store.draft(KEY, TEXT, WHO)
    await store.move(made.id, Event.CANCELLED, WHO, Facts(detail="dubbel"))
    other, new = await store.draft(KEY, TEXT, WHO)
    assert (new, other.id) != (False, made.id)
    assert [row.id for row in await store.kennisgevingen(KennisgevingFilter(state="cancelled"))] == [made.id]


async def another_text_has_to_be_approved_again(store: KennisgevingStore) -> None:
    made = await planned(store)
    edited = await store.edit(made.id, {"titel": "Aanvraag: uitbouw"}, WHO)
    assert (edited.state, edited.document) == ("draft", {"titel": "Aanvraag: uitbouw"})
    assert await store.claim(NOW, 10, 10) == []
    assert await states(store, made.id) == [
        ("drafted", "draft", WHO.name),
        ("approved", "planned", WHO.name),
        ("edited", "draft", WHO.name),
    ]


async def what_somebody_did_not_see_is_not_approved_nor_written_over(store: KennisgevingStore) -> None:
    made, _ = await store.draft(KEY, TEXT, WHO)
    await store.edit(made.id, {"titel": "Aanvraag: uitbouw"}, WHO)
    with pytest.raises(Conflict, match="was changed meanwhile"):
        await store.move(made.id, Event.APPROVED, WHO, Facts(due_at=NOW), TEXT)
    with pytest.raises(Conflict, match="was changed meanwhile"):
        await store.edit(made.id, {"titel": "Aanvraag: kap"}, WHO, TEXT)
    seen = (await store.kennisgeving(made.id)).document
    assert (await store.move(made.id, Event.APPROVED, WHO, Facts(due_at=NOW), seen)).state == "planned"


async def what_koop_may_have_is_not_edited_or_cancelled(store: KennisgevingStore) -> None:
    sent = await sending(store)
    with pytest.raises(Conflict, match="is sending, so it cannot be edited"):
        await store.edit(sent.id, {}, WHO)
    with pytest.raises(Conflict, match="is sending, so it cannot be cancelled"):
        await store.move(sent.id, Event.CANCELLED, WHO, Facts())
    assert (await store.kennisgeving(sent.id)).document == TEXT


async def what_is_due_is_claimed_once_and_the_attempt_is_on_record(store: KennisgevingStore) -> None:
    made = await planned(store)
    assert await store.claim(NOW - MINUTE, 10, 10) == []
    [claimed] = await store.claim(NOW + MINUTE, 10, 10)
    assert (claimed.id, claimed.state, claimed.attempts, claimed.begun_at) == (made.id, "sending", 1, NOW + MINUTE)
    assert await store.claim(NOW + MINUTE, 10, 10) == []
    assert await store.kennisgeving(made.id) == claimed


async def one_aansluiting_takes_no_more_than_its_share(store: KennisgevingStore) -> None:
    mine = [await planned(store, replace(KEY, number=number)) for number in (1, 2, 3)]
    other = await planned(store, replace(KEY, aansluiting_id=2))
    assert {row.id for row in await store.claim(NOW, 10, 2)} == {mine[0].id, mine[1].id, other.id}
    assert await store.claim(NOW, 10, 2) == []
    assert await store.settle(await store.kennisgeving(mine[0].id), Event.ACCEPTED, Facts(dossiernummer="1"), NOW)
    assert [row.id for row in await store.claim(NOW, 10, 2)] == [mine[2].id]


async def what_did_not_arrive_is_planned_again(store: KennisgevingStore) -> None:
    sent = await sending(store)
    later = Facts(due_at=NOW + MINUTE, reason="no connection", advice="Wacht.")
    assert await store.settle(sent, Event.NOT_SENT, later, NOW)
    row = await store.kennisgeving(sent.id)
    assert (row.state, row.due_at, row.reason, row.advice) == ("planned", NOW + MINUTE, "no connection", "Wacht.")
    [again] = await store.claim(NOW + MINUTE, 10, 10)
    assert (again.attempts, again.reason) == (2, None)


async def an_answer_to_an_earlier_attempt_moves_nothing_and_is_not_forgotten(store: KennisgevingStore) -> None:
    first = await sending(store)
    await store.settle(first, Event.NOT_SENT, Facts(due_at=NOW), NOW)
    [second] = await store.claim(NOW, 10, 10)
    assert not await store.settle(first, Event.ACCEPTED, Facts(dossiernummer="999"), NOW)
    row = await store.kennisgeving(first.id)
    assert (row.state, row.attempts, row.dossiernummer) == ("sending", second.attempts, None)
    assert "999" in (await store.log(first.id))[-1].detail


async def what_an_attempt_sends_is_on_record_before_it_is_sent_and_once(store: KennisgevingStore) -> None:
    first = await sending(store)
    assert await store.attempts(first.id) == []
    assert await store.began(first, SENT, NOW)
    assert not await store.began(first, SENT, NOW), "another does the same"
    [attempt] = await store.attempts(first.id)
    assert attempt == Attempt(1, SENT.stage, SENT.documenttype, NOW, sha256(SENT.request).digest())
    assert await store.exchange(first.id, 1) == (SENT.request, None)
    await store.settle(first, Event.NOT_SENT, Facts(due_at=NOW), NOW)
    assert not await store.began(first, SENT, NOW), "it is not sending"
    [second] = await store.claim(NOW, 10, 10)
    assert not await store.began(replace(first, attempts=3), SENT, NOW), "that attempt is not made"
    assert await store.began(second, replace(SENT, stage="productie"), NOW + MINUTE)
    assert [(each.number, each.stage) for each in await store.attempts(first.id)] == [(1, "poc"), (2, "productie")]


async def an_answer_is_kept_with_its_attempt_also_when_it_comes_too_late(store: KennisgevingStore) -> None:
    first = await sending(store)
    await store.began(first, SENT, NOW)
    await store.forsaken(NOW + 2 * MINUTE, MINUTE, Facts(due_at=NOW))
    await store.move(first.id, Event.AGAIN, WHO, Facts(due_at=NOW))
    [second] = await store.claim(NOW, 10, 10)
    await store.began(second, SENT, NOW)
    assert not await store.settle(first, Event.REFUSED, Facts(answer=ANSWER), NOW + MINUTE)
    one, two = await store.attempts(first.id)
    assert (one.status, one.answered_at, one.answer_size) == (500, NOW + MINUTE, 9_000)
    assert one.answer_sha256 == sha256(ANSWER.body).digest()
    assert (two.status, two.answered_at, two.answer_sha256) == (None, None, None)
    assert await store.exchange(first.id, 1) == (SENT.request, ANSWER.body)
    assert await store.exchange(first.id, 2) == (SENT.request, None)


async def what_somebody_left_while_sending_is_unknown_and_never_sent_again_by_itself(store: KennisgevingStore) -> None:
    sent = await sending(store)
    assert await store.forsaken(NOW + MINUTE, 2 * MINUTE, Facts()) == []
    assert await store.forsaken(NOW + 2 * MINUTE, 2 * MINUTE, Facts(due_at=NOW, reason="no answer")) == [sent.id]
    row = await store.kennisgeving(sent.id)
    assert (row.state, row.reason) == ("unknown", "no answer")
    assert await store.claim(NOW + timedelta(days=365), 10, 10) == []
    again = await store.move(sent.id, Event.AGAIN, WHO, Facts(due_at=NOW))
    assert (again.state, again.reason) == ("planned", None)


async def an_answer_that_comes_late_still_counts(store: KennisgevingStore) -> None:
    sent = await sending(store)
    await store.forsaken(NOW + 2 * MINUTE, MINUTE, Facts(due_at=NOW))
    assert await store.settle(sent, Event.ACCEPTED, Facts(dossiernummer="123"), NOW)
    row = await store.kennisgeving(sent.id)
    assert (row.state, row.dossiernummer) == ("accepted", "123")


async def what_koop_has_is_looked_for_until_it_is_found(store: KennisgevingStore) -> None:
    row = await accepted(store)
    assert await store.sought(NOW, 10) == []
    assert [each.id for each in await store.sought(NOW + MINUTE, 10)] == [row.id]
    assert [each.id for each in await store.sought(NOW + MINUTE, 10, {row.key.aansluiting_id + 1})] == [row.id]
    assert await store.sought(NOW + MINUTE, 10, {row.key.aansluiting_id}) == []
    await store.looked(row.id, NOW + 2 * MINUTE, None, NOW + MINUTE)
    assert await store.sought(NOW + MINUTE, 10) == []
    await store.looked(row.id, NOW, PUBLISHED, NOW + 2 * MINUTE)
    found = await store.kennisgeving(row.id)
    assert (found.state, found.publication, found.dossiernummer) == ("published", PUBLISHED, "123")
    await store.looked(row.id, NOW, replace(PUBLISHED, number="gmb-2026-2"), NOW)
    assert (await store.kennisgeving(row.id)).publication == PUBLISHED
    assert await store.sought(NOW + timedelta(days=365), 10) == []


async def a_publication_is_of_one_and_another_is_looked_for_on(store: KennisgevingStore) -> None:
    first, other = await accepted(store), await accepted(store, replace(KEY, number=2))
    elsewhere = await accepted(store, replace(KEY, aansluiting_id=2))
    for row in (first, other, elsewhere):
        await store.looked(row.id, NOW + 5 * MINUTE, PUBLISHED, NOW)
    found = [await store.kennisgeving(row.id) for row in (first, other, elsewhere)]
    assert [row.state for row in found] == ["published", "accepted", "published"]
    assert (found[1].publication, found[1].due_at) == (None, NOW + 5 * MINUTE)
    assert [line.event for line in await store.log(other.id)][-1] == "accepted"
    await store.looked(other.id, NOW, replace(PUBLISHED, number="gmb-2026-2"), NOW)
    assert (await store.kennisgeving(other.id)).state == "published"


async def what_is_found_while_a_person_lets_it_be_sent_again_is_not_sent_again(store: KennisgevingStore) -> None:
    sent = await sending(store)
    await store.settle(sent, Event.UNANSWERED, Facts(due_at=NOW), NOW)
    await store.move(sent.id, Event.AGAIN, WHO, Facts(due_at=NOW))
    await store.looked(sent.id, NOW + MINUTE, None, NOW)
    assert (await store.kennisgeving(sent.id)).due_at == NOW
    await store.looked(sent.id, NOW + MINUTE, PUBLISHED, NOW)
    found = await store.kennisgeving(sent.id)
    assert (found.state, found.publication) == ("published", PUBLISHED)
    assert await store.claim(NOW, 10, 10) == []


async def that_there_is_to_be_none_is_news_once_and_settles_what_could_not_be_drafted(store: KennisgevingStore) -> None:
    one, other = Origin(1, "2026060200019"), Origin(2, "2026060200019")
    trouble = NotDrafted("telefoon not there", "Vul in: telefoon.", None)
    assert await store.none_for(one, "Het is een TEST.", None, NOW)
    await store.not_drafted(one, trouble, NOW)
    assert not await store.none_for(one, "Dubbel.", WHO, NOW)
    await store.not_drafted(other, trouble, NOW)
    await store.not_drafted(other, trouble, NOW)
    assert await store.none_for(other, "Dubbel.", WHO, NOW)
    assert not await store.none_for(other, "Dubbel.", WHO, NOW)


async def what_is_not_there_is_said_so(store: KennisgevingStore) -> None:
    with pytest.raises(ConfigError, match="no kennisgeving 12345"):
        await store.kennisgeving(12345)
    with pytest.raises(ConfigError, match="no kennisgeving 12345"):
        await store.move(12345, Event.HELD, WHO, Facts())
    with pytest.raises(ConfigError, match="12345 has no attempt 1"):
        await store.exchange(12345, 1)


CONTRACT = (
    one_key_is_one_kennisgeving,
    what_is_approved_as_it_is_drafted_is_planned_and_another_draft_is_not,
    why_a_draft_waits_stays_until_somebody_approves_it,
    what_was_cancelled_makes_room_for_another,
    another_text_has_to_be_approved_again,
    what_somebody_did_not_see_is_not_approved_nor_written_over,
    what_koop_may_have_is_not_edited_or_cancelled,
    what_is_due_is_claimed_once_and_the_attempt_is_on_record,
    one_aansluiting_takes_no_more_than_its_share,
    what_did_not_arrive_is_planned_again,
    an_answer_to_an_earlier_attempt_moves_nothing_and_is_not_forgotten,
    what_an_attempt_sends_is_on_record_before_it_is_sent_and_once,
    an_answer_is_kept_with_its_attempt_also_when_it_comes_too_late,
    what_somebody_left_while_sending_is_unknown_and_never_sent_again_by_itself,
    an_answer_that_comes_late_still_counts,
    what_koop_has_is_looked_for_until_it_is_found,
    a_publication_is_of_one_and_another_is_looked_for_on,
    what_is_found_while_a_person_lets_it_be_sent_again_is_not_sent_again,
    that_there_is_to_be_none_is_news_once_and_settles_what_could_not_be_drafted,
    what_is_not_there_is_said_so,
)
