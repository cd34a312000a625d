"""Who asks for a page, and whether he may: the gate in front of every route (ADR 26).

A route names the permission that it asks. What the handler gets is the Scope of the visitor for it: a list is filtered
by it, and a single thing is held against it before anything of it is shown.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Final, Protocol
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from digikoppelaar.flows.access import AccountRole, Grant, Permission, Scope, scope_of
from digikoppelaar.flows.login import Login, csrf_of
from digikoppelaar.flows.login_states import Stage
from digikoppelaar.flows.views import Viewer, ViewerKind
from digikoppelaar.web.forms import read_form, require_token

LOGIN: Final = "/inloggen"
NEEDS_LOGIN: Final = "a login is needed"
EVERYBODY: Final = (Grant(AccountRole.BEHEERDER),)

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks. `form_token` is what his forms carry."""

    viewer: Viewer
    grants: tuple[Grant, ...]
    form_token: str
    can_leave: bool
    """Whether there is a session to end."""

    def may(self, permission: Permission) -> bool:
        """Whether he has it for any organisatie."""
        return not scope_of(self.grants, permission).empty


class Gate(Protocol):
    """How we know who asks."""

    async def visitor(self, request: Request) -> Visitor | None:
        """Who asks; None: nobody that we know."""


@dataclass(frozen=True, slots=True)
class NoLogin:
    """Everybody on this machine may do everything; only while all there is, is a sandbox.

    `is_real` says whether there is an aansluiting that is not of a sandbox: from then on nobody gets in. `form_token`
    is of this process.
    """

    is_real: Callable[[], Awaitable[bool]]
    form_token: str

    async def visitor(self, request: Request) -> Visitor | None:
        """See Gate. Raises HTTPException (403) when there is more than a sandbox."""
        if await self.is_real():
            raise HTTPException(403, NEEDS_LOGIN)
        return Visitor(Viewer(ViewerKind.PAGE, address_of(request)), EVERYBODY, self.form_token, can_leave=False)


@dataclass(frozen=True, slots=True)
class ByLogin:
    """Whoever logged in. `secure`: browsers come over https; `proxies` say in X-Forwarded-For for whom they ask."""

    login: Login
    secure: bool
    proxies: tuple[IPv4Network | IPv6Network, ...] = ()

    @property
    def cookie(self) -> str:
        """Its name: over https one that no other host and no plain page can set."""
        return "__Host-digikoppelaar" if self.secure else "digikoppelaar"

    async def visitor(self, request: Request) -> Visitor | None:
        """See Gate."""
        token = self.token(request)
        session = await self.login.visitor(token) if token else None
        if session is None or session.stage is not Stage.IN:
            return None
        viewer = Viewer(ViewerKind.ACCOUNT, session.account.name)
        return Visitor(viewer, session.account.grants, csrf_of(token), can_leave=True)

    def token(self, request: Request) -> str:
        """Of the session; empty when there is none."""
        return request.cookies.get(self.cookie, "")

    def keep(self, response: Response, token: str) -> None:
        """Have the browser keep it until it is closed: no script reads it, and other sites do not send it along."""
        response.set_cookie(self.cookie, token, secure=self.secure, httponly=True, samesite="lax")

    def forget(self, response: Response) -> None:
        """Have the browser forget it."""
        response.delete_cookie(self.cookie, secure=self.secure, httponly=True, samesite="lax")

    def address(self, request: Request) -> str:
        """For whom it is asked: behind a proxy of ours what that says, the last address that is no proxy itself."""
        address = address_of(request)
        for before in reversed(request.headers.get("x-forwarded-for", "").split(",")):
            if not self._is_proxy(address):
                break
            address = before.strip() or address
        return address[:64]

    def _is_proxy(self, address: str) -> bool:
        try:
            return any(ip_address(address) in network for network in self.proxies)
        except ValueError:
            return False


def page(gate: Gate, path: str, permission: Permission, get: Endpoint, *, post: Endpoint | None = None) -> Route:
    """A route behind the gate; `post` is what its form does.

    Whoever is not known is led to the login and back, whoever may not gets a 403. A form without the token of the
    session is refused before the handler sees it.
    """

    async def endpoint(request: Request) -> Response:
        visitor = await gate.visitor(request)
        if visitor is None:
            return to_login(request)
        request.state.visitor = visitor
        request.state.scope = scope_of(visitor.grants, permission)
        if request.state.scope.empty:
            raise HTTPException(403)
        if request.method != "POST" or post is None:
            return await get(request)
        request.state.form = await read_form(request)
        require_token(request.state.form, visitor.form_token)
        return await post(request)

    return Route(path, endpoint, methods=["GET", "POST"] if post else ["GET"])


def to_login(request: Request) -> Response:
    """To the login, and after it back to here; a form that was sent is not sent again."""
    query = f"?{request.url.query}" if request.url.query else ""
    back = request.url.path + query if request.method in ("GET", "HEAD") else "/"
    return RedirectResponse(f"{LOGIN}?{urlencode({'naar': back})}", 303)


def visitor_of(request: Request) -> Visitor | None:
    """Who asks; None on a page that anybody may see."""
    found: Visitor | None = getattr(request.state, "visitor", None)
    return found


def scope_here(request: Request) -> Scope:
    """Whose things the visitor may see or touch by this route."""
    scope: Scope = request.state.scope
    return scope


def require_inside(request: Request, oin: str) -> None:
    """Raises HTTPException (404) for what is of an organisatie outside the scope: as if it were not there."""
    if not scope_here(request).has(oin):
        raise HTTPException(404)


def viewer_of(request: Request) -> Viewer:
    """For the record of who saw what."""
    visitor = visitor_of(request)
    assert visitor, "every page that shows something stands behind the gate"
    return visitor.viewer


def address_of(request: Request) -> str:
    """Whoever is at the other end of the connection."""
    return request.client.host if request.client else ""
