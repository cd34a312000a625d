"""Sends bytes over TLS and reads one HTTP answer: no HTTP library, for none of them sends what is wrong."""

import asyncio
import contextlib
import re
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

MOST: Final = 64 * 1024
"""Bytes of an answer; a longer one to a hostile request is a fault in itself."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What came back."""

    status: int
    body: bytes

    @property
    def fault_code(self) -> str | None:
        """The SOAP 1.1 fault code without its prefix."""
        found = re.search(rb"<faultcode>\s*(?:[\w.-]+:)?(\w+)", self.body)
        return found[1].decode() if found else None


async def exchange(
    url: str, context: ssl.SSLContext, pieces: Iterable[bytes], *, hang_up: bool = False, seconds: float = 30.0
) -> HttpAnswer | None:
    """Send `pieces`, read the answer meanwhile; None when the connection ends without one.

    With `hang_up` the connection is closed in order after the last byte. Raises TimeoutError after `seconds`.
    """
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port, ssl=context)
    sending = asyncio.create_task(_send(writer, pieces))
    try:
        async with asyncio.timeout(seconds):
            if hang_up:
                await sending
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
                return None
            return await _answer(reader)
    finally:
        sending.cancel()
        await asyncio.wait([sending])
        writer.transport.abort()


async def _send(writer: asyncio.StreamWriter, pieces: Iterable[bytes]) -> None:
    # A server may well stop reading: what counts then is its answer.
    with contextlib.suppress(OSError):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)  # so that an answer is read before a write fails: drain may never yield


async def _answer(reader: asyncio.StreamReader) -> HttpAnswer | None:
    received = b""
    with contextlib.suppress(OSError):
        while len(received) < MOST and (piece := await reader.read(MOST)):
            received += piece
            if (answer := _whole(received)) is not None:
                return answer
    assert len(received) < MOST, "the answer is larger than an answer should be"
    return _parsed(received)


def _whole(received: bytes) -> HttpAnswer | None:
    """The answer, when its head tells that it is complete."""
    head, end, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    complete = end and length and len(body) >= int(length[1])
    return _parsed(received) if complete else None


def _parsed(received: bytes) -> HttpAnswer | None:
    if not received:
        return None
    head, _, body = received.partition(b"\r\n\r\n")
    status = re.match(rb"HTTP/1\.1 (\d{3})", head)
    assert status is not None, f"not an HTTP answer: {received[:80]!r}"
    return HttpAnswer(int(status[1]), body)
