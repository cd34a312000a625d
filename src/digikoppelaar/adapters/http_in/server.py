"""Listeners: uvicorn's HTTP protocols behind our own accept loop.

Uvicorn can neither hand on the client certificate nor tell that a TLS handshake failed, so here each connection is
accepted, handshaken (with the reason of a failure counted and logged) and only then given to uvicorn's protocol.
HTTP/1.1 only. Who may do what is decided by the apps (`endpoint`, `management`).
"""

import asyncio
import contextlib
import os
import socket
import ssl
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Final

import structlog
import uvicorn
from starlette.types import ASGIApp

from digikoppelaar.adapters.http_in.handshake import detail, reason_class
from digikoppelaar.adapters.http_in.protocols import Grant, HttpProtocol
from digikoppelaar.adapters.http_in.refusals import refuse
from digikoppelaar.errors import ConfigError, DigikoppelaarError

log = structlog.get_logger(__name__)

_BACKLOG: Final = 1024
_ACCEPT_PAUSE: Final = 0.2
"""Seconds to wait when the system cannot accept (no file descriptors left)."""
_CLOSE_TIMEOUT: Final = 5.0
"""Seconds that a peer gets to answer our close_notify."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one listener grants its callers. Times in seconds.

    Out of `connections` one address may have a quarter that did not end their TLS handshake yet.
    """

    connections: int = 1000
    handshake: float = 10.0
    head: float = 10.0
    """From the first byte of a request, or the handshake, to the end of its headers."""
    head_bytes: int = 32 * 1024
    keep_alive: int = 15
    stop: int = 20
    """How long running requests may go on after `stop`."""


TlsContext = ssl.SSLContext | Callable[[], ssl.SSLContext]
"""How TLS is spoken; a function is asked at each handshake, so that a renewed certificate needs no restart."""


@dataclass(frozen=True, slots=True)
class Listener:
    """An address to listen on. `name` labels its log lines and metrics: the omgeving, for an ebMS endpoint.

    `port` 0 takes a free one. Without `ssl_context` it speaks plain HTTP. Where `ssl_context` is a function that
    fails, the context before it stays in use.
    """

    name: str
    host: str
    port: int
    ssl_context: TlsContext | None = None
    limits: Limits = Limits()


async def serve(app: ASGIApp, listener: Listener, *, ready: Callable[[int], None], stop: asyncio.Event) -> None:
    """Serve `app` until `stop` is set, then let running requests end, at most `limits.stop` seconds.

    `ready` gets the port as soon as connections are accepted. Several may run on one event loop; no signal handler
    is installed. Raises ConfigError when the address cannot be bound.
    """
    listening = _bind(listener)
    server = _Server(_uvicorn_config(app, listener.limits))
    running = asyncio.create_task(server.serve(sockets=[]))
    accepting = asyncio.create_task(_Acceptor(listener, listening, server).run())
    try:
        ready(listening.getsockname()[1])
        await _first_of(stop, running, accepting)
    finally:
        await _cancel(accepting)
        listening.close()
        server.should_exit = True
        await asyncio.shield(running)
        server.abort_what_is_left()


def _bind(listener: Listener) -> socket.socket:
    family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
    try:
        listening = socket.create_server((listener.host, listener.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        address = f"{listener.host}:{listener.port}"
        reason = os.strerror(error.errno) if error.errno else error  # without what Python adds: the address again
        raise ConfigError(f"listener {listener.name}: cannot listen on {address}: {reason}") from error
    listening.setblocking(False)
    # Accepted connections inherit it. asyncio sets it only where a socket's protocol number is spelled out, which
    # create_server does not do: each answer of more than one write then waited 40 ms for a delayed ACK.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


class _Server(uvicorn.Server):
    """Uvicorn's clock, list of connections and graceful stop; with `serve(sockets=[])` it accepts nothing itself."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        # Several servers share a process, and signals belong to whoever started it.
        yield

    def abort_what_is_left(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()


def _uvicorn_config(app: ASGIApp, limits: Limits) -> uvicorn.Config:
    config = uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=limits.keep_alive,
        timeout_graceful_shutdown=limits.stop,
    )
    config.load()
    return config


class _Acceptor:
    """Accepts connections, shakes hands, and gives each to an HTTP protocol of uvicorn."""

    def __init__(self, listener: Listener, listening: socket.socket, server: _Server) -> None:
        self._listener = listener
        self._listening = listening
        self._server = server
        self._handshakes: dict[asyncio.Task[None], str] = {}
        """With the address at the other end: whoever it is has shown no certificate yet."""
        self._context: ssl.SSLContext | None = None
        self._problem = ""

    async def run(self) -> None:
        """Accept until cancelled; then drop what is still shaking hands."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                try:
                    connection, peer = await loop.sock_accept(self._listening)
                except OSError as error:
                    log.warning("cannot accept", listener=self._listener.name, reason=str(error.strerror or error))
                    await asyncio.sleep(_ACCEPT_PAUSE)
                else:
                    self._accepted(connection, str(peer[0]))
        finally:
            for handshake in self._handshakes:
                handshake.cancel()

    def _accepted(self, connection: socket.socket, address: str) -> None:
        if reason := self._too_many(address):
            refuse(self._listener.name, reason, address)
            connection.close()
            return
        handshake = asyncio.create_task(self._shake_hands(connection, address))
        self._handshakes[handshake] = address
        handshake.add_done_callback(self._handshakes.pop)

    def _too_many(self, address: str) -> str | None:
        most = self._listener.limits.connections
        if len(self._handshakes) + len(self._server.server_state.connections) >= most:
            return "too-many-connections"
        if self._listener.ssl_context is None:
            return None
        strangers = sum(each == address for each in self._handshakes.values())
        return "too-many-handshakes" if strangers >= max(1, most // 4) else None

    async def _shake_hands(self, connection: socket.socket, address: str) -> None:
        limits = self._listener.limits
        try:
            context = self._tls()
            await asyncio.get_running_loop().connect_accepted_socket(
                self._protocol,
                connection,
                ssl=context,
                ssl_handshake_timeout=limits.handshake if context else None,
                ssl_shutdown_timeout=_CLOSE_TIMEOUT if context else None,
            )
        except (OSError, asyncio.CancelledError) as error:
            refuse(self._listener.name, reason_class(error), address, detail=detail(error))

    def _tls(self) -> ssl.SSLContext | None:
        given = self._listener.ssl_context
        if not callable(given):
            return given
        try:
            self._context, self._problem = given(), ""
        except DigikoppelaarError as error:
            # An expired certificate at least tells a caller what is wrong; refusing the connection tells nothing.
            if str(error) != self._problem:
                log.warning("tls_not_renewed", listener=self._listener.name, reason=str(error))
            self._problem = str(error)
        if self._context is None:
            raise ssl.SSLError("no usable certificate")
        return self._context

    def _protocol(self) -> HttpProtocol:
        caller = Grant(self._listener.name, self._listener.limits.head, self._listener.limits.head_bytes)
        return HttpProtocol(self._server.config, self._server.server_state, caller)


async def _first_of(stop: asyncio.Event, *tasks: asyncio.Task[None]) -> None:
    """Wait for `stop`; a task that ends before it has failed, and its error is raised."""
    stopping = asyncio.create_task(stop.wait())
    try:
        done, _ = await asyncio.wait((stopping, *tasks), return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        stopping.cancel()


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
