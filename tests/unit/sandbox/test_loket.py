"""A person in the Omgevingsloket of the sandbox, over a real socket: without JavaScript, as a browser posts."""

import hashlib
import io
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, cast

import aiohttp
import pytest
import pytest_asyncio
from lxml import html
from tests.servers import serving
from tests.unit.sandbox.gateway import MILIEU, Gateway

from digikoppelaar.adapters.memory.messages import MemoryMessages
from digikoppelaar.adapters.system import RandomIds, SystemClock
from digikoppelaar.flows.ports import Signers
from digikoppelaar.sandbox.announcing import Announcer
from digikoppelaar.sandbox.dso_lv import DsoLv
from digikoppelaar.sandbox.faults import Faults
from digikoppelaar.sandbox.loket.app import make_app
from digikoppelaar.sandbox.state import SandboxState

pytestmark = pytest.mark.asyncio(loop_scope="session")

BOUW = "Bouwactiviteit (omgevingsplan)"
NASTY = "<script>alert('x')</script> & \"Zeeëend\""


@dataclass
class Page:
    status: int
    address: str
    document: Any
    headers: Mapping[str, str]

    def text(self, path: str) -> str:
        return " ".join(" ".join(self.document.xpath(f"{path}//text()")).split())

    @property
    def title(self) -> str:
        return self.text("//h1")

    def fields(self) -> dict[str, Any]:
        """What a browser would post of the last form, files aside."""
        form = self.document.forms[-1]
        return {name: form.fields[name] for name in form.fields if form.fields[name] is not None}

    @property
    def action(self) -> str:
        return str(self.document.forms[-1].action)


@dataclass
class Person:
    session: aiohttp.ClientSession
    base: str

    async def see(self, address: str) -> Page:
        async with self.session.get(self.base + address) as answer:
            return await page(answer)

    async def send(self, at: Page, files: Mapping[str, tuple[str, bytes]] | None = None, **typed: object) -> Page:
        """Fill in the form of a page and send it; a list ticks boxes."""
        values = at.fields() | typed
        data = aiohttp.FormData(quote_fields=False)
        for name, value in values.items():
            for one in value if isinstance(value, list | set | html.CheckboxValues) else [value]:
                data.add_field(name, str(one))
        for name, (file_name, content) in (files or {}).items():
            data.add_field(name, io.BytesIO(content), filename=file_name, content_type="application/pdf")
        return await self.post(at.action, data)

    async def post(self, address: str, data: object, origin: str | None = None, **headers: str) -> Page:
        sent = {"Origin": origin or self.base, **headers}
        async with self.session.post(self.base + address, data=data, headers=sent) as answer:
            return await page(answer)

    async def begin(self, example: str = "") -> Page:
        return await self.post("/concepten", {"voorbeeld": example})


async def page(answer: aiohttp.ClientResponse) -> Page:
    text = await answer.text()
    return Page(answer.status, answer.url.path_qs, html.fromstring(text), answer.headers)


@pytest_asyncio.fixture(loop_scope="session")
async def person(country: Gateway) -> AsyncIterator[Person]:
    async with aiohttp.ClientSession() as session:
        yield Person(session, country.ready.loket_url.rstrip("/"))


async def management(country: Gateway, path: str) -> Any:
    async with aiohttp.ClientSession() as session, session.get(country.ready.management_url + path) as answer:
        return await answer.json()


