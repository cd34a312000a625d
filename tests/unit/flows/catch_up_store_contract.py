"""What every CatchUpStore must do. The twin in memory and the store in PostgreSQL both run these."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from digikoppelaar.flows.catch_up_report import asked_for, report_of, report_of_yesterday
from digikoppelaar.flows.ports import Aansluiting, FileKind, NewFile, NewVerzoek, VerzoekStore
from digikoppelaar.flows.ports.catch_up import Area, CatchUpStore, NotSince, Span
from digikoppelaar.flows.ports.verzoeken import Judge
from digikoppelaar.stam.rules import Action, Ruling, taken_as_new
from digikoppelaar.stam.search import Zaakverwijzing

NOW = datetime(2026, 6, 2, 9, tzinfo=UTC)
NUMBER = "2026060200019"
ANOTHER = "00000099000000005000"
HOUR = timedelta(hours=1)
XML = NewFile(0, FileKind.XML, "xml", "verzoek.xml", "application/xml", "https://dso.test/x")
SQUARE = [[1e5, 4e5], [1.1e5, 4e5], [1.1e5, 4.1e5], [1e5, 4e5]]


@dataclass(frozen=True, slots=True)
class World:
    """`fetches()` gives the ids of the notifications for which a job to fetch was made, once for each job."""

    store: CatchUpStore
    verzoeken: VerzoekStore
    aansluiting: Aansluiting
    notify: Callable[[int, str], Awaitable[int]]
    fetches: Callable[[], Awaitable[Sequence[int]]]

    @property
    def area(self) -> Area:
        """An area of the organisatie."""
        return Area(
            self.aansluiting.organisatie_oin, {"type": "MultiPolygon", "coordinates": [[SQUARE]]}, b"a" * 32, "x"
        )

    async def begun(self, since: datetime = NOW - HOUR, until: datetime = NOW, *, covers: bool = True) -> int:
        """The id of a new search."""
        span = Span(since, until, covers=covers)
        found = await self.store.begin(self.aansluiting.id, span, self.area, until, None)
        assert found is not None
        return found

    def found(self, volgnummer: int | None = 0, doel: str = "initieren", number: str = NUMBER) -> Zaakverwijzing:
        """What a search says of a verzoek of ours."""
        return Zaakverwijzing(number, doel, volgnummer, self.aansluiting.organisatie_oin, None)

    async def fetched(
        self, notification_id: int, volgnummer: int = 0, doel: str = "initieren", judge: Judge = taken_as_new
    ) -> int:
        """The version that a notification led to, whole."""
        new = NewVerzoek(NUMBER, volgnummer, "Melding", doel, "Dakkapel", NOW, False)
        verzoek = await self.verzoeken.start_verzoek(notification_id, new, [XML], NOW, judge)
        await self.verzoeken.file_fetched(verzoek.files[0].id, "verzoeken/x", 3, bytes(32), NOW)
        await self.verzoeken.verzoek_fetched(notification_id, verzoek.id, NOW)
        return verzoek.id


async def an_area_is_kept_and_replaced(world: World) -> None:
    assert await world.store.area(world.aansluiting.organisatie_oin) is None
    for area in (world.area, replace(world.area, sha256=b"b" * 32, source="y")):
        await world.store.put_area(area, NOW)
        assert await world.store.area(world.aansluiting.organisatie_oin) == area


async def only_complete_searches_without_a_gap_in_the_same_area_move_the_last_one(world: World) -> None:
    number = world.aansluiting.id
    assert await world.store.last(number, world.area) is None
    await world.store.complete(await world.begun(until=NOW), 3, NOW)
    await world.begun(until=NOW + HOUR)  # cut off
    await world.store.failed(await world.begun(until=NOW + HOUR), "no answer", "Wacht.", NOW)
    await world.store.complete(await world.begun(until=NOW + HOUR, covers=False), 3, NOW)
    assert await world.store.last(number, world.area) == NOW
    assert await world.store.last(number, replace(world.area, sha256=b"b" * 32)) is None


async def what_is_missing_gets_one_notification_and_one_job(world: World) -> None:
    search = await world.begun()
    made = await world.store.take_in(search, world.aansluiting, world.found(), NOW)
    assert made is not None
    again = await world.store.take_in(search, world.aansluiting, world.found(), NOW)
    later = await world.store.take_in(await world.begun(), world.aansluiting, world.found(1, "aanvullen"), NOW)
    assert (again, later) == (None, None)  # the newest version comes with the notification that waits
    assert list(await world.fetches()) == [made]
    notification = await world.verzoeken.notification(made)
    assert (notification.verzoeknummer, notification.state, notification.withdrawal) == (NUMBER, "received", False)


async def what_is_here_is_not_missing_and_a_later_version_is(world: World) -> None:
    await world.fetched(await world.notify(0, NUMBER))
    search, before = await world.begun(), len(await world.fetches())
    for had in (world.found(0), world.found(None)):
        assert await world.store.take_in(search, world.aansluiting, had, NOW) is None
    made = await world.store.take_in(search, world.aansluiting, world.found(1, "aanvullen"), NOW)
    assert list(await world.fetches())[before:] == [made]


async def a_withdrawal_is_announced_as_one_even_while_another_notification_waits(world: World) -> None:
    await world.notify(0, NUMBER)
    search = await world.begun()
    made = await world.store.take_in(search, world.aansluiting, world.found(999, "intrekken"), NOW)
    assert made is not None
    assert (await world.verzoeken.notification(made)).withdrawal
    assert await world.store.take_in(search, world.aansluiting, world.found(None, "intrekken"), NOW) is None


async def a_copy_for_another_is_left_alone(world: World) -> None:
    copy = replace(world.found(), behandeldienst=ANOTHER)
    assert await world.store.take_in(await world.begun(), world.aansluiting, copy, NOW) is None
    assert (await world.store.figures(world.aansluiting.id, NOW, NOW + HOUR)).found == 0


def set_aside(rule: str = "kopiebericht", action: Action = Action.IGNORE) -> Judge:
    """A judge whose rule sets every version aside."""
    return lambda _: Ruling(action, rule, "some reason", "Een reden.")


async def a_copy_that_was_handed_back_is_missing_until_it_is_taken_up(world: World) -> None:
    await world.fetched(await world.notify(0, NUMBER), judge=set_aside())
    search, before = await world.begun(), len(await world.fetches())
    copy = replace(world.found(), behandeldienst=ANOTHER)
    assert await world.store.take_in(search, world.aansluiting, copy, NOW) is None
    made = await world.store.take_in(search, world.aansluiting, world.found(), NOW)
    assert made is not None
    assert await world.store.take_in(search, world.aansluiting, world.found(), NOW) is None  # it waits
    await world.fetched(made)
    assert await world.store.take_in(search, world.aansluiting, world.found(), NOW) is None
    assert list(await world.fetches())[before:] == [made]


async def a_copy_that_a_search_announced_and_that_is_still_one_is_not_announced_by_every_search(world: World) -> None:
    """Then the search and the verzoek disagree about who handles it, or a search never tells that."""
    aside = set_aside(action=Action.KEEP_APART)
    await world.fetched(await world.notify(0, NUMBER), judge=aside)
    made = await world.store.take_in(await world.begun(), world.aansluiting, world.found(), NOW)
    assert made is not None
    await world.fetched(made, judge=aside)
    assert await world.store.take_in(await world.begun(), world.aansluiting, world.found(), NOW) is None


async def what_another_rule_set_aside_is_here(world: World) -> None:
    await world.fetched(await world.notify(0, NUMBER), judge=set_aside("older_than_known", Action.KEEP_APART))
    assert await world.store.take_in(await world.begun(), world.aansluiting, world.found(), NOW) is None


async def a_periodic_search_waits_its_time(world: World) -> None:
    async def begin(now: datetime) -> int | None:
        unless = NotSince(now - HOUR, now - timedelta(minutes=10))
        span = Span(now - HOUR, now, covers=True)
        return await world.store.begin(world.aansluiting.id, span, world.area, now, unless)

    first = await begin(NOW)
    assert first is not None
    assert await begin(NOW + timedelta(minutes=9)) is None  # perhaps it still runs
    second = await begin(NOW + timedelta(minutes=11))
    assert second is not None  # it was cut off
    await world.store.complete(second, 0, NOW)
    assert await begin(NOW + timedelta(minutes=60)) is None
    assert await begin(NOW + timedelta(minutes=72)) is not None


async def a_day_is_counted_and_its_report_kept(world: World) -> None:
    await world.store.put_area(world.area, NOW)
    await world.fetched(await world.notify(0, NUMBER))
    search = await world.begun()
    await world.store.take_in(search, world.aansluiting, world.found(), NOW)
    await world.store.take_in(search, world.aansluiting, world.found(number="2026060200077"), NOW)
    await world.store.complete(search, 9, NOW)
    day = date(2026, 6, 2)
    [report] = await report_of(world.store, [world.aansluiting], day, NOW)
    figures = report.figures
    assert (figures.found, figures.received, figures.caught_up) == (2, 1, 1)
    assert (figures.not_here, figures.not_delivered) == ((), (NUMBER, "2026060200077"))
    assert figures.searched_until == NOW
    assert report.problem == "2 found but not delivered"
    assert list(await world.store.reports(day)) == [report]


async def the_report_of_yesterday_is_made_once(world: World) -> None:
    early = datetime(2026, 6, 2, 23, 30, tzinfo=UTC)  # half past one at night in the Netherlands
    assert [each.day for each in await report_of_yesterday(world.store, [world.aansluiting], early)] == [
        date(2026, 6, 1)
    ]
    later = early + HOUR
    made = [await report_of_yesterday(world.store, [world.aansluiting], later) for _ in range(2)]
    assert [[each.day for each in reports] for reports in made] == [[date(2026, 6, 2)], []]
    assert made[0][0].problem == "this organisatie has no area, so nothing was searched"


async def who_asks_for_a_day_gets_what_was_kept_or_else_how_it_stands(world: World) -> None:
    day, chosen = date(2026, 6, 2), [world.aansluiting]
    [live] = await asked_for(world.store, chosen, day, NOW)
    assert (live.figures.received, await world.store.reported(day)) == (0, set())
    [kept] = await report_of(world.store, chosen, day, NOW)
    await world.notify(0, NUMBER)
    [told], [again] = [await asked_for(world.store, chosen, day, NOW, again=each) for each in (False, True)]
    assert (told, again.figures.received) == (kept, 1)


CONTRACT = (
    an_area_is_kept_and_replaced,
    only_complete_searches_without_a_gap_in_the_same_area_move_the_last_one,
    what_is_missing_gets_one_notification_and_one_job,
    what_is_here_is_not_missing_and_a_later_version_is,
    a_withdrawal_is_announced_as_one_even_while_another_notification_waits,
    a_copy_for_another_is_left_alone,
    a_copy_that_was_handed_back_is_missing_until_it_is_taken_up,
    a_copy_that_a_search_announced_and_that_is_still_one_is_not_announced_by_every_search,
    what_another_rule_set_aside_is_here,
    a_periodic_search_waits_its_time,
    a_day_is_counted_and_its_report_kept,
    the_report_of_yesterday_is_made_once,
    who_asks_for_a_day_gets_what_was_kept_or_else_how_it_stands,
)
