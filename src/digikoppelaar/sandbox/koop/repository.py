"""What KOOP has published, for anybody: the search, the publications, their metadata records, and how they look.

The real ones are on two hosts; here one listener has the paths of both, so that only the host in an address differs.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from jinja2 import Environment
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from digikoppelaar.adapters.profiles import SruProfile
from digikoppelaar.drop.bladen import BLADEN, BODY_SCHEMES, CONFIGURATIES
from digikoppelaar.drop.metadata import metadata_owms_xml, metadata_xml
from digikoppelaar.drop.model import Positie
from digikoppelaar.drop.preview import as_html
from digikoppelaar.drop.publication import Publicatie, publication_xml
from digikoppelaar.drop.sru_answer import Repository, answer_search
from digikoppelaar.sandbox.answers import after
from digikoppelaar.sandbox.faults import Fault, Kind, Target
from digikoppelaar.sandbox.koop.koop import Koop
from digikoppelaar.stam.coordinates import RD, WGS84
from digikoppelaar.stam.geometry import converted
from digikoppelaar.stam.model import Geometrie

SRU_PATH: Final = "/sru"

_MARK: Final = {"x-sandbox": "SANDBOX, voorlopig: dit is KOOP niet"}
_XML: Final = "application/xml; charset=utf-8"
_FORMS: Final = {
    "metadata.xml": metadata_xml,
    "metadata_owms.xml": metadata_owms_xml,
    "{identifier}.xml": publication_xml,
}
"""The documents of a publication by the name of their file."""


@dataclass(frozen=True, slots=True)
class PublicPages:
    """The search and everything it leads to."""

    koop: Koop
    profile: SruProfile
    templates: Environment

    def routes(self) -> Sequence[BaseRoute]:
        """For a listener that anybody may call."""
        manifestation = "/frbr/officielepublicaties/{blad}/{jaar:int}/{identifier}/1/{manifestation}/{file}"
        return [
            Route(SRU_PATH, self._search),
            Route("/{identifier}.html", self._page),
            Route("/{identifier}/{file}", self._document),
            Route("/{identifier}.xml", self._xml),
            Route(manifestation, self._document),
        ]

    async def _search(self, request: Request) -> Response:
        base = str(request.base_url).rstrip("/")
        repository = Repository(
            self.koop.listed,
            self.profile.names,
            _moved(self.profile.publication_url, base),
            _moved(self.profile.manifestation_url, base),
            _wgs84,
        )
        answer = await run_in_threadpool(answer_search, dict(request.query_params), repository)
        response = Response(answer, headers=_MARK | {"content-type": _XML})
        return await _faulty(self.koop.faults.strike(Target.SRU), response)

    async def _page(self, request: Request) -> Response:
        publicatie = self._published(request)
        kennisgeving = publicatie.kennisgeving
        article = Markup(as_html(kennisgeving.titel, kennisgeving.tekst))  # noqa: S704  # it escapes what is in it
        blad = BLADEN[kennisgeving.blad]
        page = self.templates.get_template("publicatie.html").render(
            path=request.url.path,
            publicatie=publicatie,
            titel=blad.titel,
            subtitel=blad.subtitel.format(naam=kennisgeving.publicist.naam),
            article=article,
        )
        return HTMLResponse(page)

    async def _xml(self, request: Request) -> Response:
        return _document(publication_xml, self._published(request))

    async def _document(self, request: Request) -> Response:
        """A document by the name of its file, under both of its addresses."""
        file, identifier = request.path_params["file"], request.path_params["identifier"]
        if file == f"{identifier}.html":
            return await self._page(request)
        write = {name.format(identifier=identifier): form for name, form in _FORMS.items()}.get(file)
        if write is None:
            raise HTTPException(404)
        if write is not metadata_xml:
            return _document(write, self._published(request))
        fault = self.koop.faults.strike(Target.METADATA)
        return await _faulty(fault, _document(write, self._published(request)))

    def _published(self, request: Request) -> Publicatie:
        dossier = self.koop.published(request.path_params["identifier"])
        if dossier is None:
            raise HTTPException(404)
        return dossier.publicatie


def _document(write: Callable[[Publicatie], bytes], publicatie: Publicatie) -> Response:
    marks = {"x-provisional": ", ".join(_assumed(publicatie)), "content-type": _XML}
    return Response(write(publicatie), headers=_MARK | marks)


def _assumed(publicatie: Publicatie) -> Iterator[str]:
    """The names in it that were not seen in a public record."""
    kennisgeving = publicatie.kennisgeving
    yield from (f"blad.{name}" for name in sorted(BLADEN[kennisgeving.blad].assumed))
    if BODY_SCHEMES[kennisgeving.publicist.bestuurslaag].assumed:
        yield "creator.scheme"
    if CONFIGURATIES[kennisgeving.documenttype].assumed:
        yield "configuratie"


def _moved(address: str, base: str) -> str:
    """An address of the profile on the host of the sandbox."""
    return base + "/" + address.partition("://")[2].partition("/")[2]


def _wgs84(positie: Positie) -> tuple[float, float]:
    """Latitude and longitude of a position in RD."""
    [(east, north)] = converted(Geometrie(RD, punten=(positie,)), WGS84).punten
    return north, east


async def _faulty(fault: Fault | None, response: Response) -> Response:
    match fault:
        case Fault(kind=Kind.DELAY, seconds=seconds):
            await asyncio.sleep(seconds)
        case Fault(kind=Kind.ANSWER, status=status, seconds=seconds):
            asks = {"retry-after": str(round(seconds))} if status in (429, 503) else {}
            return Response(status_code=status, headers=_MARK | asks)
    return after(fault, response, _MARK)
