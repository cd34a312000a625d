"""A real nginx in front, with the configuration of the how-to: it tells who calls, and nobody else can."""

import asyncio
import base64
import re
import shutil
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives import serialization
from tests.certificates import LEVERANCIER, Authority, Issued, Shape
from tests.servers import attempt, client_tls, refused, serving

from digikoppelaar import config
from digikoppelaar.adapters.http_in.callers import ByProxy
from digikoppelaar.adapters.http_in.endpoint import Endpoint
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.adapters.trust import TrustBase, TrustFiles
from digikoppelaar.cli.trial import free_ports
from digikoppelaar.flows.receive import Answer, Arrival

HOW_TO = Path(__file__).parents[2] / "docs" / "howto" / "stand-behind-a-tls-offloader.md"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
PROXY = "127.0.0.9"
"""The address from which nginx connects; the tests themselves connect from 127.0.0.1."""
START_SECONDS = 20.0

AUTHORITY = Authority()
SERVER = AUTHORITY.issue()
CLIENT = AUTHORITY.issue(Shape(oin=LEVERANCIER))
ANOTHER = AUTHORITY.issue(Shape(oin="00000099000000009000"))

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed: apt-get install nginx-light")

MAIN = """\
daemon off;
master_process off;
pid nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    {server}
}}
"""


@dataclass
class Flow:
    """Takes everything, and keeps who it came from and how much it was."""

    arrivals: list[Arrival] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)

    async def __call__(self, arrival: Arrival) -> Answer:
        self.arrivals.append(arrival)
        self.sizes.append(sum([len(chunk) async for chunk in arrival.body]))
        return Answer(204)


@dataclass(frozen=True)
class Offloaded:
    """A gateway's endpoint behind nginx."""

    folder: Path
    flow: Flow
    gateway_port: int
    proxy_port: int

    async def through_nginx(self, client: Issued | None, request: bytes) -> bytes:
        return await attempt(self.proxy_port, client_tls(self.folder, client, AUTHORITY), request)


@asynccontextmanager
async def offloaded(folder: Path) -> AsyncIterator[Offloaded]:
    toml, nginx = blocks()
    (folder / "digikoppelaar.toml").write_text(toml.replace('["127.0.0.1"]', f'["{PROXY}"]'))
    endpoint = config.load(folder / "digikoppelaar.toml").endpoint["pre"]
    assert endpoint.mode == "proxy"
    (folder / "pkioverheid-intermediates.pem").write_bytes(CLIENT.chain_pem())
    AUTHORITY.write_root(folder, "pkioverheid-private-root")
    files = TrustFiles(endpoint.trust_anchors, endpoint.intermediates, policy="legacy")
    trust = TrustBase({"pre": files}, SystemClock())
    flow = Flow()
    identify = ByProxy("pre", endpoint.trusted_proxies, endpoint.certificate_header, trust)
    app = Endpoint("pre", flow, identify=identify)
    async with serving(app) as gateway_port, running_nginx(folder, nginx, gateway_port) as proxy_port:
        yield Offloaded(folder, flow, gateway_port, proxy_port)


def blocks() -> tuple[str, str]:
    """The configurations of gateway and nginx as the how-to has them."""
    found = dict(re.findall(r"```(toml|nginx)\n(.*?)```", HOW_TO.read_text(), re.DOTALL))
    return found["toml"], found["nginx"]


@asynccontextmanager
async def running_nginx(folder: Path, server: str, gateway_port: int) -> AsyncIterator[int]:
    assert NGINX is not None
    [port] = free_ports(1)
    SERVER.write(folder, "ebms")
    for old, new in {
        "listen 443": f"listen 127.0.0.1:{port}",
        "http://127.0.0.1:8443": f"http://127.0.0.1:{gateway_port}",
        "/etc/nginx/": f"{folder}/",
        "location = /ebms {": f"location = /ebms {{ proxy_bind {PROXY};",
    }.items():
        assert old in server
        server = server.replace(old, new)
    (folder / "nginx.conf").write_text(MAIN.format(server=server))
    with (folder / "nginx.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(NGINX, "-p", str(folder), "-c", "nginx.conf", "-e", "stderr"), stderr=log
        )
    try:
        await listening(process, port, folder / "nginx.log")
        yield port
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def listening(process: asyncio.subprocess.Process, port: int, log: Path) -> None:
    async with asyncio.timeout(START_SECONDS):
        while True:
            assert process.returncode is None, log.read_text()
            with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=1):
                return
            await asyncio.sleep(0.02)


