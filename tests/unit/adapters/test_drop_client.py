"""Posting to 3PAS over mutual TLS, to a server that stops at every point: what was surely not sent, and what may be."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.types import Receive, Scope, Send
from tests.certificates import GEMEENTE, LEVERANCIER, NOW, Authority, Shape, trust_in
from tests.servers import server_tls, serving
from tests.unit.drop.notices import BESLUIT

from digikoppelaar.adapters import tls
from digikoppelaar.adapters.drop_client import ANSWER_LIMIT, DropClient
from digikoppelaar.adapters.http_in.protocols import TLS_EXTENSION
from digikoppelaar.adapters.http_out import MtlsHttp, MtlsSessions, Timeouts
from digikoppelaar.adapters.keys import Keyring
from digikoppelaar.adapters.profiles import load_drop_profile
from digikoppelaar.drop.envelope import Accepted, SoapRequest, answer, request
from digikoppelaar.drop.receiving import accepted_body, read_request
from digikoppelaar.errors import (
    ConfigError,
    DigikoppelaarError,
    FacilityNotReached,
    FacilityOutcomeUnknown,
    TrustError,
)
from digikoppelaar.pki.certificate import Use, read_certificate

AUTHORITY = Authority()
FOREIGN = Authority("Foreign")
SERVER = AUTHORITY.issue()
CLIENT = AUTHORITY.issue(Shape(oin=LEVERANCIER))
PROFILE = load_drop_profile("koop-3pas-2020-01")
REQUEST = request(BESLUIT, PROFILE.envelope)
LARGE = SoapRequest(REQUEST.action, REQUEST.content_type, bytes(20_000_000))
"""More than fits in the buffers between two sockets."""
TIMEOUTS = Timeouts(connect=5, read=5, total=10)


class FixedClock:
    def now(self) -> object:
        return NOW


@asynccontextmanager
async def sessions_of(folder: Path) -> AsyncIterator[MtlsSessions]:
    records = CLIENT.record(folder, Use.TLS_CLIENT, oin=LEVERANCIER)
    keys = Keyring(records, trust_in(AUTHORITY.write_root(folder, "anchor"), FixedClock()), FixedClock())
    async with MtlsSessions(keys) as sessions:
        yield sessions


@pytest.fixture
async def sessions(tmp_path: Path) -> AsyncIterator[MtlsSessions]:
    async with sessions_of(tmp_path) as sessions:
        yield sessions


@pytest.fixture
def context(tmp_path: Path) -> ssl.SSLContext:
    return server_tls(tmp_path, SERVER, AUTHORITY)


def client(
    sessions: MtlsSessions,
    port: int,
    *,
    host: str = "localhost",
    oin: str = LEVERANCIER,
    timeouts: Timeouts = TIMEOUTS,
    user_name_file: Path | None = None,
) -> DropClient:
    http = MtlsHttp(sessions, "pre", oin, timeouts)
    address = f"https://{host}:{port}/drop/3epas"
    return DropClient(http, address, PROFILE, user_name_file=user_name_file, total=timeouts.total)


# --- An answer -------------------------------------------------------------------------------------------------------


class Desk:
    """An app that reads requests as the profile has them, and answers with a status and a body."""

    def __init__(self, status: int = 200, body: bytes = b"") -> None:
        self.status = status
        self.body = body or accepted_body("2026-1", PROFILE.envelope)
        self.scopes: list[Scope] = []
        self.bodies: list[bytes] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            event = await receive()
            body += event.get("body", b"")
            more = event.get("more_body", False)
        self.scopes.append(scope)
        self.bodies.append(body)
        headers = [(b"content-type", b"text/xml"), (b"X-Spoor", b"7")]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})

    def header(self, name: bytes) -> bytes:
        return dict(self.scopes[-1]["headers"]).get(name, b"")


async def test_a_kennisgeving_is_posted_as_the_partij_and_its_dossiernummer_comes_back(
    sessions: MtlsSessions, context: ssl.SSLContext
) -> None:
    desk = Desk()
    async with serving(desk, context) as port:
        raw = await client(sessions, port).post(REQUEST)
    assert answer(raw, PROFILE.envelope) == Accepted("2026-1")
    assert raw.headers["x-spoor"] == "7"
    read = read_request(
        desk.header(b"soapaction").decode(), desk.header(b"content-type").decode(), desk.bodies[0], PROFILE.envelope
    )
    assert read.text("referentienummer") == BESLUIT.referentienummer
    shown = read_certificate(desk.scopes[0]["extensions"][TLS_EXTENSION]["client_certificate"])
    assert shown.oin == LEVERANCIER
    assert desk.header(b"authorization") == b""


async def test_an_answer_of_any_status_comes_back_as_it_is(sessions: MtlsSessions, context: ssl.SSLContext) -> None:
    for status in (500, 302, 404, 503):
        async with serving(Desk(status, b"<html/>"), context) as port:
            raw = await client(sessions, port).post(REQUEST)
        assert (raw.status, raw.body) == (status, b"<html/>")


async def test_no_connection_is_used_twice(sessions: MtlsSessions, context: ssl.SSLContext) -> None:
    desk = Desk()
    async with serving(desk, context) as port:
        for _ in range(2):
            await client(sessions, port).post(REQUEST)
    assert desk.scopes[0]["client"] != desk.scopes[1]["client"]


async def test_a_large_request_arrives_whole(sessions: MtlsSessions, context: ssl.SSLContext) -> None:
    desk = Desk()
    async with serving(desk, context) as port:
        await client(sessions, port).post(LARGE)
    assert desk.bodies == [LARGE.body]


async def test_a_user_name_travels_as_http_basic_when_the_stage_has_one(
    tmp_path: Path, sessions: MtlsSessions, context: ssl.SSLContext
) -> None:
    file = tmp_path / "user-name"
    file.write_text("leverancier:geheim\n")
    desk = Desk()
    async with serving(desk, context) as port:
        await client(sessions, port, user_name_file=file).post(REQUEST)
    assert desk.header(b"authorization") == b"Basic bGV2ZXJhbmNpZXI6Z2VoZWlt"


# --- Settings --------------------------------------------------------------------------------------------------------


async def test_without_a_certificate_a_user_name_or_an_address_nothing_is_tried(
    tmp_path: Path, sessions: MtlsSessions
) -> None:
    with pytest.raises(TrustError, match="has no certificate"):
        await client(sessions, 1, oin=GEMEENTE).post(REQUEST)
    with pytest.raises(ConfigError, match="user name file") as caught:
        await client(sessions, 1, user_name_file=tmp_path / "geen").post(REQUEST)
    assert not isinstance(caught.value, TrustError)
    http = MtlsHttp(sessions, "pre", LEVERANCIER)
    with pytest.raises(ConfigError, match="no address") as no_address:
        DropClient(http, PROFILE.stages["productie"].address, PROFILE, total=1)
    assert "Vraag het adres" in no_address.value.advice
    with pytest.raises(ConfigError, match="cannot travel"):
        DropClient(http, "https://x.test/", replace(PROFILE, user_name_carrier="ws"), total=1, user_name_file=tmp_path)


# --- Certainly not sent ----------------------------------------------------------------------------------------------


async def refused(sent: Awaitable[object], error: type[DigikoppelaarError], told: str) -> None:
    with pytest.raises(error, match=told) as caught:
        await sent
    assert type(caught.value) is error
    assert "drop/3epas" not in str(caught.value)


async def test_nobody_listening_and_no_such_name_mean_that_nothing_was_sent(sessions: MtlsSessions) -> None:
    await refused(client(sessions, 1).post(REQUEST), FacilityNotReached, "localhost: no connection")
    no_name = client(sessions, 443, host="nowhere.invalid").post(REQUEST)
    await refused(no_name, FacilityNotReached, "cannot be resolved")
    http = MtlsHttp(sessions, "pre", LEVERANCIER)
    await refused(
        DropClient(http, "http://a.test/", PROFILE, total=1).post(REQUEST), FacilityNotReached, "not an https URL"
    )


async def test_a_server_that_never_shakes_hands_got_nothing(sessions: MtlsSessions) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        sender = client(sessions, silent.getsockname()[1], timeouts=Timeouts(0.3, 5, 10))
        await refused(sender.post(REQUEST), FacilityNotReached, "no answer in time")


@pytest.mark.parametrize("read_first", [False, True])
async def test_a_server_that_closes_before_the_handshake_is_done_got_nothing(
    sessions: MtlsSessions, read_first: bool
) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if read_first:
            await reader.read(100)
        writer.transport.abort()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        await refused(client(sessions, port).post(REQUEST), FacilityNotReached, "^KOOP, 3PAS: localhost: ")


@pytest.mark.parametrize("which", ["foreign", "expired", "other host"])
async def test_a_server_that_is_not_trusted_got_nothing(tmp_path: Path, sessions: MtlsSessions, which: str) -> None:
    before = NOW - timedelta(days=9)
    server = {
        "foreign": FOREIGN.issue(),
        "expired": AUTHORITY.issue(Shape(not_before=before, not_after=before + timedelta(days=1))),
        "other host": AUTHORITY.issue(Shape(names=["example.invalid"])),
    }[which]
    desk = Desk()
    async with serving(desk, server_tls(tmp_path, server, AUTHORITY)) as port:
        await refused(client(sessions, port).post(REQUEST), FacilityNotReached, "not trusted")
    assert desk.bodies == []


def refusing_us(folder: Path) -> ssl.SSLContext:
    """A server that does not trust who signed our certificate."""
    return tls.server_context(tls.Identity(*SERVER.write(folder, "server")), [FOREIGN.write_root(folder, "f")])


async def test_a_server_that_refuses_our_certificate_in_the_handshake_got_nothing(
    tmp_path: Path, sessions: MtlsSessions
) -> None:
    context = refusing_us(tmp_path)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    async with serving(Desk(), context) as port:
        await refused(client(sessions, port).post(REQUEST), FacilityNotReached, "TLS failed|no connection")


# --- Perhaps sent ----------------------------------------------------------------------------------------------------

Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def handling(context: ssl.SSLContext, handle: Handle) -> AsyncIterator[int]:
    """A server that does with each connection what it is told, and then aborts it."""
    over = asyncio.Event()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        doing = asyncio.ensure_future(handle(reader, writer))
        with contextlib.suppress(ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
            await asyncio.wait({doing, asyncio.ensure_future(over.wait())}, return_when=asyncio.FIRST_COMPLETED)
            doing.cancel()
        writer.transport.abort()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        over.set()
        server.close()
        await server.wait_closed()


async def whole_request(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    await reader.readexactly(int(length.partition(b":")[2]))


def says(*pieces: bytes) -> Handle:
    """Reads a whole request and then answers with these bytes, one by one."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await whole_request(reader)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()

    return handle


