"""The listener over real sockets with real certificates."""

import asyncio
import contextlib
import signal
import ssl
import time
import warnings
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs
from tests.certificates import CLIENT_AUTH, LEVERANCIER, NOW, SERVER_AUTH, Authority, Issued, Shape, ec_key
from tests.servers import RawClient, attempt, client_tls, echo, eventually, refused, server_tls, serving

from digikoppelaar.adapters.http_in.protocols import TLS_EXTENSION
from digikoppelaar.adapters.http_in.server import Limits, Listener, serve
from digikoppelaar.errors import ConfigError

AUTHORITY = Authority()
FOREIGN = Authority("Foreign")
SERVER = AUTHORITY.issue()
CLIENT = AUTHORITY.issue(Shape(oin=LEVERANCIER))

POST = b"POST /ebms HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello"


@pytest.fixture
def context(tmp_path: Path) -> ssl.SSLContext:
    return server_tls(tmp_path, SERVER, AUTHORITY)


@pytest.fixture
def client(tmp_path: Path) -> ssl.SSLContext:
    return client_tls(tmp_path, CLIENT, AUTHORITY)


@pytest.mark.statement(173)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_tls_1_2_and_1_3_work(context: ssl.SSLContext, client: ssl.SSLContext, version: ssl.TLSVersion) -> None:
    client.minimum_version = client.maximum_version = version
    async with serving(echo, context) as port:
        assert (await attempt(port, client, POST)).endswith(b"\r\n\r\nhello")


@pytest.mark.statement(173)
async def test_tls_1_3_is_chosen_when_both_sides_have_it(context: ssl.SSLContext, client: ssl.SSLContext) -> None:
    def version(port: int) -> tuple[str | None, bytes]:
        with RawClient(port, client) as connection:
            assert isinstance(connection.socket, ssl.SSLSocket)
            return connection.socket.version(), connection.exchange(POST)

    async with serving(echo, context) as port:
        chosen, answer = await asyncio.to_thread(version, port)
    assert chosen == "TLSv1.3"
    assert answer.endswith(b"hello")


async def test_the_client_certificate_arrives_in_the_scope(context: ssl.SSLContext, client: ssl.SSLContext) -> None:
    scopes: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)
        await echo(scope, receive, send)

    async with serving(app, context) as port:
        await attempt(port, client, POST)
    extension = scopes[0]["extensions"][TLS_EXTENSION]
    assert extension["client_certificate"] == CLIENT.der
    assert extension["version"] == "TLSv1.3"
    assert scopes[0]["client"][0] == "127.0.0.1"
    assert scopes[0]["scheme"] == "https"


def odd(shape: Shape) -> Issued:
    return AUTHORITY.issue(shape)


DAY = timedelta(days=1)
REFUSED_CLIENTS = {
    "no-client-certificate": None,
    "certificate-not-trusted": FOREIGN.issue(Shape(oin=LEVERANCIER)),
    "certificate-expired": odd(Shape(not_before=NOW - 9 * DAY, not_after=NOW - DAY)),
    "certificate-not-yet-valid": odd(Shape(not_before=NOW + DAY)),
    "certificate-purpose": odd(Shape(usages=[SERVER_AUTH])),
}


@pytest.mark.statement(175, 178)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("reason", REFUSED_CLIENTS)
async def test_a_client_without_a_good_certificate_is_closed_counted_and_logged(
    tmp_path: Path, context: ssl.SSLContext, reason: str, version: ssl.TLSVersion
) -> None:
    client = client_tls(tmp_path, REFUSED_CLIENTS[reason], AUTHORITY)
    client.minimum_version = client.maximum_version = version
    before = refused(reason)
    with capture_logs() as logs:
        async with serving(echo, context) as port:
            assert await attempt(port, client, POST) == b""
            await eventually(lambda: refused(reason) == before + 1)
    (entry,) = (entry for entry in logs if entry["event"] == "refused")
    assert (entry["reason"], entry["address"], entry["omgeving"]) == (reason, "127.0.0.1", "pre")
    assert entry["detail"]


