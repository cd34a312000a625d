"""What goes when its period is over, what stays, and that a kill leaves neither an unrecorded deletion nor a blob."""

import asyncio
import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.unit.adapters.postgres.keeping import FILES, LATER, Keeping, chunks
from tests.unit.adapters.postgres.world import World
from tests.unit.flows.dso_world import NUMBER, FakeDso
from tests.unit.flows.stored_messages import inbound_of

from digikoppelaar.adapters.postgres.deliveries import PostgresDeliveries
from digikoppelaar.adapters.postgres.repairs import PostgresRepairs
from digikoppelaar.errors import ContentPurged, StorageError
from digikoppelaar.flows.intake import Intake
from digikoppelaar.flows.ports import NewNotification, NewVerzoek, Verzoek
from digikoppelaar.flows.ports.repair import Redelivery, Which, Who
from digikoppelaar.flows.ports.retention import PurgeFilter, What
from digikoppelaar.flows.reading import VerzoekPage
from digikoppelaar.flows.registration import AansluitingEntry, difference
from digikoppelaar.flows.repair import notification_in
from digikoppelaar.flows.retention import RetentionSettings, suspicious
from digikoppelaar.stam.rules import Action


@pytest.fixture
def keeping(world: World, tmp_path: Path) -> Keeping:
    """An installation without verzoeken."""
    return Keeping(world, tmp_path)


async def page_of(keeping: Keeping, number: str, which: int = 0) -> VerzoekPage:
    cpa = (keeping.world.pre, keeping.world.prod)[which]
    page = await keeping.world.reading.verzoek(cpa.aansluiting.id, number)
    assert page
    return page


async def test_content_goes_after_its_period_and_sizes_and_hashes_stay(keeping: Keeping) -> None:
    verzoek_id, number = await keeping.delivered(31)
    before = (await page_of(keeping, number)).versions[0]
    ran = await keeping.run()
    assert (ran.verzoeken, ran.messages, ran.leftovers) == (1, 1, 0)
    assert keeping.on_disk() == set()
    assert list((keeping.folder / "blobs").iterdir()) == []
    [after] = (await page_of(keeping, number)).versions
    assert (after.verzoek.naam, after.verzoek.purged_at, after.verzoek.state) == ("", LATER, "delivered")
    assert after.verzoek.case_reference == f"zaak-{number}"
    assert [file.naam for file in after.files] == ["", ""]
    assert [(f.size, f.sha256, f.document_id) for f in after.files] == [
        (f.size, f.sha256, f.document_id) for f in before.files
    ]
    assert [step.name for step in after.steps][-1] == "purged"
    assert (await keeping.world.verzoeken.verzoek(verzoek_id)).purged_at == LATER
    assert (await keeping.run()).verzoeken == 0


async def test_the_record_says_what_went_when_and_by_which_run(keeping: Keeping) -> None:
    _, number = await keeping.delivered(40)
    ran = await keeping.run()
    [verzoek, notification] = await keeping.purges()
    assert (verzoek.what, verzoek.verzoeknummer, verzoek.volgnummer) == ("verzoek", number, 0)
    assert verzoek.run_id == ran.run_id
    assert (verzoek.recorded_at, verzoek.completed_at) == (LATER, LATER)
    assert [each.kind for each in verzoek.contents] == ["xml", "bijlage"]
    assert verzoek.contents[1].sha256 == hashlib.sha256(b"bijlage").digest()
    assert (notification.what, notification.message_id) == ("inbound", f"{number}@dso.example")
    assert [(each.kind, each.size, each.sha256) for each in notification.contents] == [("payload", 4, b"\3" * 32)]
    assert ran.size == verzoek.size + notification.size
    for wanted, found in (
        (PurgeFilter(verzoeknummer=number), ["verzoek"]),
        (PurgeFilter(message_id=f"{number}@dso.example"), ["inbound"]),
        (PurgeFilter(what="inbound", run_id=ran.run_id), ["inbound"]),
        (PurgeFilter(run_id=0), []),
    ):
        assert [row.what for row in await keeping.store.purges(wanted)] == found


async def test_nothing_personal_is_left_in_the_database(keeping: Keeping) -> None:
    await keeping.delivered(31)
    await keeping.run()
    secrets = ("Fictief", "3c6e2f3e", "n.xml")
    for table in await keeping.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
        for row in await keeping.rows(f"SELECT t::text FROM {table['tablename']} AS t"):
            assert not [secret for secret in secrets if secret in row["t"]], table


async def test_the_soap_part_of_a_notification_stays_and_it_is_still_a_duplicate(keeping: Keeping) -> None:
    _, number = await keeping.delivered(31)
    await keeping.run()
    seen = await keeping.world.messages.find_inbound(keeping.world.pre, f"{number}@dso.example")
    assert seen
    assert seen.fingerprint == b"\1" * 32


