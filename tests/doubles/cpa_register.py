"""A CPA register and *CPA aanbieden* of the other side, by the profiles: until the sandbox has its own.

As strict as a test needs: who asks is known by his certificate, and needs a machtiging to ask for another.
"""

import json
from base64 import b64decode
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from tests.certificates import NOW, Authority, Shape

from digikoppelaar.adapters.onboarding_profiles import load_offering_profile, load_register_profile
from digikoppelaar.sandbox.cpa_document import CpaParty, CpaTerms, build_cpa, usual_certificates
from digikoppelaar.sandbox.rest import certificate_oin

REGISTER, OFFERING = load_register_profile(), load_offering_profile()
KEY = REGISTER.key
DSO = "00000099000000009100"

Answer = Callable[[Request], Coroutine[Any, Any, Response]]


def problem(status: int, detail: str) -> Response:
    """An explained refusal."""
    return JSONResponse({"title": "Geweigerd", "detail": detail}, status, media_type="application/problem+json")


@dataclass
class Register:
    """The register. `instead` is answered in place of everything; `asked` counts POSTs; `dies`: after taking one."""

    authority: Authority
    machtigingen: list[dict[str, str]] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    documents: dict[str, bytes] = field(default_factory=dict)
    asked: int = 0
    instead: Response | None = None
    dies: bool = False
    specifications: list[dict[str, str]] = field(
        default_factory=lambda: [
            {"id": "41", "naam": "STAM triggerbericht", "omgeving": "PRE", "serverParticipant": "42"},
            {"id": "357", "naam": "STAM triggerbericht", "omgeving": "PROD", "serverParticipant": "4046"},
        ]
    )

    def app(self) -> Starlette:
        """Everything below the base URL is at the root."""
        routes = [
            (REGISTER.specifications_path, self._specifications),
            (REGISTER.participants_path, self._participants),
            (REGISTER.machtigingen_path, self._machtigingen),
            (REGISTER.requests_path, self._requests),
            (REGISTER.request_path, self._request),
            (REGISTER.document_path, self._document),
            (REGISTER.regenerate_path, self._regenerate),
        ]
        return Starlette(
            routes=[Route(f"/{path}", self._guarded(answer), methods=["GET", "POST"]) for path, answer in routes]
        )

    def grant(self, gemachtigde: str, namens: str) -> None:
        """As the bevoegd gezag does, with eHerkenning."""
        self.machtigingen.append(
            {"id": str(len(self.machtigingen) + 1), "gemachtigde": gemachtigde, "namens": namens, "status": "verleend"}
        )

    def make(self, request_id: str, **other: Any) -> bytes:
        """Approve a request: the CPA is made, of what was asked or of what `other` says."""
        request = next(each for each in self.requests if each[KEY.id] == request_id)
        said = {**request, **other}
        tls, *chain = (b64decode(each) for each in said[KEY.certificates]["tls-server"])
        ours = self.authority.issue(Shape(oin=DSO, organisation="SANDBOX DSO-LV", sandbox=True)).der
        document = build_cpa(
            CpaTerms("osb-rm", 8, timedelta(hours=3), NOW, NOW + timedelta(days=20), self.authority.root.der),
            CpaParty("dso", "DSO-LV", DSO, "https://localhost/ebms", usual_certificates(ours, ours)),
            CpaParty("ons", "Ons", said[KEY.oin], said[KEY.endpoint], usual_certificates(tls, tls, *chain)),
        )
        self.documents[request_id] = document
        request[KEY.status] = "gemaakt"
        request[KEY.cpa_id] = document.partition(b'cpaid="')[2].partition(b'"')[0].decode()
        return document

    def _guarded(self, answer: Answer) -> Answer:
        async def guarded(request: Request) -> Response:
            if self.instead is not None:
                return self.instead
            if not certificate_oin(request):
                return problem(401, "Geen certificaat")
            said = await answer(request)
            if request.method == "POST" and self.dies:
                self.dies = False
                return Response(status_code=500)
            return said

        return guarded

    async def _specifications(self, _: Request) -> Response:
        return JSONResponse({KEY.specifications: self.specifications})

    async def _participants(self, request: Request) -> Response:
        there = [{"id": "4046", "oin": DSO, "naam": "DSO-LV"}]
        return JSONResponse({KEY.participants: [each for each in there if each["oin"] == request.query_params["oin"]]})

    async def _machtigingen(self, request: Request) -> Response:
        if request.method == "GET":
            wanted = dict(request.query_params)
            found = [each for each in self.machtigingen if wanted.items() <= each.items()]
            return JSONResponse({KEY.machtigingen: found})
        self.asked += 1
        self.machtigingen.append({"id": str(len(self.machtigingen) + 1), **await request.json(), "status": "gevraagd"})
        return JSONResponse(self.machtigingen[-1], 201)

    async def _requests(self, request: Request) -> Response:
        if request.method == "GET":
            oin = request.query_params["oin"]
            return JSONResponse({KEY.requests: [each for each in self.requests if each[KEY.oin] == oin]})
        asked, caller = await request.json(), certificate_oin(request)
        granted = [each["namens"] for each in self.machtigingen if each["gemachtigde"] == caller]
        if asked[KEY.oin] not in (caller, *granted):
            return problem(403, f"{caller} is niet gemachtigd")
        return self._taken(asked)

    def _taken(self, asked: dict[str, Any]) -> Response:
        self.asked += 1
        self.requests.append({KEY.id: str(len(self.requests) + 30), **asked, KEY.status: "gevraagd"})
        return JSONResponse(self.requests[-1], 201)

    async def _request(self, request: Request) -> Response:
        found = [each for each in self.requests if each[KEY.id] == request.path_params["request"]]
        return JSONResponse(found[0]) if found else problem(404, "Onbekend")

    async def _document(self, request: Request) -> Response:
        document = self.documents.get(request.path_params["request"])
        return Response(document, media_type="application/xml") if document else problem(404, "Nog niet gemaakt")

    async def _regenerate(self, request: Request) -> Response:
        old = next(each for each in self.requests if each[KEY.id] == request.path_params["request"])
        old[KEY.status] = "vervangen"
        same = {name: old[name] for name in (KEY.specification, KEY.server_participant, KEY.oin, KEY.endpoint)}
        return self._taken({**same, **await request.json(), KEY.replaces: old[KEY.id]})


