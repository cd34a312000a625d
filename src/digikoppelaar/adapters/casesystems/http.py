"""HTTP towards case systems: ordinary https, with the CA of the target beside those that the machine trusts.

aiohttp stays behind this module, and what an answer means is the adapter's business. Calls to one server are limited
here and not per target: many organisaties may have their targets on the same server.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import aiohttp
from yarl import URL

from digikoppelaar.adapters import addresses, tls
from digikoppelaar.adapters.proxies import NO_PROXIES, Proxies, Route
from digikoppelaar.errors import CaseSystemError, ConfigError, StorageError
from digikoppelaar.flows.ports import Streamed

CALLS_AT_ONCE: Final = 16
"""Calls under way to one server, in one process."""
_ANSWER_LIMIT: Final = 16 * 1024 * 1024
_CHUNK: Final = 256 * 1024
_CONNECT: Final = 10.0


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `timeout` in seconds bounds it whole, the wait for room at the server not included.

    `identity` is the certificate that we show, to a server that asks for one.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | Streamed | None = field(default=None, repr=False)
    ca_file: Path | None = None
    identity: tls.Identity | None = None
    timeout: float = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """Any answer, whatever its status; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class CaseSystemHttp:
    """The open connections of this process to case systems; an async context manager. `calls` is CALLS_AT_ONCE."""

    def __init__(self, proxies: Proxies = NO_PROXIES, calls: int = CALLS_AT_ONCE) -> None:
        self._proxies = proxies
        self._calls = calls
        self._room: dict[str, asyncio.Semaphore] = {}
        self._contexts: dict[_Files, tuple[tuple[int, ...], ssl.SSLContext]] = {}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            headers={"User-Agent": "digikoppelaar"},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(self, call: Call, take: Callable[[bytes], None] | None = None) -> Answer:
        """Make the call; follows no redirect. Any status is an answer.

        With `take`, that gets the body of a 2xx as it comes, however long it is, and the answer has none.
        Raises CaseSystemError when none comes, ConfigError for a URL, CA or certificate that may not be used, and
        StorageError when the body could not be read.
        """
        url = checked_url(call.url)
        assert self._session is not None, "it is used within its context"
        async with (
            self._room.setdefault(str(url.origin()), asyncio.Semaphore(self._calls)),
            _errors(url),
            self._session.request(
                call.method,
                url,
                headers=_headers(call),
                data=_data(call.body),
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=call.timeout, connect=min(_CONNECT, call.timeout)),
                **self._route(url, call),
            ) as answer,
        ):
            headers = {name.lower(): value for name, value in answer.headers.items()}
            if take is None or not answer.ok:
                return Answer(answer.status, headers, await _whole(answer))
            async for chunk in answer.content.iter_chunked(_CHUNK):
                take(chunk)
            return Answer(answer.status, headers, b"")

    def _route(self, url: URL, call: Call) -> Route:
        route: Route = {**self._proxies.options(url.host or "")}
        if url.scheme == "https":
            route["ssl"] = self._context((call.ca_file, call.identity))
        return route

    def _context(self, files: "_Files") -> ssl.SSLContext:
        """Made again when one of its files is another: a certificate is renewed without a restart."""
        stamps = _stamps(files)
        if files not in self._contexts or self._contexts[files][0] != stamps:
            self._contexts[files] = (stamps, _new_context(*files))
        return self._contexts[files][1]


_Files = tuple[Path | None, tls.Identity | None]


def _stamps(files: _Files) -> tuple[int, ...]:
    ca_file, identity = files
    names = [ca_file, identity and identity.certificate_file, identity and identity.key_file]
    try:
        return tuple(name.stat().st_mtime_ns for name in names if name)
    except OSError as error:
        raise ConfigError(f"{error.filename}: {error.strerror}") from error


def _new_context(ca_file: Path | None, identity: tls.Identity | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    try:
        if ca_file is not None:
            context.load_verify_locations(ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"ca_file {ca_file}: {error.strerror or type(error).__name__}") from error
    if identity is not None:
        tls.show(context, identity)
    return context


def checked_url(text: str) -> URL:
    """The URL of a case system. Raises ConfigError when it is none, or not https outside this machine."""
    return addresses.checked_url(text, "a case system", advice="Gebruik https: er gaan persoonsgegevens naartoe.")


def _headers(call: Call) -> dict[str, str]:
    headers = dict(call.headers)
    if isinstance(call.body, Streamed):  # without it the body would go out in chunks, which some servers refuse
        headers["Content-Length"] = str(call.body.size)
    return headers


class _Anew:
    """A body that begins anew each time: aiohttp by itself repeats a PUT on a connection that turned out dead."""

    def __init__(self, pieces: Callable[[], AsyncIterator[bytes]]) -> None:
        self._pieces = pieces

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._pieces()


def _data(body: bytes | Streamed | None) -> bytes | _Anew | None:
    return _Anew(body.pieces) if isinstance(body, Streamed) else body


async def _whole(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in answer.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > _ANSWER_LIMIT:
            raise CaseSystemError(f"{answer.url.host}: the answer is larger than {_ANSWER_LIMIT} bytes")
    return bytes(body)


@asynccontextmanager
async def _errors(url: URL) -> AsyncIterator[None]:
    """Every fault of the network in our words: the host and the kind of fault, no path and no data."""
    try:
        yield
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        if isinstance(error.__cause__, StorageError):  # what gives the body failed, and aiohttp broke the call off
            raise error.__cause__ from None
        raise CaseSystemError(f"case system at {url.host}: {_cause(error)}") from error


def _cause(error: Exception) -> str:
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return "its certificate is not trusted"
        case aiohttp.ClientConnectorError():
            return f"no connection: {error.os_error.strerror or type(error.os_error).__name__}"
        case aiohttp.ServerDisconnectedError():
            return "it closed the connection without an answer"
        case TimeoutError():
            return "no answer in time"
    return f"the connection failed: {type(error).__name__}"
