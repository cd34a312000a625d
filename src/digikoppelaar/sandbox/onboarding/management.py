"""The part of the management port that is about onboarding. Bodies are JSON; words are those of the pages.

POST   /portaal/api-keys   {"oin": ..., "omgeving": "PRE", "naam": ..., "dagen": null}: a key, told once (dso-portaal)
GET    /portaal/api-keys   those that were given, of ?oin=... or of all
DELETE /portaal/api-keys/{id}

GET    /register/machtigingen
POST   /register/machtigingen   {"gemachtigde": ..., "namens": ...}: the bevoegd gezag grants it at once
POST   /register/machtigingen/{id}/{step}   verlenen, weigeren or intrekken
GET    /register/aanvragen
POST   /register/aanvragen/{id}/{step}   goedkeuren, or weigeren with {"reden": ...}

GET    /aansluitteam       mandateringen, routeringen, who is complete in PRE, oordelen
POST   /aansluitteam/mandateringen   {"mandateringen": [{"partij": ..., "organisatie": ...}]}: as GET of another
                           omgeving gives them, so that they can be taken over to PROD
DELETE /aansluitteam/mandateringen/{partij}/{organisatie}
POST   /aansluitteam/routeringen     {"gemeente": ..., "behandeldienst": ...}: of the aansluitactiviteit Informatie
POST   /aansluitteam/pre-compleet    {"oin": ..., "compleet": true}
GET    /mailbox            every mail that came in, with the hashes of what was attached; see sandbox.mailbox
GET    /mailbox/{id}       one of them, as it came in
POST   /aansluitteam/oordelen        {"oin": ..., "stap": "3.7", "goedgekeurd": true, "reden": "", "door": ...}
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from digikoppelaar.errors import ConfigError
from digikoppelaar.onboarding.register import CpaRequest, RegisterMachtiging
from digikoppelaar.sandbox.mailbox import Received
from digikoppelaar.sandbox.management import answer, json_object
from digikoppelaar.sandbox.onboarding.aansluitteam import Aansluitteam, Verdict
from digikoppelaar.sandbox.onboarding.api_keys import ApiKey
from digikoppelaar.sandbox.onboarding.parts import Onboarding
from digikoppelaar.sandbox.onboarding.portal import Portal
from digikoppelaar.sandbox.onboarding.register import CpaRegister
from digikoppelaar.sandbox.onboarding.register_steps import Step

PORTAL: Final = "/portaal"
"""Where the portal is on the management port; below it everything is as its profile says."""


@dataclass(frozen=True, slots=True)
class OnboardingManagement:
    """What people do at the register, the portal and the aansluitteam, for programs."""

    onboarding: Onboarding

    @property
    def register(self) -> CpaRegister:
        """The register."""
        return self.onboarding.register.register

    @property
    def portal(self) -> Portal:
        """The portal."""
        return self.onboarding.portal

    @property
    def aansluitteam(self) -> Aansluitteam:
        """The aansluitteam."""
        return self.onboarding.aansluitteam

    def routes(self) -> Sequence[BaseRoute]:
        """For `Management.app`."""
        keys, key = (f"{PORTAL}/{path}" for path in (self.portal.profile.keys_path, self.portal.profile.key_path))
        return [
            Route(keys, self._ask_key, methods=["POST"]),
            Route(keys, self._keys),
            Route(key, self._take_back, methods=["DELETE"]),
            Route("/register/machtigingen", self._machtigingen),
            Route("/register/machtigingen", self._grant, methods=["POST"]),
            Route("/register/machtigingen/{id}/{step}", self._step_machtiging, methods=["POST"]),
            Route("/register/aanvragen", self._requests),
            Route("/register/aanvragen/{id}/{step}", self._step_request, methods=["POST"]),
            Route("/aansluitteam", self._all),
            Route("/aansluitteam/mandateringen", self._mandate, methods=["POST"]),
            Route("/aansluitteam/mandateringen/{partij}/{organisatie}", self._withdraw, methods=["DELETE"]),
            Route("/aansluitteam/routeringen", self._route, methods=["POST"]),
            Route("/aansluitteam/pre-compleet", self._complete, methods=["POST"]),
            Route("/aansluitteam/oordelen", self._judge, methods=["POST"]),
            Route("/mailbox", self._mails),
            Route("/mailbox/{id:int}", self._mail),
        ]

    async def _ask_key(self, request: Request) -> Response:
        wish, names = await json_object(request), self.portal.profile.key
        days = wish.get("dagen")
        if not isinstance(days, int | None) or isinstance(days, bool):
            raise ConfigError("dagen is a number of days")
        oin, omgeving, naam = (_text(wish, name) for name in (names.oin, names.omgeving, names.naam))
        key, secret = self.portal.ask(oin, omgeving, naam, days)
        return answer({**self._key_values(key), names.secret: secret}, 201)

    async def _keys(self, request: Request) -> Response:
        names, oin = self.portal.profile.key, request.query_params.get(self.portal.profile.key.oin)
        found = [key for key in self.portal.keys.keys.values() if oin in (None, key.oin)]
        return answer({names.keys: list(map(self._key_values, found))})

    async def _take_back(self, request: Request) -> Response:
        self.portal.keys.take_back(request.path_params["key"])
        return Response(status_code=204)

    def _key_values(self, key: ApiKey) -> dict[str, str]:
        names = self.portal.profile.key
        said = {names.id: key.id, names.oin: key.oin, names.omgeving: key.omgeving, names.naam: key.naam}
        return {**said, names.until: key.until.isoformat()}

    async def _machtigingen(self, request: Request) -> Response:
        return answer(list(map(_machtiging_values, self.register.machtigingen.values())))

    async def _grant(self, request: Request) -> Response:
        wish = await json_object(request)
        asked = self.register.ask_machtiging(_text(wish, "gemachtigde"), _text(wish, "namens"))
        return answer(_machtiging_values(self.register.step_machtiging(asked.id, Step.GRANT)), 201)

    async def _step_machtiging(self, request: Request) -> Response:
        await json_object(request)
        found = self.register.step_machtiging(request.path_params["id"], _step(request))
        return answer(_machtiging_values(found))

    async def _requests(self, request: Request) -> Response:
        return answer(list(map(_request_values, self.register.requests.values())))

    async def _step_request(self, request: Request) -> Response:
        wish = await json_object(request)
        reason = _text(wish, "reden") if _step(request) is Step.REFUSE else ""
        return answer(_request_values(self.register.step_request(request.path_params["id"], _step(request), reason)))

    async def _all(self, request: Request) -> Response:
        connections = self.aansluitteam.connections
        known = connections.state.authorities
        return answer(
            {
                "mandateringen": [
                    {"partij": partij, "organisatie": oin}
                    for oin, authority in known.items()
                    for partij in sorted(authority.mandated - {oin})
                ],
                "routeringen": [
                    {"gemeente": oin, "behandeldienst": each.oin, "activiteiten": sorted(each.activiteiten)}
                    for oin, authority in known.items()
                    for each in authority.gezag.behandeldiensten
                ],
                "pre_compleet": sorted(self.aansluitteam.pre_complete),
                "aangesloten": {
                    oin: [cpa.agreement.cpa_id for cpa in authority.cpas] for oin, authority in known.items()
                },
                "oordelen": list(map(_verdict_values, self.aansluitteam.verdicts)),
            }
        )

    async def _mandate(self, request: Request) -> Response:
        wanted = (await json_object(request)).get("mandateringen")
        if not isinstance(wanted, list) or not all(isinstance(each, dict) for each in wanted):
            raise ConfigError("mandateringen is a list of objects with partij and organisatie")
        pairs = [(_text(each, "partij"), _text(each, "organisatie")) for each in wanted]
        for _, organisatie in pairs:
            self.aansluitteam.connections.authority(organisatie)
        for partij, organisatie in pairs:
            self.aansluitteam.connections.mandate(partij, organisatie)
        return await self._all(request)

    async def _withdraw(self, request: Request) -> Response:
        self.aansluitteam.connections.withdraw(request.path_params["partij"], request.path_params["organisatie"])
        return Response(status_code=204)

    async def _route(self, request: Request) -> Response:
        wish = await json_object(request)
        self.aansluitteam.route(_text(wish, "gemeente"), _text(wish, "behandeldienst"))
        return await self._all(request)

    async def _complete(self, request: Request) -> Response:
        wish = await json_object(request)
        self.aansluitteam.complete(_text(wish, "oin"), complete=_flag(wish, "compleet"))
        return await self._all(request)

    async def _judge(self, request: Request) -> Response:
        wish = await json_object(request)
        oin, step, by = (_text(wish, name) for name in ("oin", "stap", "door"))
        approved, reason = _flag(wish, "goedgekeurd"), str(wish.get("reden", ""))
        verdict = self.aansluitteam.judge(oin, step, by, approved=approved, reason=reason)
        return answer(_verdict_values(verdict), 201)

    async def _mails(self, request: Request) -> Response:
        return answer(await run_in_threadpool(lambda: list(map(_mail_values, self.onboarding.mailbox.received))))

    async def _mail(self, request: Request) -> Response:
        found = [each for each in self.onboarding.mailbox.received if each.id == request.path_params["id"]]
        if not found:
            return answer({"error": "no such mail"}, 404)
        return Response(found[0].content, media_type="message/rfc822")


def _machtiging_values(found: RegisterMachtiging) -> dict[str, str]:
    between = {"gemachtigde": found.gemachtigde, "namens": found.namens}
    return {"id": found.id, **between, "state": found.state.value}


def _request_values(found: CpaRequest) -> dict[str, str]:
    order = found.order
    about = {"oin": order.oin, "endpoint": order.endpoint, "specification": order.specification}
    outcome = {"cpa_id": found.cpa_id, "reason": found.reason, "replaces": found.replaces}
    return {"id": found.id, "state": found.state.value, **about, **outcome}


def _verdict_values(found: Verdict) -> dict[str, object]:
    said = {"goedgekeurd": found.approved, "reden": found.reason, "door": found.by, "at": found.at.isoformat()}
    return {"oin": found.oin, "stap": found.step, **said}


def _mail_values(found: Received) -> dict[str, object]:
    return {
        "id": found.id,
        "at": found.at.isoformat(),
        "from": found.sender,
        "to": list(found.to),
        "subject": found.subject,
        "text": found.text,
        "attachments": [
            {"naam": each.naam, "media_type": each.media_type, "bytes": len(each.content), "sha256": each.sha256}
            for each in found.attachments
        ],
    }


def _step(request: Request) -> Step:
    found = {step.value: step for step in Step if step is not Step.REPLACE}.get(request.path_params["step"])
    if found is None:
        raise ConfigError("there is no such step")
    return found


def _text(wish: Mapping[str, Any], name: str) -> str:
    value = wish.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ConfigError(f"{name} is missing")
    return value.strip()


def _flag(wish: Mapping[str, Any], name: str) -> bool:
    value = wish.get(name)
    if not isinstance(value, bool):
        raise ConfigError(f"{name} is true or false")
    return value
