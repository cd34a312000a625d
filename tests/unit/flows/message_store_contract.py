"""What every MessageStore must do. The twin in memory and the store in PostgreSQL both run these.

Each function takes a `World` (stored_messages.py) with the store under test.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from dataclasses import replace
from random import Random
from string import ascii_letters, digits
from typing import Any
from unittest.mock import ANY

import pytest
from tests.unit.ebms.cpas import DSO
from tests.unit.flows.stored_messages import (
    LEASE,
    NOW,
    PAYLOADS,
    RELIABLE,
    SLOTS,
    VERZOEKNUMMER,
    Promise,
    World,
    after,
    claim,
    inbound_of,
    outbound_of,
    seen,
    settle,
    signalled,
    state_of,
)

from digikoppelaar.ebms import names
from digikoppelaar.ebms.envelope import LONGEST_MESSAGE_ID
from digikoppelaar.ebms.reliability import SIGNAL_WAITS, Event, State, Unacknowledged, attempts_allowed
from digikoppelaar.ebms.status import Found
from digikoppelaar.errors import StorageError
from digikoppelaar.flows.outbound import claimed_of
from digikoppelaar.flows.ports import (
    Claimed,
    Consumer,
    CpaRecord,
    Hole,
    NewNotification,
    NewOutbound,
    Recorded,
    Reply,
)

# --- coming in -----------------------------------------------------------------------------------------------


async def what_never_came_is_not_found(world: World) -> None:
    assert await world.store.find_inbound(world.pre, "m1") is None
    assert await world.store.find_outbound(world.pre, "a1") is None
    assert await world.store.next_due() is None
    assert await claim(world) == []


async def a_message_its_answer_and_its_notification_are_stored_together(world: World) -> None:
    inbound, answer = replace(inbound_of(world.pre, "m1"), payloads=PAYLOADS), outbound_of(world.pre, "a1")
    assert await world.store.record_inbound(inbound, answer, NewNotification(VERZOEKNUMMER))
    sent = await world.store.find_outbound(world.pre, "a1")
    assert sent
    assert (sent.message_id, sent.body, sent.content_type, sent.state) == ("a1", answer.body, "text/xml", "created")
    assert ((await seen(world, "m1")).fingerprint, (await seen(world, "m1")).answer_id) == (b"\1" * 32, sent.id)
    assert await world.notifications() == [(world.pre.aansluiting.id, VERZOEKNUMMER, None)]


async def a_message_may_have_no_answer_and_no_notification(world: World) -> None:
    assert await world.store.record_inbound(inbound_of(world.pre, "m1"), None, None)
    assert (await seen(world, "m1")).answer_id is None
    assert await world.notifications() == []


async def a_notification_that_cannot_be_read_is_kept_with_its_problem(world: World) -> None:
    job = NewNotification("", "no verzoeknummer")
    assert await world.store.record_inbound(inbound_of(world.pre, "m1"), None, job)
    assert await world.notifications() == [(world.pre.aansluiting.id, "", "no verzoeknummer")]


async def a_known_message_id_stores_nothing(world: World) -> None:
    job = NewNotification(VERZOEKNUMMER)
    assert await world.store.record_inbound(inbound_of(world.pre, "m1"), outbound_of(world.pre, "a1"), job)
    before = await seen(world, "m1")
    other = replace(inbound_of(world.pre, "m1"), fingerprint=b"\5" * 32, payloads=PAYLOADS)
    assert not await world.store.record_inbound(other, outbound_of(world.pre, "a2"), job)
    assert await seen(world, "m1") == before
    assert await world.store.find_outbound(world.pre, "a2") is None
    assert len(await world.notifications()) == 1


async def of_many_that_receive_the_same_message_at_once_one_stores_it(world: World) -> None:
    def receive(number: int) -> Awaitable[Recorded | None]:
        inbound, job = inbound_of(world.pre, "m1"), NewNotification(VERZOEKNUMMER)
        return world.store.record_inbound(inbound, outbound_of(world.pre, f"a{number}"), job)

    outcomes = await asyncio.gather(*map(receive, range(8)))
    assert len([outcome for outcome in outcomes if outcome]) == 1
    assert len(await world.notifications()) == 1
    answers = [await world.store.find_outbound(world.pre, f"a{number}") for number in range(8)]
    assert [answer.id for answer in answers if answer] == [(await seen(world, "m1")).answer_id]


async def the_same_names_in_two_omgevingen_never_meet(world: World) -> None:
    for cpa in (world.pre, world.prod):
        job = NewNotification(VERZOEKNUMMER)
        assert await world.store.record_inbound(inbound_of(cpa, "m1"), outbound_of(cpa, "a1"), job)
    assert {oin for oin, _, _ in await world.notifications()} == {world.pre.aansluiting.id, world.prod.aansluiting.id}
    assert sorted(claimed.omgeving for claimed in await claim(world)) == ["sandbox-pre", "sandbox-prod"]
    assert await signalled(world, Event.ACKNOWLEDGED, "s1") == State.ACKNOWLEDGED
    other = await world.store.find_outbound(world.prod, "a1")
    assert other
    assert other.state == State.SENDING
    assert await world.store.find_inbound(world.prod, "s1") is None


async def the_longest_message_id_is_still_a_key(world: World) -> None:
    longest = "".join(Random(1).choices(ascii_letters + digits, k=LONGEST_MESSAGE_ID))  # nothing to compress
    assert await world.store.record_inbound(inbound_of(world.pre, longest), None, None)
    assert not await world.store.record_inbound(inbound_of(world.pre, longest), None, None)


# --- going out -----------------------------------------------------------------------------------------------


async def a_message_id_of_ours_is_given_out_once(world: World) -> None:
    assert await world.store.queue_outbound(outbound_of(world.pre, "a1"))
    assert await world.store.queue_outbound(outbound_of(world.pre, "a1")) is None
    with pytest.raises(StorageError):
        await world.store.record_inbound(inbound_of(world.pre, "m1"), outbound_of(world.pre, "a1"), None)
    assert await world.store.find_inbound(world.pre, "m1") is None
    assert len(await claim(world)) == 1


async def an_attempt_is_handed_out_once_with_all_it_needs(world: World) -> None:
    message_row = await world.store.queue_outbound(
        outbound_of(world.pre, "a1", reliable=RELIABLE, time_to_live=after(60))
    )
    [claimed] = await claim(world)
    assert claimed == Claimed(
        id=message_row or 0,
        attempt=1,
        message_id="a1",
        omgeving="sandbox-pre",
        partij_oin=world.pre.aansluiting.partij_oin,
        partner=DSO,
        endpoint="https://dso.example/ebms",
        content_type="text/xml",
        body=b"<soap>\x00\xff</soap>",
        reliable=RELIABLE,
        time_to_live=ANY,
        cpa_id=world.pre.agreement.cpa_id,
    )
    assert claimed.time_to_live == after(60)
    assert await state_of(world) == State.SENDING
    assert await claim(world) == []


async def nothing_is_due_before_its_time(world: World) -> None:
    await world.store.queue_outbound(outbound_of(world.pre, "late", due_at=after(90)))
    await world.store.queue_outbound(outbound_of(world.pre, "a1", due_at=after(30)))
    assert await world.store.next_due() == after(30)
    assert await claim(world, 29) == []
    assert [claimed.message_id for claimed in await claim(world, 30)] == ["a1"]
    assert await world.store.next_due() == after(30) + LEASE
    await signalled(world, Event.ACKNOWLEDGED, "s1")
    assert await world.store.next_due() == after(90)


async def each_partner_has_its_own_slots_and_its_oldest_go_first(world: World) -> None:
    for number in range(8):
        for partner in ("hangs", "works"):
            name = f"{partner}-{number}"
            await world.store.queue_outbound(outbound_of(world.pre, name, partner=partner, due_at=after(-number)))
    claimed = await claim(world, hangs=3)
    assert [each.message_id for each in claimed] == ["hangs-7", "works-7", "works-6", "works-5", "works-4"]
    assert Counter(each.partner for each in await claim(world, hangs=4, works=2)) == {"works": 2}
    assert await claim(world, hangs=4, works=7) == [], "more busy than there are slots is no reason to fail"


async def claimers_at_the_same_time_never_get_the_same_attempt(world: World) -> None:
    for number in range(30):
        await world.store.queue_outbound(outbound_of(world.pre, f"a{number}", partner=f"p{number % 3}"))
    got: list[Claimed] = []

    async def claimer() -> None:
        while claimed := await claim(world):
            got.extend(claimed)

    await asyncio.gather(*(claimer() for _ in range(4)))
    assert sorted(each.message_id for each in got) == sorted(f"a{number}" for number in range(30))


async def a_lease_that_ran_out_makes_a_message_due_again(world: World) -> None:
    await world.store.queue_outbound(outbound_of(world.pre, "a1"))
    [first] = await claim(world)
    assert await claim(world, 44) == []
    [second] = await claim(world, 45)
    assert (second.attempt, second.body) == (2, first.body)
    await settle(world, first, Event.DELIVERED, 50)
    assert await state_of(world) == State.SENDING, "the second attempt is under way and decides"
    await settle(world, second, Event.DELIVERED, 50)
    assert await state_of(world) == State.DELIVERED
    assert await world.store.next_due() is None


async def a_report_after_the_lease_counts_while_nobody_made_the_attempt_again(world: World) -> None:
    await world.store.queue_outbound(outbound_of(world.pre, "a1"))
    [first] = await claim(world)
    full = {DSO: SLOTS}
    assert await claim(world, 60, **full) == []
    assert await state_of(world) == State.SENDING
    await settle(world, first, Event.DELIVERED, 61)
    assert await state_of(world) == State.DELIVERED
    assert await claim(world, 62) == []


async def an_attempt_that_found_nobody_is_made_again_after_a_while(world: World) -> None:
    await world.store.queue_outbound(outbound_of(world.pre, "a1"))
    [claimed] = await claim(world)
    await settle(world, claimed, Event.UNREACHABLE, detail="no connection")
    assert await state_of(world) == State.CREATED
    assert await world.shown("a1") == "no connection"
    assert await world.store.next_due() == NOW + SIGNAL_WAITS[0]


async def an_attempt_is_settled_once(world: World) -> None:
    await world.store.queue_outbound(outbound_of(world.pre, "a1", reliable=RELIABLE))
    [claimed] = await claim(world)
    await settle(world, claimed, Event.TRANSPORTED)
    await settle(world, claimed, Event.REFUSED, 10)
    assert await state_of(world) == State.SENT
    assert await world.store.next_due() == NOW + RELIABLE.retry_interval


async def a_refused_message_is_never_sent_again(world: World) -> None:
    await world.store.queue_outbound(outbound_of(world.pre, "a1", reliable=RELIABLE))
    [claimed] = await claim(world)
    await settle(world, claimed, Event.REFUSED, detail="unknown CPA")
    assert (await state_of(world), await world.shown("a1")) == (State.FAILED, "unknown CPA")
    assert await world.store.next_due() is None


async def a_message_without_attempts_left_fails_when_it_is_due(world: World) -> None:
    await world.store.queue_outbound(outbound_of(world.pre, "a1", reliable=RELIABLE))
    for number in range(2):
        [claimed] = await claim(world, 300 * number)
        await settle(world, claimed, Event.TRANSPORTED, 300 * number)
        assert await state_of(world) == State.SENT
    assert await claim(world, 599) == []
    assert await state_of(world) == State.SENT
    assert await claim(world, 600) == []
    assert (await state_of(world), await world.shown("a1")) == (State.FAILED, "no attempt left")


async def a_signal_fails_with_its_last_attempt_for_nothing_more_can_come(world: World) -> None:
    await world.store.queue_outbound(outbound_of(world.pre, "a1"))
    at = NOW
    for number in range(1, attempts_allowed(Unacknowledged.SIGNAL) + 1):
        assert await state_of(world) == State.CREATED
        [claimed] = await world.store.claim(at, LEASE, {}, SLOTS)
        assert claimed.attempt == number
        await world.store.settle_attempt(claimed, Event.UNREACHABLE, at, status=503, detail="busy")
        at = await world.store.next_due() or at
    assert (await state_of(world), await world.shown("a1")) == (State.FAILED, "busy")
    assert await world.store.next_due() is None


async def a_lost_attempt_of_a_reliable_message_counts_after_the_retry_interval(world: World) -> None:
    await world.store.queue_outbound(outbound_of(world.pre, "a1", reliable=RELIABLE))
    assert len(await claim(world)) == 1
    assert await world.store.next_due() == NOW + RELIABLE.retry_interval, "it may have arrived, so the partner has time"
    assert await claim(world, 299) == []
    assert len(await claim(world, 300)) == 1
    assert await claim(world, 599) == []
    assert await state_of(world) == State.SENDING
    assert await claim(world, 600) == []
    assert (await state_of(world), await world.shown("a1")) == (State.FAILED, "no attempt left")


async def a_message_whose_time_to_live_passed_expires(world: World) -> None:
    await world.store.queue_outbound(outbound_of(world.pre, "a1", reliable=RELIABLE, time_to_live=after(10)))
    await world.store.queue_outbound(outbound_of(world.pre, "a2", reliable=RELIABLE, time_to_live=after(11)))
    assert [claimed.message_id for claimed in await claim(world, 10)] == ["a2"]
    assert (await state_of(world), await world.shown("a1")) == (State.EXPIRED, "TimeToLive passed")


async def what_has_no_chance_left_ends_also_while_all_slots_are_taken(world: World) -> None:
    await world.store.queue_outbound(outbound_of(world.pre, "a1", reliable=RELIABLE, time_to_live=after(10)))
    full = {DSO: SLOTS}
    assert await claim(world, 10, **full) == []
    assert await state_of(world) == State.EXPIRED


# --- signals -------------------------------------------------------------------------------------------------


async def an_acknowledgment_overtakes_the_answer_to_its_own_post(world: World) -> None:
    await world.store.queue_outbound(outbound_of(world.pre, "a1", reliable=RELIABLE))
    [claimed] = await claim(world)
    assert await signalled(world, Event.ACKNOWLEDGED, "ack") == State.ACKNOWLEDGED
    await settle(world, claimed, Event.TRANSPORTED)
    assert await state_of(world) == State.ACKNOWLEDGED
    assert await world.store.next_due() is None


async def a_settled_message_keeps_its_state_and_the_signal_is_stored_all_the_same(world: World) -> None:
    await world.store.queue_outbound(outbound_of(world.pre, "a1", reliable=RELIABLE))
    assert await signalled(world, Event.ERROR_RECEIVED, "error", reason="SecurityFailure") == State.FAILED
    assert await signalled(world, Event.ACKNOWLEDGED, "late", reason="late") == State.FAILED
    assert await world.store.find_inbound(world.pre, "late")
    assert await world.shown("a1") == "SecurityFailure", "what was told to people does not change behind their backs"


async def a_signal_that_comes_twice_settles_once(world: World) -> None:
    await world.store.queue_outbound(outbound_of(world.pre, "a1", reliable=RELIABLE))
    for _ in range(2):
        assert await signalled(world, Event.ACKNOWLEDGED, "ack") == State.ACKNOWLEDGED
    assert await world.notifications() == []


async def a_signal_about_a_message_that_is_not_ours_stores_nothing(world: World) -> None:
    await world.store.queue_outbound(outbound_of(world.prod, "a1", reliable=RELIABLE))
    with pytest.raises(StorageError):
        await signalled(world, Event.ACKNOWLEDGED, "ack")
    assert await world.store.find_inbound(world.pre, "ack") is None


# --- answers again -------------------------------------------------------------------------------------------


async def a_repeated_question_makes_the_same_answer_due_with_a_fresh_series(world: World) -> None:
    await world.store.record_inbound(inbound_of(world.pre, "m1"), outbound_of(world.pre, "a1"), None)
    answer_id = (await seen(world, "m1")).answer_id
    assert answer_id
    [first] = await claim(world)
    await settle(world, first, Event.REFUSED, detail="gone")
    await world.store.repeat_answer(answer_id, after(3600))
    assert (await state_of(world), await world.shown("a1")) == (State.CREATED, None)
    assert await world.store.next_due() == after(3600)
    [again] = await claim(world, 3600)
    assert (again.attempt, again.body) == (1, first.body)
    await settle(world, again, Event.UNREACHABLE, 3600)
    assert await world.store.next_due() == after(3600) + SIGNAL_WAITS[0]


async def a_repeated_question_changes_nothing_while_its_answer_is_on_its_way(world: World) -> None:
    await world.store.record_inbound(inbound_of(world.pre, "m1"), outbound_of(world.pre, "a1"), None)
    [claimed] = await claim(world)
    await world.store.repeat_answer(claimed.id, after(1))
    assert await claim(world, 1) == []
    await world.store.repeat_answer(claimed.id, after(50))  # also when its lease ran out and nobody looked yet
    assert await state_of(world) == State.SENDING
    [second] = await claim(world, 50)
    assert second.attempt == 2
    await settle(world, second, Event.DELIVERED, 51)
    assert await state_of(world) == State.DELIVERED


async def what_is_not_there_is_a_storage_error(world: World) -> None:
    with pytest.raises(StorageError):
        await world.store.repeat_answer(999_999, NOW)
    nothing = Claimed(999_999, 1, "a1", "sandbox-pre", DSO, DSO, "https://dso.example/ebms", "text/xml", b"")
    with pytest.raises(StorageError):
        await settle(world, nothing, Event.DELIVERED)


# --- Applications, synchronous answers, first attempts -------------------------------------------------------


def for_application(cpa: CpaRecord) -> CpaRecord:
    """The CPA with an application as its consumer."""
    return replace(cpa, consumer=Consumer.REST)


def business_of(cpa: CpaRecord, message_id: str, **how: Any) -> NewOutbound:
    """A business message to send for an application."""
    message = outbound_of(for_application(cpa), message_id, reliable=RELIABLE)
    return replace(message, service="dso:notificaties:1.0", action="bevestig", **how)


async def an_application_hears_of_what_came_in_for_it_with_the_commit(world: World) -> None:
    cpa = for_application(world.pre)
    assert await world.store.record_inbound(inbound_of(cpa, "m1"), None, None)
    assert await world.store.record_inbound(inbound_of(cpa, "m1"), None, None) is None
    assert await world.events() == [("RECEIVED", "m1")]


async def what_is_not_for_an_application_is_not_told_to_one(world: World) -> None:
    cpa = for_application(world.pre)
    await world.store.record_inbound(inbound_of(cpa, "bad", error_code="SecurityFailure"), None, None)
    await world.store.record_inbound(replace(inbound_of(cpa, "ping"), service=names.MSH_SERVICE), None, None)
    await world.store.record_inbound(inbound_of(world.pre, "m1"), None, NewNotification(VERZOEKNUMMER))
    await world.store.queue_outbound(outbound_of(cpa, "a1"))
    [claimed] = await claim(world)
    await settle(world, claimed, Event.DELIVERED)
    assert await world.events() == []


async def an_application_hears_once_how_its_message_ended(world: World) -> None:
    for number in range(4):
        assert await world.store.queue_outbound(business_of(world.pre, f"a{number}", time_to_live=after(1000)))
    claims = await claim(world)
    await signalled(world, Event.ACKNOWLEDGED, "ack", "a0")
    await signalled(world, Event.ACKNOWLEDGED, "ack", "a0")
    await settle(world, claims[0], Event.TRANSPORTED)
    await settle(world, claims[1], Event.REFUSED)
    await signalled(world, Event.ERROR_RECEIVED, "error", "a2")
    await settle(world, claims[3], Event.TRANSPORTED)
    assert await claim(world, 1000) == []
    assert await world.events() == [("DELIVERED", "a0"), ("FAILED", "a1"), ("FAILED", "a2"), ("EXPIRED", "a3")]


async def a_best_effort_message_that_comes_again_is_told_again(world: World) -> None:
    inbound = inbound_of(for_application(world.pre), "m1")
    await world.store.record_inbound(inbound, None, None)
    await world.store.deliver_again(await seen(world, "m1"), inbound)
    assert await world.events() == [("RECEIVED", "m1")] * 2
    await world.store.record_inbound(inbound_of(world.pre, "m2"), None, None)
    await world.store.deliver_again(await seen(world, "m2"), inbound_of(world.pre, "m2"))
    assert len(await world.events()) == 2, "an intake has no events"


async def a_message_may_be_born_with_its_first_attempt(world: World) -> None:
    message = business_of(world.pre, "a1", state=State.SENDING, due_at=after(300))
    row = await world.store.queue_outbound(message)
    assert row
    assert await state_of(world) == State.SENDING
    assert await claim(world, 299) == []
    await settle(world, claimed_of(message, row, 1), Event.TRANSPORTED)
    assert await state_of(world) == State.SENT


async def a_first_attempt_that_nobody_made_is_made_when_its_lease_is_over(world: World) -> None:
    answer = replace(outbound_of(world.pre, "a1"), state=State.SENDING, due_at=after(45))
    recorded = await world.store.record_inbound(inbound_of(world.pre, "m1"), answer, None)
    assert recorded
    assert await claim(world, 44) == []
    [second] = await claim(world, 45)
    assert (second.id, second.attempt) == (recorded.answer_id, 2)


async def an_answer_that_was_given_in_the_response_is_kept_and_never_sent(world: World) -> None:
    answer = replace(outbound_of(world.pre, "a1"), state=State.DELIVERED, due_at=None, synchronous=True)
    recorded = await world.store.record_inbound(inbound_of(world.pre, "m1"), answer, None)
    assert recorded
    assert recorded.answer_id
    assert await world.store.answer(recorded.answer_id) == Reply(200, "text/xml", answer.body)
    assert (await state_of(world), await world.store.next_due(), await claim(world)) == (State.DELIVERED, None, [])
    with pytest.raises(StorageError):
        await world.store.answer(999_999)


async def a_body_keeps_its_holes_and_a_submission_its_digest(world: World) -> None:
    holes = (Hole(3, "blobs/1", 10**9), Hole(6, "blobs/2", 5))
    await world.store.queue_outbound(business_of(world.pre, "a1", holes=holes, submission=b"digest", synchronous=True))
    sent = await world.store.find_outbound(world.pre, "a1")
    assert sent
    assert (sent.holes, sent.submission) == (holes, b"digest")
    [claimed] = await claim(world)
    assert (claimed.holes, claimed.synchronous, claimed.service) == (holes, True, "dso:notificaties:1.0")


@pytest.mark.statement(155, 156, 157)
async def what_became_of_a_message_is_found_under_its_own_cpa_first(world: World) -> None:
    assert await world.store.status(world.pre, "m1") is None
    await world.store.record_inbound(inbound_of(world.prod, "m1"), None, None)
    assert await world.store.status(world.pre, "m1") is None, "another omgeving is another world"
    await world.store.record_inbound(inbound_of(world.pre, "m1", error_code="Inconsistent"), None, None)
    found = await world.store.status(world.pre, "m1")
    assert found == Found(world.pre.agreement.cpa_id, signal=False, received_at=NOW, processed=False, rejected=True)


async def one_that_fails_does_not_keep_others_from_being_stored(world: World) -> None:
    await world.store.queue_outbound(outbound_of(world.pre, "a1"))

    def record(number: int) -> Awaitable[Recorded | None]:
        answer = outbound_of(world.pre, "a1" if number == 3 else f"b{number}")
        return world.store.record_inbound(inbound_of(world.pre, f"m{number}"), answer, None)

    outcomes = await asyncio.gather(*map(record, range(6)), return_exceptions=True)
    assert [isinstance(outcome, StorageError) for outcome in outcomes] == [number == 3 for number in range(6)]
    assert [await world.store.find_inbound(world.pre, f"m{number}") is None for number in range(6)] == [
        number == 3 for number in range(6)
    ]


CONTRACT: tuple[Promise, ...] = (
    an_application_hears_of_what_came_in_for_it_with_the_commit,
    what_is_not_for_an_application_is_not_told_to_one,
    an_application_hears_once_how_its_message_ended,
    a_best_effort_message_that_comes_again_is_told_again,
    a_message_may_be_born_with_its_first_attempt,
    a_first_attempt_that_nobody_made_is_made_when_its_lease_is_over,
    an_answer_that_was_given_in_the_response_is_kept_and_never_sent,
    a_body_keeps_its_holes_and_a_submission_its_digest,
    what_became_of_a_message_is_found_under_its_own_cpa_first,
    one_that_fails_does_not_keep_others_from_being_stored,
    what_never_came_is_not_found,
    a_message_its_answer_and_its_notification_are_stored_together,
    a_message_may_have_no_answer_and_no_notification,
    a_notification_that_cannot_be_read_is_kept_with_its_problem,
    a_known_message_id_stores_nothing,
    of_many_that_receive_the_same_message_at_once_one_stores_it,
    the_same_names_in_two_omgevingen_never_meet,
    the_longest_message_id_is_still_a_key,
    a_message_id_of_ours_is_given_out_once,
    an_attempt_is_handed_out_once_with_all_it_needs,
    nothing_is_due_before_its_time,
    each_partner_has_its_own_slots_and_its_oldest_go_first,
    claimers_at_the_same_time_never_get_the_same_attempt,
    a_lease_that_ran_out_makes_a_message_due_again,
    a_report_after_the_lease_counts_while_nobody_made_the_attempt_again,
    an_attempt_that_found_nobody_is_made_again_after_a_while,
    an_attempt_is_settled_once,
    a_refused_message_is_never_sent_again,
    a_message_without_attempts_left_fails_when_it_is_due,
    a_signal_fails_with_its_last_attempt_for_nothing_more_can_come,
    a_lost_attempt_of_a_reliable_message_counts_after_the_retry_interval,
    a_message_whose_time_to_live_passed_expires,
    what_has_no_chance_left_ends_also_while_all_slots_are_taken,
    an_acknowledgment_overtakes_the_answer_to_its_own_post,
    a_settled_message_keeps_its_state_and_the_signal_is_stored_all_the_same,
    a_signal_that_comes_twice_settles_once,
    a_signal_about_a_message_that_is_not_ours_stores_nothing,
    a_repeated_question_makes_the_same_answer_due_with_a_fresh_series,
    a_repeated_question_changes_nothing_while_its_answer_is_on_its_way,
    what_is_not_there_is_a_storage_error,
)
