"""DROP of the sandbox: the list of dossiers, a dossier as its reader will see it, and four eyes.

What came with a blad is planned at once, as the operation of 3PAS says. What did not waits here, until somebody offers
it and somebody else approves it (drop-3pas.md 9). Names are typed in, for the sandbox knows nobody.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from jinja2 import Environment
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from digikoppelaar.drop.bladen import BLADEN
from digikoppelaar.drop.metadata import metadata_xml
from digikoppelaar.drop.model import Blad
from digikoppelaar.drop.preview import as_html
from digikoppelaar.drop.publication import publication_xml
from digikoppelaar.errors import ConfigError
from digikoppelaar.sandbox.koop.dossiers import Dossier, Step
from digikoppelaar.sandbox.koop.koop import Koop
from digikoppelaar.sandbox.koop.stages import Stages, stages_of
from digikoppelaar.sandbox.loket.uploads import read_posted

PATH: Final = "/drop"
ROWS: Final = 50
"""Dossiers on a page of the list."""
STAGES: Final = "stappen"
CONFIRM: Final = "bevestigen"
"""Words in addresses: the page of the stages, and finding on it that a dossier came in rightly."""

_FORM_LIMIT: Final = 64 * 1024
_DOCUMENTS: Final = {"publicatie.xml": publication_xml, "metadata.xml": metadata_xml}
_BY_HAND: Final = (Step.OFFER, Step.SEND_BACK, Step.APPROVE, Step.CANCEL)


@dataclass(frozen=True, slots=True)
class DropPages:
    """The pages over one KOOP, with the stages by name."""

    koop: Koop
    stages: Stages
    templates: Environment

    def routes(self) -> Sequence[BaseRoute]:
        """For a listener that lets posts come from its own pages only."""
        return [
            Route(PATH, self._list),
            Route(f"{PATH}/{STAGES}", self._stages),
            Route(f"{PATH}/{{dossiernummer}}", self._show),
            Route(f"{PATH}/{{dossiernummer}}/{{document}}", self._document),
            Route(f"{PATH}/{{dossiernummer}}/{{step}}", self._do, methods=["POST"]),
        ]

    async def _list(self, request: Request) -> Response:
        dossiers = list(reversed(self.koop.dossiers.values()))
        asked = request.query_params.get("pagina", "1")
        page = max(1, int(asked)) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 1
        rows = dossiers[(page - 1) * ROWS : page * ROWS]
        older = page + 1 if page * ROWS < len(dossiers) else None
        now = self.koop.calendar.now()
        return self._html(request, "drop.html", rows=rows, total=len(dossiers), older=older, now=now)

    async def _stages(self, request: Request) -> Response:
        """What came in of each organisatie in each stage, where somebody can find it good."""
        return self._html(request, "stappen.html", found=stages_of(self.koop, self.stages))

    async def _show(self, request: Request) -> Response:
        return self._page(request, self._dossier(request))

    def _page(self, request: Request, dossier: Dossier, mistake: str = "", typed: str = "") -> Response:
        kennisgeving = dossier.kennisgeving
        article = Markup(as_html(kennisgeving.titel, kennisgeving.tekst))  # noqa: S704  # it escapes what is in it
        steps = [step for step in dossier.steps if step in _BY_HAND]
        return self._html(
            request,
            "dossier.html",
            422 if mistake else 200,
            dossier=dossier,
            article=article,
            steps=steps,
            bladen={blad: names.publicatienaam for blad, names in BLADEN.items()},
            mistake=mistake,
            typed=typed,
        )

    async def _document(self, request: Request) -> Response:
        write = _DOCUMENTS.get(request.path_params["document"])
        if write is None:
            raise HTTPException(404)
        return Response(write(self._dossier(request).publicatie), media_type="application/xml")

    async def _do(self, request: Request) -> Response:
        dossier, posted = self._dossier(request), await read_posted(request, _FORM_LIMIT)
        typed = {name: values[0] for name, values in posted.typed.items() if values}
        try:
            self._take(request.path_params["step"], dossier, typed)
        except ConfigError as error:
            return self._page(request, dossier, error.advice, typed.get("naam", ""))
        back = STAGES if request.path_params["step"] == CONFIRM else dossier.dossiernummer
        return RedirectResponse(f"{PATH}/{back}", 303)

    def _take(self, step: str, dossier: Dossier, typed: Mapping[str, str]) -> None:
        naam = typed.get("naam", "")
        match step:
            case Step.OFFER:
                self.koop.offer(dossier, naam, _blad(typed.get("blad", "")))
            case Step.SEND_BACK:
                self.koop.send_back(dossier)
            case Step.APPROVE:
                self.koop.approve(dossier, naam)
            case Step.CANCEL:
                self.koop.cancel(dossier)
            case _ if step == CONFIRM:
                self.koop.confirm(dossier, naam)
            case _:
                raise HTTPException(404)

    def _dossier(self, request: Request) -> Dossier:
        dossier = self.koop.dossiers.get(request.path_params["dossiernummer"])
        if dossier is None:
            raise HTTPException(404)
        return dossier

    def _html(self, request: Request, name: str, status: int = 200, **values: object) -> Response:
        return HTMLResponse(self.templates.get_template(name).render(path=request.url.path, **values), status)


def _blad(text: str) -> Blad:
    if text not in set(Blad):
        raise ConfigError("there is no such blad", advice="Kies een blad.")
    return Blad(text)
