"""The ebMS endpoint behind a real TLS listener, with a flow that only reads."""

import asyncio
import hashlib
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests.certificates import LEVERANCIER, Authority, Shape
from tests.servers import RawClient, attempt, client_tls, eventually, refused, server_tls, serving

from digikoppelaar.adapters.http_in.body import BodyLimits
from digikoppelaar.adapters.http_in.endpoint import Endpoint
from digikoppelaar.errors import (
    DigikoppelaarError,
    EnvelopeError,
    MimeError,
    SignatureError,
    StorageError,
    TooLarge,
    TrustError,
)
from digikoppelaar.flows.receive import Answer, Arrival

AUTHORITY = Authority()
SERVER = AUTHORITY.issue()
CLIENT = AUTHORITY.issue(Shape(oin=LEVERANCIER))

POST = (
    b"POST /ebms HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n"
    b'SOAPAction: "ebXML"\r\nContent-Length: 5\r\n\r\nhello'
)
RECEIVED = Answer(204)
CHUNKED = b"POST /ebms HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"


class Flow:
    """Reads the whole body and answers as told; what it took in is in `taken`."""

    def __init__(self, answer: Answer = RECEIVED, error: Exception | None = None) -> None:
        self._answer = answer
        self._error = error
        self.arrivals: list[Arrival] = []
        self.taken: list[bytes] = []

    async def __call__(self, arrival: Arrival) -> Answer:
        self.arrivals.append(arrival)
        digest = hashlib.sha256()
        async for chunk in arrival.body:
            digest.update(chunk)
        if self._error is not None:
            raise self._error
        self.taken.append(digest.digest())
        return self._answer


@pytest.fixture
def context(tmp_path: Path) -> ssl.SSLContext:
    return server_tls(tmp_path, SERVER, AUTHORITY)


@pytest.fixture
def client(tmp_path: Path) -> ssl.SSLContext:
    return client_tls(tmp_path, CLIENT, AUTHORITY)


def endpoint(flow: Callable[[Arrival], Awaitable[Answer]], **limits: float) -> Endpoint:
    return Endpoint("pre", flow, limits=replace(BodyLimits(), **limits))  # type: ignore[arg-type]


async def test_a_message_reaches_the_flow_with_all_that_is_known_of_it(
    context: ssl.SSLContext, client: ssl.SSLContext
) -> None:
    flow = Flow()
    async with serving(endpoint(flow), context) as port:
        answer = await attempt(port, client, POST)
    (arrival,) = flow.arrivals
    assert (arrival.omgeving, arrival.oin, arrival.address) == ("pre", LEVERANCIER, "127.0.0.1")
    assert (arrival.content_type, arrival.soap_action) == ("text/xml", '"ebXML"')
    assert flow.taken == [hashlib.sha256(b"hello").digest()]
    assert answer.startswith(b"HTTP/1.1 204 No Content\r\n")


@pytest.mark.statement(163)
async def test_headers_that_nobody_knows_change_nothing(context: ssl.SSLContext, client: ssl.SSLContext) -> None:
    flow = Flow()
    odd = b"X-Onbekend: 1\r\nX-Onbekend: 2\r\nCookie: a=b\r\nForwarded: for=192.0.2.1\r\nExpires: 0\r\n\r\n"
    async with serving(endpoint(flow), context) as port:
        for request in (POST, POST.replace(b"\r\n\r\n", b"\r\n" + odd, 1)):
            assert (await attempt(port, client, request)).startswith(b"HTTP/1.1 204 No Content\r\n")
    plain, other = (replace(arrival, body=flow.arrivals[0].body) for arrival in flow.arrivals)
    assert plain == other


@pytest.mark.statement(164)
async def test_an_empty_answer_has_no_content_type_and_no_body(context: ssl.SSLContext, client: ssl.SSLContext) -> None:
    async with serving(endpoint(Flow()), context) as port:
        head = (await attempt(port, client, POST)).lower()
    assert b"content-type" not in head
    assert b"content-length" not in head
    assert b"transfer-encoding" not in head
    assert head.endswith(b"\r\n\r\n")


async def test_a_synchronous_answer_goes_out_as_it_is(context: ssl.SSLContext, client: ssl.SSLContext) -> None:
    async with serving(endpoint(Flow(Answer(200, "text/xml", b"<ack/>"))), context) as port:
        answer = await attempt(port, client, POST)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"content-type: text/xml\r\n" in answer
    assert answer.endswith(b"\r\n\r\n<ack/>")


async def test_two_messages_go_over_one_connection(context: ssl.SSLContext, client: ssl.SSLContext) -> None:
    def two(port: int) -> list[bytes]:
        with RawClient(port, client) as connection:
            return [connection.exchange(POST), connection.exchange(CHUNKED + b"3\r\nabc\r\n0\r\n\r\n")]

    flow = Flow()
    async with serving(endpoint(flow), context) as port:
        answers = await asyncio.to_thread(two, port)
    assert all(answer.startswith(b"HTTP/1.1 204") for answer in answers)
    assert flow.taken == [hashlib.sha256(body).digest() for body in (b"hello", b"abc")]


