"""What KOOP of the sandbox publishes, when, and how it is found: with the reader of the gateway where it has one."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from lxml import html
from tests.unit.sandbox.gateway import CLOCK, WATER, Gateway, sandbox_and_gateway
from tests.unit.sandbox.koop.supplier import BLAD, Supplier, changed, notice

from digikoppelaar.adapters.http_out import MtlsHttp, MtlsSessions, Timeouts
from digikoppelaar.adapters.profiles import load_sru_profile
from digikoppelaar.adapters.public_tls import PublicContexts
from digikoppelaar.adapters.sru_client import SruClient
from digikoppelaar.drop.found import Match, differences, match
from digikoppelaar.drop.inhoud import NONE_ACCEPTED, plainer
from digikoppelaar.drop.model import Bestuurslaag, Blad, Documenttype, Publicist
from digikoppelaar.drop.publication import Nummer, read_nummer
from digikoppelaar.drop.sru import Record, Search
from digikoppelaar.errors import FacilityAnswerBroken, FacilityError, FacilityNotFound, FacilityUnavailable
from digikoppelaar.publishing import at_host_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

SENT = replace(notice(), tekst=plainer(notice().tekst, NONE_ACCEPTED), data=replace(notice().data, publicatie=None))


@pytest_asyncio.fixture(loop_scope="session")
async def reader(country: Gateway) -> AsyncIterator[SruClient]:
    """As the gateway reads KOOP, but hurried and without a second try."""
    profile = at_host_of(country.ready.koop_sru_url, load_sru_profile("koop-sru"))
    hurried = replace(profile, search_pause_ms=0, metadata_pause_ms=0, attempts=1)
    async with MtlsSessions(PublicContexts(), Timeouts(connect=1, read=1, total=2)) as sessions:
        yield SruClient(MtlsHttp(sessions, "sandbox-pre", ""), hurried, CLOCK)


async def publish(supplier: Supplier) -> list[Nummer]:
    """Publish what is planned, now."""
    said = await supplier.manage("POST", "/koop/calendar", {"publish": True})
    return [nummer for each in said["published"] if (nummer := read_nummer(each))]


async def one(supplier: Supplier) -> Nummer:
    """Something that is published; its number."""
    await supplier.deliver()
    [nummer] = await publish(supplier)
    return nummer


async def records(supplier: Supplier, reader: SruClient) -> list[Record]:
    today = datetime.fromisoformat((await supplier.manage("GET", "/koop/calendar"))["now"]).date()
    return [record async for record in reader.records(Search("West", today - timedelta(days=40)))]


# --- When ------------------------------------------------------------------------------------------------------------


async def test_what_is_planned_is_not_found_until_the_calendar_passes_its_day(
    supplier: Supplier, reader: SruClient
) -> None:
    await supplier.deliver()
    [dossier] = await supplier.manage("GET", "/koop/dossiers")
    assert await records(supplier, reader) == []
    with pytest.raises(FacilityNotFound):
        await reader.metadata(read_nummer(dossier["identifier"]) or Nummer(notice().blad, 0, 0))
    days = (date.fromisoformat(dossier["planned"]) - date.fromisoformat(dossier["received_at"][:10])).days
    said = await supplier.manage("POST", "/koop/calendar", {"days": days - 1})
    assert said["published"] == []
    said = await supplier.manage("POST", "/koop/calendar", {"days": 1})
    assert said["published"] == [dossier["identifier"]]
    assert said["now"][:16] == f"{dossier['planned']}T09:21"
    [record] = await records(supplier, reader)
    assert str(record.datum) == dossier["planned"]


async def test_each_is_published_on_its_own_day_also_when_many_days_pass_at_once(supplier: Supplier) -> None:
    today = datetime.fromisoformat((await supplier.manage("GET", "/koop/calendar"))["now"]).date()
    for days in (30, 10):
        await supplier.deliver(data=replace(notice().data, publicatie=today + timedelta(days=days)))
    await supplier.manage("POST", "/koop/calendar", {"days": 60})
    first, second = await supplier.manage("GET", "/koop/publicaties")
    assert [each["published_on"] for each in (first, second)] == [each["planned"] for each in (first, second)]
    assert first["published_on"] > second["published_on"], "the last is first"


async def test_the_calendar_of_koop_leaves_certificates_and_messages_alone(supplier: Supplier) -> None:
    await supplier.manage("POST", "/koop/calendar", {"days": 3650})
    await supplier.deliver()
    [dossier] = await supplier.manage("GET", "/koop/dossiers")
    assert int(dossier["received_at"][:4]) >= CLOCK.now().year + 9
    [submitted] = await supplier.manage("POST", "/verzoeken", {"oin": dossier["oin"]})
    assert submitted["submitted_at"][:4] == str(CLOCK.now().year)


@pytest.mark.parametrize(
    "wish", [{"days": -1}, {"days": True}, {"days": "1"}, {"days": 4000}, {"publish": 1}, {"hours": 1}, []]
)
async def test_a_wish_for_the_calendar_that_makes_no_sense_is_refused(supplier: Supplier, wish: object) -> None:
    address = supplier.ready.management_url + "/koop/calendar"
    async with supplier.session.post(address, json=wish) as got:
        assert got.status == 400
    assert (await supplier.manage("GET", "/koop/calendar"))["ahead_seconds"] == 0


@pytest.mark.parametrize("wish", [{"publish_at_once": 1}, {"colour": True}])
async def test_a_switch_that_there_is_not_is_refused(supplier: Supplier, wish: object) -> None:
    address = supplier.ready.management_url + "/koop/switches"
    async with supplier.session.post(address, json=wish) as got:
        assert got.status == 400
    assert await supplier.manage("POST", "/koop/switches", {}) == {"refuse_duplicates": False, "publish_at_once": False}


async def test_it_can_be_published_as_soon_as_it_is_taken(supplier: Supplier, reader: SruClient) -> None:
    await supplier.manage("POST", "/koop/switches", {"publish_at_once": True})
    await supplier.deliver()
    assert len(await records(supplier, reader)) == 1
    await supplier.send(changed(BLAD, b""))
    assert len(await records(supplier, reader)) == 1, "what is only put ready is not"


async def test_a_sandbox_can_start_so(tmp_path: Path) -> None:
    async with sandbox_and_gateway(tmp_path, publish_at_once=True) as running, aiohttp.ClientSession() as session:
        supplier = Supplier(running.ready, session)
        await supplier.deliver()
        await supplier.manage("DELETE", "/koop")
        await supplier.deliver()
        [dossier] = await supplier.manage("GET", "/koop/publicaties")
        assert dossier["status"] == "gepubliceerd"
        assert dossier["identifier"].endswith("-2"), "numbers go on"


# --- What ------------------------------------------------------------------------------------------------------------


async def test_the_gateway_finds_what_it_sent_and_sees_no_difference(supplier: Supplier, reader: SruClient) -> None:
    nummer = await one(supplier)
    [record] = await records(supplier, reader)
    assert (record.identifier, record.titel) == (str(nummer), SENT.titel)
    metadata, published = await reader.metadata(nummer), await reader.publication(nummer)
    assert match(SENT, metadata) is Match.CONFIRMED
    assert differences(SENT, metadata, published) == ()


async def test_every_address_in_a_record_leads_to_the_sandbox(supplier: Supplier, reader: SruClient) -> None:
    await one(supplier)
    [record] = await records(supplier, reader)
    base = supplier.ready.koop_pages_url
    for form in ("html", "metadata", "metadataowms", "xml"):
        url = record.url(form)
        assert url is not None
        assert url.startswith(base)
        status, _ = await supplier.see("/" + url.removeprefix(base))
        assert status == 200


async def test_a_publication_is_there_as_a_page_and_as_documents(supplier: Supplier) -> None:
    nummer = await one(supplier)
    status, page = await supplier.see(f"/{nummer}.html")
    text = " ".join(html.fromstring(page).text_content().split())
    assert status == 200
    for shown in ("SANDBOX", "GEMEENTEBLAD", "Officiële uitgave van de gemeente West", SENT.titel, "<meer>"):
        assert shown in text
    for path, root in (
        (f"/{nummer}/metadata.xml", b"<metadata_gegevens"),
        (f"/{nummer}/metadata_owms.xml", b"<owms-metadata"),
        (f"/{nummer}.xml", b"<officiele-publicatie"),
    ):
        status, document = await supplier.see(path)
        assert (status, root in document[:400]) == (200, True)
    assert str(nummer).encode() in (await supplier.see("/"))[1]


async def test_a_document_says_which_names_in_it_nobody_saw(supplier: Supplier) -> None:
    waterschap = Publicist(WATER, "De Vaart", Bestuurslaag.WATERSCHAP)
    await supplier.deliver()
    await supplier.deliver(publicist=waterschap, blad=Blad.WATERSCHAPSBLAD, documenttype=Documenttype.AANVRAAG)
    found = []
    for nummer in await publish(supplier):
        address = f"{supplier.ready.koop_pages_url}{nummer}/metadata.xml"
        async with supplier.session.get(address) as got:
            found.append(got.headers["x-provisional"])
    assert found == ["", "blad.scheme, blad.subtitel, blad.titel, creator.scheme, configuratie"]


@pytest.mark.parametrize("path", ["/gmb-2026-99999.html", "/gmb-2026-99999/metadata.xml", "/gmb-2026-99999.xml", "/x"])
async def test_what_is_not_published_is_not_there(supplier: Supplier, path: str) -> None:
    status, page = await supplier.see(path)
    assert (status, b"SANDBOX" in page) == (404, True)


async def test_another_document_of_a_publication_is_not_there(supplier: Supplier) -> None:
    assert (await supplier.see(f"/{await one(supplier)}/inhoud.xml"))[0] == 404


async def test_a_query_that_cannot_be_read_gets_a_diagnostic_with_status_200(supplier: Supplier) -> None:
    await one(supplier)
    status, answer = await supplier.see("/sru?operation=searchRetrieve&version=2.0&query=((")
    assert (status, b"info:srw/diagnostic/1/10" in answer, b"numberOfRecords" in answer) == (200, True, False)


async def test_it_answers_under_names_of_this_machine_only(supplier: Supplier) -> None:
    address, headers = supplier.ready.koop_sru_url, {"Host": "sandbox.example"}
    async with supplier.session.get(address, headers=headers) as got:
        assert got.status == 400


# --- What goes wrong -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wish", "error"),
    [
        ({"kind": "answer", "status": 429, "seconds": 7}, FacilityUnavailable),
        ({"kind": "html"}, FacilityAnswerBroken),
        ({"kind": "empty"}, FacilityAnswerBroken),
        ({"kind": "say", "status": 200, "text": "onzin"}, FacilityAnswerBroken),
        ({"kind": "cut"}, FacilityError),
        ({"kind": "cut", "at": 0}, FacilityError),
        ({"kind": "silence"}, FacilityUnavailable),
    ],
)
@pytest.mark.parametrize("target", ["sru", "metadata"])
async def test_search_and_metadata_can_go_wrong(
    supplier: Supplier, country: Gateway, target: str, wish: dict[str, object], error: type[Exception]
) -> None:
    nummer = await one(supplier)
    await supplier.fault(target=target, **wish)
    profile = replace(
        at_host_of(country.ready.koop_sru_url, load_sru_profile("koop-sru")),
        **dict.fromkeys(("search_pause_ms", "metadata_pause_ms"), 0),
        attempts=1,
    )
    async with MtlsSessions(PublicContexts(), Timeouts(connect=1, read=1, total=2)) as sessions:
        reader = SruClient(MtlsHttp(sessions, "sandbox-pre", ""), profile, CLOCK)
        with pytest.raises(error):
            await (records(supplier, reader) if target == "sru" else reader.metadata(nummer))
    [fault] = await supplier.manage("GET", "/faults")
    assert fault["struck"] == 1


async def test_a_host_that_wants_to_be_left_alone_says_for_how_long(supplier: Supplier) -> None:
    await supplier.fault(kind="answer", target="sru", status=429, seconds=7)
    async with supplier.session.get(supplier.ready.koop_sru_url) as got:
        assert (got.status, got.headers["retry-after"]) == (429, "7")


async def test_an_answer_of_the_search_can_be_slow(supplier: Supplier, reader: SruClient) -> None:
    await one(supplier)
    await supplier.fault(kind="delay", target="sru", seconds=0.2)
    assert len(await records(supplier, reader)) == 1
