"""A post to a page of the sandbox must come from a page of its own: browsers say so in Sec-Fetch-Site, or in Origin."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from digikoppelaar.adapters.http_in.browser import own_origin

_REFUSED: Final = "Dit kan alleen vanaf een pagina van deze sandbox worden gestuurd."


class SameOrigin:
    """ASGI middleware that refuses a post from a page of another site, or from something that does not say whence."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what may pass."""
        if scope["type"] == "http" and not _from_here(Request(scope)):
            await Response(_REFUSED, 403, media_type="text/plain; charset=utf-8")(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _from_here(request: Request) -> bool:
    if request.method in ("GET", "HEAD"):
        return True
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        return site == "same-origin"
    return origin == own_origin(request)
