"""Greeting a partner's endpoint without sending a message: does it listen, does TLS hold, what time is it there?"""

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

from digikoppelaar.errors import PartnerUnreachable

SECONDS: Final = 10.0
_MOST: Final = 16 * 1024
"""Bytes of the answer that are looked at for a Date."""


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a greeting showed. `date` is None when the answer did not say, the others over plain http."""

    tls: str | None
    cipher: str | None
    date: datetime | None
    certificate: bytes | None = None
    """Of the server, in DER."""


async def greet(url: str, context: ssl.SSLContext | None, *, seconds: float = SECONDS) -> Greeting:
    """Connect to the server of `url`, over TLS with `context` when there is one, and ask for a HEAD of its path.

    An ebMS endpoint refuses a HEAD and stores nothing (statement 162), but its answer has a Date. Raises
    PartnerUnreachable with the reason when there is no connection or TLS does not hold.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection(
                host, parts.port or (443 if context else 80), ssl=context, server_hostname=host if context else None
            )
            try:
                return await _spoken(reader, writer, f"HEAD {parts.path or '/'} HTTP/1.1\r\nHost: {parts.netloc}\r\n")
            finally:
                writer.close()
    except ssl.SSLCertVerificationError as error:
        raise PartnerUnreachable(f"{host}: its certificate is not trusted: {error.verify_message}") from error
    except ssl.SSLError as error:
        raise PartnerUnreachable(f"{host}: TLS failed: {error.reason}") from error
    except TimeoutError as error:
        raise PartnerUnreachable(f"{host}: no answer within {seconds:.0f} s") from error
    except OSError as error:
        raise PartnerUnreachable(f"{host}: no connection: {error.strerror or type(error).__name__}") from error


async def _spoken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: str) -> Greeting:
    tls: ssl.SSLObject | None = writer.get_extra_info("ssl_object")
    writer.write(f"{request}Connection: close\r\n\r\n".encode("ascii"))
    head = await reader.read(_MOST)
    if not head:  # in TLS 1.3 a server refuses our certificate only after our side of the handshake
        raise PartnerUnreachable(
            "it closed the connection without an answer; perhaps it does not trust our certificate"
        )
    cipher = tls.cipher() if tls else None
    certificate = tls.getpeercert(binary_form=True) if tls else None
    return Greeting(tls.version() if tls else None, cipher[0] if cipher else None, _date(head), certificate)


def _date(head: bytes) -> datetime | None:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"date":
            with suppress(ValueError):
                return parsedate_to_datetime(value.strip().decode("latin-1")).astimezone(UTC)
    return None
