"""Which verzoeken were missed, and that a search brings each of them in once, wherever it is killed."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.unit.flows.dso_world import AANSLUITING, NOW, NUMBER, OIN, Crash, Doom, Doomed

from digikoppelaar.adapters.memory.catch_up import MemoryCatchUp
from digikoppelaar.adapters.memory.verzoeken import MemoryVerzoeken
from digikoppelaar.errors import ConfigError, FacilityUnavailable
from digikoppelaar.flows.catch_up import CatchUp, CatchUpSettings, left_to_another, missing, ours, span
from digikoppelaar.flows.ports import Aansluiting
from digikoppelaar.flows.ports.catch_up import Area, OnRecord
from digikoppelaar.stam.rules import Action, RuleSettings
from digikoppelaar.stam.search import Ring, Zaakverwijzing

OTHER = "00000099000000005000"
HOUR = timedelta(hours=1)
FIRST = Zaakverwijzing(NUMBER, "initieren", 0, OIN, None)
SECOND = replace(FIRST, doel="aanvullen", volgnummer=1)
FOREIGN = Zaakverwijzing("2026060299999", "initieren", 0, OTHER, None)
SQUARE = [[1e5, 4e5], [1.1e5, 4e5], [1.1e5, 4.1e5], [1e5, 4.1e5], [1e5, 4e5]]
AREA = Area(OIN, {"type": "MultiPolygon", "coordinates": [[SQUARE]]}, b"a" * 32, "gebied.json")
SETTINGS = CatchUpSettings()


# --- judging -----------------------------------------------------------------------------------------------


def test_only_what_names_our_oin_is_ours_with_versions_in_order() -> None:
    handled = replace(FIRST, verzoeknummer="2026060200001", bevoegd_gezag=OTHER, behandeldienst=OIN)
    assert ours([SECOND, FOREIGN, FIRST, handled, FIRST], OIN) == [handled, FIRST, SECOND]


def test_a_withdrawal_comes_after_every_other_version() -> None:
    withdrawal = replace(FIRST, doel="intrekken", volgnummer=None)
    assert ours([withdrawal, SECOND], OIN) == [SECOND, withdrawal]


@pytest.mark.parametrize(
    ("found", "known", "expected"),
    [
        (FIRST, OnRecord(), True),
        (FIRST, OnRecord(waiting=True), False),
        (FIRST, OnRecord(((0, "initieren"),)), False),
        (FIRST, OnRecord(((2, "aanvullen"),)), False),
        (SECOND, OnRecord(((0, "initieren"),)), True),
        (SECOND, OnRecord(((0, "initieren"), (1, "aanvullen"))), False),
        (replace(FIRST, volgnummer=None), OnRecord(), True),
        (replace(FIRST, volgnummer=None), OnRecord(((0, "initieren"),)), False),
        (replace(SECOND, volgnummer=None), OnRecord(((0, "initieren"),)), True),
        (replace(SECOND, volgnummer=None), OnRecord(((1, "aanvullen"),)), False),
        (replace(FIRST, volgnummer=999), OnRecord(((0, "initieren"),)), True),
        (replace(FIRST, doel="intrekken", volgnummer=None), OnRecord(((0, "initieren"),), waiting=True), True),
        (replace(FIRST, doel="intrekken", volgnummer=3), OnRecord(((999, "initieren"),)), False),
        (replace(FIRST, doel="intrekken"), OnRecord(waiting=True, waiting_withdrawal=True), False),
    ],
)
def test_a_version_is_missing_unless_it_or_a_later_one_is_here_or_coming(
    found: Zaakverwijzing, known: OnRecord, expected: bool
) -> None:
    assert missing(found, known, OIN) is expected


@pytest.mark.parametrize(
    ("found", "copies", "expected"),
    [
        (FIRST, {0, 1}, True),
        (replace(FIRST, behandeldienst=""), {0, 1}, True),
        (replace(FIRST, behandeldienst=OIN), {0, 1}, True),
        (replace(FIRST, behandeldienst=OTHER), {0, 1}, False),
        (replace(FIRST, volgnummer=None), {0, 1}, True),
        (FIRST, set(), False),
        (FIRST, {0}, False),  # a later version is here
        (FIRST, {1}, False),
        (SECOND, {0}, False),
        (SECOND, {1}, True),
        (replace(FIRST, volgnummer=999, doel="intrekken"), {0, 1}, True),
    ],
)
def test_a_copy_that_is_ours_to_handle_now_is_missing(found: Zaakverwijzing, copies: set[int], expected: bool) -> None:
    known = OnRecord(((0, "initieren"), (1, "aanvullen")), copies=frozenset(copies))
    assert missing(found, known, OIN) is expected
    waiting = replace(known, waiting=True, waiting_withdrawal=True)
    assert not missing(found, waiting, OIN)


def test_a_copy_is_left_to_who_handles_it_unless_copies_are_kept_or_it_was_ours_before() -> None:
    copy, keep = replace(FIRST, behandeldienst=OTHER), RuleSettings(kopiebericht=Action.KEEP_APART)
    assert left_to_another(copy, OnRecord(), OIN, RuleSettings())
    assert not left_to_another(copy, OnRecord(), OIN, keep)
    assert not left_to_another(copy, OnRecord(((0, "initieren"),), delivers=True), OIN, RuleSettings())
    assert not left_to_another(replace(FIRST, behandeldienst=OIN), OnRecord(), OIN, RuleSettings())


def test_a_search_starts_a_little_before_the_end_of_the_last_complete_one() -> None:
    assert span(NOW, None, SETTINGS).since == NOW - timedelta(days=7)
    period = span(NOW, NOW - 3 * HOUR, SETTINGS)
    assert (period.since, period.until, period.covers) == (NOW - 4 * HOUR, NOW, True)


def test_a_search_from_a_chosen_moment_leaves_a_gap_when_that_is_after_the_last_complete_one() -> None:
    assert not span(NOW, NOW - 3 * HOUR, SETTINGS, NOW - HOUR).covers
    assert span(NOW, NOW - 3 * HOUR, SETTINGS, NOW - 5 * HOUR).covers
    assert not span(NOW, None, SETTINGS, NOW - HOUR).covers
    with pytest.raises(ConfigError):
        span(NOW, None, SETTINGS, NOW)


# --- searching ---------------------------------------------------------------------------------------------


@dataclass(slots=True)
class DsoSearch:
    """`_zoek` of a DSO-LV that has these verzoeken; it fails after `fails_after` of them, and may be died in."""

    has: Sequence[Zaakverwijzing]
    fails_after: int | None = None
    doom: Doom = field(default_factory=lambda: Doom(0))
    asked: list[tuple[datetime, datetime]] = field(default_factory=list)

    async def search(self, where: Ring | str, since: datetime, until: datetime) -> AsyncIterator[Zaakverwijzing]:
        """See flows.ports.catch_up.Search."""
        assert where[0] == where[-1]
        self.asked.append((since, until))
        for number, each in enumerate(self.has):
            if number == self.fails_after:
                raise FacilityUnavailable("DSO-LV [search] answered 503")
            self.doom.door()
            yield each


@dataclass(slots=True)
class Clock:
    """A clock that a test sets."""

    at: datetime = NOW

    def now(self) -> datetime:
        """See flows.ports.Clock."""
        return self.at


class World:
    """An organisatie with an area, and what is kept."""

    def __init__(self, *has: Zaakverwijzing) -> None:
        self.dso = DsoSearch(has)
        self.clock = Clock()
        self.verzoeken = MemoryVerzoeken()
        self.store = MemoryCatchUp(self.verzoeken, areas={OIN: AREA})

    def catch_up(self, wrapped: Callable[[Any], Any] = lambda port: port) -> CatchUp:
        """The flow over these parts."""
        return CatchUp(wrapped(self.store), lambda _: self.dso, self.clock)


@pytest.fixture
def world() -> World:
    """DSO-LV has two versions of a verzoek of ours, and one of another authority."""
    return World(FOREIGN, FIRST, SECOND)


async def test_what_was_missed_is_announced_once_and_the_search_counts(world: World) -> None:
    told = await world.catch_up().by_hand(AANSLUITING)
    assert (told.seen, told.ours, told.problem) == (3, 2, None)
    assert [(each.verzoeknummer, each.notification_id) for each in told.missed] == [(NUMBER, 1)]
    assert await world.store.last(AANSLUITING.id, AREA) == NOW
    world.clock.at = NOW + HOUR
    assert (await world.catch_up().by_hand(AANSLUITING)).missed == ()
    assert world.verzoeken.fetch_jobs == [1]
    assert world.dso.asked[1] == (NOW - HOUR, NOW + HOUR)


async def test_verzoeken_of_other_oins_are_neither_stored_nor_logged(world: World) -> None:
    with capture_logs() as lines:
        told = await world.catch_up().by_hand(AANSLUITING)
    assert FOREIGN.verzoeknummer not in f"{lines}{told}{world.store}"
    assert OTHER not in f"{lines}{told}{world.store}"
    assert NUMBER in str(lines)


async def test_a_dry_run_tells_what_is_missing_and_stores_nothing(world: World) -> None:
    told = await world.catch_up().by_hand(AANSLUITING, dry_run=True)
    assert [each.volgnummer for each in told.missed] == [0, 1]
    assert told.dry_run
    assert (world.store.searches, world.store.found, world.verzoeken.notifications) == ([], {}, {})


async def test_a_search_that_breaks_off_keeps_what_it_found_and_the_next_one_starts_where_it_did(world: World) -> None:
    world.dso.has = (FOREIGN, FIRST, replace(FIRST, verzoeknummer="2026060200020"))
    world.dso.fails_after = 2
    told = await world.catch_up().by_hand(AANSLUITING)
    assert (told.problem, told.seen, len(told.missed)) == ("DSO-LV [search] answered 503", 2, 1)
    assert told.advice
    assert await world.store.last(AANSLUITING.id, AREA) is None
    world.dso.fails_after = None
    assert [each.verzoeknummer for each in (await world.catch_up().by_hand(AANSLUITING)).missed] == ["2026060200020"]
    assert world.dso.asked[0] == world.dso.asked[1]


async def test_a_verzoek_without_usable_number_keeps_no_other_back_and_counts_only_when_it_is_ours(
    world: World,
) -> None:
    world.dso.has = (replace(FOREIGN, verzoeknummer=""), FIRST)
    assert (await world.catch_up().by_hand(AANSLUITING)).problem is None
    world.dso.has = (replace(FIRST, verzoeknummer=""), replace(FIRST, verzoeknummer="2026060200020"))
    told = await world.catch_up().by_hand(AANSLUITING)
    assert [each.verzoeknummer for each in told.missed] == ["2026060200020"]
    assert "no verzoeknummer" in str(told.problem)


async def test_a_fault_that_nobody_thought_of_is_on_record_without_its_text(world: World) -> None:
    def search_for(_: Any) -> Any:
        raise ValueError("Jan Fictief")

    told = await replace(world.catch_up(), search_for=search_for).by_hand(AANSLUITING)
    assert told.problem == world.store.searches[0].reason == "unexpected ValueError"
    assert told.advice


async def test_without_an_area_nothing_is_searched_and_the_advice_says_how(world: World) -> None:
    world.store.areas.clear()
    by_hand, due = await world.catch_up().by_hand(AANSLUITING), await world.catch_up().due(AANSLUITING)
    assert by_hand == due
    assert "area import" in str(by_hand.advice)
    assert world.dso.asked == []


async def test_the_periodic_search_waits_its_interval_and_leaves_what_is_fresh_to_its_notification(
    world: World,
) -> None:
    assert await world.catch_up().due(AANSLUITING)
    assert world.dso.asked[0][1] == NOW - SETTINGS.grace
    world.clock.at = NOW + HOUR - timedelta(seconds=1)
    assert await world.catch_up().due(AANSLUITING) is None
    world.clock.at = NOW + HOUR
    assert await world.catch_up().due(AANSLUITING)


async def test_progress_is_told_while_pages_come_in(world: World) -> None:
    told: list[tuple[int, int]] = []

    def progress(_: Aansluiting, seen: int, own: int) -> None:
        told.append((seen, own))

    catch_up = CatchUp(world.store, lambda _: world.dso, world.clock, progress=progress)
    await catch_up.by_hand(AANSLUITING)
    assert told == [(1, 0), (2, 1), (3, 2)]


async def test_wherever_a_search_is_killed_nothing_is_skipped_and_nothing_comes_twice() -> None:
    others = [replace(FIRST, verzoeknummer=f"202606020{number:04}") for number in range(3)]
    deaths = 0
    while True:
        world, doom = World(FOREIGN, FIRST, *others), Doom(deaths + 1)
        world.dso.doom = doom
        try:
            await world.catch_up(lambda store, doom=doom: Doomed(store, doom)).by_hand(AANSLUITING)
        except Crash:
            deaths += 1
        else:
            break
        complete = await world.store.last(AANSLUITING.id, AREA)
        assert complete is None or len(world.verzoeken.notifications) == 4  # it moved after all were on record
        world.dso.doom = Doom(0)
        await world.catch_up().by_hand(AANSLUITING)
        announced = [each.verzoeknummer for each in world.verzoeken.notifications.values()]
        assert sorted(announced) == sorted([NUMBER, *(each.verzoeknummer for each in others)])
        assert len(world.verzoeken.fetch_jobs) == 4
    assert deaths >= 4 + 2 * 6  # each page item, and both sides of every call of the store
