"""The one table of operations: the router and the OpenAPI document are both made of it."""

from typing import Final

from digikoppelaar.flows.application import Right
from digikoppelaar.flows.kennisgeving_states import KennisgevingState
from digikoppelaar.web.rest import kennisgevingen, v1, v19
from digikoppelaar.web.rest.operation import V1, Answer, Body, Handler, Operation
from digikoppelaar.web.rest.schemas import TEXT, Schema, reference

V19: Final = "/service/rest/v19"
KENNISGEVINGEN: Final = f"{V1}/kennisgevingen"
ONE: Final = f"{KENNISGEVINGEN}/{{kennisgevingId}}"

DRAFT: Final = frozenset({Right.DRAFT, Right.PUBLISH})
PUBLISH: Final = frozenset({Right.PUBLISH})

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


def _json_body(name: str, *, required: bool = True) -> Body:
    return Body("application/json", reference(name), required)


def _move(name: str, handler: Handler, rights: frozenset[Right], body: Body) -> Operation:
    """Something that is done to a kennisgeving."""
    stored = _json(reference("StoredKennisgeving"))
    return Operation("POST", f"{ONE}/{name}", handler, stored, body, problems=(400, 404, 409, 413), rights=rights)


_OF_KENNISGEVINGEN: Final = (
    Operation(
        "POST",
        KENNISGEVINGEN,
        kennisgevingen.draft_kennisgeving,
        Answer(201, "application/json", reference("StoredKennisgeving"), again=200),
        _json_body("Kennisgeving"),
        query=(("number", {**_NUMBER, "minimum": 1, "default": 1}), ("verzoeknummer", TEXT)),
        problems=(400, 409, 413),
        rights=DRAFT,
    ),
    Operation(
        "GET",
        KENNISGEVINGEN,
        kennisgevingen.list_kennisgevingen,
        _list(reference("StoredKennisgeving")),
        query=(
            ("state", {"type": "string", "enum": [each.value for each in KennisgevingState]}),
            ("referentienummer", TEXT),
            ("maxNr", _NUMBER),
            ("before", _NUMBER),
        ),
        problems=(400,),
        rights=DRAFT,
    ),
    Operation(
        "GET", ONE, kennisgevingen.get_kennisgeving, _json(reference("KennisgevingPage")), problems=(404,), rights=DRAFT
    ),
    Operation(
        "PUT",
        ONE,
        kennisgevingen.edit_kennisgeving,
        _json(reference("StoredKennisgeving")),
        _json_body("Kennisgeving"),
        problems=(400, 404, 409, 413),
        rights=DRAFT,
    ),
    Operation(
        "GET",
        f"{ONE}/preview",
        kennisgevingen.preview_kennisgeving,
        Answer(200, "text/html", {"type": "string"}, others=("text/plain", "text/xml")),
        query=(("format", {"type": "string", "enum": list(kennisgevingen.FORMATS), "default": "html"}),),
        problems=(400, 404),
        rights=DRAFT,
    ),
    Operation(
        "POST",
        f"{ONE}/check",
        kennisgevingen.check_kennisgeving,
        _json(reference("CheckedKennisgeving")),
        problems=(404,),
        rights=DRAFT,
    ),
    _move("approve", kennisgevingen.approve_kennisgeving, PUBLISH, _json_body("Approval")),
    _move("hold", kennisgevingen.hold_kennisgeving, DRAFT, _json_body("Reason")),
    _move("resume", kennisgevingen.resume_kennisgeving, PUBLISH, _json_body("Override", required=False)),
    _move("cancel", kennisgevingen.cancel_kennisgeving, DRAFT, _json_body("Reason")),
)

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
        "POST",
        f"{V1}/zgw/notificaties",
        v1.take_zgw_notification,
        _DONE,
        _json_body("ZgwNotificatie"),
        problems=(400, 413),
        rights=DRAFT,
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
    *_OF_KENNISGEVINGEN,
)
