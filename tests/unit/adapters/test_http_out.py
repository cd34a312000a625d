"""Outgoing requests to real servers: ours with mutual TLS, and a raw one that answers what no server should."""

import asyncio
import contextlib
import hashlib
import io
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.types import Receive, Scope, Send
from tests.certificates import GEMEENTE, LEVERANCIER, NOW, Authority, Issued, Shape, trust_in
from tests.servers import server_tls, serving

from digikoppelaar.adapters import tls
from digikoppelaar.adapters.http_in.protocols import TLS_EXTENSION
from digikoppelaar.adapters.http_out import HttpStream, MtlsHttp, MtlsSessions, MtlsTransport, Timeouts
from digikoppelaar.adapters.keys import Keyring
from digikoppelaar.errors import PartnerUnreachable, TrustError
from digikoppelaar.pki.certificate import Use, read_certificate

AUTHORITY = Authority()
FOREIGN = Authority("Foreign")
SERVER = AUTHORITY.issue()
CLIENT = AUTHORITY.issue(Shape(oin=LEVERANCIER))

TIMEOUTS = Timeouts(connect=5, read=5, total=5)


class FixedClock:
    def now(self) -> object:
        return NOW


@pytest.fixture
async def sessions(tmp_path: Path) -> AsyncIterator[MtlsSessions]:
    async with MtlsSessions(keyring(tmp_path), TIMEOUTS) as sessions:
        yield sessions


def keyring(folder: Path) -> Keyring:
    records = CLIENT.record(folder, Use.TLS_CLIENT, oin=LEVERANCIER)
    return Keyring(records, trust_in(AUTHORITY.write_root(folder, "anchor"), FixedClock()), FixedClock())


@pytest.fixture
def context(tmp_path: Path) -> ssl.SSLContext:
    return server_tls(tmp_path, SERVER, AUTHORITY)


class Seen:
    """An app that keeps what it got and answers as told."""

    def __init__(self, status: int = 204, headers: tuple[tuple[bytes, bytes], ...] = (), body: bytes = b"") -> None:
        self._answer = (status, headers, body)
        self.scopes: list[Scope] = []
        self.bodies: list[bytes] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        status, headers, body = self._answer
        content = io.BytesIO()
        more = True
        while more:
            event = await receive()
            content.write(event.get("body", b""))
            more = event.get("more_body", False)
        self.scopes.append(scope)
        self.bodies.append(content.getvalue())
        await send({"type": "http.response.start", "status": status, "headers": list(headers)})
        await send({"type": "http.response.body", "body": body})

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.scopes[-1]["headers"])


async def post(
    sessions: MtlsSessions, port: int, body: bytes = b"<x/>", host: str = "localhost"
) -> tuple[int, str, bytes]:
    transport = MtlsTransport(sessions)
    reply = await transport.post("pre", LEVERANCIER, f"https://{host}:{port}/ebms", "text/xml; charset=UTF-8", body)
    return reply.status, reply.content_type, reply.body


@pytest.mark.statement(160)
async def test_a_message_goes_out_as_it_is_with_the_headers_of_ebms_and_no_others_of_mime(
    sessions: MtlsSessions, context: ssl.SSLContext
) -> None:
    app = Seen()
    body = bytes(range(256)) * 20_000  # 5 MB, so that it comes in many pieces
    async with serving(app, context) as port:
        assert await post(sessions, port, body) == (204, "", b"")
    assert app.bodies == [body]
    assert [scope["method"] for scope in app.scopes] == ["POST"]
    assert app.headers[b"soapaction"] == b'"ebXML"'
    assert app.headers[b"content-type"] == b"text/xml; charset=UTF-8"
    assert app.headers[b"content-length"] == str(len(body)).encode()
    assert app.headers[b"accept-encoding"] == b"identity"
    assert app.headers.keys().isdisjoint({b"mime-version", b"content-transfer-encoding", b"cookie", b"authorization"})


async def test_the_partij_shows_its_own_certificate(sessions: MtlsSessions, context: ssl.SSLContext) -> None:
    app = Seen()
    async with serving(app, context) as port:
        await post(sessions, port)
    shown = read_certificate(app.scopes[0]["extensions"][TLS_EXTENSION]["client_certificate"])
    assert shown.oin == LEVERANCIER


