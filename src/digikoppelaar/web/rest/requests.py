"""From an HTTP request to values: identifiers from the path, filters from the query, bounded bodies.

Text that no identifier holds (control characters, halves of surrogate pairs) is refused here, before the database is.
"""

import base64
import binascii
import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote

from starlette.requests import ClientDisconnect, Request

from digikoppelaar.errors import MimeError, TooLarge
from digikoppelaar.flows.application import Addressed, EventType, Wanted
from digikoppelaar.flows.parcel import NewPayload
from digikoppelaar.web.rest.problems import Problem

_MOST: Final = 2**31 - 1
_LONGEST: Final = 2000
_LONGEST_URL: Final = 1000
"""As in the standards of ZGW."""
_LONGEST_ID: Final = 18
"""Digits that fit a number of the database."""
_MEDIA_TYPE: Final = re.compile(r"[!#$%&'*+.^`|~\w-]{1,127}/[!#$%&'*+.^`|~\w-]{1,127}(?:;[ -~]{0,200})?", re.ASCII)
"""RFC 9110, section 8.3.1."""
_FILTER: Final = {
    "cpa_id": "cpaId",
    "from_party": "fromPartyId",
    "from_role": "fromRole",
    "to_party": "toPartyId",
    "to_role": "toRole",
    "service": "service",
    "action": "action",
    "conversation_id": "conversationId",
    "message_id": "messageId",
    "ref_to_message_id": "refToMessageId",
}
"""The names of a filter, ours and those of the interface."""


def path_value(request: Request, name: str) -> str:
    """A part of the path, decoded: the router sees it as it was sent, so that it may hold an encoded slash."""
    value: str = unquote(request.path_params[name])
    if not _is_identifier(value):
        raise Problem(404, f"{name} not found")
    return value


def path_number(request: Request, name: str) -> int:
    """A number of ours in the path. Raises Problem 404 for what is none."""
    value = path_value(request, name)
    if not (value.isascii() and value.isdigit()) or len(value) > _LONGEST_ID:
        raise Problem(404, f"{name} not found")
    return int(value)


def query_value(request: Request, name: str) -> str | None:
    """A text in the query. Raises Problem 400."""
    value = request.query_params.get(name)
    if value is not None and not _is_identifier(value):
        raise Problem(400, f"{name} holds what no identifier holds")
    return value


def number(request: Request, name: str, *, least: int = 0, otherwise: int = 0) -> int:
    """A whole number in the query, or `otherwise` when there is none. Raises Problem 400."""
    value = request.query_params.get(name, str(otherwise))
    if not (value.isascii() and value.isdigit()) or len(value) > 10 or not least <= int(value) <= _MOST:
        raise Problem(400, f"{name} must be a whole number of {least} or more")
    return int(value)


def choice(request: Request, name: str, choices: Sequence[str]) -> str | None:
    """One of some words in the query. Raises Problem 400."""
    value = request.query_params.get(name)
    if value is not None and value not in choices:
        raise Problem(400, f"{name} must be one of {', '.join(choices)}")
    return value


def wanted(request: Request) -> Wanted:
    """The filter in the query. Raises Problem 400."""
    filters = {ours: query_value(request, theirs) for ours, theirs in _FILTER.items()}
    return Wanted(**filters, event_types=_event_types(request), limit=number(request, "maxNr") or None)


def flag(request: Request, name: str) -> bool:
    """A boolean in the query; absent means false. Raises Problem 400."""
    value = request.query_params.get(name, "false").lower()
    if value not in {"true", "false"}:
        raise Problem(400, f"{name} must be true or false")
    return value == "true"


async def body(request: Request, limit: int) -> bytes:
    """The whole body. Raises TooLarge over `limit` bytes."""
    collected = bytearray()
    async for chunk in chunks(request, limit):
        collected += chunk
    return bytes(collected)


async def chunks(request: Request, limit: int) -> AsyncIterator[bytes]:
    """The body as it comes in. Raises TooLarge over `limit` bytes, MimeError when the caller goes away."""
    received = 0
    try:
        async for chunk in request.stream():
            received += len(chunk)
            if received > limit:
                raise TooLarge(f"the body is larger than {limit} bytes")
            yield chunk
    except ClientDisconnect as error:
        raise MimeError("the connection ended within the body") from error


