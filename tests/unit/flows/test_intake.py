"""A verzoek arrives whole, once, whatever DSO-LV answers and wherever the process dies."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from tests.unit.flows.dso_world import AANSLUITING, BIJLAGEN, NOW, NUMBER, Crash, Doom, Doomed, FakeDso, Standstill

from digikoppelaar.adapters.memory.blobs import MemoryBlobs
from digikoppelaar.adapters.memory.deliveries import MemoryDeliveries
from digikoppelaar.adapters.memory.repairs import MemoryRepairs
from digikoppelaar.adapters.memory.verzoeken import MemoryVerzoeken
from digikoppelaar.errors import (
    DigikoppelaarError,
    FacilityAnswerBroken,
    FacilityNotFound,
    FacilityRefused,
    FacilityUnavailable,
    TooLarge,
    VerzoekError,
)
from digikoppelaar.flows import intake
from digikoppelaar.flows.attempts import Done
from digikoppelaar.flows.intake import Intake, blob_name
from digikoppelaar.flows.intake_states import Park, Retry
from digikoppelaar.flows.ports import Blob, Download, File, FileKind, Have, NewNotification, Verzoek
from digikoppelaar.flows.ports.repair import Which, Who
from digikoppelaar.stam.rules import Action, RuleSettings
from digikoppelaar.stam.schema import read_schemas


class World:
    """A gateway that intake runs in: a store, blobs, and a DSO-LV."""

    def __init__(self, dso: FakeDso | None = None) -> None:
        self.store, self.blobs, self.dso = MemoryVerzoeken(), MemoryBlobs(), dso or FakeDso()

    def intake(self, doom: Doom | None = None, **other: Any) -> Intake:
        """The flow; with `doom` it may die at any door."""
        wrap: Callable[[Any], Any] = (lambda port: Doomed(port, doom)) if doom else (lambda port: port)
        dso = wrap(self.dso)
        return Intake(wrap(self.store), lambda _: dso, wrap(self.blobs), Standstill(), **other)

    def announce(self) -> int:
        return self.store.announce(AANSLUITING, NewNotification(NUMBER), NOW)

    async def check_whole(self, verzoek: Verzoek) -> None:
        """Every file of DSO-LV is in the blob store under its own name, byte for byte, as recorded."""
        assert [file.href for file in verzoek.files] == list(self.dso.contents)
        for file in verzoek.files:
            assert file.blob is not None
            assert file.blob.startswith(blob_name(verzoek, file, 0).removesuffix("0"))
            content = b"".join([chunk async for chunk in self.blobs.get(file.blob)])
            assert content == self.dso.contents[file.href]
            assert (file.size, file.sha256) == (len(content), hashlib.sha256(content).digest())


async def test_a_verzoek_is_fetched_whole_and_gets_one_job() -> None:
    world = World()
    notification = world.announce()
    assert await world.intake().attempt(notification, 1) == Done()
    (verzoek,) = world.store.verzoeken.values()
    await world.check_whole(verzoek)
    assert (verzoek.verzoeknummer, verzoek.volgnummer, verzoek.doel) == (NUMBER, 0, "initieren")
    assert [file.naam for file in verzoek.files[2:]] == [naam for naam, _ in BIJLAGEN.values()]
    assert world.store.delivery_jobs == [verzoek.id]
    assert (await world.store.notification(notification)).state == "fetched"


async def test_what_an_administrator_should_know_is_kept_with_the_version_and_stops_nothing() -> None:
    schema = b'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:test:ander"/>'
    world = World()
    assert await world.intake(schemas=read_schemas({"ander.xsd": schema})).attempt(world.announce(), 1) == Done()
    [found] = world.store.findings.values()
    assert [each.code for each in found] == ["schema-missing"]
    assert world.store.delivery_jobs


async def test_a_fetched_notification_asks_nothing_again() -> None:
    world = World()
    notification = world.announce()
    await world.intake().fetch(notification)
    before = dict(world.dso.downloads)
    await world.intake().fetch(notification)
    assert world.dso.downloads == before
    assert len(world.store.delivery_jobs) == 1


async def test_the_same_notification_twice_gives_one_version_and_one_job() -> None:
    world = World()
    for notification in (world.announce(), world.announce()):
        assert await world.intake().attempt(notification, 1) == Done()
    assert len(world.store.verzoeken) == 1
    assert len(world.store.delivery_jobs) == 1
    assert all(count == 1 for href, count in world.dso.downloads.items() if href != "/xml")


async def test_an_aanvulling_is_a_second_version() -> None:
    world = World()
    await world.intake().fetch(world.announce())
    world.dso = FakeDso(volgnummer=1)
    await world.intake().fetch(world.announce())
    versions = list(world.store.verzoeken.values())
    assert [(verzoek.volgnummer, verzoek.doel) for verzoek in versions] == [(0, "initieren"), (1, "aanvullen")]
    await world.check_whole(versions[1])
    assert (versions[1].state, versions[1].rule) == ("waiting", "aanvulling")
    assert world.store.delivery_jobs == [versions[0].id]
    await world.store.verzoek_delivered(versions[0].id, "map/1", NOW)
    assert world.store.delivery_jobs == [verzoek.id for verzoek in versions]


async def withdrawal_announced(world: World) -> int:
    return world.store.announce(AANSLUITING, NewNotification(NUMBER, withdrawal=True), NOW)


async def test_a_withdrawal_without_a_verzoek_behind_it_is_a_version_of_its_own_after_the_others() -> None:
    world = World()
    await world.intake().fetch(world.announce())
    for notification in (await withdrawal_announced(world), await withdrawal_announced(world)):
        assert await world.intake().attempt(notification, 1) == Done()
    first, last = world.store.verzoeken.values()
    assert (last.volgnummer, last.doel, last.rule, last.state) == (999, "intrekken", "withdrawal", "waiting")
    assert [(file.kind, file.blob is not None) for file in last.files] == [(FileKind.XML, True)]
    await world.store.verzoek_delivered(first.id, "map/1", NOW)
    assert world.store.delivery_jobs == [first.id, last.id]


async def test_a_withdrawal_of_what_never_came_is_parked_for_a_person() -> None:
    world = World()
    assert await world.intake().attempt(await withdrawal_announced(world), 1) == Done()
    (verzoek,) = world.store.verzoeken.values()
    assert (verzoek.state, verzoek.rule) == ("parked", "withdrawal_of_the_unknown")
    assert "onbekend verzoek" in world.store.verzoek_troubles[verzoek.id].advice


COPY = b"<vx:uitvoerendeInstantie><vx:oin>00000099000000005000</vx:oin></vx:uitvoerendeInstantie></vx:verzoek>"


async def world_with_a_copy() -> World:
    """A behandeldienst handles the verzoek, so that it was ignored."""
    world = World()
    ours, world.dso.xml = world.dso.xml, world.dso.xml.replace(b"</vx:verzoek>", COPY)
    await world.intake().fetch(world.announce())
    [copy] = world.store.verzoeken.values()
    assert (copy.state, copy.rule) == ("ignored", "kopiebericht")
    world.dso.xml = ours
    return world


async def test_a_copy_that_is_announced_again_while_another_handles_it_does_nothing() -> None:
    world = await world_with_a_copy()
    world.dso.xml = world.dso.xml.replace(b"</vx:verzoek>", COPY)
    before = dict(world.store.verzoeken), {**world.dso.downloads, "/xml": 2}
    assert await world.intake().attempt(again := world.announce(), 1) == Done()
    assert (world.store.verzoeken, world.dso.downloads) == before
    assert (await world.store.notification(again)).state == "fetched"
    assert world.store.delivery_jobs == []


async def test_a_copy_that_is_handed_back_is_new_with_the_xml_of_now_and_the_bijlagen_that_are_here() -> None:
    world = await world_with_a_copy()
    assert await world.intake().attempt(world.announce(), 1) == Done()
    [verzoek] = world.store.verzoeken.values()
    assert (verzoek.state, verzoek.rule) == ("fetched", "first_version")
    assert world.store.delivery_jobs == [verzoek.id]
    await world.check_whole(verzoek)
    assert all(count == (1 if href.startswith("/d/") else 2) for href, count in world.dso.downloads.items())


async def test_a_copy_whose_content_was_deleted_is_fetched_whole_when_it_is_handed_back() -> None:
    world = await world_with_a_copy()
    [copy] = world.store.verzoeken.values()
    gone = tuple(replace(file, naam="", href="", blob=None) for file in copy.files)
    world.store.verzoeken[copy.id] = replace(copy, naam="", files=gone, purged_at=NOW)
    assert await world.intake().attempt(world.announce(), 1) == Done()
    [verzoek] = world.store.verzoeken.values()
    assert (verzoek.state, verzoek.purged_at, verzoek.naam) == ("fetched", None, copy.naam)
    await world.check_whole(verzoek)


async def test_a_copy_that_is_handed_back_and_dies_at_any_point_is_delivered_once() -> None:
    for at in range(1, 200):
        world = await world_with_a_copy()
        notification = world.announce()
        try:
            await world.intake(Doom(at)).attempt(notification, 1)
            finished = True
        except Crash:
            finished = False
        assert await world.intake().attempt(notification, 2) == Done()
        [verzoek] = world.store.verzoeken.values()
        await world.check_whole(verzoek)
        assert (verzoek.rule, world.store.delivery_jobs) == ("first_version", [verzoek.id])
        if finished:
            break
    assert at > 5


async def test_what_the_aansluiting_chose_counts() -> None:
    world = World(FakeDso(volgnummer=1))
    choosy = replace(AANSLUITING, rules=RuleSettings(aanvulling_without_first=Action.PARK))
    assert await world.intake().attempt(world.store.announce(choosy, NewNotification(NUMBER), NOW), 1) == Done()
    (verzoek,) = world.store.verzoeken.values()
    assert (verzoek.state, verzoek.rule) == ("parked", "rerouted_aanvulling")


async def test_a_withdrawal_that_dies_at_any_point_is_one_version_with_one_job() -> None:
    for at in range(1, 200):
        world = World()
        await world.intake().fetch(world.announce())
        await world.store.verzoek_delivered(1, "map/1", NOW)
        notification = await withdrawal_announced(world)
        try:
            await world.intake(Doom(at)).attempt(notification, 1)
            finished = True
        except Crash:
            finished = False
        assert await world.intake().attempt(notification, 1) == Done()
        assert world.store.delivery_jobs == [1, 2]
        assert [each.volgnummer for each in world.store.verzoeken.values()] == [0, 999]
        if finished:
            break
    assert at > 5


async def test_the_announcement_of_a_delivered_version_delivers_nothing_again() -> None:
    world = World()
    await world.intake().fetch(world.announce())
    await world.store.verzoek_delivered(1, "map/1", NOW)
    again = world.announce()
    await world.intake().fetch(again)
    assert world.store.verzoeken[1].state == "delivered"
    assert world.store.delivery_jobs == [1]
    assert (await world.store.notification(again)).state == "fetched"


@pytest.mark.parametrize(("announces", "doors"), [(True, 15), (False, 25)], ids=["small-together", "one-by-one"])
async def test_a_crash_at_any_point_and_a_rerun_have_one_effect(announces: bool, doors: int) -> None:
    crashes = 0
    for at in range(1, 200):
        world = World(FakeDso(announces=announces))
        notification = world.announce()
        try:
            await world.intake(Doom(at)).attempt(notification, 1)
            finished = True
        except Crash:
            finished = False
        recorded = [file.href for verzoek in world.store.verzoeken.values() for file in verzoek.files if file.blob]
        before = dict(world.dso.downloads)
        assert await world.intake().attempt(notification, 1) == Done()
        (verzoek,) = world.store.verzoeken.values()
        await world.check_whole(verzoek)
        assert world.store.delivery_jobs == [verzoek.id]
        assert all(world.dso.downloads[href] == before[href] for href in recorded if href != "/xml")
        if finished:
            break
        crashes += 1
    assert crashes > doors


async def test_crash_after_crash_gets_there_in_the_end() -> None:
    world = World()
    notification = world.announce()
    for at in range(1, 40):
        try:
            await world.intake(Doom(at)).attempt(notification, 1)
        except Crash:
            continue
        break
    (verzoek,) = world.store.verzoeken.values()
    await world.check_whole(verzoek)
    assert world.store.delivery_jobs == [verzoek.id]


@pytest.mark.parametrize("href", ["/xml", "/pdf", "/d/d1"])
async def test_a_truncated_download_leaves_nothing_and_is_tried_again(href: str) -> None:
    world = World(FakeDso(cut={href: 0}))
    notification = world.announce()
    assert isinstance(await world.intake().attempt(notification, 1), Retry)
    trouble = world.store.notification_troubles[notification]
    assert trouble.reason == "the answer broke off"
    assert trouble.advice.endswith("Digikoppelaar probeert het vanzelf opnieuw.")
    for verzoek in world.store.verzoeken.values():
        assert all(file.blob is None for file in verzoek.files if file.href == href)
    assert await world.intake().attempt(notification, 2) == Done()
    await world.check_whole(world.store.verzoeken[1])
    assert notification not in world.store.notification_troubles


async def test_not_found_twice_and_then_found() -> None:
    world = World(FakeDso(faults=[FacilityNotFound("404"), FacilityNotFound("404")]))
    notification = world.announce()
    outcomes = [await world.intake().attempt(notification, number) for number in (1, 2, 3)]
    assert outcomes == [Retry(0.5), Retry(2.0), Done()]
    assert world.store.delivery_jobs == [1]


async def test_a_refusal_is_parked_at_once_with_its_advice() -> None:
    world = World(FakeDso(faults=[FacilityRefused("401", advice="Controleer de API-sleutel.")]))
    notification = world.announce()
    assert await world.intake().attempt(notification, 1) == Park()
    assert (await world.store.notification(notification)).state == "parked"
    trouble = world.store.notification_troubles[notification]
    assert (trouble.reason, trouble.parked) == ("401", True)
    assert trouble.advice == "Controleer de API-sleutel. Geef het daarna vrij met `digikoppelaar verzoek release`."


async def test_a_facility_that_asks_for_time_gets_it() -> None:
    world = World(FakeDso(faults=[FacilityUnavailable("503", retry_after=120)]))
    assert await world.intake().attempt(world.announce(), 1) == Retry(120)


async def test_what_is_not_understood_at_all_is_parked_and_kept() -> None:
    world = World(FakeDso(xml=b"<verzoek><naam>Jansen</naam></verzoek>"))
    notification = world.announce()
    assert await world.intake().attempt(notification, 1) == Park()
    trouble = world.store.notification_troubles[notification]
    assert "Jansen" not in trouble.reason + trouble.advice


async def test_the_xml_of_another_verzoek_is_parked_and_starts_nothing() -> None:
    world = World(FakeDso(xml=FakeDso.document(0, "2026060200020")))
    notification = world.announce()
    with pytest.raises(VerzoekError, match="2026060200020"):
        await world.intake().fetch(notification)
    assert await world.intake().attempt(notification, 1) == Park()
    assert world.store.verzoeken == {}


@pytest.mark.parametrize("xml", [FakeDso.document(0)[:-20], b"<html>", b"storing", b"\xff\xfe"])
async def test_xml_that_cannot_be_read_is_asked_for_again(xml: bytes) -> None:
    world = World(FakeDso(xml=xml))
    with pytest.raises(FacilityAnswerBroken):
        await world.intake().fetch(world.announce())


async def test_a_document_without_a_link_keeps_the_verzoek_waiting() -> None:
    world = World(FakeDso(unlinked={"d2"}))
    notification = world.announce()
    assert isinstance(await world.intake().attempt(notification, 1), Retry)
    assert "1 of the documents" in world.store.notification_troubles[notification].reason
    world.dso.unlinked.clear()
    assert await world.intake().attempt(notification, 2) == Done()
    await world.check_whole(world.store.verzoeken[1])


async def test_a_summary_without_xml_is_broken() -> None:
    world = World(FakeDso(unlinked={"xml"}))
    with pytest.raises(FacilityAnswerBroken):
        await world.intake().fetch(world.announce())


@pytest.mark.parametrize("href", ["/xml", "/pdf", "/d/d1", "/d/d3"])
@pytest.mark.parametrize("difference", [-1, 1])
@pytest.mark.parametrize("lengths", [True, False])
async def test_another_length_than_announced_is_refused(href: str, difference: int, lengths: bool) -> None:
    dso = FakeDso(lengths=lengths)
    announced = max(0, len(dso.contents[href]) + difference)
    if announced == len(dso.contents[href]):
        return
    dso.sizes = {href: announced}
    world = World(dso)
    with pytest.raises(FacilityAnswerBroken):
        await world.intake().fetch(world.announce())
    for verzoek in world.store.verzoeken.values():
        assert all(file.blob is None for file in verzoek.files if file.href == href)


@pytest.mark.parametrize("lengths", [True, False])
async def test_a_file_over_the_limit_does_not_fill_the_disk(lengths: bool) -> None:
    world = World(FakeDso(lengths=lengths))
    with pytest.raises(TooLarge):
        await world.intake(file_limit=100_000).fetch(world.announce())


async def test_a_link_that_moved_is_followed_to_its_new_place() -> None:
    world = World(FakeDso(cut={"/pdf": 0}))
    notification = world.announce()
    await world.intake().attempt(notification, 1)
    stale = world.store.verzoeken[1]
    files = tuple(replace(file, href="/gone") for file in stale.files)
    world.store.verzoeken[1] = replace(stale, files=files)
    assert await world.intake().attempt(notification, 2) == Done()


async def test_progress_is_told_in_bytes() -> None:
    world, told = World(), []

    def progress(file: File, done: int, total: int | None) -> None:
        told.append((file.kind, done, total))

    await world.intake(progress=progress).fetch(world.announce())
    size = len(BIJLAGEN["d1"][1])
    large = [(done, total) for kind, done, total in told if kind is FileKind.BIJLAGE and total == size]
    assert large[-1] == (size, size)
    assert len(large) > 2
    assert large == sorted(large)


async def test_trouble_that_cannot_be_recorded_is_never_the_end() -> None:
    world = World(FakeDso(faults=[FacilityRefused("401")]))

    class Down(MemoryVerzoeken):
        async def trouble(self, **_: Any) -> None:
            raise DigikoppelaarError("database is away")

    world.store = Down()
    assert await world.intake().attempt(world.announce(), 1) == Retry(60)


async def test_a_fault_of_ours_tells_its_type_and_never_its_text() -> None:
    world = World(FakeDso(faults=[KeyError("Jansen")]))
    notification = world.announce()
    assert isinstance(await world.intake().attempt(notification, 1), Retry)
    assert world.store.notification_troubles[notification].reason == "unexpected KeyError"


@dataclass(frozen=True, slots=True)
class HeldUp:
    """A blob store whose first put comes back only when it may `go_on`."""

    blobs: MemoryBlobs
    stored: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def put(self, name: str, chunks: AsyncIterator[bytes]) -> Blob:
        """Store, and wait."""
        blob = await self.blobs.put(name, chunks)
        self.stored.set()
        await self.go_on.wait()
        return blob

    def __getattr__(self, name: str) -> Any:
        return getattr(self.blobs, name)


async def test_an_attempt_that_was_taken_for_dead_never_replaces_what_another_recorded() -> None:
    world = World()
    notification = world.announce()
    held_up = HeldUp(world.blobs)
    slow = asyncio.create_task(replace(world.intake(), blobs=held_up).attempt(notification, 1))
    await held_up.stored.wait()
    world.dso.xml += b"\n"  # made anew for each request
    assert await world.intake().attempt(notification, 2) == Done()
    (before,) = world.store.verzoeken.values()
    held_up.go_on.set()
    assert await slow == Done()
    assert list(world.store.verzoeken.values()) == [before]
    await world.check_whole(before)
    assert world.store.delivery_jobs == [before.id]


async def pieces(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def damaged(world: World) -> Verzoek:
    """A verzoek that is fetched, and of which one blob is cut short since and another is gone."""
    await world.intake().fetch(world.announce())
    (verzoek,) = world.store.verzoeken.values()
    one, other = verzoek.files[1].blob, verzoek.files[2].blob
    assert one
    assert other
    whole = b"".join([chunk async for chunk in world.blobs.get(one)])
    await world.blobs.put(one, pieces(whole[:-1]))
    await world.blobs.delete(other)
    return verzoek


async def asked_again(world: World) -> int:
    """What a person does who has it fetched again."""
    store = MemoryRepairs(world.store, MemoryDeliveries(), {AANSLUITING.id: AANSLUITING})
    return await store.refetch(Which(AANSLUITING.id, NUMBER), Who("een beheerder", NOW))


async def test_files_that_are_damaged_are_replaced_when_a_person_has_it_fetched_again() -> None:
    for at in range(1, 200):
        world = World()
        before = await damaged(world)
        downloads = dict(world.dso.downloads)
        notification = await asked_again(world)
        try:
            await world.intake(Doom(at)).attempt(notification, 1)
            finished = True
        except Crash:
            finished = False
        assert await world.intake().attempt(notification, 2) == Done()
        after = world.store.verzoeken[before.id]
        await world.check_whole(after)
        assert (after.files[0], after.files[3:]) == (before.files[0], before.files[3:])
        assert world.dso.downloads.get("/d/d2") == downloads.get("/d/d2")
        if finished:
            break
    assert at > 10


async def test_what_a_person_parked_is_not_fetched() -> None:
    world = World()
    notification = world.announce()
    store = MemoryRepairs(world.store, MemoryDeliveries())
    await store.park(Which(AANSLUITING.id, NUMBER), "even wachten", Who("een beheerder", NOW))
    assert await world.intake().attempt(notification, 1) == Done()
    assert world.dso.downloads == {}


# --- going on where a download was cut ---------------------------------------------------------------------


def large(kind: type[FakeDso] = FakeDso, **other: Any) -> FakeDso:
    """DSO-LV with one bijlage that is worth going on with."""
    dso = kind(**other)
    dso.bijlagen["d1"] = ("gevel.png", bytes(range(256)) * 16_384)  # 4 MiB
    dso.sizes["/d/d1"] = 256 * 16_384
    return dso


async def test_a_late_cut_is_gone_on_with_at_once_and_no_byte_is_fetched_again() -> None:
    world = World(large(cut={"/d/d1": 3_000_001}))
    assert await world.intake().attempt(world.announce(), 1) == Done()
    await world.check_whole(world.store.verzoeken[1])
    assert (world.dso.downloads["/d/d1"], world.dso.sent["/d/d1"]) == (2, 256 * 16_384)


async def test_an_early_cut_is_an_attempt_that_the_next_one_goes_on_with() -> None:
    world = World(large(cut={"/d/d1": 999_999}))
    notification = world.announce()
    assert isinstance(await world.intake().attempt(notification, 1), Retry)
    assert await world.intake().attempt(notification, 2) == Done()
    await world.check_whole(world.store.verzoeken[1])
    assert world.dso.sent["/d/d1"] == 256 * 16_384


async def test_a_cut_at_any_byte_costs_no_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "RESUME_FROM", 1)
    content = b"0123456789" * 4
    for at in range(len(content)):
        world = World(FakeDso(cut={"/d/d1": at}, announces=False))
        world.dso.bijlagen["d1"] = ("gevel.png", content)
        notification = world.announce()
        outcomes = [await world.intake().attempt(notification, number) for number in (1, 2)]
        assert outcomes[1] == Done()
        await world.check_whole(world.store.verzoeken[1])
        assert world.dso.sent["/d/d1"] == len(content)


@pytest.mark.parametrize("tag", ['"v2"', ""])
async def test_another_version_and_a_server_without_ranges_start_again(tag: str) -> None:
    world = World(large(cut={"/d/d1": 999_999}))
    notification = world.announce()
    await world.intake().attempt(notification, 1)
    world.dso.tag = tag
    world.dso.bijlagen["d1"] = ("gevel.png", b"another" * 600_000)
    world.dso.sizes.clear()
    assert await world.intake().attempt(notification, 2) == Done()
    await world.check_whole(world.store.verzoeken[1])


class AlwaysCut(FakeDso):
    """DSO-LV that knows no ranges, and cuts every answer with a bijlage at the same byte."""

    def download(self, href: str, have: Have | None = None) -> AbstractAsyncContextManager[Download]:
        """See flows.ports.DsoClient."""
        self.cut["/d/d1"] = 2_000_000
        return super().download(href, have)


async def test_cut_after_cut_of_a_server_without_ranges_is_not_asked_at_once_for_ever() -> None:
    world = World(large(AlwaysCut, tag=""))
    assert isinstance(await world.intake().attempt(world.announce(), 1), Retry)
    assert world.dso.downloads["/d/d1"] == 2


async def test_two_attempts_at_once_do_not_write_in_each_other_s_file() -> None:
    world = World(large())
    notification = world.announce()
    await asyncio.gather(*(world.intake().attempt(notification, number) for number in (1, 2, 3)))
    await world.check_whole(world.store.verzoeken[1])
    assert world.store.delivery_jobs == [1]


async def test_what_is_over_the_limit_leaves_no_part() -> None:
    world = World(large(lengths=False))
    world.dso.sizes.clear()
    with pytest.raises(TooLarge):
        await world.intake(file_limit=3_000_000).fetch(world.announce())
    assert world.blobs._parts == {}
