"""Messages as an application gets them: JSON with base64, or multipart; both stream, whatever the size of a payload."""

import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Any
from urllib.parse import quote

from digikoppelaar.ebms.messages import MessageHeader, Party
from digikoppelaar.flows.application import MessageStatus, StoredMessage, party_name, service_name
from digikoppelaar.flows.ports import BlobStore, StoredPayload

Taken = Callable[[], Awaitable[None]]
"""Called when all but the last bytes were given away: an answer that breaks off was not taken."""


def properties(header: MessageHeader, status: MessageStatus) -> dict[str, Any]:
    """The properties of a message, under the names of ebms-core."""
    found = {
        "cpaId": header.cpa_id,
        "fromParty": _party(header.from_party),
        "toParty": _party(header.to_party),
        "service": service_name(header.service),
        "action": header.action,
        "timestamp": instant(header.timestamp),
        "conversationId": header.conversation_id,
        "messageId": header.message_id,
        "refToMessageId": header.ref_to_message_id,
        "messageStatus": status.value,
    }
    return {name: value for name, value in found.items() if value is not None}


def payload_facts(message: StoredMessage, payload: StoredPayload) -> dict[str, Any]:
    """What is known of a payload, and where to get it."""
    found = {
        "name": payload.name,
        "contentId": payload.content_id,
        "contentType": payload.content_type,
        "size": payload.size,
        "sha256": payload.sha256.hex(),
        "deleted": instant(payload.purged_at) if payload.purged_at else None,
        "href": f"/api/v1/messages/{quote(message.message_id, safe='')}/payloads/{quote(payload.content_id, safe='')}",
    }
    return {name: value for name, value in found.items() if value is not None}


def instant(moment: datetime) -> str:
    """ISO 8601, in UTC with Z."""
    return moment.isoformat().replace("+00:00", "Z")


async def as_json(
    shown: dict[str, Any], payloads: tuple[StoredPayload, ...], blobs: BlobStore, taken: Taken
) -> AsyncIterator[bytes]:
    """The message with its payloads in base64; `shown` are its properties."""
    yield b'{"properties":' + json.dumps(shown).encode() + b',"dataSources":['
    for number, payload in enumerate(payloads):
        facts = {"name": payload.name, "contentId": payload.content_id, "contentType": payload.content_type}
        head = json.dumps({name: value for name, value in facts.items() if value is not None}).encode()
        yield b"," * (number > 0) + head[:-1] + b',"content":"'
        async for piece in _base64(content_of(payload, blobs)):
            yield piece
        yield b'"}'
    await taken()
    yield b"]}"


async def as_multipart(
    shown: dict[str, Any], payloads: tuple[StoredPayload, ...], blobs: BlobStore, boundary: str, taken: Taken
) -> AsyncIterator[bytes]:
    """The message as multipart/form-data: the part `properties`, then one for each payload, named by its Content-ID."""
    yield _part_head(boundary, "properties", "application/json", None) + json.dumps(shown).encode() + b"\r\n"
    for payload in payloads:
        yield _part_head(boundary, payload.content_id, payload.content_type, payload.name)
        async for piece in content_of(payload, blobs):
            yield piece
        yield b"\r\n"
    await taken()
    yield f"--{boundary}--\r\n".encode()


async def content_of(payload: StoredPayload, blobs: BlobStore) -> AsyncIterator[bytes]:
    """Its bytes, in pieces."""
    if payload.blob is None:
        yield payload.data or b""
        return
    async for piece in blobs.get(payload.blob):
        yield piece


def _party(party: Party) -> dict[str, str]:
    found = {"partyId": party_name(party.party_ids[0]), "role": party.role}
    return {name: value for name, value in found.items() if value is not None}


def _part_head(boundary: str, name: str, content_type: str, filename: str | None) -> bytes:
    file = f'; filename="{_quoted(filename)}"' if filename else ""
    return (
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="{_quoted(name)}"{file}\r\n'
        f"Content-ID: <{name}>\r\n"
        f"Content-Type: {content_type}\r\n\r\n"
    ).encode()


def _quoted(text: str) -> str:
    # As browsers write the names of form fields.
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


async def _base64(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    rest = b""
    async for chunk in chunks:
        whole = rest + chunk
        cut = len(whole) - len(whole) % 3
        rest = whole[cut:]
        yield base64.b64encode(whole[:cut])
    yield base64.b64encode(rest)
