"""Which proxy, if any, an outgoing connection takes: by pattern of the host, the first that fits.

With https the proxy only gets a CONNECT: TLS, and the certificates of both sides, stay between the partner and us.
"""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TypedDict

import aiohttp
from yarl import URL

from digikoppelaar.errors import ConfigError


class Route(TypedDict, total=False):
    """How to reach a partner, in the words of aiohttp. `ssl` is the caller's to add."""

    ssl: ssl.SSLContext
    proxy: URL
    proxy_headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy for every host that fits `hosts`, a pattern such as `*.voorbeeld.nl`. `credentials`: name:password."""

    hosts: str
    url: str
    credentials: str | None = field(default=None, repr=False)


class Proxies:
    """The proxies of this installation, in the order in which they are tried. Raises ConfigError for a wrong one."""

    def __init__(self, proxies: Sequence[Proxy] = ()) -> None:
        self._options = [(proxy.hosts.lower(), _options(proxy)) for proxy in proxies]

    def options(self, host: str) -> Route:
        """For a request to `host`; empty when it goes straight."""
        straight = Route()
        return next((options for pattern, options in self._options if fnmatchcase(host.lower(), pattern)), straight)


NO_PROXIES = Proxies()


def _options(proxy: Proxy) -> Route:
    url = URL(proxy.url)
    if url.scheme != "http" or not url.host or url.user:
        raise ConfigError(
            f"the proxy for {proxy.hosts} must be an http URL without credentials",
            advice="Zet naam en wachtwoord van de proxy in een bestand: credentials_file.",
        )
    options: Route = {"proxy": url}
    if proxy.credentials:
        name, _, password = proxy.credentials.partition(":")
        # To aiohttp these are the credentials for the proxy; it makes Proxy-Authorization of them.
        options["proxy_headers"] = {"Authorization": aiohttp.encode_basic_auth(name, password)}
    return options
