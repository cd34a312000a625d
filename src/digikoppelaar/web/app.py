"""The web application: its routes with what each asks, what every response carries, and what errors look like.

The Host check keeps pages of other sites from reading it through a name that resolves to this machine (DNS rebinding).
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
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ExceptionHandler

from digikoppelaar.adapters.http_in.browser import LOOPBACK_NAMES, SECURITY_HEADERS, NoForeignOrigin, SecurityHeaders
from digikoppelaar.errors import StorageError
from digikoppelaar.flows.access import Permission
from digikoppelaar.flows.ports import Clock
from digikoppelaar.flows.reading import Reading
from digikoppelaar.flows.views import ViewLog
from digikoppelaar.web.access import NEEDS_LOGIN, ByLogin, Gate, page
from digikoppelaar.web.login_pages import LoginPages
from digikoppelaar.web.onboarding_pages import OnboardingPages, Statuses, no_statuses
from digikoppelaar.web.pages import ROWS, Pages, Worklist, no_worklist
from digikoppelaar.web.render import STATIC, environment

HEADERS: Final = SECURITY_HEADERS | {"Referrer-Policy": "same-origin"}
"""With no referrer at all a browser calls itself nobody in Origin, also when a form of ours is sent."""
_ERROR_TEXTS: Final = {
    400: (
        "Deze vraag klopt niet",
        "In het adres of het formulier staat iets dat niet kan. Begin opnieuw bij de lijst.",
    ),
    403: (
        "Dit mag u hier niet",
        "Uw account heeft hiervoor geen rol, of het formulier was van een eerdere sessie. Laad de pagina opnieuw.",
    ),
    404: ("Niet gevonden", "Dit adres bestaat niet, of dit verzoek of bericht is hier niet bekend."),
    405: ("Dat kan hier niet", "Deze pagina is alleen om te lezen."),
    408: ("Dit duurde te lang", "Het formulier kwam niet op tijd binnen. Verstuur het opnieuw."),
    413: ("Dit is te groot", "Het formulier is groter dan wordt aangenomen."),
    500: (
        "Er ging iets mis",
        "De pagina kon niet worden gemaakt. Meld dit aan de beheerder van digikoppelaar, met het tijdstip onderaan.",
    ),
    503: ("De database is niet bereikbaar", "Er kan nu niets worden getoond. " + StorageError.default_advice),
}
_NO_LOGIN: Final = (
    "Er moet worden ingelogd",
    "Zonder inloggen kan alleen in een sandbox. Maak een account met `account create`, en haal login uit [web].",
)
_ANY_OTHER_TEXT: Final = "Deze vraag kan niet worden beantwoord."


def make_app(
    reading: Reading,
    views: ViewLog,
    clock: Clock,
    gate: Gate,
    *,
    worklist: Worklist = no_worklist,
    statuses: Statuses = no_statuses,
    rows: int = ROWS,
    hosts: Sequence[str] = (),
    public: str = "",
) -> Starlette:
    """The pages over `reading`, behind `gate`; `rows` is the length of a list page.

    They are asked for by the names of this machine and by `hosts`; `public` is their origin behind a proxy.
    What shows personal data is in `views` before it is answered.
    """
    pages = Pages(reading, views, clock, environment(), worklist, rows)
    login = LoginPages(pages, gate).routes() if isinstance(gate, ByLogin) else []
    return Starlette(
        routes=[*_routes(gate, pages, OnboardingPages(pages, statuses)), *login, STYLE],
        middleware=[
            Middleware(SecurityHeaders, changes=HEADERS),
            Middleware(TrustedHostMiddleware, allowed_hosts=[*LOOPBACK_NAMES, *hosts], www_redirect=False),
            Middleware(NoForeignOrigin, public=public),
        ],
        exception_handlers=_exception_handlers(pages),
    )


STYLE: Final = Mount("/static", StaticFiles(directory=STATIC))
"""What anybody may have: the looks, and nothing of anybody."""


def _routes(gate: Gate, pages: Pages, onboarding: OnboardingPages) -> Sequence[BaseRoute]:
    """Every page, with what it asks of who wants it."""
    return [
        page(gate, "/", Permission.READ, pages.start),
        page(gate, "/verzoeken", Permission.READ, pages.verzoeken),
        page(gate, "/verzoeken/{aansluiting_id:int}/{verzoeknummer:path}", Permission.READ, pages.verzoek),
        page(gate, "/werkvoorraad", Permission.READ, pages.worklist_page),
        page(gate, "/aansluitingen", Permission.READ, onboarding.listed),
        page(gate, "/aansluitingen/{kind}/{omgeving}/{oin}", Permission.READ, onboarding.subject),
        page(gate, "/berichten", Permission.READ, pages.messages),
        page(gate, "/berichten/{direction}/{row_id:int}", Permission.READ, pages.message),
    ]


def _exception_handlers(pages: Pages) -> dict[type[Exception] | int, ExceptionHandler]:
    async def answer(request: Request, error: Exception) -> Response:
        status = _status_of(error)
        title, text = _ERROR_TEXTS.get(status, (HTTPStatus(status).phrase, _ANY_OTHER_TEXT))
        if isinstance(error, HTTPException) and error.detail == NEEDS_LOGIN:
            title, text = _NO_LOGIN
        shown = pages.html(request, "error.html", status=status, title=title, text=text, sandbox=False)
        # A 500 is answered outside the middleware, so the headers are set here too.
        shown.headers.update(HEADERS | dict(getattr(error, "headers", None) or {}))
        return shown

    return {HTTPException: answer, StorageError: answer, Exception: answer}


def _status_of(error: Exception) -> int:
    if isinstance(error, HTTPException):
        return error.status_code
    return 503 if isinstance(error, StorageError) else 500
