"""Answers that go wrong, for the faults of the services of the sandbox."""

from html import escape
from typing import Final

from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from digikoppelaar.sandbox.faults import Fault, Kind
from digikoppelaar.sandbox.rest import Silence

STORING: Final = "Er is een storing. Probeer het later opnieuw."


def after(fault: Fault | None, answer: Response, marks: dict[str, str]) -> Response:
    """The answer as a fault lets it out: what was asked is done, or not, all the same. `marks` is of the service."""
    match fault:
        case Fault(kind=Kind.SILENCE):
            return Silence()
        case Fault(kind=Kind.CUT, at=at):
            return Cut(answer, at)
        case Fault(kind=Kind.EMPTY):
            return Response(headers=marks)
        case Fault(kind=Kind.SAY):
            return said(fault)
        case Fault(kind=Kind.HTML):
            return html_page(200, STORING, marks)
    return answer


def html_page(status: int, text: str, headers: dict[str, str]) -> Response:
    """A page for people, as a server in front of a service has it."""
    page = f'<!doctype html><html lang="nl"><title>SANDBOX</title><h1>SANDBOX</h1><p>{escape(text)}</p></html>'
    return HTMLResponse(page, status, headers)


def said(fault: Fault) -> Response:
    """What the fault SAY wants, marked as of the sandbox."""
    return Response(fault.text.encode() * fault.times, fault.status, {"x-sandbox": "SANDBOX", **fault.headers})


class Cut(Response):
    """Announces the whole of an answer and closes the connection after `at` bytes of it; by itself, half of it."""

    def __init__(self, whole: Response, at: int | None) -> None:
        super().__init__(bytes(whole.body), whole.status_code, dict(whole.headers))
        self._at = len(self.body) // 2 if at is None else at

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send that much; the server closes the connection when fewer bytes come than were announced."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": bytes(self.body)[: self._at], "more_body": True})
