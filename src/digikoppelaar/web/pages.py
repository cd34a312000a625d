"""The pages: what a request asks for, what is read for it, and which template shows it.

Nothing here decides anything about a message or a verzoek, and no page shows a payload. Raises
HTTPException for a wrong address; StorageError comes through from the reading and is answered in `app`.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from jinja2 import Environment
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse

from digikoppelaar.flows.intake_states import VerzoekState
from digikoppelaar.flows.ports import OMGEVINGEN, Clock, is_sandbox
from digikoppelaar.flows.reading import Direction, MessageFilter, MessageRow, Reading, VerzoekFilter, VerzoekRow
from digikoppelaar.flows.views import View, ViewLog, Way
from digikoppelaar.flows.worklist_rows import Item, WorklistFilter
from digikoppelaar.web import words
from digikoppelaar.web.access import require_inside, scope_here, viewer_of, visitor_of

Row = TypeVar("Row")

ROWS: Final = 50
"""Rows of one page of a list."""

OMGEVING_OPTIONS: Final = [(name, name) for name in OMGEVINGEN]
_DIRECTION_OPTIONS: Final = [(way.value, words.direction(way)) for way in Direction]
_LAST_ROW_ID: Final = 2**63 - 1  # of a bigint
_LONGEST_VALUE: Final = 256


Worklist = Callable[[WorklistFilter], Awaitable[Sequence[Item]]]
"""The worklist as it is now."""


async def no_worklist(wanted: WorklistFilter) -> Sequence[Item]:
    """For whoever has none."""
    del wanted
    return ()


@dataclass(frozen=True, slots=True)
class Pages:
    """The endpoints, as methods."""

    reading: Reading
    views: ViewLog
    clock: Clock
    environment: Environment
    worklist: Worklist
    rows: int = ROWS

    async def start(self, request: Request) -> HTMLResponse:
        """What waits for a person, and what came in last."""
        own = scope_here(request).listed
        parked = await self.reading.verzoeken(VerzoekFilter(state=VerzoekState.PARKED, limit=10, oins=own))
        latest = await self.reading.verzoeken(VerzoekFilter(limit=10, oins=own))
        return self.html(request, "start.html", parked=parked, latest=latest, sandbox=_any_sandbox([*parked, *latest]))

    async def verzoeken(self, request: Request) -> HTMLResponse:
        """The list of verzoeken, the newest first."""
        wanted = VerzoekFilter(
            omgeving=_omgeving(request),
            organisatie_oin=filter_value(request, "oin"),
            verzoeknummer=filter_value(request, "verzoeknummer"),
            state=filter_value(request, "staat"),
            before=_before(request),
            limit=self.rows + 1,
            oins=scope_here(request).listed,
        )
        rows, older = cut(await self.reading.verzoeken(wanted), lambda row: row.received_at, self.rows)
        return self.html(
            request,
            "verzoeken.html",
            rows=rows,
            older=_older(request, older),
            newest=_without_moment(request),
            wanted=wanted,
            omgevingen=OMGEVING_OPTIONS,
            states=words.options(words.VERZOEK_STATES),
            sandbox=_any_sandbox(rows),
        )

    async def verzoek(self, request: Request) -> HTMLResponse:
        """One verzoek: its versions with files and steps, and its messages."""
        aansluiting_id, verzoeknummer = _row_id(request, "aansluiting_id"), request.path_params["verzoeknummer"]
        found = await self.reading.verzoek(aansluiting_id, _clean(verzoeknummer, status=404))
        if found is None:
            raise HTTPException(404)
        require_inside(request, found.organisatie_oin)
        about = (found.omgeving, found.organisatie_oin, found.verzoeknummer)
        await self.views.record(View(viewer_of(request), Way.VERZOEK_PAGE, *about), self.clock.now())
        return self.html(request, "verzoek.html", page=found, sandbox=is_sandbox(found.omgeving))

    async def worklist_page(self, request: Request) -> HTMLResponse:
        """What a person must look at, by organisatie."""
        wanted = WorklistFilter(_omgeving(request), filter_value(request, "oin"))
        scope = scope_here(request)
        items = [item for item in await self.worklist(wanted) if scope.has(item.place.organisatie_oin)]
        return self.html(
            request,
            "werkvoorraad.html",
            wanted=wanted,
            organisaties=_by_organisatie(items),
            omgevingen=OMGEVING_OPTIONS,
            sandbox=any(is_sandbox(item.place.omgeving) for item in items),
        )

    async def messages(self, request: Request) -> HTMLResponse:
        """The list of messages, the newest first."""
        wanted = MessageFilter(
            omgeving=_omgeving(request),
            organisatie_oin=filter_value(request, "oin"),
            direction=_direction(filter_value(request, "richting"), status=400),
            state=filter_value(request, "staat"),
            message_id=filter_value(request, "message_id"),
            before=_before(request),
            limit=self.rows + 1,
            oins=scope_here(request).listed,
        )
        rows, older = cut(await self.reading.messages(wanted), lambda row: row.at, self.rows)
        return self.html(
            request,
            "messages.html",
            rows=rows,
            older=_older(request, older),
            newest=_without_moment(request),
            wanted=wanted,
            omgevingen=OMGEVING_OPTIONS,
            states=words.options(words.MESSAGE_STATES),
            directions=_DIRECTION_OPTIONS,
            sandbox=_any_sandbox(rows),
        )

    async def message(self, request: Request) -> HTMLResponse:
        """One message: header, attempts and state, never its content."""
        way = _direction(request.path_params["direction"], status=404)
        found = await self.reading.message(way, _row_id(request, "row_id")) if way else None
        if found is None:
            raise HTTPException(404)
        require_inside(request, found.message.organisatie_oin)
        return self.html(request, "message.html", page=found, sandbox=is_sandbox(found.message.omgeving))

    def html(self, request: Request, template: str, *, status: int = 200, **shown: object) -> HTMLResponse:
        """The page `template`; `shown` are its names."""
        always = {"path": request.url.path, "now": self.clock.now(), "visitor": visitor_of(request)}
        text = self.environment.get_template(template).render(**always, **shown)
        return HTMLResponse(text, status)


def cut(rows: Sequence[Row], at: Callable[[Row], datetime], size: int) -> tuple[Sequence[Row], datetime | None]:
    """The first page of `rows`, and the time before which the next page goes on (None: this was all).

    `rows` holds one more than `size` when there is more. Rows of one moment stay on one page, for the next page
    starts strictly before the last row shown; more than `size` rows of one moment cannot be told apart.
    """
    if len(rows) <= size:
        return rows, None
    next_moment = at(rows[size])
    shown = [row for row in rows[:size] if at(row) > next_moment] or rows[:size]
    return shown, at(shown[-1])


def _by_organisatie(items: Sequence[Item]) -> list[tuple[str, str, list[Item]]]:
    """Name, OIN and items of each organisatie that has any, by name."""
    whose = dict.fromkeys((item.place.organisatie_naam, item.place.organisatie_oin) for item in items)
    return [(naam, oin, [item for item in items if item.place.organisatie_oin == oin]) for naam, oin in sorted(whose)]


def _any_sandbox(rows: Iterable[VerzoekRow | MessageRow]) -> bool:
    return any(is_sandbox(row.omgeving) for row in rows)


def filter_value(request: Request, name: str) -> str | None:
    """A filter from the query; None when it is absent or empty."""
    return _clean(request.query_params.get(name, ""), status=400).strip() or None


def _clean(value: str, *, status: int) -> str:
    # The database refuses NUL in text; other control characters are never part of what is looked for.
    if len(value) > _LONGEST_VALUE or not value.isprintable():
        raise HTTPException(status)
    return value


def _omgeving(request: Request) -> str | None:
    asked = filter_value(request, "omgeving")
    if asked is not None and asked not in OMGEVINGEN:
        raise HTTPException(400)
    return asked


def _direction(value: str | None, *, status: int) -> Direction | None:
    try:
        return None if value is None else Direction(value)
    except ValueError as error:
        raise HTTPException(status) from error


def _row_id(request: Request, name: str) -> int:
    asked: int = request.path_params[name]
    if asked > _LAST_ROW_ID:
        raise HTTPException(404)
    return asked


def _before(request: Request) -> datetime | None:
    asked = filter_value(request, "voor")
    try:
        moment = None if asked is None else datetime.fromisoformat(asked)
    except ValueError as error:
        raise HTTPException(400) from error
    if moment is not None and moment.utcoffset() is None:
        raise HTTPException(400)
    return moment


def _older(request: Request, moment: datetime | None) -> str | None:
    """The address of the next page of this list."""
    if moment is None:
        return None
    return words.list_address(request.url.path, {**request.query_params, "voor": words.machine_time(moment)})


def _without_moment(request: Request) -> str:
    """The address of the first page of this list."""
    return words.list_address(request.url.path, {**request.query_params, "voor": None})
