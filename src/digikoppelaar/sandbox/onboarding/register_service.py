"""The REST API of the CPA register, as the profile says that it is; who asks is known by his certificate."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from digikoppelaar.adapters.cpa_register import decoded_certificates, encoded_certificates
from digikoppelaar.adapters.onboarding_profiles import RegisterProfile
from digikoppelaar.ebms.cpa_build import Certificates
from digikoppelaar.errors import VerzoekError
from digikoppelaar.onboarding.register import CpaRequest, RegisterMachtiging, RegisterOrder
from digikoppelaar.sandbox.onboarding.register import CpaRegister
from digikoppelaar.sandbox.onboarding.service import MARK, Service
from digikoppelaar.sandbox.rest import Problem
from digikoppelaar.stam.links import json_object

_UNREADABLE = "De aanvraag is niet zoals deze API haar verwacht: controleer de velden."


@dataclass(frozen=True, slots=True)
class RegisterService:
    """The service over one register."""

    service: Service
    register: CpaRegister
    profile: RegisterProfile

    def app(self) -> Starlette:
        """The ASGI application for a TLS listener."""
        profile = self.profile
        base = urlsplit(profile.base_url).path
        routes = [
            (profile.specifications_path, "GET", self._specifications),
            (profile.participants_path, "GET", self._participants),
            (profile.machtigingen_path, "GET", self._machtigingen),
            (profile.machtigingen_path, "POST", self._ask_machtiging),
            (profile.requests_path, "GET", self._requests),
            (profile.requests_path, "POST", self._ask),
            (profile.request_path, "GET", self._request),
            (profile.document_path, "GET", self._document),
            (profile.regenerate_path, "POST", self._regenerate),
        ]
        return Starlette(
            routes=[Route(f"{base}/{path}", self.service.guarded(do), methods=[how]) for path, how, do in routes],
            exception_handlers=self.service.handlers,
        )

    async def _specifications(self, request: Request) -> Response:
        key = self.profile.key
        names = (key.id, key.naam, key.omgeving, key.server_participant)
        found = [(each.id, each.naam, each.omgeving, each.server_participant) for each in self.register.specifications]
        return _json({key.specifications: [dict(zip(names, each, strict=True)) for each in found]})

    async def _participants(self, request: Request) -> Response:
        key, oin = self.profile.key, request.query_params.get(self.profile.key.oin)
        found = [each for each in self.register.participants if oin in (None, each.oin)]
        return _json({key.participants: [{key.id: e.id, key.oin: e.oin, key.naam: e.naam} for e in found]})

    async def _machtigingen(self, request: Request) -> Response:
        key, caller = self.profile.key, self.service.caller(request)
        asked = [request.query_params.get(name) for name in (key.gemachtigde, key.namens)]
        found = [
            each
            for each in self.register.machtigingen.values()
            if caller in (each.gemachtigde, each.namens) and asked[0] in (None, each.gemachtigde)
            if asked[1] in (None, each.namens)
        ]
        return _json({key.machtigingen: list(map(self._machtiging_values, found))})

    async def _ask_machtiging(self, request: Request) -> Response:
        key, caller = self.profile.key, self.service.caller(request)
        asked = await self._asked(request)
        gemachtigde, namens = (_text(asked, name, caller) for name in (key.gemachtigde, key.namens))
        if caller != gemachtigde:
            raise Problem(403, f"{caller} asks for {gemachtigde}", caller, advice="Vraag alleen voor uzelf.")
        return _json(self._machtiging_values(self.register.ask_machtiging(gemachtigde, namens)), 201)

    async def _requests(self, request: Request) -> Response:
        key, caller = self.profile.key, self.service.caller(request)
        oin = request.query_params.get(key.oin)
        found = [each for each in self.register.requests.values() if oin in (None, each.order.oin)]
        seen = [each for each in found if self.register.may_act(caller, each.order.oin)]
        return _json({key.requests: list(map(self._request_values, seen))})

    async def _ask(self, request: Request) -> Response:
        caller = self.service.caller(request)
        asked, key = await self._asked(request), self.profile.key
        names = (key.specification, key.server_participant, key.oin, key.endpoint)
        specification, participant, oin, endpoint = (_text(asked, name, caller) for name in names)
        order = RegisterOrder(specification, participant, oin, endpoint, self._certificates(asked, caller))
        return _json(self._request_values(self.register.ask(order, caller)), 201)

    async def _request(self, request: Request) -> Response:
        return _json(self._request_values(self._seen(request)))

    async def _document(self, request: Request) -> Response:
        document = self.register.documents.get(self._seen(request).id)
        if document is None:
            raise Problem(404, "the CPA is not made", advice="De CPA is nog niet gemaakt.")
        return Response(document, media_type=self.profile.document_media_types[0], headers=MARK)

    async def _regenerate(self, request: Request) -> Response:
        old, caller = self._seen(request), self.service.caller(request)
        certificates = self._certificates(await self._asked(request), caller)
        return _json(self._request_values(self.register.regenerate(old.id, certificates, caller)), 201)

    def _seen(self, request: Request) -> CpaRequest:
        """The request in the address; one of somebody else is not there. Raises ConfigError and Problem."""
        found, caller = self.register.request(request.path_params["request"]), self.service.caller(request)
        if not self.register.may_act(caller, found.order.oin):
            raise Problem(404, f"request {found.id} is not of {caller}", caller, advice="Deze aanvraag is er niet.")
        return found

    async def _asked(self, request: Request) -> Mapping[str, Any]:
        try:
            return json_object(await request.body(), "request")
        except VerzoekError as error:
            raise Problem(400, str(error), self.service.caller(request), advice=_UNREADABLE) from error

    def _certificates(self, asked: Mapping[str, Any], caller: str) -> Certificates:
        try:
            found = decoded_certificates(asked[self.profile.key.certificates])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Problem(400, "certificates cannot be read", caller, advice=_UNREADABLE) from error
        if not all(found.values()):
            raise Problem(400, "a use without certificate", caller, advice=_UNREADABLE)
        return found

    def _machtiging_values(self, found: RegisterMachtiging) -> dict[str, str]:
        key, words = self.profile.key, self.profile.machtiging_status
        status = {"asked": words.asked, "granted": words.granted, "refused": words.refused}[found.state]
        return {key.id: found.id, key.gemachtigde: found.gemachtigde, key.namens: found.namens, key.status: status}

    def _request_values(self, found: CpaRequest) -> dict[str, object]:
        key, words, order = self.profile.key, self.profile.request_status, found.order
        states = {
            "asked": words.asked,
            "made": words.made,
            "refused": words.refused,
            "replaced": words.replaced,
        }
        return {
            key.id: found.id,
            key.specification: order.specification,
            key.server_participant: order.server_participant,
            key.oin: order.oin,
            key.endpoint: order.endpoint,
            key.certificates: encoded_certificates(order.certificates),
            key.status: states[found.state],
            key.cpa_id: found.cpa_id,
            key.reason: found.reason,
            key.replaces: found.replaces,
        }


def _text(asked: Mapping[str, Any], name: str, caller: str) -> str:
    value = asked.get(name)
    if not isinstance(value, str) or not value:
        raise Problem(400, f"{name} is missing", caller, advice=f"Veld {name} ontbreekt. {_UNREADABLE}")
    return value


def _json(values: object, status: int = 200) -> Response:
    return JSONResponse(values, status, headers=MARK)
