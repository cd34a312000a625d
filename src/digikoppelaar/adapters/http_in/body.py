"""A request body as it comes in: counted, timed, and with its end judged.

What is wrong with a body is kept here as a `Refusal`, so that the endpoint answers it rightly whatever the flow
that was reading made of the error.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from starlette.types import Receive

from digikoppelaar.errors import MimeError, TooLarge


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """`size` in bytes. A sender may pause `pause` seconds, and over all may take `grace` seconds plus the time that
    the received bytes take at `slowest` bytes per second; waiting for us does not count."""

    size: int = 2 * 1024**3
    pause: float = 30.0
    grace: float = 60.0
    slowest: int = 4 * 1024


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a body is not taken. `status` None: nobody is left to answer."""

    reason: str
    status: int | None


ABORTED: Final = Refusal("aborted", None)
TOO_SLOW: Final = Refusal("slow-body", 408)
TOO_LARGE: Final = Refusal("large-body", 413)


class Body:
    """The body of one request. `announced` is Content-Length."""

    def __init__(self, receive: Receive, limits: BodyLimits, announced: int | None) -> None:
        self._receive = receive
        self._limits = limits
        self._waited = 0.0
        self.received = 0
        self.complete = False
        self.refusal: Refusal | None = None
        if announced is not None and announced > limits.size:
            self.refusal = TOO_LARGE

    async def chunks(self) -> AsyncIterator[bytes]:
        """The bytes. Raises TooLarge over the limit, MimeError when the sender stops before the end."""
        if self.refusal is TOO_LARGE:
            raise TooLarge(f"body announced as larger than {self._limits.size} bytes")
        while not self.complete:
            if chunk := await self._next():
                yield chunk

    async def linger(self, size: int, seconds: float) -> None:
        """Throw away what still comes, within these bounds.

        Closing at once would reset the connection, and the sender might never see the answer.
        """
        end = self.received + size
        try:
            async with asyncio.timeout(seconds):
                while not self.complete and self.received < end:
                    await self._read()
        except (TimeoutError, MimeError):
            return

    async def _next(self) -> bytes:
        before = asyncio.get_running_loop().time()
        allowed = self._limits.grace + self.received / self._limits.slowest - self._waited
        try:
            async with asyncio.timeout(min(self._limits.pause, allowed)):
                chunk = await self._read()
        except TimeoutError as error:
            self.refusal = TOO_SLOW
            raise MimeError(f"body came too slowly, {self.received} bytes were read") from error
        self._waited += asyncio.get_running_loop().time() - before
        if self.received > self._limits.size:
            self.refusal = TOO_LARGE
            raise TooLarge(f"body is larger than {self._limits.size} bytes")
        return chunk

    async def _read(self) -> bytes:
        event = await self._receive()
        if event["type"] == "http.disconnect":
            self.refusal = ABORTED
            self.complete = True
            raise MimeError(f"the connection ended within the body, {self.received} bytes were read")
        chunk: bytes = event.get("body", b"")
        self.received += len(chunk)
        self.complete = not event.get("more_body", False)
        return chunk
