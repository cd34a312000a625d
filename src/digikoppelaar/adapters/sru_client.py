"""Searching KOOP's repository and reading what it has, with manners: at a pace, and slower when it is asked.

Addresses and manners are from the profile (adapters/profiles.py), what is asked and answered in `drop.sru`. Anybody may
read it all, so no certificate is shown and nothing goes along but the question.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from typing import Final, Protocol

from digikoppelaar.adapters.facility_calls import Advice, Statuses
from digikoppelaar.adapters.http_out import HttpStream
from digikoppelaar.adapters.profiles import SruProfile
from digikoppelaar.drop.metadata import Metadata, read_metadata
from digikoppelaar.drop.publication import Nummer, Published, read_publication
from digikoppelaar.drop.sru import Answer, Record, Search, address, next_page, read_answer
from digikoppelaar.errors import (
    FacilityAnswerBroken,
    FacilityUnavailable,
)
from digikoppelaar.flows.ports import Clock

MOST_PAGES: Final = 100
"""Of one search. A period of one body has a few; a limit on what an answer may make us do."""
LONGEST_CALL: Final = 120.0
"""Seconds of one call, for an answer that comes in drop by drop never ends by itself."""
_ACCEPT: Final = "application/xml, text/xml;q=0.9"


class Http(Protocol):
    """What is needed of adapters.http_out.MtlsHttp, over adapters.public_tls.PublicContexts."""

    def get(self, url: str, headers: Mapping[str, str]) -> AbstractAsyncContextManager[HttpStream]:
        """See adapters.http_out.MtlsHttp.get; raises PartnerUnreachable, also while chunks are read."""


class Pace:
    """Turns to call one host, at least `pause` seconds apart, in the order in which they were asked for.

    One process knows nothing of the turns of another.
    """

    def __init__(self, pause: float, longest: float) -> None:
        self._pause = pause
        self._longest = longest
        self._free = 0.0
        self._order = asyncio.Lock()

    async def turn(self) -> None:
        """Wait for a turn. Raises FacilityUnavailable at once while the host wants to be left alone for longer."""
        loop = asyncio.get_running_loop()
        async with self._order:
            while (wait := self._free - loop.time()) > 0:
                if wait > self._longest + self._pause:
                    raise FacilityUnavailable("it asked to be left alone for a while", retry_after=wait)
                await asyncio.sleep(wait)
            self._free = loop.time() + self._pause

    def hold(self, seconds: float) -> None:
        """Nobody gets a turn for so long."""
        self._free = max(self._free, asyncio.get_running_loop().time() + seconds)


class SruClient:
    """flows.published.Repository over HTTP. Every method raises a FacilityError."""

    def __init__(self, http: Http, profile: SruProfile, clock: Clock) -> None:
        self._http = http
        self._profile = profile
        self._statuses = Statuses(profile.facility, _ADVICE, clock)
        self._longest = profile.longest_wait_ms / 1000
        self._searches = Pace(profile.search_pause_ms / 1000, self._longest)
        self._readings = Pace(profile.metadata_pause_ms / 1000, self._longest)

    async def page(self, search: Search) -> Answer:
        """One page of the search."""
        return read_answer(
            await self._fetch(address(self._profile.sru_url, search, self._profile.names), self._searches)
        )

    async def records(self, search: Search) -> AsyncIterator[Record]:
        """Every record of the search, page after page."""
        following: Search | None = search
        for _ in range(MOST_PAGES):
            if following is None:
                return
            answer = await self.page(following)
            for record in answer.records:
                yield record
            following = next_page(following, answer)
        if following is not None:
            raise FacilityAnswerBroken(f"{self._profile.facility}: the pages of a search do not end")

    async def metadata(self, nummer: Nummer) -> Metadata:
        """The metadata record of a publication. Raises FacilityNotFound when it is not there, or not yet."""
        url = self._profile.metadata_url.format(identifier=nummer)
        metadata = read_metadata(await self._fetch(url, self._readings))
        if metadata.identifier != str(nummer):
            raise FacilityAnswerBroken(f"{self._profile.facility}: the metadata record of {nummer} is of another")
        return metadata

    async def publication(self, nummer: Nummer) -> Published:
        """What was published. Raises FacilityNotFound when it is not there, or not yet."""
        url = self._profile.manifestation_url.format(
            blad=nummer.blad.value, jaar=nummer.jaar, identifier=nummer, manifestation="xml", file=f"{nummer}.xml"
        )
        return read_publication(await self._fetch(url, self._searches))

    async def _fetch(self, url: str, pace: Pace) -> bytes:
        """The document; tried again as the profile says when KOOP is busy or away."""
        wait, left = self._profile.first_wait_ms / 1000, self._profile.attempts
        while True:
            await pace.turn()
            left -= 1
            try:
                return await self._once(url)
            except FacilityUnavailable as error:
                asked = wait if error.retry_after is None else error.retry_after
                pace.hold(asked)
                if left <= 0 or asked > self._longest:
                    raise
            wait = min(2 * wait, self._longest)

    async def _once(self, url: str) -> bytes:
        asked = self._http.get(url, {"Accept": _ACCEPT})
        try:
            async with asyncio.timeout(LONGEST_CALL), self._statuses.checked(asked, (HTTPStatus.OK,)) as answer:
                return await self._statuses.whole(answer)
        except TimeoutError as error:
            raise FacilityUnavailable(f"{self._profile.facility}: not done within {LONGEST_CALL:g} s") from error


_REFUSED: Final = (
    "KOOP weigert toegang tot het openbare register van publicaties; misschien is dit netwerk geblokkeerd. "
    "Neem contact op met de servicedesk van KOOP."
)
_ADVICE: Final = Advice(
    unauthorized=("access refused", _REFUSED),
    forbidden=("access refused", _REFUSED),
    otherwise="KOOP begrijpt de vraag niet: controleer de adressen in het profiel van KOOP.",
    not_found="KOOP heeft deze publicatie (nog) niet; digikoppelaar zoekt vanzelf opnieuw. "
    "Blijft dit zo, meld het dan bij de servicedesk van KOOP.",
)