async def test_a_four_level_chain_with_a_missing_intermediate_is_not_trusted(
    tmp_path: Path, context: ssl.SSLContext
) -> None:
    client = client_tls(tmp_path, Issued(CLIENT.certificate, CLIENT.key), AUTHORITY)
    before = refused("certificate-not-trusted")
    async with serving(echo, context) as port:
        assert await attempt(port, client, POST) == b""
        await eventually(lambda: refused("certificate-not-trusted") == before + 1)


@pytest.mark.parametrize(
    "shape", [Shape(oin=LEVERANCIER, usages=None), Shape(usages=[CLIENT_AUTH], key=ec_key("leaf"))]
)
async def test_certificates_without_extended_key_usage_and_with_elliptic_keys_are_let_in(
    tmp_path: Path, context: ssl.SSLContext, shape: Shape
) -> None:
    async with serving(echo, context) as port:
        assert (await attempt(port, client_tls(tmp_path, odd(shape), AUTHORITY), POST)).endswith(b"hello")


@pytest.mark.statement(184)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_hierarchy_signed_with_rsassa_pss_is_let_in(tmp_path: Path, version: ssl.TLSVersion) -> None:
    g4 = Authority("G4", pss=True)
    client = client_tls(tmp_path, g4.issue(Shape(oin=LEVERANCIER)), g4)
    client.minimum_version = client.maximum_version = version
    async with serving(echo, server_tls(tmp_path, g4.issue(), g4)) as port:
        assert (await attempt(port, client, POST)).endswith(b"hello")


@pytest.mark.statement(172)
async def test_tls_1_1_is_refused_and_counted(context: ssl.SSLContext, client: ssl.SSLContext) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        client.minimum_version = client.maximum_version = ssl.TLSVersion.TLSv1_1
    before = refused("tls-version")
    async with serving(echo, context) as port:
        assert await attempt(port, client, POST) == b""
        await eventually(lambda: refused("tls-version") == before + 1)


@pytest.mark.statement(174)
@pytest.mark.parametrize(
    "suite",
    ["ECDHE-RSA-AES256-SHA384", "ECDHE-RSA-AES128-SHA", "DHE-RSA-AES256-GCM-SHA384", "AES256-GCM-SHA384"],
    ids=["CBC", "CBC-SHA1", "DHE", "static RSA"],
)
async def test_other_suites_are_refused_and_counted(
    context: ssl.SSLContext, client: ssl.SSLContext, suite: str
) -> None:
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    client.set_ciphers(f"{suite}:@SECLEVEL=0")
    before = refused("tls-suite")
    async with serving(echo, context) as port:
        assert await attempt(port, client, POST) == b""
        await eventually(lambda: refused("tls-suite") == before + 1)


@pytest.mark.statement(174)
def test_exactly_the_suites_of_digikoppeling_are_offered(context: ssl.SSLContext) -> None:
    assert {suite["name"] for suite in context.get_ciphers()} == {
        "TLS_AES_256_GCM_SHA384",
        "TLS_CHACHA20_POLY1305_SHA256",
        "TLS_AES_128_GCM_SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        "ECDHE-RSA-CHACHA20-POLY1305",
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES128-GCM-SHA256",
    }


async def test_no_session_can_be_resumed_by_ticket(context: ssl.SSLContext, client: ssl.SSLContext) -> None:
    def has_ticket(port: int) -> bool:
        with RawClient(port, client) as connection:
            assert connection.exchange(POST)
            assert isinstance(connection.socket, ssl.SSLSocket)
            session = connection.socket.session
            return session is not None and session.has_ticket

    async with serving(echo, context) as port:
        assert not await asyncio.to_thread(has_ticket, port)


@pytest.mark.statement(178)
async def test_with_crls_a_revoked_certificate_is_refused_and_another_is_let_in(
    tmp_path: Path, client: ssl.SSLContext
) -> None:
    revoked = odd(Shape(oin=LEVERANCIER))
    context = server_tls(tmp_path, SERVER, AUTHORITY, (AUTHORITY.write_crls(tmp_path, revoked),))
    before = refused("certificate-revoked")
    async with serving(echo, context) as port:
        assert (await attempt(port, client, POST)).endswith(b"hello")
        assert await attempt(port, client_tls(tmp_path, revoked, AUTHORITY), POST) == b""
        await eventually(lambda: refused("certificate-revoked") == before + 1)


