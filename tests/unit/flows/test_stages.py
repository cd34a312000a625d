"""The stages of an organisatie: from its own aansluitingen, and of others only what a leverancier does once for all."""

from collections.abc import Iterable

import pytest
from tests.unit.flows.kennisgeving_store_contract import SENT, WHO
from tests.unit.flows.stage_store_contract import sent

from digikoppelaar.adapters.memory.kennisgevingen import MemoryKennisgevingen
from digikoppelaar.adapters.memory.stages import MemoryStages
from digikoppelaar.adapters.profiles import load_drop_profile
from digikoppelaar.drop.model import Documenttype
from digikoppelaar.drop.stages import StageProgress
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.kennisgeving_states import KennisgevingEvent
from digikoppelaar.flows.ports import Aansluiting, PublishingSettings
from digikoppelaar.flows.ports.kennisgevingen import Answer, Facts
from digikoppelaar.flows.stages import Stages, stage_of

PROFILE = "koop-3pas-2020-01"
ONE, OTHER = "00000099000000001000", "00000099000000002000"
AANVRAAG = Documenttype(SENT.documenttype)


def publisher(number: int, oin: str, omgeving: str = "pre", stage: str = "poc", wanted: str = "") -> Aansluiting:
    settings = PublishingSettings(stage, "Voorbeeld", "gemeente", "gmb", wanted=wanted)
    return Aansluiting(number, oin, "Gemeente Voorbeeld", "drop", omgeving, oin, None, None, publishing=settings)


PRE, PROD = publisher(1, ONE), publisher(2, ONE, "prod", "productie")
ELSEWHERE = publisher(3, OTHER)
SANDBOX = publisher(4, ONE, "sandbox-pre")
ALL = (PRE, PROD, ELSEWHERE, SANDBOX)


class World:
    """Stores in memory, and the stages over them."""

    def __init__(self, publishers: Iterable[Aansluiting] = ALL) -> None:
        self.kennisgevingen = MemoryKennisgevingen()
        self.stages = Stages(
            MemoryStages(self.kennisgevingen), tuple(publishers), lambda name: load_drop_profile(name).stages
        )

    async def deliver(self, of: Aansluiting, stage: str) -> None:
        number = len(self.kennisgevingen.rows) + 1
        facts = Facts(dossiernummer=str(number), answer=Answer(200, b"", 0))
        await sent(self.kennisgevingen, number, KennisgevingEvent.ACCEPTED, facts, stage, of.id)

    async def of(self, publisher: Aansluiting, stage: str) -> StageProgress:
        [found] = [each for each in await self.stages.progress(publisher) if each.stage.name == stage]
        return found

    async def confirm(self, of: Aansluiting, stage: str, *more: Documenttype) -> list[Documenttype]:
        return await self.stages.confirm(of, stage, [AANVRAAG, *more], WHO, "mail")


async def test_what_an_organisatie_delivers_in_its_own_stage_is_seen_by_it_alone() -> None:
    world = World()
    await world.deliver(PRE, "tst-organisatie")
    assert AANVRAAG not in (await world.of(PRE, "tst-organisatie")).undelivered
    assert AANVRAAG in (await world.of(ELSEWHERE, "tst-organisatie")).undelivered
    assert AANVRAAG in (await world.of(SANDBOX, "tst-organisatie")).undelivered
    with pytest.raises(ConfigError, match="no aanvraag was delivered in stage tst-organisatie"):
        await world.confirm(ELSEWHERE, "tst-organisatie")
    assert await world.confirm(PRE, "tst-organisatie") == [AANVRAAG]
    assert (await world.of(ELSEWHERE, "tst-organisatie")).wanted[0].confirmation is None


async def test_what_is_done_once_for_all_counts_for_others_and_says_not_whose_it_is() -> None:
    world = World()
    await world.deliver(PRE, "poc")
    await world.confirm(PRE, "poc")
    [own, *_], [shared, *_] = (await world.of(PRE, "poc")).wanted, (await world.of(ELSEWHERE, "poc")).wanted
    assert own.done
    assert shared.done
    assert (own.deliveries[0].dossiernummer, own.confirmation and own.confirmation.by) == ("1", WHO.name)
    assert (shared.deliveries[0].dossiernummer, shared.deliveries[0].own) == ("", False)
    assert shared.confirmation
    assert (shared.confirmation.by, shared.confirmation.note) == ("", "")
    assert not (await world.of(SANDBOX, "poc")).wanted[0].deliveries, "the sandbox proves nothing"


async def test_the_way_of_an_organisatie_goes_on_from_its_pre_to_its_prod() -> None:
    world = World()
    assert [each.used for each in await world.stages.progress(PROD)] == [True, False, False, True]
    [finding] = (await world.of(PRE, "productie")).findings
    assert finding.code == "too-early"
    await world.deliver(PROD, "productie")
    assert AANVRAAG not in (await world.of(PRE, "productie")).undelivered


async def test_each_aansluiting_narrows_the_stages_of_its_omgeving() -> None:
    world = World([publisher(1, ONE, wanted="aanvraag"), PROD])
    assert [len(each.wanted) for each in await world.stages.progress(PROD)] == [1, 1, 1, 3]


async def test_a_word_is_recorded_once() -> None:
    world = World()
    await world.deliver(PRE, "poc")
    with pytest.raises(ConfigError, match="no planafwijking was delivered"):
        await world.confirm(PRE, "poc", Documenttype.PLANAFWIJKING)
    assert await world.confirm(PRE, "poc") == [AANVRAAG], "not when another was not delivered"
    assert await world.confirm(PRE, "poc") == []
    with pytest.raises(ConfigError, match="there is no stage vijf"):
        await world.confirm(PRE, "vijf")


@pytest.mark.parametrize(
    ("omgeving", "stage", "fits"),
    [
        ("pre", "poc", True),
        ("pre", "productie", False),
        ("sandbox-pre", "productie", False),
        ("prod", "productie", True),
        ("sandbox-prod", "productie", True),
        ("prod", "tst-organisatie", False),
    ],
)
def test_a_stage_takes_only_what_comes_from_its_omgeving(omgeving: str, stage: str, fits: bool) -> None:
    aansluiting = publisher(1, ONE, omgeving, stage)
    stages = load_drop_profile(PROFILE).stages
    if fits:
        assert stage_of(aansluiting, stages).name == stage
    else:
        with pytest.raises(ConfigError, match=f"stage {stage} is for"):
            stage_of(aansluiting, stages)


def test_a_stage_that_is_not_there_is_told() -> None:
    with pytest.raises(ConfigError, match="no stage vijf"):
        stage_of(publisher(1, ONE, stage="vijf"), load_drop_profile(PROFILE).stages)
