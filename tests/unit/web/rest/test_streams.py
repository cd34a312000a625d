"""Payloads of any size: the three mtom calls of ebms-core and our own streams, in plain HTTP."""

import asyncio
import hashlib
import json
import resource
from collections.abc import AsyncIterator, Iterator
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.unit.ebms.cpas import CPA_ID, GEMEENTE, SERVICE
from tests.unit.web.rest.world import OTHER, World, opened_world

from digikoppelaar.adapters.postgres.views import PostgresViews
from digikoppelaar.errors import StorageError
from digikoppelaar.flows.views import ViewFilter
from digikoppelaar.web.rest.parts import Limits

MTOM = "/service/rest/v19/ebms/messages/mtom"
PROPERTIES = {
    "cpaId": CPA_ID,
    "fromPartyId": f"urn:osb:oin:{GEMEENTE}",
    "service": f"urn:osb:services:{SERVICE}",
    "action": "bevestig",
    "conversationId": "gesprek",
}
MIB = 1024 * 1024
BOUNDARY = "grens"


def form(contents: list[tuple[str, bytes]], properties: object = None, *, properties_last: bool = False) -> bytes:
    """A form as CXF writes it: parts named `attachment`, each with a Content-ID of its own."""
    parts = [
        b'Content-Disposition: form-data; name="attachment"; filename="%s"\r\nContent-ID: <%s>\r\n'
        b"Content-Type: application/pdf\r\n\r\n%s" % (name.encode(), name.encode(), content)
        for name, content in contents
    ]
    said = json.dumps(PROPERTIES if properties is None else properties).encode()
    about = b'Content-Disposition: form-data; name="requestProperties"\r\nContent-Type: application/json\r\n\r\n' + said
    parts.insert(len(parts) if properties_last else 0, about)
    return b"".join(b"--grens\r\n" + part + b"\r\n" for part in parts) + b"--grens--\r\n"


async def post(http: httpx.AsyncClient, path: str, content: Any) -> httpx.Response:
    return await http.post(path, content=content, headers={"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"})


def parts_of(answer: httpx.Response) -> list[Message]:
    """The parts of a multipart answer, read by the standard library."""
    head = f"Content-Type: {answer.headers['content-type']}\r\n\r\n".encode()
    found = message_from_bytes(head + answer.content)
    assert not found.defects
    parts = found.get_payload()
    assert isinstance(parts, list)
    return parts


def blobs_of(world: World) -> list[Path]:
    return [path for path in Path(world.blobs._folder).rglob("*") if path.is_file()]


@pytest.mark.parametrize("last", [False, True])
async def test_a_message_is_sent_as_a_form_with_its_properties_anywhere(world: World, last: bool) -> None:
    cpa = await world.cpa()
    small, large = b"<klein/>", b"x" * MIB
    async with await world.http() as http:
        answer = await post(http, MTOM, form([("een@x", small), ("twee@x", large)], properties_last=last))
    assert answer.status_code == 200, answer.text
    sent = await world.messages.find_outbound(cpa, answer.text)
    assert sent
    assert small in sent.body
    [hole] = sent.holes
    assert hole.size == len(large)
    assert b"".join([piece async for piece in world.blobs.get(hole.blob)]) == large
    assert b"een@x" in sent.body
    assert b"twee@x" in sent.body


async def test_a_message_is_read_as_a_form_and_marked_when_asked(world: World) -> None:
    large = bytes(range(256)) * 4096
    blob = await world.blobs.put("ebms/groot", _once(large))
    name = await world.receive(await world.cpa(), b"<een/>\r\n--x", blob)
    async with await world.http() as http:
        answer = await http.get(f"{MTOM}/{name}")
        properties, first, second = parts_of(answer)
        assert properties["Content-Disposition"] == 'form-data; name="properties"'
        assert json.loads(str(properties.get_payload()))["messageStatus"] == "RECEIVED"
        assert (first["Content-ID"], first.get_content_type()) == ("<p1@dso.example>", "application/xml")
        assert first.get_payload(decode=True) == b"<een/>\r\n--x"
        assert second.get_payload(decode=True) == large
        unprocessed = "/service/rest/v19/ebms/messages/unprocessed"
        assert (await http.get(unprocessed)).json() == [name]
        await http.get(f"{MTOM}/{name}?process=true")
        assert (await http.get(unprocessed)).json() == []