async def test_plain_http_on_a_tls_listener_is_refused_and_counted(context: ssl.SSLContext) -> None:
    before = refused("not-tls")
    async with serving(echo, context) as port:
        assert b"hello" not in await attempt(port, None, POST)
        await eventually(lambda: refused("not-tls") == before + 1)


@pytest.mark.parametrize(("reason", "leave"), [("handshake-timeout", False), ("connection-lost", True)])
async def test_a_handshake_that_never_ends_is_cut_and_counted(
    context: ssl.SSLContext, reason: str, leave: bool
) -> None:
    before = refused(reason)
    async with serving(echo, context, Limits(handshake=0.3, stop=2)) as port:
        with await asyncio.to_thread(RawClient, port) as client:
            client.send(b"\x16\x03\x01")  # the start of a ClientHello
            if leave:
                client.socket.close()
            await eventually(lambda: refused(reason) == before + 1)


async def test_a_slow_handshake_holds_up_nobody_else(context: ssl.SSLContext, client: ssl.SSLContext) -> None:
    async with serving(echo, context, Limits(handshake=1, stop=2)) as port:
        with await asyncio.to_thread(RawClient, port):
            assert (await attempt(port, client, POST)).endswith(b"hello")


async def test_two_requests_go_over_one_connection(context: ssl.SSLContext, client: ssl.SSLContext) -> None:
    def two(port: int) -> tuple[bytes, bytes]:
        with RawClient(port, client) as connection:
            return connection.exchange(POST), connection.exchange(POST.replace(b"hello", b"again"))

    async with serving(echo, context) as port:
        first, second = await asyncio.to_thread(two, port)
    assert first.endswith(b"hello")
    assert second.endswith(b"again")


async def test_the_answer_does_not_tell_which_server_this_is(context: ssl.SSLContext, client: ssl.SSLContext) -> None:
    async with serving(echo, context) as port:
        assert b"server:" not in (await attempt(port, client, POST)).lower()


@pytest.fixture(params=["tls", "plain"])
def either(
    request: pytest.FixtureRequest, context: ssl.SSLContext, client: ssl.SSLContext
) -> tuple[ssl.SSLContext | None, ssl.SSLContext | None]:
    """Server and client context, and none at all."""
    return (context, client) if request.param == "tls" else (None, None)


Either = tuple[ssl.SSLContext | None, ssl.SSLContext | None]


def with_headers(request: bytes, *headers: bytes) -> bytes:
    return request.replace(b"\r\n\r\n", b"".join(b"\r\n" + header for header in headers) + b"\r\n\r\n", 1)


UPGRADE = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk")
"""What Java's client says on plain http (peer document, section 9)."""
CHUNKED = (
    b"POST /ebms HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
)


@pytest.mark.statement(163)
@pytest.mark.parametrize("request_", [POST, CHUNKED], ids=["length", "chunked"])
async def test_a_body_with_upgrade_h2c_is_kept_and_answered_in_http_1_1(either: Either, request_: bytes) -> None:
    async with serving(echo, either[0]) as port:
        answer = await attempt(port, either[1], with_headers(request_, *UPGRADE))
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"\r\n\r\nhello")


@pytest.mark.parametrize("request_", [POST, CHUNKED], ids=["length", "chunked"])
async def test_an_upgrade_that_comes_byte_by_byte_keeps_its_body(either: Either, request_: bytes) -> None:
    def drip(port: int) -> bytes:
        with RawClient(port, either[1]) as connection:
            for byte in with_headers(request_, *UPGRADE):
                connection.send(bytes([byte]))
            return connection.answer()

    async with serving(echo, either[0]) as port:
        assert (await asyncio.to_thread(drip, port)).endswith(b"\r\n\r\nhello")


