"""Outgoing HTTPS as a partij: ebMS messages to partners, and REST calls for the clients of the facilities.

aiohttp stays behind this module. Every request names its TLS context, and a connection is used again only under the
context with which it was opened: so no partij uses another's connection, and a renewed certificate or CRL counts from
the next request on. What an answer means is the caller's business.
"""

import io
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Protocol, Self

import aiohttp
from yarl import URL

from digikoppelaar.adapters.proxies import NO_PROXIES, Proxies, Route
from digikoppelaar.ebms import names
from digikoppelaar.errors import PartnerUnreachable
from digikoppelaar.flows.ports import Reply, Streamed, is_sandbox

_AGENT: Final = "digikoppelaar"
_REPLY_LIMIT: Final = 1024 * 1024
_CHUNK: Final = 256 * 1024
_AT_ONCE: Final = 512 * 1024
"""Bytes that are handed to the socket as one; more would hold up the event loop."""
# Shorter than what servers commonly grant, so that a request seldom meets a connection that is just being closed.
_KEEP_ALIVE: Final = 4.0


@dataclass(frozen=True, slots=True)
class Timeouts:
    """In seconds. `total` bounds a whole exchange, but for a streamed answer, where `read` bounds each wait for bytes.

    All of them must be shorter than the RetryInterval of a CPA (statement 170).
    """

    connect: float = 10.0
    read: float = 30.0
    total: float = 60.0


class ClientContexts(Protocol):
    """What is needed of adapters.keys.Keyring."""

    def client_context(self, omgeving: str, partij_oin: str) -> ssl.SSLContext:
        """TLS towards partners of this omgeving, as the partij; raises TrustError."""


@dataclass(frozen=True, slots=True)
class HttpStream:
    """An answer being read; header names are in lower case, `length` is Content-Length.

    `chunks` raises PartnerUnreachable when it breaks off.
    """

    status: int
    headers: Mapping[str, str]
    length: int | None
    chunks: AsyncIterator[bytes]


class MtlsSessions:
    """The open sessions of this process. An async context manager; `close` ends every connection."""

    def __init__(self, keys: ClientContexts, timeouts: Timeouts | None = None, proxies: Proxies = NO_PROXIES) -> None:
        self._keys = keys
        self._proxies = proxies
        self.timeouts = timeouts or Timeouts()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End all connections; requests under way fail."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    @property
    def session(self) -> aiohttp.ClientSession:
        """The session of all requests; each must have the `route` of its partij."""
        if self._session is None:
            self._session = self._open()
        return self._session

    def route(self, omgeving: str, partij_oin: str, url: URL) -> Route:
        """How to reach `url` as this partij: the proxy and, for https, TLS. Raises TrustError without a usable key."""
        route: Route = {**self._proxies.options(url.host or "")}
        if url.scheme == "https":
            route["ssl"] = self._keys.client_context(omgeving, partij_oin)
        return route

    def _open(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE)
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            headers={"User-Agent": _AGENT, "Accept-Encoding": "identity"},
        )


class MtlsTransport:
    """flows.ports.Transport. Plain http endpoints are refused outside the sandbox."""

    def __init__(self, sessions: MtlsSessions) -> None:
        self._sessions = sessions

    async def post(
        self, omgeving: str, partij_oin: str, endpoint: str, content_type: str, body: bytes | Streamed
    ) -> Reply:
        """POST one message; see flows.ports.Transport."""
        url = _url(omgeving, endpoint)
        route = self._sessions.route(omgeving, partij_oin, url)
        timeouts = self._sessions.timeouts
        async with (
            _errors(url),
            self._sessions.session.post(
                url,
                data=_data(body),
                headers=_message_headers(content_type, body),
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=timeouts.total, connect=timeouts.connect),
                **route,
            ) as answer,
        ):
            return Reply(answer.status, _text(answer.headers.get("Content-Type", "")), await _whole(answer))


def _data(body: bytes | Streamed) -> bytes | io.BytesIO | AsyncIterator[bytes]:
    if isinstance(body, Streamed):
        return body.pieces()
    return body if len(body) <= _AT_ONCE else io.BytesIO(body)


def _message_headers(content_type: str, body: bytes | Streamed) -> dict[str, str]:
    headers = {"Content-Type": content_type, "SOAPAction": names.SOAP_ACTION}
    if isinstance(body, Streamed):  # without it the body would go out in chunks
        headers["Content-Length"] = str(body.size)
    return headers


