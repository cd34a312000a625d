"""Pages in Dutch for what people do when they connect: CPA register, portal for API keys, aansluitteam, mailbox.

Nobody logs in: who somebody is, he says. What is refused is told on the page from which it was asked.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from jinja2 import Environment
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from digikoppelaar.errors import DigikoppelaarError
from digikoppelaar.onboarding.register import RegisterOrder
from digikoppelaar.pki.certificate import Use, read_certificates
from digikoppelaar.sandbox.loket.uploads import read_posted
from digikoppelaar.sandbox.onboarding.parts import Onboarding
from digikoppelaar.sandbox.onboarding.register_steps import MACHTIGING, REQUEST, Step
from digikoppelaar.sandbox.site import site, templates_in

REQUEST_PAGE: Final = "/cpa/aanvraag/specification/{specification}/server_participant/{participant}"
"""As at the real register."""
_LIMIT: Final = 1024 * 1024

Fields = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages over the parts of onboarding."""

    onboarding: Onboarding
    templates: Environment

    def routes(self) -> Sequence[BaseRoute]:
        """For a listener that lets posts come from its own pages only."""
        return [
            Route("/", self._register),
            Route("/machtigingen", self._grant, methods=["POST"]),
            Route("/machtigingen/{id}/{step}", self._step_machtiging, methods=["POST"]),
            Route("/aanvragen/{id}/cpa.xml", self._document),
            Route("/aanvragen/{id}/vernieuwen", self._regenerate, methods=["POST"]),
            Route("/aanvragen/{id}/{step}", self._step_request, methods=["POST"]),
            Route(REQUEST_PAGE, self._form),
            Route(REQUEST_PAGE, self._ask, methods=["POST"]),
            Route("/portaal", self._portal),
            Route("/portaal", self._ask_key, methods=["POST"]),
            Route("/portaal/{id}/intrekken", self._take_back, methods=["POST"]),
            Route("/aansluitteam", self._team),
            Route("/aansluitteam/{what}", self._decide, methods=["POST"]),
            Route("/postbus", self._mails),
            Route("/postbus/{id:int}", self._mail),
        ]

    # --- CPA register ----------------------------------------------------------------------------------------

    async def _register(self, request: Request) -> Response:
        return self._register_page(request)

    def _register_page(self, request: Request, mistake: str = "") -> Response:
        steps = {
            "machtiging": lambda state: [step for (before, step) in MACHTIGING if before is state],
            "aanvraag": lambda state: [
                step for (before, step) in REQUEST if before is state and step is not Step.REPLACE
            ],
        }
        return self._html(request, "register.html", mistake, register=self.onboarding.register.register, steps=steps)

    async def _grant(self, request: Request) -> Response:
        register, fields = self.onboarding.register.register, await _fields(request)

        def grant() -> None:
            asked = register.ask_machtiging(fields.get("gemachtigde", ""), fields.get("namens", ""))
            register.step_machtiging(asked.id, Step.GRANT)

        return self._done(grant, "/", lambda mistake: self._register_page(request, mistake))

    async def _step_machtiging(self, request: Request) -> Response:
        step, found = _step(request), request.path_params["id"]
        register = self.onboarding.register.register
        return self._done(
            lambda: register.step_machtiging(found, step), "/", lambda mistake: self._register_page(request, mistake)
        )

    async def _step_request(self, request: Request) -> Response:
        step, found = _step(request), request.path_params["id"]
        register, reason = self.onboarding.register.register, (await _fields(request)).get("reden", "")
        return self._done(
            lambda: register.step_request(found, step, reason),
            "/",
            lambda mistake: self._register_page(request, mistake),
        )

    async def _document(self, request: Request) -> Response:
        document = self.onboarding.register.register.documents.get(request.path_params["id"])
        if document is None:
            raise HTTPException(404)
        return Response(document, media_type="application/xml")

    async def _form(self, request: Request) -> Response:
        return self._form_page(request)

    def _form_page(self, request: Request, mistake: str = "", fields: Fields | None = None) -> Response:
        register = self.onboarding.register.register
        return self._html(request, "aanvraag.html", mistake, register=register, fields=fields or {})

    async def _ask(self, request: Request) -> Response:
        fields, files = await _read(request)
        register, numbers = self.onboarding.register.register, request.path_params

        def ask() -> None:
            order = RegisterOrder(
                numbers["specification"],
                numbers["participant"],
                fields.get("oin", ""),
                fields.get("endpoint", ""),
                _certificates(files),
            )
            register.ask(order, fields.get("aanvrager", ""))

        return self._done(ask, "/", lambda mistake: self._form_page(request, mistake, fields))

    async def _regenerate(self, request: Request) -> Response:
        fields, files = await _read(request)
        register, found = self.onboarding.register.register, request.path_params["id"]
        caller = fields.get("aanvrager", "")
        return self._done(
            lambda: register.regenerate(found, _certificates(files), caller),
            "/",
            lambda mistake: self._register_page(request, mistake),
        )

    # --- Portal ----------------------------------------------------------------------------------------------

    async def _portal(self, request: Request) -> Response:
        return self._portal_page(request)

    def _portal_page(self, request: Request, mistake: str = "", secret: str = "") -> Response:
        return self._html(request, "portaal.html", mistake, portal=self.onboarding.portal, secret=secret)

    async def _ask_key(self, request: Request) -> Response:
        fields = await _fields(request)
        try:
            asked = fields.get("oin", ""), fields.get("omgeving", ""), fields.get("naam", "")
            _, secret = self.onboarding.portal.ask(*asked)
        except DigikoppelaarError as error:
            return self._portal_page(request, error.advice)
        return self._portal_page(request, secret=secret)

    async def _take_back(self, request: Request) -> Response:
        keys, key = self.onboarding.portal.keys, request.path_params["id"]
        return self._done(lambda: keys.take_back(key), "/portaal", lambda mistake: self._portal_page(request, mistake))

    # --- Aansluitteam ----------------------------------------------------------------------------------------

    async def _team(self, request: Request) -> Response:
        return self._team_page(request)

    def _team_page(self, request: Request, mistake: str = "") -> Response:
        team = self.onboarding.aansluitteam
        known = team.connections.state.authorities
        return self._html(request, "aansluitteam.html", mistake, team=team, known=known)

    async def _decide(self, request: Request) -> Response:
        fields = await _fields(request)
        team, oin = self.onboarding.aansluitteam, fields.get("oin", "")
        decisions: Mapping[str, Callable[[], object]] = {
            "mandateren": lambda: team.connections.mandate(fields.get("partij", ""), oin),
            "mandaat-intrekken": lambda: team.connections.withdraw(fields.get("partij", ""), oin),
            "routeren": lambda: team.route(oin, fields.get("behandeldienst", "")),
            "pre-compleet": lambda: team.complete(oin, complete=True),
            "pre-niet-compleet": lambda: team.complete(oin, complete=False),
            "goedkeuren": lambda: self._judge(fields, approved=True),
            "afkeuren": lambda: self._judge(fields, approved=False),
        }
        decide = decisions.get(request.path_params["what"])
        if decide is None:
            raise HTTPException(404)
        return self._done(decide, "/aansluitteam", lambda mistake: self._team_page(request, mistake))

    def _judge(self, fields: Fields, *, approved: bool) -> None:
        oin, step, by = (fields.get(name, "") for name in ("oin", "stap", "naam"))
        self.onboarding.aansluitteam.judge(oin, step, by, approved=approved, reason=fields.get("reden", ""))

    # --- Mailbox ---------------------------------------------------------------------------------------------

    async def _mails(self, request: Request) -> Response:
        return self._html(request, "postbus.html", received=list(reversed(self.onboarding.mailbox.received)))

    async def _mail(self, request: Request) -> Response:
        found = [each for each in self.onboarding.mailbox.received if each.id == request.path_params["id"]]
        if not found:
            raise HTTPException(404)
        return self._html(request, "mail.html", mail=found[0])

    # --- Common ----------------------------------------------------------------------------------------------

    def _done(self, do: Callable[[], object], then: str, again: Callable[[str], Response]) -> Response:
        """Do it and go on to `then`; when it is refused, show the page `again` with the reason."""
        try:
            do()
        except DigikoppelaarError as error:
            return again(error.advice)
        return RedirectResponse(then, 303)

    def _html(self, request: Request, name: str, mistake: str = "", **values: object) -> Response:
        page = self.templates.get_template(name)
        shown = page.render(path=request.url.path, mistake=mistake, **values)
        return HTMLResponse(shown, 422 if mistake else 200)


def make_pages(onboarding: Onboarding, *, anywhere: bool) -> Starlette:
    """The ASGI application. `anywhere`: not only under loopback names."""
    templates = templates_in("onboarding")
    return site(Pages(onboarding, templates).routes(), templates, anywhere=anywhere)


async def _fields(request: Request) -> Fields:
    return (await _read(request))[0]


async def _read(request: Request) -> tuple[Fields, Mapping[str, bytes]]:
    """What was typed, and the files that came along, by the names of their fields."""
    posted = await read_posted(request, _LIMIT)
    files = {}
    for upload in posted.uploads:
        files[upload.name] = await upload.file.read()
        await upload.file.close()
    return {name: values[0].strip() for name, values in posted.typed.items() if values}, files


def _certificates(files: Mapping[str, bytes]) -> dict[Use, tuple[bytes, ...]]:
    """Those in the files, by the use that is the name of the field. Raises TrustError."""
    return {use: tuple(each.der for each in read_certificates(files[use.value])) for use in Use if files.get(use.value)}


def _step(request: Request) -> Step:
    found = {step.value: step for step in Step}.get(request.path_params["step"])
    if found is None or found is Step.REPLACE:
        raise HTTPException(404)
    return found
