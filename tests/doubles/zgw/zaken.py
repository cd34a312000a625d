"""The Zaken API: zaken and their numbers. What hangs on a zaak is in `zaakdelen`."""

import uuid
from collections.abc import Iterator
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from tests.doubles.answers import Problem, Resource, chosen, invalid, made, needed, page, route, tagged, values
from tests.doubles.zgw.access import Access
from tests.doubles.zgw.world import World, check_rsin

_CRS: Final = "EPSG:4326"
_FIXED: Final = ("identificatie", "zaaktype", "bronorganisatie")
"""Cannot be changed once the zaak exists."""
_UNSET: Final[Resource] = {
    "omschrijving": "",
    "toelichting": "",
    "einddatumGepland": None,
    "uiterlijkeEinddatumAfdoening": None,
    "publicatiedatum": None,
    "communicatiekanaal": "",
    "productenOfDiensten": [],
    "betalingsindicatie": "",
    "laatsteBetaaldatum": None,
    "zaakgeometrie": None,
    "verlenging": None,
    "opschorting": None,
    "selectielijstklasse": "",
    "hoofdzaak": None,
    "relevanteAndereZaken": [],
    "kenmerken": [],
    "archiefnominatie": None,
    "archiefstatus": "nog_te_archiveren",
    "archiefactiedatum": None,
    "processobjectaard": "",
    "startdatumBewaartermijn": None,
    "processobject": None,
}


class Zaken:
    """Zaken, by number and by URL."""

    def __init__(self, world: World, access: Access) -> None:
        self._world = world
        self._access = access

    def routes(self) -> Iterator[Route]:
        """Its calls."""
        one = "/zaken/api/v1/zaken/{uuid}"
        yield route("/zaken/api/v1/zaken", self._list, "GET", self._guard)
        yield route("/zaken/api/v1/zaken", self._create, "POST", self._guard)
        yield route(one, self._one, "GET", self._guard)
        yield route(one, self._one, "HEAD", self._guard)
        yield route(one, self._change, "PATCH", self._guard)
        yield route(one, self._change, "PUT", self._guard)
        yield route("/zaken/api/v1/zaaknummer_reserveren", self._reserve, "POST", self._access.check)

    def _guard(self, request: Request) -> None:
        """Coordinates need a system, and only one is spoken (zgw.md 1.2)."""
        self._access.check(request)
        names = ["Accept-Crs", "Content-Crs"] if request.method in {"POST", "PUT", "PATCH"} else ["Accept-Crs"]
        for name in names:
            said = request.headers.get(name)
            if said is None:
                raise Problem(412, "crs-missing", f"{name} header ontbreekt")
            if said != _CRS:
                raise Problem(406, "not_acceptable", f"CRS '{said}' is niet ondersteund")

    async def _list(self, request: Request) -> Response:
        names = ("identificatie", "bronorganisatie", "zaaktype", "startdatum")
        found = chosen(request, self._world.candidates("zaak", request.query_params), names)
        answer = page(request, [self._shown(each) for each in found], self._world.quirks.page_size)
        answer.headers["Content-Crs"] = _CRS
        return answer

    async def _one(self, request: Request) -> Response:
        answer = tagged(request, self._shown(self._found(request)))
        answer.headers["Content-Crs"] = _CRS
        return answer

    async def _create(self, request: Request) -> Response:
        given = await values(request)
        needed(given, "bronorganisatie", "startdatum", "verantwoordelijkeOrganisatie", "zaaktype")
        check_rsin(given, "bronorganisatie", "verantwoordelijkeOrganisatie")
        if given.get("zaakgeometrie") and self._world.quirks.refuse_geometry:
            raise invalid("zaakgeometrie", "invalid")
        zaaktype = self._world.typed("zaaktypen", given["zaaktype"], "zaaktype")
        if zaaktype["concept"]:
            raise invalid("zaaktype", "not-published", "The resource is not published.")
        identity = str(uuid.uuid4())
        identificatie = given.get("identificatie") or self._world.next_number()
        key = ("zaak", given["bronorganisatie"], identificatie)
        if key in self._world.by_key:
            raise invalid("identificatie", "identificatie-niet-uniek", "Deze identificatie bestaat al.")
        self._world.by_key[key] = identity
        zaak = _UNSET | {"registratiedatum": self._world.today(), "einddatum": None, "resultaat": None}
        zaak |= {
            "vertrouwelijkheidaanduiding": zaaktype["vertrouwelijkheidaanduiding"],
            "betalingsindicatieWeergave": "",
        }
        zaak |= given
        zaak |= {"url": self._world.url("zaken", "zaken", identity), "uuid": identity, "identificatie": identificatie}
        zaak["laatstGemuteerd"] = self._world.moment()
        self._world.zaken[identity] = zaak
        return made(self._shown(zaak), {"Content-Crs": _CRS})

    async def _change(self, request: Request) -> Response:
        zaak, given = self._found(request), await values(request)
        self._world.check_open(zaak)
        for name in _FIXED:
            if given.get(name, zaak[name]) != zaak[name]:
                raise invalid(name, "wijzigen-niet-toegelaten", "Dit veld mag niet gewijzigd worden.")
        zaak |= given
        zaak["laatstGemuteerd"] = self._world.moment()
        return JSONResponse(self._shown(zaak), headers={"Content-Crs": _CRS})

    async def _reserve(self, request: Request) -> Response:
        given = await values(request)
        needed(given, "bronorganisatie")
        check_rsin(given, "bronorganisatie")
        numbers = [{"zaaknummer": self._world.next_number()} for _ in range(given.get("aantal", 1))]
        one = self._world.version == "openzaak" and len(numbers) == 1  # the standard always says a list
        return JSONResponse(numbers[0] if one else numbers, 201)

    def _found(self, request: Request) -> Resource:
        zaak = self._world.zaken.get(request.path_params["uuid"])
        if zaak is None:
            raise Problem(404, "not_found", "Niet gevonden.")
        return zaak

    def _shown(self, zaak: Resource) -> Resource:
        url = zaak["url"]
        statussen = self._world.linked("statussen", url)
        lists = {"eigenschappen": "eigenschappen", "rollen": "rollen", "zaakobjecten": "zaakobjecten"}
        lists["zaakinformatieobjecten"] = "links"
        parts = {name: [each["url"] for each in self._world.linked(ours, url)] for name, ours in lists.items()}
        return zaak | parts | {"deelzaken": [], "status": statussen[-1]["url"] if statussen else None}
