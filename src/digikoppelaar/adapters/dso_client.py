"""Fetching from *Verzoek afhandelen* of DSO-LV: the summary of a verzoek, and the files that it links to.

Everything assumed about it comes from a profile (adapters/profiles.py); statuses and faults in adapters/dso_calls.py.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final

from digikoppelaar.adapters import ranges
from digikoppelaar.adapters.dso_calls import DsoCalls
from digikoppelaar.adapters.http_out import HttpStream
from digikoppelaar.errors import FacilityAnswerBroken, VerzoekError
from digikoppelaar.flows.ports import Download, FileKind, Have, Link
from digikoppelaar.stam.links import media_type_of, read_summary
from digikoppelaar.stam.notification import checked_verzoeknummer

_UNTYPED: Final = frozenset({"", "application/octet-stream"})


class DsoRestClient:
    """flows.ports.DsoClient for one aansluiting."""

    def __init__(self, calls: DsoCalls) -> None:
        self._calls = calls
        self._profile = calls.profile
        self._announced: dict[str, FileKind] = {}

    async def summary(self, verzoeknummer: str) -> Sequence[Link]:
        """Links to the XML, the PDF and every bijlage of the newest version; see flows.ports.DsoClient."""
        url = self._profile.summary_url(self._calls.settings.base_url, checked_verzoeknummer(verzoeknummer))
        async with self._calls.get(url, self._profile.summary_accept) as answer:
            body = await self._calls.whole(answer)
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
    async def download(self, href: str, have: Have | None = None) -> AsyncIterator[Download]:
        """The content behind a link; see flows.ports.DsoClient.

        Raises FacilityError, without trying again, for a link to another host than the configured one.
        """
        self._calls.refuse_other_host(href)
        kind = self._announced.get(href)
        accept = ", ".join(self._expected(kind)) or self._profile.download_accept
        async with self._answer(href, accept, have) as answer:
            self._refuse_other_type(answer, kind)
            start, length = 0, answer.length
            if answer.status == HTTPStatus.PARTIAL_CONTENT and have:
                start, length = have.size, ranges.whole_length(answer.headers, answer.length, have.size)
            yield Download(length, self._calls.chunks(answer), start, ranges.validator(answer.headers))

    @asynccontextmanager
    async def _answer(self, href: str, accept: str, have: Have | None) -> AsyncIterator[HttpStream]:
        """The rest of what we have, when DSO-LV gives just that; else the whole."""
        asked = ranges.asking(have) if self._profile.use_ranges else {}
        if asked and have:
            async with self._calls.get(href, accept, asked, fine=ranges.STATUSES) as answer:
                if ranges.goes_on(answer.status, answer.headers, have):
                    yield answer
                    return
        async with self._calls.get(href, accept) as answer:
            yield answer

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
