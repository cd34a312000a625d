"""3PAS of the sandbox: one SOAP endpoint for each stage, the WSDL, and who may come in.

Everything about its messages comes from the profile, as with the client. An answer names in a header which facts of the
profile it shows that are provisional (drop-3pas.md 12.7).
"""

import asyncio
import hashlib
import hmac
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from digikoppelaar.adapters.profiles import DropProfile
from digikoppelaar.drop import soap
from digikoppelaar.drop.model import Kennisgeving
from digikoppelaar.drop.outcomes import FAULTS
from digikoppelaar.drop.profile import Authentication, Stage
from digikoppelaar.drop.receiving import accepted_body, fault_body, kennisgeving, read_request, refusal_body
from digikoppelaar.drop.schema import wsdl
from digikoppelaar.errors import AanleveringError
from digikoppelaar.sandbox.answers import after, html_page
from digikoppelaar.sandbox.faults import Fault, Kind, Target
from digikoppelaar.sandbox.folder import KOOP_LEVERANCIER
from digikoppelaar.sandbox.koop.dossiers import Key, key_of
from digikoppelaar.sandbox.koop.koop import Koop, Receipt
from digikoppelaar.sandbox.rest import certificate_oin

PATH: Final = "/{stage}/3pas"
"""Of a stage on the host of the sandbox; the real paths are given by KOOP on request."""

_MARK: Final = {"x-sandbox": "SANDBOX, voorlopig: dit is KOOP niet"}
_ANSWER: Final = ("response", "element_namespace", "dossiernummer")
_FAULT: Final = ("element_namespace", "fault_code", "fault_text")


@dataclass(frozen=True, slots=True)
class Delivery:
    """A request that was read, before it is judged."""

    kennisgeving: Kennisgeving
    put_ready: bool


@dataclass(frozen=True, slots=True)
class ThreePas:
    """The service."""

    koop: Koop
    profile: DropProfile

    def app(self) -> Starlette:
        """The ASGI application, for a TLS listener that takes callers with and without a certificate."""
        return Starlette(routes=[Route(PATH, self._describe), Route(PATH, self._deliver, methods=["POST"])])

    async def _describe(self, request: Request) -> Response:
        """The WSDL at ?wsdl, as services of this kind have it."""
        if request.path_params["stage"] not in self.profile.stages:
            return Response(status_code=404, headers=_MARK)
        if "wsdl" not in {name.lower() for name in request.query_params}:
            return Response(status_code=405, headers=_MARK | {"allow": "POST"})
        address = str(request.url.replace(query=""))
        not_in_it = ("stage.", "flaw_codes.", "user_name_carrier", "accepted", "ours", "refused", "again")
        shown = [name for name in self.profile.facts if not name.startswith(not_in_it)]
        return self._answer(200, wsdl(self.profile.envelope, address), shown)

    async def _deliver(self, request: Request) -> Response:
        stage = self.profile.stages.get(request.path_params["stage"])
        if stage is None:
            return Response(status_code=404, headers=_MARK)
        if refused := self._shut_out(request, stage):
            return refused
        try:
            body = await _body(request)
        except ClientDisconnect:
            return Response()  # to nobody
        if body is None:
            return Response(status_code=413, headers=_MARK)
        fault = self.koop.faults.strike(Target.DROP)
        if instead := await self._before(fault):
            self._record(stage, certificate_oin(request), body, None, reason="a fault was switched on")
            return instead
        return after(fault, await self._taken(request, stage, body), _MARK)

    def _shut_out(self, request: Request, stage: Stage) -> Response | None:
        """The answer to who does not show what the stage asks for; of whom it is, is judged with the message."""
        if stage.authentication is Authentication.USER_NAME:
            user_name = self.koop.user_name
            wanted = f"Basic {b64encode(user_name.encode()).decode()}"
            if user_name and hmac.compare_digest(request.headers.get("authorization", "").encode(), wanted.encode()):
                return None
            marks = self._provisional(["user_name_carrier"])
            return Response(status_code=401, headers=marks | {"www-authenticate": 'Basic realm="SANDBOX 3PAS"'})
        oin = certificate_oin(request)
        of_koop = oin == KOOP_LEVERANCIER.oin
        if oin and of_koop == (stage.authentication is Authentication.CERTIFICATE_OF_KOOP):
            return None
        return html_page(403, "Voor deze stap is een ander clientcertificaat nodig.", _MARK)

    async def _before(self, fault: Fault | None) -> Response | None:
        """What a fault answers instead of taking anything."""
        match fault:
            case Fault(kind=Kind.DELAY, seconds=seconds):
                await asyncio.sleep(seconds)
            case Fault(kind=Kind.ANSWER, status=status):
                return Response(status_code=status, headers=_MARK)
            case Fault(kind=Kind.SOAP_FAULT, code=code):
                return self._answer(500, self._chosen_fault(code), _FAULT)
        return None

    def _chosen_fault(self, code: str) -> bytes:
        soap_code = code if code in FAULTS else "Client"
        return fault_body(soap_code, code, "er staat een storing van de sandbox aan", self.profile.envelope)

    async def _taken(self, request: Request, stage: Stage, body: bytes) -> Response:
        """The answer; what it says is in the state before it goes out."""
        oin, key, envelope = certificate_oin(request), None, self.profile.envelope
        try:
            delivery = await run_in_threadpool(self._read, request, stage, body)
            key = key_of(delivery.kennisgeving)
            dossier = self.koop.take(delivery.kennisgeving, stage.name, oin, put_ready=delivery.put_ready)
        except AanleveringError as error:
            code = envelope.flaw_codes[error.reason]
            self._record(stage, oin, body, key, code=code, reason=str(error))
            return self._answer(500, refusal_body(error, envelope), (*_FAULT, f"flaw_codes.{error.reason}"))
        self._record(stage, oin, body, key, dossiernummer=dossier.dossiernummer)
        return self._answer(200, accepted_body(dossier.dossiernummer, envelope), _ANSWER)

    def _read(self, request: Request, stage: Stage, body: bytes) -> Delivery:
        headers, envelope = request.headers, self.profile.envelope
        said = read_request(headers.get("soapaction", ""), headers.get("content-type", ""), body, envelope)
        of_organisatie = stage.authentication is Authentication.CERTIFICATE_OF_ORGANISATIE
        self.koop.check_caller(said.text("oin"), certificate_oin(request) if of_organisatie else None)
        return Delivery(kennisgeving(said, envelope), put_ready=not said.text("blad"))

    def _record(self, stage: Stage, oin: str, body: bytes, key: Key | None, **outcome: str) -> None:
        digest = hashlib.sha256(body).digest()
        self.koop.receipts.append(Receipt(self.koop.calendar.now(), stage.name, oin, digest, key, **outcome))

    def _answer(self, status: int, body: bytes, shown: Iterable[str]) -> Response:
        headers = self._provisional(shown) | {"content-type": soap.CONTENT_TYPE}
        return Response(body, status, headers)

    def _provisional(self, shown: Iterable[str]) -> dict[str, str]:
        marked = [name for name in shown if self.profile.facts[name].provisional]
        return _MARK | {"x-provisional": ", ".join(marked)}


async def _body(request: Request) -> bytes | None:
    """None when it is larger than a message may be."""
    collected = bytearray()
    async for chunk in request.stream():
        collected += chunk
        if len(collected) > soap.MESSAGE_LIMIT:
            return None
    return bytes(collected)
