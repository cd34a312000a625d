"""The onboarding store keeps the contract of its twin, and sees in the traffic what makes steps done."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.adapters.postgres.test_verzoeken import contract_world
from tests.unit.adapters.postgres.world import NOW, World
from tests.unit.ebms.cpas import GEMEENTE
from tests.unit.flows import onboarding_store_contract as contract
from tests.unit.flows import verzoek_store_contract as versions
from tests.unit.flows.stored_messages import inbound_of, outbound_of

from digikoppelaar.adapters.postgres.errands import PostgresErrands
from digikoppelaar.adapters.postgres.onboarding import PostgresOnboarding
from digikoppelaar.ebms import names
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.ports import Consumer
from digikoppelaar.flows.ports.errands import ErrandKey, ErrandKind
from digikoppelaar.flows.ports.onboarding import Authority, OnboardingStore, Seen
from digikoppelaar.flows.registration import Entry, OrganisatieEntry, PartijEntry, difference
from digikoppelaar.onboarding.model import Kind, Sight
from digikoppelaar.onboarding.progress import Told
from digikoppelaar.onboarding.states import StepEvent as Event

SUBJECT, NUMBER = contract.SUBJECT, "2026060200019"
LEVERANCIER, ANOTHER = "00000099000000008000", "00000099000000003000"


@pytest.mark.parametrize("promise", contract.CONTRACT, ids=lambda promise: promise.__name__)
async def test_the_store_keeps_the_promise_that(
    promise: Callable[[OnboardingStore], Awaitable[None]], world: World
) -> None:
    await promise(PostgresOnboarding(world.pool))


async def test_of_many_that_move_a_step_at_once_one_does(world: World) -> None:
    store = PostgresOnboarding(world.pool)
    await asyncio.gather(*(store.tell(SUBJECT, "2.1", Event.FULFILLED, Told(NOW, str(n))) for n in range(6)))
    assert len(await store.log(SUBJECT)) == 1
    files = [f"/{n}.pdf" for n in range(6)]
    await asyncio.gather(*(store.tell(SUBJECT, "2.1", None, Told(NOW, evidence=(each,))) for each in files))
    assert sorted((await store.records())[SUBJECT]["2.1"].evidence) == files


async def test_of_a_refusal_and_a_word_at_once_the_step_keeps_the_last(world: World) -> None:
    store = PostgresOnboarding(world.pool)

    async def asked() -> str:
        try:
            return (await store.tell(SUBJECT, "1.2", Event.ASKED, Told(NOW))).state
        except ConfigError:
            return "refused"

    done, *states = await asyncio.gather(
        store.tell(SUBJECT, "1.2", Event.FULFILLED, Told(NOW)), *(asked() for _ in range(5))
    )
    assert done.state == "done"
    assert set(states) <= {"waiting", "refused"}
    assert (await store.records())[SUBJECT]["1.2"].state == "done"


# --- whose steps they are --------------------------------------------------------------------------------------------


async def put(world: World, *entries: Entry) -> None:
    await world.registry.apply(difference([], entries), NOW)


async def test_an_organisatie_is_known_with_its_partijen(world: World) -> None:
    store = PostgresOnboarding(world.pool)
    await put(world, OrganisatieEntry(ANOTHER, "Waterschap Voorbeeld", "waterschap"))
    gemeente, waterschap = await store.authorities()
    connected = {("stam", "sandbox-pre"): GEMEENTE, ("stam", "sandbox-prod"): GEMEENTE}
    assert gemeente == Authority(GEMEENTE, "Gemeente Voorbeeldstad", "gemeente", connected, GEMEENTE)
    assert waterschap == Authority(ANOTHER, "Waterschap Voorbeeld", "waterschap", {}, GEMEENTE)
    assert await store.authorities(ANOTHER) == [waterschap]
    await put(world, PartijEntry(LEVERANCIER, "Leverancier"))
    assert [each.only_partij for each in await store.authorities()] == [None, None]


def test_the_partij_is_that_of_the_aansluiting_or_another_one_or_the_only_one() -> None:
    connected = {("stam", "pre"): "1", ("drop", "pre"): "2"}
    authority = Authority("9", "Gemeente", "gemeente", connected, "3")
    assert authority.partij(Kind.STAM, "pre") == "1"
    assert authority.partij(Kind.DROP, "prod") == "2"
    assert replace(authority, partijen={}).partij(Kind.STAM, "pre") == "3"
    assert replace(authority, partijen={}, only_partij=None).partij(Kind.STAM, "pre") == "9"


async def test_another_organisatie_of_the_same_partij_may_have_done_it(world: World) -> None:
    store = PostgresOnboarding(world.pool)
    of_another = replace(SUBJECT, oin=ANOTHER)
    assert not await store.another_has_done(of_another, GEMEENTE, "7.2")
    await store.tell(SUBJECT, "7.2", Event.FULFILLED, Told(NOW))
    assert await store.another_has_done(of_another, GEMEENTE, "7.2")
    assert not await store.another_has_done(of_another, LEVERANCIER, "7.2")
    assert not await store.another_has_done(of_another, GEMEENTE, "7.1")
    assert not await store.another_has_done(replace(of_another, omgeving="sandbox-prod"), GEMEENTE, "7.2")
    assert not await store.another_has_done(SUBJECT, GEMEENTE, "7.2")


# --- what was seen ---------------------------------------------------------------------------------------------------


async def seen(world: World) -> dict[Sight, Seen]:
    return dict((await PostgresOnboarding(world.pool).sights([SUBJECT])).get(SUBJECT, {}))


async def test_a_pong_is_seen_and_an_error_or_a_ping_is_none(world: World) -> None:
    message = inbound_of(world.pre, "pong@dso.example")
    pong = replace(message, service=names.MSH_SERVICE, action=names.PONG, ref_to_message_id="ping@ons.example")
    others: Sequence[tuple[str, str, str | None]] = (
        (names.MSH_SERVICE, names.PING, None),
        (names.MSH_SERVICE, names.PONG, "SecurityFailure"),
        ("dso:anders:1.0", names.PONG, None),
    )
    for n, (service, action, error) in enumerate(others):
        other = inbound_of(world.pre, f"{n}@dso.example", error_code=error)
        await world.messages.record_inbound(replace(other, service=service, action=action), None, None)
    await world.messages.record_inbound(replace(pong, message_id="early@dso.example"), None, None)
    assert Sight.PING_PONG not in await seen(world), "we sent no such Ping"
    ping = replace(outbound_of(world.pre, "ping@ons.example"), service=names.MSH_SERVICE, action=names.PING)
    assert await world.messages.queue_outbound(ping)
    await world.messages.record_inbound(pong, None, None)
    assert (await seen(world))[Sight.PING_PONG] == Seen(NOW, "ping@ons.example")


async def test_a_cpa_is_seen_to_be_offered_when_dso_lv_has_it(world: World) -> None:
    errands = PostgresErrands(world.pool)
    key = ErrandKey(world.pre.aansluiting.id, ErrandKind.CPA_OFFER, "cpa-1 0123")
    await errands.begin(key, NOW, forsaken=NOW)
    await errands.failed(key, "HTTP 500", "Wacht.", NOW)
    assert await seen(world) == {}
    await errands.answered(key, {"cpa_id": "cpa-1"}, NOW)
    assert await seen(world) == {Sight.CPA_OFFERED: Seen(NOW, "cpa-1")}


async def delivered(world: World, *, test: bool) -> None:
    versions_world = contract_world(world)
    notification = await world.notify(0, NUMBER)
    new = replace(versions.version(NUMBER), test=test)
    verzoek = await world.verzoeken.start_verzoek(notification, new, versions.FILES, NOW)
    await versions.fetch_all(versions_world, notification, verzoek)
    await world.verzoeken.verzoek_delivered(verzoek.id, "zaak-1", NOW + timedelta(minutes=1))


async def test_a_notification_is_seen_first_in_the_adapter_and_then_in_the_intake(world: World) -> None:
    notification = await world.notify(0, NUMBER)
    assert await seen(world) == {Sight.NOTIFICATION: Seen(NOW, NUMBER)}
    await world.verzoeken.start_verzoek(notification, versions.version(NUMBER), versions.FILES, NOW)
    assert set(await seen(world)) == {Sight.NOTIFICATION, Sight.HANDED_ON}


async def test_a_notification_that_is_passed_on_was_handed_on(world: World) -> None:
    notification = await world.notify(0, NUMBER)
    await world.verzoeken.passed_on(notification, NOW)
    assert set(await seen(world)) == {Sight.NOTIFICATION, Sight.HANDED_ON}


async def test_a_test_verzoek_is_seen_when_it_is_fetched_and_delivered(world: World) -> None:
    await delivered(world, test=True)
    found = await seen(world)
    assert found[Sight.FETCHED] == Seen(NOW, NUMBER)
    assert found[Sight.DELIVERED] == Seen(NOW + timedelta(minutes=1), NUMBER)


async def test_a_verzoek_of_an_applicant_counts_as_notification_only(world: World) -> None:
    await delivered(world, test=False)
    assert set(await seen(world)) == {Sight.NOTIFICATION, Sight.HANDED_ON}


async def test_what_an_application_takes_is_seen_when_it_came_and_when_it_was_processed(world: World) -> None:
    await world.registry.set_cpa(world.pre.id, consumer=Consumer.REST, tolerances=None)
    cpa = replace(world.pre, consumer=Consumer.REST)
    await world.messages.record_inbound(inbound_of(cpa, "n@dso.example"), None, None)
    assert await seen(world) == {Sight.NOTIFICATION: Seen(NOW, "n@dso.example")}
    async with world.pool.connection() as connection:
        await connection.execute("UPDATE inbound_message SET processed_at = received_at")
    assert set(await seen(world)) == {Sight.NOTIFICATION, Sight.HANDED_ON}


async def test_a_cpa_is_offered_when_dso_has_taken_it(world: World) -> None:
    records, offer = PostgresErrands(world.pool), ErrandKey(world.pre.aansluiting.id, ErrandKind.CPA_OFFER, "cpa 1")
    await records.begin(replace(offer, kind=ErrandKind.CPA_REQUEST), NOW, forsaken=NOW)
    await records.answered(replace(offer, kind=ErrandKind.CPA_REQUEST), {"cpa_id": "cpa"}, NOW)
    await records.begin(offer, NOW, forsaken=NOW)
    assert await seen(world) == {}
    await records.answered(offer, {"cpa_id": "cpa"}, NOW)
    assert await seen(world) == {Sight.CPA_OFFERED: Seen(NOW, "cpa")}


async def test_traffic_of_another_omgeving_is_not_seen(world: World) -> None:
    await world.notify(1, NUMBER)
    assert await seen(world) == {}
