"""Made-up kennisgevingen: one of each documenttype, none wrong, and none where it would be published for good."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from tests.unit.flows.koop_world import PROFILE, WHO
from tests.unit.flows.test_desk import AREA, World
from tests.unit.flows.test_drafting import DROP

from digikoppelaar.adapters.profiles import load_drop_profile
from digikoppelaar.drop.area import is_inside
from digikoppelaar.drop.checks_places import positions
from digikoppelaar.drop.document import from_document, to_document
from digikoppelaar.drop.envelope import request
from digikoppelaar.drop.model import Documenttype, plain
from digikoppelaar.errors import ConfigError, SubmissionError
from digikoppelaar.flows.kennisgeving_states import KennisgevingEvent
from digikoppelaar.flows.ports import Aansluiting, PublishingSettings
from digikoppelaar.flows.ports.kennisgevingen import Facts
from digikoppelaar.flows.stage_notices import Made, deliver, held_up_by, made_up, trial_stage

STAGES = load_drop_profile("koop-3pas-2020-01").stages
POC = STAGES["poc"]
BARE = replace(DROP, publishing=PublishingSettings("poc", "Voorbeeldstad", "gemeente", "gmb"))
ELSEWHERE = replace(
    BARE,
    organisatie_oin="00000099000000005000",
    publishing=PublishingSettings("poc", "Voorbeeldwater", "waterschap", "wsb", telefoon="088 0123456"),
)


async def made(world: World, publisher: Aansluiting = DROP, number: int = 1) -> Sequence[Made]:
    return await made_up(world.desk, publisher, POC, Documenttype, number)


@pytest.mark.parametrize("publisher", [DROP, BARE], ids=["with settings", "without"])
async def test_each_documenttype_has_a_notice_with_nothing_wrong_that_says_it_is_a_test(publisher: Aansluiting) -> None:
    notices = await made(World(drop=publisher), publisher)
    assert [each.kennisgeving.documenttype for each in notices] == list(Documenttype)
    for each in notices:
        notice = each.kennisgeving
        assert [finding.code for finding in each.checked.findings] == ["applicant-not-checked"]
        assert notice.titel.startswith("TEST: ")
        assert "verzonnen" in plain(notice.tekst)
        assert notice.referentienummer == f"TEST-poc-{notice.documenttype.name.lower()}"
        assert all(is_inside(at, AREA[0].ringen) for place in notice.locaties for at in positions(place))
        assert from_document(to_document(notice)) == notice
        assert request(notice, PROFILE).body


async def test_where_nobody_imported_an_area_that_is_all_there_is_to_say() -> None:
    notices = await made(World(drop=ELSEWHERE), ELSEWHERE)
    assert {finding.code for each in notices for finding in each.checked.findings} == {
        "applicant-not-checked",
        "area-unknown",
    }
    assert not any(held_up_by(each.checked) for each in notices)


async def test_what_is_delivered_is_planned_once_however_often_it_is_asked() -> None:
    world = World()
    rows = await deliver(world.desk, DROP, await made(world), WHO)
    assert [(row.id, row.state, row.due_at) for row in rows] == [(n, "planned", world.clock.now()) for n in (1, 2, 3)]
    again = await deliver(world.desk, DROP, await made(world), WHO)
    assert [row.id for row in again] == [1, 2, 3]
    assert len(await world.store.log(1)) == 2
    [third, *_] = await deliver(world.desk, DROP, await made(world, number=2), WHO)
    assert (third.id, third.key.referentienummer) == (4, "TEST-poc-aanvraag-2")


async def test_whoever_was_interrupted_between_draft_and_approval_goes_on() -> None:
    world = World()
    notices = await made(world)
    await world.desk.draft(notices[0].kennisgeving, DROP, WHO)
    rows = await deliver(world.desk, DROP, notices, WHO)
    assert [(row.id, row.state) for row in rows] == [(1, "planned"), (2, "planned"), (3, "planned")]


async def test_what_was_taken_back_is_made_anew_and_what_was_refused_waits_for_a_person() -> None:
    world = World()
    notices = await made(world)
    await deliver(world.desk, DROP, notices, WHO)
    await world.store.move(1, KennisgevingEvent.CANCELLED, WHO, Facts())
    [sent] = await world.store.claim(world.clock.now(), 1, 1)
    await world.store.settle(sent, KennisgevingEvent.REFUSED, Facts(), world.clock.now())
    rows = await deliver(world.desk, DROP, notices, WHO)
    assert [(row.id, row.state) for row in rows] == [(4, "planned"), (2, "refused"), (3, "planned")]


async def test_when_a_check_blocks_one_none_is_planned() -> None:
    world = World()
    notices = await made(world)
    named = replace(notices[1].kennisgeving, titel="TEST: de aanvraag van bsn 111222333")
    await world.desk.draft(named, DROP, WHO)  # a person edited what was there
    with pytest.raises(SubmissionError, match="bsn-found"):
        await deliver(world.desk, DROP, notices, WHO)
    assert {row.state for row in world.store.rows.values()} == {"draft"}


def stage_for(publisher: Aansluiting, *others: Aansluiting) -> str:
    return trial_stage(publisher, [publisher, *others], lambda name: load_drop_profile(name).stages).name


def at(stage: str, omgeving: str, address: str = "") -> Aansluiting:
    settings = PublishingSettings(stage, "Voorbeeldstad", "gemeente", "gmb", address=address)
    return replace(DROP, omgeving=omgeving, publishing=settings)


@pytest.mark.parametrize("stage", ["poc", "tst-leverancier", "tst-organisatie"])
def test_stages_before_production_may_be_tried(stage: str) -> None:
    assert (
        stage_for(at(stage, "pre", "https://eto.example/3pas"), at("productie", "prod", "https://koop.example"))
        == stage
    )


@pytest.mark.parametrize(
    "publisher",
    [
        at("productie", "prod", "https://koop.example/3pas"),
        at("productie", "sandbox-prod"),
        at("productie", "pre"),
        at("poc", "prod"),
        at("tst-organisatie", "pre", "https://KOOP.example/3pas/"),
    ],
    ids=["production", "production of the sandbox", "production in pre", "a test in prod", "the address of production"],
)
def test_nothing_made_up_goes_where_it_could_really_be_published(publisher: Aansluiting) -> None:
    with pytest.raises(ConfigError):
        stage_for(publisher, at("productie", "prod", "https://koop.example/3pas"))
