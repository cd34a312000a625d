"""The ebMS endpoint of one omgeving: HTTP in, an Arrival to the receiving flow, its Answer out (2.12).

Nothing of ebMS is known here but the SOAP fault for what the flow could not take. Everybody who is turned away is
counted and logged; no answer tells more than identifiers.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import structlog
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from digikoppelaar.adapters.http_in.body import TOO_LARGE, Body, BodyLimits
from digikoppelaar.adapters.http_in.callers import Identify, Stranger, by_tls
from digikoppelaar.adapters.http_in.refusals import ANSWERED, refuse
from digikoppelaar.ebms import names
from digikoppelaar.ebms.faults import soap_fault
from digikoppelaar.errors import DigikoppelaarError, EnvelopeError, Fault, TooLarge
from digikoppelaar.flows.receive import Answer, Arrival

log = structlog.get_logger(__name__)

_SOAP: Final = "text/xml"
_REST_BYTES: Final = 64 * 1024
_REST_SECONDS: Final = 1.0
_LINGER_BYTES: Final = 16 * 1024 * 1024
_LINGER_SECONDS: Final = 5.0

ReceiveFlow = Callable[[Arrival], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The ASGI app that takes ebMS messages for one omgeving, by POST on each of `paths`.

    `receive` raises a DigikoppelaarError, whose `wire` is the answer, when it took nothing in. `identify` tells who
    is calling: see `callers`.
    """

    omgeving: str
    receive: ReceiveFlow
    paths: tuple[str, ...] = ("/ebms",)
    limits: BodyLimits = field(default_factory=BodyLimits)
    identify: Identify = by_tls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope)
        body = Body(receive, self.limits, _announced(request))
        answer = self._unwanted(request) or await self._taken(request, body)
        if answer is not None:
            ANSWERED.labels(self.omgeving, str(answer.status)).inc()
            await _send(answer, body, send)

    def _unwanted(self, request: Request) -> Answer | None:
        """The answer to a request that cannot be a message."""
        address = _address(request)
        if request.url.path not in self.paths:
            return self._refused(Answer(404), "path", address)
        if request.method != "POST":
            return self._refused(Answer(405), "method", address, method=request.method[:20])
        if request.headers.get("content-encoding", "identity") != "identity":
            return self._refused(Answer(415), "content-encoding", address)
        return None

    async def _taken(self, request: Request, body: Body) -> Answer | None:
        """The answer of the flow; None when nobody is left to read it."""
        address = _address(request)
        oin = await self.identify(request.scope)
        if isinstance(oin, Stranger):
            answer = Answer(403, "text/plain", b"no client certificate that is accepted here")
            return self._refused(answer, oin.reason, address, detail=oin.detail)
        if body.refusal is not None:
            return self._refused_body(body, address, oin)
        return await self._received(_arrival(self.omgeving, oin, request, body), body)

    async def _received(self, arrival: Arrival, body: Body) -> Answer | None:
        # What is wrong with the body goes before what the flow made of it.
        try:
            answer = await self.receive(arrival)
        except DigikoppelaarError as error:
            if body.refusal is not None:
                return self._refused_body(body, arrival.address, arrival.oin)
            reason = type(error).__name__
            return self._refused(fault(error), reason, arrival.address, oin=arrival.oin, detail=str(error))
        except Exception:
            log.exception("receiving failed", omgeving=self.omgeving, address=arrival.address, oin=arrival.oin)
            return Answer(500, _SOAP, soap_fault("Server", "internal error"))
        if body.refusal is not None:
            return self._refused_body(body, arrival.address, arrival.oin)
        await body.linger(_REST_BYTES, _REST_SECONDS)
        return answer

    def _refused_body(self, body: Body, address: str, oin: str | None) -> Answer | None:
        assert body.refusal is not None
        answer = Answer(body.refusal.status or 0)
        if body.refusal is TOO_LARGE:
            answer = fault(TooLarge(f"body is larger than {self.limits.size} bytes"))
        self._refused(answer, body.refusal.reason, address, oin=oin, received=body.received)
        return answer if body.refusal.status else None

    def _refused(self, answer: Answer, reason: str, address: str, **details: str | int | None) -> Answer:
        refuse(self.omgeving, reason, address, **details)
        return answer


def fault(error: DigikoppelaarError) -> Answer:
    """What an error looks like on the wire: HTTP status and SOAP fault (MSG B.2.4).

    Only a partner's own mistake is explained to it; of ours it learns that there is one.
    """
    if error.wire.soap_fault is None:
        return Answer(500, _SOAP, soap_fault("Server", "internal error"))
    code = error.fault_code if isinstance(error, EnvelopeError) else error.wire.soap_fault
    reason = str(error) if error.fault is Fault.PARTNER else "cannot take messages now"
    return Answer(error.wire.http_status, _SOAP, soap_fault(code, reason))


def _arrival(omgeving: str, oin: str | None, request: Request, body: Body) -> Arrival:
    return Arrival(
        omgeving=omgeving,
        oin=oin,
        address=_address(request),
        content_type=request.headers.get("content-type", ""),
        soap_action=request.headers.get("soapaction"),
        body=body.chunks(),
    )


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"


def _announced(request: Request) -> int | None:
    length = request.headers.get("content-length", "")
    return int(length) if length.isdigit() else None


async def _send(answer: Answer, body: Body, send: Send) -> None:
    headers: list[tuple[bytes, bytes]] = []
    if answer.content_type is not None:
        headers.append((b"content-type", answer.content_type.encode()))
    if answer.soap_action:
        headers.append((b"soapaction", names.SOAP_ACTION.encode()))
    if answer.status != 204:
        headers.append((b"content-length", str(len(answer.body)).encode()))
    if answer.status == 405:
        headers.append((b"allow", b"POST"))
    if body.refusal is not None or not body.complete:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body, "more_body": True})
    if not body.complete:
        await body.linger(_LINGER_BYTES, _LINGER_SECONDS)
    await send({"type": "http.response.body", "body": b"", "more_body": False})