@dataclass
class Offering:
    """*CPA aanbieden*: keeps CPAs by CPAId, and refuses another under the same. `instead` and `dies` as of Register."""

    taken: dict[str, bytes] = field(default_factory=dict)
    headers: list[dict[str, str]] = field(default_factory=list)
    asked: int = 0
    instead: Response | None = None
    dies: bool = False

    def app(self) -> Starlette:
        """Everything below the base URL is at the root."""
        return Starlette(
            routes=[
                Route(f"/{OFFERING.offer_path}", self._offer, methods=["POST"]),
                Route(f"/{OFFERING.accepted_path.replace('cpa_id', 'cpa_id:path')}", self._accepted),
            ]
        )

    async def _offer(self, request: Request) -> Response:
        if self.instead is not None:
            return self.instead
        document = await request.body()
        self.asked += 1
        self.headers.append(dict(request.headers))
        cpa_id = document.partition(b'cpaid="')[2].partition(b'"')[0].decode()
        if self.taken.setdefault(cpa_id, document) != document:
            return problem(409, "Onder dit CPAId is er al een andere CPA")
        if self.dies:
            self.dies = False
            return Response(status_code=500)
        return Response(json.dumps({"cpaId": cpa_id}), 201, media_type="application/json")

    async def _accepted(self, request: Request) -> Response:
        document = self.taken.get(request.path_params["cpa_id"])
        return Response(document, media_type="application/xml") if document else problem(404, "Onbekend")