async def test_a_person_submits_a_verzoek_step_by_step(person: Person, country: Gateway) -> None:
    start = await person.see("/")
    assert "SANDBOX" in start.text("//body")
    what = await person.begin()
    assert what.title == "Wat en waar"
    questions = await person.send(
        what,
        type="Aanvraag vergunning",
        doel="Conceptverzoek",
        naam=NASTY,
        omschrijving="Twee\nregels",
        activiteit=[BOUW, MILIEU],
        straatnaam="Wilgenpad",
        huisnummer="12",
        postcode="3990 sa",
        woonplaats="Demerstede",
        x="132326,97",
        y="447617.404",
        vlak="132300,447600 132350,447600 132350,447650\n132310,447610 132320,447610 132320,447620",
    )
    assert questions.title == "Vragen en bijlagen"
    content = b"%PDF-1.4 \x00\xff inhoud"
    who = await person.send(
        questions,
        {"bestand-0": ("../../é\u202e'gevel.pdf", content), "bestand": ("anders.pdf", b"")},
        **{"v-210100": "12.500,00", "v-210500": "Regel 1\nRegel <2>"},
    )
    assert who.title == "Wie"
    adres = {"i-straatnaam": "Kade", "i-huisnummer": "1", "i-postcode": "3990SD", "i-woonplaats": "Oeverloo"}
    control = await person.send(
        who,
        **{"i-soort": "bedrijf", "i-kvk": "99990001", "i-handelsnaam": "Proefbouw & Zn.", **adres},
        **{"i-c-achternaam": "Testema", "g-soort": "persoon", "g-achternaam": "Oefeninga", "g-bsn": "999990019"},
    )
    assert control.title == "Controleren en indienen"
    assert NASTY in control.text("//dl")
    assert "Dit worden 2 verzoeken" in control.text("//form")
    assert "Omgevingsdienst behandelt het verzoek voor Gemeente West" in control.text("//form")
    done = await person.send(control, stam="2")
    nummer = done.title.removeprefix("Verzoek ")
    assert re.fullmatch(r"\d{13}", nummer)
    assert "Ingediend" in done.text("//*[@role='status']")

    known = await management(country, f"/verzoeken/{nummer}")
    assert (known["type"], known["doel"], known["naam"]) == ("Aanvraag vergunning", "Conceptverzoek", NASTY)
    assert known["activiteiten"] == [BOUW]
    assert len(known["related"]) == 1
    files = {file["naam"]: file for file in known["files"] if file["kind"] == "bijlage"}
    assert files["../../é\u202e'gevel.pdf"]["sha256"] == hashlib.sha256(content).hexdigest()
    assert files["anders.pdf"]["bytes"] == 0
    assert nummer in (await person.see("/")).text("//table")


async def submitted(person: Person, example: str = "melding") -> Page:
    at = await person.begin(example)
    for _ in range(4):
        at = await person.send(at)
    return at


@pytest.mark.parametrize("example", ["vergunningaanvraag", "melding", "informatie", "conceptverzoek"])
async def test_an_example_can_be_submitted_as_it_is(person: Person, example: str) -> None:
    assert re.fullmatch(r"Verzoek \d{13}", (await submitted(person, example)).title)


async def test_an_aanvulling_begins_with_everything_and_may_drop_and_add_documents(
    person: Person, country: Gateway
) -> None:
    at = await person.begin("melding")
    at = await person.send(at)
    at = await person.send(at, {"bestand": ("een.pdf", b"een"), "bestand-²": ("twee.pdf", b"twee")})
    at = await person.send(await person.send(at))
    nummer = at.title.removeprefix("Verzoek ")
    what = await person.post(f"/verzoeken/{nummer}/aanvullen", {})
    questions = await person.send(what, naam="Nieuwe naam")
    (dropped,) = questions.document.xpath("//label[contains(., 'een.pdf')]/../input/@value")
    who = await person.send(questions, {"bestand": ("drie.pdf", b"drie")}, weg=[dropped])
    done = await person.send(await person.send(who))
    assert done.address == f"/verzoeken/{nummer}?nieuw"
    known = await management(country, f"/verzoeken/{nummer}")
    assert (known["volgnummer"], known["doel"], known["naam"]) == (1, "Aanvullen", "Nieuwe naam")
    assert [file["naam"] for file in known["files"] if file["kind"] == "bijlage"] == ["twee.pdf", "drie.pdf"]


