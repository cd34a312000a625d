"""The operations on kennisgevingen: a case system delivers them as JSON (drop.document) and follows them."""

from datetime import date
from functools import partial
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from digikoppelaar.drop.document import from_document, read_document
from digikoppelaar.drop.envelope import request as soap_request
from digikoppelaar.drop.model import Kennisgeving
from digikoppelaar.drop.preview import as_html, as_text
from digikoppelaar.flows.application import Application
from digikoppelaar.flows.aside import aside
from digikoppelaar.flows.kennisgeving_states import KennisgevingEvent, KennisgevingState
from digikoppelaar.flows.own_kennisgevingen import OwnKennisgevingen
from digikoppelaar.flows.ports.kennisgevingen import LogLine, StoredKennisgeving
from digikoppelaar.web.rest import requests
from digikoppelaar.web.rest.answers import instant
from digikoppelaar.web.rest.parts import SMALL_BYTES, Parts
from digikoppelaar.web.rest.problems import Problem, not_found

LARGEST: Final = 4 * 1024**2
"""Bytes of a kennisgeving; the text of one is a few thousand."""
MOST: Final = 1000
"""In one list."""
FORMATS: Final = ("html", "text", "xml")


async def draft_kennisgeving(parts: Parts, who: Application, request: Request) -> Response:
    """Deliver a kennisgeving, as a draft. The same again gives the one that is there (200)."""
    number = requests.number(request, "number", least=1, otherwise=1)
    verzoeknummer = requests.query_value(request, "verzoeknummer")
    kennisgeving = await _kennisgeving(request)
    own = await parts.kennisgevingen(who)
    row, new = await own.draft(kennisgeving, number=number, verzoeknummer=verzoeknummer)
    return JSONResponse(_facts(row), 201 if new else 200)


async def list_kennisgevingen(parts: Parts, who: Application, request: Request) -> Response:
    """List kennisgevingen, the newest first; `before` is the id with which a list before this one ended."""
    own = await parts.kennisgevingen(who)
    found = await own.some(
        state=requests.choice(request, "state", tuple(KennisgevingState)),
        referentienummer=requests.query_value(request, "referentienummer"),
        limit=min(requests.number(request, "maxNr") or MOST, MOST),
        before=requests.number(request, "before") or None,
    )
    return JSONResponse([_facts(row) for row in found])


async def get_kennisgeving(parts: Parts, who: Application, request: Request) -> Response:
    """How far a kennisgeving is, what it says, and who did what to it."""
    own, row = await _own(parts, who, request)
    log = [_line(each) for each in await own.log(row)]
    return JSONResponse({**_facts(row), "document": row.document, "log": log})


async def edit_kennisgeving(parts: Parts, who: Application, request: Request) -> Response:
    """Put another text in its place. It is a draft again, also when it was approved."""
    own, row = await _own(parts, who, request)
    return JSONResponse(_facts(await own.edit(row, await _kennisgeving(request))))


async def preview_kennisgeving(parts: Parts, who: Application, request: Request) -> Response:
    """The kennisgeving as its reader will see it or, as `xml`, as KOOP gets it."""
    form = requests.choice(request, "format", FORMATS) or "html"
    own, row = await _own(parts, who, request)
    kennisgeving = from_document(row.document)
    match form:
        case "html":
            return HTMLResponse(as_html(kennisgeving.titel, kennisgeving.tekst))
        case "text":
            return PlainTextResponse(as_text(kennisgeving.titel, kennisgeving.tekst))
    return Response(await aside(partial(_envelope, own, kennisgeving)), media_type="text/xml")


async def check_kennisgeving(parts: Parts, who: Application, request: Request) -> Response:
    """Check it against the law and for personal data. What blocks keeps it from being approved."""
    own, row = await _own(parts, who, request)
    checked = await own.check(row)
    findings = [
        {"code": each.code, "severity": each.severity.value, "where": each.where, "sentence": each.sentence}
        for each in checked.findings
    ]
    return JSONResponse({"good": checked.good, "blocked": checked.blocked, "findings": findings})


