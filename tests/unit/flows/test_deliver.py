"""A verzoek that is whole becomes one case, whatever happens on the way."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.flows.dso_world import AANSLUITING, NOW, NUMBER, OIN, Crash, Doom, Doomed, FakeDso, Standstill

from digikoppelaar.adapters.casesystems.folder import FolderCaseSystem
from digikoppelaar.adapters.memory.blobs import MemoryBlobs
from digikoppelaar.adapters.memory.deliveries import MemoryDeliveries
from digikoppelaar.adapters.memory.repairs import MemoryRepairs
from digikoppelaar.adapters.memory.verzoeken import MemoryVerzoeken
from digikoppelaar.errors import StorageError
from digikoppelaar.flows.attempts import Done
from digikoppelaar.flows.breaker import PATIENCE, PAUSE
from digikoppelaar.flows.deliver import LOOK_AGAIN, Delivery, Preview
from digikoppelaar.flows.intake import Intake
from digikoppelaar.flows.intake_states import Park, Retry
from digikoppelaar.flows.ports import CaseSystemSettings, Handover, NewNotification, Steps
from digikoppelaar.flows.ports.repair import CaseLink, Redelivery, Which, Who
from digikoppelaar.flows.targets import flattened
from digikoppelaar.stam.rules import Action

CASE = f"sandbox-pre/{OIN}/{NUMBER}-0"


async def fetched(volgnummer: int = 0) -> tuple[MemoryVerzoeken, MemoryBlobs]:
    """A store and blobs with one verzoek that waits to be delivered."""
    store, blobs = MemoryVerzoeken(), MemoryBlobs()
    intake = Intake(store, lambda _: FakeDso(volgnummer), blobs, Standstill())
    await intake.fetch(store.announce(AANSLUITING, NewNotification(NUMBER), NOW))
    return store, blobs


def delivery(store: Any, blobs: Any, folder: Path, doom: Doom | None = None, deliveries: Any = None) -> Delivery:
    """The flow into `folder`; with `doom` it may die at any door."""
    case_system: Any = FolderCaseSystem(folder)
    deliveries = deliveries or MemoryDeliveries()
    if doom:
        store, case_system, deliveries = Doomed(store, doom), Doomed(case_system, doom), Doomed(deliveries, doom)
    return Delivery(store, lambda *_: case_system, blobs, Standstill(), deliveries)


async def test_a_verzoek_becomes_a_case_and_says_where(tmp_path: Path) -> None:
    store, blobs = await fetched()
    assert await delivery(store, blobs, tmp_path).attempt(1, 1) == Done()
    assert (store.verzoeken[1].state, store.verzoeken[1].case_reference) == ("delivered", CASE)
    assert (tmp_path / CASE / "verzoek.xml").read_bytes() == FakeDso().xml
    assert '"achternaam": "Fictief"' in (tmp_path / CASE / "verzoek.json").read_text()
    assert (tmp_path / CASE / "bijlagen" / "constructie é.pdf").is_file()


async def test_a_delivered_verzoek_is_not_delivered_again(tmp_path: Path) -> None:
    store, blobs = await fetched()
    await delivery(store, blobs, tmp_path).attempt(1, 1)
    assert await delivery(store, blobs, tmp_path / "elsewhere").attempt(1, 1) == Done()


async def test_a_crash_at_any_point_and_a_rerun_make_one_case(tmp_path: Path) -> None:
    crashes = 0
    for at in range(1, 50):
        (store, blobs), deliveries = await fetched(), MemoryDeliveries()
        folder = tmp_path / str(at)
        folder.mkdir()
        try:
            await delivery(store, blobs, folder, Doom(at), deliveries).attempt(1, 1)
            finished = True
        except Crash:
            finished = False
        assert await delivery(store, blobs, folder, None, deliveries).attempt(1, 1) == Done()
        assert [path.name for path in (folder / CASE).parent.iterdir()] == [f"{NUMBER}-0"]
        assert store.verzoeken[1].case_reference == CASE
        if finished:
            break
        crashes += 1
    assert crashes == 14


async def test_a_folder_that_is_away_is_waited_for_and_then_used(tmp_path: Path) -> None:
    store, blobs = await fetched()
    folder = tmp_path / "share"
    assert isinstance(await delivery(store, blobs, folder).attempt(1, 1), Retry)
    assert "not there" in store.verzoek_troubles[1].reason
    folder.mkdir()
    assert await delivery(store, blobs, folder).attempt(1, 2) == Done()
    assert store.verzoek_troubles == {}


async def test_what_is_not_whole_is_not_delivered(tmp_path: Path) -> None:
    store, blobs = MemoryVerzoeken(), MemoryBlobs()
    notification = store.announce(AANSLUITING, NewNotification(NUMBER), NOW)
    await Intake(store, lambda _: FakeDso(cut={"/d/d1": 0}), blobs, Standstill()).attempt(notification, 1)
    with pytest.raises(StorageError, match="not whole"):
        await delivery(store, blobs, tmp_path).plan(1)
    assert list(tmp_path.iterdir()) == []


TWO = flattened(
    [{"name": name, "kind": "webhook", "settings": {"url": "https://x.example"}} for name in ("dead", "alive")]
)


class Named:
    """A case system that does two steps. It hangs, or dies after a step, when a test says so."""

    def __init__(self, *, hangs: bool = False, dies_after: int = 0) -> None:
        self.hangs, self.dies_after, self.calls = hangs, dies_after, list[str]()

    async def deliver(self, handover: Handover, blobs: Any, steps: Steps) -> str:
        """See flows.ports.CaseSystem."""
        if self.hangs:
            await asyncio.Event().wait()
        for name in ("zaak", "document"):
            if steps.done(name) is None:
                self.calls.append(name)
                await steps.record(name, {"of": name})
                if len(self.calls) == self.dies_after:
                    self.dies_after = 0
                    raise Crash
        return "case"


class Holding:
    """A case system that never answers: attempts are held until they are let go, as by their time-out."""

    def __init__(self) -> None:
        self.held, self._over = 0, asyncio.Event()

    async def deliver(self, handover: Handover, blobs: Any, steps: Steps) -> str:
        """See flows.ports.CaseSystem."""
        del handover, blobs, steps
        self.held += 1
        await self._over.wait()
        raise TimeoutError

    def let_go(self) -> None:
        """Their time is over; what comes now is held again."""
        self._over.set()
        self.held, self._over = 0, asyncio.Event()


async def to_two(store: MemoryVerzoeken) -> None:
    """The verzoek in this store goes to the targets of TWO."""
    settings = CaseSystemSettings("targets", {key: value for key, value in TWO.items() if key != "kind"})
    store.verzoeken[1] = replace(store.verzoeken[1], aansluiting=replace(AANSLUITING, case_system=settings))


async def test_what_was_deleted_is_parked_with_when_and_what_to_do(tmp_path: Path) -> None:
    store, blobs = await fetched()
    store.verzoeken[1] = replace(store.verzoeken[1], purged_at=NOW)
    assert await delivery(store, blobs, tmp_path).attempt(1, 1) == Park()
    trouble = store.verzoek_troubles[1]
    assert f"was deleted on {NOW:%Y-%m-%d}" in trouble.reason
    assert f"De inhoud is op {NOW:%d-%m-%Y} verwijderd" in trouble.advice


async def test_a_target_that_hangs_does_not_hold_up_another() -> None:
    (store, blobs), deliveries = await fetched(), MemoryDeliveries()
    await to_two(store)
    systems: dict[str, Any] = {"dead": Named(hangs=True), "alive": Named()}
    flow = Delivery(store, lambda _, target: systems[target.name], blobs, Standstill(), deliveries, slots=1)
    assert await flow.attempt(1, 1) == Done()
    assert deliveries.jobs == [1, 2]
    hanging = asyncio.create_task(flow.attempt_target(1, 1))
    await asyncio.sleep(0)
    try:
        assert await asyncio.wait_for(flow.attempt_target(2, 1), 10) == Done()
        assert await flow.attempt_target(1, 1) == Retry(LOOK_AGAIN)  # its only slot is taken: no attempt is counted
        assert deliveries.rows[1].attempts == 1
        assert (deliveries.rows[2].state, store.verzoeken[1].state) == ("delivered", "fetched")
    finally:
        hanging.cancel()
        await asyncio.wait([hanging])
    systems["dead"] = Named()
    assert await flow.attempt_target(1, 1) == Done()
    assert store.verzoeken[1].state == "delivered"


async def test_dead_targets_of_many_organisaties_leave_places_for_whoever_answers() -> None:
    (store, blobs), deliveries = await fetched(), MemoryDeliveries()
    for number in range(1, 41):  # of each organisatie a verzoek; that of the last answers
        aansluiting = replace(AANSLUITING, id=number)
        store.verzoeken[number] = replace(store.verzoeken[1], id=number, aansluiting=aansluiting)
    dead, alive = Holding(), Named()
    flow = Delivery(
        store, lambda aansluiting, _: alive if aansluiting.id == 40 else dead, blobs, Standstill(), deliveries
    )
    for wanting, held in ((range(1, 40), 6), (range(1, 7), 4)):  # at first nothing is known of them
        tasks = [asyncio.create_task(flow.attempt(number, 1)) for number in wanting]
        async with asyncio.timeout(30):
            while sum(task.done() for task in tasks) + dead.held < len(tasks):
                await asyncio.sleep(0)
        assert dead.held == held
        answered = await flow.attempt(40, 1)
        dead.let_go()
        outcomes = await asyncio.gather(*tasks)
        assert all(isinstance(outcome, Retry) for outcome in outcomes)
    assert answered == Done()


async def test_the_job_of_a_target_that_was_taken_out_of_the_settings_ends(tmp_path: Path) -> None:
    (store, blobs), deliveries = await fetched(), MemoryDeliveries()
    await to_two(store)
    flow = delivery(store, blobs, tmp_path, deliveries=deliveries)
    assert await flow.attempt(1, 1) == Done()
    await deliveries.plan(1, ["alive"], NOW)
    assert await flow.attempt_target(1, 1) == Done()
    assert list(tmp_path.iterdir()) == []
    assert await flow.attempt_target(2, 1) == Done()
    assert store.verzoeken[1].state == "delivered"


async def test_a_crash_between_steps_repeats_no_step_that_is_on_record(tmp_path: Path) -> None:
    for dies_after in (1, 2):
        (store, blobs), deliveries, system = await fetched(), MemoryDeliveries(), Named(dies_after=dies_after)
        for _ in range(2):
            flow = Delivery(store, lambda *_, it=system: it, blobs, Standstill(), deliveries)
            with suppress(Crash):
                await flow.attempt(1, 1)
        assert system.calls == ["zaak", "document"]
        assert store.verzoeken[1].case_reference == "case"


async def test_a_target_that_never_answers_is_left_alone(tmp_path: Path) -> None:
    store, blobs = await fetched()
    flow, deliveries = delivery(store, blobs, tmp_path / "away"), MemoryDeliveries()
    flow = replace(flow, deliveries=deliveries)
    for _ in range(PATIENCE):
        assert isinstance(await flow.attempt(1, 1), Retry)
    assert [await flow.attempt(1, 1) for _ in range(2)] == [Retry(PAUSE.total_seconds())] * 2
    assert deliveries.rows[1].attempts == PATIENCE


async def test_a_verzoek_without_target_is_parked_with_advice(tmp_path: Path) -> None:
    store, blobs = await fetched()
    store.verzoeken[1] = replace(store.verzoeken[1], aansluiting=replace(AANSLUITING, case_system=None))
    assert await delivery(store, blobs, tmp_path).attempt(1, 1) == Park()
    assert "bestemming" in store.verzoek_troubles[1].advice


class Taking(Named):
    """Remembers what it was given."""

    given: Handover

    async def deliver(self, handover: Handover, blobs: Any, steps: Steps) -> str:
        """See flows.ports.CaseSystem."""
        self.given = handover
        return await super().deliver(handover, blobs, steps)


async def test_a_first_version_of_a_linked_verzoek_continues_the_case(tmp_path: Path) -> None:
    store, blobs = await fetched()
    await store.links.link([CaseLink(AANSLUITING.id, NUMBER, "map", "hand-made")], Who("een beheerder", NOW))
    system = Taking()
    flow = Delivery(store, lambda *_: system, blobs, Standstill(), MemoryDeliveries(verzoeken=store))
    assert await flow.attempt(1, 1) == Done()
    assert (system.given.case, system.given.verzoek.action) == ("hand-made", Action.DELIVER_AANVULLING)
    assert store.verzoeken[1].action is Action.DELIVER_NEW


async def test_a_preview_tells_what_would_be_done_and_does_nothing(tmp_path: Path) -> None:
    (store, blobs), deliveries = await fetched(), MemoryDeliveries()
    flow = delivery(store, blobs, tmp_path, None, deliveries)
    [would] = await flow.preview(1)
    assert [(step.name, step.done) for step in would.steps] == [("folder", False)]
    assert list(tmp_path.iterdir()) == []
    assert deliveries.rows == {}
    await flow.attempt(1, 1)
    assert await flow.preview(1) == (Preview("map", delivered=True),)
    redelivery = Redelivery(Which(AANSLUITING.id, NUMBER), from_scratch=True)
    [again] = await flow.preview(1, redelivery)
    assert [step.done for step in again.steps] == [True]
    [elsewhere] = await delivery(store, blobs, tmp_path / "away", None, deliveries).preview(1, redelivery)
    assert "not there" in elsewhere.problem
    [unknown] = await flow.preview(99)
    assert (unknown.target, "no verzoek 99" in unknown.problem) == ("", True)


async def test_a_redelivery_keeps_its_steps_or_forgets_them_and_dies_without_doubling(tmp_path: Path) -> None:
    for from_scratch, calls in ((False, 2), (True, 4)):
        (store, blobs), deliveries, system = await fetched(), MemoryDeliveries(), Named()
        deliveries.verzoeken = store
        flow = Delivery(store, lambda *_, it=system: it, blobs, Standstill(), deliveries)
        await flow.attempt(1, 1)
        repairs = MemoryRepairs(store, deliveries)
        wanted = Redelivery(Which(AANSLUITING.id, NUMBER), from_scratch=from_scratch)
        assert len(await repairs.redeliver(wanted, Who("een beheerder", NOW))) == 1
        system.dies_after = 3
        for _ in range(2):
            with suppress(Crash):
                await flow.attempt(1, 1)
        assert (store.verzoeken[1].state, len(system.calls)) == ("delivered", calls)


async def test_a_job_that_is_left_over_delivers_nothing_of_what_a_person_parked(tmp_path: Path) -> None:
    (store, blobs), system = await fetched(), Named()
    deliveries = MemoryDeliveries(verzoeken=store)
    await to_two(store)
    flow = Delivery(store, lambda *_: system, blobs, Standstill(), deliveries)
    await flow.plan(1)
    repairs = MemoryRepairs(store, deliveries)
    await repairs.park(Which(AANSLUITING.id, NUMBER), "even wachten", Who("een beheerder", NOW))
    assert [await flow.attempt(1, 1), await flow.attempt_target(1, 1), await flow.attempt_target(2, 1)] == [Done()] * 3
    assert system.calls == []
