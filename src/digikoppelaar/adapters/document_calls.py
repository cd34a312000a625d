"""Calls that give one small document: of the CPA register and of *CPA aanbieden*, as a partij with its certificate.

A page where a document was asked (of a proxy, or to log in) is no answer.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

from digikoppelaar.adapters.facility_calls import Http, Statuses
from digikoppelaar.errors import FacilityAnswerBroken
from digikoppelaar.stam.links import media_type_of

TAKEN: Final = (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED)


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls below one base URL, each with `headers`."""

    http: Http
    base_url: str
    statuses: Statuses
    headers: Mapping[str, str] = field(default_factory=dict)

    async def ask(
        self,
        method: str,
        path: str,
        expected: Collection[str],
        *,
        parameters: Mapping[str, str] | None = None,
        body: bytes | None = None,
        media_type: str = "",
        fine: Collection[int] = TAKEN,
    ) -> bytes:
        """The document that is answered. Raises a FacilityError, also when it has none of the `expected` media types.

        `media_type` is that of `body`. Nothing expected: any will do.
        """
        url = f"{self.base_url.rstrip('/')}/{path}{f'?{urlencode(parameters)}' if parameters else ''}"
        headers = {**self.headers, "Accept": ", ".join(expected) or "*/*"}
        if body is not None:
            headers["Content-Type"] = media_type
        async with self.statuses.checked(self.http.request(method, url, headers, body), fine) as answer:
            given = media_type_of(answer.headers.get("content-type", ""))
            if expected and given not in expected:
                raise FacilityAnswerBroken(
                    f"{self.statuses.facility} answered {answer.status} with {given or 'no media type'} "
                    f"where {' or '.join(expected)} was asked for",
                    advice="Er kwam een webpagina of een ander document terug: controleer het adres, en of een proxy "
                    "of inlogpagina ertussen zit. Blijft het zo, meld het dan bij de voorziening.",
                )
            return await self.statuses.whole(answer)