async def test_what_ended_later_stays_and_an_aansluiting_may_have_its_own_period(keeping: Keeping) -> None:
    young = await keeping.delivered(30)
    other = await keeping.delivered(6, which=1)
    entries = [each for each in await keeping.world.registry.entries() if isinstance(each, AansluitingEntry)]
    [prod] = [each for each in entries if each.omgeving == "sandbox-prod"]
    await keeping.world.registry.apply(difference(entries, [replace(prod, retention_days=5)]), LATER)
    assert (await keeping.run()).verzoeken == 1
    assert (await page_of(keeping, other[1], 1)).versions[0].verzoek.purged_at == LATER
    assert (await page_of(keeping, young[1])).versions[0].verzoek.purged_at is None


async def test_what_has_not_ended_stays_and_is_reported(keeping: Keeping) -> None:
    parked, number = await keeping.fetched(50)
    await keeping.world.verzoeken.trouble(verzoek_id=parked, reason="full", advice="Ruim op.", parked=True, now=LATER)
    half, half_number = await keeping.fetched(45)
    deliveries = PostgresDeliveries(keeping.world.pool)
    first, _ = await deliveries.plan(half, ["zgw", "map"], LATER)
    await deliveries.delivered(first.id, "zaak", LATER - timedelta(days=45))
    lone = inbound_of(keeping.world.pre, "lone@dso.example")
    await keeping.world.messages.record_inbound(
        replace(lone, received_at=LATER - timedelta(days=40)), None, NewNotification("2026060299999")
    )
    young, _ = await keeping.fetched(5)
    del young
    assert (await keeping.run()).verzoeken == 0
    rows = await keeping.retention().kept()
    assert [(row.what, row.verzoeknummer, row.state, row.reason) for row in rows] == [
        ("verzoek", number, "parked", "full"),
        ("verzoek", half_number, "fetched", None),
        ("notification", "2026060299999", "received", None),
    ]
    assert rows[0].advice == "Ruim op."


async def test_the_document_of_a_notification_goes_when_it_was_passed_on_or_its_verzoek_is_gone(
    keeping: Keeping,
) -> None:
    store, aansluiting = keeping.world.verzoeken, keeping.world.pre.aansluiting
    long_ago = LATER - timedelta(days=40)
    passed_on = await store.announced(aansluiting, NewNotification("2026060288888"), b"<passed/>", long_ago)
    waiting = await store.announced(aansluiting, NewNotification("2026060277777"), b"<waiting/>", long_ago)
    assert passed_on
    assert waiting
    await store.passed_on(passed_on, long_ago)
    _, number = await keeping.delivered(40)
    again = await store.announced(aansluiting, NewNotification(number), b"<again/>", long_ago)
    assert again
    await store.verzoek_fetched(again, 1, long_ago)
    ran = await keeping.run()
    assert (ran.verzoeken, ran.messages) == (1, 3)
    rows = await keeping.rows("SELECT id, document FROM notification WHERE document IS NOT NULL")
    assert rows == [{"id": waiting, "document": b"<waiting/>"}]
    recorded = [row for row in await keeping.purges() if row.what == "notification"]
    assert [(row.verzoeknummer, row.size) for row in recorded] == [("2026060288888", 9), (number, 8)]
    assert [row.verzoeknummer for row in await keeping.retention().kept()] == ["2026060277777"]


async def test_what_was_deleted_can_be_neither_redelivered_nor_replayed_and_says_when_it_went(keeping: Keeping) -> None:
    _, number = await keeping.delivered(31)
    await keeping.run()
    repairs, who = PostgresRepairs(keeping.world.pool), Who("jan", LATER)
    which = Which(keeping.world.pre.aansluiting.id, number)
    with pytest.raises(ContentPurged, match=f"volgnummer 0 was deleted on {LATER:%Y-%m-%d}"):
        await repairs.redeliver(Redelivery(which), who)
    [found] = await repairs.inbound(f"{number}@dso.example", None)
    with pytest.raises(ContentPurged, match="the message was deleted"):
        await notification_in(found.payload, keeping.blobs)


@pytest.mark.parametrize("action", [Action.IGNORE, Action.KEEP_APART])
async def test_what_a_rule_delivers_nowhere_goes_as_well(keeping: Keeping, action: Action) -> None:
    await keeping.fetched(31, action=action)
    assert (await keeping.run()).verzoeken == 1


