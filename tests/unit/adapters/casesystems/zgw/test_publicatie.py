"""Where a kennisgeving was published is in the zaak, once: as eigenschappen and as a document that people can read."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Final

import pytest
from tests.doubles.zgw.double import Document, Version, Zaak
from tests.unit.adapters.casesystems.handovers import news
from tests.unit.adapters.casesystems.zgw.sample import FILES, World, world
from tests.unit.adapters.casesystems.zgw.test_delivery import VERSIONS, check_violations

from digikoppelaar.adapters.casesystems.zgw.publicatie import as_page
from digikoppelaar.errors import CaseSystemError, CaseSystemRefused, ConfigError
from digikoppelaar.flows.delivery_steps import DeliverySteps

NAMED: Final = {
    "publicatie.nummer": "Publicatienummer",
    "publicatie.datum": "publicatiedatum",
    "publicatie.adres": "publicatieadres",
}
SECOND: Final = replace(news("").publication, number="gmb-2026-9", published_on=date(2026, 7, 1))


async def case_in(here: World) -> str:
    return await here.deliver(await here.handover())


def told(here: World) -> tuple[dict[str, list[str]], list[str]]:
    """The eigenschappen of the one zaak that are about publications, and the documents that no verzoek brought."""
    (zaak,) = here.double.zaken
    values = {name: each for name, each in zaak.eigenschappen.items() if name.startswith("publicatie")}
    return values, [each.resource["bestandsnaam"] for each in added(zaak)]


def added(zaak: Zaak) -> list[Document]:
    return zaak.documenten[len(FILES) :]


@pytest.mark.parametrize("version", VERSIONS)
async def test_number_day_and_address_are_eigenschappen_and_the_text_is_a_document(
    tmp_path: Path, version: Version
) -> None:
    async with world(tmp_path, version, **NAMED) as here:
        case = await case_in(here)
        for _ in range(2):
            assert await here.system().tell(news(case)) == ""
        assert told(here) == (
            {
                "publicatienummer": ["gmb-2026-1"],
                "publicatiedatum": ["2026-06-04"],
                "publicatieadres": ["https://publicaties.example/gmb-2026-1.html"],
            },
            ["gmb-2026-1.html"],
        )
        [document] = added(here.double.zaken[0])
        assert document.content.decode() == as_page(news(case))
        assert document.resource["vertrouwelijkheidaanduiding"] == "openbaar"
        assert document.titel.startswith("gmb-2026-1: Aanvraag omgevingsvergunning")
        assert here.double.zaken[0].statussen == ["Ontvangen"]
        check_violations(here)


async def test_of_more_publications_the_newest_is_in_the_eigenschappen_and_each_is_a_document(tmp_path: Path) -> None:
    async with world(tmp_path, **NAMED) as here:
        case = await case_in(here)
        await here.system().tell(news(case, publication=SECOND))
        await here.system().tell(news(case, newest=False))
        values, documents = told(here)
        assert values["publicatienummer"] == ["gmb-2026-9"]
        assert documents == ["gmb-2026-9.html", "gmb-2026-1.html"]
        await here.system().tell(news(case, publication=replace(SECOND, number="gmb-2026-10")))
        assert told(here)[0]["publicatienummer"] == ["gmb-2026-10"]


async def test_what_the_zaaktype_has_no_place_for_is_left_out_and_said(tmp_path: Path) -> None:
    long = replace(SECOND, url=f"https://publicaties.example/{'a' * 40}.html")
    async with world(tmp_path, **NAMED | {"publicatie.datum": "bekendmaking"}) as here:
        left_out = await here.system().tell(news(await case_in(here), publication=long))
        values, documents = told(here)
    assert left_out == (
        "Zaaktype OMGEVING-AANVRAAG heeft geen eigenschap 'bekendmaking' voor datum. "
        "In eigenschap 'publicatieadres' past adres niet."
    )
    assert (values, documents) == ({"publicatienummer": ["gmb-2026-9"]}, ["gmb-2026-9.html"])


async def test_without_settings_there_is_a_document_and_no_eigenschap(tmp_path: Path) -> None:
    async with world(tmp_path, **{"informatieobjecttypen.publicatie": "Aanvraag"}) as here:
        assert await here.system().tell(news(await case_in(here))) == ""
        assert told(here) == ({}, ["gmb-2026-1.html"])
        [document] = added(here.double.zaken[0])
        assert document.resource["informatieobjecttype"] == here.double.documenttype("Aanvraag")


async def test_a_zaak_that_is_closed_or_gone_waits_for_a_person_and_gets_nothing(tmp_path: Path) -> None:
    async with world(tmp_path, **NAMED) as here:
        case = await case_in(here)
        here.double.close(here.double.zaken[0].resource["identificatie"])
        with pytest.raises(CaseSystemRefused, match="closed") as closed:
            await here.system().tell(news(case))
        assert "verzoek release" in closed.value.advice
        for unknown in (f"{case[:-4]}0000", "Z/UNKNOWN"):
            with pytest.raises(CaseSystemRefused, match="no zaak"):
                await here.system().tell(news(unknown))
        assert told(here) == ({}, [])
        here.double.reopen(here.double.zaken[0].resource["identificatie"])
        here.double.zaken[0].resource["identificatie"] = "Z/2026/1"
        await here.system().tell(news("Z/2026/1"))
        assert told(here)[1] == ["gmb-2026-1.html"]


async def test_an_informatieobjecttype_that_is_not_there_is_told_before_anything_is_made(tmp_path: Path) -> None:
    async with world(tmp_path, **NAMED) as here:
        case = await case_in(here)
        for name, complaint in (("Bekendmaking", "has no informatieobjecttype 'Bekendmaking'"), ("", "is set for")):
            kinds = {"informatieobjecttypen.publicatie": name, "informatieobjecttype": ""}
            with pytest.raises(ConfigError, match=complaint):
                await here.system(**kinds).tell(news(case))
        assert told(here) == ({}, [])


@pytest.mark.parametrize("carried_out", [True, False])
async def test_a_crash_at_any_call_repeats_that_call_and_makes_nothing_twice(
    tmp_path: Path, *, carried_out: bool
) -> None:
    async with world(tmp_path, checked=False, **NAMED) as here:
        for calls in range(40):
            case = await here.system().deliver(
                await here.handover(verzoeknummer=f"2026060200{calls:03}"), here.blobs, DeliverySteps()
            )
            about = news(case, verzoeknummer=f"2026060200{calls:03}")
            here.double.cut_after(calls, carried_out=carried_out)
            try:
                await here.system().tell(about)
                finished = True
            except CaseSystemError:
                finished = False
            here.double.heal()
            assert await here.system().tell(about) == ""
            zaak = here.double.zaken[-1]
            assert [each.resource["bestandsnaam"] for each in added(zaak)] == ["gmb-2026-1.html"]
            assert {len(values) for values in zaak.eigenschappen.values()} == {1}
            assert zaak.eigenschappen["publicatienummer"] == ["gmb-2026-1"]
            if finished:
                break
        assert calls >= 8
        figures = here.double.figures()
        assert (figures["duplicates"]["documenten"], figures["duplicates"]["eigenschappen"]) == (0, 0)
        assert figures["unlinked"] == 0


async def test_what_is_refused_by_a_catalogus_that_was_remembered_is_tried_with_a_fresh_one(tmp_path: Path) -> None:
    async with world(tmp_path, **NAMED) as here:
        case = await case_in(here)
        here.double.fail("POST documenten/enkelvoudiginformatieobjecten", status=400)
        with pytest.raises(CaseSystemRefused):
            await here.system().tell(news(case))
        here.double.fail("POST documenten/enkelvoudiginformatieobjecten", status=400)
        await here.system().tell(news(case))
        assert told(here)[1] == ["gmb-2026-1.html"]


def test_the_page_shows_what_differs_and_leads_nobody_where_a_reader_may_not_go() -> None:
    hostile = replace(SECOND, url="javascript:alert(1)", number='gmb-2026-1"><script>', differences=("<b>Anders.</b>",))
    page = as_page(news("", publication=hostile))
    assert "<script>" not in page
    assert 'href="javascript' not in page
    assert "<p>&lt;b&gt;Anders.&lt;/b&gt;</p>" in page
    assert 'href="https://publicaties.example/gmb-2026-1.html"' in as_page(news(""))
