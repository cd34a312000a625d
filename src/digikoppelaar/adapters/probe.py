"""Greeting an endpoint without sending a message: a partner's, and our own as somebody from outside.

Does it listen, does TLS hold, what time is it there; and does ours ask for a certificate?
"""

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import SplitResult, urlsplit

from digikoppelaar.errors import PartnerUnreachable
from digikoppelaar.onboarding.checks_connection import Reach, Reached

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
                return await _spoken(reader, writer, _head(parts))
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


_OTHER_HOST: Final = (62, 64)
"""X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH of OpenSSL."""
_CERTIFICATE_ASKED: Final = frozenset({b"400", b"401", b"403", b"495", b"496"})
"""What a server in front of us answers a caller without certificate, when it does not end the connection."""


async def visit(
    url: str, stranger: ssl.SSLContext, known: ssl.SSLContext | None, *, seconds: float = SECONDS
) -> Reached:
    """What somebody without certificate meets at an https endpoint of ours; never raises for what is wrong there.

    A server with TLS 1.2 ends the handshake for want of a certificate, which looks like any other refusal: then
    `known`, with a certificate, tells the two apart.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection(host, parts.port or 443, ssl=stranger, server_hostname=host)
            try:
                return await _met(reader, writer, parts)
            finally:
                writer.close()
    except ssl.SSLCertVerificationError as error:
        reach = Reach.OTHER_HOST if error.verify_code in _OTHER_HOST else Reach.NO_CHAIN
        return Reached(reach, error.verify_message)
    except (ssl.SSLError, ConnectionResetError) as error:
        if known is not None:
            return replace(await visit(url, known, None, seconds=seconds), anonymous=False)
        return Reached(Reach.NO_TLS, getattr(error, "reason", None) or type(error).__name__)
    except TimeoutError:
        return Reached(Reach.NOWHERE, f"geen antwoord binnen {seconds:.0f} s")
    except OSError as error:
        return Reached(Reach.NOWHERE, error.strerror or type(error).__name__)


async def _met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, parts: SplitResult) -> Reached:
    tls: ssl.SSLObject = writer.get_extra_info("ssl_object")
    head = b""
    with suppress(OSError):  # of TLS too: a certificate that is missing is told after the handshake
        writer.write(_head(parts))
        head = await reader.read(_MOST)
    status = head.split(b" ", 2)[1:2]
    anonymous = bool(status) and status[0] not in _CERTIFICATE_ASKED
    return Reached(Reach.ANSWERED, "", tls.version() or "", tls.getpeercert(binary_form=True) or b"", anonymous)


def _head(parts: SplitResult) -> bytes:
    request = f"HEAD {parts.path or '/'} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n"
    return request.encode("ascii")


async def _spoken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> Greeting:
    tls: ssl.SSLObject | None = writer.get_extra_info("ssl_object")
    writer.write(request)
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
