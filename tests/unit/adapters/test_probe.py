"""Greeting real servers: what is told of them, and why not when they cannot be greeted."""

import socket
import time
from pathlib import Path

import pytest
from tests.certificates import LEVERANCIER, Authority, Shape
from tests.servers import echo, server_tls, serving

from digikoppelaar.adapters import tls
from digikoppelaar.adapters.probe import greet
from digikoppelaar.errors import PartnerUnreachable

AUTHORITY = Authority()
FOREIGN = Authority("Foreign")
CLIENT = AUTHORITY.issue(Shape(oin=LEVERANCIER))


async def test_a_greeting_tells_of_tls_and_time(tmp_path: Path) -> None:
    server = server_tls(tmp_path, AUTHORITY.issue(), AUTHORITY)
    client = tls.client_context(tls.Identity(*CLIENT.write(tmp_path, "us")), [AUTHORITY.write_root(tmp_path)])
    async with serving(echo, server) as port:
        greeting = await greet(f"https://localhost:{port}/ebms", client)
    assert (greeting.tls, greeting.cipher is not None) == ("TLSv1.3", True)
    assert greeting.date is not None
    assert abs(greeting.date.timestamp() - time.time()) < 60


async def test_plain_http_is_greeted_without_tls() -> None:
    async with serving(echo) as port:
        greeting = await greet(f"http://127.0.0.1:{port}", None)
    assert (greeting.tls, greeting.cipher) == (None, None)


async def test_a_certificate_that_we_do_not_trust_is_told(tmp_path: Path) -> None:
    server = server_tls(tmp_path, FOREIGN.issue(), FOREIGN)
    client = tls.client_context(tls.Identity(*CLIENT.write(tmp_path, "us")), [AUTHORITY.write_root(tmp_path)])
    async with serving(echo, server) as port:
        with pytest.raises(PartnerUnreachable, match="is not trusted"):
            await greet(f"https://localhost:{port}/", client)


async def test_a_server_that_does_not_trust_us_is_told(tmp_path: Path) -> None:
    server = server_tls(tmp_path, AUTHORITY.issue(), FOREIGN)
    client = tls.client_context(
        tls.Identity(*CLIENT.write(tmp_path, "us")), [AUTHORITY.write_root(tmp_path, "trusted")]
    )
    async with serving(echo, server) as port:
        with pytest.raises(PartnerUnreachable, match=r"does not trust our certificate|TLS failed"):
            await greet(f"https://localhost:{port}/", client)


async def test_nobody_there_and_somebody_silent_are_told_apart() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(PartnerUnreachable, match=r"no answer within 0 s"):
            await greet(f"http://127.0.0.1:{port}/", None, seconds=0.2)
    with pytest.raises(PartnerUnreachable, match="no connection"):
        await greet(f"http://127.0.0.1:{port}/", None)
