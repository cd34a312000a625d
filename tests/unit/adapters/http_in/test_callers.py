"""Who a caller is, behind a TLS offloader and on plain http, over real sockets."""

import base64
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives import serialization
from structlog.testing import capture_logs
from tests.certificates import LEVERANCIER, NOW, SERVER_AUTH, Authority, Issued, Shape
from tests.servers import attempt, client_tls, refused, server_tls, serving

from digikoppelaar.adapters.http_in.callers import ByProxy, Identify, header_certificate, nobody
from digikoppelaar.adapters.http_in.endpoint import Endpoint
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.adapters.trust import TrustBase, TrustFiles
from digikoppelaar.errors import TrustError
from digikoppelaar.flows.receive import Answer, Arrival
from digikoppelaar.pki.crl import read_crls

AUTHORITY = Authority()
CLIENT = AUTHORITY.issue(Shape(oin=LEVERANCIER))
HEADER = "X-Client-Cert"


class Flow:
    """Takes everything."""

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []

    async def __call__(self, arrival: Arrival) -> Answer:
        self.arrivals.append(arrival)
        return Answer(204)


@pytest.fixture
def trust(tmp_path: Path) -> TrustBase:
    """The root is the anchor; a proxy hands on the leaf alone, so what is between is on record."""
    between = tmp_path / "between.pem"
    between.write_bytes(CLIENT.chain_pem())
    files = TrustFiles((AUTHORITY.write_root(tmp_path),), (between,), policy="legacy")
    return TrustBase({"pre": files}, SystemClock())


def by_proxy(trust: TrustBase, proxy: str = "127.0.0.1") -> ByProxy:
    return ByProxy("pre", (ip_network(proxy),), HEADER, trust)


def post(*headers: tuple[str, str]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"POST /ebms HTTP/1.1\r\nHost: localhost\r\n{lines}Content-Length: 5\r\n\r\nhello".encode()


async def answered(flow: Flow, identify: Identify, request: bytes) -> bytes:
    async with serving(Endpoint("pre", flow, identify=identify)) as port:
        return await attempt(port, None, request)


def der(issued: Issued) -> str:
    return base64.b64encode(issued.der).decode()


def pem(issued: Issued) -> str:
    return issued.certificate.public_bytes(serialization.Encoding.PEM).decode()


FORMS = {
    "DER in base64": der(CLIENT),
    "RFC 9440": f":{der(CLIENT)}:",
    "nginx escaped": quote(pem(CLIENT), safe=""),
    "load balancer, safe +=/": quote(pem(CLIENT), safe="+=/"),
    "PEM with spaces for line ends": pem(CLIENT).replace("\n", " "),
    "PEM with tabs for line ends": pem(CLIENT).strip().replace("\n", "\t"),
    "PEM without line ends": pem(CLIENT).replace("\n", ""),
    "DER escaped": quote(der(CLIENT), safe=""),
}


@pytest.mark.parametrize("value", FORMS.values(), ids=FORMS)
async def test_a_trusted_proxy_tells_who_calls_in_every_common_form(trust: TrustBase, value: str) -> None:
    flow = Flow()
    assert (await answered(flow, by_proxy(trust), post((HEADER, value)))).startswith(b"HTTP/1.1 204")
    assert [arrival.oin for arrival in flow.arrivals] == [LEVERANCIER]


@pytest.mark.statement(189)
@pytest.mark.parametrize("proxy", ["127.0.0.2", "10.0.0.0/8", "::1"])
async def test_a_certificate_header_from_another_address_is_refused_and_counted(trust: TrustBase, proxy: str) -> None:
    flow, before = Flow(), refused("untrusted-proxy")
    with capture_logs() as logs:
        answer = await answered(flow, by_proxy(trust, proxy), post((HEADER, der(CLIENT))))
    assert answer.startswith(b"HTTP/1.1 403")
    assert (flow.arrivals, refused("untrusted-proxy")) == ([], before + 1)
    assert [(entry["reason"], entry["address"]) for entry in logs] == [("untrusted-proxy", "127.0.0.1")]


@pytest.mark.parametrize("host", ["::1", "127.0.0.1"])
@pytest.mark.parametrize("shown", ["{}", "::ffff:{}"])
async def test_an_address_is_known_in_both_its_forms(trust: TrustBase, host: str, shown: str) -> None:
    if host == "::1" and shown != "{}":
        shown = "0:0:0:0:0:0:0:1"
    scope = {"client": (shown.format(host), 5), "headers": [(b"x-client-cert", der(CLIENT).encode())]}
    assert await by_proxy(trust, host)(scope) == LEVERANCIER


@pytest.mark.parametrize("client", [None, ("unix", 0)])
async def test_an_unknown_address_is_no_proxy(trust: TrustBase, client: tuple[str, int] | None) -> None:
    scope = {"client": client, "headers": [(b"x-client-cert", der(CLIENT).encode())]}
    found = await by_proxy(trust, "0.0.0.0/0")(scope)
    assert getattr(found, "reason", None) == "untrusted-proxy"


@pytest.mark.statement(189)
@pytest.mark.parametrize(
    "headers",
    [
        (),
        ((HEADER, ""),),
        ((HEADER, der(CLIENT)), (HEADER.lower(), der(CLIENT))),
        ((HEADER, der(CLIENT)), (HEADER, "")),
    ],
    ids=["none", "empty", "two", "one and an empty one"],
)
async def test_no_header_and_two_headers_are_refused(trust: TrustBase, headers: tuple[tuple[str, str], ...]) -> None:
    flow, before = Flow(), refused("certificate-header")
    assert (await answered(flow, by_proxy(trust), post(*headers))).startswith(b"HTTP/1.1 403")
    assert (flow.arrivals, refused("certificate-header")) == ([], before + 1)


@pytest.mark.parametrize(
    "value",
    [
        f"{der(CLIENT)}, {der(CLIENT)}",
        pem(CLIENT).replace("\n", " ") * 2,
        quote(pem(CLIENT) * 2),
        "x" + pem(CLIENT).replace("\n", " "),
        "geen certificaat",
        der(CLIENT)[:-8],
        base64.b64encode(b"no certificate").decode(),
        "%FF%FE",
    ],
    ids=["two joined", "two PEM", "two escaped", "text before", "words", "cut", "no certificate", "no text"],
)
async def test_what_is_not_one_certificate_is_refused(trust: TrustBase, value: str) -> None:
    flow, before = Flow(), refused("certificate-not-trusted")
    assert (await answered(flow, by_proxy(trust), post((HEADER, value)))).startswith(b"HTTP/1.1 403")
    assert (flow.arrivals, refused("certificate-not-trusted")) == ([], before + 1)


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        (Shape(oin=LEVERANCIER, not_after=NOW), "certificate-not-trusted"),
        (Shape(oin=LEVERANCIER, usages=[SERVER_AUTH]), "certificate-not-trusted"),
        (Shape(oin=None), "no-oin"),
        (Shape(oin="1234"), "no-oin"),
    ],
    ids=["expired", "for servers only", "without OIN", "with half an OIN"],
)
async def test_the_certificate_itself_is_judged_again(trust: TrustBase, shape: Shape, reason: str) -> None:
    flow, before = Flow(), refused(reason)
    answer = await answered(flow, by_proxy(trust), post((HEADER, der(AUTHORITY.issue(shape)))))
    assert answer.startswith(b"HTTP/1.1 403")
    assert (flow.arrivals, refused(reason)) == ([], before + 1)


