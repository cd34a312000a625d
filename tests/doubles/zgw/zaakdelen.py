"""The Zaken API: eigenschappen, rollen, zaakobjecten, statussen and links to documents, each refused as servers do."""

import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from tests.doubles.answers import Problem, Resource, chosen, invalid, made, needed, page, route, values
from tests.doubles.zgw.access import Access
from tests.doubles.zgw.world import World, eleven_test

_NO_BSN: Final = "0" * 9
_LEEWAY: Final = timedelta(minutes=2)


class Zaakdelen:
    """What hangs on a zaak."""

    def __init__(self, world: World, access: Access) -> None:
        self._world = world
        self._access = access

    def routes(self) -> Iterator[Route]:
        """Its calls."""
        yield from self._of(
            "rollen", "rollen", self._rol, ("zaak", "roltype", "omschrijvingGeneriek", "betrokkeneType")
        )
        yield from self._of("statussen", "statussen", self._status, ("zaak", "statustype"))
        yield from self._of("zaakobjecten", "zaakobjecten", self._zaakobject, ("zaak", "objectType"))
        yield from self._of("zaakinformatieobjecten", "links", self._link, ("zaak", "informatieobject"), paged=False)
        yield from self._of("zaken/{zaak_uuid}/zaakeigenschappen", "eigenschappen", self._eigenschap, (), paged=False)

    def _of(
        self,
        path: str,
        name: str,
        make: Callable[[Resource], Resource],
        filters: tuple[str, ...],
        *,
        paged: bool = True,
    ) -> Iterator[Route]:
        world, guard, address = self._world, self._access.check, f"/zaken/api/v1/{path}"

        def kept(request: Request) -> Resource:
            found = getattr(world, name).get(request.path_params["uuid"])
            if found is None:
                raise Problem(404, "not_found", "Niet gevonden.")
            return dict(found)

        async def listed(request: Request) -> Response:
            zaak = _zaak_of_path(world, request)
            pool = world.linked(name, zaak) if zaak else list(getattr(world, name).values())
            found = chosen(request, pool, filters)
            return page(request, found, world.quirks.page_size) if paged else JSONResponse(found)

        async def create(request: Request) -> Response:
            given = await values(request)
            identity = str(uuid.uuid4())
            needed(given, "zaak")
            if _zaak_of_path(world, request) not in (None, given["zaak"]):
                raise invalid("zaak", "invalid")
            world.open_zaak_at(given["zaak"])
            where = path.replace("{zaak_uuid}", given["zaak"].rsplit("/", 1)[1])
            own = {"url": world.url("zaken", where, identity), "uuid": identity}
            resource = make(given) | own
            world.add_linked(name, identity, resource)
            return made(resource, self._warning(name, resource))

        async def one(request: Request) -> Response:
            return JSONResponse(kept(request))

        async def change(request: Request) -> Response:
            resource, given = kept(request), await values(request)
            world.open_zaak_at(resource["zaak"])
            if given.get("zaak", resource["zaak"]) != resource["zaak"]:
                raise invalid("zaak", "wijzigen-niet-toegelaten")
            getattr(world, name)[resource["uuid"]].update(given)
            return JSONResponse(kept(request))

        async def drop(request: Request) -> Response:
            resource = kept(request)
            world.open_zaak_at(resource["zaak"])
            world.drop_linked(name, resource["uuid"])
            return Response(status_code=204)

        yield route(address, listed, "GET", guard)
        yield route(address, create, "POST", guard)
        yield route(f"{address}/{{uuid}}", one, "GET", guard)
        if name != "statussen":
            yield route(f"{address}/{{uuid}}", change, "PATCH", guard)
            yield route(f"{address}/{{uuid}}", change, "PUT", guard)
            yield route(f"{address}/{{uuid}}", drop, "DELETE", guard)

    def _eigenschap(self, given: Resource) -> Resource:
        needed(given, "eigenschap", "waarde")
        eigenschap = self._typed("eigenschappen", given, "eigenschap")
        others = self._world.linked("eigenschappen", given["zaak"])
        if self._world.quirks.unique_eigenschap and any(each["eigenschap"] == eigenschap["url"] for each in others):
            raise invalid("nonFieldErrors", "unique")
        return given | {"naam": eigenschap["naam"]}

    def _warning(self, name: str, resource: Resource) -> dict[str, str]:
        if name != "eigenschappen" or not self._world.quirks.warn_eigenschap:
            return {}
        said = self._world.typed("eigenschappen", resource["eigenschap"], "eigenschap")["specificatie"]
        if len(resource["waarde"]) <= int(said["lengte"]):
            return {}
        return {"X-Warning": "De waarde van de eigenschap voldoet niet aan de specificatie."}

    def _rol(self, given: Resource) -> Resource:
        needed(given, "betrokkeneType", "roltype")
        roltype = self._typed("roltypen", given, "roltype")
        generic = roltype["omschrijvingGeneriek"]
        others = self._world.linked("rollen", given["zaak"])
        if generic == "initiator" and any(each["omschrijvingGeneriek"] == generic for each in others):
            raise invalid("nonFieldErrors", "max-occurences", "There can be only one initiator.")
        if not given.get("betrokkene") and not given.get("betrokkeneIdentificatie"):
            raise invalid("nonFieldErrors", "invalid-betrokkene", "betrokkene or betrokkeneIdentificatie must be given")
        bsn = (given.get("betrokkeneIdentificatie") or {}).get("inpBsn") or _NO_BSN
        if bsn != _NO_BSN and not eleven_test(bsn):  # nine zeros is taken for a BSN (zgw.md 1.4)
            raise invalid("betrokkeneIdentificatie.inpBsn", "invalid", "Onjuist BSN nummer.")
        unset = {"betrokkene": "", "afwijkendeNaamBetrokkene": "", "roltoelichting": "", "indicatieMachtiging": ""}
        own = {"omschrijving": roltype["omschrijving"], "omschrijvingGeneriek": generic, "statussen": []}
        return unset | {"contactpersoonRol": None} | given | own | {"registratiedatum": self._world.moment()}

    def _zaakobject(self, given: Resource) -> Resource:
        needed(given, "objectType")
        other = given.get("objectTypeOverige")
        if given["objectType"] == "overige" and not (other or given.get("objectTypeOverigeDefinitie")):
            raise invalid("nonFieldErrors", "missing-object-type-overige")
        if given["objectType"] != "overige" and other:
            raise invalid("nonFieldErrors", "invalid-object-type-overige-usage")
        if not given.get("object") and not given.get("objectIdentificatie"):
            raise invalid("nonFieldErrors", "invalid-zaakobject", "object or objectIdentificatie must be given")
        # Without an empty objectTypeOverige: the OpenAPI files forbid one, though servers answer it.
        unset = {"object": "", "objectTypeOverigeDefinitie": None, "relatieomschrijving": ""}
        return unset | given

    def _status(self, given: Resource) -> Resource:
        needed(given, "statustype", "datumStatusGezet")
        statustype = self._typed("statustypen", given, "statustype")
        moment = datetime.fromisoformat(given["datumStatusGezet"])
        if moment > self._world.now() + _LEEWAY:
            raise invalid("datumStatusGezet", "date-in-future")
        others = self._world.linked("statussen", given["zaak"])
        if self._world.quirks.unique_status_moment and any(
            each["datumStatusGezet"] == given["datumStatusGezet"] for each in others
        ):
            raise invalid("nonFieldErrors", "unique")
        for each in others:
            each["indicatieLaatstGezetteStatus"] = False
        if statustype["isEindstatus"]:
            self._world.zaak_at(given["zaak"])["einddatum"] = moment.date().isoformat()
        return {"statustoelichting": ""} | given | {"indicatieLaatstGezetteStatus": True, "zaakinformatieobjecten": []}

    def _link(self, given: Resource) -> Resource:
        needed(given, "informatieobject")
        document = self._world.documenten.get(given["informatieobject"].rsplit("/", 1)[-1])
        if document is None or document["url"] != given["informatieobject"]:
            raise invalid("informatieobject", "bad-url")
        if any(each["informatieobject"] == document["url"] for each in self._world.linked("links", given["zaak"])):
            raise invalid("nonFieldErrors", "unique", "The fields zaak, informatieobject must make a unique set.")
        zaaktype = self._world.typed("zaaktypen", self._world.zaak_at(given["zaak"])["zaaktype"], "zaak")
        if document["informatieobjecttype"] not in zaaktype["informatieobjecttypen"]:
            raise invalid("nonFieldErrors", "missing-zaaktype-informatieobjecttype-relation")
        unset = {"titel": "", "beschrijving": "", "vernietigingsdatum": None, "status": None}
        own = {"aardRelatieWeergave": "Hoort bij, omgekeerd: kent", "registratiedatum": self._world.moment()}
        return unset | given | own

    def _typed(self, name: str, given: Resource, field: str) -> Resource:
        found = self._world.typed(name, given[field], field)
        if found["zaaktype"] != self._world.zaak_at(given["zaak"])["zaaktype"]:
            raise invalid("nonFieldErrors", "zaaktype-mismatch", "The referred type does not belong to the zaaktype")
        return found


def _zaak_of_path(world: World, request: Request) -> str | None:
    identity = request.path_params.get("zaak_uuid")
    if identity is None:
        return None
    if identity not in world.zaken:
        raise Problem(404, "not_found", "Niet gevonden.")
    return str(world.zaken[identity]["url"])
