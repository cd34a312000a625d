"""A civil servant in DROP of the sandbox, as a browser posts: a list, a dossier, and four eyes."""

from dataclasses import dataclass, replace
from typing import Any

import aiohttp
import pytest
from lxml import html
from tests.unit.sandbox.koop.supplier import BLAD, PROFILE, Supplier, changed, message, notice

from digikoppelaar.drop.envelope import Accepted, answer
from digikoppelaar.drop.model import Alinea, AlsPunt, Lijst, Punt, Stuk, Tussenkop
from digikoppelaar.errors import ConfigError
from digikoppelaar.sandbox.koop.dossiers import STEPS, Dossier, Status, Step

pytestmark = pytest.mark.asyncio(loop_scope="session")


@dataclass(frozen=True, slots=True)
class Page:
    status: int
    document: Any

    @property
    def text(self) -> str:
        return " ".join(self.document.text_content().split())

    @property
    def fact(self) -> dict[str, str]:
        names = (each.text_content() for each in self.document.xpath("//dt"))
        return dict(zip(names, (each.text_content() for each in self.document.xpath("//dd")), strict=True))

    @property
    def steps(self) -> list[str]:
        return [form.action.rpartition("/")[2] for form in self.document.forms]


async def see(supplier: Supplier, path: str = "/drop") -> Page:
    status, page = await supplier.see(path)
    return Page(status, html.fromstring(page))


async def do(supplier: Supplier, dossier: str, step: str, headers: dict[str, str] | None = None, **typed: str) -> Page:
    base = supplier.ready.koop_pages_url.rstrip("/")
    address, sent = f"{base}/drop/{dossier}/{step}", {"Origin": base} if headers is None else headers
    async with supplier.session.post(address, data=aiohttp.FormData(typed or {"x": "y"}), headers=sent) as got:
        return Page(got.status, html.fromstring(await got.read()))


async def put_ready(supplier: Supplier) -> str:
    """A dossier without a blad; its number."""
    said = answer(await supplier.send(changed(BLAD, b"")), PROFILE.envelope)
    assert isinstance(said, Accepted)
    return said.dossiernummer


async def status(supplier: Supplier) -> str:
    [dossier] = await supplier.manage("GET", "/koop/dossiers")
    return str(dossier["status"])


# --- Looking ---------------------------------------------------------------------------------------------------------


async def test_the_list_has_every_dossier_with_its_title_publicist_and_status(supplier: Supplier) -> None:
    assert "Er is nog niets aangeleverd" in (await see(supplier)).text
    planned, ready = await supplier.deliver(), await put_ready(supplier)
    page = await see(supplier)
    rows = [[cell.text_content().strip() for cell in row.xpath("./*")] for row in page.document.xpath("//tbody/tr")]
    assert [[row[0], row[1], *row[3:]] for row in rows] == [
        [ready, "klaargezet", notice().titel, "West"],
        [planned, "gepland", notice().titel, "West"],
    ]
    assert supplier.ready.koop_drop_url == supplier.ready.koop_pages_url + "drop"
    assert "SANDBOX" in page.text


async def test_nothing_that_was_delivered_or_typed_is_markup_on_any_page(supplier: Supplier) -> None:
    evil = """<img src=x onerror="alert(1)"><script>alert(2)</script>"'&{{ 7 * 7 }}"""
    publicist = replace(notice().publicist, naam=evil)
    link = (Stuk("klik", link="javascript:alert(1)"), Stuk(evil, link=f"https://x.example/{evil}"))
    number = await supplier.deliver(
        titel=evil,
        publicist=publicist,
        referentienummer=evil,
        samenvatting=evil,
        onderwerp=evil,
        activiteiten=(evil,),
        tekst=(Alinea((Stuk(evil, vet=True), *link)), Tussenkop((Stuk(evil),)), Lijst((Punt(evil, (Alinea(link),)),))),
        locaties=(AlsPunt((155000.0, 463000.0), evil, evil),),
    )
    ready = await put_ready(supplier)
    await do(supplier, ready, "aanbieden", naam=evil, blad="gmb")
    await do(supplier, number, "bevestigen", naam=evil)
    await supplier.manage("POST", "/koop/calendar", {"publish": True})
    [published] = await supplier.manage("GET", "/koop/publicaties")
    paths = ("", "drop", "drop/stappen", f"drop/{number}", f"drop/{ready}", f"{published['identifier']}.html")
    for path in paths:
        page = await see(supplier, f"/{path}")
        assert page.status == 200
        assert page.document.xpath("//img | //script | //*[@onerror] | //a[contains(@href, ':')]") == []
        assert evil in page.text


async def test_a_long_list_goes_on_with_older_dossiers(supplier: Supplier) -> None:
    sent = message()
    first = await supplier.deliver()
    for _ in range(50):
        await supplier.send(sent)
    page = await see(supplier)
    assert first not in page.text
    [older] = page.document.xpath("//a[text()='Oudere dossiers']/@href")
    assert first in (await see(supplier, older)).text
    assert (await see(supplier, "/drop?pagina=x")).status == 200


