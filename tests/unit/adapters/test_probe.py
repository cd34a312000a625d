"""Greeting real servers: what is told of them, and why not when they cannot be greeted."""

import socket
import ssl
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.certificates import LEVERANCIER, Authority, Issued, Shape
from tests.servers import echo, server_tls, serving

from digikoppelaar.adapters import tls
from digikoppelaar.adapters.probe import greet, visit
from digikoppelaar.errors import PartnerUnreachable
from digikoppelaar.onboarding.checks_connection import Reach, Reached

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


# --- our own endpoint, as somebody from outside ----------------------------------------------------------------------


def stranger() -> ssl.SSLContext:
    return tls.stranger_context(AUTHORITY.root.chain_pem().decode())


async def test_a_stranger_sees_the_chain_and_that_a_certificate_is_asked(tmp_path: Path) -> None:
    issued = AUTHORITY.issue()
    async with serving(echo, server_tls(tmp_path, issued, AUTHORITY)) as port:
        reached = await visit(f"https://localhost:{port}/ebms", stranger(), None)
    assert reached == Reached(Reach.ANSWERED, tls="TLSv1.3", certificate=issued.der)


async def test_what_also_answers_a_stranger_is_told(tmp_path: Path) -> None:
    context = tls.application_context(tls.Identity(*AUTHORITY.issue().write(tmp_path)))
    async with serving(echo, context) as port:
        assert (await visit(f"https://localhost:{port}/ebms", stranger(), None)).anonymous


async def test_a_server_with_tls_12_is_told_from_one_that_refuses_everybody(tmp_path: Path) -> None:
    server = server_tls(tmp_path, AUTHORITY.issue(), AUTHORITY)
    server.maximum_version = ssl.TLSVersion.TLSv1_2
    known = tls.client_context(tls.Identity(*CLIENT.write(tmp_path, "us")), [AUTHORITY.write_root(tmp_path)])
    async with serving(echo, server) as port:
        url = f"https://localhost:{port}/ebms"
        assert (await visit(url, stranger(), None)).reach is Reach.NO_TLS
        reached = await visit(url, stranger(), known)
    assert (reached.reach, reached.tls, reached.anonymous) == (Reach.ANSWERED, "TLSv1.2", False)


@pytest.mark.parametrize(
    ("issued", "host", "reach"),
    [
        (replace(AUTHORITY.issue(), above=()), "localhost", Reach.NO_CHAIN),
        (FOREIGN.issue(), "localhost", Reach.NO_CHAIN),
        (AUTHORITY.issue(Shape(names=("elders.example",))), "localhost", Reach.OTHER_HOST),
        (AUTHORITY.issue(Shape(names=("localhost",))), "127.0.0.1", Reach.OTHER_HOST),
    ],
)
async def test_a_chain_or_host_that_does_not_hold_is_told(
    tmp_path: Path, issued: Issued, host: str, reach: Reach
) -> None:
    async with serving(echo, server_tls(tmp_path, issued, AUTHORITY)) as port:
        assert (await visit(f"https://{host}:{port}/ebms", stranger(), None)).reach is reach


async def test_where_nobody_listens_or_nobody_speaks_tls_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert (await visit(f"https://localhost:{port}/", stranger(), None, seconds=0.2)).reach is Reach.NOWHERE
    assert (await visit(f"https://localhost:{port}/", stranger(), None)).reach is Reach.NOWHERE
    async with serving(echo) as plain:
        assert (await visit(f"https://localhost:{plain}/", stranger(), None)).reach is Reach.NO_TLS
