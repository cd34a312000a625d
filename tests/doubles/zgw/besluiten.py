"""The Besluiten API, read only: what an employee decided."""

import uuid
from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from tests.doubles.answers import Problem, Resource, route
from tests.doubles.zgw.access import Access
from tests.doubles.zgw.world import RSIN, World


class Besluiten:
    """Besluiten about zaken."""

    def __init__(self, world: World, access: Access) -> None:
        self._world = world
        self._access = access

    def routes(self) -> Iterator[Route]:
        """Its calls."""
        yield route("/besluiten/api/v1/besluiten/{uuid}", self._one, "GET", self._access.check)

    async def _one(self, request: Request) -> Response:
        found = self._world.besluiten.get(request.path_params["uuid"])
        if found is None:
            raise Problem(404, "not_found", "Niet gevonden.")
        return JSONResponse(found)

    def add(self, zaak: str, besluittype: str, datum: str, **fields: str) -> Resource:
        """An employee decides in a zaak; `besluittype` is an omschrijving."""
        types = self._world.catalogus["besluittypen"].values()
        identity = str(uuid.uuid4())
        made = {
            "url": self._world.url("besluiten", "besluiten", identity),
            "verantwoordelijkeOrganisatie": RSIN,
            "besluittype": next(each["url"] for each in types if each["omschrijving"] == besluittype),
            "zaak": zaak,
            "datum": datum,
            "ingangsdatum": datum,
            "vervalredenWeergave": "",
            **fields,
        }
        self._world.besluiten[identity] = made
        return made
