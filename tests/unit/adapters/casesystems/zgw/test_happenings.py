"""What happened in a zaak is read below our own addresses, in Dutch days; nonsense is the fault of the server."""

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tests.doubles.zgw.types import BESLUITTYPE
from tests.unit.adapters.casesystems.zgw.sample import World, world

from digikoppelaar.adapters.casesystems import kinds
from digikoppelaar.adapters.casesystems.zgw.auth import Tokens
from digikoppelaar.adapters.casesystems.zgw.client import Zgw
from digikoppelaar.adapters.casesystems.zgw.settings import read_settings
from digikoppelaar.errors import CaseSystemError, CaseSystemRefused, ConfigError
from digikoppelaar.flows.ports.case_events import CaseReader, Happened, Resource
from digikoppelaar.flows.targets import Target


@pytest.fixture
async def zgw(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as opened:
        yield opened


def reader(zgw: World, **changes: str) -> CaseReader:
    addresses = {"besluiten_url": zgw.double.addresses["besluiten"]}
    target = Target("zaken", "zgw", {**zgw.values, **addresses, **changes}, {})
    return kinds.reader(target, kinds.Facilities(zgw.http, zgw.clock))


async def zaak(zgw: World) -> dict[str, Any]:
    await zgw.deliver(await zgw.handover())
    [made] = zgw.double.zaken
    return made.resource


async def set_status(zgw: World, zaak: dict[str, Any], moment: str) -> str:
    """An employee sets a status; its URL."""
    types = zgw.double.world.catalogus["statustypen"].values()
    wanted = (zaak["zaaktype"], "In behandeling")
    statustype = next(each for each in types if (each["zaaktype"], each["omschrijving"]) == wanted)
    client = Zgw(read_settings(zgw.values), zgw.http, Tokens(), zgw.clock)
    body = {"zaak": zaak["url"], "statustype": statustype["url"], "datumStatusGezet": moment}
    return str((await client.post(client.zaken("statussen"), body))["url"])


async def test_of_a_besluit_its_days_and_its_type_are_read(zgw: World) -> None:
    made = await zaak(zgw)
    days = {"verzenddatum": "2026-07-21", "publicatiedatum": "2026-07-24", "ingangsdatum": "2026-07-22"}
    besluit = zgw.double.besluiten.add(made["url"], BESLUITTYPE, "2026-07-20", **days)
    assert await reader(zgw).read(Resource.BESLUIT, besluit["url"]) == Happened(
        made["url"],
        besluit["besluittype"],
        BESLUITTYPE,
        date(2026, 7, 20),
        date(2026, 7, 21),
        date(2026, 7, 24),
        date(2026, 7, 22),
    )


async def test_of_a_status_the_dutch_day_and_the_last_day_to_decide_are_read(zgw: World) -> None:
    made = await zaak(zgw)
    made["uiterlijkeEinddatumAfdoening"] = "2026-09-07"
    url = await set_status(zgw, made, "2026-05-20T22:30:00Z")
    happened = await reader(zgw).read(Resource.STATUS, url)
    assert (happened.zaak, happened.type_name) == (made["url"], "In behandeling")
    assert (happened.day, happened.decide_by) == (date(2026, 5, 21), date(2026, 9, 7))


async def test_nobody_leads_us_to_another_server(zgw: World) -> None:
    besluit = zgw.double.besluiten.add((await zaak(zgw))["url"], BESLUITTYPE, "2026-07-20")
    elsewhere = f"https://elders.invalid/x/{besluit['url'].rpartition('/')[2]}"
    assert (await reader(zgw).read(Resource.BESLUIT, elsewhere)).day == date(2026, 7, 20)


async def test_what_is_not_there_and_a_server_that_refuses_us_wait_for_a_person(zgw: World) -> None:
    with pytest.raises(CaseSystemRefused, match="answered 404") as refused:
        await reader(zgw).read(Resource.BESLUIT, "https://zaken.example/besluiten/1")
    assert "besluiten.lezen" in refused.value.advice
    with pytest.raises(CaseSystemRefused, match="answered 403"):
        await reader(zgw, client_id="iemand").read(Resource.BESLUIT, "https://zaken.example/besluiten/1")


async def test_without_the_address_of_the_besluiten_api_an_administrator_is_asked_for_it(zgw: World) -> None:
    with pytest.raises(ConfigError, match="no besluiten_url"):
        await reader(zgw, besluiten_url="").read(Resource.BESLUIT, "https://zaken.example/besluiten/1")


@pytest.mark.parametrize("wrong", [{"datum": None}, {"datum": "20 juli"}, {"verzenddatum": 7}, {"besluittype": ""}])
async def test_an_answer_that_makes_no_sense_is_the_fault_of_the_server(tmp_path: Path, wrong: dict[str, Any]) -> None:
    async with world(tmp_path, checked=False) as zgw:
        besluit = zgw.double.besluiten.add((await zaak(zgw))["url"], BESLUITTYPE, "2026-07-20")
        besluit.update(wrong)
        with pytest.raises(CaseSystemError):
            await reader(zgw).read(Resource.BESLUIT, besluit["url"])