async def test_a_message_whose_download_breaks_off_stays_unprocessed(world: World) -> None:
    blob = await world.blobs.put("ebms/groot", _once(b"x" * 64 * MIB))
    name = await world.receive(await world.cpa(), blob)
    async with await world.http() as http:
        for path in (f"{MTOM}/{name}", f"/service/rest/v19/ebms/messages/{name}"):
            async with http.stream("GET", f"{path}?process=true") as answer:
                async for _ in answer.aiter_raw(1024):
                    break
        assert (await http.get("/service/rest/v19/ebms/messages/unprocessed")).json() == [name]


async def test_what_is_given_to_an_application_is_in_the_view_log(world: World) -> None:
    name = await world.receive(await world.cpa(), b"<verzoek/>")
    views, who = PostgresViews(world.pool), await world.application()
    async with await world.http() as http:
        await http.get("/service/rest/v19/ebms/messages/unprocessed")
        assert await views.views(ViewFilter()) == []
        for path in (f"{MTOM}/{name}", f"/service/rest/v19/ebms/messages/{name}", f"/api/v1/messages/{name}"):
            assert (await http.get(path)).status_code == 200
        assert (await http.get(f"/api/v1/messages/{name}/payloads/p1@dso.example")).status_code == 200
    async with await world.http(OTHER) as http:
        assert (await http.get(f"{MTOM}/{name}")).status_code == 404
    rows = await views.views(ViewFilter(message_id=name))
    assert [(row.viewer_kind, row.viewer, row.organisatie_oin) for row in rows] == [("api-key", who.key, GEMEENTE)] * 4


async def test_a_payload_is_downloaded_as_it_is_with_its_length_and_digest(world: World) -> None:
    large = b"\r\n\x00" * 700_000
    blob = await world.blobs.put("ebms/groot", _once(large))
    name = await world.receive(await world.cpa(), b"<een/>", blob)
    async with await world.http() as http:
        shown = (await http.get(f"/api/v1/messages/{name}")).json()
        small, big = shown["payloads"]
        assert (small["size"], small["contentType"], big["name"]) == (6, "application/xml", "groot.pdf")
        assert shown["properties"]["messageId"] == name
        answer = await http.get(big["href"])
        assert answer.content == large
        assert int(answer.headers["content-length"]) == len(large)
        assert hashlib.sha256(answer.content).hexdigest() == big["sha256"]
        assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''groot.pdf"
        assert (await http.get(f"/api/v1/messages/{name}/payloads/ander")).status_code == 404
        assert (await http.get("/api/v1/messages/ander/payloads/p1")).status_code == 404


async def test_an_upload_of_hundred_mebibytes_takes_no_memory(world: World) -> None:
    cpa = await world.cpa()
    size = 100 * MIB
    start, _, end = form([("groot@x", b"@")]).partition(b"@\r\n--grens--")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    async def body() -> AsyncIterator[bytes]:
        yield start
        for _ in range(size // MIB):
            yield b"x" * MIB
        yield b"\r\n--grens--" + end

    async with await world.http() as http:
        answer = await post(http, "/api/v1/messages", body())
        assert answer.status_code == 201, answer.text
    sent = await world.messages.find_outbound(cpa, answer.text)
    assert sent
    [hole] = sent.holes
    assert hole.size == size
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 48 * 1024


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"geen formulier",
        form([])[:-6],
        form([("een@x", b"x" * MIB)])[:-6],
        form([("een@x", b"x" * MIB)], properties={}),
        form([("een@x", b"x" * MIB)], properties=[]),
        form([("een@x", b"x" * MIB)], properties={**PROPERTIES, "action": "andere"}),
        form([("met spatie", b"x" * MIB)]),
        form([("een@x", b"")] * 101),
        b"--grens\r\nX: " + b"y" * 20_000 + b"\r\n\r\n\r\n--grens--\r\n",
    ],
)
async def test_a_form_that_cannot_be_sent_leaves_nothing_behind(world: World, content: bytes) -> None:
    await world.cpa()
    async with await world.http() as http:
        answer = await post(http, MTOM, content)
        assert answer.status_code in {400, 413}, answer.text
        no_form = await http.post(MTOM, content=content, headers={"Content-Type": "text/plain"})
        assert no_form.status_code == 400
    assert blobs_of(world) == []


