"""A small CONNECT proxy on loopback, which tells what it was asked and what went through it."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class ConnectProxy:
    """Tunnels to loopback whatever the host is called; with `credentials` (name:password) only for who has them."""

    credentials: str | None = None
    port: int = 0
    heads: list[str] = field(default_factory=list)
    """What was asked, each with its headers."""
    passed: bytearray = field(default_factory=bytearray)
    """The bytes that clients sent through tunnels."""

    @property
    def url(self) -> str:
        """Of this proxy."""
        return f"http://127.0.0.1:{self.port}"

    @asynccontextmanager
    async def running(self) -> AsyncIterator["ConnectProxy"]:
        """Listen on a free port while the context lasts."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.heads.append(head)
            if not self._allowed(head):
                writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
                return
            await self._tunnel(head, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def _allowed(self, head: str) -> bool:
        wanted = base64.b64encode((self.credentials or "").encode()).decode()
        return self.credentials is None or f"Proxy-Authorization: Basic {wanted}\r\n" in head

    async def _tunnel(self, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        method, target, _ = head.split("\r\n")[0].split()
        if method == "CONNECT":
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", int(target.rpartition(":")[2]))
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        else:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", int(target.split("/")[2].split(":")[1]))
            far_writer.write(head.encode())
        try:
            await asyncio.gather(self._copy(reader, far_writer, self.passed), self._copy(far_reader, writer))
        finally:
            far_writer.close()

    @staticmethod
    async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter, seen: bytearray | None = None) -> None:
        while data := await source.read(65536):
            if seen is not None:
                seen += data
            sink.write(data)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()
