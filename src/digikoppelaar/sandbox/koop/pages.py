"""The plain listener of KOOP: what is published, for anybody, and DROP, where it is made ready."""

from datetime import date
from pathlib import Path
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from digikoppelaar.adapters.http_in.browser import LOOPBACK_NAMES, SecurityHeaders
from digikoppelaar.adapters.profiles import SruProfile
from digikoppelaar.errors import DigikoppelaarError
from digikoppelaar.sandbox.koop.drop_pages import DropPages
from digikoppelaar.sandbox.koop.koop import Koop
from digikoppelaar.sandbox.koop.repository import PublicPages
from digikoppelaar.sandbox.koop.stages import Stages
from digikoppelaar.sandbox.same_origin import SameOrigin

ROWS: Final = 100
"""Publications on the first page; the search finds the others."""

_STATIC: Final = Path(__file__).parents[1] / "static"
_HEADERS: Final = {"Referrer-Policy": "same-origin", "x-sandbox": "SANDBOX"}
"""As the loket has them."""


def make_app(koop: Koop, profile: SruProfile, stages: Stages, *, anywhere: bool = False) -> Starlette:
    """The ASGI application. `anywhere`: not only under loopback names."""
    templates = _environment()

    async def start(request: Request) -> Response:
        template = templates.get_template("start.html")
        return HTMLResponse(template.render(path="/", koop=koop, listed=koop.listed[:ROWS]))

    async def answer(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 400
        return HTMLResponse(templates.get_template("fout.html").render(path=request.url.path, status=status), status)

    return Starlette(
        routes=[
            Route("/", start),
            Mount("/static", StaticFiles(directory=_STATIC)),
            *DropPages(koop, stages, templates).routes(),
            *PublicPages(koop, profile, templates).routes(),
        ],
        middleware=[
            Middleware(SecurityHeaders, changes=_HEADERS),
            Middleware(TrustedHostMiddleware, allowed_hosts=["*"] if anywhere else LOOPBACK_NAMES, www_redirect=False),
            Middleware(SameOrigin),
        ],
        exception_handlers={HTTPException: answer, DigikoppelaarError: answer},
    )


def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("digikoppelaar.sandbox", "templates/koop"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["day"] = _day
    return made


def _day(day: date | None) -> str:
    return f"{day:%d-%m-%Y}" if day else ""