async def closes_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    pass


async def reads_the_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")


async def reads_a_part(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readexactly(100_000)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 1000\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"
TOO_LARGE = b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n" + bytes(ANSWER_LIMIT + 1)

CUTS: dict[str, tuple[Handle, SoapRequest]] = {
    "before it reads": (closes_at_once, REQUEST),
    "before it reads a large one": (closes_at_once, LARGE),
    "after the head": (reads_the_head, LARGE),
    "within the body": (reads_a_part, LARGE),
    "after the whole request": (says(), REQUEST),
    "within the status line": (says(b"HTTP/1.1 2"), REQUEST),
    "within the headers": (says(HEAD[:40]), REQUEST),
    "before the answer's body": (says(HEAD), REQUEST),
    "within the answer's body": (says(HEAD, b"<half"), REQUEST),
    "within a chunk": (says(CHUNKED), REQUEST),
    "with no HTTP at all": (says(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), REQUEST),
    "after more than is read": (says(TOO_LARGE), REQUEST),
}


@pytest.mark.parametrize("cut", CUTS)
async def test_a_server_that_stops_after_the_handshake_may_have_got_it(
    sessions: MtlsSessions, context: ssl.SSLContext, cut: str
) -> None:
    handle, sent = CUTS[cut]
    async with handling(context, handle) as port:
        await refused(client(sessions, port).post(sent), FacilityOutcomeUnknown, "^KOOP, 3PAS: ")


async def hangs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def hangs_after_the_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await whole_request(reader)
    await hangs(reader, writer)


async def hangs_in_its_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await says(HEAD, b"<half")(reader, writer)
    await hangs(reader, writer)


@pytest.mark.parametrize(
    ("handle", "sent", "timeouts", "told"),
    [
        (hangs_after_the_request, REQUEST, Timeouts(5, 0.3, 10), "no answer in time"),
        (hangs_after_the_request, REQUEST, Timeouts(5, 10, 0.5), "not done within"),
        (hangs_in_its_answer, REQUEST, Timeouts(5, 0.3, 10), "no answer in time"),
        (hangs, LARGE, Timeouts(5, 10, 0.5), "not done within"),
    ],
    ids=["no answer", "no answer in all", "half an answer", "nothing is read"],
)
async def test_a_server_that_hangs_after_the_handshake_may_have_got_it(
    sessions: MtlsSessions,
    context: ssl.SSLContext,
    handle: Handle,
    sent: SoapRequest,
    timeouts: Timeouts,
    told: str,
) -> None:
    async with handling(context, handle) as port:
        await refused(client(sessions, port, timeouts=timeouts).post(sent), FacilityOutcomeUnknown, told)


async def test_a_server_that_refuses_our_certificate_after_the_handshake_cannot_be_told_from_one_that_stops(
    tmp_path: Path, sessions: MtlsSessions
) -> None:
    # In TLS 1.3 the client's certificate is judged when the client may write already.
    context = refusing_us(tmp_path)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    desk = Desk()
    async with serving(desk, context) as port:
        await refused(client(sessions, port).post(REQUEST), FacilityOutcomeUnknown, "^KOOP, 3PAS: localhost: ")
    assert desk.bodies == []


def test_only_what_was_certainly_not_sent_is_tried_again_by_itself() -> None:
    assert FacilityNotReached.retryable
    assert not FacilityOutcomeUnknown.retryable
