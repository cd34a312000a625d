"""A case system delivers kennisgevingen, follows them and lets them go: over a real listener and a real database."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, Final

import httpx
import pytest
from tests.unit.drop.notices import KENNISGEVING
from tests.unit.ebms.cpas import GEMEENTE
from tests.unit.web.rest.test_isolation import a_document
from tests.unit.web.rest.world import NOW, OTHER, PROD, STAM, World

from digikoppelaar.flows.application import Right
from digikoppelaar.flows.registration import difference

PATH: Final = "/api/v1/kennisgevingen"
CLEAN = {"override": "Akkoord, proef.", "publishOn": "2099-06-10"}


@pytest.fixture
async def http(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with await world.http() as opened:
        yield opened


async def made(http: httpx.AsyncClient, **changed: Any) -> dict[str, Any]:
    answer = await http.post(PATH, json=a_document(**changed))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_kennisgeving_goes_from_delivery_to_planned_and_its_log_names_the_key(
    world: World, http: httpx.AsyncClient
) -> None:
    row = await made(http)
    assert (row["state"], row["titel"], row["number"]) == ("draft", KENNISGEVING.titel, 1)
    one = f"{PATH}/{row['id']}"
    checked = (await http.post(f"{one}/check")).json()
    assert (checked["good"], checked["blocked"]) == (False, True)
    assert "ontvangst-missing" in {finding["code"] for finding in checked["findings"]}
    refused = await http.post(f"{one}/approve", json={})
    assert refused.status_code == 409
    assert "ontvangst-missing" in refused.text
    assert "verbeter het" in refused.text
    planned = (await http.post(f"{one}/approve", json=CLEAN)).json()
    assert (planned["state"], planned["dueAt"]) == ("planned", "2099-06-09T06:00:00Z")
    page = (await http.get(one)).json()
    assert page["document"]["data"]["publicatie"] == "2099-06-10"
    by = {line["by"] for line in page["log"]}
    assert by == {f"zaaksysteem/{(await world.application()).key}"}
    assert "Akkoord, proef." in page["log"][-1]["detail"]


async def test_the_same_again_is_the_same_and_something_else_is_a_conflict(http: httpx.AsyncClient) -> None:
    row = await made(http)
    again = await http.post(PATH, json=a_document())
    assert (again.status_code, again.json()) == (200, row)
    other = await http.post(PATH, json=a_document(samenvatting="iets anders"))
    assert other.status_code == 409
    assert f"Wijzig kennisgeving {row['id']}" in other.text
    second = await http.post(f"{PATH}?number=2", json=a_document(samenvatting="iets anders"))
    assert (second.status_code, second.json()["number"]) == (201, 2)


async def test_of_many_at_once_one_is_made(http: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(http.post(PATH, json=a_document()) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1


async def test_an_edit_has_to_be_approved_again_and_stays_about_the_same(http: httpx.AsyncClient) -> None:
    row = await made(http)
    one = f"{PATH}/{row['id']}"
    await http.post(f"{one}/approve", json=CLEAN)
    edited = await http.put(one, json=a_document(titel="Een andere titel"))
    assert (edited.status_code, edited.json()["state"], edited.json()["titel"]) == (200, "draft", "Een andere titel")
    moved = await http.put(one, json=a_document(referentienummer="Z2"))
    assert moved.status_code == 400
    assert "maak een nieuwe" in moved.text


async def test_what_is_planned_is_held_resumed_at_its_own_time_and_taken_back(http: httpx.AsyncClient) -> None:
    row = await made(http)
    one = f"{PATH}/{row['id']}"
    due = (await http.post(f"{one}/approve", json=CLEAN)).json()["dueAt"]
    assert (await http.post(f"{one}/hold", json={"reason": "wacht op overleg"})).json()["state"] == "held"
    for body in (b"", b"{}"):
        blocked = await http.post(f"{one}/resume", content=body)
        assert (blocked.status_code, "ontvangst-missing" in blocked.text) == (409, True), "it is checked again"
    resumed = (await http.post(f"{one}/resume", json={"override": "Akkoord, proef."})).json()
    assert (resumed["state"], resumed["dueAt"]) == ("planned", due)
    assert (await http.post(f"{one}/cancel", json={"reason": "dubbel"})).json()["state"] == "cancelled"
    again = await http.post(f"{one}/cancel", json={"reason": "dubbel"})
    assert (again.status_code, again.json()["state"]) == (200, "cancelled"), "a person has seen it"
    for move, body in (("hold", {"reason": "x"}), ("resume", None), ("approve", CLEAN)):
        late = await http.post(f"{one}/{move}", json=body)
        assert (late.status_code, "maak een nieuwe" in late.text) == (409, True), move
    assert (await http.put(one, json=a_document())).status_code == 409
    assert (await made(http))["id"] != row["id"]


async def test_a_key_that_may_draft_writes_and_stops_and_lets_nothing_go(world: World) -> None:
    async with await world.http() as publishing, await world.http(rights=[Right.DRAFT]) as drafting:
        one = f"{PATH}/{(await made(drafting))['id']}"
        assert (await drafting.post(f"{one}/approve", json=CLEAN)).status_code == 403
        assert (await publishing.post(f"{one}/approve", json=CLEAN)).status_code == 200
        assert (await drafting.post(f"{one}/hold", json={"reason": "wacht"})).status_code == 200
        assert (await drafting.post(f"{one}/resume")).status_code == 403
        assert (await drafting.get(one)).json()["state"] == "held"


async def test_a_list_is_filtered_and_goes_on_where_it_ended(http: httpx.AsyncClient) -> None:
    rows = [await made(http, referentienummer=f"Z-{number}") for number in range(5)]
    newest = [row["id"] for row in reversed(rows)]
    first = (await http.get(f"{PATH}?maxNr=2")).json()
    rest = (await http.get(f"{PATH}?before={first[-1]['id']}")).json()
    assert [row["id"] for row in (*first, *rest)] == newest
    assert [row["id"] for row in (await http.get(f"{PATH}?referentienummer=Z-3")).json()] == [rows[3]["id"]]
    await http.post(f"{PATH}/{rows[0]['id']}/cancel", json={"reason": "dubbel"})
    assert [row["id"] for row in (await http.get(f"{PATH}?state=cancelled")).json()] == [rows[0]["id"]]


async def test_a_preview_is_what_its_reader_sees_or_what_koop_gets(http: httpx.AsyncClient) -> None:
    one = f"{PATH}/{(await made(http, titel='Aanvraag <script>'))['id']}"
    html = await http.get(f"{one}/preview")
    assert html.headers["content-type"] == "text/html; charset=utf-8"
    assert "<h1>Aanvraag &lt;script&gt;</h1>" in html.text
    assert "sandbox" in html.headers["content-security-policy"]
    assert (await http.get(f"{one}/preview?format=text")).text.startswith("Aanvraag <script>")
    xml = await http.get(f"{one}/preview?format=xml")
    assert "InhoudZip" in xml.text
    assert (await http.get(f"{one}/preview?format=pdf")).status_code == 400


async def test_what_is_compared_with_the_applicants_data_is_the_verzoek_that_was_named(
    world: World, http: httpx.AsyncClient
) -> None:
    without = await http.post(f"{PATH}?verzoeknummer=2026060200019", json=a_document())
    assert (without.status_code, "ontvangt" in without.text) == (400, True)
    await world.registry.apply(difference(await world.registry.entries(), STAM), NOW)
    linked = (await http.post(f"{PATH}?verzoeknummer=2026060200019", json=a_document())).json()
    assert linked["verzoeknummer"] == "2026060200019"
    findings = (await http.post(f"{PATH}/{linked['id']}/check")).json()["findings"]
    [said] = [each["sentence"] for each in findings if each["code"] == "applicant-not-checked"]
    assert "Dit verzoek is hier niet bekend." in said
    assert (await http.post(PATH, json=a_document())).status_code == 409


async def test_an_edit_cannot_name_what_is_in_the_blob_store_of_everybody(http: httpx.AsyncClient) -> None:
    made = (await http.post(PATH, json=a_document())).json()
    changed = a_document(bijlagen=[{"bestandsnaam": "a", "mediatype": "b", "blob": "verzoeken/1/1"}])
    answer = await http.put(f"{PATH}/{made['id']}", json=changed)
    assert answer.status_code == 400
    assert "Verwijs ernaar" in answer.text


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"title": "x"}, "`title` is geen bekend veld."),
        ({"blad": "krant"}, "`blad` moet een van deze zijn"),
        ({"publicist": {"oin": OTHER, "naam": "Elders", "bestuurslaag": "gemeente"}}, "de organisatie die publiceert"),
        ({"bijlagen": [{"bestandsnaam": "a", "mediatype": "b", "blob": "verzoeken/1/1"}]}, "Verwijs ernaar"),
        ({"referentienummer": "Z" * 201}, "het zaaknummer zonder omschrijving"),
        ({"titel": "Aanvraag\0"}, "kan worden vastgelegd"),
    ],
)
async def test_what_is_wrong_is_told_in_dutch_and_nothing_is_made(
    http: httpx.AsyncClient, changed: dict[str, Any], told: str
) -> None:
    answer = await http.post(PATH, json=a_document(**changed))
    assert (answer.status_code, answer.headers["content-type"]) == (400, "text/plain; charset=utf-8")
    assert told in answer.text
    assert (await http.get(PATH)).json() == []


@pytest.mark.parametrize(
    ("move", "body"),
    [
        ("approve", {"publishon": "2099-06-10"}),
        ("approve", {"publishOn": "10 juni"}),
        ("approve", []),
        ("hold", {}),
        ("resume", {"reason": "x"}),
        ("cancel", {"reason": ""}),
        ("cancel", {"reason": "a\nb"}),
    ],
)
async def test_a_move_that_is_misspelled_moves_nothing(http: httpx.AsyncClient, move: str, body: Any) -> None:
    one = f"{PATH}/{(await made(http))['id']}"
    assert (await http.post(f"{one}/{move}", json=body)).status_code == 400
    assert (await http.get(one)).json()["state"] == "draft"


async def test_a_body_that_is_too_large_or_too_deep_is_refused(http: httpx.AsyncClient) -> None:
    large = await http.post(PATH, json=a_document(samenvatting="x" * 4 * 1024**2))
    deep = await http.post(PATH, content=b'{"a":' * 900 + b"1" + b"}" * 900)
    assert (large.status_code, deep.status_code) == (413, 400)


@pytest.mark.parametrize("number", ["0", "99", "-1", "x", "1" * 30, "%D9%A1"])
async def test_a_number_that_is_none_of_ours_is_not_there(http: httpx.AsyncClient, number: str) -> None:
    assert (await http.get(f"{PATH}/{number}")).status_code == 404


async def test_who_does_not_publish_is_told(world: World) -> None:
    async with await world.http(GEMEENTE, PROD) as http:
        answer = await http.post(PATH, content=json.dumps(a_document()))
        assert (answer.status_code, "publiceert in deze omgeving niet" in answer.text) == (400, True)
        assert (await http.get(PATH)).json() == []
