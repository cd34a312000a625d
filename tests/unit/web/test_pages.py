"""What the pages show, and that it is well-formed, labelled and escaped."""

import itertools
import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from lxml import html
from tests.asgi import request
from tests.unit.flows.test_worklist import PLACE
from tests.unit.web import examples
from tests.unit.web.archive import Archive
from tests.unit.web.gates import OPEN

from digikoppelaar.adapters.memory.views import MemoryViews
from digikoppelaar.errors import StorageError
from digikoppelaar.flows.reading import Direction, StepRow, VersionPage
from digikoppelaar.flows.views import View, ViewFilter
from digikoppelaar.flows.worklist_rows import Item, Sort, WorklistFilter
from digikoppelaar.web.app import make_app
from digikoppelaar.web.pages import cut

HOSTILE = """"><script src=//evil.example></script><img src=x onerror=alert(1)>'&{{1234*5678}}\u202e"""
VERZOEK = f"/verzoeken/1/{examples.NUMBER}"
AANSLUITING = f"/aansluitingen/stam/pre/{examples.OIN}"
PAGES = [
    *("/", "/werkvoorraad", "/verzoeken", VERZOEK, "/berichten", "/berichten/in/7", "/berichten/out/3", "/nergens"),
    *("/aansluitingen", AANSLUITING),
]


class FixedClock:
    def now(self) -> datetime:
        return examples.NOW


WHERE = replace(PLACE, aansluiting_id=1)
WORK = (
    Item(
        "parked:1", Sort.PARKED, WHERE, examples.NOW, "Verzoek wacht.", "Kijk.", examples.NUMBER, f"parked: {HOSTILE}"
    ),
    Item("silent:1", Sort.SILENT, WHERE, examples.NOW, "Er kwam niets binnen.", "Bel."),
)


async def work(wanted: WorklistFilter) -> list[Item]:
    return [item for item in WORK if wanted.omgeving in (None, item.place.omgeving)]


def app_with(*verzoek_pages: Any, messages: tuple[Any, ...] = (), rows: int = 50) -> Any:
    archive = Archive(list(verzoek_pages), list(messages))
    statuses = examples.onboarding().statuses
    return make_app(archive, MemoryViews(), FixedClock(), OPEN, worklist=work, statuses=statuses, rows=rows)


def filled_app() -> Any:
    received = examples.message_row()
    page = examples.verzoek_page(
        examples.verzoek_row(volgnummer=1, state="parked", reason="HTTP 401", advice="Controleer het mandaat."),
        examples.verzoek_row(),
        messages=(received, examples.answer_page().message),
    )
    return app_with(page, messages=(examples.message_page(received), examples.answer_page()))


async def shown(app: Any, target: str) -> html.HtmlElement:
    return html.document_fromstring((await request(app, target)).text)


def words_of(element: html.HtmlElement) -> str:
    return " ".join(element.text_content().split())


# --- The view log ---


async def test_a_page_with_personal_data_is_in_the_view_log_before_it_is_answered() -> None:
    views = MemoryViews()
    app = make_app(Archive([examples.verzoek_page(examples.verzoek_row())]), views, FixedClock(), OPEN)
    for target in ("/", "/verzoeken", "/nergens", "/verzoeken/1/onbekend"):
        await request(app, target)
    assert await views.views(ViewFilter()) == []
    await request(app, VERZOEK)
    [view] = await views.views(ViewFilter())
    assert (view.at, view.viewer_kind, view.viewer) == (examples.NOW, "pagina", "127.0.0.1")
    assert (view.way, view.verzoeknummer) == ("verzoek page", examples.NUMBER)


async def test_what_cannot_be_put_in_the_view_log_is_not_shown() -> None:
    class NoLog(MemoryViews):
        async def record(self, view: View, now: datetime) -> None:
            raise StorageError("no room")

    app = make_app(Archive([examples.verzoek_page(examples.verzoek_row())]), NoLog(), FixedClock(), OPEN)
    answer = await request(app, VERZOEK)
    assert answer.status == 503
    assert examples.verzoek_row().naam not in answer.text


