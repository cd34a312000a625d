"""The operations of `/service/rest/v19`, one function each, as peer-ebms-core.md 1.2 lists them.

Each gets the request and the application that asks, and never looks at anything of another one.
"""

import base64
import binascii
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from yarl import URL

from digikoppelaar.errors import ContentPurged, PartnerUnreachable, TrustError
from digikoppelaar.flows.application import (
    Application,
    CertificateMapping,
    Listing,
    MessageStatus,
    StoredMessage,
    UrlMapping,
    check_parties,
    own_cpa,
)
from digikoppelaar.flows.ports import is_sandbox
from digikoppelaar.flows.reading import Direction
from digikoppelaar.pki.certificate import read_certificate
from digikoppelaar.web.rest import answers, requests, sending
from digikoppelaar.web.rest.parts import CPA_BYTES, SMALL_BYTES, Parts
from digikoppelaar.web.rest.problems import Problem, not_found

DONE = 204
"""The status of what has no answer but that it went well."""


# --- CPAs ----------------------------------------------------------------------------------------------------


async def validate_cpa(parts: Parts, who: Application, request: Request) -> Response:
    """Whether this CPA could be imported."""
    await parts.cpas.validate(who, await requests.body(request, CPA_BYTES))
    return Response(status_code=DONE)


async def insert_cpa(parts: Parts, who: Application, request: Request) -> Response:
    """Import it; other content under a known CPAId only with `overwrite`."""
    overwrite = requests.flag(request, "overwrite")
    document = await requests.body(request, CPA_BYTES)
    return PlainTextResponse(await parts.cpas.insert(who, document, overwrite=overwrite))


async def list_cpas(parts: Parts, who: Application, request: Request) -> Response:
    """The CPAIds."""
    del request
    return JSONResponse(list(await parts.store.cpas(who)))


async def get_cpa(parts: Parts, who: Application, request: Request) -> Response:
    """The CPA, byte for byte."""
    document = await parts.store.cpa_document(who, requests.path_value(request, "cpaId"))
    if document is None:
        raise not_found("CPA")
    return PlainTextResponse(document)


async def delete_cpa(parts: Parts, who: Application, request: Request) -> Response:
    """Stop using it; its messages stay."""
    if not await parts.cpas.remove(who, requests.path_value(request, "cpaId")):
        raise not_found("CPA")
    return Response(status_code=DONE)


async def clear_cpa_cache(parts: Parts, who: Application, request: Request) -> Response:
    """Nothing to do: every look asks the database, so a change is seen with its commit."""
    del parts, who, request
    return Response(status_code=DONE)


# --- Mappings ------------------------------------------------------------------------------------------------


async def list_url_mappings(parts: Parts, who: Application, request: Request) -> Response:
    """Where messages go instead of where the CPA says."""
    del request
    found = await parts.store.url_mappings(who)
    return JSONResponse([{"source": each.source, "destination": each.destination} for each in found])


async def set_url_mapping(parts: Parts, who: Application, request: Request) -> Response:
    """From the next attempt on, what a CPA sends to `source` goes to `destination`."""
    document = await requests.json_body(request, SMALL_BYTES)
    source, destination = requests.text_field(document, "source"), requests.text_field(document, "destination")
    _check_destination(who, destination)
    await parts.store.set_url_mapping(who, UrlMapping(source, destination))
    return Response(status_code=DONE)


async def delete_url_mapping(parts: Parts, who: Application, request: Request) -> Response:
    """The source is a URL, and all that follows in the path and the query."""
    source = requests.path_value(request, "source")
    if request.url.query:
        source += f"?{request.url.query}"
    if not await parts.store.delete_url_mapping(who, source):
        raise not_found("URL mapping")
    return Response(status_code=DONE)


async def clear_url_cache(parts: Parts, who: Application, request: Request) -> Response:
    """Nothing to do: every look asks the database, so a change is seen with its commit."""
    del parts, who, request
    return Response(status_code=DONE)


async def list_certificate_mappings(parts: Parts, who: Application, request: Request) -> Response:
    """Which certificates count instead of those in a CPA."""
    del request
    found = await parts.store.certificate_mappings(who)
    return JSONResponse(
        [{"source": _text(each.source), "destination": _text(each.destination), "cpaId": each.cpa_id} for each in found]
    )


async def set_certificate_mapping(parts: Parts, who: Application, request: Request) -> Response:
    """Where the CPA names `source`, `destination` counts: to sign, to verify, to encrypt and to decrypt."""
    document = await requests.json_body(request, SMALL_BYTES)
    mapping = CertificateMapping(
        requests.text_field(document, "cpaId"),
        _certificate(document.get("source"), "source"),
        _certificate(document.get("destination"), "destination"),
    )
    if not await parts.store.set_certificate_mapping(who, mapping):
        raise not_found("CPA")
    return Response(status_code=DONE)


async def delete_certificate_mapping(parts: Parts, who: Application, request: Request) -> Response:
    """The source is the body, in base64."""
    cpa_id = request.query_params.get("cpaId", "")
    if not cpa_id.isprintable():
        raise not_found("certificate mapping")
    source = _certificate((await requests.body(request, SMALL_BYTES)).decode("latin-1"), "the body")
    if not await parts.store.delete_certificate_mapping(who, cpa_id, source):
        raise not_found("certificate mapping")
    return Response(status_code=DONE)


async def clear_certificate_cache(parts: Parts, who: Application, request: Request) -> Response:
    """Nothing to do: every look asks the database, so a change is seen with its commit."""
    del parts, who, request
    return Response(status_code=DONE)


# --- Messages ------------------------------------------------------------------------------------------------


