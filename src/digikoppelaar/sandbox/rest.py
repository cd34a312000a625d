"""*Verzoek afhandelen* of the sandbox: summary with links, XML, PDF, documents, search, re-route, over mutual TLS.

Paths, header names and link names come from the same profile file as the gateway's client uses; they are provisional,
for the interface is not public. Who may fetch is judged strictly (stam.md 3.3).
"""

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from digikoppelaar.adapters.http_in.protocols import TLS_EXTENSION
from digikoppelaar.adapters.profiles import DsoProfile
from digikoppelaar.errors import OinError, PartnerError, TrustError
from digikoppelaar.pki.certificate import read_certificate
from digikoppelaar.sandbox.faults import Fault, Faults, Kind, Target
from digikoppelaar.sandbox.model import BevoegdGezag, Head
from digikoppelaar.sandbox.search import BadQuestion, find, page, placed, question, rerouted
from digikoppelaar.sandbox.served import ServedFile
from digikoppelaar.sandbox.state import Authority, SandboxState, Submitted, Version
from digikoppelaar.sandbox.strictness import Refusal

BASE_PATH: Final = "/overheid/verzoeken/api/afhandelen/v2"
"""Where the service stands on its host, as in the addresses that were seen (stam.md 3.1)."""

_FILES: Final = "/bestanden"
_MARK: Final = {"x-sandbox": "SANDBOX, voorlopig: dit is DSO-LV niet"}


class Problem(PartnerError):
    """An answer with application/problem+json. `oin` of the caller: the problem is his, and is recorded."""

    def __init__(self, status: int, reason: str, oin: str | None = None, *, advice: str | None = None) -> None:
        super().__init__(reason, advice=advice)
        self.status = status
        self.oin = oin


