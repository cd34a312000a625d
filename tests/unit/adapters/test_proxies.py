"""Outgoing calls through a CONNECT proxy, over real sockets: TLS stays between the partner and us."""

from pathlib import Path

import pytest
from tests.certificates import GEMEENTE, LEVERANCIER, Authority, Shape, trust_in
from tests.proxies import ConnectProxy
from tests.servers import echo, server_tls, serving
from tests.unit.adapters.test_keys import FixedClock

from digikoppelaar.adapters.crl_fetch import CrlFetch
from digikoppelaar.adapters.http_out import MtlsHttp, MtlsSessions, MtlsTransport, Timeouts
from digikoppelaar.adapters.keys import Keyring
from digikoppelaar.adapters.proxies import Proxies, Proxy
from digikoppelaar.errors import ConfigError, PartnerUnreachable
from digikoppelaar.flows.ports import Reply
from digikoppelaar.pki.certificate import Use

AUTHORITY = Authority("Proxy")
PARTNER = AUTHORITY.issue(Shape(oin=LEVERANCIER))
TIMEOUTS = Timeouts(connect=5, read=5, total=5)


def keyring(folder: Path) -> Keyring:
    """The gemeente's, with trust in the authority."""
    records = AUTHORITY.issue().record(folder, Use.TLS_CLIENT)
    return Keyring(records, trust_in(AUTHORITY.write_root(folder, "anchor"), FixedClock()), FixedClock())


async def post(folder: Path, proxies: Proxies, url: str) -> Reply:
    """One message as the gemeente."""
    async with MtlsSessions(keyring(folder), TIMEOUTS, proxies) as sessions:
        return await MtlsTransport(sessions).post("pre", GEMEENTE, url, "text/xml", b"<geheim/>")


async def test_mutual_tls_goes_through_a_proxy_that_cannot_read_it(tmp_path: Path) -> None:
    tls = server_tls(tmp_path, PARTNER, AUTHORITY)
    async with ConnectProxy().running() as proxy, serving(echo, tls) as port:
        reply = await post(tmp_path, Proxies([Proxy("*", proxy.url)]), f"https://localhost:{port}/ebms")
    assert (reply.status, reply.body) == (200, b"<geheim/>")
    assert proxy.heads[0].startswith(f"CONNECT localhost:{port} HTTP/1.1\r\n")
    assert b"geheim" not in proxy.passed
    assert b"\x16\x03\x01" in proxy.passed[:3]  # the handshake of TLS


async def test_the_first_pattern_that_fits_decides_and_others_go_straight(tmp_path: Path) -> None:
    tls = server_tls(tmp_path, PARTNER, AUTHORITY)
    async with ConnectProxy().running() as proxy, serving(echo, tls) as port:
        proxies = Proxies([Proxy("*.voorbeeld.nl", proxy.url), Proxy("LOCALHOST", proxy.url)])
        await post(tmp_path, proxies, f"https://127.0.0.1:{port}/ebms")
        assert proxy.heads == []
        await post(tmp_path, proxies, f"https://localhost:{port}/ebms")
        assert len(proxy.heads) == 1


async def test_a_proxy_that_wants_credentials_gets_them_and_no_partner_does(tmp_path: Path) -> None:
    tls = server_tls(tmp_path, PARTNER, AUTHORITY)
    async with ConnectProxy("poort:geheim").running() as proxy, serving(echo, tls) as port:
        url = f"https://localhost:{port}/ebms"
        reply = await post(tmp_path, Proxies([Proxy("*", proxy.url, "poort:geheim")]), url)
        assert reply.status == 200
        with pytest.raises(PartnerUnreachable, match="localhost: the proxy answered 407"):
            await post(tmp_path, Proxies([Proxy("*", proxy.url)]), url)


@pytest.mark.statement(169, 188)
async def test_the_host_of_the_partner_is_checked_behind_a_proxy_too(tmp_path: Path) -> None:
    elsewhere = AUTHORITY.issue(Shape(oin=LEVERANCIER, names=("elders.example",)))
    tls = server_tls(tmp_path, elsewhere, AUTHORITY)
    async with ConnectProxy().running() as proxy, serving(echo, tls) as port:
        with pytest.raises(PartnerUnreachable, match="its certificate is not trusted"):
            await post(tmp_path, Proxies([Proxy("*", proxy.url)]), f"https://localhost:{port}/ebms")


async def test_a_proxy_that_is_not_there_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(PartnerUnreachable, match="no connection to the proxy"):
        await post(tmp_path, Proxies([Proxy("*", "http://127.0.0.1:1")]), "https://localhost:1/ebms")


async def test_rest_calls_take_the_proxy_too(tmp_path: Path) -> None:
    tls = server_tls(tmp_path, PARTNER, AUTHORITY)
    async with ConnectProxy().running() as proxy, serving(echo, tls) as port:
        proxies = Proxies([Proxy("*", proxy.url)])
        async with MtlsSessions(keyring(tmp_path), TIMEOUTS, proxies) as sessions:
            http = MtlsHttp(sessions, "pre", GEMEENTE)
            async with http.get(f"https://localhost:{port}/verzoeken") as answer:
                assert answer.status == 200
    assert len(proxy.heads) == 1


async def test_a_crl_is_fetched_through_the_proxy() -> None:
    async with ConnectProxy().running() as proxy, serving(echo) as port:
        await CrlFetch(Proxies([Proxy("*", proxy.url)]))(f"http://localhost:{port}/tsp.crl")
    assert proxy.heads[0].startswith(f"GET http://localhost:{port}/tsp.crl HTTP/1.1\r\n")


@pytest.mark.parametrize("url", ["https://proxy:3128", "http://naam:wachtwoord@proxy:3128", "proxy:3128"])
def test_a_proxy_is_an_http_url_without_credentials(url: str) -> None:
    with pytest.raises(ConfigError, match="must be an http URL without credentials"):
        Proxies([Proxy("*", url)])