def post(*headers: tuple[str, str], body: bytes = b"hello") -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"POST /ebms HTTP/1.1\r\nHost: localhost\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body


def in_base64(issued: Issued) -> str:
    return base64.b64encode(issued.der).decode()


def escaped(issued: Issued) -> str:
    return quote(issued.certificate.public_bytes(serialization.Encoding.PEM).decode(), safe="")


async def test_nginx_tells_whose_certificate_it_was(tmp_path: Path) -> None:
    async with offloaded(tmp_path) as there:
        assert (await there.through_nginx(CLIENT, post())).startswith(b"HTTP/1.1 204")
        assert (await there.through_nginx(ANOTHER, post())).startswith(b"HTTP/1.1 204")
    assert [arrival.oin for arrival in there.flow.arrivals] == [LEVERANCIER, "00000099000000009000"]
    assert [arrival.address for arrival in there.flow.arrivals] == [PROXY, PROXY]


async def test_a_large_body_streams_through_whole(tmp_path: Path) -> None:
    body = bytes(5_000_000)
    async with offloaded(tmp_path) as there:
        assert (await there.through_nginx(CLIENT, post(body=body))).startswith(b"HTTP/1.1 204")
    assert there.flow.sizes == [len(body)]


@pytest.mark.statement(189)
@pytest.mark.parametrize("name", ["X-Client-Cert", "x-client-cert", "X_Client_Cert"])
@pytest.mark.parametrize("value", [in_base64(ANOTHER), escaped(ANOTHER)], ids=["base64", "escaped"])
async def test_a_header_that_the_caller_sends_himself_is_overwritten(tmp_path: Path, name: str, value: str) -> None:
    async with offloaded(tmp_path) as there:
        answer = await there.through_nginx(CLIENT, post((name, value)))
    assert answer.startswith(b"HTTP/1.1 204")
    assert [arrival.oin for arrival in there.flow.arrivals] == [LEVERANCIER]


async def test_who_has_no_certificate_does_not_pass_even_with_a_header(tmp_path: Path) -> None:
    async with offloaded(tmp_path) as there:
        answer = await there.through_nginx(None, post(("X-Client-Cert", in_base64(ANOTHER))))
    assert answer.startswith(b"HTTP/1.1 400")
    assert there.flow.arrivals == []


async def test_who_has_a_certificate_of_another_root_does_not_pass(tmp_path: Path) -> None:
    foreign = Authority("Foreign").issue(Shape(oin=LEVERANCIER))
    async with offloaded(tmp_path) as there:
        assert (await there.through_nginx(foreign, post())).startswith(b"HTTP/1.1 400")
    assert there.flow.arrivals == []


@pytest.mark.statement(189)
async def test_past_nginx_the_same_header_is_refused(tmp_path: Path) -> None:
    before = refused("untrusted-proxy")
    async with offloaded(tmp_path) as there:
        answer = await attempt(there.gateway_port, None, post(("X-Client-Cert", escaped(CLIENT))))
    assert answer.startswith(b"HTTP/1.1 403")
    assert (there.flow.arrivals, refused("untrusted-proxy")) == ([], before + 1)


async def test_an_nginx_that_forgets_to_overwrite_lets_nobody_in_with_two_headers(tmp_path: Path) -> None:
    """`add` in a configuration of another proxy, say: the caller's header and the proxy's arrive both."""

    def both(port: int) -> bytes:
        connection = socket.create_connection(("127.0.0.1", port), source_address=(PROXY, 0), timeout=20)
        with connection, suppress(ssl.SSLError):
            connection.sendall(post(("X-Client-Cert", in_base64(ANOTHER)), ("X-Client-Cert", escaped(CLIENT))))
            return connection.recv(65536)
        return b""

    before = refused("certificate-header")
    async with offloaded(tmp_path) as there:
        assert (await asyncio.to_thread(both, there.gateway_port)).startswith(b"HTTP/1.1 403")
    assert (there.flow.arrivals, refused("certificate-header")) == ([], before + 1)
