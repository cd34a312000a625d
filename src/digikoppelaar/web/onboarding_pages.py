"""The pages of onboarding: every organisatie with its next action, and all steps of one. Read-only, as all pages."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse

from digikoppelaar.flows import onboarding_report
from digikoppelaar.flows.onboarding_status import Status, StatusFilter
from digikoppelaar.flows.ports import OMGEVINGEN, is_sandbox
from digikoppelaar.flows.registration import BESTUURSLAGEN
from digikoppelaar.onboarding.model import Kind
from digikoppelaar.web.access import require_inside, scope_here
from digikoppelaar.web.pages import OMGEVING_OPTIONS, Pages, filter_value

Statuses = Callable[[StatusFilter], Awaitable[Sequence[Status]]]
"""How far everyone is, as it is now."""

_KIND_OPTIONS: Final = [(kind.value, kind.upper()) for kind in Kind]
_LAAG_OPTIONS: Final = [(laag, laag) for laag in BESTUURSLAGEN]
_OPEN_OPTIONS: Final = [("ja", "alleen wat niet compleet is")]


async def no_statuses(wanted: StatusFilter) -> Sequence[Status]:
    """For whoever onboards nobody."""
    del wanted
    return ()


@dataclass(frozen=True, slots=True)
class OnboardingPages:
    """The endpoints, as methods."""

    pages: Pages
    statuses: Statuses

    async def listed(self, request: Request) -> HTMLResponse:
        """A line for every organisatie, facility and omgeving."""
        wanted = StatusFilter(
            _one_of(filter_value(request, "omgeving"), OMGEVINGEN),
            _kind(filter_value(request, "soort")),
            _one_of(filter_value(request, "bestuurslaag"), BESTUURSLAGEN),
            filter_value(request, "oin"),
            open=filter_value(request, "open") is not None,
        )
        scope = scope_here(request)
        found = await self.statuses(wanted)
        rows = [onboarding_report.row(each) for each in found if scope.has(each.subject.oin)]
        return self.pages.html(
            request,
            "aansluitingen.html",
            rows=rows,
            wanted=wanted,
            omgevingen=OMGEVING_OPTIONS,
            kinds=_KIND_OPTIONS,
            bestuurslagen=_LAAG_OPTIONS,
            open_options=_OPEN_OPTIONS,
            sandbox=any(is_sandbox(row.omgeving) for row in rows),
        )

    async def subject(self, request: Request) -> HTMLResponse:
        """Every step of one organisatie at one facility in one omgeving."""
        kind, omgeving, oin = (request.path_params[name] for name in ("kind", "omgeving", "oin"))
        if kind not in set(Kind) or omgeving not in OMGEVINGEN or not oin.isdecimal():
            raise HTTPException(404)
        require_inside(request, oin)
        found = await self.statuses(StatusFilter(omgeving, Kind(kind), oin=oin))
        if not found:
            raise HTTPException(404)
        page = onboarding_report.page(found[0])
        return self.pages.html(request, "aansluiting.html", page=page, sandbox=is_sandbox(omgeving))


def _kind(value: str | None) -> Kind | None:
    found = _one_of(value, tuple(Kind))
    return Kind(found) if found else None


def _one_of(value: str | None, known: Sequence[str]) -> str | None:
    if value is not None and value not in known:
        raise HTTPException(400)
    return value
