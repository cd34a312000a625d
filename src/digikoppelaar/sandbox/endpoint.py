"""DSO-LV's own ebMS endpoint: strict first, then the same receiving flow as the gateway's."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from digikoppelaar.adapters.http_in.endpoint import fault as soap_fault_for
from digikoppelaar.errors import DigikoppelaarError, EnvelopeError
from digikoppelaar.flows.receive import RECEIVED, Answer, Arrival
from digikoppelaar.sandbox import strictness
from digikoppelaar.sandbox.faults import Fault, Faults, Kind, Target
from digikoppelaar.sandbox.rest import Silence, certificate_oin
from digikoppelaar.sandbox.state import RecordedSignal, SandboxState

PATH: Final = "/ebms"
_LIMIT: Final = 4 * 1024 * 1024


class HangUp(Response):
    """Closes the connection before the answer is complete."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Announce a body and give none: the server then closes the connection."""
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})


@dataclass(frozen=True, slots=True)
class StrictEndpoint:
    """The ASGI app; `receive_flow` is Receiver.receive."""

    omgeving: str
    state: SandboxState
    faults: Faults
    receive_flow: Callable[[Arrival], Awaitable[Answer]]
    now: Callable[[], datetime]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        try:
            response = await self._respond(request)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        if request.url.path != PATH:
            return Response(status_code=404)
        body = await _body(request)
        self._record(request, body)
        match self.faults.strike(Target.ACKNOWLEDGMENT):
            case Fault(kind=Kind.LOSE):
                return Response(status_code=RECEIVED.status)
            case Fault(kind=Kind.ANSWER, status=status):
                return Response(status_code=status)
            case Fault(kind=Kind.CUT):
                return HangUp()
            case Fault(kind=Kind.SILENCE):
                return Silence()
            case Fault(kind=Kind.DELAY, seconds=seconds):
                await asyncio.sleep(seconds)
        return _http(await self._judge(request, body))

    def _record(self, request: Request, body: bytes) -> None:
        digest = hashlib.sha256(body).digest()
        self.state.signals.append(RecordedSignal(self.now(), certificate_oin(request), len(body), digest))

    async def _judge(self, request: Request, body: bytes) -> Answer:
        """Strictly: what breaks a rule is recorded and goes no further."""
        oin = certificate_oin(request)
        headers = {name.lower(): value for name, value in request.headers.items()}
        broken = strictness.refusals(strictness.Request(request.method, headers, oin, body), self.state.awaited)
        if broken:
            self.state.refuse(self.now(), "ebms", oin, *broken)
            return _refused(broken)
        arrival = Arrival(
            omgeving=self.omgeving,
            oin=oin,
            address=request.client.host if request.client else "",
            content_type=headers["content-type"],
            soap_action=headers["soapaction"],
            body=_once(body),
        )
        return await self._receive(arrival)

    async def _receive(self, arrival: Arrival) -> Answer:
        try:
            answer = await self.receive_flow(arrival)
        except DigikoppelaarError as error:
            self._refused_by_core(arrival, str(error))
            return soap_fault_for(error)
        if answer.status != RECEIVED.status:
            self._refused_by_core(arrival, answer.body.decode(errors="replace"))
        return answer

    def _refused_by_core(self, arrival: Arrival, reason: str) -> None:
        self.state.refuse(self.now(), "ebms", arrival.oin or "", strictness.Refusal("core", reason, http=True))


def _refused(broken: tuple[strictness.Refusal, ...]) -> Answer:
    """A Fault for what is wrong with HTTP or envelope; a signal that does not count is met with silence, as a real
    message service would (statements 76 and 224)."""
    on_http = [refusal.reason for refusal in broken if refusal.http]
    return soap_fault_for(EnvelopeError("; ".join(on_http))) if on_http else RECEIVED


async def _body(request: Request) -> bytes:
    collected = bytearray()
    async for chunk in request.stream():
        collected += chunk
        if len(collected) > _LIMIT:
            break
    return bytes(collected)


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body


def _http(answer: Answer) -> Response:
    return Response(answer.body, answer.status, media_type=answer.content_type)