async def json_body(request: Request, limit: int) -> Any:
    """The body as JSON. Raises Problem 400, TooLarge."""
    return read_json(await body(request, limit))


def read_json(content: bytes) -> Any:
    """A JSON document. Raises Problem 400."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Problem(400, "the body is not JSON") from error


def fields(document: Any, *names: str) -> Mapping[str, Any]:
    """A JSON object with none but these fields: a misspelled one would else silently lack. Raises Problem 400."""
    if not isinstance(document, Mapping) or not document.keys() <= set(names):
        raise Problem(400, f"a JSON object with only {', '.join(names)} is expected")
    return document


def text_field(document: Any, name: str) -> str:
    """A field that must be there. Raises Problem 400."""
    found = optional_field(document, name)
    if not found:
        raise Problem(400, f"{name} is missing")
    return found


def url_field(document: Any, name: str) -> str:
    """A URL with http or https that must be there. Raises Problem 400."""
    found = text_field(document, name)
    if not found.isascii() or not found.startswith(("https://", "http://")) or len(found) > _LONGEST_URL:
        raise Problem(400, f"{name} must be a URL in ASCII, at most {_LONGEST_URL} long")
    return found


def optional_field(document: Any, name: str) -> str | None:
    """A field that may be there. Raises Problem 400 when it is no text."""
    if not isinstance(document, Mapping):
        raise Problem(400, "a JSON object is expected")
    value = document.get(name)
    return None if value is None else checked_text(value, name)


def checked_text(value: object, name: str) -> str:
    """Text that may go into a header of ours or the database. Raises Problem 400."""
    if isinstance(value, str) and _is_identifier(value):
        return value
    raise Problem(400, f"{name} must be text without control characters, at most {_LONGEST} long")


def media_type(value: str) -> str:
    """A Content-Type as it may go on the wire. Raises Problem 400."""
    if _MEDIA_TYPE.fullmatch(value):
        return value
    raise Problem(400, "the content type of a payload is type/subtype, in ASCII")


def addressed(properties: Any) -> Addressed:
    """What the properties of a message to send say about who and what. Raises Problem 400."""
    return Addressed(
        cpa_id=text_field(properties, "cpaId"),
        from_party=text_field(properties, "fromPartyId"),
        service=text_field(properties, "service"),
        action=text_field(properties, "action"),
        from_role=optional_field(properties, "fromRole"),
        to_party=optional_field(properties, "toPartyId"),
        to_role=optional_field(properties, "toRole"),
    )


def payloads(document: Any) -> tuple[NewPayload, ...]:
    """The `dataSources` of a message to send. Raises Problem 400."""
    sources = document.get("dataSources") if isinstance(document, Mapping) else None
    if sources is None:
        return ()
    if not isinstance(sources, Sequence) or isinstance(sources, str):
        raise Problem(400, "dataSources must be a list")
    return tuple(
        NewPayload(
            content_type=media_type(text_field(source, "contentType")),
            content=base64_bytes(source.get("content"), "content"),
            content_id=optional_field(source, "contentId"),
            name=optional_field(source, "name"),
        )
        for source in sources
    )


def base64_bytes(value: object, name: str) -> bytes:
    """Bytes written in base64, with or without line ends. Raises Problem 400."""
    if not isinstance(value, str):
        raise Problem(400, f"{name} must be base64")
    try:
        return base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Problem(400, f"{name} must be base64") from error


def _event_types(request: Request) -> tuple[EventType, ...]:
    asked = request.query_params.getlist("eventTypes")
    try:
        return tuple(EventType(each) for each in asked) or tuple(EventType)
    except ValueError as error:
        raise Problem(400, f"eventTypes must be of {', '.join(EventType)}") from error


def _is_identifier(value: str) -> bool:
    # str.isprintable also refuses halves of surrogate pairs, which the database would.
    return len(value) <= _LONGEST and value.isprintable()