async def test_a_flow_that_does_not_read_the_end_of_the_body_keeps_the_connection(
    context: ssl.SSLContext, client: ssl.SSLContext
) -> None:
    async def flow(arrival: Arrival) -> Answer:
        return Answer(204)

    def two(port: int) -> list[bytes]:
        with RawClient(port, client) as connection:
            return [connection.exchange(POST), connection.exchange(POST)]

    async with serving(endpoint(flow), context) as port:
        assert all(answer.startswith(b"HTTP/1.1 204") for answer in await asyncio.to_thread(two, port))


@pytest.mark.statement(162)
@pytest.mark.parametrize("method", [b"GET", b"PUT", b"DELETE", b"OPTIONS", b"HEAD"])
async def test_another_method_than_post_gives_405(
    context: ssl.SSLContext, client: ssl.SSLContext, method: bytes
) -> None:
    flow, before = Flow(), refused("method")
    async with serving(endpoint(flow), context) as port:
        answer = await attempt(port, client, method + b" /ebms HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 405")
    assert b"\r\nallow: POST\r\n" in answer
    assert (flow.arrivals, refused("method")) == ([], before + 1)


async def test_another_path_gives_404(context: ssl.SSLContext, client: ssl.SSLContext) -> None:
    flow = Flow()
    async with serving(endpoint(flow), context) as port:
        assert (await attempt(port, client, POST.replace(b"/ebms", b"/"))).startswith(b"HTTP/1.1 404")
    assert flow.arrivals == []


async def test_every_configured_path_is_served(context: ssl.SSLContext, client: ssl.SSLContext) -> None:
    app = Endpoint("pre", Flow(), paths=("/ebms", "/digikoppeling/a"))
    async with serving(app, context) as port:
        answer = await attempt(port, client, POST.replace(b"/ebms", b"/digikoppeling/a"))
    assert answer.startswith(b"HTTP/1.1 204")


@pytest.mark.statement(221)
async def test_a_compressed_body_is_refused_and_never_unpacked(context: ssl.SSLContext, client: ssl.SSLContext) -> None:
    flow = Flow()
    async with serving(endpoint(flow), context) as port:
        packed = POST.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n")
        assert (await attempt(port, client, packed)).startswith(b"HTTP/1.1 415")
    assert flow.arrivals == []


@pytest.mark.statement(177)
@pytest.mark.parametrize("oin", [None, "1234"])
async def test_a_trusted_certificate_without_oin_gives_403_and_is_logged(
    tmp_path: Path, context: ssl.SSLContext, oin: str | None
) -> None:
    flow, before = Flow(), refused("no-oin")
    with capture_logs() as logs:
        async with serving(endpoint(flow), context) as port:
            client = client_tls(tmp_path, AUTHORITY.issue(Shape(oin=oin)), AUTHORITY)
            assert (await attempt(port, client, POST)).startswith(b"HTTP/1.1 403")
    assert (flow.arrivals, refused("no-oin")) == ([], before + 1)
    assert [(entry["reason"], entry["address"]) for entry in logs] == [("no-oin", "127.0.0.1")]


@pytest.mark.statement(175)
async def test_without_tls_nobody_is_let_in_by_default() -> None:
    flow = Flow()
    async with serving(endpoint(flow)) as port:
        assert (await attempt(port, None, POST)).startswith(b"HTTP/1.1 403")
    assert flow.arrivals == []


@pytest.mark.statement(171)
async def test_a_body_announced_over_the_limit_gives_413_before_it_is_read(
    context: ssl.SSLContext, client: ssl.SSLContext
) -> None:
    flow, before = Flow(), refused("large-body")
    async with serving(endpoint(flow, size=1000), context) as port:
        announced = POST.replace(b"Content-Length: 5", b"Expect: 100-continue\r\nContent-Length: 1001")
        answer = await attempt(port, client, announced.removesuffix(b"hello"))
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"connection: close" in answer
    assert (flow.arrivals, refused("large-body")) == ([], before + 1)


@pytest.mark.statement(171)
@pytest.mark.parametrize("size", [1001, 3_000_000, 12_000_000])
async def test_a_body_that_grows_over_the_limit_gives_413_and_the_sender_gets_to_read_it(
    context: ssl.SSLContext, client: ssl.SSLContext, size: int
) -> None:
    def stream(port: int) -> bytes:
        with RawClient(port, client) as connection:
            connection.send(CHUNKED)
            for start in range(0, size, 100_000):
                piece = bytes(min(100_000, size - start))
                connection.send(b"%x\r\n%s\r\n" % (len(piece), piece))
            connection.send(b"0\r\n\r\n")
            return connection.rest()

    flow, before = Flow(), refused("large-body")
    async with serving(endpoint(flow, size=1000), context) as port:
        answer = await asyncio.to_thread(stream, port)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"Fault" in answer
    assert (flow.taken, refused("large-body")) == ([], before + 1)


