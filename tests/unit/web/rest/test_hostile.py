"""What a bad neighbour with a key of its own tries, or a broken program does: refused with a 4xx, and nothing moved."""

import asyncio
import json
from pathlib import Path

import pytest
from tests.unit.ebms.cpas import CPA_ID
from tests.unit.web.rest.test_isolation import OPERATIONS, PROPERTIES, SOURCE, ask, everything, facts
from tests.unit.web.rest.world import OTHER, PRE, World

from digikoppelaar.adapters.postgres.connect import transaction

ODD_NAMES = (
    "%00",
    "%2500",
    "a%2Fb",
    "..%2F..%2Fetc%2Fpasswd",
    "%FF%FE",
    "%ED%A0%80",
    "%27%20OR%201=1--",
    "%0D%0AX-A:%20b",
    "%E2%80%AE",
    "*",
    "%5C",
    "x" * 8000,
)
"""As they stand in a path."""
ODD_BODIES = (
    b"",
    b"null",
    b"{",
    b"[" * 200_000,
    b'{"a":' * 100_000,
    b'{"properties":NaN}',
    b"\xff\xfe",
    b"9" * 5000,
    b'{"properties":{"cpaId":1}}',
    b'{"properties":{},"dataSources":[null]}',
    b'{"properties":{},"dataSources":{"a":1}}',
    b'{"cpaId":"x","source":"====","destination":"a"}',
    b'{"source":"\\u0000","destination":"https://a"}',
    b'{"source":"\\ud800","destination":"https://a"}',
    b'{"source":"https://a","destination":"https://[::1"}',
    b'{"source":"https://a","destination":"https://a:99999999"}',
    b'{"source":"https://a","destination":"https://user:geheim@a/"}',
    b'{"source":"https://a","destination":"file:///etc/passwd"}',
    b'{"source":{"a":1},"destination":["https://a"]}',
)
KINDS = (
    "application/json",
    "multipart/form-data",
    "multipart/form-data; boundary=",
    "multipart/form-data; boundary=x",
    "multipart/form-data; boundary=" + "x" * 9000,
)
WITHOUT_END = b'--g\r\nContent-Disposition: form-data; name="p"\r\n\r\n'


async def test_an_odd_name_in_a_path_is_nobody(world: World) -> None:
    names = await everything(world)
    before = await facts(world)
    async with await world.http() as http:
        for method, path in OPERATIONS:
            for name in names:
                for odd in ODD_NAMES if "{" + name + "}" in path else ():
                    answer = await ask(http, method, path, {**names, name: odd})
                    assert answer.status_code in {400, 404, 405, 414, 431}, (method, path, odd, answer.status_code)
    assert await facts(world) == before


async def test_an_odd_body_is_refused_whatever_it_is_called(world: World) -> None:
    await everything(world)
    before = await facts(world)
    taking = [path for method, path in OPERATIONS if method == "POST" and "{" not in path]
    async with await world.http() as http:
        for path in taking:
            for kind in KINDS:
                for body in ODD_BODIES:
                    answer = await http.post(path, content=body, headers={"Content-Type": kind})
                    assert answer.status_code in {400, 404, 413, 415}, (path, kind, body[:60], answer.status_code)
    assert await facts(world) == before


@pytest.mark.parametrize("query", ["maxNr=-1", "maxNr=1e9", "maxNr=NaN", "maxNr=%D9%A3", "eventTypes=x", "cpaId=%00"])
async def test_an_odd_filter_is_refused(world: World, query: str) -> None:
    async with await world.http() as http:
        answer = await http.get(f"/service/rest/v19/ebms/events/unprocessed?{query}")
    assert answer.status_code == 400


async def test_a_message_cannot_name_a_cpa_of_another_even_twice(world: World) -> None:
    await world.cpa()
    own = await world.cpa(OTHER, PRE, "cpa-van-de-ander")
    twice = json.dumps({"cpaId": own.agreement.cpa_id, **PROPERTIES})[:-1] + f', "cpaId": "{CPA_ID}"}}'
    async with await world.http(OTHER) as http:
        answer = await http.post("/service/rest/v19/ebms/messages", content=f'{{"properties":{twice}}}'.encode())
    assert answer.status_code == 400
    assert (await facts(world))[2] == []


async def test_two_organisaties_may_use_one_message_id_and_see_only_their_own(world: World) -> None:
    name = await world.receive(await world.cpa(), b"<a/>", message_id="zelfde@dso")
    await world.receive(await world.cpa(OTHER, PRE, "cpa-van-de-ander"), b"<b/>", message_id=name)
    async with await world.http(OTHER) as http:
        payload = await http.get(f"/api/v1/messages/{name}/payloads/p1%40dso.example")
        assert (await http.get(f"/service/rest/v19/ebms/messages/{name}?process=true")).status_code == 200
    assert payload.content == b"<b/>"
    async with await world.http() as http:
        assert (await http.get("/service/rest/v19/ebms/messages/unprocessed")).json() == [name]


async def test_a_url_mapping_turns_no_message_of_another_aside(world: World) -> None:
    await world.cpa()
    async with await world.http(OTHER) as http:
        for source in (SOURCE, "%", "*"):
            mapping = {"source": source, "destination": "https://dief.example/"}
            assert (await http.post("/service/rest/v19/urlMappings", json=mapping)).status_code == 204
    async with transaction(world.pool) as connection:
        rows = await (await connection.execute("SELECT DISTINCT organisatie_oin FROM url_mapping")).fetchall()
    assert [row["organisatie_oin"] for row in rows] == [OTHER]


@pytest.mark.parametrize("size", [100, 600_000], ids=["in-memory", "in-a-blob"])
async def test_an_upload_that_stops_leaves_nothing(world: World, tmp_path: Path, size: int) -> None:
    key = await world.key()
    head = (
        "POST /api/v1/messages HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
        f"X-API-Key: {key}\r\nContent-Type: multipart/form-data; boundary=g\r\n\r\n"
    ).encode()
    body = WITHOUT_END + b"x" * size
    _, writer = await asyncio.open_connection("127.0.0.1", world.port)
    writer.write(head + b"%x\r\n" % len(body) + body + b"\r\n")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    async with await world.http() as http:  # a body that ends without its boundary, and the one that broke off
        answer = await http.post(
            "/api/v1/messages", content=body, headers={"Content-Type": "multipart/form-data; boundary=g"}
        )
    assert answer.status_code == 400
    async with asyncio.timeout(10):
        while [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]:
            await asyncio.sleep(0.05)
    assert (await facts(world))[2] == []


async def test_a_payload_with_a_content_type_that_fits_no_header_can_still_be_downloaded(world: World) -> None:
    name = await world.receive(await world.cpa(), b"<a/>")
    await world.pool_execute("UPDATE payload SET content_type = 'text/€'")
    async with await world.http() as http:
        answer = await http.get(f"/api/v1/messages/{name}/payloads/p1%40dso.example")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/octet-stream")
    assert answer.content == b"<a/>"
