"""Each item is mailed once and the digest once a day, whatever dies on the way; and no mail says too much."""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tests.unit.flows.dso_world import Crash, Doom, Doomed
from tests.unit.flows.test_worklist import PLACE
from tests.unit.flows.verzoek_store_contract import NOW

from digikoppelaar.adapters.memory.worklist import MemoryMailer, MemoryWorklist
from digikoppelaar.flows.worklist_mail import LEASE, SHOWN, WorklistMail
from digikoppelaar.flows.worklist_rows import Item, Sort

OIN = PLACE.organisatie_oin
MORNING = NOW - timedelta(hours=2)
ITEM = Item(
    "parked:verzoek:1", Sort.PARKED, PLACE, NOW, "Verzoek 42 wacht.", "Kijk.", "42", "parked by jan: familie Fictief"
)
OTHER = replace(ITEM, key="parked:verzoek:2", what="Verzoek 43 wacht.")
TO = ("vth@gemeente.example",)


@dataclass
class Hand:
    """A clock that a test moves; it begins in the afternoon."""

    at: datetime = NOW + timedelta(hours=5)

    def now(self) -> datetime:
        """See flows.ports.Clock."""
        return self.at


@dataclass
class World:
    """One organisatie that is mailed."""

    store: MemoryWorklist = field(default_factory=lambda: MemoryWorklist({OIN: TO}))
    mailer: MemoryMailer = field(default_factory=MemoryMailer)
    clock: Hand = field(default_factory=Hand)

    async def run(self, *items: Item, doom: Doom | None = None) -> None:
        """One run; with `doom` it may die at any door."""
        store, mailer = (Doomed(each, doom) if doom else each for each in (self.store, self.mailer))
        await WorklistMail(store, mailer, self.clock).run(items)

    @property
    def subjects(self) -> list[str]:
        """Of what was sent."""
        return [mail.subject for mail in self.mailer.sent]


async def test_an_item_is_mailed_when_it_is_new_and_again_when_it_came_back() -> None:
    world = World()
    for items in ([ITEM], [ITEM], [ITEM, OTHER], [OTHER], [ITEM, OTHER]):
        await world.run(*items)
    assert world.subjects == ["Werkvoorraad Gemeente Voorbeeldstad: 1 punt nieuw"] * 3
    [first, second, third] = world.mailer.sent
    assert first.to == TO
    assert "Verzoek 42" in first.text
    assert "Verzoek 43" in second.text
    assert first.name == third.name != second.name


async def test_a_mail_holds_no_words_of_a_person() -> None:
    world = World()
    await world.run(ITEM)
    assert "Fictief" not in repr(world.mailer.sent)


async def test_of_very_many_items_the_number_is_told() -> None:
    world = World()
    await world.run(*(replace(ITEM, key=str(number)) for number in range(SHOWN + 7)))
    assert "En nog 7 andere." in world.mailer.sent[0].text


async def test_the_digest_goes_once_in_the_morning_and_only_when_there_is_something() -> None:
    world = World()
    await world.run(ITEM)
    for days in (0, 1, 2):
        world.clock.at = MORNING + timedelta(days=days)
        for _ in range(2):
            await world.run(*([] if days == 1 else [ITEM]))
    digests = [subject for subject in world.subjects if "dagoverzicht" in subject]
    assert digests == [f"Werkvoorraad Gemeente Voorbeeldstad: dagoverzicht 0{day}-06-2026, 1 punt" for day in (2, 4)]


async def test_a_mail_server_that_is_away_is_tried_again_and_delays_nobody_else() -> None:
    world = World()
    world.mailer.away = True
    await world.run(ITEM)
    world.mailer.away = False
    await world.run(ITEM)
    assert world.subjects == []
    world.clock.at += LEASE
    await world.run(ITEM)
    assert len(world.subjects) == 1


async def test_who_dies_at_any_point_leaves_nothing_untold_and_a_repeat_is_known_by_its_name() -> None:
    for at in range(1, 40):
        world = World()
        world.clock.at = MORNING
        doom = Doom(at)
        with suppress(Crash):
            await world.run(ITEM, doom=doom)
        world.clock.at += LEASE
        await world.run(ITEM)
        assert len({mail.name for mail in world.mailer.sent}) == 2
        assert len(world.mailer.sent) <= 3
        if doom.passed < at:
            break
    assert at == 17
