"""Who may ask, what every response carries, and how errors look."""

from datetime import datetime
from typing import Any

import pytest
from tests.asgi import request
from tests.unit.web import examples
from tests.unit.web.archive import Archive
from tests.unit.web.gates import OPEN

from digikoppelaar.adapters.http_in.browser import SECURITY_HEADERS
from digikoppelaar.adapters.memory.views import MemoryViews
from digikoppelaar.errors import StorageError
from digikoppelaar.flows.reading import MessageFilter, MessageRow
from digikoppelaar.web.app import HEADERS, make_app


class FixedClock:
    def now(self) -> datetime:
        return examples.NOW


class BrokenArchive(Archive):
    """A fault of ours, to be seen by nobody but the log."""

    async def messages(self, wanted: MessageFilter) -> list[MessageRow]:
        raise RuntimeError("secret detail")


@pytest.fixture
def app() -> Any:
    return make_app(
        Archive([examples.verzoek_page(examples.verzoek_row())], [examples.answer_page()]),
        MemoryViews(),
        FixedClock(),
        OPEN,
    )


@pytest.mark.parametrize("host", ["localhost", "localhost:8080", "127.0.0.1:8080", "[::1]", "[::1]:8080", "LOCALHOST"])
async def test_a_loopback_host_is_answered(app: Any, host: str) -> None:
    assert (await request(app, "/verzoeken", host=host)).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "192.0.2.1:8080",
        "[::2]",
        "",
        "localhost@evil",
    ],
)
async def test_any_other_host_is_refused_before_anything_is_read(host: str) -> None:
    response = await request(
        make_app(Archive(failing=True), MemoryViews(), FixedClock(), OPEN), "/verzoeken", host=host
    )
    assert response.status == 400
    assert "verzoek" not in response.text.lower()


@pytest.mark.parametrize("target", ["/", "/verzoeken", "/berichten/out/3", "/static/style.css", "/nergens"])
async def test_every_response_has_the_security_headers(app: Any, target: str) -> None:
    headers = (await request(app, target)).headers
    assert {name: headers[name.lower()] for name in HEADERS} == HEADERS


async def test_a_refused_host_gets_the_security_headers_too(app: Any) -> None:
    headers = (await request(app, "/", host="evil.example")).headers
    assert headers["content-security-policy"] == SECURITY_HEADERS["Content-Security-Policy"]


async def test_the_policy_allows_no_script_no_inline_style_and_no_frame() -> None:
    policy = SECURITY_HEADERS["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize(
    "target",
    [
        "/nergens",
        "/verzoeken/1/9999",
        "/verzoeken/2/" + examples.NUMBER,
        "/verzoeken/99999999999999999999/1",
        "/verzoeken/1/a%00b",
        "/verzoeken/1/" + "9" * 300,
        "/berichten/in/3",
        "/berichten/sideways/3",
        "/berichten/out/99999999999999999999",
        "/static/../app.py",
        "/static/nergens.css",
    ],
)
async def test_what_is_not_there_is_a_404_page_in_dutch(app: Any, target: str) -> None:
    response = await request(app, target)
    assert response.status == 404
    assert "<h1>Niet gevonden</h1>" in response.text


@pytest.mark.parametrize(
    "query",
    ["voor=gisteren", "voor=2026-01-01T00:00:00", "omgeving=productie", "verzoeknummer=%00", "oin=" + "1" * 300],
)
async def test_a_filter_that_makes_no_sense_is_a_400_page(app: Any, query: str) -> None:
    response = await request(app, "/verzoeken?" + query)
    assert response.status == 400
    assert "<h1>Deze vraag klopt niet</h1>" in response.text


async def test_an_unknown_direction_in_the_filter_is_a_400_page(app: Any) -> None:
    assert (await request(app, "/berichten?richting=opzij")).status == 400


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_the_pages_are_read_only(app: Any, method: str) -> None:
    response = await request(app, "/verzoeken", method=method)
    assert response.status == 405
    assert "GET" in response.headers["allow"]


async def test_head_has_the_headers_of_get(app: Any) -> None:
    assert (await request(app, "/verzoeken", method="HEAD")).status == 200


@pytest.mark.parametrize("target", ["/", "/verzoeken", "/verzoeken/1/1", "/berichten", "/berichten/in/1"])
async def test_without_a_database_there_is_a_503_page_that_says_so(target: str) -> None:
    response = await request(make_app(Archive(failing=True), MemoryViews(), FixedClock(), OPEN), target)
    assert response.status == 503
    assert "<h1>De database is niet bereikbaar</h1>" in response.text
    assert StorageError.default_advice in response.text


async def test_a_fault_of_ours_is_a_500_page_that_tells_nothing() -> None:
    response = await request(make_app(BrokenArchive(), MemoryViews(), FixedClock(), OPEN), "/berichten")
    assert response.status == 500
    assert "<h1>Er ging iets mis</h1>" in response.text
    assert "secret detail" not in response.text
    assert response.headers["content-security-policy"] == SECURITY_HEADERS["Content-Security-Policy"]
