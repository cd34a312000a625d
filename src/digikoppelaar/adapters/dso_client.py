"""*Verzoek afhandelen* of DSO-LV over REST. Everything assumed about it comes from a profile (adapters/profiles.py).

Statuses and faults become FacilityErrors here. The API key is read when it is needed and is in no log and no error;
it goes to the configured host only, for links to another one are not followed.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

from digikoppelaar.adapters.http_out import HttpStream
from digikoppelaar.adapters.profiles import DsoProfile
from digikoppelaar.adapters.retry_after import retry_after
from digikoppelaar.adapters.secret_files import one_line
from digikoppelaar.errors import (
    ConfigError,
    FacilityAnswerBroken,
    FacilityError,
    FacilityNotFound,
    FacilityRefused,
    FacilityUnavailable,
    PartnerUnreachable,
    VerzoekError,
)
from digikoppelaar.flows.ports import Aansluiting, Clock, Download, DsoSettings, FileKind, Link
from digikoppelaar.stam.links import media_type_of, read_summary
from digikoppelaar.stam.notification import checked_verzoeknummer

SUMMARY_LIMIT: Final = 8 * 1024 * 1024
"""Bytes of a summary: links only, a few hundred bytes for each document."""

_ADDRESS: Final = re.compile(r"https?://[!-\[\]-~]+", re.ASCII)
"""An absolute address in printable ASCII. Backslashes and white space are where readers of addresses disagree."""
_UNTYPED: Final = frozenset({"", "application/octet-stream"})


class HttpGet(Protocol):
    """What is needed of adapters.http_out.MtlsHttp: it connects as the partij of the aansluiting."""

    def get(self, url: str, headers: Mapping[str, str]) -> AbstractAsyncContextManager[HttpStream]:
        """See adapters.http_out.MtlsHttp.get; raises PartnerUnreachable, also while chunks are read."""


class DsoRestClient:
    """flows.ports.DsoClient for one aansluiting. Raises ConfigError when the aansluiting has no DSO settings."""

    def __init__(self, http: HttpGet, aansluiting: Aansluiting, profile: DsoProfile, clock: Clock) -> None:
        if aansluiting.dso is None:
            raise ConfigError(f"aansluiting {aansluiting.id} has no settings for {profile.facility}")
        self._http = http
        self._settings: DsoSettings = aansluiting.dso
        self._oin = aansluiting.organisatie_oin
        self._profile = profile
        self._clock = clock
        self._announced: dict[str, FileKind] = {}

    async def summary(self, verzoeknummer: str) -> Sequence[Link]:
        """Links to the XML, the PDF and every bijlage of the newest version; see flows.ports.DsoClient."""
        url = self._profile.summary_url(self._settings.base_url, checked_verzoeknummer(verzoeknummer))
        async with self._answer(url, self._profile.summary_accept) as answer:
            body = await self._bounded(answer)
        try:
            files = read_summary(
                body,
                answer.headers.get("content-type", ""),
                address=url,
                verzoeknummer=verzoeknummer,
                names=self._profile.summary,
            )
        except VerzoekError as error:
            raise FacilityAnswerBroken(f"{self._profile.facility}: {error}") from error
        links = [
            Link(FileKind(file.kind), file.document_id, file.naam, file.media_type, file.href, file.size)
            for file in files
        ]
        self._announced = {link.href: link.kind for link in links}
        return links

    @asynccontextmanager
    async def download(self, href: str) -> AsyncIterator[Download]:
        """The content behind a link; see flows.ports.DsoClient.

        Raises FacilityError, without trying again, for a link to another host than the configured one.
        """
        self._refuse_other_host(href)
        kind = self._announced.get(href)
        accept = ", ".join(self._expected(kind)) or self._profile.download_accept
        async with self._answer(href, accept) as answer:
            self._refuse_other_type(answer, kind)
            yield Download(answer.length, self._chunks(answer))

    @asynccontextmanager
    async def _answer(self, url: str, accept: str) -> AsyncIterator[HttpStream]:
        """An answer with status 200; every other status and every fault of the network is an error."""
        api_key = await asyncio.to_thread(one_line, Path(self._settings.api_key_file), "API key")
        headers = {
            "Accept": accept,
            self._profile.api_key_header: api_key,
            self._profile.oin_header: self._oin,
        }
        async with AsyncExitStack() as stack:
            try:
                answer = await stack.enter_async_context(self._http.get(url, headers))
            except PartnerUnreachable as error:
                raise FacilityUnavailable(f"{self._profile.facility}: {error}") from error
            self._check_status(answer)
            yield answer

    def _check_status(self, answer: HttpStream) -> None:
        said = f"{self._profile.facility} answered {answer.status}"
        match answer.status:
            case HTTPStatus.OK:
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
                raise FacilityAnswerBroken(f"{said} instead of 200; redirects are not followed")

    def _retry_after(self, answer: HttpStream) -> float | None:
        return retry_after(answer.headers.get("retry-after", ""), self._clock.now())

    async def _bounded(self, answer: HttpStream) -> bytes:
        body = bytearray()
        async for chunk in self._chunks(answer):
            body += chunk
            if len(body) > SUMMARY_LIMIT:
                raise FacilityAnswerBroken(f"{self._profile.facility}: summary is over {SUMMARY_LIMIT} bytes")
        return bytes(body)

    async def _chunks(self, answer: HttpStream) -> AsyncIterator[bytes]:
        """The body; an answer that breaks off before its announced length or its last chunk is broken."""
        done = 0
        try:
            async for chunk in answer.chunks:
                done += len(chunk)
                yield chunk
        except PartnerUnreachable as error:
            raise FacilityAnswerBroken(f"{self._profile.facility}: after {done} bytes: {error}") from error

    def _expected(self, kind: FileKind | None) -> tuple[str, ...]:
        """The media types of a kind of file; empty when any will do."""
        if kind is FileKind.XML:
            return self._profile.summary.xml_media_types
        return self._profile.pdf_media_types if kind is FileKind.PDF else ()

    def _refuse_other_type(self, answer: HttpStream, kind: FileKind | None) -> None:
        """An explanation is not a document, and a page of a proxy is not a PDF."""
        media_type = media_type_of(answer.headers.get("content-type", ""))
        expected = self._expected(kind)
        fits = media_type in expected or media_type in _UNTYPED or not expected
        if not fits or media_type in self._profile.error_media_types:
            raise FacilityAnswerBroken(f"{self._profile.facility}: the answer has another media type than announced")

    def _refuse_other_host(self, href: str) -> None:
        origin = _origin(href) if _ADDRESS.fullmatch(href) else None
        if origin is None or origin != _origin(self._settings.base_url):
            raise FacilityError(
                f"{self._profile.facility}: a link points to another host than the configured one; not followed",
                advice="DSO-LV verwijst naar een ander adres dan is ingesteld; controleer het adres in de aansluiting.",
            )


_ADVICE_401: Final = (
    "DSO-LV herkent de aansluiting niet: controleer de API-sleutel en het certificaat, "
    "en geef het verzoek daarna vrij met `digikoppelaar verzoek release`."
)
_ADVICE_403: Final = (
    "DSO-LV weigert toegang: controleer het mandaat van deze organisatie voor dit certificaat en de API-sleutel, "
    "en geef het verzoek daarna vrij met `digikoppelaar verzoek release`."
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
