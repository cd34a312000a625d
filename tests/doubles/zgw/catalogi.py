"""The Catalogi API, read only, with a catalogus that is ready for verzoeken."""

import uuid
from collections.abc import Iterator
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from tests.doubles.answers import Problem, Resource, chosen, page, route, tagged
from tests.doubles.zgw.access import Access
from tests.doubles.zgw.types import (
    BEGIN,
    BESLUITTYPE,
    DOCUMENTTYPEN,
    FOREIGN_DOCUMENTTYPE,
    SUCCEEDED,
    ZAAKTYPEN,
    besluittype,
    catalogus_resource,
    documenttype,
    parts_of,
    relation,
    zaaktype_resource,
)
from tests.doubles.zgw.world import World

_LISTS: Final = (
    *("catalogussen", "zaaktypen", "roltypen", "statustypen", "eigenschappen", "informatieobjecttypen"),
    *("zaaktype-informatieobjecttypen", "besluittypen"),
)
_FILTERS: Final = (
    *("catalogus", "identificatie", "zaaktypeIdentificatie", "omschrijving", "omschrijvingGeneriek"),
    *("informatieobjecttype", "richting", "domein", "rsin"),
)


class Catalogi:
    """The catalogus of the double. Call `fill` once its address is known."""

    def __init__(self, world: World, access: Access) -> None:
        self._world = world
        self._access = access

    def routes(self) -> Iterator[Route]:
        """Its calls."""
        for name in _LISTS:
            yield route(f"/catalogi/api/v1/{name}", self._list, "GET", self._access.check)
            for method in ("GET", "HEAD"):
                yield route(f"/catalogi/api/v1/{name}/{{uuid}}", self._one, method, self._access.check)

    async def _list(self, request: Request) -> Response:
        resources = list(self._world.catalogus[request.url.path.rsplit("/", 1)[1]].values())
        status = request.query_params.get("status") or "definitief"
        if status != "alles":
            resources = [each for each in resources if self._concept(each) == (status == "concept")]
        if moment := request.query_params.get("datumGeldigheid"):
            resources = [each for each in resources if _in_force(each, moment)]
        if zaaktype := request.query_params.get("zaaktype"):
            resources = [each for each in resources if zaaktype in (each.get("zaaktype"), *each.get("zaaktypen", ()))]
        found = chosen(request, resources, _FILTERS, done={"status", "datumGeldigheid", "zaaktype"})
        return page(request, found, self._world.quirks.page_size)

    def _concept(self, resource: Resource) -> bool:
        if "concept" in resource or "zaaktype" not in resource:
            return bool(resource.get("concept", False))
        return bool(self._world.catalogus["zaaktypen"][resource["zaaktype"].rsplit("/", 1)[1]]["concept"])

    async def _one(self, request: Request) -> Response:
        name, identity = request.url.path.rsplit("/", 2)[1:]
        resource = self._world.catalogus[name].get(identity)
        if resource is None:
            raise Problem(404, "not-found", "Niet gevonden.")
        return tagged(request, resource)

    def fill(self) -> None:
        """Make the catalogus: per zaaktype one version that is in force, one that was, and one that is a concept."""
        self._world.catalogus = {name: {} for name in _LISTS}
        catalogus = self._add("catalogussen", catalogus_resource())
        for name in (*DOCUMENTTYPEN, FOREIGN_DOCUMENTTYPE):
            self._add("informatieobjecttypen", documenttype(catalogus["url"], name))
        catalogus["informatieobjecttypen"] = [each["url"] for each in self._documenttypes()]
        self._add("besluittypen", besluittype(catalogus["url"], BESLUITTYPE))
        for identity in ZAAKTYPEN:
            self._add_zaaktype(BEGIN, SUCCEEDED, identity)
            self._add_zaaktype(SUCCEEDED, None, identity)
            self._add_zaaktype(SUCCEEDED, None, identity, concept=True)

    def add_version(self, identity: str) -> Resource:
        """A new version of a zaaktype is in force from today on: what a client kept of the old one is of no use."""
        self.current(identity)["eindeGeldigheid"] = self._world.today()
        return self._add_zaaktype(self._world.today(), None, identity)

    def current(self, identity: str) -> Resource:
        """The version of a zaaktype that is in force."""
        return next(
            each
            for each in self._world.catalogus["zaaktypen"].values()
            if each["identificatie"] == identity and each["eindeGeldigheid"] is None and not each["concept"]
        )

    def _add(self, name: str, resource: Resource) -> Resource:
        identity = str(uuid.uuid4())
        resource["url"] = self._world.url("catalogi", name, identity)
        self._world.catalogus[name][identity] = resource
        return resource

    def _add_zaaktype(self, begin: str, end: str | None, identity: str, *, concept: bool = False) -> Resource:
        catalogus = next(iter(self._world.catalogus["catalogussen"].values()))
        zaaktype = self._add("zaaktypen", zaaktype_resource(catalogus["url"], identity, begin, end, concept=concept))
        for name, parts in parts_of(zaaktype).items():
            zaaktype[name] = [self._add(name, each)["url"] for each in parts]
        types = [each for each in self._documenttypes() if each["omschrijving"] in DOCUMENTTYPEN]
        for number, each in enumerate(types, 1):
            self._add("zaaktype-informatieobjecttypen", relation(zaaktype, each, number))
            each["zaaktypen"].append(zaaktype["url"])
        zaaktype["informatieobjecttypen"] = [each["url"] for each in types]
        zaaktype["informatieobjecttypeOmschrijving"] = [each["omschrijving"] for each in types]
        catalogus["zaaktypen"].append(zaaktype["url"])
        return zaaktype

    def _documenttypes(self) -> list[Resource]:
        return list(self._world.catalogus["informatieobjecttypen"].values())


def _in_force(resource: Resource, moment: str) -> bool:
    begin, end = resource.get("beginGeldigheid"), resource.get("eindeGeldigheid")
    return (begin is None or begin <= moment) and (end is None or moment < end)
