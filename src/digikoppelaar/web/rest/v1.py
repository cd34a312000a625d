"""The operations of `/api/v1`: messages of any size as streams, beside the base64 of `/service/rest/v19`."""

import base64
from typing import Final
from urllib.parse import quote

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from digikoppelaar.errors import ContentPurged
from digikoppelaar.flows.application import Application
from digikoppelaar.flows.ports.case_events import NewCaseEvent, Resource
from digikoppelaar.stam.notification import LIMIT
from digikoppelaar.web.rest import answers, requests, sending
from digikoppelaar.web.rest.parts import SMALL_BYTES, Parts
from digikoppelaar.web.rest.problems import not_found

log = structlog.get_logger(__name__)

_HAPPENED: Final = {
    ("zaken", "status", "create"): Resource.STATUS,
    ("besluiten", "besluit", "create"): Resource.BESLUIT,
}
"""What is of use of all that a case system tells: kanaal, resource and actie."""


async def send(parts: Parts, who: Application, request: Request) -> Response:
    """Send a message as a form: `requestProperties` in JSON, and each payload a part; the MessageId."""
    return PlainTextResponse(await sending.submit_form(parts, who, request), 201)


async def message(parts: Parts, who: Application, request: Request) -> Response:
    """The properties of a message, and of each payload its size, SHA-256 and address."""
    found = await parts.store.message(who, requests.path_value(request, "messageId"))
    if found is None:
        raise not_found("message")
    await parts.seen_by(who, found)  # names of files too are personal data
    payloads = [answers.payload_facts(found, each) for each in found.payloads]
    return JSONResponse({"properties": answers.properties(found.header, found.status), "payloads": payloads})


async def take_notification(parts: Parts, who: Application, request: Request) -> Response:
    """Take in a STAM notification that another adapter received: its verzoek is fetched. The same one again is fine."""
    taken = await parts.announce(who, await requests.body(request, LIMIT))
    new = taken.notification_id is not None
    return JSONResponse({"verzoeknummer": taken.verzoeknummer, "intrekking": taken.withdrawal, "new": new}, 202)


async def take_zgw_notification(parts: Parts, who: Application, request: Request) -> Response:
    """Take in a notification of the ZGW Notificaties API: of a status or besluit with a trigger a draft is made."""
    told = await requests.json_body(request, SMALL_BYTES)
    kanaal, resource, actie = (requests.text_field(told, name) for name in ("kanaal", "resource", "actie"))
    url, main = (requests.url_field(told, name) for name in ("resourceUrl", "hoofdObject"))
    happened = _HAPPENED.get((kanaal, resource, actie))
    if happened is None:
        log.info("zgw_notification_passed_over", key=who.key)
    else:
        zaak = main if happened is Resource.STATUS else None
        new = await parts.take_case_event(who, NewCaseEvent(happened, url, zaak))
        log.info("zgw_notification_taken", key=who.key, resource=happened, new=new)
    return Response(status_code=204)


async def payload(parts: Parts, who: Application, request: Request) -> Response:
    """The bytes of one payload, with their length and SHA-256 in the headers."""
    found = await parts.store.message(who, requests.path_value(request, "messageId"))
    name = requests.path_value(request, "contentId")
    chosen = next((each for each in found.payloads if each.content_id == name), None) if found else None
    if found is None or chosen is None:
        raise not_found("payload")
    if chosen.purged_at is not None:
        raise ContentPurged(f"message {found.message_id}", chosen.purged_at)
    await parts.seen_by(who, found)
    headers = {
        # A partner may write there what no header of ours can hold.
        "Content-Type": chosen.content_type if chosen.content_type.isascii() else "application/octet-stream",
        "Content-Length": str(chosen.size),
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(chosen.name or chosen.content_id, safe='')}",
        "Repr-Digest": f"sha-256=:{base64.b64encode(chosen.sha256).decode()}:",
    }
    return StreamingResponse(answers.content_of(chosen, parts.blobs), headers=headers)
