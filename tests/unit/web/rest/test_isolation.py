"""Nobody sees anything of another organisatie or omgeving, and without a key nobody sees anything: every operation."""

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest
from tests.unit.drop.notices import KENNISGEVING
from tests.unit.ebms.cpas import CPA_ID, DSO, GEMEENTE, SERVICE
from tests.unit.web.rest.world import NOW, OTHER, PRE, PROD, World, cpa_of

from digikoppelaar.drop.document import to_document
from digikoppelaar.flows import api_keys
from digikoppelaar.flows.application import Right
from digikoppelaar.web.rest.app import openapi
from digikoppelaar.web.rest.operations import OPERATIONS as OPERATIONS_TABLE

STRANGERS = [(OTHER, PRE), (GEMEENTE, PROD)]
DOCUMENT = openapi()
OPERATIONS = [(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods]
SOURCE = "https://dso.example/ebms"
LISTS = {
    "/api/v1/kennisgevingen",
    "/cpas",
    "/urlMappings",
    "/certificateMappings",
    "/ebms/messages/unprocessed",
    "/ebms/events/unprocessed",
}
HARMLESS = {"/cpas/validate", "/cpas/cache", "/urlMappings/cache", "/certificateMappings/cache"}
"""They look at what is given, or at nothing."""
PROPERTIES = {
    "cpaId": CPA_ID,
    "fromPartyId": f"urn:osb:oin:{GEMEENTE}",
    "service": SERVICE,
    "action": "bevestig",
}


def a_document(**changed: Any) -> dict[str, Any]:
    """A kennisgeving of GEMEENTE as its case system delivers it."""
    return {**to_document(replace(KENNISGEVING, publicist=replace(KENNISGEVING.publicist, oin=GEMEENTE))), **changed}


async def everything(world: World) -> dict[str, str]:
    """One of everything for GEMEENTE in sandbox-pre; what names in paths stand for."""
    cpa = await world.cpa()
    name = await world.receive(cpa, b"<geheim/>")
    async with await world.http() as http:
        mapping = {"source": SOURCE, "destination": "https://elders.example/ebms"}
        assert (await http.post("/service/rest/v19/urlMappings", json=mapping)).status_code == 204
    await world.pool_execute(
        "INSERT INTO certificate_mapping SELECT aansluiting_id, id, sha256('a'), 'a', 'b' FROM cpa"
    )
    async with await world.http() as http:
        made = (await http.post("/api/v1/kennisgevingen", json=a_document())).json()
    return {
        "kennisgevingId": str(made["id"]),
        "cpaId": CPA_ID,
        "messageId": name,
        "contentId": "p1@dso.example",
        "source": SOURCE,
        "fromPartyId": f"urn:osb:oin:{GEMEENTE}",
        "toPartyId": f"urn:osb:oin:{DSO}",
    }


async def ask(http: httpx.AsyncClient, method: str, path: str, names: dict[str, str]) -> httpx.Response:
    """The operation as its owner would ask it."""
    asked = path.format(**names)
    content: dict[str, Any] = {}
    if path.endswith(("/cpas", "/cpas/validate")) and method == "POST":
        content = {"content": cpa_of(GEMEENTE)}
    elif path.endswith("/ebms/messages"):
        content = {"json": {"properties": PROPERTIES}}
    elif path.endswith(("/mtom", "/v1/messages")):
        content = {"files": {"requestProperties": (None, json.dumps(PROPERTIES), "application/json")}}
    elif path.endswith("/urlMappings") and method == "POST":
        content = {"json": {"source": SOURCE, "destination": "https://dief.example"}}
    elif path.endswith("/notifications"):
        content = {"content": b"<n><verzoeknummer>2026060200019</verzoeknummer></n>"}
    elif path.endswith("/zgw/notificaties"):
        url = "https://zaken.example/besluiten/1"
        told = {"kanaal": "besluiten", "resource": "besluit", "actie": "create", "resourceUrl": url, "hoofdObject": url}
        content = {"json": told}
    elif path.endswith(("/kennisgevingen", "{kennisgevingId}")) and method in {"POST", "PUT"}:
        content = {"json": a_document()}
    elif path.endswith("/approve"):
        content = {"json": {"override": "daarom"}}
    elif path.endswith(("/hold", "/cancel")):
        content = {"json": {"reason": "daarom"}}
    elif path.endswith("/certificateMappings") and method in {"POST", "DELETE"}:
        content = {"content": b"", "params": {"cpaId": CPA_ID}}
    return await http.request(method, asked, **content)


async def facts(world: World) -> list[Any]:
    """All rows that a stranger might change."""
    queries = (
        "SELECT cpa_id, omgeving, consumer, removed_at FROM cpa",
        "SELECT message_id, processed_at FROM inbound_message",
        "SELECT message_id FROM outbound_message",
        "SELECT processed_at FROM message_event",
        f"SELECT destination FROM url_mapping WHERE organisatie_oin = '{GEMEENTE}' AND omgeving = '{PRE}'",
        "SELECT destination FROM certificate_mapping",
        "SELECT aansluiting_id, verzoeknummer FROM notification",
        "SELECT id, aansluiting_id, state, document FROM kennisgeving",
        "SELECT url FROM case_event",
    )
    async with world.pool.connection() as connection:
        return [await (await connection.execute(query.encode())).fetchall() for query in queries]


def test_the_document_has_every_operation_of_the_peer() -> None:
    assert {path.removeprefix("/service/rest/v19") for _, path in OPERATIONS} >= LISTS | HARMLESS
    assert len(OPERATIONS) == 40


@pytest.mark.parametrize(("oin", "omgeving"), STRANGERS)
async def test_no_operation_shows_or_changes_anything_of_another(world: World, oin: str, omgeving: str) -> None:
    names = await everything(world)
    before = await facts(world)
    async with await world.http(oin, omgeving) as http:
        for method, path in OPERATIONS:
            short = path.removeprefix("/service/rest/v19")
            if (method, short) in {("POST", "/cpas"), ("POST", "/urlMappings")} or short in HARMLESS:
                continue  # they make something of the caller's own: see below
            answer = await ask(http, method, path, names)
            if short in LISTS and method == "GET":
                assert (answer.status_code, answer.json()) == (200, []), path
            else:
                assert answer.status_code in {400, 404}, f"{method} {path}: {answer.status_code}"
            assert b"geheim" not in answer.content
            assert KENNISGEVING.titel.encode() not in answer.content
    assert await facts(world) == before


async def test_a_url_mapping_of_another_organisatie_is_its_own(world: World) -> None:
    await everything(world)
    mapping = {"source": SOURCE, "destination": "https://dief.example/"}
    async with await world.http(OTHER) as stranger, await world.http() as owner:
        assert (await stranger.post("/service/rest/v19/urlMappings", json=mapping)).status_code == 204
        [own] = (await owner.get("/service/rest/v19/urlMappings")).json()
    assert own["destination"] == "https://elders.example/ebms"


async def test_a_cpa_of_another_organisatie_cannot_be_imported_or_overwritten(world: World) -> None:
    await world.cpa()
    async with await world.http(OTHER) as http:
        theirs = await http.post("/service/rest/v19/cpas?overwrite=true", content=cpa_of(GEMEENTE))
        same_name = await http.post("/service/rest/v19/cpas?overwrite=true", content=cpa_of(OTHER))
    assert (theirs.status_code, same_name.status_code) == (400, 400)
    assert GEMEENTE not in same_name.text
    async with await world.http() as http:
        assert (await http.get(f"/service/rest/v19/cpas/{CPA_ID}")).content == cpa_of(GEMEENTE)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-API-Key": ""},
        {"X-API-Key": "dk_000000000000_" + "a" * 43},
        {"Authorization": "Bearer onzin"},
        {"Authorization": "Basic onzin"},
        {"Authorization": "Basic YTpi"},
        {"Authorization": "Digest x"},
    ],
)
async def test_no_operation_answers_nobody(world: World, headers: dict[str, str]) -> None:
    names = await everything(world)
    before = await facts(world)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{world.port}", headers=headers) as http:
        for method, path in OPERATIONS:
            answer = await ask(http, method, path, names)
            assert answer.status_code == 401, path
            assert answer.headers["www-authenticate"].startswith("Basic")
    assert await facts(world) == before


