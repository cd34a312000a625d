"""One call of *Verzoek afhandelen*: who asks, and with what; what is answered is judged in `facility_calls`.

The API key is read when it is needed, and is in no log and no error; it goes to the configured host only, for an
address on another one is refused.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from digikoppelaar.adapters.facility_calls import Advice, Http, Statuses
from digikoppelaar.adapters.http_out import HttpStream
from digikoppelaar.adapters.profiles import DsoProfile
from digikoppelaar.adapters.secret_files import secret_line
from digikoppelaar.errors import ConfigError, FacilityError
from digikoppelaar.flows.ports import Aansluiting, Clock, DsoSettings

KEY_REMEMBERED: Final = 1.0
"""Seconds until the file of the API key is read again: a verzoek is some ten calls in a row."""

_ADDRESS: Final = re.compile(r"https?://[!-\[\]-~]+", re.ASCII)
"""An absolute address in printable ASCII. Backslashes and white space are where readers of addresses disagree."""


class DsoCalls:
    """Calls for one aansluiting. Raises ConfigError when the aansluiting has no DSO settings."""

    def __init__(self, http: Http, aansluiting: Aansluiting, profile: DsoProfile, clock: Clock) -> None:
        if aansluiting.dso is None:
            raise ConfigError(f"aansluiting {aansluiting.id} has no settings for {profile.facility}")
        self._http = http
        self._oin = aansluiting.organisatie_oin
        self._api_key = ""
        self._key_until = 0.0
        self.settings: DsoSettings = aansluiting.dso
        self.profile = profile
        self._statuses = Statuses(profile.facility, _advice(aansluiting.organisatie_oin), clock)

    @asynccontextmanager
    async def get(
        self, url: str, accept: str, more: Mapping[str, str] | None = None, *, fine: Collection[int] = (HTTPStatus.OK,)
    ) -> AsyncIterator[HttpStream]:
        """An answer with a status that is `fine`; every other status and every fault of the network is an error.

        `more` are headers beside those of every call.
        """
        headers = await self._headers(accept) | dict(more or {})
        async with self._statuses.checked(self._http.get(url, headers), fine) as answer:
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
        async with self._statuses.checked(self._http.post(url, headers, body), fine) as answer:
            yield answer

    async def whole(self, answer: HttpStream) -> bytes:
        """See facility_calls.Statuses.whole."""
        return await self._statuses.whole(answer)

    def chunks(self, answer: HttpStream) -> AsyncIterator[bytes]:
        """See facility_calls.Statuses.chunks."""
        return self._statuses.chunks(answer)

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


_ADVICE_401: Final = (
    "DSO-LV herkent de aansluiting niet: controleer de API-sleutel en het certificaat. "
    "Een geparkeerd verzoek geeft u daarna vrij met `digikoppelaar verzoek release`."
)
_ADVICE_403: Final = (
    "DSO-LV weigert toegang: controleer het mandaat van deze organisatie voor dit certificaat en de API-sleutel. "
    "Een geparkeerd verzoek geeft u daarna vrij met `digikoppelaar verzoek release`."
)
_ADVICE_4XX: Final = "DSO-LV begrijpt de vraag niet: controleer het adres en de versie in de aansluiting."


def _advice(oin: str) -> Advice:
    return Advice(
        unauthorized=("API key or certificate refused", _ADVICE_401),
        forbidden=(f"no mandate for OIN {oin}", _ADVICE_403),
        otherwise=_ADVICE_4XX,
    )


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