async def test_a_certificate_of_another_root_is_refused_and_the_caller_is_not_told_why(trust: TrustBase) -> None:
    flow, foreign = Flow(), Authority("Foreign").issue(Shape(oin=LEVERANCIER))
    with capture_logs() as logs:
        answer = await answered(flow, by_proxy(trust), post((HEADER, der(foreign))))
    assert answer.startswith(b"HTTP/1.1 403")
    assert answer.endswith(b"no client certificate that is accepted here")
    assert flow.arrivals == []
    assert [entry["reason"] for entry in logs] == ["certificate-not-trusted"]
    assert logs[0]["detail"]


@pytest.mark.statement(178, 189)
async def test_a_revoked_certificate_is_refused_behind_a_proxy_too(tmp_path: Path, trust: TrustBase) -> None:
    revoked, flow = AUTHORITY.issue(Shape(oin=LEVERANCIER)), Flow()
    trust.set_crls("pre", read_crls(AUTHORITY.write_crls(tmp_path, revoked).read_bytes()))
    assert (await answered(flow, by_proxy(trust), post((HEADER, der(revoked))))).startswith(b"HTTP/1.1 403")
    assert (await answered(flow, by_proxy(trust), post((HEADER, der(CLIENT))))).startswith(b"HTTP/1.1 204")
    assert len(flow.arrivals) == 1


@pytest.mark.statement(189)
async def test_with_tls_of_our_own_a_certificate_header_means_nothing(tmp_path: Path) -> None:
    flow, other = Flow(), AUTHORITY.issue(Shape(oin="00000099000000009000"))
    async with serving(Endpoint("pre", flow), server_tls(tmp_path, AUTHORITY.issue(), AUTHORITY)) as port:
        await attempt(port, client_tls(tmp_path, CLIENT, AUTHORITY), post((HEADER, der(other))))
    assert [arrival.oin for arrival in flow.arrivals] == [LEVERANCIER]


@pytest.mark.statement(167, 189)
async def test_on_plain_http_the_caller_is_nobody_whatever_he_sends() -> None:
    flow = Flow()
    request = post((HEADER, der(CLIENT)), ("Authorization", "Basic aGVuazpnZWhlaW0="))
    assert (await answered(flow, nobody, request)).startswith(b"HTTP/1.1 204")
    assert [arrival.oin for arrival in flow.arrivals] == [None]


@pytest.mark.statement(167)
async def test_a_password_does_not_stand_in_for_a_certificate() -> None:
    flow = Flow()
    request = post(("Authorization", "Basic aGVuazpnZWhlaW0="))
    async with serving(Endpoint("pre", flow)) as port:
        assert (await attempt(port, None, request)).startswith(b"HTTP/1.1 403")
    assert flow.arrivals == []


def test_a_percent_sign_that_escapes_nothing_is_no_base64() -> None:
    with pytest.raises(TrustError):
        header_certificate(der(CLIENT)[:40] + "%zz" + der(CLIENT)[40:])
