"""Kennisgevingen go out once: what may have arrived is never sent again without a person's word."""

import asyncio
from dataclasses import replace
from datetime import datetime

import pytest
from structlog.testing import capture_logs
from tests.unit.flows.koop_world import NOW, PROFILE, WHO, World

from digikoppelaar.adapters.memory.kennisgevingen import MemoryKennisgevingen
from digikoppelaar.drop.envelope import RawAnswer, SoapRequest
from digikoppelaar.drop.receiving import fault_body
from digikoppelaar.errors import (
    ConfigError,
    FacilityNotReached,
    FacilityOutcomeUnknown,
    PartnerUnreachable,
    StorageError,
    TrustError,
)
from digikoppelaar.flows.kennisgeving_states import KennisgevingEvent
from digikoppelaar.flows.ports.kennisgevingen import ANSWER_KEPT, Facts, Sent, StoredKennisgeving
from digikoppelaar.flows.publish import Publishing, PublishSettings, Route
from digikoppelaar.flows.under_way import UnderWay

TEXT = {"content-type": "text/xml"}
HTML = RawAnswer(200, {"content-type": "text/html"}, b"<html><body>Er ging iets mis</body></html>")
EMPTY = RawAnswer(200, TEXT, b"")
BUSY = RawAnswer(503, {"content-type": "text/plain"}, b"busy")
CLIENT = RawAnswer(500, TEXT, fault_body("Client", "DRP-17", "rubriek onbekend", PROFILE))
SERVER = RawAnswer(500, TEXT, fault_body("Server", "DRP-1", "probeer later", PROFILE))


async def test_what_is_due_is_sent_once_and_has_its_dossiernummer() -> None:
    world = World()
    await world.planned()
    assert await world.send_due() == 1
    assert await world.send_due() == 0
    row = await world.row()
    assert (row.state, row.dossiernummer, len(world.koop.received)) == ("accepted", "1", 1)


async def test_many_are_sent_side_by_side_a_few_of_an_aansluiting() -> None:
    world = World()
    for number in range(1, 8):
        await world.planned(number)
    publishing = replace(world.publishing, settings=PublishSettings(per_aansluiting=3))
    assert [await world.send_due(publishing) for _ in range(4)] == [3, 3, 1, 0]
    assert sorted(each.referentienummer for each in world.koop.received) == [f"Z2026-{n:06}" for n in range(1, 8)]


async def test_one_that_hangs_keeps_its_place_for_a_moment_only_and_holds_up_its_own_aansluiting() -> None:
    world = World()
    hanging, answers = asyncio.Event(), world.koop.post
    for aansluiting in (1, 2):
        await world.planned(2 * aansluiting - 1, aansluiting)
        await world.planned(2 * aansluiting, aansluiting)

    async def hangs(request: SoapRequest) -> RawAnswer:
        await hanging.wait()
        return await answers(request)

    async def route_for(aansluiting: int) -> Route:
        return Route(PROFILE, hangs if aansluiting == 1 else answers, "poc")

    async def states() -> list[str]:
        return [(await world.row(number)).state for number in (1, 2, 3, 4)]

    patient = PublishSettings(at_once=1, per_aansluiting=1)
    publishing = Publishing(world.store, route_for, world.clock, patient)
    async with UnderWay("sending") as under_way:
        assert [await publishing.send_due(under_way) for _ in range(2)] == [1, 0]
        publishing = replace(publishing, settings=replace(patient, slow=0))
        while await publishing.send_due(under_way) or len(under_way.about()) > 1:
            await asyncio.sleep(0)
        assert await states() == ["sending", "planned", "accepted", "accepted"]
        hanging.set()
    assert await states() == ["accepted", "planned", "accepted", "accepted"]


@pytest.mark.parametrize(
    "trouble",
    [
        HTML,
        EMPTY,
        SERVER,
        FacilityOutcomeUnknown("no answer in time"),
        PartnerUnreachable("cut"),
        RuntimeError("a fault of ours"),
    ],
    ids=["html", "empty", "Server", "time-out", "cut", "bug"],
)
async def test_without_a_clear_answer_it_is_unknown_and_never_sent_again(trouble: RawAnswer | Exception) -> None:
    world = World()
    await world.planned()
    world.koop.instead = [trouble]
    await world.send_due()
    world.later(days=30)
    assert await world.send_due() == 0
    row = await world.row()
    assert (row.state, row.attempts, len(world.koop.received)) == ("unknown", 1, 1)
    assert row.reason
    assert row.advice
    assert "DROP" in row.advice


async def test_a_person_can_have_it_sent_again() -> None:
    world = World()
    await world.planned()
    world.koop.instead, world.koop.takes = [FacilityOutcomeUnknown("no answer in time")], False
    await world.send_due()
    await world.store.move(1, KennisgevingEvent.AGAIN, WHO, Facts(due_at=NOW))
    await world.send_due()
    assert (await world.row()).state == "accepted"
    assert len(world.koop.received) == 1


@pytest.mark.parametrize("trouble", [FacilityNotReached("refused"), BUSY], ids=["not reached", "503"])
async def test_what_was_certainly_not_taken_is_sent_again_later(trouble: RawAnswer | Exception) -> None:
    world = World()
    await world.planned()
    world.koop.instead, world.koop.takes = [trouble], False
    await world.send_due()
    row = await world.row()
    assert row.state == "planned"
    assert row.reason
    assert row.due_at
    assert row.due_at > NOW
    assert await world.send_due() == 0
    world.later(minutes=1)
    assert await world.send_due() == 1
    assert (await world.row()).state == "accepted"


