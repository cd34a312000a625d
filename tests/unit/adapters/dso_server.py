"""A server on a socket that answers exactly what a test says, and what *Verzoek afhandelen* is asked with."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from digikoppelaar.adapters.dso_calls import DsoCalls
from digikoppelaar.adapters.http_out import MtlsHttp, MtlsSessions, Timeouts
from digikoppelaar.adapters.profiles import load_profile
from digikoppelaar.flows.ports import Aansluiting, DsoSettings

OIN = "00000099000000001000"
NOW = datetime(2026, 6, 2, 9, tzinfo=UTC)
API_KEY = "geheime-sleutel"
PROFILE = load_profile("dso-lv")


class Noon:
    """A clock that stands still."""

    def now(self) -> datetime:
        """Always NOW."""
        return NOW


class PlainContexts:
    """The sandbox may speak plain http; the context is never used."""

    def client_context(self, omgeving: str, partij_oin: str) -> ssl.SSLContext:
        """A context that trusts nobody."""
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


Script = Callable[[str, dict[str, str]], bytes | None]
"""From path and headers to the raw bytes of the answer; None: no answer at all, the connection is closed.

Method and body are there as the headers `:method` and `:body`.
"""


@asynccontextmanager
async def serving(script: Script) -> AsyncIterator[str]:
    """The base URL of a server that follows `script` and closes after each answer."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:]) if name}
        headers[":method"] = head[0].split()[0]
        headers[":body"] = (await reader.readexactly(int(headers.get("content-length", 0)))).decode()
        if (answer := script(head[0].split()[1], headers)) is not None:
            writer.write(answer)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v2"


def answer(status: int, body: bytes = b"", content_type: str = "text/plain", **headers: str) -> bytes:
    """An HTTP/1.1 answer; a header can be replaced by naming it (with _ for -)."""
    named = {"content-type": content_type, "content-length": str(len(body)), "connection": "close"}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items() if value)
    return f"HTTP/1.1 {status} Said\r\n{lines}\r\n".encode() + body


@asynccontextmanager
async def calling(script: Script, folder: Path) -> AsyncIterator[DsoCalls]:
    """The calls of an aansluiting to a server that follows `script`."""
    key_file = folder / "api-key"
    key_file.write_text(f"{API_KEY}\n")
    async with serving(script) as base_url, MtlsSessions(PlainContexts(), Timeouts(2, 0.5, 2)) as sessions:
        settings = DsoSettings(base_url, str(key_file))
        aansluiting = Aansluiting(1, OIN, "Gemeente Voorbeeldstad", "stam", "sandbox-pre", OIN, settings, None)
        yield DsoCalls(MtlsHttp(sessions, "sandbox-pre", OIN), aansluiting, PROFILE, Noon())
