"""Whoever has shown no certificate cannot keep partners out."""

import asyncio
import socket
import ssl
from pathlib import Path

from tests.certificates import LEVERANCIER, Authority, Shape
from tests.servers import attempt, client_tls, echo, eventually, refused, server_tls, serving

from digikoppelaar.adapters.http_in.server import Limits

POST = b"POST /ebms HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello"
LIMITS = Limits(connections=8, handshake=5, stop=2)


def partner_and_listener(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """TLS of a partner with a good certificate, and of the listener."""
    authority = Authority()
    return client_tls(folder, authority.issue(Shape(oin=LEVERANCIER)), authority), server_tls(
        folder, authority.issue(), authority
    )


def silent(port: int, address: str) -> socket.socket:
    """A connection from `address` that never says anything."""
    return socket.create_connection(("127.0.0.1", port), source_address=(address, 0))


async def test_one_address_that_never_ends_a_handshake_does_not_keep_the_others_out(tmp_path: Path) -> None:
    partner, context = partner_and_listener(tmp_path)
    before = refused("too-many-handshakes")
    async with serving(echo, context, LIMITS) as port:
        silence = [silent(port, "127.0.0.2") for _ in range(20)]
        try:
            await eventually(lambda: refused("too-many-handshakes") == before + 18)
            async with asyncio.timeout(LIMITS.handshake):  # while the two that are left still may shake hands
                assert (await attempt(port, partner, POST)).endswith(b"hello")
        finally:
            for each in silence:
                each.close()


async def test_all_together_stay_within_the_limit(tmp_path: Path) -> None:
    partner, context = partner_and_listener(tmp_path)
    before = refused("too-many-connections")
    async with serving(echo, context, LIMITS) as port:
        silence = [silent(port, f"127.0.0.{host}") for host in range(2, 8) for _ in range(2)]
        try:
            await eventually(lambda: refused("too-many-connections") == before + 4)
            assert await attempt(port, partner, POST) == b""
        finally:
            for each in silence:
                each.close()