async def handed_back(keeping: Keeping, number: str) -> Verzoek:
    """The copy of this verzoeknummer is announced again, and nobody else handles it now."""
    inbound = inbound_of(keeping.world.pre, f"{number}-again@dso.example")
    assert await keeping.world.messages.record_inbound(inbound, None, NewNotification(number))
    new = NewVerzoek(number, 0, "Melding", "initieren", "Dakkapel", LATER, False)
    return await keeping.world.verzoeken.start_verzoek(await keeping.newest("notification"), new, FILES, LATER)


async def test_a_copy_that_is_handed_back_after_its_content_was_deleted_has_content_to_be_fetched(
    keeping: Keeping,
) -> None:
    verzoek_id, number = await keeping.fetched(40, action=Action.IGNORE)
    await keeping.run()
    taken = await handed_back(keeping, number)
    assert (taken.id, taken.state, taken.naam, taken.purged_at) == (verzoek_id, "fetching", "Dakkapel", None)
    assert [(file.naam, file.href, file.blob) for file in taken.files] == [
        (file.naam, file.href, None) for file in FILES
    ]
    steps = (await page_of(keeping, number)).versions[0].steps
    assert [step.name for step in steps][-2:] == ["purged", "taken_up"]
    await keeping.run()
    assert [row.what for row in await keeping.purges() if row.verzoeknummer == number].count("verzoek") == 1


async def test_what_a_copy_had_beside_its_bijlagen_goes_when_it_is_handed_back(keeping: Keeping) -> None:
    _, number = await keeping.fetched(9, action=Action.IGNORE)
    before = keeping.on_disk()
    bijlage = (await handed_back(keeping, number)).files[1].blob
    ran = await keeping.run()
    assert (ran.leftovers, len(before)) == (1, 2)
    assert keeping.on_disk() == {bijlage}


async def test_a_dry_run_shows_what_would_go_and_changes_nothing(keeping: Keeping) -> None:
    _, number = await keeping.delivered(31)
    ran = await keeping.retention().dry_run()
    assert [(due.what, due.verzoeknummer, due.days) for due in ran.due] == [("verzoek", number, 31)]
    assert await keeping.purges() == []
    assert len(keeping.on_disk()) == 2


async def test_of_two_runs_at_once_each_deletion_is_recorded_once(keeping: Keeping) -> None:
    for _ in range(5):
        await keeping.delivered(31)
    await asyncio.gather(keeping.run(), keeping.run())
    assert len([row for row in await keeping.purges() if row.what == "verzoek"]) == 5
    assert keeping.on_disk() == set()


async def test_the_periodic_run_begins_once_an_interval_and_again_after_a_kill(keeping: Keeping) -> None:
    begin, store = LATER - timedelta(hours=1), keeping.store
    unless = begin - timedelta(days=1)
    began = await asyncio.gather(*(store.begin("worker", begin, unless) for _ in range(4)))
    [run] = [each for each in began if each is not None]
    assert await store.begin("worker", begin + timedelta(minutes=9), unless) is None
    assert await store.begin("worker", begin + timedelta(minutes=11), unless) is not None
    await store.ended(run, begin)
    assert await store.begin("worker", begin + timedelta(hours=23), begin - timedelta(hours=1)) is None
    assert await store.begin("by hand", begin, None) is not None


async def test_a_deleted_version_that_is_announced_again_is_neither_fetched_nor_delivered(keeping: Keeping) -> None:
    store, blobs = keeping.world.verzoeken, keeping.blobs
    intake = Intake(store, lambda _: FakeDso(), blobs, keeping.clock)
    keeping.clock.moment = LATER - timedelta(days=40)
    await intake.fetch(await keeping.world.notify(0, NUMBER))
    await store.verzoek_delivered(1, "zaak", keeping.clock.moment)
    keeping.clock.moment = LATER
    assert (await keeping.run()).verzoeken == 1
    jobs = await keeping.rows("SELECT FROM procrastinate_jobs WHERE task_name = 'deliver'")
    await intake.fetch(await keeping.world.notify(0, NUMBER))
    assert keeping.on_disk() == set()
    [page] = (await page_of(keeping, NUMBER)).versions
    assert (page.verzoek.state, page.verzoek.naam) == ("delivered", "")
    assert len(await keeping.rows("SELECT FROM procrastinate_jobs WHERE task_name = 'deliver'")) == len(jobs)


# --- kills ---------------------------------------------------------------------------------------------------


class Killed(BaseException):
    """As if the process were gone."""


class Mortal:
    """Passes everything on to `inner` until `die` raises, before or after a call."""

    def __init__(self, inner: Any, die: Callable[[], None]) -> None:
        self._inner, self._die = inner, die

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)
        if name in {"get", "stored"}:
            return method

        async def call(*arguments: Any) -> Any:
            self._die()
            answer = await method(*arguments)
            self._die()
            return answer

        return call


