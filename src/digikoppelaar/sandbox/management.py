"""The sandbox's management port, for tests and demos: submit, look, and switch faults on. Plain HTTP, JSON.

POST   /verzoeken          {"soort": ..., "bijlagen": [bytes or "pdf"/"png"/"txt", ...], "count": 1, "oin": ...}
GET    /verzoeken          everything submitted, with attempts, acknowledgment and files
GET    /verzoeken/{nummer}
GET    /refusals           what DSO-LV did not take, with the statement that was broken
GET    /pki/{level}.crl    the CRL of a CA of the sandbox: root, domain or tsp
GET    /signals            every body that came in on the ebMS endpoint, with its SHA-256, also when a fault struck it
POST   /faults             {"kind": ..., "target": ..., "probability": 1, "count": null, "seconds": 1, "status": 500}
GET    /faults
DELETE /faults, /faults/{id}
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from digikoppelaar.errors import ConfigError, DigikoppelaarError
from digikoppelaar.sandbox.content import Soort
from digikoppelaar.sandbox.dso_lv import DsoLv
from digikoppelaar.sandbox.pki import SandboxPki, fresh_crl
from digikoppelaar.sandbox.state import RecordedRefusal, Submitted

_MAX_COUNT: Final = 10_000
_MAX_BYTES: Final = 64 * 1024**3
_MARK: Final = {"x-sandbox": "SANDBOX"}


@dataclass(frozen=True, slots=True)
class Management:
    """The management port of one DSO-LV."""

    dso: DsoLv
    authorities: SandboxPki

    def app(self) -> Starlette:
        """The ASGI application; bind it to a loopback address."""
        return Starlette(
            routes=[
                Route("/verzoeken", self._submit, methods=["POST"]),
                Route("/verzoeken", self._verzoeken),
                Route("/verzoeken/{nummer}", self._verzoek),
                Route("/refusals", self._refusals),
                Route("/signals", self._signals),
                Route("/pki/{level}.crl", self._crl),
                Route("/faults", self._switch_on, methods=["POST"]),
                Route("/faults", self._faults),
                Route("/faults", self._switch_off, methods=["DELETE"]),
                Route("/faults/{id:int}", self._switch_off, methods=["DELETE"]),
            ],
            exception_handlers={DigikoppelaarError: _refuse},
        )

    async def _submit(self, request: Request) -> Response:
        wish = await _json(request)
        soort, bijlagen, count = _wanted(wish)
        submitted = [await self.dso.submit(soort, bijlagen, wish.get("oin")) for _ in range(count)]
        return _answer([self._values(verzoek) for verzoek in submitted], 201)

    async def _verzoeken(self, request: Request) -> Response:
        return _answer([self._values(verzoek) for verzoek in self.dso.state.verzoeken.values()])

    async def _verzoek(self, request: Request) -> Response:
        verzoek = self.dso.state.verzoeken.get(request.path_params["nummer"])
        return _answer(self._values(verzoek)) if verzoek else _answer({"error": "no such verzoek"}, 404)

    async def _refusals(self, request: Request) -> Response:
        return _answer([_refusal_values(recorded) for recorded in self.dso.state.refusals])

    async def _faults(self, request: Request) -> Response:
        return _answer([fault.as_values() for fault in self.dso.faults.listed()])

    async def _signals(self, request: Request) -> Response:
        return _answer(
            [
                {"at": signal.at.isoformat(), "oin": signal.oin, "bytes": signal.size, "sha256": signal.sha256.hex()}
                for signal in self.dso.state.signals
            ]
        )

    async def _crl(self, request: Request) -> Response:
        crl = await run_in_threadpool(fresh_crl, self.authorities, request.path_params["level"], self.dso.clock.now())
        if crl is None:
            return _answer({"error": "no such CA"}, 404)
        return Response(crl, media_type="application/pkix-crl", headers=_MARK)

    async def _switch_on(self, request: Request) -> Response:
        return _answer(self.dso.faults.switch_on(await _json(request)).as_values(), 201)

    async def _switch_off(self, request: Request) -> Response:
        self.dso.faults.switch_off(request.path_params.get("id"))
        return Response(status_code=204, headers=_MARK)

    def _values(self, verzoek: Submitted) -> dict[str, object]:
        progress = self.dso.progress(verzoek)
        return {
            "verzoeknummer": verzoek.verzoeknummer,
            "oin": verzoek.authority.gezag.oin,
            "soort": verzoek.inhoud.soort.value,
            "type": verzoek.inhoud.type,
            "doel": verzoek.inhoud.doel,
            "naam": verzoek.inhoud.naam,
            "submitted_at": verzoek.submitted_at.isoformat(),
            "message_id": verzoek.awaited.message_id,
            "state": progress.state,
            "attempts": progress.attempts,
            "acknowledged": progress.acknowledged_at is not None,
            "acknowledged_at": progress.acknowledged_at.isoformat() if progress.acknowledged_at else None,
            "files": [
                {
                    "kind": file.kind,
                    "document_id": file.document_id,
                    "naam": file.naam,
                    "bytes": file.size,
                    "sha256": file.sha256.hex(),
                }
                for file in verzoek.files
            ],
        }


def _wanted(wish: Mapping[str, Any]) -> tuple[Soort, list[int | str], int]:
    """What to submit; raises ConfigError."""
    if unknown := set(wish) - {"soort", "bijlagen", "count", "oin"}:
        raise ConfigError(f"a verzoek has no {', '.join(sorted(unknown))}")
    try:
        soort = Soort(wish.get("soort", Soort.VERGUNNINGAANVRAAG.value))
    except ValueError as error:
        raise ConfigError(f"soort must be one of {', '.join(soort.value for soort in Soort)}") from error
    bijlagen, count = wish.get("bijlagen", []), wish.get("count", 1)
    if not isinstance(bijlagen, list) or not all(_is_bijlage(item) for item in bijlagen):
        raise ConfigError("bijlagen must be a list of sizes in bytes, pdf, png or txt")
    if not isinstance(count, int) or not 0 < count <= _MAX_COUNT:
        raise ConfigError(f"count must be 1 to {_MAX_COUNT}")
    return soort, bijlagen, count


def _is_bijlage(item: object) -> bool:
    return item in ("pdf", "png", "txt") or (type(item) is int and 0 <= item <= _MAX_BYTES)


async def _json(request: Request) -> Mapping[str, Any]:
    # A browser cannot send this type to another site without asking first, so no page can operate the sandbox.
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise ConfigError("the body must be application/json")
    try:
        wish = json.loads(await request.body())
    except ValueError as error:
        raise ConfigError("the body is not JSON") from error
    if not isinstance(wish, dict):
        raise ConfigError("the body must be a JSON object")
    return wish


def _refusal_values(recorded: RecordedRefusal) -> dict[str, object]:
    return {
        "at": recorded.at.isoformat(),
        "channel": recorded.channel,
        "oin": recorded.oin,
        "statement": recorded.refusal.statement,
        "reason": recorded.refusal.reason,
    }


def _answer(values: object, status: int = 200) -> Response:
    return JSONResponse(values, status, headers=_MARK)


async def _refuse(request: Request, error: Exception) -> Response:
    return _answer({"error": str(error)}, 400)
