"""What KOOP published is found by its referentienummer, with what differs; what is not there is looked for again."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta

import pytest
from tests.unit.drop.notices import KENNISGEVING
from tests.unit.flows.koop_world import NOW, PROFILE, Koop, World

from digikoppelaar.drop.inhoud import Markup
from digikoppelaar.drop.model import Moment
from digikoppelaar.drop.publication import Nummer, Published
from digikoppelaar.errors import (
    FacilityAnswerBroken,
    FacilityError,
    FacilityNotFound,
    FacilityOutcomeUnknown,
    FacilityUnavailable,
)
from digikoppelaar.flows.published import NOT_COMPARED, Source
from digikoppelaar.flows.under_way import UnderWay

DAY = date(2026, 6, 4)


async def sent(world: World, *numbers: int) -> None:
    for number in numbers:
        await world.planned(number)
    while await world.send_due():
        pass
    world.later(minutes=1)


async def sent_also(world: World, **changed: object) -> None:
    await world.planned(**changed)  # type: ignore[arg-type]
    await sent(world)


async def numbers(world: World, *ids: int) -> list[str | None]:
    return [found.number if (found := (await world.row(each)).publication) else None for each in ids]


async def test_a_publication_is_found_with_its_number_address_and_day() -> None:
    world = World()
    await sent(world, 1)
    assert await world.look() == 0
    world.koop.publish(DAY)
    world.later(minutes=5)
    assert await world.look() == 1
    row = await world.row()
    assert row.state == "published"
    assert row.publication
    assert (row.publication.number, row.publication.published_on, row.publication.differences) == (
        "gmb-2026-1",
        DAY,
        (),
    )
    assert "gmb-2026-1" in row.publication.url


async def test_many_of_one_body_are_found_with_one_search() -> None:
    world = World()
    await sent(world, *range(1, 31))
    world.koop.publish(DAY)
    assert await world.look() == 30
    assert len(world.koop.searches) == 1
    numbers = {(await world.row(n)).key.referentienummer: (await world.row(n)).publication for n in range(1, 31)}
    assert len({found.number for found in numbers.values() if found}) == 30


async def test_one_with_the_same_title_and_another_case_is_not_it() -> None:
    world = World()
    await sent(world, 1)
    world.koop.publish(DAY, referentienummer="Z2026-999999")
    assert await world.look() == 0
    assert (await world.row()).state == "accepted"


async def test_of_two_notices_of_one_case_each_is_found_as_itself() -> None:
    """A rectificatie is sent on the day of what it corrects, and is not there before KOOP publishes it."""
    world = World()
    await sent(world, 1)
    world.koop.publish(NOW.date())
    assert await world.look() == 1
    case = (await world.row()).key.referentienummer
    titel = f"Rectificatie {KENNISGEVING.titel}"
    await sent_also(world, referentienummer=case, moment=Moment.RECTIFICATIE, titel=titel)
    assert await world.look() == 0
    world.koop.publish(DAY)
    world.later(minutes=5)
    assert await world.look() == 1
    assert await numbers(world, 1, 2) == ["gmb-2026-1", "gmb-2026-2"]


async def test_of_two_notices_of_one_case_that_are_both_sought_each_is_found_as_itself() -> None:
    world = World()
    titel = f"Rectificatie {KENNISGEVING.titel}"
    await sent_also(world, referentienummer="Z2026-000007", moment=Moment.RECTIFICATIE, titel=titel)
    await sent_also(world, referentienummer="Z2026-000007")
    world.koop.publish(DAY)
    both, world.koop.listed = world.koop.listed, world.koop.listed[1:]
    assert await world.look() == 1
    world.koop.listed = both
    world.later(minutes=5)
    assert await world.look() == 1
    assert await numbers(world, 1, 2) == ["gmb-2026-1", "gmb-2026-2"]


async def test_what_differs_is_told() -> None:
    world = World()
    await sent(world, 1)
    world.koop.publish(DAY, rubriek="andere vergunning")
    await world.look()
    found = (await world.row()).publication
    assert found
    assert any("rubriek" in sentence for sentence in found.differences)


@pytest.mark.parametrize("away", [FacilityNotFound("not yet"), FacilityAnswerBroken("no zakelijke-mededeling")])
async def test_what_is_published_without_a_text_that_can_be_read_is_found_and_says_that_nobody_compared_it(
    away: FacilityError, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def publication(_koop: Koop, _nummer: Nummer) -> Published:
        raise away

    monkeypatch.setattr(Koop, "publication", publication)
    world = World()
    await sent(world, 1)
    world.koop.publish(DAY)
    assert await world.look() == 1
    found = (await world.row()).publication
    assert found
    assert found.differences == (NOT_COMPARED,)


async def test_headings_links_and_lists_that_went_out_in_another_form_are_no_difference() -> None:
    for accepted in (frozenset[Markup](), frozenset(Markup)):
        world = World(koop=Koop(profile=replace(PROFILE, accepted=accepted)))
        await sent(world, 1)
        world.koop.publish(DAY)
        await world.look()
        found = (await world.row()).publication
        assert found
        assert found.differences == ()


async def test_the_name_of_the_body_is_that_of_the_search() -> None:
    world = World(creator="Voorbeeldstad (VB)")
    await sent(world, 1)
    world.koop.publish(DAY, publicist=replace(KENNISGEVING.publicist, naam="Voorbeeldstad (VB)"))
    assert await world.look() == 1
    assert [search.creator for search in world.koop.searches] == ["Voorbeeldstad (VB)"]


async def test_it_is_found_however_late_it_appears_and_what_waits_for_a_month_holds_up_nothing_newer() -> None:
    world = World()
    await sent(world, 1)
    world.later(days=31)
    await sent(world, 2)
    world.koop.publish(DAY + timedelta(days=400))
    assert await world.look() == 2
    assert [search.since for search in world.koop.searches] == [NOW.date(), (NOW + timedelta(days=31)).date()]


async def test_what_waits_for_a_month_is_looked_for_once_a_day() -> None:
    world = World()
    await sent(world, 1)
    world.later(days=31)
    await world.look()
    assert (await world.row()).due_at == world.clock.now() + timedelta(days=1)


async def test_what_was_taken_without_an_answer_is_found_all_the_same() -> None:
    world = World()
    world.koop.instead = [FacilityOutcomeUnknown("no answer in time")]
    await sent(world, 1)
    assert (await world.row()).state == "unknown"
    world.koop.publish(DAY)
    assert await world.look() == 1
    assert (await world.row()).state == "published"
    assert await world.send_due() == 0


async def test_who_looks_is_told_what_went_wrong_and_not_that_it_is_not_there() -> None:
    world = World()
    await sent(world, 1)
    assert not await world.verification.look_for(await world.row())
    world.koop.away = FacilityUnavailable("busy")
    with pytest.raises(FacilityUnavailable, match="busy"):
        await world.verification.look_for(await world.row())
    world.koop.away = None
    world.koop.publish(DAY)
    assert await world.verification.look_for(await world.row())


async def test_one_that_cannot_be_read_holds_up_no_other() -> None:
    world = World()
    await sent(world, 1, 2)
    world.store.rows[1] = replace(world.store.rows[1], document={"titel": "van een andere versie"})
    world.koop.publish(DAY)
    assert await world.look() == 1
    assert await numbers(world, 1, 2) == [None, "gmb-2026-2"]
    due = (await world.row()).due_at
    assert due
    assert due > world.clock.now()


async def test_while_the_search_is_away_everything_waits_and_nothing_is_lost() -> None:
    world = World()
    await sent(world, 1, 2)
    world.koop.publish(DAY)
    world.koop.away = FacilityUnavailable("busy")
    assert await world.look() == 0
    assert await world.look() == 0
    assert len(world.koop.searches) == 1
    world.koop.away = None
    world.later(minutes=5)
    assert await world.look() == 2


async def test_it_is_looked_for_less_often_the_longer_it_takes() -> None:
    world = World()
    await sent(world, 1)
    pauses = []
    for _ in range(24):
        await world.look()
        due = (await world.row()).due_at
        assert due
        pauses.append(due - world.clock.now())
        world.clock.time = due
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (timedelta(minutes=5), timedelta(hours=1))
    assert world.clock.now() - NOW < timedelta(hours=24)


async def test_a_host_that_hangs_holds_up_the_search_for_its_own_aansluiting_only() -> None:
    world = World()
    for aansluiting in (1, 2):
        await world.planned(aansluiting, aansluiting)
    await world.send_due()
    world.koop.publish(DAY)
    world.later(minutes=1)
    hanging = asyncio.Event()

    async def source_for(aansluiting: int) -> Source:
        if aansluiting == 1:
            await hanging.wait()
        return await world.verification.source_for(aansluiting)

    looking = replace(world.verification, source_for=source_for)
    async with UnderWay("looking") as under_way:
        for _ in range(2):  # what is being looked for is not looked for twice
            await looking.look(under_way)
            while under_way.about() != {1}:
                await asyncio.sleep(0)
        assert [(await world.row(number)).state for number in (1, 2)] == ["accepted", "published"]
        hanging.set()
    assert (await world.row(1)).state == "published"
    assert len(world.koop.searches) == 2
