"""The web application: routes, who may ask, what every response carries, and what errors look like.

It has no login yet, so it must only be served on a loopback address; the Host check keeps pages of other sites
from reading it through a name that resolves to loopback (DNS rebinding).
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ExceptionHandler

from digikoppelaar.adapters.http_in.browser import LOOPBACK_NAMES, SECURITY_HEADERS, SecurityHeaders
from digikoppelaar.errors import StorageError
from digikoppelaar.flows.ports import Clock
from digikoppelaar.flows.reading import Reading
from digikoppelaar.flows.views import ViewLog
from digikoppelaar.web.onboarding_pages import OnboardingPages, Statuses, no_statuses
from digikoppelaar.web.pages import ROWS, Pages, Worklist, no_worklist
from digikoppelaar.web.render import STATIC, environment

_ERROR_TEXTS: Final = {
    400: (
        "Deze vraag klopt niet",
        "In het adres staat een filter of tijdstip dat niet kan. Begin opnieuw bij de lijst.",
    ),
    404: ("Niet gevonden", "Dit adres bestaat niet, of dit verzoek of bericht is hier niet bekend."),
    405: ("Dat kan hier niet", "Deze pagina's zijn alleen om te lezen."),
    500: (
        "Er ging iets mis",
        "De pagina kon niet worden gemaakt. Meld dit aan de beheerder van digikoppelaar, met het tijdstip onderaan.",
    ),
    503: ("De database is niet bereikbaar", "Er kan nu niets worden getoond. " + StorageError.default_advice),
}
_ANY_OTHER_TEXT: Final = "Deze vraag kan niet worden beantwoord."


def make_app(
    reading: Reading,
    views: ViewLog,
    clock: Clock,
    *,
    worklist: Worklist = no_worklist,
    statuses: Statuses = no_statuses,
    rows: int = ROWS,
) -> Starlette:
    """The pages over `reading`; `rows` is the length of a list page. The caller serves it on loopback only.

    What shows personal data is in `views` before it is answered.
    """
    pages = Pages(reading, views, clock, environment(), worklist, rows)
    return Starlette(
        routes=_routes(pages, OnboardingPages(pages, statuses)),
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(TrustedHostMiddleware, allowed_hosts=LOOPBACK_NAMES, www_redirect=False),
        ],
        exception_handlers=_exception_handlers(pages),
    )


def _routes(pages: Pages, onboarding: OnboardingPages) -> Sequence[BaseRoute]:
    return [
        Route("/", pages.start),
        Route("/verzoeken", pages.verzoeken),
        Route("/verzoeken/{aansluiting_id:int}/{verzoeknummer:path}", pages.verzoek),
        Route("/werkvoorraad", pages.worklist_page),
        Route("/aansluitingen", onboarding.listed),
        Route("/aansluitingen/{kind}/{omgeving}/{oin}", onboarding.subject),
        Route("/berichten", pages.messages),
        Route("/berichten/{direction}/{row_id:int}", pages.message),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]


def _exception_handlers(pages: Pages) -> dict[type[Exception] | int, ExceptionHandler]:
    async def answer(request: Request, error: Exception) -> Response:
        status = _status_of(error)
        title, text = _ERROR_TEXTS.get(status, (HTTPStatus(status).phrase, _ANY_OTHER_TEXT))
        page = pages.html(request, "error.html", status=status, title=title, text=text, sandbox=False)
        # A 500 is answered outside the middleware, so the headers are set here too.
        page.headers.update(SECURITY_HEADERS | dict(getattr(error, "headers", None) or {}))
        return page

    return {HTTPException: answer, StorageError: answer, Exception: answer}


def _status_of(error: Exception) -> int:
    if isinstance(error, HTTPException):
        return error.status_code
    return 503 if isinstance(error, StorageError) else 500
