"""One call of *Verzoek afhandelen*: who asks, and what a status or a fault of the network means.

Statuses and faults become FacilityErrors here. The API key is read when it is needed, and is in no log and no error;
it goes to the configured host only, for an address on another one is refused.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

from digikoppelaar.adapters.http_out import HttpStream
from digikoppelaar.adapters.profiles import DsoProfile
from digikoppelaar.adapters.retry_after import retry_after
from digikoppelaar.adapters.secret_files import secret_line
from digikoppelaar.errors import (
    ConfigError,
    FacilityAnswerBroken,
    FacilityError,
    FacilityNotFound,
    FacilityRefused,
    FacilityUnavailable,
    PartnerUnreachable,
)
from digikoppelaar.flows.ports import Aansluiting, Clock, DsoSettings

DOCUMENT_LIMIT: Final = 8 * 1024 * 1024
"""Bytes of an answer that is read whole: links and references, a few hundred bytes for each."""
KEY_REMEMBERED: Final = 1.0
"""Seconds until the file of the API key is read again: a verzoek is some ten calls in a row."""

_ADDRESS: Final = re.compile(r"https?://[!-\[\]-~]+", re.ASCII)
"""An absolute address in printable ASCII. Backslashes and white space are where readers of addresses disagree."""


class Http(Protocol):
    """What is needed of adapters.http_out.MtlsHttp: it connects as the partij of the aansluiting.

    That partij is the organisatie itself, or its leverancier with a mandate (stam.md 3.3).
    """

    def get(self, url: str, headers: Mapping[str, str]) -> AbstractAsyncContextManager[HttpStream]:
        """See adapters.http_out.MtlsHttp.get; raises PartnerUnreachable, also while chunks are read."""

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> AbstractAsyncContextManager[HttpStream]:
        """See adapters.http_out.MtlsHttp.post."""


class DsoCalls:
    """Calls for one aansluiting. Raises ConfigError when the aansluiting has no DSO settings."""

    def __init__(self, http: Http, aansluiting: Aansluiting, profile: DsoProfile, clock: Clock) -> None:
        if aansluiting.dso is None:
            raise ConfigError(f"aansluiting {aansluiting.id} has no settings for {profile.facility}")
        self._http = http
        self._clock = clock
        self._oin = aansluiting.organisatie_oin
        self._api_key = ""
        self._key_until = 0.0
        self.settings: DsoSettings = aansluiting.dso
        self.profile = profile

    @asynccontextmanager
    async def get(
        self, url: str, accept: str, more: Mapping[str, str] | None = None, *, fine: Collection[int] = (HTTPStatus.OK,)
    ) -> AsyncIterator[HttpStream]:
        """An answer with a status that is `fine`; every other status and every fault of the network is an error.

        `more` are headers beside those of every call.
        """
        headers = await self._headers(accept) | dict(more or {})
        async with self._checked(self._http.get(url, headers), fine) as answer:
            yield answer

    @asynccontextmanager
    async def post(
        self, url: str, accept: str, body: bytes, *, fine: Collection[int] = (HTTPStatus.OK,)
    ) -> AsyncIterator[HttpStream]:
        """As `get`, for a body in the media type of the profile."""
        profile = self.profile
        headers = await self._headers(accept) | {
            "Content-Type": profile.body_media_type,
            profile.crs_header: profile.crs,
        }
        async with self._checked(self._http.post(url, headers, body), fine) as answer:
            yield answer

    async def whole(self, answer: HttpStream) -> bytes:
        """The body; raises FacilityAnswerBroken over DOCUMENT_LIMIT, and as `chunks` does."""
        body = bytearray()
        async for chunk in self.chunks(answer):
            body += chunk
            if len(body) > DOCUMENT_LIMIT:
                raise FacilityAnswerBroken(f"{self.profile.facility}: an answer is over {DOCUMENT_LIMIT} bytes")
        return bytes(body)

    async def chunks(self, answer: HttpStream) -> AsyncIterator[bytes]:
        """The body; an answer that breaks off before its announced length or its last chunk is broken."""
        done = 0
        try:
            async for chunk in answer.chunks:
                done += len(chunk)
                yield chunk
        except PartnerUnreachable as error:
            raise FacilityAnswerBroken(f"{self.profile.facility}: after {done} bytes: {error}") from error

    def refuse_other_host(self, href: str) -> None:
        """Raises FacilityError, without trying again, for a link to another host than the configured one."""
        origin = _origin(href) if _ADDRESS.fullmatch(href) else None
        if origin is None or origin != _origin(self.settings.base_url):
            raise FacilityError(
                f"{self.profile.facility}: a link points to another host than the configured one; not followed",
                advice="DSO-LV verwijst naar een ander adres dan is ingesteld; controleer het adres in de aansluiting.",
            )

    async def _headers(self, accept: str) -> dict[str, str]:
        now = asyncio.get_running_loop().time()
        if now >= self._key_until:
            self._api_key = await asyncio.to_thread(secret_line, Path(self.settings.api_key_file), "API key")
            self._key_until = now + KEY_REMEMBERED
        return {"Accept": accept, self.profile.api_key_header: self._api_key, self.profile.oin_header: self._oin}

    @asynccontextmanager
    async def _checked(
        self, asked: AbstractAsyncContextManager[HttpStream], fine: Collection[int]
    ) -> AsyncIterator[HttpStream]:
        async with AsyncExitStack() as stack:
            try:
                answer = await stack.enter_async_context(asked)
            except PartnerUnreachable as error:
                raise FacilityUnavailable(f"{self.profile.facility}: {error}") from error
            self._check_status(answer, fine)
            yield answer

    def _check_status(self, answer: HttpStream, fine: Collection[int]) -> None:
        said = f"{self.profile.facility} answered {answer.status}"
        match answer.status:
            case status if status in fine:
                if answer.headers.get("content-encoding", "identity").lower() != "identity":
                    raise FacilityAnswerBroken(f"{said} with a content encoding that was not asked for")
            case HTTPStatus.UNAUTHORIZED:
                raise FacilityRefused(f"{said}: API key or certificate refused", advice=_ADVICE_401)
            case HTTPStatus.FORBIDDEN:
                raise FacilityRefused(f"{said}: no mandate for OIN {self._oin}", advice=_ADVICE_403)
            case HTTPStatus.NOT_FOUND:
                raise FacilityNotFound(said)
            case HTTPStatus.TOO_MANY_REQUESTS | HTTPStatus.REQUEST_TIMEOUT:
                raise FacilityUnavailable(said, retry_after=self._retry_after(answer))
            case status if status >= 500:
                raise FacilityUnavailable(said, retry_after=self._retry_after(answer))
            case status if status >= 400:
                raise FacilityError(f"{said}: it does not accept this request", advice=_ADVICE_4XX)
            case _:
                raise FacilityAnswerBroken(f"{said} which was not asked for; redirects are not followed")

    def _retry_after(self, answer: HttpStream) -> float | None:
        return retry_after(answer.headers.get("retry-after", ""), self._clock.now())


_ADVICE_401: Final = (
    "DSO-LV herkent de aansluiting niet: controleer de API-sleutel en het certificaat. "
    "Een geparkeerd verzoek geeft u daarna vrij met `digikoppelaar verzoek release`."
)
_ADVICE_403: Final = (
    "DSO-LV weigert toegang: controleer het mandaat van deze organisatie voor dit certificaat en de API-sleutel. "
    "Een geparkeerd verzoek geeft u daarna vrij met `digikoppelaar verzoek release`."
)
_ADVICE_4XX: Final = "DSO-LV begrijpt de vraag niet: controleer het adres en de versie in de aansluiting."


def _origin(address: str) -> tuple[str, str, int] | None:
    """Scheme, host and port; None for what has none of these, or has user information."""
    try:
        parts = urlsplit(address)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
    except ValueError:
        return None
    if parts.username is not None or parts.password is not None or not parts.hostname:
        return None
    return parts.scheme, parts.hostname, port
