"""Searching verzoeken at *Verzoek afhandelen* of DSO-LV, and sending one on to another authority.

Everything assumed about both comes from the profile; statuses and faults become errors in adapters/dso_calls.py.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from http import HTTPStatus
from typing import Final

from digikoppelaar.adapters.dso_calls import DsoCalls
from digikoppelaar.errors import FacilityAnswerBroken, VerzoekError
from digikoppelaar.flows.ports.reroute import Reroute, Role
from digikoppelaar.stam.notification import checked_verzoeknummer
from digikoppelaar.stam.search import Page, Ring, Zaakverwijzing, first_page, read_page, reroute_body, search_body

MOST_PAGES: Final = 100_000
"""A limit on what an answer may make us do: five million verzoeken, more than the country has in ten years."""

_TAKEN: Final = (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED, HTTPStatus.NO_CONTENT)
"""Which of these the real one answers is not public."""


class DsoRestSearch:
    """flows.ports.catch_up.Search and flows.ports.reroute.Rerouting for one aansluiting."""

    def __init__(self, calls: DsoCalls) -> None:
        self._calls = calls
        self._profile = calls.profile

    async def search(self, where: Ring | str, since: datetime, until: datetime) -> AsyncIterator[Zaakverwijzing]:
        """Every verzoek there in the period, page after page; see flows.ports.catch_up.Search."""
        names = self._profile.search
        body = search_body(where, since, until, names)
        address: str | None = first_page(
            self._profile.search_url(self._calls.settings.base_url), self._profile.search_size, names
        )
        asked: set[str] = set()
        seen = 0
        while address is not None:
            if address in asked or len(asked) >= MOST_PAGES:
                raise FacilityAnswerBroken(f"{self._profile.facility}: the pages of a search do not end")
            asked.add(address)
            page = await self._page(address, body)
            for found in page.found:
                yield found
            seen += len(page.found)
            address = page.next
        if page.total is not None and seen < page.total:
            raise FacilityAnswerBroken(
                f"{self._profile.facility}: a search announced {page.total} verzoeken and gave {seen}"
            )

    async def reroute(self, verzoeknummer: str, to: Reroute) -> None:
        """Change who decides on a verzoek or who handles it; see flows.ports.reroute.Rerouting."""
        profile = self._profile
        key = profile.search.bevoegd_gezag_key if to.role is Role.BEVOEGD_GEZAG else profile.search.behandeldienst_key
        url = profile.reroute_url(self._calls.settings.base_url, checked_verzoeknummer(verzoeknummer))
        body = reroute_body(key, to.oin, profile.search)
        async with self._calls.post(url, profile.search_accept, body, fine=_TAKEN):
            pass

    async def _page(self, address: str, body: bytes) -> Page:
        self._calls.refuse_other_host(address)
        async with self._calls.post(address, self._profile.search_accept, body) as answer:
            content, content_type = await self._calls.whole(answer), answer.headers.get("content-type", "")
        try:
            return read_page(content, content_type, address=address, names=self._profile.search)
        except VerzoekError as error:
            raise FacilityAnswerBroken(f"{self._profile.facility}: {error}") from error
