"""The one table of operations: the router and the OpenAPI document are both made of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from digikoppelaar.flows.application import Application, Right
from digikoppelaar.web.rest import v1, v19
from digikoppelaar.web.rest.parts import Parts
from digikoppelaar.web.rest.schemas import TEXT, Schema, reference

Handler = Callable[[Parts, Application, Request], Awaitable[Response]]

V19: Final = "/service/rest/v19"
V1: Final = "/api/v1"


@dataclass(frozen=True, slots=True)
class Body:
    """What a request carries."""

    media_type: str
    schema: Schema


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes back when all went well; no media type: nothing but the status."""

    status: int = 200
    media_type: str | None = None
    schema: Schema | None = None


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


_BOOLEAN: Final[Schema] = {"type": "boolean", "default": False}
_NUMBER: Final[Schema] = {"type": "integer", "minimum": 0, "maximum": 2**31 - 1, "default": 0}
_FILTER: Final = (
    *(
        (name, TEXT)
        for name in (
            "cpaId",
            "fromPartyId",
            "fromRole",
            "toPartyId",
            "toRole",
            "service",
            "action",
            "conversationId",
            "messageId",
            "refToMessageId",
        )
    ),
    ("maxNr", _NUMBER),
)
_EVENT_TYPES: Final = ("eventTypes", {"type": "array", "items": reference("MessageEventType")})
_PROCESS: Final = (("process", _BOOLEAN),)
_CPA: Final = Body("text/plain", {"type": "string", "description": "the CPA, in XML"})
_FORM: Final = Body(
    "multipart/form-data",
    {
        "type": "object",
        "required": ["requestProperties"],
        "properties": {
            "requestProperties": reference("MessageRequestProperties"),
            "attachment": {
                "type": "array",
                "items": {"type": "string", "contentMediaType": "application/octet-stream"},
            },
        },
    },
)
_DONE: Final = Answer(204)
_TEXT: Final = Answer(200, "text/plain", {"type": "string"})
_BYTES: Final[Schema] = {"type": "string", "contentMediaType": "application/octet-stream"}


def _json(schema: Schema) -> Answer:
    return Answer(200, "application/json", schema)


def _list(schema: Schema) -> Answer:
    return _json({"type": "array", "items": schema})


def _json_body(name: str) -> Body:
    return Body("application/json", reference(name))


