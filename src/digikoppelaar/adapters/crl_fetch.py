"""Fetches CRLs by plain HTTP: their signature makes that safe (3.4). Bounded, no redirects, through a proxy if set."""

import aiohttp
from yarl import URL

from digikoppelaar.adapters.proxies import NO_PROXIES, Proxies
from digikoppelaar.errors import PartnerUnreachable, TooLarge

LIMIT = 32 * 1024 * 1024
"""Bytes. The largest CRL of a PKIoverheid TSP that is known has a few MiB."""
_TIMEOUT = aiohttp.ClientTimeout(total=60, connect=10)
_CHUNK = 64 * 1024


class CrlFetch:
    """A flows.ports.trust.CrlSource."""

    def __init__(self, proxies: Proxies = NO_PROXIES) -> None:
        self._proxies = proxies

    async def __call__(self, url: str) -> bytes:
        """The document at `url`; raises PartnerUnreachable or TooLarge."""
        host = URL(url).host or ""
        try:
            async with (
                aiohttp.ClientSession(timeout=_TIMEOUT, trust_env=False) as session,
                session.get(url, allow_redirects=False, **self._proxies.options(host)) as answer,
            ):
                if answer.status != 200:
                    raise PartnerUnreachable(f"{host}: answered {answer.status}")
                return await _whole(answer, host)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise PartnerUnreachable(f"{host}: {type(error).__name__}") from error


async def _whole(answer: aiohttp.ClientResponse, host: str) -> bytes:
    document = bytearray()
    async for chunk in answer.content.iter_chunked(_CHUNK):
        document += chunk
        if len(document) > LIMIT:
            raise TooLarge(f"{host}: the CRL is larger than {LIMIT} bytes")
    return bytes(document)
