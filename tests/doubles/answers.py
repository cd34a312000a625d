"""How the calls of a double are made and answered: problem+json, pages, ETags, lists with filters."""

import hashlib
import json
import uuid
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Resource = dict[str, Any]


class Problem(Exception):
    """An answer that is an error, as the standards spell it."""

    def __init__(self, status: int, code: str, detail: str, params: Iterable[tuple[str, str, str]] = ()) -> None:
        super().__init__(code)
        self.status, self.code, self.detail, self.params = status, code, detail, tuple(params)

    def response(self, path: str) -> JSONResponse:
        """As problem+json."""
        content: Resource = {
            "type": f"{path}#{self.code}",
            "code": self.code,
            "title": self.code,
            "status": self.status,
            "detail": self.detail,
            "instance": f"urn:uuid:{uuid.uuid4()}",
        }
        if self.status == 400:
            content["invalidParams"] = [
                {"name": name, "code": code, "reason": reason} for name, code, reason in self.params
            ]
        return JSONResponse(content, self.status, media_type="application/problem+json")


def invalid(name: str, code: str, reason: str = "") -> Problem:
    """400 about one field; `nonFieldErrors` for several together."""
    return Problem(400, "invalid", "Invalid input.", [(name, code, reason or code)])


Handler = Callable[[Request], Awaitable[Response]]


def _check_violations(request: Request) -> None:
    if faults := request.scope.get("violations"):
        raise Problem(400, "invalid", "Invalid input.", [("nonFieldErrors", "invalid", each) for each in faults])


def route(path: str, handler: Handler, method: str, guard: Callable[[Request], None]) -> Route:
    """A call: who may make it, then what the OpenAPI file forbids, then what it does. HEAD is for its own routes."""

    async def endpoint(request: Request) -> Response:
        try:
            guard(request)
            _check_violations(request)
            return await handler(request)
        except Problem as problem:
            return problem.response(request.url.path)

    return Route(path, endpoint, methods=[method])


async def values(request: Request) -> Resource:
    """The JSON object of the request. Raises Problem when it is none."""
    try:
        found = await request.json()
    except ValueError as error:
        raise Problem(400, "parse_error", "JSON parse error") from error
    if not isinstance(found, dict):
        raise Problem(400, "invalid", "Invalid input.")
    return found


def needed(resource: Resource, *names: str) -> None:
    """Raises Problem when one of the fields is absent."""
    if missing := [name for name in names if resource.get(name) in (None, "")]:
        raise Problem(400, "invalid", "Invalid input.", [(name, "required", "required") for name in missing])


def made(resource: Resource, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """201 with its Location."""
    return JSONResponse(resource, 201, headers={"Location": resource["url"], "API-version": "1", **(headers or {})})


def page(request: Request, resources: list[Resource], size: int) -> JSONResponse:
    """One page of a list. Raises Problem (404) beyond the last."""
    number = int(request.query_params.get("page", "1"))
    size = int(request.query_params.get("pageSize", str(size)))
    if number > 1 and (number - 1) * size >= len(resources):
        raise Problem(404, "not-found", "Invalid page.")

    def address(other: int, exists: bool) -> str | None:
        return str(request.url.include_query_params(page=other)) if exists else None

    content = {
        "count": len(resources),
        "next": address(number + 1, number * size < len(resources)),
        "previous": address(number - 1, number > 1),
        "results": resources[(number - 1) * size : number * size],
    }
    return JSONResponse(content)


def tagged(request: Request, resource: Resource) -> Response:
    """One resource with its ETag; 304 when the client has it."""
    octets = json.dumps(resource).encode()
    etag = f'"{hashlib.sha256(octets).hexdigest()[:32]}"'
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers={"ETag": etag})
    if request.method == "HEAD":
        return Response(headers={"ETag": etag})
    return Response(octets, media_type="application/json", headers={"ETag": etag})


def chosen(
    request: Request, resources: Iterable[Resource], names: Iterable[str], done: Collection[str] = ()
) -> list[Resource]:
    """Those that fit the filters in the query, `done` left out. Raises Problem for a filter we do not know."""
    done = {"page", "pageSize", *done}
    wanted = {name: value for name, value in request.query_params.items() if name not in done}
    if unknown := wanted.keys() - set(names):
        raise Problem(400, "unknown-parameters", f"the double does not know {sorted(unknown)}")
    return [each for each in resources if all(str(each.get(name)) == value for name, value in wanted.items())]