@dataclass(frozen=True, slots=True)
class Body:
    """What an answer is made of. `start`: the first byte that is sent, for who has those before it.

    What goes out is added to `sent`, under `kind`.
    """

    size: int
    chunks: Iterator[bytes]
    media_type: str
    etag: str = ""
    start: int = 0
    kind: str = ""
    sent: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, file: ServedFile, request: Request, sent: Counter[str]) -> "Body":
        """A file; the rest of it when just that is asked, of the version that it is (RFC 9110, section 13.1.5)."""
        etag = f'"{file.sha256.hex()}"'
        asked = _RANGE.fullmatch(request.headers.get("range", ""))
        same = request.headers.get("if-range", etag) == etag
        start = int(asked[1]) if asked and same else 0
        return cls(file.size, file.chunks(), file.media_type, etag, start, file.kind, sent)

    def rest(self) -> Iterator[bytes]:
        """The bytes from `start` on."""
        skip = self.start
        for chunk in self.chunks:
            if skip < len(chunk):
                yield chunk[skip:]
            skip = max(0, skip - len(chunk))

    def answer(self, chunks: AsyncIterator[bytes]) -> Response:
        """An answer that announces the whole or the rest, and sends these."""
        headers = {"content-length": str(self.size - self.start), **_MARK}
        if self.etag:
            headers |= {"etag": self.etag, "accept-ranges": "bytes"}
        if self.start:
            headers["content-range"] = f"bytes {self.start}-{self.size - 1}/{self.size}"
        return StreamingResponse(
            self._told(chunks), 206 if self.start else 200, headers=headers, media_type=self.media_type
        )

    async def _told(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for chunk in chunks:
            self.sent[self.kind] += len(chunk)
            yield chunk


Announce = Callable[[Submitted, Sequence[BevoegdGezag]], Awaitable[None]]
"""Tells these of the newest version of a verzoek."""


async def tell_nobody(verzoek: Submitted, to: Sequence[BevoegdGezag]) -> None:
    """For a service without a message service beside it."""


@dataclass(frozen=True, slots=True)
class RestService:
    """The service; `now` is the clock for the record of refusals, `announce` tells who gets a verzoek by a re-route."""

    state: SandboxState
    faults: Faults
    profile: DsoProfile
    now: Callable[[], datetime]
    announce: Announce = tell_nobody

    def app(self, more: Sequence[BaseRoute] = ()) -> Starlette:
        """The ASGI application for a TLS listener. `more` is what else DSO-LV has there."""
        summary = f"{BASE_PATH}/{self.profile.summary_path}"
        return Starlette(
            routes=[
                Route(f"{BASE_PATH}/{self.profile.search_path}", self._search, methods=["POST"]),
                Route(f"{BASE_PATH}/{self.profile.reroute_path}", self._reroute, methods=["POST"]),
                Route(summary, self._summary),
                Route(f"{BASE_PATH}{_FILES}/{{verzoeknummer}}/{{volgnummer:int}}/{{document_id}}", self._file),
                *more,
            ],
            exception_handlers={Problem: self._problem, BadQuestion: self._bad_question},
        )

    async def _summary(self, request: Request) -> Response:
        verzoek = self._allowed(request)
        fault = self.faults.strike(Target.SUMMARY)
        version = verzoek.before if fault and fault.kind is Kind.STALE else verzoek.current
        await asyncio.to_thread(lambda: version.files)  # writing them takes a while, and others are being served
        return await self._answer(fault, _json(self._links(version)))

    async def _file(self, request: Request) -> Response:
        verzoek = self._allowed(request)
        version = verzoek.version(request.path_params["volgnummer"])
        file = await asyncio.to_thread(version.file, request.path_params["document_id"]) if version else None
        if version is None or file is None:
            raise Problem(404, f"verzoek {verzoek.verzoeknummer} has no such document", oin="")
        if file.kind == "xml":
            version.fetched.setdefault(request.headers[self.profile.oin_header], self.now())
        return await self._faulty(Target(file.kind), Body.of(file, request, self.state.sent))

    async def _search(self, request: Request) -> Response:
        self._caller(request)
        names = self.profile.search
        everything = placed(list(self.state.verzoeken.values()))
        found = find(everything, question(await request.body()), names)
        return await self._faulty(Target.SEARCH, _json(page(found, request.query_params, request.url.path, names)))

    async def _reroute(self, request: Request) -> Response:
        verzoek = self._allowed(request)
        before, said = verzoek.route, question(await request.body())
        after = rerouted(before, said, self.profile.search, self.state.organisaties)
        if after != before:
            verzoek.reroute(after)
            await self.announce(verzoek, after.told_after(before))
        return await self._faulty(Target.REROUTE, _json({}))

    def _allowed(self, request: Request) -> Submitted:
        """The verzoek, when the caller may have it. Raises Problem."""
        authority, holder = self._caller(request), certificate_oin(request)
        verzoek = self.state.verzoeken.get(request.path_params["verzoeknummer"])
        if verzoek is None:
            raise Problem(404, "there is no such verzoek", holder)
        if authority.gezag.oin not in verzoek.route.oins:
            raise Problem(403, f"this verzoek is not addressed to OIN {authority.gezag.oin}", holder)
        return verzoek

    def _caller(self, request: Request) -> Authority:
        """For which authority is asked. Raises Problem; the order says which reason is told first."""
        holder = certificate_oin(request)
        oin = request.headers.get(self.profile.oin_header, "")
        if not oin:
            raise Problem(403, f"header {self.profile.oin_header} is missing", holder)
        authority = self.state.authorities.get(oin)
        if authority is None or holder not in authority.mandated:
            raise Problem(403, f"certificate of OIN {holder} has no mandate for OIN {oin}", holder)
        check_key(self.state, request, self.profile.api_key_header, authority, self.now())
        return authority

    def _links(self, version: Version) -> dict[str, object]:
        names = self.profile.summary
        by_kind = {kind: [self._link(version.head, f) for f in version.files if f.kind == kind] for kind in _KINDS}
        return {
            names.verzoeknummer_key: version.head.verzoeknummer,
            names.links_key: {
                names.xml_rel: by_kind["xml"][0],
                names.pdf_rel: by_kind["pdf"][0],
                names.document_rel: by_kind["bijlage"],
            },
        }

    def _link(self, head: Head, file: ServedFile) -> dict[str, object]:
        names = self.profile.summary
        return {
            # With its volgnummer: an aanvulling that comes while a receiver downloads must not mix with what he has.
            names.href_key: f"{BASE_PATH}{_FILES}/{head.verzoeknummer}/{head.volgnummer}/{file.document_id}",
            names.document_id_key: file.document_id,
            names.file_name_key: file.naam,
            names.media_type_key: file.media_type,
            names.size_key: file.size,
        }

    async def _faulty(self, target: Target, body: Body) -> Response:
        return await self._answer(self.faults.strike(target), body)

    async def _answer(self, fault: Fault | None, body: Body) -> Response:
        match fault:
            case Fault(kind=Kind.DELAY):
                await asyncio.sleep(fault.seconds)
            case Fault(kind=Kind.ANSWER):
                raise Problem(fault.status, "a fault of the sandbox is switched on")
            case Fault(kind=Kind.SILENCE):
                return Silence()
            case Fault(kind=Kind.CUT):
                return body.answer(_cut(body.rest(), _where(fault, body)))
            case Fault(kind=Kind.LENGTH):
                shorter = replace(body, size=max(0, body.size - 1), start=0)
                return shorter.answer(_cut(shorter.rest(), shorter.size))
            case Fault(kind=Kind.STALL):
                return body.answer(_stalled(body.rest(), _where(fault, body), fault.seconds))
            case Fault(kind=Kind.NO_RANGES):
                body = replace(body, start=0, etag="")
        if body.start >= body.size > 0:
            return Response(status_code=416, headers={"content-range": f"bytes */{body.size}", **_MARK})
        return body.answer(_each(body.rest()))

    async def _problem(self, request: Request, problem: Exception) -> Response:
        assert isinstance(problem, Problem)
        if problem.oin is not None:
            self.state.refuse(self.now(), "rest", problem.oin, Refusal(str(problem.status), str(problem), http=True))
        return as_problem(problem.status, str(problem))

    async def _bad_question(self, request: Request, problem: Exception) -> Response:
        return as_problem(400, str(problem))


def check_key(state: SandboxState, request: Request, header: str, authority: Authority, now: datetime) -> None:
    """Raises Problem unless the API key in `header` is of this authority or of who may act for it."""
    if problem := state.keys.problem(request.headers.get(header, ""), authority.mandated, now.date()):
        advice = f"Header {header} moet een geldige API-key van deze omgeving hebben; vraag er een aan op het portaal."
        raise Problem(401, f"the API key in header {header} is {problem}", certificate_oin(request), advice=advice)


def as_problem(status: int, detail: str) -> Response:
    """RFC 9457."""
    body = {"type": "about:blank", "title": "SANDBOX", "status": status, "detail": detail}
    return Response(json.dumps(body), status, _MARK, media_type="application/problem+json")


def _json(values: object) -> Body:
    content = json.dumps(values).encode()
    return Body(len(content), iter((content,)), "application/hal+json")


def _where(fault: Fault, body: Body) -> int:
    """After how many of the bytes that are sent it strikes: as the fault says, or half-way."""
    return (body.size - body.start) // 2 if fault.at is None else fault.at


_RANGE: Final = re.compile(r"bytes=([0-9]{1,18})-", re.ASCII)
_KINDS: Final = ("xml", "pdf", "bijlage")


class Silence(Response):
    """Never an answer: it lasts until the caller goes away."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait for the caller to hang up."""
        while (await receive())["type"] != "http.disconnect":
            pass


async def _each(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def _cut(chunks: Iterator[bytes], size: int) -> AsyncIterator[bytes]:
    """The first `size` bytes: the server closes the connection when fewer come than were announced."""
    for chunk in chunks:
        if size > 0:
            yield chunk[:size]
        size -= len(chunk)
        if size <= 0:
            return


async def _stalled(chunks: Iterator[bytes], size: int, seconds: float) -> AsyncIterator[bytes]:
    """All of it, but nothing for `seconds` after the first `size` bytes."""
    for chunk in chunks:
        if 0 <= size < len(chunk):
            yield chunk[:size]
            await asyncio.sleep(seconds)
            yield chunk[size:]
        else:
            yield chunk
        size -= len(chunk)


def certificate_oin(request: Request) -> str:
    """The OIN of the TLS client certificate; empty when there is none or it carries none."""
    der = request.scope.get("extensions", {}).get(TLS_EXTENSION, {}).get("client_certificate")
    try:
        return read_certificate(der).oin if der else ""
    except (OinError, TrustError):
        return ""