# --- Every page ---


@pytest.mark.parametrize("target", PAGES)
async def test_every_page_is_dutch_with_one_heading_a_title_and_a_skip_link(target: str) -> None:
    page = await shown(filled_app(), target)
    assert page.get("lang") == "nl"
    assert len(page.findall(".//h1")) == 1
    assert words_of(page.find(".//title")).endswith("– Digikoppelaar")
    first_link = page.find(".//body//a")
    assert first_link.get("href") == "#inhoud"
    assert page.find(".//main").get("id") == "inhoud"


@pytest.mark.parametrize("target", PAGES)
async def test_every_table_has_a_caption_and_headers_with_scope(target: str) -> None:
    page = await shown(filled_app(), target)
    for table in page.findall(".//table"):
        assert words_of(table.find("caption"))
        assert all(header.get("scope") == "col" for header in table.findall("thead/tr/th"))
        columns = len(table.findall("thead/tr/th"))
        for row in table.findall("tbody/tr"):
            assert [header.get("scope") for header in row.findall("th")] == ["row"]
            assert len(row) == columns


@pytest.mark.parametrize("target", PAGES)
async def test_headings_never_skip_a_level_and_ids_are_unique(target: str) -> None:
    page = await shown(filled_app(), target)
    levels = [int(element.tag[1]) for element in page.iter() if re.fullmatch(r"h[1-6]", str(element.tag))]
    assert all(later <= earlier + 1 for earlier, later in itertools.pairwise(levels))
    ids = page.xpath("//@id")
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("target", PAGES)
async def test_every_field_has_a_label(target: str) -> None:
    page = await shown(filled_app(), target)
    labelled = set(page.xpath("//label/@for"))
    assert set(page.xpath("//input/@id | //select/@id")) == labelled


@pytest.mark.parametrize("target", PAGES)
async def test_no_page_asks_anything_from_elsewhere_or_carries_script_or_inline_style(target: str) -> None:
    page = await shown(filled_app(), target)
    addresses = page.xpath("//@src | //@href | //@action")
    assert addresses
    assert all(urlsplit(urljoin("http://localhost" + target, url)).netloc == "localhost" for url in addresses)
    assert not page.xpath("//script | //style | //iframe | //object | //@style | //@*[starts-with(name(), 'on')]")


@pytest.mark.parametrize("target", PAGES)
async def test_tags_are_opened_and_closed_as_they_should_be(target: str) -> None:
    text = (await request(filled_app(), target)).text
    assert re.sub(r"<!doctype html>\s*", "", text) != text
    void = re.compile(r"<(meta|link|input|br)\b([^>]*)>")
    as_xml = void.sub(r"<\1\2/>", re.sub(r"<!doctype html>\s*", "", text)).replace(" selected>", ' selected="">')
    assert html.fromstring(as_xml) is not None
    opened = re.findall(r"<([a-z][a-z0-9]*)\b[^>]*?(?<!/)>", as_xml)
    closed = re.findall(r"</([a-z][a-z0-9]*)>", as_xml)
    assert sorted(opened) == sorted(closed)


async def test_every_link_inside_leads_to_a_page() -> None:
    app = filled_app()
    seen, waiting = set(), {"/"}
    while waiting:
        target = waiting.pop()
        seen.add(target)
        response = await request(app, target)
        assert response.status == 200, target
        if response.headers["content-type"].startswith("text/html"):
            links = {urljoin(target, url) for url in html.fromstring(response.text).xpath("//@href")}
            waiting |= {link for link in links if "#" not in link} - seen
    assert {VERZOEK, AANSLUITING, "/berichten/in/7", "/berichten/out/3", "/static/style.css"} <= seen


# --- Text of others ---


