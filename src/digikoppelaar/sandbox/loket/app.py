"""The loket as an application: routes, who may ask and post, and what errors look like.

It is served on a loopback address unless somebody allows otherwise. A post must come from a page of its own: browsers
say so in Sec-Fetch-Site, or in Origin.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
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
from digikoppelaar.errors import DigikoppelaarError, MimeError, TooLarge
from digikoppelaar.flows.ports import Ids
from digikoppelaar.sandbox.dso_lv import DsoLv
from digikoppelaar.sandbox.loket import words
from digikoppelaar.sandbox.loket.drafts import Drafts
from digikoppelaar.sandbox.loket.pages import Pages
from digikoppelaar.sandbox.loket.uploads import LIMIT, empty_folder
from digikoppelaar.sandbox.same_origin import SameOrigin

_STATIC: Final = Path(__file__).parents[1] / "static"
_HEADERS: Final = {"Referrer-Policy": "same-origin", "x-sandbox": "SANDBOX"}
"""With no-referrer a browser says `Origin: null`, also in a post to the very site that the page is from."""

_ERRORS: Final = {
    400: ("Dit formulier kan niet worden gelezen", "Ga terug en probeer het opnieuw."),
    404: ("Niet gevonden", "Dit adres bestaat niet, of de sandbox is opnieuw gestart en het verzoek vergeten."),
    405: ("Dat kan hier niet", "Begin opnieuw bij de lijst van verzoeken."),
    409: ("Het verzoek is ingetrokken", "Een ingetrokken verzoek kan niet meer worden aangevuld of ingetrokken."),
    413: (
        "Het formulier is te groot",
        "Stuur bestanden in kleinere delen, of kort teksten in. Wat u eerder had ingevuld, is bewaard: ga terug.",
    ),
    500: ("Er ging iets mis", "De pagina kon niet worden gemaakt; de uitvoer van de sandbox zegt waarom."),
}


def make_app(dso: DsoLv, ids: Ids, folder: Path, *, anywhere: bool = False, limit: int = LIMIT) -> Starlette:
    """The loket of one DSO-LV; it empties and uses `folder` for uploads. `anywhere`: not only under loopback names."""
    pages = Pages(dso, Drafts(ids.unique), ids, _environment(), empty_folder(folder), limit)
    return Starlette(
        routes=_routes(pages),
        middleware=[
            Middleware(SecurityHeaders, changes=_HEADERS),
            Middleware(TrustedHostMiddleware, allowed_hosts=["*"] if anywhere else LOOPBACK_NAMES, www_redirect=False),
            Middleware(SameOrigin),
        ],
        exception_handlers=_exception_handlers(pages),
    )


def _routes(pages: Pages) -> Sequence[BaseRoute]:
    return [
        Route("/", pages.start),
        Route("/concepten", pages.begin, methods=["POST"]),
        Route("/concepten/{draft}/{step}", pages.step),
        Route("/concepten/{draft}/{step}", pages.fill_in, methods=["POST"]),
        Route("/verzoeken/{nummer}", pages.verzoek),
        Route("/verzoeken/{nummer}/aanvullen", pages.supplement, methods=["POST"]),
        Route("/verzoeken/{nummer}/intrekken", pages.ask_withdrawal),
        Route("/verzoeken/{nummer}/intrekken", pages.withdraw, methods=["POST"]),
        Mount("/static", StaticFiles(directory=_STATIC)),
    ]


def _exception_handlers(pages: Pages) -> dict[type[Exception] | int, ExceptionHandler]:
    async def answer(request: Request, error: Exception) -> Response:
        status = _status_of(error)
        title, text = _ERRORS.get(status, _ERRORS[500])
        page = pages.html(request, "fout.html", status, title=title, text=text)
        page.headers.update(SECURITY_HEADERS | _HEADERS)  # a 500 is answered outside the middleware
        return page

    return {HTTPException: answer, DigikoppelaarError: answer, Exception: answer}


def _status_of(error: Exception) -> int:
    match error:
        case HTTPException():
            return error.status_code
        case TooLarge():
            return 413
        case MimeError():
            return 400
        case DigikoppelaarError():
            return 409
    return 500


def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("digikoppelaar.sandbox", "templates/loket"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "told": words.told,
        "clock_time": words.clock_time,
        "size": words.size,
        "place": words.place,
        "handled": words.handled,
    }
    return made
