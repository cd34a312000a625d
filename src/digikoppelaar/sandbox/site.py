"""What the pages of the sandbox have in common: who may ask and post, and what a mistake looks like."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from digikoppelaar.adapters.http_in.browser import LOOPBACK_NAMES, SecurityHeaders
from digikoppelaar.errors import DigikoppelaarError
from digikoppelaar.sandbox.same_origin import SameOrigin

_STATIC: Final = Path(__file__).parent / "static"
_HEADERS: Final = {"Referrer-Policy": "same-origin", "x-sandbox": "SANDBOX"}
"""As the loket has them."""


def templates_in(folder: str) -> Environment:
    """The templates of `folder`; what they are given is text, and never markup."""
    return Environment(
        loader=PackageLoader("digikoppelaar.sandbox", f"templates/{folder}"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def site(routes: Sequence[BaseRoute], templates: Environment, *, anywhere: bool) -> Starlette:
    """The ASGI application; errors are told by `fout.html`. `anywhere`: not only under loopback names."""

    async def answer(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 400
        return HTMLResponse(templates.get_template("fout.html").render(path=request.url.path, status=status), status)

    return Starlette(
        routes=[Mount("/static", StaticFiles(directory=_STATIC)), *routes],
        middleware=[
            Middleware(SecurityHeaders, changes=_HEADERS),
            Middleware(TrustedHostMiddleware, allowed_hosts=["*"] if anywhere else LOOPBACK_NAMES, www_redirect=False),
            Middleware(SameOrigin),
        ],
        exception_handlers={HTTPException: answer, DigikoppelaarError: answer},
    )
