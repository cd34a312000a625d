"""The worker searches for every aansluiting whose time it is, and one in trouble holds up no other."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from structlog.testing import capture_logs
from tests.unit.flows.dso_world import AANSLUITING, NOW, NUMBER, OIN, Standstill
from tests.unit.flows.test_catch_up import AREA, FIRST

from digikoppelaar import searching
from digikoppelaar.adapters.memory.catch_up import MemoryCatchUp
from digikoppelaar.adapters.memory.verzoeken import MemoryVerzoeken
from digikoppelaar.config.work import CatchUpConfig
from digikoppelaar.errors import FacilityUnavailable, StorageError
from digikoppelaar.flows.catch_up import CatchUp, CatchUpSettings
from digikoppelaar.flows.ports import Aansluiting, DsoSettings
from digikoppelaar.searching import Searching
from digikoppelaar.stam.search import Ring, Zaakverwijzing

DSO = DsoSettings("https://dso.test/v2", "/keys/api")
BROKEN, WHOLE = (replace(AANSLUITING, id=number, dso=DSO) for number in (1, 2))
NEIGHBOUR = replace(WHOLE, id=3, organisatie_oin="00000099000000005000")  # without an area
DROP = replace(AANSLUITING, id=4, kind="drop", dso=None)


@dataclass(frozen=True, slots=True)
class Search:
    """`_zoek` of an aansluiting: one verzoek, or a failure."""

    aansluiting: Aansluiting

    async def search(self, where: Ring | str, since: datetime, until: datetime) -> AsyncIterator[Zaakverwijzing]:
        """See flows.ports.catch_up.Search."""
        if self.aansluiting is BROKEN:
            raise FacilityUnavailable("DSO-LV answered 503")
        yield FIRST


class Failing(MemoryCatchUp):
    """A store that is away for one aansluiting."""

    async def begin(self, aansluiting_id: int, *more: Any) -> int | None:
        """See flows.ports.catch_up.CatchUpStore."""
        if aansluiting_id == BROKEN.id:
            raise StorageError("the database is away")
        return await super().begin(aansluiting_id, *more)


def world(store: type[MemoryCatchUp] = MemoryCatchUp) -> tuple[MemoryCatchUp, Searching]:
    kept = store(MemoryVerzoeken(), areas={OIN: AREA})

    async def aansluitingen() -> Sequence[Aansluiting]:
        return [BROKEN, DROP, WHOLE, NEIGHBOUR]

    return kept, Searching(aansluitingen, CatchUp(kept, Search, Standstill()), Standstill(), at_once=2)


async def test_every_aansluiting_is_searched_once_an_interval_and_yesterday_is_reported() -> None:
    store, searches = world()
    for _ in range(2):
        await searches.look()
    assert [(each.aansluiting_id, each.reason) for each in store.searches] == [(1, "DSO-LV answered 503"), (2, None)]
    assert [each.verzoeknummer for each in store.verzoeken.notifications.values()] == [NUMBER]
    assert sorted(await store.reported(date(2026, 6, 1))) == [1, 2, 3]


async def test_a_store_that_fails_for_one_is_told_and_the_others_are_searched() -> None:
    store, searches = world(Failing)
    with capture_logs() as lines:
        await searches.look()
    assert [each.aansluiting_id for each in store.searches] == [2]
    assert [(line["event"], line["aansluiting"]) for line in lines if line["log_level"] == "warning"] == [
        ("catch_up_failed", 1)
    ]


async def test_it_looks_at_once_and_stops_when_told() -> None:
    store, searches = world()
    stop = asyncio.Event()
    running = asyncio.create_task(searches.run(stop))
    async with asyncio.timeout(5):
        while not await store.reported(date(2026, 6, 1)):
            await asyncio.sleep(0)
        stop.set()
        await running


def test_what_is_configured_is_what_counts_and_the_defaults_are_those_of_the_flow() -> None:
    assert searching.settings(CatchUpConfig()) == CatchUpSettings()
    chosen = searching.settings(CatchUpConfig(interval=60, first_days=0.5))
    assert (chosen.interval.total_seconds(), chosen.first.total_seconds()) == (60, 43_200)
    assert NOW - chosen.first < NOW