async def test_what_koop_refuses_waits_for_a_person_with_its_words() -> None:
    world = World()
    await world.planned()
    world.koop.instead, world.koop.takes = [CLIENT], False
    with capture_logs() as logged:
        await world.send_due()
    assert "rubriek onbekend" not in str(logged), "KOOP may quote the text"
    row = await world.row()
    assert (row.state, row.reason) == (
        "refused",
        "3PAS answered fault DRP-17 rubriek onbekend: what was sent is at fault, and is not to be sent again unchanged",
    )
    assert row.advice
    world.later(days=1)
    assert await world.send_due() == 0


async def test_with_an_expired_certificate_nothing_left_and_an_administrator_is_told() -> None:
    world = World()
    await world.planned()
    world.koop.instead, world.koop.takes = [TrustError("expired", advice="Vernieuw het certificaat.")], False
    await world.send_due()
    row = await world.row()
    assert (row.state, row.reason) == ("refused", "expired")
    assert (row.advice or "").startswith("Vernieuw het certificaat. Er is niets verzonden: geef haar vrij met ")


async def test_what_cannot_be_said_is_not_sent() -> None:
    world = World()
    await world.planned(rubriek="")
    await world.send_due()
    row = await world.row()
    assert (row.state, world.koop.received) == ("refused", [])
    assert row.advice
    assert "rubriek" in row.advice
    assert "`kennisgeving edit`" in row.advice


async def test_an_aansluiting_without_a_way_waits_for_an_administrator() -> None:
    world = World()
    await world.planned()

    async def route_for(_aansluiting_id: int) -> Route:
        raise ConfigError("no certificate", advice="Leg het certificaat vast.")

    await world.send_due(Publishing(world.store, route_for, world.clock))
    row = await world.row()
    assert (row.state, row.reason) == ("refused", "no certificate")
    assert (row.advice or "").startswith("Leg het certificaat vast. Er is niets verzonden")


async def test_whoever_dies_while_sending_leaves_it_unknown() -> None:
    world = World()
    await world.planned()
    [_] = await world.store.claim(NOW, 8, 8)  # and here it ends
    assert await world.send_due() == 0
    assert (await world.row()).state == "sending"
    world.later(minutes=10)
    assert await world.send_due() == 0
    row = await world.row()
    assert (row.state, row.reason) == ("unknown", "whoever sent it ended before an answer came")
    assert world.koop.received == []


async def test_what_was_sent_and_what_came_back_is_kept_whatever_it_means() -> None:
    world = World()
    await world.planned()
    world.koop.instead, world.koop.takes = [BUSY, CLIENT], False
    await world.send_due()
    world.later(minutes=1)
    await world.send_due()
    one, two = await world.store.attempts(1)
    assert (one.status, two.status, one.stage) == (503, 500, "poc")
    assert one.request_sha256 == two.request_sha256, "the same kennisgeving makes the same bytes"
    sent, answered = await world.store.exchange(1, 2)
    assert answered == CLIENT.body
    assert b"InhoudZip" in sent


async def test_of_a_long_answer_the_first_bytes_are_kept_and_how_many_there_were() -> None:
    world = World()
    await world.planned()
    world.koop.instead = [RawAnswer(200, {"content-type": "text/html"}, b"x" * 100_000)]
    await world.send_due()
    [attempt] = await world.store.attempts(1)
    _, kept = await world.store.exchange(1, 1)
    assert (attempt.answer_size, len(kept or b"")) == (100_000, ANSWER_KEPT)


async def test_an_attempt_that_was_given_up_meanwhile_sends_nothing() -> None:
    world = World()
    await world.planned()
    publishing = world.publishing

    async def route_for(aansluiting_id: int) -> Route:
        world.later(minutes=10)
        await world.send_due(publishing)  # of another node, which takes this one for dead
        return await publishing.route_for(aansluiting_id)

    await world.send_due(replace(publishing, route_for=route_for))
    assert ((await world.row()).state, world.koop.received) == ("unknown", [])


async def test_while_an_attempt_cannot_be_put_on_record_nothing_is_sent() -> None:
    world = World()
    await world.planned()
    await world.send_due(replace(world.publishing, store=Away(world.store.rows, world.store.lines)))
    assert ((await world.row()).state, world.koop.received) == ("planned", [])


class Away(MemoryKennisgevingen):
    """The twin, with a database that is away when an attempt is to be recorded."""

    async def began(self, claimed: StoredKennisgeving, sent: Sent, now: datetime) -> bool:
        raise StorageError(f"away: {claimed.id} {sent.stage} {now}")


class Failing(MemoryKennisgevingen):
    """The twin, with a database that is away when an answer is to be recorded."""

    async def settle(self, sent: StoredKennisgeving, event: KennisgevingEvent, facts: Facts, now: datetime) -> bool:
        raise StorageError(f"away: {sent.id} {event} {facts.dossiernummer} {now}")


async def test_an_answer_that_could_not_be_recorded_leaves_it_unknown() -> None:
    world = World()
    await world.planned()
    await world.send_due(replace(world.publishing, store=Failing(world.store.rows, world.store.lines)))
    assert (await world.row()).state == "sending"
    world.later(minutes=10)
    await world.send_due()
    assert (await world.row()).state == "unknown"
    assert len(world.koop.received) == 1
