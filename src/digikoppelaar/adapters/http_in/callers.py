"""Who is at the other end of a request, by the mode of a listener: of its own TLS, behind a proxy, or plain http.

Only what a listener is told to trust counts: a header that looks like a certificate means nothing on a listener with
TLS of its own or without any (statement 189). Whether the caller may send under a CPA is decided by the core.
"""

import base64
import binascii
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import unquote

from starlette.types import Scope

from digikoppelaar.adapters.http_in.protocols import TLS_EXTENSION
from digikoppelaar.adapters.trust import TrustBase
from digikoppelaar.errors import OinError, TrustError
from digikoppelaar.pki.certificate import Use, read_certificate

_PEM: Final = re.compile(r"-----BEGIN CERTIFICATE-----(.*)-----END CERTIFICATE-----", re.DOTALL)

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Stranger:
    """A caller who is not let in. `reason` is one of few words, for the metrics; `detail` is for the log."""

    reason: str
    detail: str


Identify = Callable[[Scope], Awaitable[str | Stranger | None]]
"""The OIN of the caller; None when nobody is asked who he is."""


async def by_tls(scope: Scope) -> str | Stranger:
    """By the client certificate that the TLS layer of this listener verified."""
    der = scope.get("extensions", {}).get(TLS_EXTENSION, {}).get("client_certificate")
    if not der:
        return Stranger("no-oin", "the connection has no client certificate")
    try:
        return read_certificate(der).oin
    except (OinError, TrustError) as error:
        return Stranger("no-oin", str(error))


async def nobody(scope: Scope) -> None:
    """Plain http: no one is asked. Only for the sandbox, on a loopback address; the configuration sees to that."""
    del scope


@dataclass(frozen=True, slots=True)
class ByProxy:
    """By the certificate that a TLS offloader put in a header; it counts from `proxies` only (3.5, step 5).

    The proxy proved that the caller holds the key, and must overwrite the header of whoever sends one. Everything
    else about the certificate is judged here again: chain, dates, revocation, purpose and OIN.
    """

    omgeving: str
    proxies: tuple[Network, ...]
    header: str
    """Name of the header; case does not matter."""
    trust: TrustBase

    async def __call__(self, scope: Scope) -> str | Stranger:
        """See `Identify`."""
        if not _is_one_of(scope.get("client"), self.proxies):
            return Stranger("untrusted-proxy", "the request does not come from a proxy of trusted_proxies")
        name = self.header.lower().encode("latin-1")
        values = [value for each, value in scope["headers"] if each == name]
        if len(values) != 1 or not values[0].strip():
            return Stranger("certificate-header", f"{len(values)} headers with a certificate, one with a value is due")
        try:
            return await self._oin(header_certificate(values[0].decode("latin-1")))
        except OinError as error:
            return Stranger("no-oin", str(error))
        except TrustError as error:
            return Stranger("certificate-not-trusted", str(error))

    async def _oin(self, der: bytes) -> str:
        oin = read_certificate(der).oin
        if problem := await self.trust.problem(self.omgeving, der, use=Use.TLS_CLIENT):
            raise TrustError(problem)
        return oin


def header_certificate(value: str) -> bytes:
    """The one certificate, DER, in a header: base64 DER, also between colons (RFC 9440), or PEM, also percent-encoded.

    PEM may have lost its line ends, as a header cannot hold them. Raises TrustError for anything else, a second
    certificate included.
    """
    text = unquote(value) if "%" in value else value
    pem = _PEM.fullmatch(text.strip())
    encoded = pem[1] if pem else text.strip().removeprefix(":").removesuffix(":")
    try:
        return base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise TrustError("the header of the proxy holds no single certificate as DER in base64 or PEM") from error


def _is_one_of(client: tuple[str, int] | None, networks: Iterable[Network]) -> bool:
    if client is None:
        return False
    try:
        address = _unmapped(ip_address(client[0]))
    except ValueError:
        return False
    return any(address in network for network in networks)


def _unmapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that a socket for both versions shows as ::ffff:a.b.c.d."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