async def test_a_kill_at_any_point_leaves_no_unrecorded_deletion_and_no_forgotten_blob(keeping: Keeping) -> None:
    survived, point = False, 0
    while not survived:
        point, steps = point + 1, 0

        def die(at: int = point) -> None:
            nonlocal steps
            steps += 1
            if steps == at:
                raise Killed

        await keeping.delivered(31)
        there = keeping.on_disk()
        try:
            await keeping.retention(Mortal(keeping.store, die), Mortal(keeping.blobs, die)).run("killed")
            survived = True
        except Killed:
            pass
        recorded = {each.blob for row in await keeping.purges() for each in row.contents}
        assert there - keeping.on_disk() <= recorded, f"deleted without a record at {point}"
        await keeping.run()
        assert keeping.on_disk() == set(), f"forgotten after a kill at {point}"
        assert all(row.completed_at for row in await keeping.purges())
    verzoeken = [row for row in await keeping.purges() if row.what == "verzoek"]
    assert len(verzoeken) == point > 15
    assert all([each.kind for each in row.contents] == ["xml", "bijlage"] for row in verzoeken)


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (StorageError("blob store: Read-only file system"), "blob store: Read-only file system"),
        (ValueError("brief van Fictief.pdf"), "unexpected ValueError"),
    ],
)
async def test_a_blob_that_cannot_be_removed_is_tried_again_and_keeps_no_other(
    keeping: Keeping, error: Exception, problem: str
) -> None:
    first, _ = await keeping.delivered(31)
    await keeping.delivered(31)

    class Stubborn(Mortal):
        async def erase(self, names: Any, before: Any) -> None:
            if any(name.startswith(f"verzoeken/1/{first}/") for name in names):
                raise error
            await self._inner.erase(names, before)

    ran = await keeping.retention(blobs=Stubborn(keeping.blobs, lambda: None)).run("test")
    assert ran
    assert ran.problems == [f"verzoek {first}: {problem}"]
    assert ran.verzoeken == 1
    assert [row.completed_at is None for row in await keeping.purges() if row.what == "verzoek"] == [True, False]
    assert (await keeping.run()).resumed == 1
    assert keeping.on_disk() == set()


async def test_a_blob_that_was_stored_after_the_record_is_left_alone(keeping: Keeping) -> None:
    verzoek_id, _ = await keeping.delivered(31)
    [xml, _] = sorted(keeping.on_disk())
    due = (await keeping.store.due(What.VERZOEK, 31, LATER, 0, 10))[0]
    run = await keeping.store.begin("killed", LATER, None)
    assert run
    await keeping.store.purge(run, due, 31, LATER)
    keeping.clock.moment += timedelta(days=1)
    await keeping.blobs.put(xml, chunks(b"fetched again"))
    newer = (keeping.clock.moment - timedelta(hours=1)).timestamp()
    os.utime(keeping.folder / "blobs" / xml, (newer, newer))
    await keeping.run()
    assert keeping.on_disk() == {xml}
    assert str(verzoek_id) in xml


# --- blobs that no row names ---------------------------------------------------------------------------------


async def test_blobs_that_no_row_names_go_when_they_are_old_and_others_stay(keeping: Keeping) -> None:
    await keeping.fetched(1)
    named = keeping.on_disk()
    await keeping.blobs.put("ebms/spool/forgotten", chunks(b"1234"))
    keeping.clock.moment = LATER - timedelta(days=3)
    assert (await keeping.run()).leftovers == 0
    keeping.clock.moment = LATER
    ran = await keeping.run()
    assert (ran.leftovers, ran.size) == (1, 4)
    assert keeping.on_disk() == named
    [row] = await keeping.purges()
    assert (row.what, row.organisatie_oin, row.contents[0].blob) == ("leftover", None, "ebms/spool/forgotten")


async def test_a_folder_full_of_blobs_without_rows_belongs_to_another_database(keeping: Keeping) -> None:
    for number in range(21):
        await keeping.blobs.put(f"verzoeken/1/1/{number}-1", chunks(b"x"))
    ran = await keeping.retention().run("test")
    assert ran
    assert ["21 of 21 blobs" in problem for problem in ran.problems] == [True]
    assert len(keeping.on_disk()) == 21


@pytest.mark.parametrize(
    ("leftovers", "stored", "wrong"),
    [(0, 0, False), (20, 20, False), (21, 41, True), (21, 42, False), (500, 501, True)],
)
def test_leftovers_are_suspicious_when_they_are_many_and_most(leftovers: int, stored: int, wrong: bool) -> None:
    assert suspicious(leftovers, stored) is wrong


async def test_periods_of_zero_delete_at_once(keeping: Keeping) -> None:
    keeping.settings = RetentionSettings(days=0)
    await keeping.delivered(0)
    assert (await keeping.run()).verzoeken == 1