async def test_hostile_text_is_shown_as_text_on_every_page() -> None:
    row = examples.verzoek_row(
        naam=HOSTILE, type=HOSTILE, doel=HOSTILE, verzoeknummer="7'\"<b>", organisatie_naam=HOSTILE, reason=HOSTILE,
        advice=HOSTILE, state="<b>parked", case_reference=HOSTILE,
    )  # fmt: skip
    message = examples.message_row(message_id=HOSTILE, action=HOSTILE, reason=HOSTILE, ref_to_message_id=HOSTILE)
    page = examples.verzoek_page(row, messages=(message,))
    app = app_with(page, messages=(examples.message_page(message, partner=HOSTILE, content_type=HOSTILE),))
    for target in ("/", "/verzoeken", "/verzoeken/1/7'%22%3Cb%3E", "/berichten", "/berichten/in/7"):
        response = await request(app, target)
        assert response.status == 200
        assert "<script" not in response.text
        assert "<img" not in response.text
        assert "<b>" not in response.text
        assert str(1234 * 5678) not in response.text
        assert HOSTILE.split("'", 1)[0] in html.fromstring(response.text).text_content()


async def test_what_was_searched_for_is_escaped_in_the_form() -> None:
    page = await shown(filled_app(), "/verzoeken?verzoeknummer=%22%3E%3Cb%3E")
    assert page.get_element_by_id("verzoeknummer").get("value") == '"><b>'


async def test_the_naam_of_a_verzoek_is_on_its_own_page_only() -> None:
    app = filled_app()
    naam = examples.verzoek_row().naam
    assert naam in (await request(app, VERZOEK)).text
    for target in ("/", "/verzoeken", "/berichten", "/berichten/in/7"):
        assert naam not in (await request(app, target)).text
    assert not [url for url in (await shown(app, VERZOEK)).xpath("//@href") if "Dakkapel" in url]


async def test_a_message_is_shown_without_its_content() -> None:
    text = (await request(filled_app(), "/berichten/in/7")).text
    assert examples.PAYLOAD.decode() not in html.fromstring(text).text_content()
    assert "soap:Envelope" not in text
    assert "<trigger>" not in text


# --- Verzoeken ---


async def test_a_verzoek_shows_every_file_with_bytes_sha256_and_state() -> None:
    page = await shown(filled_app(), VERZOEK)
    rows = [words_of(row) for row in page.xpath("(//table)[1]/tbody/tr")]
    fetched, _ = examples.files()
    assert fetched.sha256 is not None
    assert fetched.naam in rows[0]
    assert f"{fetched.size} bytes" in rows[0]
    assert fetched.sha256.hex() in rows[0]
    assert "opgehaald 15-01-2026 12:56:00 CET" in rows[0]
    assert "nog niet opgehaald" in rows[1]


async def test_a_verzoek_shows_its_versions_steps_and_messages() -> None:
    page = await shown(filled_app(), VERZOEK)
    headings = [words_of(heading) for heading in page.xpath("//h2")]
    assert headings == ["Versie 1 (aanvulling)", "Versie 0 (eerste indiening)", "Kennisgevingen", "Berichten"]
    text = words_of(page)
    assert "Bericht ontvangen" in text
    assert "9d1f@dso.example" in text
    assert "ack-1@gemeente.example" in text


async def test_a_verzoek_shows_its_kennisgevingen_with_where_they_were_published() -> None:
    rows = (await shown(filled_app(), VERZOEK)).xpath("//table[caption[starts-with(., 'Kennisgevingen')]]/tbody/tr")
    assert [words_of(row) for row in rows] == [
        "3 aanvraag gmb-2026-1 https://publicaties.example/gmb-2026-1.html 20-01-2026 gepubliceerd",
        "4 besluit – – concept",
    ]


async def test_a_verzoek_shows_what_is_worth_knowing_with_its_place() -> None:
    text = words_of(await shown(filled_app(), VERZOEK))
    assert "Dit type kent digikoppelaar niet. type (regel 7)" in text


async def test_a_parked_verzoek_shows_why_and_what_to_do() -> None:
    text = words_of(await shown(filled_app(), VERZOEK))
    assert "Wat te doen: Controleer het mandaat." in text
    assert "Reden: HTTP 401" in text


