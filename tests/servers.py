"""Real listeners on loopback for tests, a raw client that may misbehave, and the numbers of what was refused."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from prometheus_client import REGISTRY
from starlette.types import ASGIApp, Receive, Scope, Send
from tests.certificates import Authority, Issued

from digikoppelaar.adapters import tls
from digikoppelaar.adapters.http_in.server import Limits, Listener, TlsContext, serve

NAME = "pre"


@asynccontextmanager
async def serving(app: ASGIApp, context: TlsContext | None = None, limits: Limits | None = None) -> AsyncIterator[int]:
    """Serve `app` on a free port while the context lasts, and stop gracefully."""
    stop, bound = asyncio.Event(), asyncio.get_running_loop().create_future()
    listener = Listener(NAME, "127.0.0.1", 0, context, limits or Limits(stop=2))
    task = asyncio.create_task(serve(app, listener, ready=bound.set_result, stop=stop))
    try:
        done, _ = await asyncio.wait({bound, task}, return_when=asyncio.FIRST_COMPLETED)
        if task in done:
            task.result()
        yield bound.result()
    finally:
        stop.set()
        await task


def server_tls(folder: Path, server: Issued, authority: Authority, crl_files: tuple[Path, ...] = ()) -> ssl.SSLContext:
    """A server's context with the certificate `server`, trusting `authority`."""
    return tls.server_context(tls.Identity(*server.write(folder, "server")), [authority.write_root(folder)], crl_files)


def client_tls(folder: Path, client: Issued | None, authority: Authority) -> ssl.SSLContext:
    """A context that can be bent: any suite, any version, with or without certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(authority.write_root(folder, "client-root"))
    context.set_ciphers("ALL:@SECLEVEL=0")
    if client is not None:
        context.load_cert_chain(*client.write(folder, "client"))
    return context


class RawClient:
    """One connection, written and read as bytes. `connect` is blocking, so call all of it in a thread."""

    def __init__(self, port: int, context: ssl.SSLContext | None = None) -> None:
        plain = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.socket = context.wrap_socket(plain, server_hostname="localhost") if context else plain

    def __enter__(self) -> "RawClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """All of it."""
        self.socket.sendall(data)

    def answer(self) -> bytes:
        """One whole response: head, and as much body as Content-Length says. Ends early when the server closes."""
        data = b""
        while b"\r\n\r\n" not in data:
            if not (more := self.socket.recv(65536)):
                return data
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        while len(body) < _length(head) and (more := self.socket.recv(65536)):
            body += more
        return head + b"\r\n\r\n" + body

    def rest(self) -> bytes:
        """Everything until the server closes."""
        data = b""
        while more := self.socket.recv(65536):
            data += more
        return data

    def exchange(self, data: bytes) -> bytes:
        """Send it and read one response."""
        self.send(data)
        return self.answer()


class Connected:
    """A RawClient for coroutines: it stays open, so a test can do other things between two exchanges."""

    def __init__(self, client: RawClient) -> None:
        self._client = client

    @classmethod
    @asynccontextmanager
    async def to(cls, port: int, context: ssl.SSLContext) -> AsyncIterator["Connected"]:
        """Connect, and close in the end."""
        client = await asyncio.to_thread(RawClient, port, context)
        try:
            yield cls(client)
        finally:
            client.socket.close()

    @property
    def server_certificate(self) -> bytes:
        """DER of what the server showed."""
        assert isinstance(self._client.socket, ssl.SSLSocket)
        return self._client.socket.getpeercert(binary_form=True) or b""

    async def exchange(self, data: bytes) -> bytes:
        """Send it and read one response."""
        return await asyncio.to_thread(self._client.exchange, data)


def _length(head: bytes) -> int:
    lines = (line.partition(b":") for line in head.lower().split(b"\r\n"))
    return next((int(value) for name, _, value in lines if name == b"content-length"), 0)


async def attempt(port: int, context: ssl.SSLContext | None, data: bytes) -> bytes:
    """One request over a connection of its own; an empty answer when the server refused the connection."""

    def run() -> bytes:
        try:
            with RawClient(port, context) as client:
                return client.exchange(data)
        except (ssl.SSLError, ConnectionError):
            return b""

    return await asyncio.to_thread(run)


def refused(reason: str, name: str = NAME) -> float:
    """How often this was counted."""
    return REGISTRY.get_sample_value("digikoppelaar_refused_total", {"omgeving": name, "reason": reason}) or 0.0


async def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until it holds; fails after the deadline."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """An app that answers with the body that it got, and keeps the scope in its own state."""
    body = b""
    more = True
    while more:
        event = await receive()
        if event["type"] == "http.disconnect":
            return
        body += event.get("body", b"")
        more = event.get("more_body", False)
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(len(body)).encode())]}
    )
    await send({"type": "http.response.body", "body": body})