async def ping(parts: Parts, who: Application, request: Request) -> Response:
    """Ping the partner and wait for the Pong."""
    cpa = await own_cpa(parts.registry, who, requests.path_value(request, "cpaId"))
    from_party, to_party = (requests.path_value(request, name) for name in ("fromPartyId", "toPartyId"))
    check_parties(cpa.agreement, from_party, to_party)
    result = await parts.ping(cpa)
    if not result.pong:
        raise PartnerUnreachable(f"no Pong: the Ping is {result.state} ({result.reason or 'no answer in time'})")
    return Response(status_code=DONE)


async def send_message(parts: Parts, who: Application, request: Request) -> Response:
    """Send a message with its payloads in base64; the MessageId."""
    return PlainTextResponse(await sending.submit_json(parts, who, request))


async def send_message_mtom(parts: Parts, who: Application, request: Request) -> Response:
    """Send a message as a form: `requestProperties` in JSON, and each payload a part; the MessageId."""
    return PlainTextResponse(await sending.submit_form(parts, who, request))


async def resend_message(parts: Parts, who: Application, request: Request) -> Response:
    """Send the content of a message that we sent again, as a new message; its MessageId."""
    message_id = await sending.resend(parts, who, requests.path_value(request, "messageId"))
    if message_id is None:
        raise not_found("message")
    return PlainTextResponse(message_id)


async def list_unprocessed_messages(parts: Parts, who: Application, request: Request) -> Response:
    """MessageIds of what came in and nobody processed, oldest first."""
    listing = Listing(parts.store, parts.registry)
    return JSONResponse(list(await listing.messages(who, requests.wanted(request))))


async def get_message(parts: Parts, who: Application, request: Request) -> Response:
    """A message with its payloads in base64; `process` marks it as processed once all of it was given."""
    message, shown, taken = await _message(parts, who, request)
    body = answers.as_json(shown, message.payloads, parts.blobs, taken)
    return StreamingResponse(body, media_type="application/json")


async def get_message_mtom(parts: Parts, who: Application, request: Request) -> Response:
    """The same as a form."""
    message, shown, taken = await _message(parts, who, request)
    boundary = parts.ids.unique()
    body = answers.as_multipart(shown, message.payloads, parts.blobs, boundary, taken)
    return StreamingResponse(body, media_type=f'multipart/form-data; boundary="{boundary}"')


async def process_message(parts: Parts, who: Application, request: Request) -> Response:
    """The application took it. Again is fine."""
    if not await parts.store.process_message(who, requests.path_value(request, "messageId"), parts.now()):
        raise not_found("message")
    return Response(status_code=DONE)


async def get_message_status(parts: Parts, who: Application, request: Request) -> Response:
    """Of a message that we sent: what the partner says. Of one that came in: what we would tell its sender."""
    message = await _stored(parts, who, request)
    if message.direction is Direction.IN:
        return JSONResponse({"status": message.status.value})
    cpa = await own_cpa(parts.registry, who, message.cpa_id)
    said = await parts.ask_status(cpa, message.message_id)
    if said is None:
        raise PartnerUnreachable("the partner gave no status in time")
    found: dict[str, Any] = {"status": _status_name(said.status.value)}
    if said.timestamp is not None:
        found["timestamp"] = answers.instant(said.timestamp)
    return JSONResponse(found)


async def list_unprocessed_events(parts: Parts, who: Application, request: Request) -> Response:
    """What the application did not hear yet, oldest first."""
    listing = Listing(parts.store, parts.registry)
    found = await listing.events(who, requests.wanted(request))
    return JSONResponse([{"messageId": each.message_id, "type": each.type.value} for each in found])


async def process_event(parts: Parts, who: Application, request: Request) -> Response:
    """The application heard all about this message, and took it. Again is fine."""
    if not await parts.store.process_events(who, requests.path_value(request, "messageId"), parts.now()):
        raise not_found("event")
    return Response(status_code=DONE)


async def _message(
    parts: Parts, who: Application, request: Request
) -> tuple[StoredMessage, dict[str, Any], answers.Taken]:
    process = requests.flag(request, "process")
    message = await _stored(parts, who, request)
    for payload in message.payloads:
        if payload.purged_at is not None:
            raise ContentPurged(f"message {message.message_id}", payload.purged_at)
    await parts.seen_by(who, message)
    process = process and message.status is MessageStatus.RECEIVED

    async def taken() -> None:
        if process:
            await parts.store.process_message(who, message.message_id, parts.now())

    status = MessageStatus.PROCESSED if process else message.status
    return message, answers.properties(message.header, status), taken


async def _stored(parts: Parts, who: Application, request: Request) -> StoredMessage:
    message = await parts.store.message(who, requests.path_value(request, "messageId"))
    if message is None:
        raise not_found("message")
    return message


def _status_name(said: str) -> str:
    """The word of ebMS (UnAuthorized, NotRecognized, Received, Processed, Forwarded) as ebms-core writes it."""
    return MessageStatus("NOT_RECOGNIZED" if said == "NotRecognized" else said.upper()).value


def _check_destination(who: Application, destination: str) -> None:
    try:
        url = URL(destination)
    except ValueError as error:
        raise Problem(400, "destination must be a URL") from error
    schemes = {"https", "http"} if is_sandbox(who.omgeving) else {"https"}
    if url.scheme not in schemes or not url.host or url.user is not None or url.password is not None:
        raise Problem(400, f"destination must be a URL with {' or '.join(sorted(schemes))}, without user and password")


def _certificate(value: object, name: str) -> bytes:
    found = requests.base64_bytes(value, name)
    try:
        read_certificate(found)
    except (TrustError, ValueError, binascii.Error) as error:
        raise Problem(400, f"{name} must be a certificate (DER, in base64)") from error
    return found


def _text(der: bytes) -> str:
    return base64.b64encode(der).decode()