async def test_a_notification_that_was_not_fetched_yet_is_shown_without_facts_of_the_verzoek() -> None:
    row = examples.verzoek_row(
        volgnummer=None, type="", doel="", naam="", state="received", delivered_at=None, case_reference=None
    )
    page = examples.verzoek_page(row)
    bare = type(page)(**{**_fields(page), "versions": (VersionPage(row, (), (StepRow(row.received_at, "received"),)),)})
    text = words_of(await shown(app_with(bare), VERZOEK))
    assert "Nog niet opgehaald" in text
    assert "Doel" not in text
    assert "voorlopig" not in text


async def test_a_notification_of_which_no_number_could_be_read_can_be_opened() -> None:
    row = examples.verzoek_row(verzoeknummer="", volgnummer=None, state="parked", reason="no verzoeknummer")
    app = app_with(examples.verzoek_page(row))
    (link,) = (await shown(app, "/verzoeken")).xpath("//tbody/tr/th/a")
    assert link.text == "(geen nummer)"
    assert words_of((await shown(app, link.get("href"))).find(".//h1")) == "Verzoek zonder nummer"


async def test_a_withdrawal_is_named_so() -> None:
    text = words_of(await shown(app_with(examples.verzoek_page(examples.verzoek_row(volgnummer=999))), VERZOEK))
    assert "Versie 999 (intrekking)" in text


async def test_facts_read_without_an_official_schema_are_marked_provisional() -> None:
    assert "voorlopig Naam, type, doel en volgnummer" in words_of(await shown(filled_app(), VERZOEK))


@pytest.mark.parametrize("target", ["/", "/verzoeken", VERZOEK])
async def test_the_sandbox_is_marked_and_the_rest_is_not(target: str) -> None:
    sandbox = app_with(examples.verzoek_page(examples.verzoek_row(omgeving="sandbox-prod")))
    assert (await shown(sandbox, target)).xpath("//*[@role='note'][contains(., 'SANDBOX')]")
    assert "SANDBOX" not in (await request(filled_app(), target)).text


@pytest.mark.parametrize("target", ["/", "/verzoeken", VERZOEK])
async def test_a_test_verzoek_is_marked_and_another_is_not(target: str) -> None:
    test = app_with(examples.verzoek_page(examples.verzoek_row(test=True)))
    assert "TEST" in words_of(await shown(test, target)).split()
    assert "TEST" not in (await request(filled_app(), target)).text


async def test_times_are_dutch_with_their_zone_and_exact_for_machines() -> None:
    summer = examples.verzoek_row(received_at=datetime.fromisoformat("2026-07-01T22:30:00.5+00:00"))
    page = await shown(app_with(examples.verzoek_page(summer)), "/verzoeken")
    moment = page.find(".//tbody//time")
    assert moment.text == "02-07-2026 00:30:00 CEST"
    assert moment.get("datetime") == "2026-07-01T22:30:00.500000Z"


# --- Lists ---


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"1", "2", "3"}),
        ("verzoeknummer=2", {"2"}),
        ("omgeving=prod", {"3"}),
        ("staat=parked", {"2"}),
        ("oin=00000099000000009000", {"1"}),
        ("omgeving=prod&staat=parked", set()),
        ("verzoeknummer=&omgeving=&staat=&oin=", {"1", "2", "3"}),
        ("verzoeknummer=+2+", {"2"}),
    ],
)
async def test_the_list_is_filtered_as_asked(query: str, expected: set[str]) -> None:
    app = app_with(
        examples.verzoek_page(examples.verzoek_row(verzoeknummer="1", organisatie_oin="00000099000000009000")),
        examples.verzoek_page(examples.verzoek_row(verzoeknummer="2", state="parked")),
        examples.verzoek_page(examples.verzoek_row(verzoeknummer="3", omgeving="prod")),
    )
    page = await shown(app, "/verzoeken?" + query)
    assert set(page.xpath("//tbody/tr/th/a/text()")) == expected
    assert expected or "Geen verzoeken gevonden" in words_of(page)


async def test_the_filter_keeps_what_was_chosen() -> None:
    page = await shown(filled_app(), "/verzoeken?staat=parked&omgeving=pre&oin=" + examples.OIN)
    assert page.xpath("//select/option[@selected]/@value") == ["pre", "parked"]
    assert page.get_element_by_id("oin").get("value") == examples.OIN


