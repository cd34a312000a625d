"""Calls to case systems over real sockets: every answer is an answer, and a server gets a few calls at once."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from tests.certificates import Authority, Shape
from tests.servers import server_tls, serving

from digikoppelaar.adapters import tls
from digikoppelaar.adapters.casesystems import http
from digikoppelaar.adapters.casesystems.http import Call, CaseSystemHttp
from digikoppelaar.errors import CaseSystemError, ConfigError, StorageError, TrustError
from digikoppelaar.flows.ports import Streamed


class Server:
    """Answers with what it got, and counts how many calls are under way."""

    def __init__(self) -> None:
        self.under_way = self.most = 0
        self.go = asyncio.Event()

    async def echo(self, request: Request) -> Response:
        body = await request.body()
        length = request.headers.get("content-length", "none")
        return Response(body, status_code=int(request.query_params.get("status", 200)), headers={"X-Length": length})

    async def wait(self, _: Request) -> Response:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.go.wait(), 10)
        self.under_way -= 1
        return Response()

    async def away(self, _: Request) -> Response:
        return RedirectResponse("/echo")

    async def endless(self, _: Request) -> Response:
        return Response(b"x" * 200)

    def app(self) -> Starlette:
        each = {"/echo": self.echo, "/wait": self.wait, "/away": self.away, "/endless": self.endless}
        return Starlette(routes=[Route(path, call, methods=["GET", "POST"]) for path, call in each.items()])


async def pieces() -> AsyncIterator[bytes]:
    yield b"een "
    yield b"twee"


@pytest.mark.parametrize("status", [200, 404, 503])
async def test_every_status_is_an_answer(status: int) -> None:
    async with serving(Server().app()) as port, CaseSystemHttp() as client:
        answer = await client.send(Call("POST", f"http://localhost:{port}/echo?status={status}", body=b"abc"))
    assert (answer.status, answer.body) == (status, b"abc")


async def test_a_stream_goes_out_with_its_length() -> None:
    async with serving(Server().app()) as port, CaseSystemHttp() as client:
        answer = await client.send(Call("POST", f"http://localhost:{port}/echo", body=Streamed(8, pieces)))
    assert (answer.body, answer.headers["x-length"]) == (b"een twee", "8")


async def unreadable() -> AsyncIterator[bytes]:
    yield b"een "
    raise StorageError("the disk is gone")


async def test_a_body_that_cannot_be_read_is_our_own_fault_and_not_that_of_the_server() -> None:
    async with serving(Server().app()) as port, CaseSystemHttp() as client:
        with pytest.raises(StorageError, match="the disk is gone"):
            await client.send(Call("POST", f"http://localhost:{port}/echo", body=Streamed(8, unreadable)))


async def test_a_redirect_is_not_followed() -> None:
    async with serving(Server().app()) as port, CaseSystemHttp() as client:
        assert (await client.send(Call("GET", f"http://localhost:{port}/away"))).status == 307


async def test_no_more_calls_at_once_than_the_server_may_have() -> None:
    server = Server()
    async with serving(server.app()) as port, CaseSystemHttp(calls=3) as client:
        calls = [asyncio.create_task(client.send(Call("GET", f"http://localhost:{port}/wait"))) for _ in range(10)]
        async with asyncio.timeout(10):
            while server.under_way < 3:
                await asyncio.sleep(0)
        server.go.set()
        await asyncio.gather(*calls)
    assert server.most == 3


async def test_an_answer_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_ANSWER_LIMIT", 100)
    async with serving(Server().app()) as port, CaseSystemHttp() as client:
        with pytest.raises(CaseSystemError, match="larger than 100 bytes"):
            await client.send(Call("GET", f"http://localhost:{port}/endless"))


async def test_nobody_there_names_the_host_and_not_the_path() -> None:
    async with serving(Server().app()) as port:
        pass
    async with CaseSystemHttp() as client:
        with pytest.raises(CaseSystemError, match="case system at localhost: no connection") as caught:
            await client.send(Call("GET", f"http://localhost:{port}/geheim?bsn=999990019"))
    assert "geheim" not in str(caught.value)


async def test_no_answer_in_time() -> None:
    async with serving(Server().app()) as port, CaseSystemHttp() as client:
        with pytest.raises(CaseSystemError, match="no answer in time"):
            await client.send(Call("GET", f"http://localhost:{port}/wait", timeout=0.2))


async def test_https_is_trusted_by_the_ca_of_the_target_only(tmp_path: Path) -> None:
    authority = Authority("Zaaksysteem")
    context = server_tls(tmp_path, authority.issue(Shape()), authority)
    context.verify_mode = context.verify_mode.CERT_NONE  # a case system asks no client certificate
    async with serving(Server().app(), lambda: context) as port, CaseSystemHttp() as client:
        url = f"https://localhost:{port}/echo"
        root = authority.write_root(tmp_path, "ca")
        assert (await client.send(Call("GET", url, ca_file=root))).status == 200
        with pytest.raises(CaseSystemError, match="not trusted"):
            await client.send(Call("GET", url))


async def test_a_server_that_asks_for_a_certificate_gets_that_of_the_target_also_when_it_is_renewed(
    tmp_path: Path,
) -> None:
    authority = Authority("Zaaksysteem")
    context = server_tls(tmp_path, authority.issue(Shape()), authority)
    root = authority.write_root(tmp_path, "ca")
    unusable = [tmp_path / "client.pem", tmp_path / "client.key"]
    async with serving(Server().app(), lambda: context) as port, CaseSystemHttp() as client:
        url = f"https://localhost:{port}/echo"
        with pytest.raises(CaseSystemError):
            await client.send(Call("GET", url, ca_file=root))
        with pytest.raises(ConfigError, match="No such file"):
            await client.send(Call("GET", url, ca_file=root, identity=tls.Identity(*unusable)))
        identity = tls.Identity(*authority.issue(Shape()).write(tmp_path, "client"))
        assert (await client.send(Call("GET", url, ca_file=root, identity=identity))).status == 200
        identity.certificate_file.write_text("renewed, but broken")
        with pytest.raises(TrustError):
            await client.send(Call("GET", url, ca_file=root, identity=identity))


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("http://zaken.example.org/api", "must use https"),
        ("https://naam:geheim@zaken.example.org", "without user and password"),
        ("ftp://zaken.example.org", "http or https"),
        ("http://[", "not a URL"),
    ],
)
def test_an_address_that_may_not_be_used_is_refused(url: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint) as caught:
        http.checked_url(url)
    assert "geheim" not in str(caught.value)
