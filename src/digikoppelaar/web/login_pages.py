"""The pages of logging in and out: a form each, and nothing that tells why a name or a password is wrong."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, urlencode, urlsplit

import segno
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from digikoppelaar.flows.login import MOST_HERE, WINDOW, Opened, Refused, csrf_of
from digikoppelaar.flows.login_states import Stage
from digikoppelaar.flows.ports.access import Session
from digikoppelaar.web.access import LOGIN, ByLogin
from digikoppelaar.web.forms import local_address, read_form, require_token
from digikoppelaar.web.pages import Pages

CODE: Final = f"{LOGIN}/code"
LOGOUT: Final = "/uitloggen"
_WRONG: Final = "De naam en het wachtwoord horen niet bij elkaar, of het account bestaat niet (meer)."
_WRONG_CODE: Final = "Deze code klopt niet, of is al gebruikt. Wacht op de volgende code en probeer het opnieuw."
_TOO_OFTEN: Final = (
    f"Er is te vaak geprobeerd in te loggen. Wacht {WINDOW.seconds // 60} minuten en probeer het opnieuw. "
    f"Na {MOST_HERE} mislukte pogingen wordt ook het juiste wachtwoord even niet aangenomen."
)


@dataclass(frozen=True, slots=True)
class LoginPages:
    """The endpoints, as methods. They stand before the gate."""

    pages: Pages
    gate: ByLogin

    def routes(self) -> list[Route]:
        """Of these pages."""
        return [
            Route(LOGIN, self.password, methods=["GET", "POST"]),
            Route(CODE, self.code, methods=["GET", "POST"]),
            Route(LOGOUT, self.log_out, methods=["POST"]),
        ]

    async def password(self, request: Request) -> Response:
        """Name and password."""
        if request.method != "POST":
            return self._form(request, request.query_params.get("naar", "/"))
        form = await read_form(request)
        back = form.get("naar", "/")
        result = await self.gate.login.password(
            form.get("naam", "").strip(), form.get("wachtwoord", ""), self.gate.address(request)
        )
        if isinstance(result, Refused):
            return self._form(request, back, result, _WRONG)
        return self._onward(result, back)

    async def code(self, request: Request) -> Response:
        """The code of the second factor; who has none gets one first."""
        token = self.gate.token(request)
        session = await self.gate.login.visitor(token) if token else None
        if session is None or session.stage is Stage.IN:
            return RedirectResponse(LOGIN, 303)
        if request.method != "POST":
            return await self._code_form(request, session, request.query_params.get("naar", "/"))
        form = await read_form(request)
        require_token(form, csrf_of(token))
        back = form.get("naar", "/")
        result = await self.gate.login.code(token, form.get("code", ""), self.gate.address(request))
        if isinstance(result, Refused):
            return await self._code_form(request, session, back, result)
        return self._onward(result, back)

    async def log_out(self, request: Request) -> Response:
        """The session ends here and in the browser."""
        token = self.gate.token(request)
        form = await read_form(request)
        if token:
            require_token(form, csrf_of(token))
            await self.gate.login.log_out(token)
        response = RedirectResponse(LOGIN, 303)
        self.gate.forget(response)
        return response

    def _onward(self, opened: Opened, back: str) -> Response:
        back = local_address(back)
        if opened.stage is Stage.IN:
            response = RedirectResponse(back, 303)
        else:
            response = RedirectResponse(_with_back(CODE, back), 303)
        self.gate.keep(response, opened.token)
        return response

    def _form(self, request: Request, back: str, refused: Refused | None = None, why: str = "") -> Response:
        status, problem = _refusal(refused, why)
        shown = {"back": local_address(back), "problem": problem, "sandbox": False}
        return self.pages.html(request, "inloggen.html", status=status, **shown)

    async def _code_form(
        self, request: Request, session: Session, back: str, refused: Refused | None = None
    ) -> Response:
        address = await self.gate.login.enrol(session) if session.stage is Stage.ENROL else ""
        status, problem = _refusal(refused, _WRONG_CODE)
        return self.pages.html(
            request,
            "inloggen_code.html",
            status=status,
            problem=problem,
            back=local_address(back),
            form_token=csrf_of(self.gate.token(request)),
            picture=segno.make(address).svg_inline(scale=4, border=4, omitsize=True) if address else "",
            secret=_secret_of(address),
            sandbox=False,
        )


def _refusal(refused: Refused | None, why: str) -> tuple[int, str]:
    """The status of the page, and what it says is wrong."""
    if refused is None:
        return 200, ""
    return (429, _TOO_OFTEN) if refused.too_often else (403, why)


def _with_back(address: str, back: str) -> str:
    return address if back == "/" else f"{address}?{urlencode({'naar': back})}"


def _secret_of(address: str) -> str:
    """What is typed over when the picture cannot be read, in groups of four."""
    secret = parse_qs(urlsplit(address).query).get("secret", [""])[0]
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