async def test_a_dossier_is_shown_as_its_reader_sees_it_and_as_xml(supplier: Supplier) -> None:
    dossier = await supplier.deliver(titel="<script>alert('x')</script> & meer")
    page = await see(supplier, f"/drop/{dossier}")
    assert page.document.xpath("//article/h1/text()") == ["<script>alert('x')</script> & meer"]
    assert page.document.xpath("//script") == []
    assert page.fact["Status"] == "gepland"
    assert page.fact["Blad"] == "Gemeenteblad"
    for document, root in (("publicatie.xml", b"<officiele-publicatie"), ("metadata.xml", b"<metadata_gegevens")):
        code, content = await supplier.see(f"/drop/{dossier}/{document}")
        assert (code, root in content[:400]) == (200, True)


@pytest.mark.parametrize("path", ["/drop/1", "/drop/1/publicatie.xml"])
async def test_a_dossier_that_is_not_there_is_not_found(supplier: Supplier, path: str) -> None:
    assert (await see(supplier, path)).status == 404
    assert (await see(supplier, f"/drop/{await supplier.deliver()}/inhoud.xml")).status == 404


# --- Four eyes -------------------------------------------------------------------------------------------------------


async def test_what_was_put_ready_is_published_after_another_person_approved_it(supplier: Supplier) -> None:
    dossier = await put_ready(supplier)
    await supplier.manage("POST", "/koop/calendar", {"publish": True})
    assert await status(supplier) == "klaargezet"
    page = await do(supplier, dossier, "aanbieden", naam="T. Testema", blad="prb")
    assert (page.fact["Status"], page.fact["Blad"], page.fact["Aangeboden door"]) == (
        *("ter controle", "Provinciaal blad", "T. Testema"),
    )
    for naam in ("T. Testema", "t.  testema "):
        page = await do(supplier, dossier, "goedkeuren", naam=naam)
        assert (page.status, "keurt het niet zelf goed" in page.text) == (422, True)
    assert await status(supplier) == "ter controle"
    page = await do(supplier, dossier, "goedkeuren", naam="A. Voorbeeld")
    assert (page.fact["Status"], page.fact["Goedgekeurd door"]) == ("gepland", "A. Voorbeeld")
    said = await supplier.manage("POST", "/koop/calendar", {"publish": True})
    assert [each[:4] for each in said["published"]] == ["prb-"]
    page = await see(supplier, f"/drop/{dossier}")
    assert (page.fact["Status"], page.steps) == ("gepubliceerd", [])


async def test_a_dossier_can_be_sent_back_and_offered_again(supplier: Supplier) -> None:
    dossier = await put_ready(supplier)
    await do(supplier, dossier, "aanbieden", naam="T. Testema", blad="gmb")
    page = await do(supplier, dossier, "terugsturen")
    assert (page.fact["Status"], "Aangeboden door" in page.fact) == ("klaargezet", False)
    page = await do(supplier, dossier, "aanbieden", naam="A. Voorbeeld", blad="gmb")
    assert page.fact["Aangeboden door"] == "A. Voorbeeld"


@pytest.mark.parametrize("typed", [{"naam": " ", "blad": "gmb"}, {"naam": "T. Testema", "blad": "xyz"}, {}])
async def test_without_a_name_or_a_blad_nothing_is_offered(supplier: Supplier, typed: dict[str, str]) -> None:
    dossier = await put_ready(supplier)
    assert (await do(supplier, dossier, "aanbieden", **typed)).status == 422
    assert await status(supplier) == "klaargezet"


async def test_what_is_planned_can_be_cancelled_and_is_then_never_published(supplier: Supplier) -> None:
    dossier = await supplier.deliver()
    await do(supplier, dossier, "annuleren")
    said = await supplier.manage("POST", "/koop/calendar", {"days": 30, "publish": True})
    assert (said["published"], await status(supplier)) == ([], "geannuleerd")
    await supplier.manage("POST", "/koop/switches", {"refuse_duplicates": True})
    await supplier.deliver()


async def test_what_is_published_stays_so(supplier: Supplier) -> None:
    dossier = await supplier.deliver()
    await supplier.manage("POST", "/koop/calendar", {"publish": True})
    page = await do(supplier, dossier, "annuleren")
    assert (page.status, "annuleren kan nu niet" in page.text) == (422, True)
    assert (await do(supplier, dossier, "publiceren")).status == 404, "only the daily run does that"
    assert await status(supplier) == "gepubliceerd"


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}])
async def test_a_page_of_another_site_cannot_do_anything(supplier: Supplier, headers: dict[str, str]) -> None:
    dossier = await supplier.deliver()
    assert (await do(supplier, dossier, "annuleren", headers)).status == 403
    assert await status(supplier) == "gepland"


# --- The table -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", list(Step))
@pytest.mark.parametrize("before", list(Status))
async def test_a_dossier_takes_the_steps_of_the_table_and_no_others(before: Status, step: Step) -> None:
    dossier = Dossier("1", notice(), 2026, 1, "poc", "", None, before)  # type: ignore[arg-type]
    after = STEPS.get((before, step))
    assert (step in dossier.steps) == (after is not None)
    if after is None:
        with pytest.raises(ConfigError):
            dossier.move(step)
    else:
        dossier.move(step)
    assert dossier.status is (after or before)