async def approve_kennisgeving(parts: Parts, who: Application, request: Request) -> Response:
    """Let it be sent, on time for `publishOn` when that is given. `override` says why although a check blocks it."""
    own, row = await _own(parts, who, request)
    asked = requests.fields(await requests.json_body(request, SMALL_BYTES), "override", "publishOn")
    override = requests.optional_field(asked, "override") or ""
    return JSONResponse(_facts(await own.approve(row, override, _day(asked.get("publishOn")))))


async def hold_kennisgeving(parts: Parts, who: Application, request: Request) -> Response:
    """Keep a planned kennisgeving from being sent, until it is resumed."""
    return await _move(parts, who, request, KennisgevingEvent.HELD, await _reason(request))


async def resume_kennisgeving(parts: Parts, who: Application, request: Request) -> Response:
    """Let go on what is held, or what was refused for what is not in its text. `override` as when it is approved."""
    own, row = await _own(parts, who, request)
    asked = requests.fields(requests.read_json(await requests.body(request, SMALL_BYTES) or b"{}"), "override")
    return JSONResponse(_facts(await own.resume(row, requests.optional_field(asked, "override") or "")))


async def cancel_kennisgeving(parts: Parts, who: Application, request: Request) -> Response:
    """Take a kennisgeving back that KOOP does not have."""
    return await _move(parts, who, request, KennisgevingEvent.CANCELLED, await _reason(request))


async def _kennisgeving(request: Request) -> Kennisgeving:
    return from_document(read_document(await requests.body(request, LARGEST)))


async def _own(parts: Parts, who: Application, request: Request) -> tuple[OwnKennisgevingen, StoredKennisgeving]:
    own = await parts.kennisgevingen(who)
    row = await own.find(requests.path_number(request, "kennisgevingId"))
    if row is None:
        raise not_found("kennisgeving")
    return own, row


async def _move(
    parts: Parts, who: Application, request: Request, event: KennisgevingEvent, reason: str
) -> Response:  # fmt: skip
    own, row = await _own(parts, who, request)
    return JSONResponse(_facts(await own.move(row, event, reason)))


async def _reason(request: Request) -> str:
    return requests.text_field(requests.fields(await requests.json_body(request, SMALL_BYTES), "reason"), "reason")


def _day(value: object) -> date | None:
    try:
        return None if value is None else date.fromisoformat(str(value))
    except ValueError:
        raise Problem(400, "publishOn must be a date, such as 2026-06-02") from None


def _envelope(own: OwnKennisgevingen, kennisgeving: Kennisgeving) -> bytes:
    assert own.publisher, "it has kennisgevingen"
    assert own.publisher.publishing, "it publishes"
    return soap_request(kennisgeving, own.desk.texts.profile(own.publisher.publishing.profile)).body


def _facts(row: StoredKennisgeving) -> dict[str, Any]:
    found = row.publication
    facts = {
        "id": row.id,
        "referentienummer": row.key.referentienummer,
        "moment": row.key.moment,
        "blad": row.key.blad,
        "number": row.key.number,
        "state": row.state,
        "titel": row.document["titel"],
        "verzoeknummer": row.origin.verzoeknummer if row.origin else None,
        "dueAt": instant(row.due_at) if row.due_at else None,
        "dossiernummer": row.dossiernummer,
        "publication": found
        and {
            "number": found.number,
            "url": found.url,
            "publishedOn": found.published_on.isoformat(),
            "differences": list(found.differences),
        },
        "reason": row.reason,
        "advice": row.advice,
    }
    return {name: value for name, value in facts.items() if value is not None}


def _line(line: LogLine) -> dict[str, Any]:
    told = {"at": instant(line.at), "event": line.event, "state": line.state, "by": line.by, "detail": line.detail}
    return {name: value for name, value in told.items() if value is not None}
