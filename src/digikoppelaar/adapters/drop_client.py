"""Posting to 3PAS of KOOP. What an answer means is for drop.envelope; what no answer means is told here.

A kennisgeving that is published twice stays public twice. So a fault before a byte of the request was sent is another
error than one after it: only after the first is sending again safe (ADR 24).
"""

import asyncio
from base64 import b64encode
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Final, Protocol

from digikoppelaar.adapters.http_out import HttpStream, Timeouts
from digikoppelaar.adapters.profiles import DropProfile
from digikoppelaar.adapters.secret_files import secret_line
from digikoppelaar.drop.envelope import RawAnswer, SoapRequest
from digikoppelaar.errors import ConfigError, FacilityNotReached, FacilityOutcomeUnknown, PartnerUnreachable

ANSWER_LIMIT: Final = 1024 * 1024
"""Largest answer in bytes: a dossiernummer or an error."""

_BASIC: Final = "basic"
_ADVICE_UNTRUSTED: Final = (
    "Het certificaat van de server van KOOP is verlopen of wordt niet vertrouwd; er is niets verzonden. Meld dit bij "
    "de KOOP Servicedesk, of vertrouw haar nieuwe stamcertificaat. Digikoppelaar probeert het vanzelf opnieuw."
)


def timeouts(total: float) -> Timeouts:
    """For an exchange of at most so many seconds; connecting ends sooner, for then nothing was sent."""
    return Timeouts(connect=min(15.0, total / 2), read=total, total=total)


class Http(Protocol):
    """What is needed of adapters.http_out.MtlsHttp, made with `timeouts`."""

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> AbstractAsyncContextManager[HttpStream]:
        """See adapters.http_out.MtlsHttp.post; raises PartnerUnreachable, also while chunks are read."""


class DropClient:
    """Requests to 3PAS at `address`, as the partij of `http`.

    `user_name_file` is for the stage without certificate: one line, `name:password`, which travels as the profile says.
    `total` bounds a whole exchange, in seconds.
    """

    def __init__(
        self,
        http: Http,
        address: str,
        profile: DropProfile,
        *,
        total: float,
        user_name_file: Path | None = None,
    ) -> None:
        if not address:
            raise ConfigError(
                f"there is no address for {profile.facility}",
                advice="Vraag het adres van 3PAS aan KOOP en zet het in de aansluiting.",
            )
        if user_name_file is not None and profile.user_name_carrier != _BASIC:
            raise ConfigError(f"{profile.name}: a user name cannot travel by {profile.user_name_carrier!r}")
        self._http = http
        self._address = address
        self._facility = profile.facility
        self._user_name_file = user_name_file
        self._total = total

    async def post(self, request: SoapRequest) -> RawAnswer:
        """The answer, whatever its status.

        Raises FacilityNotReached when certainly nothing was sent, FacilityOutcomeUnknown when something may have been
        and no whole answer came, and ConfigError (so TrustError) when there is no usable certificate or user name.
        """
        headers = await self._headers(request)
        try:
            async with asyncio.timeout(self._total), self._http.post(self._address, headers, request.body) as answer:
                return RawAnswer(answer.status, answer.headers, await self._whole(answer))
        except PartnerUnreachable as error:
            kind = FacilityNotReached if error.unsent else FacilityOutcomeUnknown
            advice = _ADVICE_UNTRUSTED if error.untrusted else None
            raise kind(f"{self._facility}: {error}", advice=advice) from error
        except TimeoutError as error:
            raise FacilityOutcomeUnknown(f"{self._facility}: not done within {self._total:g} s") from error

    async def _headers(self, request: SoapRequest) -> dict[str, str]:
        headers = {
            "Content-Type": request.content_type,
            "SOAPAction": request.action,
            # A kept connection may just be being closed, and then nobody would know whether the request arrived.
            "Connection": "close",
        }
        if self._user_name_file is not None:
            line = await asyncio.to_thread(secret_line, self._user_name_file, "user name")
            headers["Authorization"] = f"Basic {b64encode(line.encode()).decode()}"
        return headers

    async def _whole(self, answer: HttpStream) -> bytes:
        body = bytearray()
        async for chunk in answer.chunks:
            body += chunk
            if len(body) > ANSWER_LIMIT:
                raise FacilityOutcomeUnknown(f"{self._facility}: an answer is over {ANSWER_LIMIT} bytes")
        return bytes(body)