async def test_a_body_at_the_limit_is_taken(context: ssl.SSLContext, client: ssl.SSLContext) -> None:
    async with serving(endpoint(Flow(), size=5), context) as port:
        assert (await attempt(port, client, POST)).startswith(b"HTTP/1.1 204")


@pytest.mark.statement(165)
@pytest.mark.parametrize("body", [b"5\r\nhel", b"5\r\nhello\r\n"])
async def test_a_sender_that_leaves_within_the_body_stores_nothing_and_is_logged(
    context: ssl.SSLContext, client: ssl.SSLContext, body: bytes
) -> None:
    def leave(port: int) -> None:
        with RawClient(port, client) as connection:
            connection.send(CHUNKED + body)

    flow, before = Flow(), refused("aborted")
    with capture_logs() as logs:
        async with serving(endpoint(flow), context) as port:
            await asyncio.to_thread(leave, port)
            await eventually(lambda: refused("aborted") == before + 1)
    assert flow.taken == []
    (entry,) = logs
    assert (entry["reason"], entry["oin"], entry["address"]) == ("aborted", LEVERANCIER, "127.0.0.1")


async def test_a_sender_that_pauses_too_long_within_the_body_gets_408(
    context: ssl.SSLContext, client: ssl.SSLContext
) -> None:
    def pause(port: int) -> bytes:
        with RawClient(port, client) as connection:
            connection.send(CHUNKED + b"5\r\nhel")
            return connection.answer()

    flow, before = Flow(), refused("slow-body")
    async with serving(endpoint(flow, pause=0.2), context) as port:
        assert (await asyncio.to_thread(pause, port)).startswith(b"HTTP/1.1 408")
    assert (flow.taken, refused("slow-body")) == ([], before + 1)


async def test_a_sender_that_drips_for_ever_gets_408(context: ssl.SSLContext, client: ssl.SSLContext) -> None:
    def drip(port: int) -> bytes:
        with RawClient(port, client) as connection:
            connection.send(CHUNKED)
            for _ in range(12):
                connection.send(b"1\r\nx\r\n")
                time.sleep(0.05)  # a slow client is what this is about
            return connection.answer()

    flow = Flow()
    async with serving(endpoint(flow, pause=10, grace=0.3, slowest=1000), context) as port:
        assert (await asyncio.to_thread(drip, port)).startswith(b"HTTP/1.1 408")
    assert flow.taken == []


async def test_a_flow_that_takes_its_time_does_not_make_the_sender_slow(
    context: ssl.SSLContext, client: ssl.SSLContext
) -> None:
    async def flow(arrival: Arrival) -> Answer:
        async for _ in arrival.body:
            await asyncio.sleep(0.2)  # our own work, not the sender's
        return Answer(204)

    body = bytes(600_000)
    request = POST.replace(b"Content-Length: 5", b"Content-Length: 600000").removesuffix(b"hello") + body
    async with serving(endpoint(flow, pause=5, grace=0.5, slowest=10**9), context) as port:
        assert (await attempt(port, client, request)).startswith(b"HTTP/1.1 204")


FAULTS: list[tuple[DigikoppelaarError, bytes, bytes, bytes]] = [
    (MimeError("no closing boundary"), b"500", b"Client", b"no closing boundary"),
    (EnvelopeError("what is x", fault_code="MustUnderstand"), b"500", b"MustUnderstand", b"what is x"),
    (TooLarge("10000 parts"), b"413", b"Client", b"10000 parts"),
    (StorageError("disk of db-1 is full"), b"503", b"Server", b"cannot take messages now"),
    (TrustError("no certificate for sign"), b"500", b"Server", b"cannot take messages now"),
    (SignatureError("altered"), b"500", b"Server", b"internal error"),
]


@pytest.mark.statement(166)
@pytest.mark.parametrize(("error", "status", "code", "reason"), FAULTS, ids=[type(f[0]).__name__ for f in FAULTS])
async def test_an_error_of_the_flow_becomes_its_soap_fault_and_is_counted(
    context: ssl.SSLContext,
    client: ssl.SSLContext,
    error: DigikoppelaarError,
    status: bytes,
    code: bytes,
    reason: bytes,
) -> None:
    before = refused(type(error).__name__)
    async with serving(endpoint(Flow(error=error)), context) as port:
        answer = await attempt(port, client, POST)
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert b"content-type: text/xml\r\n" in answer
    assert b":" + code + b"<" in answer
    assert reason in answer
    assert refused(type(error).__name__) == before + 1


async def test_an_unexpected_error_shows_nothing_of_itself_on_the_wire_and_all_in_the_log(
    context: ssl.SSLContext, client: ssl.SSLContext
) -> None:
    with capture_logs() as logs:
        async with serving(endpoint(Flow(error=RuntimeError("geheim"))), context) as port:
            answer = await attempt(port, client, POST)
    assert answer.startswith(b"HTTP/1.1 500")
    assert b"internal error" in answer
    assert b"geheim" not in answer
    assert b"Traceback" not in answer
    (entry,) = logs
    assert (entry["event"], entry["log_level"], entry["oin"]) == ("receiving failed", "error", LEVERANCIER)
