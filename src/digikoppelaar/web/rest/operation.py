"""What an operation is: the router and the OpenAPI document are both made of these."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from digikoppelaar.flows.application import Application, Right
from digikoppelaar.web.rest.parts import Parts
from digikoppelaar.web.rest.schemas import TEXT, Schema

Handler = Callable[[Parts, Application, Request], Awaitable[Response]]

V1: Final = "/api/v1"
"""Below it is what is ours; the rest is as ebms-core has it."""


@dataclass(frozen=True, slots=True)
class Body:
    """What a request carries."""

    media_type: str
    schema: Schema
    required: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes back when all went well; no media type: nothing but the status.

    `again` is the status when what is made was there before, `others` are media types that can be asked for instead.
    """

    status: int = 200
    media_type: str | None = None
    schema: Schema | None = None
    again: int | None = None
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. Names in `path` stand for one segment, but for `source`, which is the rest of the path."""

    method: str
    path: str
    handler: Handler
    answer: Answer
    body: Body | None = None
    query: tuple[tuple[str, Schema], ...] = ()
    problems: tuple[int, ...] = ()
    """Statuses that it can have beside those of every operation."""
    rights: frozenset[Right] = frozenset({Right.MESSAGES})
    """Any of these opens it."""

    @property
    def name(self) -> str:
        """Unique among operations."""
        return ("v1_" if self.path.startswith(V1) else "") + self.handler.__name__

    @property
    def needs(self) -> str:
        """Its rights, for people."""
        return " or ".join(sorted(self.rights))

    @property
    def summary(self) -> str:
        """What it does, in one line."""
        return (self.handler.__doc__ or "").strip()


def path_names(path: str) -> list[str]:
    """The names in a path, in their order."""
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]


def describe(operation: Operation) -> dict[str, Any]:
    """The Operation Object of OpenAPI."""
    found: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": f"The API key needs the right {operation.needs}.",
        "parameters": [
            *(_in_path(name) for name in path_names(operation.path)),
            *({"name": name, "in": "query", "schema": schema} for name, schema in operation.query),
        ],
        "responses": _responses(operation),
    }
    if operation.body:
        content = {operation.body.media_type: {"schema": operation.body.schema}}
        found["requestBody"] = {"required": operation.body.required, "content": content}
    return found


def _in_path(name: str) -> dict[str, Any]:
    schema = {"type": "integer", "minimum": 1} if name == "kennisgevingId" else TEXT
    return {"name": name, "in": "path", "required": True, "schema": schema}


_PROBLEMS: Final = {
    400: "The request cannot be carried out as it was asked.",
    401: "No API key, or one that is nobody's.",
    403: "The API key has not the right for this.",
    404: "It is not there, or it is not yours.",
    409: "What is on record does not allow it now.",
    410: "It was deleted, for its period was over.",
    413: "The body is too large.",
    500: "Something failed here or at the partner.",
    503: "The storage does not answer; try again.",
}


def _responses(operation: Operation) -> dict[str, Any]:
    answer = operation.answer
    good: dict[str, Any] = {"description": "It went well."}
    if answer.media_type:
        good["content"] = {each: {"schema": answer.schema} for each in (answer.media_type, *answer.others)}
    problems = {
        str(status): {"description": _PROBLEMS[status], "content": {"text/plain": {"schema": {"type": "string"}}}}
        for status in sorted({401, 403, 500, 503, *operation.problems})
    }
    return {str(status): good for status in (answer.status, answer.again) if status} | problems