async def test_the_reply_comes_back_with_its_status_type_and_body(
    sessions: MtlsSessions, context: ssl.SSLContext
) -> None:
    app = Seen(500, ((b"content-type", b"text/xml"),), b"<soap:Fault/>")
    async with serving(app, context) as port:
        assert await post(sessions, port) == (500, "text/xml", b"<soap:Fault/>")


@pytest.mark.statement(168)
@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(sessions: MtlsSessions, context: ssl.SSLContext, status: int) -> None:
    app = Seen(status, ((b"location", b"/elsewhere"), (b"content-length", b"0")))
    async with serving(app, context) as port:
        assert await post(sessions, port) == (status, "", b"")
        async with MtlsHttp(sessions, "pre", LEVERANCIER).get(f"https://localhost:{port}/x") as answer:
            assert answer.status == status
    assert [scope["path"] for scope in app.scopes] == ["/ebms", "/x"]


async def test_a_reply_over_the_limit_is_not_read_to_its_end(sessions: MtlsSessions, context: ssl.SSLContext) -> None:
    async with serving(Seen(200, (), bytes(3_000_000)), context) as port:
        with pytest.raises(PartnerUnreachable, match="larger than 1048576 bytes"):
            await post(sessions, port)


async def test_two_posts_share_a_connection(sessions: MtlsSessions, context: ssl.SSLContext) -> None:
    app = Seen()
    async with serving(app, context) as port:
        await post(sessions, port)
        await post(sessions, port)
    assert app.scopes[0]["client"] == app.scopes[1]["client"]


async def test_a_partij_without_certificate_is_told_before_anything_is_sent(sessions: MtlsSessions) -> None:
    with pytest.raises(TrustError, match=f"partij {GEMEENTE} has no certificate"):
        await MtlsTransport(sessions).post("pre", GEMEENTE, "https://localhost:1/", "text/xml", b"")


@pytest.mark.parametrize(
    "endpoint", ["http://localhost:1/ebms", "ftp://localhost/", "", "https://", "https://[", "x:99999999"]
)
async def test_an_endpoint_that_is_no_https_address_is_refused(sessions: MtlsSessions, endpoint: str) -> None:
    with pytest.raises(PartnerUnreachable):
        await MtlsTransport(sessions).post("pre", LEVERANCIER, endpoint, "text/xml", b"")


async def test_plain_http_is_for_the_sandbox_only(tmp_path: Path) -> None:
    sandbox = Authority("Sandbox", sandbox=True)
    client = sandbox.issue(Shape(oin=LEVERANCIER, sandbox=True))
    records = client.record(tmp_path, Use.TLS_CLIENT, omgeving="sandbox-pre", oin=LEVERANCIER)
    ring = Keyring(records, trust_in(sandbox.write_root(tmp_path), FixedClock(), "sandbox-pre"), FixedClock())
    async with MtlsSessions(ring, TIMEOUTS) as sessions, serving(Seen()) as port:
        endpoint = f"http://127.0.0.1:{port}/ebms"
        reply = await MtlsTransport(sessions).post("sandbox-pre", LEVERANCIER, endpoint, "text/xml", b"<x/>")
    assert reply.status == 204


@pytest.mark.statement(169)
async def test_the_server_hears_which_host_is_called(sessions: MtlsSessions, context: ssl.SSLContext) -> None:
    named: list[str | None] = []
    context.sni_callback = lambda connection, name, of: named.append(name)
    async with serving(Seen(), context) as port:
        await post(sessions, port)
    assert named == ["localhost"]


DAY = timedelta(days=1)
BAD_SERVERS: dict[str, tuple[Callable[[], Issued], str]] = {
    "foreign root": (FOREIGN.issue, "its certificate is not trusted: (unable to get|self-signed)"),
    "expired": (
        lambda: AUTHORITY.issue(Shape(not_before=NOW - 9 * DAY, not_after=NOW - DAY)),
        "certificate has expired",
    ),
    "other host": (lambda: AUTHORITY.issue(Shape(names=["example.invalid"])), "not trusted: Hostname mismatch"),
}


@pytest.mark.statement(169, 188)
@pytest.mark.parametrize("server", BAD_SERVERS)
async def test_a_server_without_a_good_certificate_gets_nothing(
    tmp_path: Path, sessions: MtlsSessions, server: str
) -> None:
    issue, message = BAD_SERVERS[server]
    app = Seen()
    async with serving(app, server_tls(tmp_path, issue(), AUTHORITY)) as port:
        with pytest.raises(PartnerUnreachable, match=f"^localhost: .*{message}"):
            await post(sessions, port)
    assert app.scopes == []


