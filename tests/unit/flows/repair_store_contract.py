"""What every RepairStore must do. The twin in memory and the store in PostgreSQL both run these."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
from tests.unit.flows import verzoek_store_contract as versions
from tests.unit.flows.verzoek_store_contract import FILES, NOW, aansluiting_of, fetch_all, version

from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.intake_states import NotificationState, VerzoekState
from digikoppelaar.flows.ports import DeliveryStore, NewNotification, Verzoek
from digikoppelaar.flows.ports.repair import Moved, ParkedFilter, Redelivery, RepairStore, Replayed, Which, Who

NUMBER = "2026060200019"
WHO = Who("een beheerder", NOW)
WHY = "wacht op de gemeente"


@dataclass(frozen=True, slots=True)
class World:
    """`known` is the world of the VerzoekStore; the other stores work on the same rows."""

    known: versions.World
    repairs: RepairStore
    deliveries: DeliveryStore

    async def whole(self, volgnummer: int = 0) -> Verzoek:
        """A version that is fetched, in its turn."""
        return await versions.whole(self.known, volgnummer)

    async def delivered(self, volgnummer: int = 0, targets: Sequence[str] = ("a",)) -> Verzoek:
        """A version that every target has, with one step on record."""
        verzoek = await self.whole(volgnummer)
        for row in await self.deliveries.plan(verzoek.id, targets, NOW):
            await self.deliveries.record(row.id, "zaak", {"url": "u"}, NOW)
            await self.deliveries.delivered(row.id, f"case-{row.target}", NOW)
        await self.known.store.verzoek_delivered(verzoek.id, "case-a", NOW)
        return verzoek

    async def states(self, *verzoeken: Verzoek) -> list[str]:
        """Of these versions."""
        return [(await self.known.store.verzoek(each.id)).state for each in verzoeken]

    async def jobs(self) -> list[int]:
        """For which versions a job to deliver was made."""
        return list(await self.known.jobs())


def which(verzoek: Verzoek) -> Which:
    """All of it."""
    return Which(verzoek.aansluiting.id, verzoek.verzoeknummer)


async def what_a_person_parks_stays_parked_when_it_is_announced_again(world: World) -> None:
    verzoek = await world.whole()
    assert await world.repairs.park(which(verzoek), WHY, WHO) == [Moved(verzoek.id, 0, "fetched")]
    assert await world.repairs.park(which(verzoek), WHY, WHO) == []
    again = await world.known.notify(0, NUMBER)
    await world.known.store.start_verzoek(again, version(), FILES, NOW)
    await world.known.store.verzoek_fetched(again, verzoek.id, NOW)
    await world.known.store.trouble(verzoek_id=verzoek.id, reason="late", advice="", parked=False, now=NOW)
    assert await world.states(verzoek) == [VerzoekState.PARKED]
    assert await world.known.shown(None, verzoek.id) == f"parked by een beheerder: {WHY}"
    assert await world.jobs() == [verzoek.id]
    await world.known.store.release(verzoek.aansluiting.id, NUMBER, NOW)
    assert await world.states(verzoek) == [VerzoekState.FETCHED]
    assert await world.jobs() == [verzoek.id, verzoek.id]


async def a_look_at_what_would_be_parked_changes_nothing(world: World) -> None:
    verzoek = await world.whole()
    assert len(await world.repairs.park(which(verzoek), WHY, WHO, dry_run=True)) == 1
    assert await world.states(verzoek) == [VerzoekState.FETCHED]
    with pytest.raises(ConfigError):
        await world.repairs.park(which(verzoek), " ", WHO)


async def a_notification_that_a_person_parks_lets_no_version_through(world: World) -> None:
    notification = await world.known.notify(0, NUMBER)
    aansluiting = await aansluiting_of(world.known, notification)
    moved = await world.repairs.park(Which(aansluiting, NUMBER), WHY, WHO)
    assert moved == [Moved(notification, None, "received")]
    stored = await world.known.store.notification(notification)
    assert (stored.state, stored.stopped) == (NotificationState.PARKED, True)
    # An attempt that was under way ends well after all.
    verzoek = await world.known.store.start_verzoek(notification, version(), FILES, NOW)
    await fetch_all(world.known, notification, verzoek)
    assert await world.states(verzoek) == [VerzoekState.PARKED]
    assert await world.jobs() == []
    await world.known.store.release(aansluiting, NUMBER, NOW)
    assert await world.jobs() == [verzoek.id]


async def a_version_that_is_being_fetched_is_parked_when_it_is_whole(world: World) -> None:
    notification = await world.known.notify(0, NUMBER)
    verzoek = await world.known.store.start_verzoek(notification, version(), FILES, NOW)
    await world.repairs.park(replace(which(verzoek), volgnummer=0), WHY, WHO)
    await fetch_all(world.known, notification, verzoek)
    assert await world.states(verzoek) == [VerzoekState.PARKED]
    assert await world.known.shown(None, verzoek.id) == "a person parked it"


async def a_release_before_it_is_whole_lets_it_through(world: World) -> None:
    notification = await world.known.notify(0, NUMBER)
    verzoek = await world.known.store.start_verzoek(notification, version(), FILES, NOW)
    await world.repairs.park(which(verzoek), WHY, WHO)
    await world.known.store.release(verzoek.aansluiting.id, NUMBER, NOW)
    await fetch_all(world.known, notification, verzoek)
    assert await world.states(verzoek) == [VerzoekState.FETCHED]


async def parking_one_target_leaves_the_others_at_work(world: World) -> None:
    verzoek = await world.whole()
    one, two = await world.deliveries.plan(verzoek.id, ["a", "b"], NOW)
    assert await world.repairs.park_target(which(verzoek), "c", WHY, WHO) == []
    assert await world.repairs.park_target(which(verzoek), "a", WHY, WHO) == [Moved(verzoek.id, 0, "fetched")]
    assert [(await world.deliveries.delivery(each.id)).state for each in (one, two)] == ["parked", "waiting"]
    assert await world.states(verzoek) == [VerzoekState.PARKED]
    await world.known.store.release(verzoek.aansluiting.id, NUMBER, NOW)
    fresh, _ = await world.deliveries.plan(verzoek.id, ["a", "b"], NOW)
    assert (fresh.id, fresh.state) == (one.id, "waiting")


async def the_newest_version_is_delivered_again_and_keeps_its_steps(world: World) -> None:
    first, second = await world.delivered(0), await world.delivered(1)
    assert await world.repairs.redeliver(Redelivery(which(first)), WHO) == [Moved(second.id, 1, "delivered")]
    assert await world.states(first, second) == [VerzoekState.DELIVERED, VerzoekState.FETCHED]
    [row] = await world.deliveries.plan(second.id, ["a"], NOW)
    assert (row.state, row.attempts, row.case_reference, row.steps) == ("waiting", 0, "case-a", {"zaak": {"url": "u"}})
    assert await world.jobs() == [first.id, second.id, second.id]
    assert await world.repairs.redeliver(Redelivery(which(first)), WHO, dry_run=True) == [
        Moved(first.id, 0, "delivered")
    ]


async def from_scratch_forgets_the_steps_and_the_case(world: World) -> None:
    verzoek = await world.delivered(0, ("a", "b"))
    await world.repairs.redeliver(Redelivery(which(verzoek), target="a", from_scratch=True), WHO)
    one, two = await world.deliveries.plan(verzoek.id, ["a", "b"], NOW)
    assert (one.state, one.case_reference, one.steps) == ("waiting", None, {})
    assert (two.state, two.case_reference) == ("delivered", "case-b")
    await world.deliveries.delivered(one.id, "case-new", NOW)
    await world.known.store.verzoek_delivered(verzoek.id, "case-new", NOW)
    assert (await world.known.store.verzoek(verzoek.id)).case_reference == "case-new"


async def versions_are_delivered_again_in_their_order(world: World) -> None:
    first, second = await world.delivered(0), await world.delivered(1)
    third = await world.whole(2)
    before = await world.jobs()
    wanted = Redelivery(replace(which(first), volgnummer=0))
    assert await world.repairs.redeliver(wanted, WHO, dry_run=True) == await world.repairs.redeliver(wanted, WHO)
    assert await world.states(first, second, third) == ["fetched", "waiting", "waiting"]
    for each in (first, second, third):
        await world.known.store.verzoek_delivered(each.id, "case-a", NOW)
    assert await world.states(first, second, third) == ["delivered", "delivered", "delivered"]
    assert (await world.jobs())[len(before) :] == [first.id, second.id, third.id]


async def what_is_not_delivered_is_not_delivered_again(world: World) -> None:
    verzoek = await world.whole()
    assert await world.repairs.redeliver(Redelivery(which(verzoek)), WHO) == []
    assert await world.states(verzoek) == [VerzoekState.FETCHED]


async def a_refetch_is_a_notification_that_looks_again(world: World) -> None:
    verzoek = await world.delivered()
    made = await world.repairs.refetch(which(verzoek), WHO)
    notification = await world.known.store.notification(made)
    assert (notification.state, notification.again, notification.verzoeknummer) == ("received", True, NUMBER)
    assert list(await world.known.fetches())[-1] == made
    await world.known.store.start_verzoek(made, version(), FILES, NOW)
    await world.known.store.verzoek_fetched(made, verzoek.id, NOW)
    assert await world.states(verzoek) == [VerzoekState.DELIVERED]


async def a_damaged_file_is_replaced_once(world: World) -> None:
    file = (await world.delivered()).files[0]
    gone = f"verzoeken/{file.id}"
    assert await world.known.store.file_replaced(file.id, gone, "verzoeken/new", 4, bytes([1]) * 32, NOW)
    assert not await world.known.store.file_replaced(file.id, gone, "verzoeken/newer", 4, bytes([1]) * 32, NOW)


async def a_message_is_taken_in_again_as_far_as_it_was(world: World) -> None:
    unread = await world.known.notify(0, NUMBER)
    [message] = await world.repairs.inbound("0@dso.example", None)
    new = NewNotification(NUMBER, withdrawal=True)
    assert await world.repairs.replay(message.id, new, WHO) is Replayed.WAITS
    await world.known.store.trouble(notification_id=unread, reason="unread", advice="", parked=True, now=NOW)
    assert await world.repairs.replay(message.id, new, WHO, dry_run=True) is Replayed.TAKEN_IN
    assert await world.repairs.replay(message.id, new, WHO) is Replayed.TAKEN_IN
    stored = await world.known.store.notification(unread)
    assert (stored.state, stored.withdrawal) == ("received", True)
    verzoek = await world.known.store.start_verzoek(unread, version(), FILES, NOW)
    await fetch_all(world.known, unread, verzoek)
    fetches = len(await world.known.fetches())
    assert await world.repairs.replay(message.id, new, WHO) is Replayed.FETCHED_AGAIN
    assert len(await world.known.fetches()) == fetches + 1
    assert await world.repairs.inbound("unknown", None) == []
    assert await world.repairs.inbound("0@dso.example", "prod") == []


async def what_failed_is_found_and_what_a_person_or_a_rule_parked_is_not(world: World) -> None:
    await versions.parked_notification(world.known, verzoeknummer="1")
    for number, parks in (("2", False), ("3", True)):
        notification = await world.known.notify(0, number)
        judge = versions.ruled(versions.Action.PARK if parks else versions.Action.DELIVER_NEW)
        verzoek = await world.known.store.start_verzoek(notification, version(number), FILES, NOW, judge)
        await fetch_all(world.known, notification, verzoek)
        [row] = await world.deliveries.plan(verzoek.id, ["a"], NOW)
        await world.deliveries.trouble(row.id, "full", "", NOW, parked=True)
        await world.known.store.trouble(verzoek_id=verzoek.id, reason="Is full", advice="", parked=True, now=NOW)
    fourth = await world.known.notify(0, "4")
    aansluiting = await aansluiting_of(world.known, fourth)
    await world.repairs.park(Which(aansluiting, "4"), WHY, WHO)

    async def found(**wanted: object) -> list[str]:
        fitting = replace(ParkedFilter(), **wanted)  # type: ignore[arg-type]
        return [each.verzoeknummer for each in await world.repairs.failed(fitting)]

    assert await found() == ["1", "2"]
    assert await found(limit=1) == ["1"]
    assert await found(reason="IS FULL") == await found(target="a") == ["2"]
    assert await found(organisatie_oin="00000099000000007000") == await found(omgeving="prod", reason="x") == []


CONTRACT = (
    what_a_person_parks_stays_parked_when_it_is_announced_again,
    a_look_at_what_would_be_parked_changes_nothing,
    a_notification_that_a_person_parks_lets_no_version_through,
    a_version_that_is_being_fetched_is_parked_when_it_is_whole,
    a_release_before_it_is_whole_lets_it_through,
    parking_one_target_leaves_the_others_at_work,
    the_newest_version_is_delivered_again_and_keeps_its_steps,
    from_scratch_forgets_the_steps_and_the_case,
    versions_are_delivered_again_in_their_order,
    what_is_not_delivered_is_not_delivered_again,
    a_refetch_is_a_notification_that_looks_again,
    a_damaged_file_is_replaced_once,
    a_message_is_taken_in_again_as_far_as_it_was,
    what_failed_is_found_and_what_a_person_or_a_rule_parked_is_not,
)
