"""The application interface: who calls, which operation, and what every answer carries.

Paths are matched as they were sent: an identifier may hold an encoded slash, and the source of a URL mapping is a URL.
"""

import base64
import binascii
from typing import Any, Final

import structlog
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from digikoppelaar import __version__
from digikoppelaar.flows.api_keys import holder
from digikoppelaar.web.rest.operation import V1, describe
from digikoppelaar.web.rest.operations import OPERATIONS
from digikoppelaar.web.rest.parts import Parts
from digikoppelaar.web.rest.problems import answer_to
from digikoppelaar.web.rest.schemas import SCHEMAS

log = structlog.get_logger(__name__)

OPENAPI: Final = "/openapi.json"
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
}
_UNKNOWN: Final = {"WWW-Authenticate": 'Basic realm="digikoppelaar", charset="UTF-8"'}


def make_rest_app(parts: Parts) -> ASGIApp:
    """The interface over `parts`."""
    paths = dict.fromkeys(operation.path for operation in OPERATIONS)
    routes = [Route(OPENAPI, _openapi), *(_route(parts, path) for path in paths)]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _http_problem})
    return _PathAsSent(app)


def openapi() -> dict[str, Any]:
    """The OpenAPI document of all operations."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = describe(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "digikoppelaar", "version": __version__, "summary": "ebMS2 messages for applications"},
        "paths": paths,
        "security": [{"bearer": []}, {"header": []}, {"basic": []}],
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "Authorization: Bearer <API key>"},
                "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                "basic": {"type": "http", "scheme": "basic", "description": "the API key is the password"},
            },
        },
    }


def key_of(headers: Headers) -> str:
    """The API key that a request shows; empty when it shows none. Authorization counts, when it is there."""
    if "authorization" not in headers:
        return headers.get("x-api-key", "").strip()
    scheme, _, value = headers["authorization"].partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    return _password(value.strip()) if scheme.lower() == "basic" else ""


def _password(value: str) -> str:
    try:
        _, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return ""
    return password


def _route(parts: Parts, path: str) -> Route:
    """One route a path, so that another method is a 405 that names those there are."""
    operations = {operation.method: operation for operation in OPERATIONS if operation.path == path}

    async def endpoint(request: Request) -> Response:
        try:
            who = await holder(parts.keys, key_of(request.headers))
            if who is None:
                return PlainTextResponse("this needs an API key", 401, headers=_UNKNOWN)
            operation = operations["GET" if request.method == "HEAD" else request.method]
            log.info("rest_asked", operation=operation.name, key=who.key, omgeving=who.omgeving)
            if not who.rights & operation.rights:
                return PlainTextResponse(f"this API key has not the right {operation.needs}", 403)
            return await operation.handler(parts, who, request)
        except Exception as error:
            return answer_to(error, advise=path.startswith(V1))

    return Route(path.replace("{source}", "{source:path}"), endpoint, methods=list(operations))


async def _openapi(request: Request) -> Response:
    del request
    return JSONResponse(openapi())


async def _http_problem(request: Request, error: Exception) -> Response:
    del request
    assert isinstance(error, HTTPException)
    return PlainTextResponse(error.detail, error.status_code, headers=error.headers)


class _PathAsSent:
    """Gives the router the path as it was sent, and every answer the headers that all have."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message["headers"],
                    *((name.lower().encode(), value.encode()) for name, value in _HEADERS.items()),
                ]
            await send(message)

        raw = scope.get("raw_path")
        path = raw.decode("latin-1") if raw is not None else scope["path"]
        await self._app({**scope, "path": path}, receive, with_headers)