@pytest.mark.parametrize("right", list(Right))
async def test_a_key_without_the_right_opens_nothing_and_changes_nothing(world: World, right: Right) -> None:
    names = await everything(world)
    before = await facts(world)
    shut = [each for each in OPERATIONS_TABLE if right not in each.rights]
    async with await world.http(rights=[right]) as http:
        for operation in shut:
            answer = await ask(http, operation.method, operation.path, names)
            assert (answer.status_code, answer.text) == (403, f"this API key has not the right {operation.needs}")
    assert shut
    assert await facts(world) == before


async def test_a_key_is_taken_as_bearer_as_header_and_as_basic_password(world: World) -> None:
    key = await world.key()
    url = f"http://127.0.0.1:{world.port}/service/rest/v19/cpas"
    async with httpx.AsyncClient() as http:
        assert (await http.get(url, headers={"Authorization": f"Bearer {key}"})).status_code == 200
        assert (await http.get(url, headers={"X-API-Key": key})).status_code == 200
        assert (await http.get(url, auth=("wie dan ook", key))).status_code == 200
        assert (await http.get(url, headers={"X-API-Key": key[:-1] + "~"})).status_code == 401
        assert (
            await http.get(url, headers={"X-API-Key": key[:-1] + ("A" if key[-1] != "A" else "B")})
        ).status_code == 401


async def test_a_revoked_key_is_nobodys_at_once(world: World) -> None:
    key = await world.key()
    prefix = key.split("_")[1]
    async with await world.http() as http:
        assert (await http.get("/service/rest/v19/cpas")).status_code == 200
        await api_keys.revoke(world.applications, prefix, NOW)
        assert (await http.get("/service/rest/v19/cpas")).status_code == 401
    [row] = await world.applications.api_keys()
    assert (row.prefix, row.revoked_at) == (prefix, NOW)


async def test_a_key_is_kept_as_a_hash_only(world: World) -> None:
    key = await world.key()
    async with world.pool.connection() as connection:
        rows = await (await connection.execute("SELECT api_key::text AS row FROM api_key")).fetchall()
    assert key.split("_", 2)[2] not in rows[0]["row"]