async def test_pipelined_requests_that_ask_for_an_upgrade_are_each_answered_in_order(either: Either) -> None:
    requests = [
        POST,
        with_headers(POST, *UPGRADE),
        with_headers(CHUNKED, *UPGRADE),
        CHUNKED,
        with_headers(POST, *UPGRADE),
    ]

    def pipeline(port: int) -> bytes:
        with RawClient(port, either[1]) as connection:
            connection.send(b"".join(requests[:-1]) + with_headers(requests[-1], b"X-Last: 1"))
            return b"".join(connection.answer() for _ in requests)

    async with serving(one_answer_at_a_time, either[0]) as port:
        answers = await asyncio.to_thread(pipeline, port)
    assert answers.count(b"HTTP/1.1 200") == answers.count(b"\r\n\r\nhello") == len(requests)


async def one_answer_at_a_time(scope: Scope, receive: Receive, send: Send) -> None:
    """Gives the client the time to read an answer before the next one: RawClient would read two as one."""
    await asyncio.sleep(0.05)
    await echo(scope, receive, send)


async def test_an_upgrade_with_expect_waits_for_the_go_ahead_and_keeps_its_body(either: Either) -> None:
    def expect(port: int) -> tuple[bytes, bytes]:
        head, _, body = with_headers(POST, *UPGRADE, b"Expect: 100-continue").partition(b"\r\n\r\n")
        with RawClient(port, either[1]) as connection:
            go_ahead = connection.exchange(head + b"\r\n\r\n")
            return go_ahead, connection.exchange(body)

    async with serving(echo, either[0]) as port:
        go_ahead, answer = await asyncio.to_thread(expect, port)
    assert go_ahead.startswith(b"HTTP/1.1 100 ")
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"hello")


async def test_a_head_with_an_upgrade_reaches_the_app_without_it_and_otherwise_whole(either: Either) -> None:
    scopes: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)
        await echo(scope, receive, send)

    async with serving(app, either[0]) as port:
        await attempt(port, either[1], with_headers(POST.replace(b"/ebms", b"/ebms?a=b%20c"), *UPGRADE))
    (scope,) = scopes
    assert (scope["method"], scope["path"], scope["query_string"]) == ("POST", "/ebms", b"a=b%20c")
    assert scope["headers"] == [
        (b"host", b"localhost"),
        (b"content-length", b"5"),
        (b"connection", b"Upgrade, HTTP2-Settings"),
        (b"http2-settings", b"AAMAAABk"),
    ]


async def test_a_tunnel_is_refused(either: Either) -> None:
    before = refused("bad-http")
    async with serving(echo, either[0]) as port:
        answer = await attempt(port, either[1], b"CONNECT elders:443 HTTP/1.1\r\nHost: elders\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400")
    assert refused("bad-http") == before + 1


@pytest.mark.parametrize("start", [b"", b"POST /ebms HTTP/1.1\r\nHost: loc"])
async def test_a_head_that_never_ends_is_cut_and_counted(either: Either, start: bytes) -> None:
    def wait(port: int) -> float:
        began = time.monotonic()
        with RawClient(port, either[1]) as connection:
            connection.send(start)
            with contextlib.suppress(ssl.SSLError, ConnectionError):
                assert connection.rest() == b""
        return time.monotonic() - began

    before = refused("slow-head")
    async with serving(echo, either[0], Limits(head=0.4, stop=2)) as port:
        assert 0.3 < await asyncio.to_thread(wait, port) < 10
    assert refused("slow-head") == before + 1


async def test_a_second_head_that_drips_in_is_cut_too(either: Either) -> None:
    def drip(port: int) -> bytes:
        with RawClient(port, either[1]) as connection:
            answer = connection.exchange(POST)
            try:
                for byte in POST[:60]:
                    connection.send(bytes([byte]))
                    time.sleep(0.05)  # a slow client is what this is about
            except OSError:
                pass
            return answer

    before = refused("slow-head")
    async with serving(echo, either[0], Limits(head=0.4, stop=2)) as port:
        assert (await asyncio.to_thread(drip, port)).endswith(b"hello")
    assert refused("slow-head") == before + 1


