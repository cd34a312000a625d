"""The plain listener of KOOP: what is published, for anybody, and DROP, where it is made ready."""

from datetime import date
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from digikoppelaar.adapters.profiles import SruProfile
from digikoppelaar.sandbox.koop.drop_pages import DropPages
from digikoppelaar.sandbox.koop.koop import Koop
from digikoppelaar.sandbox.koop.repository import PublicPages
from digikoppelaar.sandbox.koop.stages import Stages
from digikoppelaar.sandbox.site import site, templates_in

ROWS: Final = 100
"""Publications on the first page; the search finds the others."""


def make_app(koop: Koop, profile: SruProfile, stages: Stages, *, anywhere: bool = False) -> Starlette:
    """The ASGI application. `anywhere`: not only under loopback names."""
    templates = templates_in("koop")
    templates.filters["day"] = _day

    async def start(request: Request) -> Response:
        template = templates.get_template("start.html")
        return HTMLResponse(template.render(path="/", koop=koop, listed=koop.listed[:ROWS]))

    routes = [
        Route("/", start),
        *DropPages(koop, stages, templates).routes(),
        *PublicPages(koop, profile, templates).routes(),
    ]
    return site(routes, templates, anywhere=anywhere)


def _day(day: date | None) -> str:
    return f"{day:%d-%m-%Y}" if day else ""