class MtlsHttp:
    """Calls as one partij in one omgeving. Every fault of the network is a PartnerUnreachable.

    `timeouts` are those of the sessions, unless the facility needs others.
    """

    def __init__(
        self, sessions: MtlsSessions, omgeving: str, partij_oin: str, timeouts: Timeouts | None = None
    ) -> None:
        self._sessions = sessions
        self._timeouts = timeouts or sessions.timeouts
        self._omgeving = omgeving
        self._partij_oin = partij_oin

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> AbstractAsyncContextManager[HttpStream]:
        """GET; the body streams within the context, and each wait for bytes is bounded by `Timeouts.read`.

        Follows no redirect; any status is an answer. Raises PartnerUnreachable, TrustError.
        """
        return self.request("GET", url, headers, None)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> AbstractAsyncContextManager[HttpStream]:
        """POST a body that is small enough to hold; the answer as with `get`."""
        return self.request("POST", url, headers, body)

    @asynccontextmanager
    async def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, body: bytes | None
    ) -> AsyncIterator[HttpStream]:
        """Any method, with a body or without; the answer as with `get`."""
        target = _url(self._omgeving, url)
        route = self._sessions.route(self._omgeving, self._partij_oin, target)
        async with _errors(target):
            answer = await self._sessions.session.request(
                method,
                target,
                data=None if body is None else _data(body),
                headers=headers,
                allow_redirects=False,
                timeout=self._streaming(),
                **route,
            )
        try:
            yield HttpStream(answer.status, _headers(answer), answer.content_length, _chunks(answer, target))
        finally:
            # A body that was not read to its end would otherwise be read on, however long it is.
            answer.close()

    def _streaming(self) -> aiohttp.ClientTimeout:
        timeouts = self._timeouts
        return aiohttp.ClientTimeout(total=None, connect=timeouts.connect, sock_read=timeouts.read)


def _url(omgeving: str, text: str) -> URL:
    try:
        url = URL(text)
    except ValueError as error:
        raise PartnerUnreachable("the address of the partner is not a URL", unsent=True) from error
    allowed = ("https", "http") if is_sandbox(omgeving) else ("https",)
    if url.scheme not in allowed or not url.host:
        raise PartnerUnreachable(f"the address of {url.host or 'the partner'} is not an https URL", unsent=True)
    return url


def _headers(answer: aiohttp.ClientResponse) -> dict[str, str]:
    return {name.lower(): _text(value) for name, value in answer.headers.items()}


def _text(value: str) -> str:
    # Bytes that are not UTF-8 come as halves of surrogate pairs, which no database takes.
    return value.encode(errors="replace").decode()


async def _whole(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in answer.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > _REPLY_LIMIT:
            raise PartnerUnreachable(f"{answer.url.host}: the answer is larger than {_REPLY_LIMIT} bytes")
    return bytes(body)


async def _chunks(answer: aiohttp.ClientResponse, url: URL) -> AsyncIterator[bytes]:
    async with _errors(url):
        async for chunk in answer.content.iter_chunked(_CHUNK):
            yield chunk


@asynccontextmanager
async def _errors(url: URL) -> AsyncIterator[None]:
    """Every fault of the network, in our words: host and cause, no path and no data."""
    try:
        yield
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        # aiohttp keeps it in the answer, which these frames keep alive, and with it the last of what came in.
        error.__traceback__ = None
        unsent = isinstance(error, _BEFORE_THE_REQUEST)
        untrusted = isinstance(error, aiohttp.ClientConnectorCertificateError)
        raise PartnerUnreachable(f"{url.host}: {_cause(error)}", unsent=unsent, untrusted=untrusted) from error


_BEFORE_THE_REQUEST: Final = (
    aiohttp.ClientConnectorError,  # of name, connection, proxy, TLS and certificate too
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,  # the answer to a CONNECT
)
"""Faults that aiohttp raises while it connects; a request is written when that is done."""


def _cause(error: Exception) -> str:
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return f"its certificate is not trusted: {_verify_message(error.certificate_error)}"
        case aiohttp.ClientSSLError():
            return f"TLS failed: {getattr(error.os_error, 'reason', None) or type(error.os_error).__name__}"
        case aiohttp.ClientConnectorDNSError():
            return "its name cannot be resolved"
        case aiohttp.ClientHttpProxyError() | aiohttp.ClientProxyConnectionError():
            return _proxy_cause(error)
        case aiohttp.ClientConnectorError():
            return f"no connection: {error.os_error.strerror or type(error.os_error).__name__}"
        case aiohttp.ServerDisconnectedError():
            return "it closed the connection without an answer"
        case aiohttp.ClientPayloadError():
            return "its answer broke off"
        case TimeoutError():
            return "no answer in time"
        case ssl.SSLError():
            return f"TLS failed: {error.reason}"
    return f"the connection failed: {type(error).__name__}"


def _proxy_cause(error: aiohttp.ClientHttpProxyError | aiohttp.ClientProxyConnectionError) -> str:
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy answered {error.status}"
    return f"no connection to the proxy: {error.os_error.strerror or type(error.os_error).__name__}"


def _verify_message(error: Exception) -> str:
    return str(getattr(error, "verify_message", None) or type(error).__name__)
