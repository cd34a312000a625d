"""The JSON Schemas of the OpenAPI document."""

from typing import Any, Final

from digikoppelaar.flows.application import EventType, MessageStatus

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
    "MessageStatusName": {"type": "string", "enum": [each.value for each in MessageStatus]},
    "MessageStatus": _object({"status": reference("MessageStatusName")}, {"timestamp": INSTANT}),
    "MessageEventType": {"type": "string", "enum": [each.value for each in EventType]},
    "MessageEvent": _object({"messageId": TEXT, "type": reference("MessageEventType")}),
    "URLMapping": _object({"source": TEXT, "destination": {"type": "string", "format": "uri", "maxLength": 2000}}),
    "CertificateMapping": _object({"source": BASE64, "destination": BASE64, "cpaId": TEXT}),
}
