"""What every VerzoekStore must do. The twin in memory and the store in PostgreSQL both run these.

Each function takes a `World`: the store under test, and two things that no flow may do but a test must: bring in a
notification (a MessageStore does that in the receive transaction) and look at the jobs that were made.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from digikoppelaar.errors import StorageError
from digikoppelaar.flows.intake_states import NotificationState, VerzoekState
from digikoppelaar.flows.ports import (
    Blob,
    FileKind,
    NewFile,
    NewNotification,
    NewVerzoek,
    Original,
    Parked,
    Verzoek,
    VerzoekStore,
)
from digikoppelaar.flows.ports.repair import CaseLink, LinkStore, Who
from digikoppelaar.stam.rules import Action, Known, Ruling

NOW = datetime(2026, 6, 2, 9, tzinfo=UTC)
NEW = Action.DELIVER_NEW
FILES = (
    NewFile(0, FileKind.XML, "xml", "verzoek.xml", "application/xml", "https://dso.test/x"),
    NewFile(1, FileKind.PDF, "pdf-1", "verzoek.pdf", "application/pdf", "https://dso.test/p"),
    NewFile(2, FileKind.BIJLAGE, "d1", "gevel é.png", "image/png", "https://dso.test/d1"),
)


@dataclass(frozen=True, slots=True)
class World:
    """`notify(which, verzoeknummer)` stores a notification for aansluiting 0 or 1 and returns its id;
    `jobs()` gives the ids of the verzoeken for which a job to deliver was made, once for each job, and `fetches()`
    those of the notifications for which a job to fetch was made;
    `shown(notification_id, verzoek_id)` gives the reason that is on show for one of the two, or None."""

    store: VerzoekStore
    notify: Callable[[int, str], Awaitable[int]]
    jobs: Callable[[], Awaitable[Sequence[int]]]
    fetches: Callable[[], Awaitable[Sequence[int]]]
    shown: Callable[[int | None, int | None], Awaitable[str | None]]
    links: LinkStore


def version(verzoeknummer: str = "2026060200019", volgnummer: int = 0) -> NewVerzoek:
    """A verzoek version as the XML would say it."""
    return NewVerzoek(verzoeknummer, volgnummer, "Aanvraag vergunning", "initieren", "Dakkapel", NOW, False)


async def fetch_all(world: World, notification_id: int, verzoek: Verzoek) -> None:
    """Record every file and the verzoek as fetched."""
    for file in verzoek.files:
        await world.store.file_fetched(file.id, f"verzoeken/{file.id}", 3, bytes(32), NOW)
    await world.store.verzoek_fetched(notification_id, verzoek.id, NOW)


async def a_notification_is_received_first(world: World) -> None:
    notification = await world.store.notification(await world.notify(0, "2026060200019"))
    assert (notification.verzoeknummer, notification.state) == ("2026060200019", NotificationState.RECEIVED)


async def what_is_not_there_is_a_storage_error(world: World) -> None:
    with pytest.raises(StorageError):
        await world.store.notification(999_999)
    with pytest.raises(StorageError):
        await world.store.verzoek(999_999)


async def a_version_is_made_with_its_files_in_order(world: World) -> None:
    notification = await world.notify(0, "2026060200019")
    verzoek = await world.store.start_verzoek(notification, version(), FILES[::-1], NOW)
    assert verzoek.state == VerzoekState.FETCHING
    assert [(file.kind, file.naam, file.blob) for file in verzoek.files] == [
        (FileKind.XML, "verzoek.xml", None),
        (FileKind.PDF, "verzoek.pdf", None),
        (FileKind.BIJLAGE, "gevel é.png", None),
    ]
    assert await world.store.verzoek(verzoek.id) == verzoek


async def starting_again_finds_the_version_with_what_was_recorded(world: World) -> None:
    notification = await world.notify(0, "2026060200019")
    first = await world.store.start_verzoek(notification, version(), FILES, NOW)
    await world.store.file_fetched(first.files[0].id, "verzoeken/x", 3, bytes(32), NOW)
    again = await world.store.start_verzoek(notification, version(), FILES, NOW)
    assert again.id == first.id
    assert [file.id for file in again.files] == [file.id for file in first.files]
    assert (again.files[0].blob, again.files[0].size, again.files[0].sha256) == ("verzoeken/x", 3, bytes(32))


async def a_file_that_is_announced_later_joins_a_version_that_is_not_whole_yet(world: World) -> None:
    notification = await world.notify(0, "2026060200019")
    first = await world.store.start_verzoek(notification, version(), FILES[::2], NOW)
    await world.store.file_fetched(first.files[0].id, "verzoeken/x", 3, bytes(32), NOW)
    again = await world.store.start_verzoek(notification, version(), FILES, NOW)
    assert {file.kind for file in again.files} == {FileKind.XML, FileKind.PDF, FileKind.BIJLAGE}
    assert {file.id for file in first.files} < {file.id for file in again.files}
    assert again.files[0].blob == "verzoeken/x"
    with pytest.raises(StorageError):  # not before the new one is there too
        await fetch_all(world, notification, first)


async def a_version_that_is_whole_stays_as_it_is(world: World) -> None:
    notification = await world.notify(0, "2026060200019")
    first = await world.store.start_verzoek(notification, version(), FILES[::2], NOW)
    await fetch_all(world, notification, first)
    again = await world.store.start_verzoek(await world.notify(0, "2026060200019"), version(), FILES, NOW)
    assert [file.id for file in again.files] == [file.id for file in first.files]


async def of_two_attempts_that_fetch_a_file_the_first_counts(world: World) -> None:
    notification = await world.notify(0, "2026060200019")
    verzoek = await world.store.start_verzoek(notification, version(), FILES, NOW)
    file = verzoek.files[1]
    assert await world.store.file_fetched(file.id, "verzoeken/first", 3, bytes(32), NOW)
    assert not await world.store.file_fetched(file.id, "verzoeken/second", 4, bytes([1]) * 32, NOW)
    kept = (await world.store.verzoek(verzoek.id)).files[1]
    assert (kept.blob, kept.size, kept.sha256) == ("verzoeken/first", 3, bytes(32))
    with pytest.raises(StorageError):
        await world.store.file_fetched(999_999, "verzoeken/x", 3, bytes(32), NOW)


async def of_files_recorded_together_each_is_told_whether_it_was_the_first(world: World) -> None:
    notification = await world.notify(0, "2026060200019")
    verzoek = await world.store.start_verzoek(notification, version(), FILES, NOW)
    first, second, third = (file.id for file in verzoek.files)
    assert await world.store.file_fetched(second, "verzoeken/alone", 3, bytes(32), NOW)
    blobs = {file_id: Blob(f"verzoeken/{file_id}", 4, bytes([1]) * 32) for file_id in (third, second, first)}
    assert set(await world.store.files_fetched(blobs, NOW)) == {first, third}
    assert set(await world.store.files_fetched(blobs, NOW)) == set()
    kept = {file.id: file.blob for file in (await world.store.verzoek(verzoek.id)).files}
    assert kept == {first: f"verzoeken/{first}", second: "verzoeken/alone", third: f"verzoeken/{third}"}


async def of_files_of_which_one_does_not_exist_none_is_recorded(world: World) -> None:
    notification = await world.notify(0, "2026060200019")
    verzoek = await world.store.start_verzoek(notification, version(), FILES, NOW)
    blob = Blob("verzoeken/x", 3, bytes(32))
    with pytest.raises(StorageError):
        await world.store.files_fetched({verzoek.files[0].id: blob, 999_999: blob}, NOW)
    assert (await world.store.verzoek(verzoek.id)).files[0].blob is None


async def two_notifications_of_one_version_share_it_and_make_one_job(world: World) -> None:
    one, two = await world.notify(0, "2026060200019"), await world.notify(0, "2026060200019")
    first = await world.store.start_verzoek(one, version(), FILES, NOW)
    second = await world.store.start_verzoek(two, version(), FILES, NOW)
    assert first.id == second.id
    await fetch_all(world, one, first)
    await fetch_all(world, two, second)
    assert list(await world.jobs()) == [first.id]
    assert (await world.store.notification(two)).state == NotificationState.FETCHED


async def an_aanvulling_is_a_version_of_its_own(world: World) -> None:
    one, two = await world.notify(0, "2026060200019"), await world.notify(0, "2026060200019")
    first = await world.store.start_verzoek(one, version(volgnummer=0), FILES, NOW)
    second = await world.store.start_verzoek(two, version(volgnummer=1), FILES, NOW)
    assert first.id != second.id
    assert not {file.id for file in first.files} & {file.id for file in second.files}


async def the_same_verzoeknummer_in_two_aansluitingen_never_meets(world: World) -> None:
    one, two = await world.notify(0, "2026060200019"), await world.notify(1, "2026060200019")
    first = await world.store.start_verzoek(one, version(), FILES, NOW)
    second = await world.store.start_verzoek(two, version(), FILES, NOW)
    assert first.id != second.id
    assert first.aansluiting.id != second.aansluiting.id


async def a_version_is_fetched_only_when_every_file_is_there(world: World) -> None:
    notification = await world.notify(0, "2026060200019")
    verzoek = await world.store.start_verzoek(notification, version(), FILES, NOW)
    with pytest.raises(StorageError):
        await world.store.verzoek_fetched(notification, verzoek.id, NOW)
    assert list(await world.jobs()) == []
    assert (await world.store.notification(notification)).state == NotificationState.RECEIVED


async def fetched_moves_both_and_makes_the_job_once(world: World) -> None:
    notification = await world.notify(0, "2026060200019")
    verzoek = await world.store.start_verzoek(notification, version(), FILES, NOW)
    await fetch_all(world, notification, verzoek)
    await world.store.verzoek_fetched(notification, verzoek.id, NOW)
    assert (await world.store.notification(notification)).state == NotificationState.FETCHED
    assert (await world.store.verzoek(verzoek.id)).state == VerzoekState.FETCHED
    assert list(await world.jobs()) == [verzoek.id]


async def a_delivered_version_stays_delivered(world: World) -> None:
    notification = await world.notify(0, "2026060200019")
    verzoek = await world.store.start_verzoek(notification, version(), FILES, NOW)
    await fetch_all(world, notification, verzoek)
    await world.store.verzoek_delivered(verzoek.id, "map/1", NOW)
    await world.store.verzoek_delivered(verzoek.id, "map/2", NOW)
    again = await world.notify(0, "2026060200019")
    await world.store.start_verzoek(again, version(), FILES, NOW)
    await world.store.verzoek_fetched(again, verzoek.id, NOW)
    await world.store.trouble(verzoek_id=verzoek.id, reason="late", advice="", parked=True, now=NOW)
    delivered = await world.store.verzoek(verzoek.id)
    assert (delivered.state, delivered.case_reference) == (VerzoekState.DELIVERED, "map/1")
    assert list(await world.jobs()) == [verzoek.id]


async def what_is_not_whole_cannot_be_delivered(world: World) -> None:
    notification = await world.notify(0, "2026060200019")
    verzoek = await world.store.start_verzoek(notification, version(), FILES, NOW)
    with pytest.raises(StorageError):
        await world.store.verzoek_delivered(verzoek.id, "map/1", NOW)
    assert (await world.store.verzoek(verzoek.id)).state == VerzoekState.FETCHING


async def trouble_of_a_notification_is_shown_and_gone_when_it_is_fetched(world: World) -> None:
    notification = await world.notify(0, "2026060200019")
    told = {"notification_id": notification, "advice": "wacht", "now": NOW}
    await world.store.trouble(**told, reason="not there yet", parked=False)
    assert (await world.store.notification(notification)).state == NotificationState.RECEIVED
    assert await world.shown(notification, None) == "not there yet"
    await world.store.trouble(**told, reason="refused", parked=True)
    assert (await world.store.notification(notification)).state == NotificationState.PARKED
    assert await world.shown(notification, None) == "refused"
    await fetch_all(world, notification, await world.store.start_verzoek(notification, version(), FILES, NOW))
    assert (await world.store.notification(notification)).state == NotificationState.FETCHED
    assert await world.shown(notification, None) is None


async def trouble_of_a_verzoek_is_shown_and_gone_when_it_is_delivered(world: World) -> None:
    notification = await world.notify(0, "2026060200019")
    verzoek = await world.store.start_verzoek(notification, version(), FILES, NOW)
    await fetch_all(world, notification, verzoek)
    await world.store.trouble(verzoek_id=verzoek.id, reason="folder is full", advice="", parked=True, now=NOW)
    assert (await world.store.verzoek(verzoek.id)).state == VerzoekState.PARKED
    assert await world.shown(None, verzoek.id) == "folder is full"
    await world.store.verzoek_delivered(verzoek.id, "map/1", NOW)
    assert (await world.store.verzoek(verzoek.id)).state == VerzoekState.DELIVERED
    assert await world.shown(None, verzoek.id) is None


async def a_parked_verzoek_that_is_announced_again_gets_a_fresh_chance(world: World) -> None:
    notification = await world.notify(0, "2026060200019")
    verzoek = await world.store.start_verzoek(notification, version(), FILES, NOW)
    await fetch_all(world, notification, verzoek)
    await world.store.trouble(verzoek_id=verzoek.id, reason="folder is full", advice="", parked=True, now=NOW)
    again = await world.notify(0, "2026060200019")
    await world.store.start_verzoek(again, version(), FILES, NOW)
    await world.store.verzoek_fetched(again, verzoek.id, NOW)
    assert (await world.store.verzoek(verzoek.id)).state == VerzoekState.FETCHED
    assert list(await world.jobs()) == [verzoek.id, verzoek.id]


async def parked_notification(world: World, which: int = 0, verzoeknummer: str = "2026060200019") -> int:
    """A notification that DSO-LV refused to say more about; its id."""
    notification = await world.notify(which, verzoeknummer)
    await world.store.trouble(notification_id=notification, reason="refused", advice="", parked=True, now=NOW)
    return notification


async def parked_verzoek(world: World) -> tuple[int, Verzoek]:
    """A version that the case system could not take, with the notification that led to it."""
    notification = await world.notify(0, "2026060200019")
    verzoek = await world.store.start_verzoek(notification, version(), FILES, NOW)
    await fetch_all(world, notification, verzoek)
    await world.store.trouble(verzoek_id=verzoek.id, reason="folder is full", advice="", parked=True, now=NOW)
    return notification, await world.store.verzoek(verzoek.id)


async def aansluiting_of(world: World, notification: int) -> int:
    return (await world.store.notification(notification)).aansluiting.id


async def a_released_notification_is_received_again_and_has_a_new_job(world: World) -> None:
    notification = await parked_notification(world)
    released = await world.store.release(await aansluiting_of(world, notification), "2026060200019", NOW)
    assert released == [Parked(notification, None, "refused")]
    assert (await world.store.notification(notification)).state == NotificationState.RECEIVED
    assert await world.shown(notification, None) is None
    assert list(await world.fetches()) == [notification, notification]


async def a_released_version_is_fetched_again_and_has_a_new_job(world: World) -> None:
    _, verzoek = await parked_verzoek(world)
    released = await world.store.release(verzoek.aansluiting.id, "2026060200019", NOW)
    assert released == [Parked(verzoek.id, 0, "folder is full")]
    assert (await world.store.verzoek(verzoek.id)).state == VerzoekState.FETCHED
    assert await world.shown(None, verzoek.id) is None
    assert list(await world.jobs()) == [verzoek.id, verzoek.id]


async def everything_of_a_verzoek_is_released_together_notifications_first(world: World) -> None:
    _, verzoek = await parked_verzoek(world)
    later, last = await parked_notification(world), await parked_notification(world)
    released = await world.store.release(verzoek.aansluiting.id, "2026060200019", NOW)
    assert [(each.id, each.volgnummer) for each in released] == [(later, None), (last, None), (verzoek.id, 0)]


async def a_second_release_finds_nothing(world: World) -> None:
    _, verzoek = await parked_verzoek(world)
    await parked_notification(world)
    await world.store.release(verzoek.aansluiting.id, "2026060200019", NOW)
    jobs, fetches = list(await world.jobs()), list(await world.fetches())
    assert await world.store.release(verzoek.aansluiting.id, "2026060200019", NOW) == []
    assert (list(await world.jobs()), list(await world.fetches())) == (jobs, fetches)


async def a_look_at_what_would_be_released_changes_nothing(world: World) -> None:
    notification, (_, verzoek) = await parked_notification(world), await parked_verzoek(world)
    found = await world.store.release(verzoek.aansluiting.id, "2026060200019", NOW, dry_run=True)
    assert found == [Parked(notification, None, "refused"), Parked(verzoek.id, 0, "folder is full")]
    assert (await world.store.notification(notification)).state == NotificationState.PARKED
    assert await world.store.verzoek(verzoek.id) == verzoek
    assert await world.shown(notification, None) == "refused"
    assert list(await world.jobs()) == [verzoek.id]
    assert await world.store.release(verzoek.aansluiting.id, "2026060200019", NOW) == found


async def what_is_not_parked_is_not_released(world: World) -> None:
    received = await world.notify(0, "2026060200019")
    await world.store.trouble(notification_id=received, reason="not there yet", advice="", parked=False, now=NOW)
    verzoek = await world.store.start_verzoek(await world.notify(0, "2026060200019"), version(), FILES, NOW)
    fetches = list(await world.fetches())
    assert await world.store.release(verzoek.aansluiting.id, "2026060200019", NOW) == []
    assert await world.shown(received, None) == "not there yet"
    assert (await world.store.verzoek(verzoek.id)).state == VerzoekState.FETCHING
    assert list(await world.fetches()) == fetches


async def a_release_does_not_touch_other_numbers_and_other_aansluitingen(world: World) -> None:
    wanted = await parked_notification(world)
    others = [await parked_notification(world, 1), await parked_notification(world, 0, "2026060200020")]
    await world.store.release(await aansluiting_of(world, wanted), "2026060200019", NOW)
    assert [(await world.store.notification(each)).state for each in others] == [NotificationState.PARKED] * 2


async def a_notification_that_spells_the_number_of_its_version_otherwise_is_released_with_it(world: World) -> None:
    notification = await world.notify(0, "abc-1")
    verzoek = await world.store.start_verzoek(notification, version("ABC-1"), FILES, NOW)
    await world.store.trouble(notification_id=notification, reason="refused", advice="", parked=True, now=NOW)
    released = await world.store.release(verzoek.aansluiting.id, "ABC-1", NOW)
    assert released == [Parked(notification, None, "refused")]


async def a_notification_without_verzoeknummer_stays_parked(world: World) -> None:
    notification = await parked_notification(world, 0, "")
    assert await world.store.release(await aansluiting_of(world, notification), "", NOW) == []
    assert (await world.store.notification(notification)).state == NotificationState.PARKED


def ruled(action: Action, lapsed: tuple[str, ...] = ()) -> Callable[[Known], Ruling]:
    """A judge who always says this."""
    return lambda _: Ruling(action, "some_rule", "some reason", "Een reden.", lapsed=lapsed)


async def whole(
    world: World, volgnummer: int, action: Action = Action.DELIVER_NEW, number: str = "2026060200019"
) -> Verzoek:
    """A version that is announced and fetched, whatever follows from its ruling."""
    notification = await world.notify(0, number)
    new = version(number, volgnummer)
    verzoek = await world.store.start_verzoek(notification, new, FILES, NOW, ruled(action))
    await fetch_all(world, notification, verzoek)
    return await world.store.verzoek(verzoek.id)


async def state_of(world: World, verzoek: Verzoek) -> str:
    return (await world.store.verzoek(verzoek.id)).state


async def a_ruling_is_kept_with_its_version_and_asked_for_once(world: World) -> None:
    one, two = await world.notify(0, "2026060200019"), await world.notify(0, "2026060200019")
    made = await world.store.start_verzoek(one, version(), FILES, NOW, ruled(Action.DELIVER_AANVULLING, ("d7", "d9")))
    again = await world.store.start_verzoek(two, version(), FILES, NOW, ruled(Action.IGNORE))
    assert (again.action, again.rule, again.lapsed) == (Action.DELIVER_AANVULLING, "some_rule", ("d7", "d9"))
    assert again == made


async def the_judge_sees_what_is_on_record_of_this_verzoeknummer_only(world: World) -> None:
    seen: list[Known] = []

    def judge(known: Known) -> Ruling:
        seen.append(known)
        return ruled(Action.DELIVER_NEW)(known)

    first = await whole(world, 0)
    await world.store.verzoek_delivered(first.id, "map/1", NOW)
    for which, number, volgnummer in ((0, "2026060200019", 999), (1, "2026060200019", 1), (0, "2026060200020", 1)):
        notification = await world.notify(which, number)
        await world.store.start_verzoek(notification, version(number, volgnummer), FILES, NOW, judge)
    [(known)] = seen[0].versions
    assert (known.volgnummer, known.state, known.withdrawal, known.document_ids) == (
        0,
        "delivered",
        False,
        frozenset({"d1"}),
    )
    assert (seen[0].own_oins, seen[0].case_linked) == (frozenset({first.aansluiting.organisatie_oin}), True)
    assert [each.versions for each in seen[1:]] == [(), ()]


async def what_is_ignored_or_kept_apart_ends_there_without_a_job(world: World) -> None:
    ignored = await whole(world, 0, Action.IGNORE)
    apart = await whole(world, 1, Action.KEEP_APART)
    assert (ignored.state, apart.state) == (VerzoekState.IGNORED, VerzoekState.KEPT_APART)
    assert await world.shown(None, ignored.id) == "some reason"
    assert list(await world.jobs()) == []
    with pytest.raises(StorageError):
        await world.store.verzoek_delivered(apart.id, "map/1", NOW)


async def what_a_rule_parks_is_delivered_when_a_person_lets_it(world: World) -> None:
    parked = await whole(world, 999, Action.PARK)
    assert (parked.state, list(await world.jobs())) == (VerzoekState.PARKED, [])
    assert await world.shown(None, parked.id) == "some reason"
    await world.store.release(parked.aansluiting.id, "2026060200019", NOW)
    released = await world.store.verzoek(parked.id)
    assert (released.state, released.action) == (VerzoekState.FETCHED, Action.DELIVER_INTREKKING)
    assert list(await world.jobs()) == [parked.id]


async def what_a_rule_parks_stays_parked_when_it_is_announced_again(world: World) -> None:
    parked = await whole(world, 999, Action.PARK)
    assert await whole(world, 999) == parked
    assert list(await world.jobs()) == []


async def a_version_waits_until_every_earlier_one_has_ended(world: World) -> None:
    first, second, third = [await whole(world, number) for number in range(3)]
    assert [each.state for each in (first, second, third)] == ["fetched", "waiting", "waiting"]
    assert await world.shown(None, third.id) == "waits until volgnummer 0 has ended"
    await world.store.verzoek_delivered(first.id, "map/1", NOW)
    assert list(await world.jobs()) == [first.id, second.id]
    assert await world.shown(None, second.id) is None
    with pytest.raises(StorageError):
        await world.store.verzoek_delivered(third.id, "map/3", NOW)
    await world.store.verzoek_delivered(second.id, "map/2", NOW)
    await world.store.verzoek_delivered(second.id, "map/2", NOW)
    assert list(await world.jobs()) == [first.id, second.id, third.id]


async def what_was_not_delivered_by_rule_holds_up_nobody(world: World) -> None:
    await whole(world, 0, Action.IGNORE)
    await whole(world, 1, Action.KEEP_APART)
    assert (await whole(world, 2)).state == VerzoekState.FETCHED


async def a_parked_version_holds_up_the_next_until_it_is_released_and_delivered(world: World) -> None:
    first = await whole(world, 0)
    await world.store.trouble(verzoek_id=first.id, reason="folder is full", advice="", parked=True, now=NOW)
    second = await whole(world, 1)
    assert second.state == VerzoekState.WAITING
    await world.store.release(first.aansluiting.id, "2026060200019", NOW)
    assert await state_of(world, second) == VerzoekState.WAITING
    await world.store.verzoek_delivered(first.id, "map/1", NOW)
    assert await state_of(world, second) == VerzoekState.FETCHED
    assert list(await world.jobs()) == [first.id, first.id, second.id]


async def a_version_waits_for_an_earlier_one_that_is_still_being_fetched(world: World) -> None:
    earlier = await world.notify(0, "2026060200019")
    first = await world.store.start_verzoek(earlier, version(), FILES, NOW)
    second = await whole(world, 1)
    assert second.state == VerzoekState.WAITING
    await fetch_all(world, earlier, first)
    assert await state_of(world, first) == VerzoekState.FETCHED
    assert list(await world.jobs()) == [first.id]


async def an_earlier_version_that_nobody_fetches_any_more_holds_up_nobody(world: World) -> None:
    """DSO-LV hands out the newest version only: the notification of the first leads to the second now."""
    earlier = await world.notify(0, "2026060200019")
    first = await world.store.start_verzoek(earlier, version(), FILES, NOW)
    second = await whole(world, 1)
    assert second.state == VerzoekState.WAITING
    await world.store.start_verzoek(earlier, version(volgnummer=1), FILES, NOW)
    await world.store.verzoek_fetched(earlier, second.id, NOW)
    assert await state_of(world, second) == VerzoekState.FETCHED
    await fetch_all(world, earlier, first)  # by a worker that was taken for dead
    assert await state_of(world, first) == VerzoekState.KEPT_APART
    assert list(await world.jobs()) == [second.id]


def nobody_is_asked(_: Known) -> Ruling:
    """A judge whom nobody may ask."""
    raise AssertionError("this was judged before")


async def handed_back(
    world: World, number: str, volgnummer: int = 0, files: Sequence[NewFile] = FILES, action: Action = NEW
) -> tuple[int, Verzoek]:
    """A version that is announced again and ruled otherwise now; the notification, and the version as it is then."""
    notification = await world.notify(0, number)
    new = replace(version(number, volgnummer), naam="Dakkapel, weer van ons", type="Melding")
    return notification, await world.store.start_verzoek(notification, new, files, NOW, ruled(action))


async def what_was_set_aside_is_fetched_anew_when_it_is_announced_again_and_ruled_otherwise(world: World) -> None:
    for action, number in ((Action.IGNORE, "2026060200019"), (Action.KEEP_APART, "2026060200020")):
        aside = await whole(world, 0, action, number)
        notification, taken = await handed_back(world, number)
        assert (taken.id, taken.state, taken.action) == (aside.id, VerzoekState.FETCHING, NEW)
        assert (taken.naam, taken.type) == ("Dakkapel, weer van ons", "Melding")
        assert await world.shown(None, aside.id) is None
        blobs = {file.document_id: file.blob for file in taken.files}
        assert blobs == {"xml": None, "pdf-1": None, "d1": aside.files[2].blob}  # a bijlage stays what it is
        with pytest.raises(StorageError):
            await world.store.verzoek_fetched(notification, taken.id, NOW)
        await fetch_all(world, notification, taken)
        assert await state_of(world, taken) == VerzoekState.FETCHED
        assert list(await world.jobs())[-1] == taken.id
        await world.store.verzoek_delivered(taken.id, "map/1", NOW)
    assert len(await world.jobs()) == 2


async def what_is_taken_up_goes_on_where_it_was_and_is_not_judged_again(world: World) -> None:
    await whole(world, 0, Action.IGNORE)
    notification, taken = await handed_back(world, "2026060200019")
    await world.store.file_fetched(taken.files[0].id, "verzoeken/fresh", 3, bytes(32), NOW)
    again = await world.store.start_verzoek(notification, version(), FILES, NOW, nobody_is_asked)
    assert (again.state, again.action, again.files[0].blob) == (VerzoekState.FETCHING, NEW, "verzoeken/fresh")
    await fetch_all(world, notification, again)
    await world.store.start_verzoek(await world.notify(0, "2026060200019"), version(), FILES, NOW, nobody_is_asked)
    assert list(await world.jobs()) == [taken.id]


async def what_was_set_aside_stays_so_when_it_is_announced_again_and_ruled_the_same(world: World) -> None:
    for volgnummer, action in enumerate((Action.IGNORE, Action.KEEP_APART)):
        aside = await whole(world, volgnummer, action)
        for again in (Action.IGNORE, Action.KEEP_APART):
            assert await whole(world, volgnummer, again) == aside
        assert await world.shown(None, aside.id) == "some reason"
    assert list(await world.jobs()) == []


async def what_is_set_aside_but_not_whole_yet_is_judged_again_too(world: World) -> None:
    """The copy was being fetched when it was handed back, or its attempt failed and the next one sees it so."""
    copy = await world.notify(0, "2026060200019")
    first = await world.store.start_verzoek(copy, version(), FILES, NOW, ruled(Action.IGNORE))
    for file in (first.files[0], first.files[2]):
        await world.store.file_fetched(file.id, f"verzoeken/{file.id}", 3, bytes(32), NOW)
    again = await world.store.start_verzoek(copy, version(), FILES, NOW, ruled(Action.DELIVER_NEW))
    assert [file.blob for file in again.files] == [None, None, f"verzoeken/{first.files[2].id}"]
    with pytest.raises(StorageError):  # by a worker that was taken for dead
        await world.store.file_fetched(first.files[0].id, "verzoeken/stale", 3, bytes(32), NOW)
    await fetch_all(world, copy, again)
    assert list(await world.jobs()) == [again.id]


async def what_is_under_way_or_delivered_is_never_judged_again(world: World) -> None:
    first, second, third = [await whole(world, number) for number in range(3)]
    await world.store.verzoek_delivered(first.id, "map/1", NOW)
    await world.store.trouble(verzoek_id=second.id, reason="folder is full", advice="", parked=True, now=NOW)
    fetching = await world.notify(0, "2026060200019")
    await world.store.start_verzoek(fetching, version(volgnummer=3), FILES, NOW)
    ruled_out = await whole(world, 4, Action.PARK)
    for volgnummer in range(5):
        again = await world.notify(0, "2026060200019")
        await world.store.start_verzoek(again, version(volgnummer=volgnummer), FILES, NOW, nobody_is_asked)
    states = [await state_of(world, each) for each in (first, second, third, ruled_out)]
    assert states == [VerzoekState.DELIVERED, VerzoekState.PARKED, VerzoekState.WAITING, VerzoekState.PARKED]


async def what_is_taken_up_waits_or_is_parked_as_a_new_version_would(world: World) -> None:
    await whole(world, 0, Action.IGNORE)
    await whole(world, 1, Action.KEEP_APART)
    parking, first = await handed_back(world, "2026060200019", action=Action.PARK)
    await fetch_all(world, parking, first)
    waiting, second = await handed_back(world, "2026060200019", 1)
    await fetch_all(world, waiting, second)
    assert [await state_of(world, each) for each in (first, second)] == [VerzoekState.PARKED, VerzoekState.WAITING]
    assert await world.shown(None, first.id) == "some reason"
    await world.store.release(first.aansluiting.id, "2026060200019", NOW)
    await world.store.verzoek_delivered(first.id, "map/1", NOW)
    assert list(await world.jobs()) == [first.id, second.id]


async def what_is_taken_up_after_a_newer_one_went_out_is_overtaken_and_stays_so(world: World) -> None:
    await whole(world, 0, Action.IGNORE)
    newer = await whole(world, 1)
    notification, older = await handed_back(world, "2026060200019")
    await fetch_all(world, notification, older)
    assert await state_of(world, older) == VerzoekState.KEPT_APART
    await world.store.start_verzoek(await world.notify(0, "2026060200019"), version(), FILES, NOW, nobody_is_asked)
    assert list(await world.jobs()) == [newer.id]


async def what_is_taken_up_has_the_files_that_are_announced_now(world: World) -> None:
    aside = await whole(world, 0, Action.IGNORE)
    other = NewFile(2, FileKind.BIJLAGE, "d2", "plattegrond.png", "image/png", "https://dso.test/d2")
    notification, taken = await handed_back(world, "2026060200019", files=(*FILES[:2], other))
    assert [file.document_id for file in taken.files] == ["xml", "pdf-1", "d2"]
    assert not {file.id for file in taken.files} & {file.id for file in aside.files}
    await fetch_all(world, notification, taken)
    assert await state_of(world, taken) == VerzoekState.FETCHED


async def a_linked_case_is_known_before_any_version_came_in(world: World) -> None:
    notification = await world.notify(0, "2026060200019")
    aansluiting = await aansluiting_of(world, notification)
    await world.links.link([CaseLink(aansluiting, "2026060200019", "map", "hand-made")], Who("beheerder", NOW))
    seen: list[Known] = []

    def judge(known: Known) -> Ruling:
        seen.append(known)
        return ruled(Action.PARK)(known)

    verzoek = await world.store.start_verzoek(notification, version(), FILES, NOW, judge)
    assert [(each.case_linked, each.versions) for each in seen] == [(True, ())]
    await fetch_all(world, notification, verzoek)
    await world.store.release(aansluiting, "2026060200019", NOW)
    assert (await world.store.verzoek(verzoek.id)).action is Action.DELIVER_AANVULLING


async def what_was_announced_is_kept_as_it_came_and_once(world: World) -> None:
    aansluiting = (await world.store.notification(await world.notify(0, "2026060200019"))).aansluiting
    jobs, new = len(await world.fetches()), NewNotification("2026060200020")
    made = await world.store.announced(aansluiting, new, b"<n>een</n>", NOW)
    assert made is not None
    assert await world.store.announced(aansluiting, new, b"<n>een</n>", NOW) is None
    assert await world.store.announced(aansluiting, new, b"<n>twee</n>", NOW) is not None
    assert len(await world.fetches()) == jobs + 2
    assert await world.store.original(made) == Original(b"<n>een</n>")


async def what_is_passed_on_has_ended(world: World) -> None:
    number = await world.notify(0, "2026060200019")
    await world.store.trouble(notification_id=number, reason="away", advice="Wacht", parked=False, now=NOW)
    for _ in range(2):
        await world.store.passed_on(number, NOW)
    await world.store.trouble(notification_id=number, reason="late", advice="Te laat", parked=True, now=NOW)
    assert (await world.store.notification(number)).state == NotificationState.PASSED_ON
    assert await world.shown(number, None) is None


async def a_parked_notification_that_gets_through_after_all_is_passed_on(world: World) -> None:
    number = await parked_notification(world)
    await world.store.passed_on(number, NOW)
    assert (await world.store.notification(number)).state == NotificationState.PASSED_ON


CONTRACT = (
    a_linked_case_is_known_before_any_version_came_in,
    what_was_set_aside_is_fetched_anew_when_it_is_announced_again_and_ruled_otherwise,
    what_is_taken_up_goes_on_where_it_was_and_is_not_judged_again,
    what_was_set_aside_stays_so_when_it_is_announced_again_and_ruled_the_same,
    what_is_set_aside_but_not_whole_yet_is_judged_again_too,
    what_is_under_way_or_delivered_is_never_judged_again,
    what_is_taken_up_waits_or_is_parked_as_a_new_version_would,
    what_is_taken_up_after_a_newer_one_went_out_is_overtaken_and_stays_so,
    what_is_taken_up_has_the_files_that_are_announced_now,
    what_was_announced_is_kept_as_it_came_and_once,
    what_is_passed_on_has_ended,
    a_parked_notification_that_gets_through_after_all_is_passed_on,
    a_ruling_is_kept_with_its_version_and_asked_for_once,
    the_judge_sees_what_is_on_record_of_this_verzoeknummer_only,
    what_is_ignored_or_kept_apart_ends_there_without_a_job,
    what_a_rule_parks_is_delivered_when_a_person_lets_it,
    what_a_rule_parks_stays_parked_when_it_is_announced_again,
    a_version_waits_until_every_earlier_one_has_ended,
    what_was_not_delivered_by_rule_holds_up_nobody,
    a_parked_version_holds_up_the_next_until_it_is_released_and_delivered,
    a_version_waits_for_an_earlier_one_that_is_still_being_fetched,
    an_earlier_version_that_nobody_fetches_any_more_holds_up_nobody,
    a_notification_is_received_first,
    what_is_not_there_is_a_storage_error,
    a_version_is_made_with_its_files_in_order,
    starting_again_finds_the_version_with_what_was_recorded,
    a_file_that_is_announced_later_joins_a_version_that_is_not_whole_yet,
    a_version_that_is_whole_stays_as_it_is,
    of_two_attempts_that_fetch_a_file_the_first_counts,
    of_files_recorded_together_each_is_told_whether_it_was_the_first,
    of_files_of_which_one_does_not_exist_none_is_recorded,
    two_notifications_of_one_version_share_it_and_make_one_job,
    an_aanvulling_is_a_version_of_its_own,
    the_same_verzoeknummer_in_two_aansluitingen_never_meets,
    a_version_is_fetched_only_when_every_file_is_there,
    fetched_moves_both_and_makes_the_job_once,
    a_delivered_version_stays_delivered,
    what_is_not_whole_cannot_be_delivered,
    trouble_of_a_notification_is_shown_and_gone_when_it_is_fetched,
    trouble_of_a_verzoek_is_shown_and_gone_when_it_is_delivered,
    a_parked_verzoek_that_is_announced_again_gets_a_fresh_chance,
    a_released_notification_is_received_again_and_has_a_new_job,
    a_released_version_is_fetched_again_and_has_a_new_job,
    everything_of_a_verzoek_is_released_together_notifications_first,
    a_second_release_finds_nothing,
    a_look_at_what_would_be_released_changes_nothing,
    what_is_not_parked_is_not_released,
    a_release_does_not_touch_other_numbers_and_other_aansluitingen,
    a_notification_that_spells_the_number_of_its_version_otherwise_is_released_with_it,
    a_notification_without_verzoeknummer_stays_parked,
)
