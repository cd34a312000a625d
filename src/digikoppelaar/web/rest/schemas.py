"""The JSON Schemas of the OpenAPI document."""

from typing import Any, Final

from digikoppelaar.drop import document
from digikoppelaar.drop.findings import Severity
from digikoppelaar.drop.model import Blad, Moment
from digikoppelaar.flows.application import EventType, MessageStatus
from digikoppelaar.flows.kennisgeving_states import KennisgevingState

Schema = dict[str, Any]

TEXT: Final[Schema] = {"type": "string", "minLength": 1, "maxLength": 2000, "pattern": "^[ -~]+$"}
BASE64: Final[Schema] = {"type": "string", "contentEncoding": "base64", "pattern": "^([A-Za-z0-9+/]{4})*$"}
MEDIA_TYPE: Final[Schema] = {"type": "string", "pattern": "^[A-Za-z0-9.+-]{1,127}/[A-Za-z0-9.+-]{1,127}$"}
INSTANT: Final[Schema] = {"type": "string", "format": "date-time"}


def reference(name: str) -> Schema:
    """A schema of SCHEMAS by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def _object(required: dict[str, Schema], optional: dict[str, Schema] | None = None) -> Schema:
    return {"type": "object", "required": list(required), "properties": {**required, **(optional or {})}}


_PARTY: Final = _object({"partyId": TEXT}, {"role": TEXT})
_PARTY_STRING: Final = {**TEXT, "description": "type:value, such as urn:osb:oin:00000099000000001000"}

_URL: Final[Schema] = {"type": "string", "pattern": "^https?://[!-~]+$", "maxLength": 1000}
_DAY: Final[Schema] = {"type": "string", "format": "date"}
_REASON: Final[Schema] = {**TEXT, "description": "why, without personal data; it stays on record"}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 1}
_STORED: Final = _object(
    {
        "id": _COUNT,
        "referentienummer": {"type": "string"},
        "moment": {"type": "string", "enum": [each.value for each in Moment]},
        "blad": {"type": "string", "enum": [each.value for each in Blad]},
        "number": _COUNT,
        "state": {"type": "string", "enum": [each.value for each in KennisgevingState]},
        "titel": {"type": "string"},
    },
    {
        "verzoeknummer": TEXT,
        "dueAt": INSTANT,
        "dossiernummer": {"type": "string"},
        "publication": _object(
            {
                "number": {"type": "string"},
                "url": {"type": "string", "format": "uri"},
                "publishedOn": _DAY,
                "differences": {"type": "array", "items": {"type": "string"}},
            }
        ),
        "reason": {"type": "string"},
        "advice": {"type": "string"},
    },
)

SCHEMAS: Final[dict[str, Schema]] = {
    "Party": _PARTY,
    "MessageRequestProperties": _object(
        {"cpaId": TEXT, "fromPartyId": _PARTY_STRING, "service": TEXT, "action": TEXT},
        {
            "fromRole": TEXT,
            "toPartyId": _PARTY_STRING,
            "toRole": TEXT,
            "conversationId": TEXT,
            "messageId": TEXT,
            "refToMessageId": TEXT,
        },
    ),
    "NewDataSource": _object({"contentType": MEDIA_TYPE, "content": BASE64}, {"name": TEXT, "contentId": TEXT}),
    "DataSource": _object(
        {"contentId": TEXT, "contentType": TEXT, "content": {"type": "string", "contentEncoding": "base64"}},
        {"name": TEXT},
    ),
    "MessageRequest": _object(
        {"properties": reference("MessageRequestProperties")},
        {"dataSources": {"type": "array", "maxItems": 100, "items": reference("NewDataSource")}},
    ),
    "MessageProperties": _object(
        {
            "cpaId": TEXT,
            "fromParty": reference("Party"),
            "toParty": reference("Party"),
            "service": TEXT,
            "action": TEXT,
            "timestamp": INSTANT,
            "conversationId": TEXT,
            "messageId": TEXT,
            "messageStatus": reference("MessageStatusName"),
        },
        {"refToMessageId": TEXT},
    ),
    "Message": _object(
        {
            "properties": reference("MessageProperties"),
            "dataSources": {"type": "array", "items": reference("DataSource")},
        }
    ),
    "Payload": _object(
        {
            "contentId": TEXT,
            "contentType": TEXT,
            "size": {"type": "integer", "minimum": 0},
            "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "href": {"type": "string", "format": "uri-reference"},
        },
        {"name": TEXT, "deleted": {"type": "string", "format": "date-time"}},
    ),
    "MessageWithoutContent": _object(
        {"properties": reference("MessageProperties"), "payloads": {"type": "array", "items": reference("Payload")}}
    ),
    "TakenNotification": _object(
        {"verzoeknummer": TEXT, "intrekking": {"type": "boolean"}, "new": {"type": "boolean"}}
    ),
    "ZgwNotificatie": _object(
        {
            "kanaal": TEXT,
            "hoofdObject": _URL,
            "resource": TEXT,
            "resourceUrl": _URL,
            "actie": TEXT,
        },
        {"aanmaakdatum": INSTANT, "kenmerken": {"type": "object"}},
    ),
    "MessageStatusName": {"type": "string", "enum": [each.value for each in MessageStatus]},
    "MessageStatus": _object({"status": reference("MessageStatusName")}, {"timestamp": INSTANT}),
    "MessageEventType": {"type": "string", "enum": [each.value for each in EventType]},
    "MessageEvent": _object({"messageId": TEXT, "type": reference("MessageEventType")}),
    "URLMapping": _object({"source": TEXT, "destination": {"type": "string", "format": "uri", "maxLength": 2000}}),
    **document.schemas("#/components/schemas/{model}"),
    "StoredKennisgeving": _STORED,
    "KennisgevingPage": {
        "allOf": [
            reference("StoredKennisgeving"),
            _object(
                {
                    "document": reference("Kennisgeving"),
                    "log": {
                        "type": "array",
                        "items": _object(
                            {"at": INSTANT, "event": TEXT, "state": TEXT, "detail": {"type": "string"}},
                            {"by": {"type": "string"}},
                        ),
                    },
                }
            ),
        ]
    },
    "CheckedKennisgeving": _object(
        {
            "good": {"type": "boolean", "description": "every check was done, and nothing blocks"},
            "blocked": {"type": "boolean"},
            "findings": {
                "type": "array",
                "items": _object(
                    {
                        "code": TEXT,
                        "severity": {"type": "string", "enum": [each.value for each in Severity]},
                        "where": {"type": "string"},
                        "sentence": {"type": "string"},
                    }
                ),
            },
        }
    ),
    "Approval": {**_object({}, {"override": _REASON, "publishOn": _DAY}), "additionalProperties": False},
    "Override": {**_object({}, {"override": _REASON}), "additionalProperties": False},
    "Reason": {**_object({"reason": _REASON}), "additionalProperties": False},
    "CertificateMapping": _object({"source": BASE64, "destination": BASE64, "cpaId": TEXT}),
}