async def test_messages_are_filtered_by_direction_and_message_id() -> None:
    app = filled_app()
    assert (await shown(app, "/berichten?richting=out")).xpath("//tbody//code/text()") == ["ack-1@gemeente.example"]
    assert (await shown(app, "/berichten?message_id=9d1f%40dso.example")).xpath("//tbody//code/text()") == [
        "9d1f@dso.example"
    ]


async def test_paging_shows_every_row_once_also_rows_of_one_moment() -> None:
    ages = [1, 2, 3, 3, 4, 5, 6, 6, 7]
    rows = [
        examples.verzoek_row(verzoeknummer=f"n{number}", received_at=examples.NOW - timedelta(microseconds=age))
        for number, age in enumerate(ages)
    ]
    app = app_with(*(examples.verzoek_page(row) for row in rows), rows=3)
    target, seen = "/verzoeken?omgeving=pre", []
    for _ in ages:
        page = await shown(app, target)
        seen += page.xpath("//tbody/tr/th/a/text()")
        older = page.xpath("//nav[@class='pages']//a[@rel='next']/@href")
        if not older:
            break
        assert "omgeving=pre" in older[0]
        target = older[0]
    assert seen == [row.verzoeknummer for row in rows]


async def test_a_continued_list_leads_back_to_the_newest() -> None:
    page = await shown(filled_app(), "/verzoeken?omgeving=pre&voor=2026-01-01T00:00:00Z")
    assert page.xpath("//nav[@class='pages']//a/@href") == ["/verzoeken?omgeving=pre"]


def test_a_full_page_of_one_moment_is_shown_rather_than_nothing() -> None:
    rows = [examples.NOW] * 3
    assert cut(rows, lambda moment: moment, 2) == ([examples.NOW] * 2, examples.NOW)


def test_rows_that_fit_are_all_there_is() -> None:
    assert cut([examples.NOW], lambda moment: moment, 1) == ([examples.NOW], None)


# --- Messages ---


async def test_a_message_shows_its_header_and_leads_to_the_verzoek() -> None:
    page = await shown(filled_app(), "/berichten/in/7")
    text = words_of(page)
    for expected in ("CPA_voorbeeld", "c-1", "stam", "notificatie", "aangenomen", "00000099000000002000"):
        assert expected in text
    assert VERZOEK in page.xpath("//@href")


async def test_an_outbound_message_shows_every_attempt_with_its_outcome() -> None:
    page = await shown(filled_app(), "/berichten/out/3")
    attempts = [words_of(row) for row in page.xpath("//table/tbody/tr")]
    assert len(attempts) == 2
    assert "niet bereikt, wordt herhaald 503 HTTP 503" in attempts[0]
    assert "nog geen uitkomst" in attempts[1]


async def test_the_keys_of_in_and_out_are_kept_apart() -> None:
    row = examples.message_row(direction=Direction.OUT, id=7, message_id="other@example", state="sent")
    app = app_with(messages=(examples.message_page(examples.message_row()), examples.message_page(row)))
    assert words_of((await shown(app, "/berichten/out/7")).find(".//h1")) == "Bericht other@example"
    assert words_of((await shown(app, "/berichten/in/7")).find(".//h1")) == "Bericht 9d1f@dso.example"


def _fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


# --- The worklist ---


async def test_the_worklist_shows_what_since_when_and_what_to_do_for_each_organisatie() -> None:
    page = await shown(app_with(), "/werkvoorraad")
    assert words_of(page.xpath("//h2")[0]) == "Gemeente Voorbeeldstad (00000099000000001000)"
    rows = [words_of(row) for row in page.xpath("//tbody/tr")]
    assert len(rows) == 2
    assert all(part in rows[1] for part in ("Er kwam niets binnen.", "Bel.", "prod"))
    assert page.xpath("//tbody//a/@href") == [VERZOEK]
    assert "Niets:" in words_of(await shown(app_with(), "/werkvoorraad?omgeving=pre"))
