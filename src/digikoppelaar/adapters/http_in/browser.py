"""What every answer to a browser carries, and under which names a page on loopback may be asked for.

The Host check keeps pages of other sites from reading ours through a name that resolves to loopback (DNS rebinding).
"""

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK_NAMES: Final = ("localhost", "127.0.0.1", "[::1]")
"""The hosts in a Host header that are answered, with any port."""

SECURITY_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class SecurityHeaders:
    """ASGI middleware that puts SECURITY_HEADERS on every response; `changes` go before them."""

    def __init__(self, app: ASGIApp, changes: dict[str, str] | None = None) -> None:
        self._app = app
        self._headers = SECURITY_HEADERS | (changes or {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on; headers that are added replace ones of the same name."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(raw=message["headers"]).update(self._headers)
            await send(message)

        await self._app(scope, receive, with_headers)


class NoForeignOrigin:
    """ASGI middleware that refuses what a page of another site asks for. A program sends no Origin, and may pass.

    `public`: the origin that browsers know, where a proxy stands in between.
    """

    def __init__(self, app: ASGIApp, public: str = "") -> None:
        self._app = app
        self._public = public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what may pass."""
        own = (None, self._public or own_origin(Request(scope))) if scope["type"] == "http" else ()
        if own and Request(scope).headers.get("origin") not in own:
            await Response("a page of another site may not ask for this\n", 403)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def own_origin(request: Request) -> str:
    """What a browser says in Origin when it asks from a page of the very server that it asks."""
    return f"{request.url.scheme}://{request.headers.get('host', '')}"