@pytest.mark.parametrize(("wijze", "served"), [("verzoek", True), ("notificatie", False)])
async def test_a_verzoek_can_be_withdrawn_once(person: Person, country: Gateway, wijze: str, served: bool) -> None:
    nummer = (await submitted(person)).title.removeprefix("Verzoek ")
    ask = await person.see(f"/verzoeken/{nummer}/intrekken")
    await person.send(ask, wijze=wijze)
    known = await management(country, f"/verzoeken/{nummer}")
    assert (known["volgnummer"], known["versions"][-1]["served"]) == (999, served)
    assert (await person.see(f"/verzoeken/{nummer}/intrekken")).status == 409
    assert (await person.post(f"/verzoeken/{nummer}/aanvullen", {})).status == 409


async def test_mistakes_are_told_in_dutch_and_nothing_that_was_typed_is_lost(person: Person) -> None:
    what = await person.begin()
    wrong = await person.send(
        what,
        naam=NASTY,
        activiteit=["Sloopactiviteit"],
        type="Aanvraag vergunning",
        x="hier",
        vlak="1,1",
        postcode="12",
    )
    assert wrong.status == 422
    told = wrong.document.xpath("//*[@role='alert']//a")
    ids = {link.get("href").removeprefix("#") for link in told}
    assert ids == {"activiteit", "straatnaam", "huisnummer", "woonplaats", "postcode", "x", "y", "vlak"}
    assert all(wrong.document.get_element_by_id(one) is not None for one in ids)
    assert wrong.document.xpath("//title")[0].text.startswith("Fout: ")
    assert wrong.fields()["naam"] == NASTY
    assert wrong.fields()["x"] == "hier"
    assert set(wrong.fields()["activiteit"]) == {"Sloopactiviteit"}
    address = what.address.replace("/wat", "/controle")
    assert (await person.see(address)).title == "Wat en waar", "the last step waits for the first"


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        ({"i-soort": "persoon", "i-bsn": "123456789"}, {"i-bsn", "i-achternaam"}),
        ({"i-soort": "persoon", "i-achternaam": "T", "i-email": "x"}, {"i-email"}),
        (
            {"i-soort": "bedrijf", "i-kvk": "1", "i-vestiging": "1"},
            {"i-kvk", "i-handelsnaam", "i-vestiging", "i-straatnaam"},
        ),
        ({"i-soort": "persoon", "i-achternaam": "T", "g-soort": "persoon"}, {"g-achternaam"}),
        ({"i-soort": "persoon", "i-achternaam": "T", "g-soort": ""}, {"g-soort"}),
    ],
)
async def test_mistakes_about_people_are_told(person: Person, typed: dict[str, str], wrong: set[str]) -> None:
    example = await person.begin("melding")
    address = example.address.replace("/wat", "/wie")
    empty = dict.fromkeys((await person.see(address)).fields(), "")
    told = await person.post(address, empty | {"g-soort": "geen"} | typed)
    assert told.status == 422
    assert {link.get("href").removeprefix("#") for link in told.document.xpath("//*[@role='alert']//a")} == wrong


async def test_what_nobody_decides_on_can_be_submitted_elsewhere(person: Person, country: Gateway) -> None:
    at = await person.send(await person.begin("vergunningaanvraag"), activiteit=["Natura 2000-activiteit"])
    control = await person.send(await person.send(at))
    refused = await person.send(control)
    assert refused.status == 422
    assert "Er is geen provincie aangesloten" in refused.text("//*[@role='alert']")
    oin = control.document.xpath("//option[text()='Gemeente Oost']/@value")[0]
    done = await person.send(refused, indienen_bij=oin)
    known = await management(country, f"/verzoeken/{done.title.removeprefix('Verzoek ')}")
    assert known["bevoegd_gezag"] == oin


