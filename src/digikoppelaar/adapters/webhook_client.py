"""Posting to webhooks.

A webhook is an address inside the network of whoever runs us, so its URL is a matter of trust: only an administrator
sets one, https is asked unless it is this machine, and no redirect is followed.
"""

import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp
from yarl import URL

from digikoppelaar.adapters import addresses
from digikoppelaar.errors import PartnerUnreachable


class WebhookClient:
    """flows.webhooks.Poster; an async context manager. `anchors` are trusted beside what the machine trusts."""

    def __init__(self, *, timeout: float, plain_http: bool = False, anchors: Sequence[Path] = ()) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._plain_http = plain_http
        self._context = ssl.create_default_context()
        for file in anchors:
            self._context.load_verify_locations(file)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._context, limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            headers={"User-Agent": "digikoppelaar"},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """See flows.webhooks.Poster."""
        target = checked_url(url, plain_http=self._plain_http)
        assert self._session is not None, "it is used within its context"
        try:
            async with self._session.post(
                target, data=body, headers=headers, allow_redirects=False, timeout=self._timeout
            ) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise PartnerUnreachable(
                f"webhook at {target.host}: {type(error).__name__}",
                advice="Controleer of de applicatie op deze URL luistert en of haar certificaat vertrouwd wordt.",
            ) from error


def checked_url(text: str, *, plain_http: bool) -> URL:
    """The URL of a webhook. Raises ConfigError when it is none, or not https outside this machine."""
    advice = "Gebruik https, of sta http toe met webhooks.plain_http in digikoppelaar.toml."
    return addresses.checked_url(text, "a webhook", plain_http=plain_http, advice=advice)