async def test_an_upload_that_breaks_off_leaves_nothing_behind(world: World) -> None:
    await world.cpa()

    def body() -> Iterator[bytes]:
        yield form([("een@x", b"x" * MIB)])[:-100]
        raise ConnectionAbortedError

    url = f"http://127.0.0.1:{world.port}{MTOM}"
    headers = {"X-API-Key": await world.key(), "Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}

    def send() -> None:
        with pytest.raises(ConnectionAbortedError), httpx.Client() as http:
            http.post(url, content=body(), headers=headers)

    await asyncio.to_thread(send)
    async with asyncio.timeout(10):
        while blobs_of(world):
            await asyncio.sleep(0.01)


async def test_what_is_larger_than_allowed_is_refused(database_url: str, tmp_path: Path) -> None:
    async with opened_world(database_url, tmp_path / "blobs", Limits(json=2048, upload=MIB)) as world:
        await world.cpa()
        async with await world.http() as http:
            answer = await post(http, MTOM, form([("een@x", b"x" * MIB)]))
            assert answer.status_code == 413
            answer = await http.post("/service/rest/v19/ebms/messages", content=b"x" * 2049)
            assert answer.status_code == 413
        assert blobs_of(world) == []


async def test_blobs_of_which_nobody_knows_whether_a_row_has_them_stay(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.cpa()

    async def unknown(*_: object) -> None:
        raise StorageError("the connection was lost at the commit")

    monkeypatch.setattr(type(world.messages), "queue_outbound", unknown)
    async with await world.http() as http:
        answer = await post(http, MTOM, form([("een@x", b"x" * MIB)]))
    assert (answer.status_code, answer.text) == (503, "no answer from storage")
    assert len(blobs_of(world)) == 1


async def test_asking_again_with_its_own_message_id_keeps_one_upload_only(world: World) -> None:
    cpa = await world.cpa()
    properties = {**PROPERTIES, "messageId": "eigen@gemeente", "conversationId": "c1"}
    async with await world.http() as http:
        for _ in range(3):
            answer = await post(http, MTOM, form([("een@x", b"x" * MIB)], properties))
            assert (answer.status_code, answer.text) == (200, "eigen@gemeente")
    sent = await world.messages.find_outbound(cpa, "eigen@gemeente")
    assert sent
    [hole], [file] = sent.holes, blobs_of(world)
    assert hole.blob.rpartition("/")[2] == file.name


async def test_an_upload_that_cannot_be_written_is_asked_for_again(world: World) -> None:
    await world.cpa()
    Path(world.blobs._folder).mkdir(exist_ok=True)
    (Path(world.blobs._folder) / "ebms").write_bytes(b"")  # where the folder of blobs should be
    async with await world.http() as http:
        answer = await post(http, MTOM, form([("een@x", b"x" * MIB)]))
    assert (answer.status_code, answer.text) == (503, "no answer from storage")


async def test_an_upload_that_cannot_be_removed_is_logged_and_the_answer_stands(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stuck(*_: object) -> None:
        raise StorageError("read-only")

    monkeypatch.setattr(type(world.blobs), "delete", stuck)
    async with await world.http() as http:
        answer = await post(http, MTOM, form([("een@x", b"x" * MIB), ("twee@x", b"y" * MIB)]))
    assert (answer.status_code, answer.text) == (400, f"there is no CPA {PROPERTIES['cpaId']}")


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