OPERATIONS: Final = (
    Operation("POST", f"{V19}/cpas/validate", v19.validate_cpa, _DONE, _CPA, problems=(400, 413)),
    Operation(
        "POST", f"{V19}/cpas", v19.insert_cpa, _TEXT, _CPA, query=(("overwrite", _BOOLEAN),), problems=(400, 413)
    ),
    Operation("GET", f"{V19}/cpas", v19.list_cpas, _list(TEXT)),
    Operation("DELETE", f"{V19}/cpas/cache", v19.clear_cpa_cache, _DONE),
    Operation("GET", f"{V19}/cpas/{{cpaId}}", v19.get_cpa, _TEXT, problems=(404,)),
    Operation("DELETE", f"{V19}/cpas/{{cpaId}}", v19.delete_cpa, _DONE, problems=(404,)),
    Operation("GET", f"{V19}/urlMappings", v19.list_url_mappings, _list(reference("URLMapping"))),
    Operation("POST", f"{V19}/urlMappings", v19.set_url_mapping, _DONE, _json_body("URLMapping"), problems=(400, 413)),
    Operation("DELETE", f"{V19}/urlMappings/cache", v19.clear_url_cache, _DONE),
    Operation("DELETE", f"{V19}/urlMappings/{{source}}", v19.delete_url_mapping, _DONE, problems=(404,)),
    Operation(
        "GET", f"{V19}/certificateMappings", v19.list_certificate_mappings, _list(reference("CertificateMapping"))
    ),
    Operation(
        "POST",
        f"{V19}/certificateMappings",
        v19.set_certificate_mapping,
        _DONE,
        _json_body("CertificateMapping"),
        problems=(400, 404, 413),
    ),
    Operation(
        "DELETE",
        f"{V19}/certificateMappings",
        v19.delete_certificate_mapping,
        _DONE,
        Body("text/plain", {"type": "string", "description": "the certificate: DER, in base64"}),
        query=(("cpaId", TEXT),),
        problems=(400, 404, 413),
    ),
    Operation("DELETE", f"{V19}/certificateMappings/cache", v19.clear_certificate_cache, _DONE),
    Operation(
        "POST", f"{V19}/ebms/ping/{{cpaId}}/from/{{fromPartyId}}/to/{{toPartyId}}", v19.ping, _DONE, problems=(400, 404)
    ),
    Operation(
        "POST", f"{V19}/ebms/messages", v19.send_message, _TEXT, _json_body("MessageRequest"), problems=(400, 413)
    ),
    Operation("POST", f"{V19}/ebms/messages/mtom", v19.send_message_mtom, _TEXT, _FORM, problems=(400, 413)),
    Operation(
        "GET",
        f"{V19}/ebms/messages/unprocessed",
        v19.list_unprocessed_messages,
        _list(TEXT),
        query=_FILTER,
        problems=(400,),
    ),
    Operation(
        "GET",
        f"{V19}/ebms/messages/mtom/{{messageId}}",
        v19.get_message_mtom,
        Answer(200, "multipart/form-data", _BYTES),
        query=_PROCESS,
        problems=(400, 404, 410),
    ),
    Operation(
        "GET",
        f"{V19}/ebms/messages/{{messageId}}/status",
        v19.get_message_status,
        _json(reference("MessageStatus")),
        problems=(400, 404),
    ),
    Operation(
        "GET",
        f"{V19}/ebms/messages/{{messageId}}",
        v19.get_message,
        _json(reference("Message")),
        query=_PROCESS,
        problems=(400, 404, 410),
    ),
    Operation("PUT", f"{V19}/ebms/messages/{{messageId}}", v19.resend_message, _TEXT, problems=(400, 404, 410)),
    Operation("PATCH", f"{V19}/ebms/messages/{{messageId}}", v19.process_message, _DONE, problems=(404,)),
    Operation(
        "GET",
        f"{V19}/ebms/events/unprocessed",
        v19.list_unprocessed_events,
        _list(reference("MessageEvent")),
        query=(*_FILTER, _EVENT_TYPES),
        problems=(400,),
    ),
    Operation("PATCH", f"{V19}/ebms/events/{{messageId}}", v19.process_event, _DONE, problems=(404,)),
    Operation(
        "POST", f"{V1}/messages", v1.send, Answer(201, "text/plain", {"type": "string"}), _FORM, problems=(400, 413)
    ),
    Operation(
        "POST",
        f"{V1}/notifications",
        v1.take_notification,
        Answer(202, "application/json", reference("TakenNotification")),
        Body("application/xml", {"type": "string", "description": "a STAM notification, as it came"}),
        problems=(400, 413),
    ),
    Operation(
        "GET", f"{V1}/messages/{{messageId}}", v1.message, _json(reference("MessageWithoutContent")), problems=(404,)
    ),
    Operation(
        "GET",
        f"{V1}/messages/{{messageId}}/payloads/{{contentId}}",
        v1.payload,
        Answer(200, "*/*", _BYTES),
        problems=(404, 410),
    ),
)


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
            *({"name": name, "in": "path", "required": True, "schema": TEXT} for name in path_names(operation.path)),
            *({"name": name, "in": "query", "schema": schema} for name, schema in operation.query),
        ],
        "responses": _responses(operation),
    }
    if operation.body:
        content = {operation.body.media_type: {"schema": operation.body.schema}}
        found["requestBody"] = {"required": True, "content": content}
    return found


_PROBLEMS: Final = {
    400: "The request cannot be carried out as it was asked.",
    401: "No API key, or one that is nobody's.",
    403: "The API key has not the right for this.",
    404: "It is not there, or it is not yours.",
    410: "It was deleted, for its period was over.",
    413: "The body is too large.",
    500: "Something failed here or at the partner.",
    503: "The storage does not answer; try again.",
}


def _responses(operation: Operation) -> dict[str, Any]:
    good: dict[str, Any] = {"description": "It went well."}
    if operation.answer.media_type:
        good["content"] = {operation.answer.media_type: {"schema": operation.answer.schema}}
    problems = {
        str(status): {"description": _PROBLEMS[status], "content": {"text/plain": {"schema": {"type": "string"}}}}
        for status in sorted({401, 403, 500, 503, *operation.problems})
    }
    return {str(operation.answer.status): good, **problems}
