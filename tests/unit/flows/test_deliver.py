"""A verzoek that is whole becomes one case, whatever happens on the way."""

from pathlib import Path
from typing import Any

import pytest
from tests.unit.flows.dso_world import AANSLUITING, NOW, NUMBER, OIN, Crash, Doom, Doomed, FakeDso, Standstill

from digikoppelaar.adapters.casesystems.folder import FolderCaseSystem
from digikoppelaar.adapters.memory.blobs import MemoryBlobs
from digikoppelaar.adapters.memory.verzoeken import MemoryVerzoeken
from digikoppelaar.errors import StorageError
from digikoppelaar.flows.attempts import Done
from digikoppelaar.flows.deliver import Delivery
from digikoppelaar.flows.intake import Intake
from digikoppelaar.flows.intake_states import Retry
from digikoppelaar.flows.ports import NewNotification

CASE = f"sandbox-pre/{OIN}/{NUMBER}-0"


async def fetched(volgnummer: int = 0) -> tuple[MemoryVerzoeken, MemoryBlobs]:
    """A store and blobs with one verzoek that waits to be delivered."""
    store, blobs = MemoryVerzoeken(), MemoryBlobs()
    intake = Intake(store, lambda _: FakeDso(volgnummer), blobs, Standstill())
    await intake.fetch(store.announce(AANSLUITING, NewNotification(NUMBER), NOW))
    return store, blobs


def delivery(store: Any, blobs: Any, folder: Path, doom: Doom | None = None) -> Delivery:
    """The flow into `folder`; with `doom` it may die at any door."""
    case_system: Any = FolderCaseSystem(folder)
    if doom:
        store, case_system = Doomed(store, doom), Doomed(case_system, doom)
    return Delivery(store, lambda _: case_system, blobs, Standstill())


async def test_a_verzoek_becomes_a_case_and_says_where(tmp_path: Path) -> None:
    store, blobs = await fetched()
    assert await delivery(store, blobs, tmp_path).attempt(1, 1) == Done()
    assert (store.verzoeken[1].state, store.verzoeken[1].case_reference) == ("delivered", CASE)
    assert (tmp_path / CASE / "verzoek.xml").read_bytes() == FakeDso().xml
    assert '"achternaam": "Fictief"' in (tmp_path / CASE / "verzoek.json").read_text()
    assert (tmp_path / CASE / "bijlagen" / "constructie é.pdf").is_file()


async def test_a_delivered_verzoek_is_not_delivered_again(tmp_path: Path) -> None:
    store, blobs = await fetched()
    await delivery(store, blobs, tmp_path).deliver(1)
    assert await delivery(store, blobs, tmp_path / "elsewhere").attempt(1, 1) == Done()


async def test_a_crash_at_any_point_and_a_rerun_make_one_case(tmp_path: Path) -> None:
    crashes = 0
    for at in range(1, 50):
        store, blobs = await fetched()
        folder = tmp_path / str(at)
        folder.mkdir()
        try:
            await delivery(store, blobs, folder, Doom(at)).attempt(1, 1)
            finished = True
        except Crash:
            finished = False
        assert await delivery(store, blobs, folder).attempt(1, 1) == Done()
        assert [path.name for path in (folder / CASE).parent.iterdir()] == [f"{NUMBER}-0"]
        assert store.verzoeken[1].case_reference == CASE
        if finished:
            break
        crashes += 1
    assert crashes == 6


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
        await delivery(store, blobs, tmp_path).deliver(1)
    assert list(tmp_path.iterdir()) == []
