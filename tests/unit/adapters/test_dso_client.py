"""The client of *Verzoek afhandelen* against a server on a socket that answers exactly what a test says."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.adapters.dso_server import API_KEY, NOW, OIN, PROFILE, Noon, Script, answer, calling

from digikoppelaar.adapters import facility_calls
from digikoppelaar.adapters.dso_calls import DsoCalls
from digikoppelaar.adapters.dso_client import DsoRestClient
from digikoppelaar.adapters.retry_after import retry_after
from digikoppelaar.errors import (
    ConfigError,
    FacilityAnswerBroken,
    FacilityError,
    FacilityNotFound,
    FacilityRefused,
    FacilityUnavailable,
    VerzoekError,
)
from digikoppelaar.flows.ports import Aansluiting, FileKind


def summary(**links: Any) -> bytes:
    """The answer to a request for a summary with these links."""
    document = {"verzoeknummer": "1", "_links": {"xml": {"href": "/v2/x", "type": "application/xml"}, **links}}
    return answer(200, json.dumps(document).encode(), "application/hal+json")


@asynccontextmanager
async def connected(script: Script, tmp_path: Path) -> AsyncIterator[DsoRestClient]:
    """A client of a server that follows `script`."""
    async with calling(script, tmp_path) as calls:
        yield DsoRestClient(calls)


async def read(client: DsoRestClient, href: str) -> bytes:
    async with client.download(href) as download:
        return b"".join([chunk async for chunk in download.chunks])


async def test_a_summary_gives_the_links_and_a_link_gives_the_content(tmp_path: Path) -> None:
    asked = {}

    def script(path: str, headers: dict[str, str]) -> bytes:
        asked[path] = headers
        if path == "/v2/verzoeken/1/samenvatting":
            return summary(documenten=[{"href": "/v2/d", "name": "d1", "title": "gevel.png", "length": 3}])
        return answer(200, b"png", "image/png")

    async with connected(script, tmp_path) as client:
        xml, document = await client.summary("1")
        assert (xml.kind, document.kind, document.naam, document.size) == (
            FileKind.XML,
            FileKind.BIJLAGE,
            "gevel.png",
            3,
        )
        assert await read(client, document.href) == b"png"
    assert list(asked) == ["/v2/verzoeken/1/samenvatting", "/v2/d"]
    for headers in asked.values():
        assert (headers[PROFILE.api_key_header], headers[PROFILE.oin_header]) == (API_KEY, OIN)


async def test_a_summary_that_is_the_xml_itself_is_asked_for_as_xml_again(tmp_path: Path) -> None:
    asked = []

    def script(path: str, headers: dict[str, str]) -> bytes:
        asked.append(headers["accept"])
        return answer(200, b"<verzoek/>", "application/xml")

    async with connected(script, tmp_path) as client:
        (link,) = await client.summary("1")
        assert await read(client, link.href) == b"<verzoek/>"
    assert asked == [PROFILE.summary_accept, "application/xml, text/xml"]


STATUSES = [
    (400, FacilityError),
    (401, FacilityRefused),
    (403, FacilityRefused),
    (404, FacilityNotFound),
    (406, FacilityError),
    (408, FacilityUnavailable),
    (429, FacilityUnavailable),
    (500, FacilityUnavailable),
    (503, FacilityUnavailable),
    (599, FacilityUnavailable),
    (301, FacilityAnswerBroken),
    (204, FacilityAnswerBroken),
    (206, FacilityAnswerBroken),
]


@pytest.mark.parametrize(("status", "expected"), STATUSES)
async def test_every_status_but_200_is_an_error_of_its_kind(
    tmp_path: Path, status: int, expected: type[FacilityError]
) -> None:
    def script(path: str, headers: dict[str, str]) -> bytes:
        return answer(status, b"" if status == 204 else b"Jansen", location="http://127.0.0.1:1/")

    async with connected(script, tmp_path) as client:
        with pytest.raises(FacilityError) as from_summary:
            await client.summary("1")
        base_url = client._calls.settings.base_url
        with pytest.raises(FacilityError) as from_download:
            await read(client, f"{base_url}/x")
    for raised in (from_summary.value, from_download.value):
        assert type(raised) is expected
        assert str(status) in str(raised)
        assert "Jansen" not in str(raised) + raised.advice
        assert API_KEY not in str(raised) + raised.advice


@pytest.mark.parametrize(("status", "word"), [(401, "API-sleutel"), (403, "mandaat")])
async def test_a_refusal_says_what_to_look_at(tmp_path: Path, status: int, word: str) -> None:
    async with connected(lambda *_: answer(status), tmp_path) as client:
        with pytest.raises(FacilityRefused) as refused:
            await client.summary("1")
    assert word in refused.value.advice


async def test_retry_after_is_passed_on(tmp_path: Path) -> None:
    async with connected(lambda *_: answer(503, retry_after="30"), tmp_path) as client:
        with pytest.raises(FacilityUnavailable) as unavailable:
            await client.summary("1")
    assert unavailable.value.retry_after == 30


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        ("Tue, 02 Jun 2026 09:01:00 GMT", 60),
        ("Tue, 02 Jun 2026 08:00:00 GMT", 0),
        ("", None),
        ("straks", None),
        ("-5", None),
        ("٣", None),
        ("Tue, 99 Jun 2026 08:00:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds


BROKEN: dict[str, bytes | None] = {
    "shorter than announced": answer(200, b"<x/>", "application/xml", content_length="9"),
    "chunked without an end": b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/xml\r\n"
    b"transfer-encoding: chunked\r\n\r\n3\r\n<x/\r\n",
    "a problem": answer(200, b"{}", "application/problem+json"),
    "a page": answer(200, b"<html/>", "text/html; charset=utf-8"),
    "a pdf instead of xml": answer(200, b"%PDF", "application/pdf"),
    "encoded": answer(200, b"<x/>", "application/xml", content_encoding="gzip"),
}


@pytest.mark.parametrize("case", BROKEN)
async def test_a_download_that_is_not_whole_or_not_what_was_asked_is_broken(tmp_path: Path, case: str) -> None:
    script: Script = lambda path, _: summary() if "samenvatting" in path else BROKEN[case]  # noqa: E731
    async with connected(script, tmp_path) as client:
        (xml,) = await client.summary("1")
        with pytest.raises(FacilityAnswerBroken):
            await read(client, xml.href)


@pytest.mark.parametrize(
    "said",
    [
        answer(200, b"{}", "application/json"),
        answer(200, b"{", "application/json"),
        answer(200, b"{}", "text/html"),
        answer(200, b'{"_links": {"xml": {"href": "x"}}', "application/json", content_length="99"),
        answer(200, b'{"verzoeknummer": "2", "_links": {"xml": {"href": "x"}}}', "application/json"),
    ],
)
async def test_a_summary_that_is_not_whole_or_not_understood_is_broken(tmp_path: Path, said: bytes) -> None:
    async with connected(lambda *_: said, tmp_path) as client:
        with pytest.raises(FacilityAnswerBroken):
            await client.summary("1")


async def test_a_summary_over_the_limit_is_not_read_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facility_calls, "DOCUMENT_LIMIT", 1000)
    async with connected(lambda *_: answer(200, b" " * 5000, "application/json"), tmp_path) as client:
        with pytest.raises(FacilityAnswerBroken, match="over"):
            await client.summary("1")


async def test_no_answer_is_unavailable(tmp_path: Path) -> None:
    async with connected(lambda *_: None, tmp_path) as client:
        with pytest.raises(FacilityUnavailable):
            await client.summary("1")


async def test_nobody_listening_is_unavailable(tmp_path: Path) -> None:
    async with connected(lambda *_: None, tmp_path) as client:
        client._calls.settings = replace(client._calls.settings, base_url="http://127.0.0.1:1")
        with pytest.raises(FacilityUnavailable):
            await client.summary("1")


@pytest.mark.parametrize(
    "href",
    [
        "http://evil.test/v2/x",
        "http://127.0.0.1:1/v2/x",
        "https://{host}/v2/x",
        "http://user@{host}/v2/x",
        "http://{host}@evil.test/v2/x",
        "http://evil.test\\@{host}/v2/x",
        "http://{host}\\@evil.test/v2/x",
        "http://{host}.evil.test/v2/x",
        "http://evil.test#@{host}/v2/x",
        "//{host}/v2/x",
        "file:///etc/passwd",
        "ftp://{host}/x",
        "http://{host}:99999/x",
        "http://{host}/a\r\nX-Header: 1",
        " http://{host}/x",
        "http://[::1/x",
        "",
    ],
)
async def test_a_link_to_another_host_is_never_followed(tmp_path: Path, href: str) -> None:
    asked = []
    async with connected(lambda path, _: asked.append(path), tmp_path) as client:
        host = client._calls.settings.base_url.removeprefix("http://").removesuffix("/v2")
        with pytest.raises(FacilityError, match="not followed") as refused:
            await read(client, href.format(host=host))
    assert not refused.value.retryable
    assert asked == []


async def test_a_broken_base_url_makes_no_link_acceptable(tmp_path: Path) -> None:
    async with connected(lambda *_: None, tmp_path) as client:
        client._calls.settings = replace(client._calls.settings, base_url="http://a@b/")
        with pytest.raises(FacilityError, match="not followed"):
            await read(client, "http://c@d/")


@pytest.mark.parametrize("content", [None, b"", b"two\nlines", b"\xff", "sleutel é".encode(), b"a\x00b"])
async def test_an_api_key_that_cannot_be_used_is_told_without_showing_it(tmp_path: Path, content: bytes | None) -> None:
    async with connected(lambda *_: answer(500), tmp_path) as client:
        key_file = Path(client._calls.settings.api_key_file)
        key_file.unlink() if content is None else key_file.write_bytes(content)
        with pytest.raises(ConfigError) as refused:
            await client.summary("1")
    assert "api-key" in str(refused.value)
    assert "two" not in str(refused.value)


async def test_a_new_api_key_counts_once_the_old_one_is_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digikoppelaar.adapters.dso_calls.KEY_REMEMBERED", 0.0)
    seen = []

    def script(path: str, headers: dict[str, str]) -> bytes:
        seen.append(headers[PROFILE.api_key_header])
        return summary()

    async with connected(script, tmp_path) as client:
        await client.summary("1")
        await asyncio.to_thread(Path(client._calls.settings.api_key_file).write_text, "nieuw")
        await client.summary("1")
    assert seen == [API_KEY, "nieuw"]


async def test_a_verzoeknummer_cannot_lead_to_another_path(tmp_path: Path) -> None:
    asked = []
    async with connected(lambda path, _: asked.append(path), tmp_path) as client:
        for number in ("..", "1/../2", "1?x", "1#"):
            with pytest.raises(VerzoekError):
                await client.summary(number)
    assert asked == []


def test_an_aansluiting_without_dso_settings_has_no_client() -> None:
    aansluiting = Aansluiting(1, OIN, "Gemeente Voorbeeldstad", "drop", "pre", OIN, None, None)
    get: Any = object()
    with pytest.raises(ConfigError):
        DsoCalls(get, aansluiting, PROFILE, Noon())


async def test_an_answer_that_stalls_is_given_up(tmp_path: Path) -> None:
    stalled = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{")
        await stalled.wait()
        writer.close()

    async with connected(lambda *_: None, tmp_path) as client:
        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        async with server:
            address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            client._calls.settings = replace(client._calls.settings, base_url=address)
            with pytest.raises(FacilityAnswerBroken, match="no answer in time"):
                await client.summary("1")
            stalled.set()