async def test_a_server_that_does_not_trust_us_is_unreachable(tmp_path: Path, sessions: MtlsSessions) -> None:
    context = tls.server_context(tls.Identity(*SERVER.write(tmp_path, "server")), [FOREIGN.write_root(tmp_path, "f")])
    async with serving(Seen(), context) as port:
        with pytest.raises(PartnerUnreachable, match=r"^localhost: "):
            await post(sessions, port)


async def test_a_server_with_old_tls_only_is_unreachable(tmp_path: Path, sessions: MtlsSessions) -> None:
    context = server_tls(tmp_path, SERVER, AUTHORITY)
    context.set_ciphers("ECDHE-RSA-AES256-SHA384:@SECLEVEL=0")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    async with serving(Seen(), context) as port:
        with pytest.raises(PartnerUnreachable, match=r"^localhost: "):
            await post(sessions, port)


async def test_nobody_listening_and_no_such_name_are_unreachable(sessions: MtlsSessions) -> None:
    with pytest.raises(PartnerUnreachable, match=r"^localhost: no connection: "):
        await post(sessions, 1)
    with pytest.raises(PartnerUnreachable, match=r"^nowhere\.invalid: its name cannot be resolved"):
        await post(sessions, 443, host="nowhere.invalid")


@asynccontextmanager
async def answering(context: ssl.SSLContext, *pieces: bytes, hang: bool = False) -> AsyncIterator[int]:
    """A server that reads a request's head, writes these bytes, and then closes or hangs."""
    hanging = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            if hang:
                await hanging.wait()
        writer.transport.abort() if hang else writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        hanging.set()
        server.close()
        await server.wait_closed()


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((), "closed the connection without an answer"),
        ((b"HTTP/1.1 2",), "localhost: "),
        ((HEAD + b"half",), "its answer broke off"),
        ((b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",), "its answer broke off"),
        ((b"SSH-2.0-OpenSSH_9.2\r\n\r\n",), "localhost: "),
        ((b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",), "localhost: "),
    ],
)
async def test_an_answer_that_is_not_whole_is_no_answer(
    sessions: MtlsSessions, context: ssl.SSLContext, answer: tuple[bytes, ...], message: str
) -> None:
    async with answering(context, *answer) as port:
        with pytest.raises(PartnerUnreachable, match=message) as caught:
            await post(sessions, port)
    assert "/ebms" not in str(caught.value)


async def test_bytes_in_a_header_that_are_no_text_become_text(sessions: MtlsSessions, context: ssl.SSLContext) -> None:
    head = b'HTTP/1.1 200 OK\r\nContent-Type: text/xml; x="\xff\xc3\xab"\r\nContent-Length: 2\r\n\r\nok'
    async with answering(context, head) as port:
        assert await post(sessions, port) == (200, 'text/xml; x="?ë"', b"ok")


@pytest.mark.statement(170)
async def test_a_reply_that_never_ends_is_left_after_the_time_out(tmp_path: Path, context: ssl.SSLContext) -> None:
    began = time.monotonic()
    async with (
        MtlsSessions(keyring(tmp_path), Timeouts(connect=5, read=5, total=0.5)) as sessions,
        answering(context, HEAD, b"<a>", hang=True) as port,
    ):
        with pytest.raises(PartnerUnreachable, match="no answer in time"):
            await post(sessions, port)
    assert time.monotonic() - began < 4


@pytest.mark.statement(170)
async def test_a_server_that_never_answers_is_left_after_the_time_out(tmp_path: Path, context: ssl.SSLContext) -> None:
    began = time.monotonic()
    async with (
        MtlsSessions(keyring(tmp_path), Timeouts(connect=5, read=5, total=0.3)) as sessions,
        answering(context, hang=True) as port,
    ):
        with pytest.raises(PartnerUnreachable, match="no answer in time"):
            await post(sessions, port)
    assert time.monotonic() - began < 4


@pytest.mark.statement(170)
async def test_a_server_that_never_shakes_hands_is_left_after_the_connect_time_out(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with MtlsSessions(keyring(tmp_path), Timeouts(connect=0.3)) as sessions:
            with pytest.raises(PartnerUnreachable, match="no answer in time"):
                await post(sessions, silent.getsockname()[1])


async def read(answer: HttpStream) -> bytes:
    return b"".join([chunk async for chunk in answer.chunks])


async def test_a_large_answer_streams_with_its_length_and_headers(
    sessions: MtlsSessions, context: ssl.SSLContext
) -> None:
    content = bytes(range(256)) * 40_000
    app = Seen(200, ((b"content-length", str(len(content)).encode()), (b"X-Naam", b"a")), content)
    async with serving(app, context) as port:
        http = MtlsHttp(sessions, "pre", LEVERANCIER)
        async with http.get(f"https://localhost:{port}/a%2Fb?c=d", {"x-api-key": "k"}) as answer:
            assert (answer.status, answer.length, answer.headers["x-naam"]) == (200, len(content), "a")
            digest = hashlib.sha256()
            async for chunk in answer.chunks:
                assert len(chunk) <= 256 * 1024
                digest.update(chunk)
    assert digest.digest() == hashlib.sha256(content).digest()
    assert (app.headers[b"x-api-key"], app.scopes[0]["query_string"]) == (b"k", b"c=d")
    assert app.scopes[0]["raw_path"] == b"/a%2Fb"


async def test_an_answer_without_length_says_so(sessions: MtlsSessions, context: ssl.SSLContext) -> None:
    async with (
        serving(Seen(404, (), b"weg"), context) as port,
        MtlsHttp(sessions, "pre", LEVERANCIER).get(f"https://localhost:{port}/") as answer,
    ):
        assert (answer.status, answer.length, await read(answer)) == (404, None, b"weg")


async def test_a_stream_that_breaks_off_raises_while_it_is_read(
    sessions: MtlsSessions, context: ssl.SSLContext
) -> None:
    async with (
        answering(context, HEAD + b"half") as port,
        MtlsHttp(sessions, "pre", LEVERANCIER).get(f"https://localhost:{port}/") as answer,
    ):
        assert answer.length == 1000
        with pytest.raises(PartnerUnreachable, match="broke off"):
            await read(answer)


async def test_a_stream_that_stalls_is_left_after_the_read_time_out(tmp_path: Path, context: ssl.SSLContext) -> None:
    async with (
        MtlsSessions(keyring(tmp_path), Timeouts(read=0.3)) as sessions,
        answering(context, HEAD + b"half", hang=True) as port,
        MtlsHttp(sessions, "pre", LEVERANCIER).get(f"https://localhost:{port}/") as answer,
    ):
        with pytest.raises(PartnerUnreachable, match="no answer in time"):
            await read(answer)


async def test_a_stream_that_is_slow_but_alive_is_read_to_its_end(tmp_path: Path, context: ssl.SSLContext) -> None:
    async def drip(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for number in range(10):
            await asyncio.sleep(0.1)  # ten times 0.1 s is longer than one wait may take
            await send({"type": "http.response.body", "body": b"x", "more_body": number < 9})

    async with (
        MtlsSessions(keyring(tmp_path), Timeouts(read=0.6, total=0.6)) as sessions,
        serving(drip, context) as port,
        MtlsHttp(sessions, "pre", LEVERANCIER).get(f"https://localhost:{port}/") as answer,
    ):
        assert await read(answer) == b"x" * 10


async def test_a_stream_that_is_left_early_does_not_poison_the_next_request(
    sessions: MtlsSessions, context: ssl.SSLContext
) -> None:
    content = bytes(30_000_000)
    async with serving(Seen(200, ((b"content-length", b"30000000"),), content), context) as port:
        http = MtlsHttp(sessions, "pre", LEVERANCIER)
        async with http.get(f"https://localhost:{port}/") as answer:
            await anext(answer.chunks)
        async with http.get(f"https://localhost:{port}/") as answer:
            assert len(await read(answer)) == len(content)


async def test_closed_sessions_leave_no_connection_behind(tmp_path: Path, context: ssl.SSLContext) -> None:
    async with serving(Seen(), context) as port:
        async with MtlsSessions(keyring(tmp_path), TIMEOUTS) as sessions:
            await post(sessions, port)
            connector = sessions.session.connector
        assert connector is not None
        assert connector.closed
