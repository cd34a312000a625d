"""KOOP of the sandbox looks what came in, in each stage and with what that stage asks for, and finds it good."""

from typing import Any

import pytest
from tests.unit.drop.notices import BESLUIT, PLANAFWIJKING
from tests.unit.sandbox.gateway import EAST, WEST
from tests.unit.sandbox.koop.supplier import PROFILE, Supplier, message
from tests.unit.sandbox.koop.test_drop_pages import do, see

from digikoppelaar.drop.envelope import Accepted, answer
from digikoppelaar.drop.model import Documenttype, Publicist

pytestmark = pytest.mark.asyncio(loop_scope="session")

EVERY = ["aanvraag", "afhandeling", "planafwijking"]


async def deliver(supplier: Supplier, stage: str, documenttype: Documenttype, oin: str = WEST) -> str:
    """With the user name or certificate that the stage asks for; the dossiernummer."""
    changes: dict[str, Any] = {"publicist": Publicist(oin, "West", BESLUIT.publicist.bestuurslaag)}
    if documenttype is Documenttype.PLANAFWIJKING:
        changes["bopa"] = PLANAFWIJKING.bopa
    else:
        changes["documenttype"] = documenttype
    sent = message(**changes)
    headers = {"Content-Type": sent.content_type, "SOAPAction": sent.action}
    raw = await supplier.post(stage, sent.body, headers | (supplier.basic() if stage == "poc" else {}))
    said = answer(raw, PROFILE.envelope)
    assert isinstance(said, Accepted)
    return said.dossiernummer


async def confirm(supplier: Supplier, dossiernummer: str, by: str = "F. Beheer") -> Any:
    return await supplier.manage("POST", f"/koop/dossiers/{dossiernummer}/confirm", {"by": by})


async def stage_of(supplier: Supplier, stage: str, oin: str = WEST) -> Any:
    found = await supplier.manage("GET", "/koop/stages")
    [one] = [each for each in found if (each["oin"], each["stage"]) == (oin, stage)]
    return one


@pytest.mark.parametrize("stage", PROFILE.stages)
async def test_a_stage_is_done_when_everything_came_in_and_was_found_good(supplier: Supplier, stage: str) -> None:
    numbers = [await deliver(supplier, stage, each) for each in Documenttype]
    before = await stage_of(supplier, stage)
    assert (before["undelivered"], before["unconfirmed"], before["done"]) == ([], EVERY, False)
    for number in numbers:
        assert (await confirm(supplier, number))["confirmed_by"] == "F. Beheer"
    assert (await stage_of(supplier, stage))["done"]
    others = [await stage_of(supplier, each) for each in PROFILE.stages if each != stage]
    assert [each["undelivered"] for each in others] == [EVERY, EVERY, EVERY]


async def test_the_first_two_stages_are_of_all_organisaties_and_the_others_of_one(supplier: Supplier) -> None:
    for stage in ("poc", "tst-organisatie"):
        await confirm(supplier, await deliver(supplier, stage, Documenttype.AANVRAAG))
    await deliver(supplier, "tst-organisatie", Documenttype.AFHANDELING, EAST)
    assert (await stage_of(supplier, "poc", EAST))["undelivered"] == ["afhandeling", "planafwijking"]
    own = await stage_of(supplier, "tst-organisatie", EAST)
    assert (own["undelivered"], own["unconfirmed"]) == (["aanvraag", "planafwijking"], ["afhandeling"])


async def test_what_came_twice_is_told(supplier: Supplier) -> None:
    for _ in range(2):
        await deliver(supplier, "poc", Documenttype.AANVRAAG)
    assert (await stage_of(supplier, "poc"))["findings"] == ["Aanvraag is in stap 1 2 keer aangeleverd; één is genoeg."]


async def test_who_found_it_good_first_counts_and_has_a_name(supplier: Supplier) -> None:
    number = await deliver(supplier, "poc", Documenttype.AANVRAAG)
    await confirm(supplier, number, "een")
    assert (await confirm(supplier, number, "ander"))["confirmed_by"] == "een"
    for path, wish in (
        (f"/koop/dossiers/{number}/confirm", {"by": "  "}),
        (f"/koop/dossiers/{number}/confirm", {"naam": "x"}),
        ("/koop/dossiers/1/confirm", {"by": "x"}),
    ):
        async with supplier.session.post(supplier.ready.management_url + path, json=wish) as got:
            assert got.status == 400


async def test_on_the_page_of_the_stages_somebody_finds_a_dossier_good(supplier: Supplier) -> None:
    assert "nog niets aangeleverd" in (await see(supplier, "/drop/stappen")).text
    number = await deliver(supplier, "tst-organisatie", Documenttype.AANVRAAG)
    page = await see(supplier, "/drop/stappen")
    assert page.status == 200
    assert [form.action for form in page.document.forms] == [f"/drop/{number}/bevestigen"]
    nameless = await do(supplier, number, "bevestigen", naam=" ")
    assert nameless.status == 422
    assert "Vul uw naam in" in nameless.text
    done = await do(supplier, number, "bevestigen", naam="F. Beheer")
    assert "door F. Beheer" in done.text
    assert done.document.forms == []
    assert (await see(supplier, f"/drop/{number}")).fact["Goed bevonden door"] == "F. Beheer"