async def test_an_uploaded_file_stays_through_mistakes_and_can_be_taken_away(person: Person) -> None:
    at = await person.send(await person.begin("melding"))
    stay = await person.send(at, {"bestand": ("een.pdf", b"een")}, actie="blijf")
    assert "een.pdf" in stay.text("//form")
    back = await person.see(stay.address)
    assert "een.pdf" in back.text("//form")
    (identity,) = back.document.xpath("//input[@name='weg']/@value")
    gone = await person.send(back, actie="blijf", weg=[identity])
    assert "een.pdf" not in gone.text("//form")


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_another_site_can_post_nothing(person: Person, headers: dict[str, str]) -> None:
    assert (await person.post("/concepten", {}, **headers)).status == 403


async def test_a_name_that_resolves_to_loopback_is_not_answered(person: Person) -> None:
    async with person.session.get(person.base, headers={"Host": "evil.example"}) as answer:
        assert answer.status == 400


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/verzoeken/2026060299999", 404),
        ("/verzoeken/2026060299999/intrekken", 404),
        ("/concepten/nee/wat", 404),
        ("/elders", 404),
        ("/concepten", 405),
        ("/?pagina=x", 200),
        ("/static/loket.css", 200),
    ],
)
async def test_every_answer_has_a_page_and_its_headers(person: Person, address: str, status: int) -> None:
    async with person.session.get(person.base + address) as answer:
        text = await answer.text()
        assert answer.status == status
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["referrer-policy"] == "same-origin"
        if "html" in answer.headers["content-type"]:
            assert "SANDBOX" in text


async def test_what_is_no_form_is_refused(person: Person) -> None:
    assert (await person.post("/concepten", b"{}", **{"Content-Type": "application/json"})).status == 400
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    address = (await person.begin("melding")).address
    assert (await person.post(address, b"no parts", **broken)).status == 400
    without = {"Content-Type": "multipart/form-data"}
    assert (await person.post(address, b"no boundary", **without)).status == 400


@asynccontextmanager
async def alone(tmp_path: Path, limit: int) -> AsyncIterator[Person]:
    """A person in a loket of its own, that takes posts up to `limit`; nothing can be submitted."""
    dso = DsoLv(
        state=SandboxState(),
        messages=MemoryMessages(),
        faults=Faults(Random(1)),
        announcer=Announcer(cast(Signers, None), RandomIds()),
        clock=SystemClock(),
        chance=Random(1),
        next_serial=lambda _: 1,
        wake=lambda: None,
    )
    app = make_app(dso, RandomIds(), tmp_path / "uploads", limit=limit)
    async with serving(app) as port, aiohttp.ClientSession() as session:
        yield Person(session, f"http://127.0.0.1:{port}")


async def test_files_beyond_the_bound_are_refused_and_the_draft_stays(tmp_path: Path) -> None:
    async with alone(tmp_path, limit=100_000) as small:
        at = await small.send(await small.begin("melding"))
        refused = await small.send(at, {"bestand": ("groot.pdf", b"x" * 200_000)})
        assert (refused.status, refused.title) == (413, "Het formulier is te groot")
        assert (await small.see(at.address)).title == "Vragen en bijlagen"
        assert list((tmp_path / "uploads").iterdir()) == []


async def test_what_was_typed_is_bounded_over_all_fields_and_files_may_be_larger(tmp_path: Path) -> None:
    async with alone(tmp_path, limit=64 * 1024**2) as wide:
        at = await wide.send(await wide.begin("melding"))
        typed = aiohttp.FormData()
        for number in range(20):
            typed.add_field(f"veld{number}", "x" * 500_000, content_type="text/plain")
        refused = await wide.post(at.action, typed)
        assert (refused.status, refused.title) == (413, "Het formulier is te groot")
        assert "kleinere delen" in refused.text("//body")
        assert (await wide.send(at, {"bestand": ("groot.pdf", b"x" * 10_000_000)})).status == 200
