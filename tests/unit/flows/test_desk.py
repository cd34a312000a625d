"""A kennisgeving is planned when it was checked and somebody stands for it, and by itself only when all is good."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from tests.unit.flows.koop_world import WHO, Clock
from tests.unit.flows.test_drafting import DROP, OIN, SETTINGS, TEXTS, ZGW, templates_of
from tests.unit.stam.documents import verzoek_xml

from digikoppelaar.adapters.memory.blobs import MemoryBlobs
from digikoppelaar.adapters.memory.kennisgevingen import MemoryKennisgevingen
from digikoppelaar.drop.document import from_document
from digikoppelaar.drop.model import AlsVlak, Bijlage, Bopa
from digikoppelaar.drop.texts import For, TextTemplate
from digikoppelaar.errors import ConfigError, Conflict, SubmissionError, TemplateBroken
from digikoppelaar.flows.desk import MOST_POSITIONS, Desk
from digikoppelaar.flows.drafting import Texts
from digikoppelaar.flows.kennisgeving_states import KennisgevingEvent
from digikoppelaar.flows.ports import Aansluiting
from digikoppelaar.flows.ports.kennisgevingen import Facts, NotDrafted, Origin, StoredKennisgeving, Undrafted
from digikoppelaar.flows.privacy import GONE, Checked, Outcome
from digikoppelaar.stam.fingerprints import Kind, Match

STAM = 3
OTHER = "00000099000000005000"
NUMBER = "2026060200019"
AUTOMATIC = replace(SETTINGS, drafts_from="2026-06-01", automatic="aanvraag")
CLEAN = Checked(Outcome.CLEAN)
AREA = (
    AlsVlak(
        (
            (
                (150000.0, 460000.0),
                (160000.0, 460000.0),
                (160000.0, 470000.0),
                (150000.0, 470000.0),
                (150000.0, 460000.0),
            ),
        )
    ),
)


@dataclass(slots=True)
class World:
    """A desk with one publisher, and a verzoek that was delivered."""

    drop: Aansluiting = DROP
    compared: Checked = CLEAN
    store: MemoryKennisgevingen = field(default_factory=MemoryKennisgevingen)
    blobs: MemoryBlobs = field(default_factory=MemoryBlobs)
    clock: Clock = field(default_factory=Clock)
    asked: list[str] = field(default_factory=list)

    @property
    def desk(self) -> Desk:
        async def compare(aansluiting_id: int, verzoeknummer: str, text: str) -> Checked:
            self.asked.append(f"{aansluiting_id} {verzoeknummer} {text}")
            return self.compared

        async def area_of(organisatie_oin: str) -> tuple[AlsVlak, ...]:
            return AREA if organisatie_oin == OIN else ()

        return Desk(self.store, [self.drop], TEXTS, compare, area_of, self.blobs, self.clock)

    async def delivered(self, document: bytes = b"", omgeving: str = "sandbox-pre") -> Undrafted:
        async def content() -> AsyncIterator[bytes]:
            yield document or verzoek_xml()

        await self.blobs.put("xml", content())
        found = Undrafted(Origin(STAM, NUMBER), omgeving, "xml")
        self.store.delivered.append(found)
        return found

    async def drafted(self) -> StoredKennisgeving:
        made = await self.desk.draft_of(await self.delivered(), WHO)
        assert isinstance(made, StoredKennisgeving)
        return made


async def test_a_verzoek_becomes_a_draft_once() -> None:
    world = World()
    made = await world.drafted()
    assert (made.state, made.key.referentienummer, made.origin) == ("draft", NUMBER, Origin(STAM, NUMBER))
    assert await world.desk.draft_of(world.store.delivered[0], WHO) == made


async def test_the_text_is_that_of_the_zaaktype_which_the_zaak_got(tmp_path: Path) -> None:
    world = World(replace(DROP, publishing=AUTOMATIC))
    world.store.delivered = [replace(await world.delivered(), case_system=ZGW)]
    texts = replace(TEXTS, templates=lambda _: templates_of(tmp_path, "", "DAKKAPEL", "KAP"))
    assert await replace(world.desk, texts=texts).draft_new(10) == 1
    assert from_document((await world.store.kennisgeving(1)).document).titel == "van DAKKAPEL"


async def test_by_itself_drafts_are_made_only_where_that_was_set_and_of_what_came_after() -> None:
    for settings, count in ((SETTINGS, 0), (AUTOMATIC, 1), (replace(AUTOMATIC, drafts_from="2026-06-03"), 0)):
        world = World(replace(DROP, publishing=settings))
        await world.delivered()
        assert await world.desk.draft_new(10) == count
        assert await world.desk.draft_new(10) == 0
        assert await world.store.undrafted(10) == []


async def test_of_two_nodes_that_draft_at_once_one_does_and_the_other_changes_nothing() -> None:
    world = World(replace(DROP, publishing=AUTOMATIC))
    await world.delivered()
    await asyncio.gather(world.desk.draft_new(10), world.desk.draft_new(10))
    [row] = world.store.rows.values()
    assert [line.state for line in await world.store.log(row.id)] == ["draft", "planned"]
    assert world.store.none == {}


async def test_what_a_person_drafted_is_left_to_that_person() -> None:
    world = World(replace(DROP, publishing=AUTOMATIC))
    made = await world.drafted()
    await world.desk.draft_new(10)
    assert await world.store.kennisgeving(made.id) == made


@pytest.mark.parametrize("whose", [None, OIN])
async def test_while_a_template_is_broken_a_verzoek_waits_for_its_draft(whose: str | None) -> None:
    world = World(drop=replace(DROP, publishing=AUTOMATIC))
    await world.delivered()
    with pytest.raises(ConfigError) if whose is None else nullcontext():
        await replace(world.desk, texts=_broken_for(whose)).draft_new(10)
    assert (world.store.rows, world.store.none) == ({}, {})
    assert await world.desk.draft_new(10) == 1


async def test_a_broken_template_of_one_organisatie_holds_up_no_other_however_many_of_it_wait() -> None:
    world = World(drop=replace(DROP, publishing=AUTOMATIC))
    first = await world.delivered()
    document = verzoek_xml().replace(OIN.encode(), OTHER.encode())
    others = replace(world.drop, id=world.drop.id + 1, organisatie_oin=OTHER)

    async def content() -> AsyncIterator[bytes]:
        yield document

    await world.blobs.put("other", content())
    waiting = [replace(first, origin=Origin(STAM, f"20260602{number:05}")) for number in range(3)]
    world.store.delivered = [*waiting, replace(first, origin=Origin(STAM + 1, NUMBER), xml="other")]
    desk = replace(world.desk, publishers=[world.drop, others], texts=_broken_for(OIN))
    assert await desk.draft_new(2) == 1
    assert [row.key.aansluiting_id for row in world.store.rows.values()] == [others.id]
    assert await replace(desk, texts=TEXTS).draft_new(10) == len(waiting), "they are made when it is right"


def _broken_for(whose: str | None) -> Texts:
    def templates(organisatie: str | None) -> Mapping[For, TextTemplate]:
        if whose in {None, organisatie}:
            raise TemplateBroken("template regulier-aanvraag.txt: there is no bsn")
        return TEXTS.templates(organisatie)

    return replace(TEXTS, templates=templates)


async def test_another_text_is_about_the_same_case_of_the_same_organisatie() -> None:
    world = World()
    made = await world.drafted()
    text = from_document(made.document)
    edited = await world.desk.edit(made.id, replace(text, titel="Een andere titel"), WHO)
    assert edited.document["titel"] == "Een andere titel"
    publicisten = (replace(text.publicist, oin=OTHER), replace(text.publicist, naam="Elders"))
    others = (replace(text, publicist=publicist) for publicist in publicisten)
    for other in (replace(text, referentienummer="Z-2"), *others):
        with pytest.raises(SubmissionError) as caught:
            await world.desk.edit(made.id, other, WHO)
        assert caught.value.advice
    assert (await world.store.kennisgeving(made.id)).document == edited.document


async def test_a_case_number_without_end_is_refused() -> None:
    world = World()
    text = from_document((await world.drafted()).document)
    with pytest.raises(SubmissionError, match="10000 characters"):
        await world.desk.draft(replace(text, referentienummer="Z" * 10_000), DROP, WHO)


async def test_what_is_set_to_go_by_itself_is_approved_when_all_is_good() -> None:
    world = World(replace(DROP, publishing=AUTOMATIC))
    await world.delivered()
    await world.desk.draft_new(10)
    row = await world.store.kennisgeving(1)
    assert row.state == "planned"
    assert [line.by for line in await world.store.log(1)] == ["digikoppelaar", "digikoppelaar"]
    assert {asked.partition(NUMBER)[0] for asked in world.asked} == {f"{STAM} "}


@pytest.mark.parametrize("compared", [Checked(Outcome.NOT_DONE, reason=GONE), Checked(Outcome.FOUND)])
async def test_what_was_not_compared_or_holds_a_name_waits_for_a_person(compared: Checked) -> None:
    world = World(replace(DROP, publishing=AUTOMATIC), compared)
    await world.delivered()
    assert await world.desk.draft_new(10) == 1
    row = await world.store.kennisgeving(1)
    assert (row.state, row.due_at) == ("draft", None)
    assert row.reason
    assert "applicant" in row.reason
    assert row.advice
    assert "kennisgeving publish" in row.advice
    asked = len(world.asked)
    assert await world.desk.draft_new(10) == 0
    assert len(world.asked) == asked, "it is judged once"


@pytest.mark.parametrize(("kind", "state"), [(Kind.HANDELSNAAM, "planned"), (Kind.NAAM, "draft")])
async def test_the_town_in_the_name_of_a_company_gives_nobody_away_and_that_of_a_person_may(
    kind: Kind, state: str
) -> None:
    world = World(replace(DROP, publishing=AUTOMATIC))

    async def compare(_aansluiting_id: int, _verzoeknummer: str, text: str) -> Checked:
        start = text.index("Voorbeeldstad")
        return Checked(Outcome.FOUND, (Match(kind, start, start + len("Voorbeeldstad")),))

    await world.delivered()
    await replace(world.desk, compare=compare).draft_new(10)
    assert (await world.store.kennisgeving(1)).state == state


@pytest.mark.parametrize(
    ("document", "omgeving", "why"),
    [
        (verzoek_xml(doel="Vooroverleg"), "sandbox-pre", "doel"),
        (verzoek_xml().replace(b"Aanvraag vergunning", b"Melding"), "sandbox-pre", "Melding"),
        (verzoek_xml(), "sandbox-prod", "bevoegd gezag"),
        (verzoek_xml().replace(OIN.encode(), b"00000099000000005000"), "sandbox-pre", "bevoegd gezag"),
    ],
    ids=["concept", "melding", "other omgeving", "other organisatie"],
)
async def test_what_gets_none_says_why(document: bytes, omgeving: str, why: str) -> None:
    world = World(replace(DROP, publishing=AUTOMATIC))
    verzoek = await world.delivered(document, omgeving)
    said = await world.desk.draft_of(verzoek, WHO)
    assert isinstance(said, str)
    assert why in said
    assert await world.desk.draft_new(10) == 0
    assert world.store.rows == {}
    assert world.store.none[verzoek.origin] == said


@pytest.mark.parametrize(
    ("document", "drop", "publisher", "advice"),
    [
        (b"<verzoek", DROP, None, "afzender"),
        (verzoek_xml(), replace(DROP, publishing=replace(AUTOMATIC, telefoon="")), DROP.id, "telefoonnummer"),
    ],
    ids=["unreadable", "a value is missing"],
)
async def test_what_cannot_be_drafted_is_for_a_person_and_holds_up_no_other(
    document: bytes, drop: Aansluiting, publisher: int | None, advice: str
) -> None:
    world = World(drop)
    first = await world.delivered(document)
    world.store.delivered.append(replace(first, origin=Origin(STAM, "2026060200027"), omgeving="sandbox-prod"))
    assert await world.desk.draft_new(10) == 0
    why = world.store.none[first.origin]
    assert isinstance(why, NotDrafted)
    assert (why.publisher_id, advice in why.advice) == (publisher, True)
    assert len(world.store.none) == 2
    assert await world.store.undrafted(10) == []


async def test_of_content_that_was_lost_a_person_is_told_and_the_next_verzoek_is_drafted() -> None:
    world = World(replace(DROP, publishing=AUTOMATIC))
    there = await world.delivered()
    lost = replace(there, origin=Origin(STAM, "2026060200027"), xml="lost")
    world.store.delivered.insert(0, lost)
    assert await world.desk.draft_new(10) == 1
    why = world.store.none[lost.origin]
    assert isinstance(why, NotDrafted)
    assert "reservekopie" in why.advice


async def test_of_a_verzoek_whose_content_was_deleted_a_person_is_told_what_can_be_done() -> None:
    world = World()
    gone = replace(await world.delivered(), xml=None)
    with pytest.raises(ConfigError, match="was deleted") as caught:
        await world.desk.draft_of(gone, WHO)
    assert "kennisgeving none" in caught.value.advice


async def test_what_is_blocked_is_approved_only_with_a_reason_that_stays_on_record() -> None:
    world = World(compared=Checked(Outcome.FOUND))
    row = await world.drafted()
    with pytest.raises(Conflict, match="held up by applicant-found"):
        await world.desk.approve(row.id, WHO)
    assert (await world.store.kennisgeving(row.id)).state == "draft"
    planned = await world.desk.approve(row.id, WHO, override="De straat heet naar de aanvrager.")
    assert (planned.state, planned.due_at) == ("planned", world.clock.now())
    last = (await world.store.log(row.id))[-1]
    assert last.by == WHO.name
    assert "applicant-found" in last.detail
    assert "De straat heet naar de aanvrager." in last.detail


async def test_what_cannot_be_sent_is_said_by_a_check_and_no_reason_lets_it_go() -> None:
    world = World()
    row = await world.drafted()
    bijlagen = (Bijlage("tekening.pdf", "application/pdf", "x"),)
    row = await world.desk.edit(row.id, replace(from_document(row.document), bijlagen=bijlagen), WHO)
    found = (await world.desk.check(row)).findings[-1]
    assert (found.code, found.severity) == ("not-sendable", "block")
    assert "bijlagen" in found.sentence
    with pytest.raises(SubmissionError, match="with bijlagen cannot be sent"):
        await world.desk.approve(row.id, WHO, override="Het moet.")
    assert (await world.store.kennisgeving(row.id)).state == "draft"


async def test_what_is_to_appear_later_is_sent_the_working_day_before() -> None:
    world = World()
    row = await world.drafted()
    planned = await world.desk.approve(row.id, WHO, publish_on=date(2026, 6, 8))
    assert planned.due_at == datetime(2026, 6, 5, 6, tzinfo=UTC), "Friday at eight, Dutch time"
    assert from_document(planned.document).data.publicatie == date(2026, 6, 8)


async def test_a_wish_that_a_check_blocks_changes_nothing() -> None:
    world = World()
    row = await world.drafted()
    planned = await world.desk.approve(row.id, WHO, publish_on=date(2026, 6, 8))
    with pytest.raises(Conflict, match="held up by publicatie-past"):
        await world.desk.approve(row.id, WHO, publish_on=date(2026, 6, 1))
    assert await world.store.kennisgeving(row.id) == planned


@pytest.mark.parametrize("wish", [date.min, date(1, 1, 2), date(2026, 6, 1)])
async def test_a_wish_for_a_day_that_is_over_is_sent_now_when_somebody_says_why(wish: date) -> None:
    world = World()
    row = await world.drafted()
    planned = await world.desk.approve(row.id, WHO, override="Het moet.", publish_on=wish)
    assert planned.due_at == world.clock.now()


@pytest.mark.parametrize("stopped", [KennisgevingEvent.HELD, KennisgevingEvent.REFUSED])
async def test_what_was_stopped_until_its_day_was_over_goes_on_only_with_a_reason(stopped: KennisgevingEvent) -> None:
    world = World()
    planned = await world.desk.approve((await world.drafted()).id, WHO, publish_on=date(2026, 6, 8))
    if stopped is KennisgevingEvent.HELD:
        await world.store.move(planned.id, stopped, WHO, Facts())
    else:
        [sent] = await world.store.claim(datetime(2026, 6, 5, 7, tzinfo=UTC), 1, 1)
        await world.store.settle(sent, stopped, Facts(), world.clock.now())
    row = await world.store.kennisgeving(planned.id)
    assert (await world.desk.resume(row.id, WHO)).state == "planned", "its day is still to come"
    await world.store.move(planned.id, KennisgevingEvent.HELD, WHO, Facts())
    world.clock.time = datetime(2026, 6, 9, 12, tzinfo=UTC)
    with pytest.raises(Conflict, match="held up by publicatie-past"):
        await world.desk.resume(row.id, WHO)
    assert (await world.store.kennisgeving(row.id)).state == "held"
    assert (await world.desk.resume(row.id, WHO, override="De termijn loopt nog.")).due_at == planned.due_at
    last = (await world.store.log(row.id))[-1]
    assert (last.event, "publicatie-past" in last.detail, "loopt nog" in last.detail) == ("resumed", True, True)
    with pytest.raises(Conflict, match="is planned, so it cannot be resumed"):
        await world.desk.resume(row.id, WHO)


@pytest.mark.parametrize("wish", [None, date(2026, 6, 8)])
async def test_what_was_changed_while_it_was_checked_is_not_approved_nor_lost(wish: date | None) -> None:
    world = World()
    row = await world.drafted()
    other = replace(from_document(row.document), titel="Iets anders")

    async def compare(_aansluiting_id: int, _verzoeknummer: str, _text: str) -> Checked:
        await world.desk.edit(row.id, other, WHO)
        return CLEAN

    with pytest.raises(Conflict, match="was changed meanwhile"):
        await replace(world.desk, compare=compare).approve(row.id, WHO, publish_on=wish)
    kept = await world.store.kennisgeving(row.id)
    assert (kept.state, kept.document["titel"]) == ("draft", "Iets anders")


async def test_what_is_drawn_too_finely_is_refused_before_anything_is_computed_of_it() -> None:
    world = World()
    row = await world.drafted()
    kennisgeving = from_document(row.document)
    fine = AlsVlak((tuple((155_000.0, 463_000.0 + number) for number in range(MOST_POSITIONS)),))
    for too_much in (
        replace(kennisgeving, locaties=(fine, *kennisgeving.locaties)),
        replace(kennisgeving, locaties=kennisgeving.locaties[:1] * (MOST_POSITIONS + 1)),
        replace(kennisgeving, bopa=Bopa("Z1", (fine, fine))),
    ):
        with pytest.raises(SubmissionError, match="positions is over 10000"):
            await world.desk.edit(row.id, too_much, WHO)
    assert await world.store.kennisgeving(row.id) == row
    assert (await world.desk.edit(row.id, replace(kennisgeving, locaties=(fine,)), WHO)).state == "draft"


async def test_another_publisher_than_the_aansluiting_is_refused() -> None:
    world = World()
    kennisgeving = from_document((await world.drafted()).document)
    other = replace(DROP, organisatie_oin="00000099000000005000")
    with pytest.raises(SubmissionError, match="the aansluiting of 00000099000000005000"):
        await world.desk.draft(kennisgeving, other, WHO)
