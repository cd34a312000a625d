"""Versions of a verzoek and their notifications, in a sandbox with several authorities, over real sockets."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.unit.sandbox.gateway import COUNTRY, DIENST, EAST, MILIEU, WATER, WEST, Gateway

from digikoppelaar.stam.model import Verzoek
from digikoppelaar.stam.verzoek import read_verzoek

pytestmark = pytest.mark.asyncio(loop_scope="session")

BASE = "/overheid/verzoeken/api/afhandelen/v2"


@pytest.fixture
def gateway(country: Gateway) -> Gateway:
    return country


async def call(gateway: Gateway, method: str, path: str, body: object = None, *, status: int = 201) -> Any:
    address = gateway.ready.management_url + path
    async with aiohttp.ClientSession() as session, session.request(method, address, json=body) as answer:
        assert answer.status == status, await answer.text()
        return await answer.json()


async def submit(gateway: Gateway, **wish: object) -> list[dict[str, Any]]:
    return list(await call(gateway, "POST", "/verzoeken", wish))


async def told(gateway: Gateway, nummer: str, times: int) -> list[str]:
    """The OINs that were notified of a verzoek, once there are `times` of them."""
    async with asyncio.timeout(15):
        while len(found := [oin for oin, about in gateway.notified_by_oin if about == nummer]) < times:
            await asyncio.sleep(0.02)
    return found


@asynccontextmanager
async def dso_lv(gateway: Gateway, oin: str) -> AsyncIterator[aiohttp.ClientSession]:
    """Calls to *Verzoek afhandelen* for this authority."""
    ready = gateway.ready
    context = ssl.create_default_context(cafile=ready.trust_anchor_file)
    context.load_cert_chain(ready.tls_certificate_file, ready.tls_key_file)
    headers = {"x-oin": oin, "x-api-key": Path(ready.api_key_file).read_text()}
    async with aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(ssl=context)) as session:
        yield session


async def reroute(gateway: Gateway, nummer: str, oin: str, **change: object) -> int:
    """What DSO-LV answers when the authority with this OIN sends the verzoek on."""
    address = f"{gateway.ready.rest_base_url}/verzoeken/{nummer}/_rerouteer"
    async with dso_lv(gateway, oin) as session, session.post(address, json=change) as answer:
        return answer.status


async def fetch(gateway: Gateway, nummer: str, oin: str) -> tuple[int, Verzoek | None, list[str]]:
    """Status of the summary, the verzoek as it is served, and the ids of its documents."""
    ready = gateway.ready
    host = ready.rest_base_url.removesuffix(BASE)
    async with dso_lv(gateway, oin) as session:
        async with session.get(f"{ready.rest_base_url}/verzoeken/{nummer}/samenvatting") as answer:
            if answer.status != 200:
                return answer.status, None, []
            links = json.loads(await answer.text())["_links"]
        async with session.get(host + links["xml"]["href"]) as answer:
            return 200, read_verzoek(await answer.read()), [each["name"] for each in links["documenten"]]


async def test_every_authority_is_connected_under_a_cpa_of_its_own(gateway: Gateway) -> None:
    assert [(each.oin, each.naam) for each in gateway.ready.organisaties] == [(o.oin, o.naam) for o in COUNTRY]
    assert len({each.cpa_id for each in gateway.ready.organisaties}) == len(COUNTRY)
    told = await call(gateway, "GET", "/organisaties", status=200)
    assert [each["oin"] for each in told] == [each.oin for each in COUNTRY]


async def test_an_aanvulling_is_a_complete_new_version_and_the_newest_is_served(gateway: Gateway) -> None:
    (first,) = await submit(gateway, oin=EAST, bijlagen=["txt", "txt"])
    nummer = first["verzoeknummer"]
    ids = [file["document_id"] for file in first["files"] if file["kind"] == "bijlage"]
    path = f"/verzoeken/{nummer}/aanvullingen"
    second = await call(gateway, "POST", path, {"behouden": ids[:1], "bijlagen": ["pdf"], "naam": "Andere naam"})
    assert (second["volgnummer"], second["doel"]) == (1, "Aanvullen")
    third = await call(gateway, "POST", path, {})
    assert [each["volgnummer"] for each in third["versions"]] == [0, 1, 2]
    assert await told(gateway, nummer, 3) == [EAST] * 3
    status, verzoek, served = await fetch(gateway, nummer, EAST)
    assert status == 200
    assert verzoek
    assert (verzoek.volgnummer, verzoek.doel, verzoek.naam) == (2, "aanvullen", "Andere naam")
    assert served[0] == ids[0]
    assert ids[1] not in served
    assert len(served) == 2
    assert {document.document_id for document in verzoek.documenten} == set(served)
    after = await call(gateway, "GET", f"/verzoeken/{nummer}", status=200)
    assert [bool(each["notifications"][0]["fetched_at"]) for each in after["versions"]] == [False, False, True]


async def test_a_withdrawal_is_a_version_too(gateway: Gateway) -> None:
    (first,) = await submit(gateway, oin=WEST)
    nummer = first["verzoeknummer"]
    withdrawn = await call(gateway, "POST", f"/verzoeken/{nummer}/intrekking", {})
    assert (withdrawn["volgnummer"], withdrawn["doel"]) == (999, "Intrekken")
    _, verzoek, _ = await fetch(gateway, nummer, WEST)
    assert verzoek
    assert (verzoek.volgnummer, verzoek.doel) == (999, "intrekken")
    for path in ("aanvullingen", "intrekking"):
        await call(gateway, "POST", f"/verzoeken/{nummer}/{path}", {}, status=400)


async def test_a_withdrawal_may_be_told_by_its_notification_only(gateway: Gateway) -> None:
    (first,) = await submit(gateway, oin=WEST)
    nummer = first["verzoeknummer"]
    await call(gateway, "POST", f"/verzoeken/{nummer}/intrekking", {"alleen_notificatie": True})
    await told(gateway, nummer, 2)
    _, verzoek, _ = await fetch(gateway, nummer, WEST)
    assert verzoek
    assert verzoek.volgnummer == 0


async def test_a_submission_is_split_and_each_party_is_told_what_it_should_be(gateway: Gateway) -> None:
    place = [{"rd": [132_000, 447_000]}]
    water = "Steiger of vlonder in een waterstaatswerk"
    made = await submit(gateway, soort="melding", activiteiten=["Sloopactiviteit", MILIEU, water], locaties=place)
    build, environment, jetty = made
    nummers = [each["verzoeknummer"] for each in made]
    assert [set(each["related"]) for each in made] == [set(nummers) - {nummer} for nummer in nummers]
    assert await told(gateway, build["verzoeknummer"], 1) == [WEST]
    assert sorted(await told(gateway, environment["verzoeknummer"], 2)) == [WEST, DIENST]
    assert await told(gateway, jetty["verzoeknummer"], 1) == [WATER]
    for oin, status in ((WEST, 200), (DIENST, 200), (EAST, 403), (WATER, 403)):
        answered, verzoek, _ = await fetch(gateway, environment["verzoeknummer"], oin)
        assert answered == status
    _, verzoek, _ = await fetch(gateway, environment["verzoeknummer"], WEST)
    assert verzoek
    assert verzoek.uitvoerende_instantie
    assert (verzoek.bevoegd_gezag and verzoek.bevoegd_gezag.oin, verzoek.uitvoerende_instantie.oin) == (WEST, DIENST)


async def test_after_a_reroute_the_new_bevoegd_gezag_is_told_and_gets_only_the_newest_version(gateway: Gateway) -> None:
    (first,) = await submit(gateway, oin=EAST)
    nummer = first["verzoeknummer"]
    await call(gateway, "POST", f"/verzoeken/{nummer}/aanvullingen", {})
    assert await reroute(gateway, nummer, EAST, bevoegdGezag={"oin": WEST}) == 200
    assert await told(gateway, nummer, 3) == [EAST, EAST, WEST]
    status, verzoek, _ = await fetch(gateway, nummer, WEST)
    assert verzoek
    assert verzoek.bevoegd_gezag
    assert (status, verzoek.volgnummer, verzoek.doel) == (200, 1, "aanvullen")
    assert (verzoek.bevoegd_gezag.oin, verzoek.bevoegd_gezag.naam) == (WEST, "Gemeente West")
    assert [each.oin for each in verzoek.bevoegd_gezag_historie] == [EAST]
    assert (await fetch(gateway, nummer, EAST))[0] == 403
    third = await call(gateway, "POST", f"/verzoeken/{nummer}/aanvullingen", {})
    assert third["bevoegd_gezag"] == WEST
    assert await told(gateway, nummer, 4) == [EAST, EAST, WEST, WEST]
    _, verzoek, _ = await fetch(gateway, nummer, WEST)
    assert verzoek
    assert (verzoek.volgnummer, [each.oin for each in verzoek.bevoegd_gezag_historie]) == (2, [EAST])


async def test_a_reroute_tells_who_handles_it_from_then_on_and_nobody_of_what_did_not_change(gateway: Gateway) -> None:
    (first,) = await submit(gateway, oin=WEST)
    nummer = first["verzoeknummer"]
    for change in ({"behandeldienst": {"oin": DIENST}}, {"bevoegdGezag": {"oin": WEST}}, {"behandeldienst": None}):
        assert await reroute(gateway, nummer, WEST, **change) == 200
    assert await told(gateway, nummer, 3) == [WEST, DIENST, WEST]
    _, verzoek, _ = await fetch(gateway, nummer, WEST)
    assert verzoek
    assert verzoek.uitvoerende_instantie is None
    assert [each.oin for each in verzoek.uitvoerende_instantie_historie] == [DIENST]
    assert verzoek.bevoegd_gezag_historie == ()


async def test_who_is_not_connected_gets_a_verzoek_by_a_reroute_and_hears_nothing(gateway: Gateway) -> None:
    (first,) = await submit(gateway, oin=WEST)
    nummer, stranger = first["verzoeknummer"], "00000099000000009000"
    assert await reroute(gateway, nummer, WEST, bevoegdGezag={"oin": stranger}) == 200
    second = await call(gateway, "POST", f"/verzoeken/{nummer}/aanvullingen", {})
    assert second["bevoegd_gezag"] == stranger
    assert [each["notifications"] == [] for each in second["versions"]] == [False, True]


async def test_a_stale_summary_is_that_of_the_version_before(gateway: Gateway) -> None:
    (first,) = await submit(gateway, oin=WEST)
    nummer = first["verzoeknummer"]
    await call(gateway, "POST", f"/verzoeken/{nummer}/aanvullingen", {})
    await told(gateway, nummer, 2)
    await call(gateway, "POST", "/faults", {"kind": "stale", "target": "summary", "count": 1})
    served = [(await fetch(gateway, nummer, WEST))[1] for _ in range(2)]
    assert [verzoek and verzoek.volgnummer for verzoek in served] == [0, 1]


async def test_everything_of_a_verzoek_can_be_said(gateway: Gateway) -> None:
    adres = {"straatnaam": "Wilgenpad", "huisnummer": "1", "postcode": "3990SA", "woonplaats": "Oeverloo"}
    company = {"kvk_nummer": "99990001", "handelsnaam": "Proefbouw", "adres": adres}
    contact = {"voorletters": "A.", "achternaam": "Testema", "emailadres": "a@voorbeeld.example"}
    (made,) = await submit(
        gateway,
        stam=2,
        type="Informatie",
        doel="Conceptverzoek",
        naam="Zelf gekozen",
        activiteiten=[{"naam": "Iets anders", "antwoorden": {"Waarom?": "Daarom."}}],
        locaties=[{"adres": adres}, {"vlak": "132000,447000 132010,447000 132010,447010 132000,447000"}],
        initiatiefnemer={"bsn": "000000000", **contact, "adres": adres},
        gemachtigde={**company, "contactpersoon": contact},
        bijlagen=[{"naam": "../\x00\u202etxt.pdf", "inhoud": "txt"}],
    )
    assert made["files"][2]["naam"] == "../\x00\u202etxt.pdf"
    _, verzoek, _ = await fetch(gateway, made["verzoeknummer"], WEST)
    assert verzoek
    assert (verzoek.stam_versie, verzoek.type, verzoek.doel) == (2, "Informatie", "conceptverzoek")
    assert [item.antwoord for item in verzoek.alle_specificaties if item.antwoord] == ["Daarom."]
    assert verzoek.gemachtigde
    assert verzoek.contactpersoon
    assert (verzoek.gemachtigde.handelsnaam, verzoek.contactpersoon.achternaam) == ("Proefbouw", "Testema")
    assert [document.bestandsnaam for document in verzoek.documenten] == ["../\ufffd\u202etxt.pdf"]


@pytest.mark.parametrize(
    "wish",
    [
        {"stam": 3},
        {"naam": 1},
        {"activiteiten": []},
        {"activiteiten": [1]},
        {"activiteiten": [{"naam": "X", "antwoorden": []}]},
        {"locaties": [{}]},
        {"locaties": [{"rd": [1]}]},
        {"locaties": [{"vlak": "1,1 2,2"}]},
        {"locaties": ["hier"]},
        {"initiatiefnemer": {"voorletters": "A."}},
        {"gemachtigde": "ik"},
        {"bijlagen": [{"naam": "x", "inhoud": "exe"}]},
        {"activiteiten": ["Natura 2000-activiteit"]},
    ],
)
async def test_a_wish_that_makes_no_sense_is_refused(gateway: Gateway, wish: dict[str, object]) -> None:
    assert (await call(gateway, "POST", "/verzoeken", wish, status=400))["error"]


@pytest.mark.parametrize("path", ["aanvullingen", "intrekking"])
async def test_what_is_not_there_gets_no_version(gateway: Gateway, path: str) -> None:
    assert (
        "no such verzoek" in (await call(gateway, "POST", f"/verzoeken/2026060299999/{path}", {}, status=400))["error"]
    )