async def test_an_idle_connection_is_closed_after_the_keep_alive_time_and_is_no_refusal(either: Either) -> None:
    def idle(port: int) -> bytes:
        with RawClient(port, either[1]) as connection:
            connection.exchange(POST)
            return connection.rest()

    before = refused("slow-head")
    async with serving(echo, either[0], Limits(keep_alive=1, head=0.5, stop=2)) as port:
        assert await asyncio.to_thread(idle, port) == b""
    assert refused("slow-head") == before


@pytest.mark.parametrize("header", [b"X: " + b"x" * 500_000, b"\r\n".join(b"X-%d: y" % n for n in range(50_000))])
async def test_a_head_that_is_too_large_is_refused_and_counted(either: Either, header: bytes) -> None:
    before = refused("large-head")
    async with serving(echo, either[0]) as port:
        answer = await attempt(port, either[1], POST.replace(b"\r\n\r\n", b"\r\n" + header + b"\r\n\r\n"))
        assert b"hello" not in answer
        await eventually(lambda: refused("large-head") == before + 1)


async def test_what_is_not_http_is_refused_and_counted(either: Either) -> None:
    before = refused("bad-http")
    async with serving(echo, either[0]) as port:
        assert (await attempt(port, either[1], b"EHLO localhost\r\n\r\n")).startswith(b"HTTP/1.1 400")
    assert refused("bad-http") == before + 1


async def test_more_connections_than_allowed_are_refused_and_counted(either: Either) -> None:
    before = refused("too-many-connections")
    async with serving(echo, either[0], Limits(connections=2, stop=2)) as port:
        with contextlib.ExitStack() as stack:
            for _ in range(2):  # each has its answer before the next: a connection is made before it is let in
                client = stack.enter_context(await asyncio.to_thread(RawClient, port, either[1]))
                assert (await asyncio.to_thread(client.exchange, POST)).endswith(b"hello")
            assert await attempt(port, either[1], POST) == b""
            assert refused("too-many-connections") == before + 1
        await eventually_answers(port, either[1])


async def eventually_answers(port: int, client: ssl.SSLContext | None) -> None:
    async with asyncio.timeout(10):
        while not (await attempt(port, client, POST)).endswith(b"hello"):
            await asyncio.sleep(0.02)


async def test_stopping_lets_a_running_request_end_and_takes_no_new_one(either: Either) -> None:
    running, finish = asyncio.Event(), asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        running.set()
        await finish.wait()
        await echo(scope, receive, send)

    async with serving(app, either[0]) as port:
        answer = asyncio.create_task(attempt(port, either[1], POST))
        await running.wait()
        asyncio.get_running_loop().call_later(0.3, finish.set)
    assert (await answer).endswith(b"hello")
    with pytest.raises(ConnectionRefusedError):
        RawClient(port)


async def test_stopping_has_a_deadline(either: Either) -> None:
    running = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        running.set()
        await asyncio.Event().wait()

    began = time.monotonic()
    async with serving(app, either[0], Limits(stop=1)) as port:
        answer = asyncio.create_task(attempt(port, either[1], POST))
        await running.wait()
    assert time.monotonic() - began < 6
    assert b"hello" not in await answer


async def test_an_address_in_use_is_a_config_error() -> None:
    async with serving(echo) as port:
        with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1:{port}"):
            await serve(echo, Listener("pre", "127.0.0.1", port), ready=print, stop=asyncio.Event())


async def test_several_listeners_share_a_process_and_leave_signal_handlers_alone(
    context: ssl.SSLContext, client: ssl.SSLContext
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    async with serving(echo, context) as one, serving(echo) as other:
        assert signal.getsignal(signal.SIGTERM) is before
        assert (await attempt(one, client, POST)).endswith(b"hello")
        assert (await attempt(other, None, POST)).endswith(b"hello")


def open_sockets() -> int:
    return sum(1 for each in Path("/proc/self/fd").iterdir() if each.is_symlink() and "socket" in str(each.readlink()))


async def test_refused_handshakes_give_their_descriptors_back(tmp_path: Path, context: ssl.SSLContext) -> None:
    client = client_tls(tmp_path, None, AUTHORITY)
    async with serving(echo, context) as port:
        before = open_sockets()
        for _ in range(10):
            assert await attempt(port, client, POST) == b""
        await eventually(lambda: open_sockets() <= before)
