"""Uvicorn's HTTP/1.1 protocol with what it leaves out: the client certificate in the scope, a limit on the bytes of a
request's head, a time-out on a head that never ends, and the body of a request that asks for an upgrade.
"""

import asyncio
import ssl
from dataclasses import dataclass
from typing import Final

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from digikoppelaar.adapters.http_in.refusals import refuse

TLS_EXTENSION: Final = "tls"
"""Key in `scope["extensions"]` of {"client_certificate": DER, "version": ..., "suite": ...}; absent on plain HTTP."""

_TOO_LARGE: Final = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a connection may take: `head_seconds` and `head_bytes` for the head of each request."""

    name: str
    head_seconds: float
    head_bytes: int


class _HeadTimer:
    """Closes a connection on which a request's head takes too long."""

    def __init__(self, grant: Grant) -> None:
        self._grant = grant
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None

    def made(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.head_open(True)

    def head_open(self, waiting: bool) -> None:
        """Tell whether part of a head is in and the rest is awaited."""
        if not waiting:
            self.stop()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._grant.head_seconds, self._too_slow)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            refuse(self._grant.name, "slow-head", address_of(self._transport))
            self._transport.abort()


def address_of(transport: asyncio.BaseTransport) -> str:
    """The peer's IP address."""
    peer = transport.get_extra_info("peername")
    return str(peer[0]) if peer else "unknown"


class _HeadTooLarge(Exception):
    pass


class _Tunnel(Exception):
    pass


class _Parser(httptools.HttpRequestParser):
    """httptools' parser for a server that upgrades to nothing: RFC 9110, section 7.8 lets it ignore the wish.

    httptools skips the body of a request with `Upgrade` and takes what follows for another protocol; Java clients
    send `Upgrade: h2c` on plain HTTP. Its head is then parsed a second time without that header, and the body with it.
    """

    plain_head: bytes
    """The head of the request that asked, to parse again; set by the protocol when the head is complete."""

    def __init__(self, protocol: HttpToolsProtocol) -> None:
        super().__init__(protocol)
        self.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn has it, to answer before refusing

    def feed_data(self, data: bytes) -> None:  # type: ignore[override]
        """As httptools' own; raises HttpParserError, never HttpParserUpgrade."""
        while True:
            try:
                return super().feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                data = self.plain_head + data[upgrade.args[0] :]


class HttpProtocol(HttpToolsProtocol):
    """For every listener, with TLS or without."""

    def __init__(self, config: Config, server_state: ServerState, grant: Grant) -> None:
        super().__init__(config, server_state, {})
        self._grant = grant
        self._timer = _HeadTimer(grant)
        self._in_head = False
        self._head_bytes = 0
        """Bytes that came in for a head that is not complete."""
        self._header_bytes = 0
        """Bytes of the headers that were read of it."""
        self._extensions: dict[str, dict[object, object]] = {}
        self.parser: _Parser = _Parser(self)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._extensions = _tls_extension(transport)
        self._timer.made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        self._timer.head_open(self._in_head)
        if self._in_head and self._head_bytes > self._grant.head_bytes:
            self.send_400_response("")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = self._extensions
        self._in_head = True
        self._head_bytes = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > self._grant.head_bytes:
            raise _HeadTooLarge  # ends the parsing; uvicorn then calls send_400_response

    def on_headers_complete(self) -> None:
        self._header_bytes = 0
        if self.parser.should_upgrade():
            self.parser.plain_head = self._head_without_upgrade()
            return
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def _head_without_upgrade(self) -> bytes:
        if self.parser.get_method() == b"CONNECT":
            raise _Tunnel  # ends the parsing, as above: this is no proxy
        line = b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())
        headers = (b"%s: %s" % header for header in self.headers if header[0] != b"upgrade")
        return b"\r\n".join((line, *headers, b"", b""))

    def send_400_response(self, msg: str) -> None:
        if self.transport.is_closing():  # what still comes in was refused with what came before it
            return
        if max(self._head_bytes, self._header_bytes) > self._grant.head_bytes:
            refuse(self._grant.name, "large-head", address_of(self.transport))
            self.transport.write(_TOO_LARGE)
            self.transport.close()
            return
        refuse(self._grant.name, "bad-http", address_of(self.transport))
        super().send_400_response(msg)


def _tls_extension(transport: asyncio.BaseTransport) -> dict[str, dict[object, object]]:
    session = transport.get_extra_info("ssl_object")
    if session is None:
        return {}
    assert isinstance(session, ssl.SSLObject)
    return {
        TLS_EXTENSION: {
            "client_certificate": session.getpeercert(binary_form=True),
            "version": session.version(),
            "suite": session.cipher(),
        }
    }
