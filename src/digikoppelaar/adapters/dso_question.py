"""A question to *Verzoek afhandelen* that changes nothing and asks for nobody's data: is key and mandate accepted?"""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

from digikoppelaar.adapters.dso_calls import DsoCalls
from digikoppelaar.errors import ConfigError, FacilityAnswerBroken, FacilityError, TrustError, VerzoekError
from digikoppelaar.onboarding.checks_connection import Answer, Asked, NotAsked
from digikoppelaar.stam.links import media_type_of
from digikoppelaar.stam.search import first_page, read_page, search_body

NOBODYS: Final = "0000000000000"
"""Searched for: no verzoek has this number."""
HTML: Final = "text/html"
_EVERY: Final = range(600)


async def ask(calls: DsoCalls, now: datetime) -> Asked:
    """Search for a verzoek that is not there; whatever is answered is told, and never raised."""
    profile = calls.profile
    address = first_page(profile.search_url(calls.settings.base_url), 1, profile.search)
    body = search_body(NOBODYS, now - timedelta(minutes=1), now, profile.search)
    status = 0
    try:
        async with calls.post(address, profile.search_accept, body, fine=_EVERY) as answer:
            status, media_type = answer.status, answer.headers.get("content-type", "")
            content = await calls.whole(answer)
    except TrustError as error:
        return Asked(NotAsked.NO_CERTIFICATE, str(error))
    except ConfigError as error:
        return Asked(NotAsked.NO_KEY, str(error))
    except FacilityAnswerBroken:
        return Asked(answer=Answer(status or HTTPStatus.OK, broken=True))
    except FacilityError as error:
        return Asked(NotAsked.NO_CONNECTION, str(error))
    return Asked(answer=Answer(status, media_type_of(media_type), _broken(status, content, media_type, address, calls)))


def _broken(status: int, content: bytes, media_type: str, address: str, calls: DsoCalls) -> bool:
    """Whether it is a page of something else: not the answer to a search, nor an explanation."""
    if status != HTTPStatus.OK:
        return media_type_of(media_type) == HTML
    try:
        read_page(content, media_type, address=address, names=calls.profile.search)
    except VerzoekError:
        return True
    return False
