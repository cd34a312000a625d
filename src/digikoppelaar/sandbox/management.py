"""The sandbox's management port, for tests and demos: submit, look, and switch faults on. Plain HTTP, JSON.

What a page of another site asks for in a browser is refused, also under a name that resolves to this machine.

POST   /verzoeken          {"soort": ..., "bijlagen": [bytes or "pdf"/"png"/"txt", ...], "count": 1, "oin": ...}
GET    /verzoeken          everything submitted, with attempts, acknowledgment and files
GET    /verzoeken/{nummer}
POST   /verzoeken/{nummer}/aanvullingen   {"behouden": [documentId, ...], "bijlagen": [...], "naam": ...}
POST   /verzoeken/{nummer}/intrekking     {"alleen_notificatie": false}
GET    /organisaties       who is connected
                           With ?files=false an answer about verzoeken leaves their files out: it is there at once.
GET    /refusals           what DSO-LV did not take, with the statement that was broken
GET    /pki/{level}.crl    the CRL of a CA of the sandbox: root, domain or tsp
GET    /signals            every body that came in on the ebMS endpoint, with its SHA-256, also when a fault struck it
GET    /sent               bytes of files that went out over REST, by kind, also of answers that were cut
POST   /faults             {"kind": ..., "target": ..., "probability": 1, "count": null, "seconds": 1, "status": 500,
                           "at": bytes}
GET    /faults
DELETE /faults, /faults/{id}
/koop/...                  see sandbox.koop.management
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from digikoppelaar.adapters.http_in.browser import LOOPBACK_NAMES, NoForeignOrigin
from digikoppelaar.errors import ConfigError, DigikoppelaarError
from digikoppelaar.sandbox.dso_lv import DsoLv
from digikoppelaar.sandbox.pki import SandboxPki, fresh_crl
from digikoppelaar.sandbox.state import Submitted
from digikoppelaar.sandbox.values import organisatie_values, refusal_values, verzoek_values
from digikoppelaar.sandbox.wishes import submit_wish, supplement_wish, withdrawal_wish

_MARK: Final = {"x-sandbox": "SANDBOX"}


@dataclass(frozen=True, slots=True)
class Management:
    """The management port of one DSO-LV."""

    dso: DsoLv
    authorities: SandboxPki

    def app(self, more: Sequence[BaseRoute] = (), *, anywhere: bool = False) -> Starlette:
        """The ASGI application, for a loopback address and under its names; `anywhere`: under others too.

        `more` is what else is managed here.
        """
        return Starlette(
            routes=[
                Route("/verzoeken", self._submit, methods=["POST"]),
                Route("/verzoeken", self._verzoeken),
                Route("/verzoeken/{nummer}", self._verzoek),
                Route("/verzoeken/{nummer}/aanvullingen", self._supplement, methods=["POST"]),
                Route("/verzoeken/{nummer}/intrekking", self._withdraw, methods=["POST"]),
                Route("/organisaties", self._organisaties),
                Route("/refusals", self._refusals),
                Route("/signals", self._signals),
                Route("/sent", self._sent),
                Route("/pki/{level}.crl", self._crl),
                Route("/faults", self._switch_on, methods=["POST"]),
                Route("/faults", self._faults),
                Route("/faults", self._switch_off, methods=["DELETE"]),
                Route("/faults/{id:int}", self._switch_off, methods=["DELETE"]),
                *more,
            ],
            middleware=[
                Middleware(
                    TrustedHostMiddleware, allowed_hosts=["*"] if anywhere else LOOPBACK_NAMES, www_redirect=False
                ),
                Middleware(NoForeignOrigin),
            ],
            exception_handlers={DigikoppelaarError: _refuse},
        )

    async def _submit(self, request: Request) -> Response:
        wish = submit_wish(await json_object(request))
        made = [await self.dso.submit(await self.dso.invent(wish)) for _ in range(wish.count)]
        return answer([await self._values(verzoek, request) for verzoeken in made for verzoek in verzoeken], 201)

    async def _verzoeken(self, request: Request) -> Response:
        return answer([await self._values(verzoek, request) for verzoek in [*self.dso.state.verzoeken.values()]])

    async def _verzoek(self, request: Request) -> Response:
        verzoek = self.dso.state.verzoeken.get(request.path_params["nummer"])
        return answer(await self._values(verzoek, request)) if verzoek else answer({"error": "no such verzoek"}, 404)

    async def _refusals(self, request: Request) -> Response:
        return answer([refusal_values(recorded) for recorded in self.dso.state.refusals])

    async def _faults(self, request: Request) -> Response:
        return answer([fault.as_values() for fault in self.dso.faults.listed()])

    async def _signals(self, request: Request) -> Response:
        return answer(
            [
                {"at": signal.at.isoformat(), "oin": signal.oin, "bytes": signal.size, "sha256": signal.sha256.hex()}
                for signal in self.dso.state.signals
            ]
        )

    async def _crl(self, request: Request) -> Response:
        crl = await run_in_threadpool(fresh_crl, self.authorities, request.path_params["level"], self.dso.clock.now())
        if crl is None:
            return answer({"error": "no such CA"}, 404)
        return Response(crl, media_type="application/pkix-crl", headers=_MARK)

    async def _sent(self, request: Request) -> Response:
        return answer(self.dso.state.sent)

    async def _switch_on(self, request: Request) -> Response:
        return answer(self.dso.faults.switch_on(await json_object(request)).as_values(), 201)

    async def _switch_off(self, request: Request) -> Response:
        self.dso.faults.switch_off(request.path_params.get("id"))
        return Response(status_code=204, headers=_MARK)

    async def _supplement(self, request: Request) -> Response:
        wish = await json_object(request)
        nummer = request.path_params["nummer"]
        inhoud, bijlagen, kept = supplement_wish(wish, self.dso.state.verzoek(nummer).current.inhoud)
        made = await self.dso.bijlagen(bijlagen, ())
        verzoek = await self.dso.supplement(nummer, inhoud, made, kept)
        return answer(await self._values(verzoek, request), 201)

    async def _withdraw(self, request: Request) -> Response:
        by_notification = withdrawal_wish(await json_object(request))
        nummer = request.path_params["nummer"]
        verzoek = await self.dso.withdraw(nummer, by_notification=by_notification)
        return answer(await self._values(verzoek, request), 201)

    async def _organisaties(self, request: Request) -> Response:
        return answer(list(map(organisatie_values, self.dso.state.organisaties.values())))

    async def _values(self, verzoek: Submitted, request: Request) -> dict[str, object]:
        files = request.query_params.get("files") != "false"
        if files:
            await run_in_threadpool(lambda: verzoek.current.files)  # writing them takes a while
        return verzoek_values(verzoek, self.dso.progress, files=files)


async def json_object(request: Request) -> Mapping[str, Any]:
    """The wish in a request, empty without a body. Raises ConfigError for a body that is no JSON object."""
    # A browser cannot send this type to another site without asking first, so no page can operate the sandbox.
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise ConfigError("the body must be application/json")
    try:
        wish = json.loads(await request.body() or b"{}")
    except ValueError as error:
        raise ConfigError("the body is not JSON") from error
    if not isinstance(wish, dict):
        raise ConfigError("the body must be a JSON object")
    return wish


def answer(values: object, status: int = 200) -> Response:
    """The values as JSON, marked."""
    return JSONResponse(values, status, headers=_MARK)


async def _refuse(request: Request, error: Exception) -> Response:
    return answer({"error": str(error)}, 400)
