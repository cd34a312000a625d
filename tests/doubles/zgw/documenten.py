"""The Documenten API: documents with their content in the request or in bestandsdelen (zgw.md 1.2 and 1.3)."""

import base64
import binascii
import uuid
from collections.abc import Iterator
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from tests.doubles.answers import Problem, Resource, chosen, invalid, made, needed, page, route, tagged, values
from tests.doubles.zgw.access import Access
from tests.doubles.zgw.world import File, Part, World, check_rsin

_UNSET: Final[Resource] = {
    "vertrouwelijkheidaanduiding": "zaakvertrouwelijk",
    "status": "",
    "formaat": "",
    "bestandsnaam": "",
    "bestandsomvang": None,
    "link": "",
    "beschrijving": "",
    "ontvangstdatum": None,
    "verzenddatum": None,
    "indicatieGebruiksrecht": None,
    "verschijningsvorm": "",
    "ondertekening": None,
    "integriteit": None,
    "trefwoorden": [],
}
_NOT_OF_RECEIVED: Final = frozenset({"in_bewerking", "ter_vaststelling"})


class Documenten:
    """Documents, their contents and the lists of what they belong to."""

    def __init__(self, world: World, access: Access) -> None:
        self._world = world
        self._access = access
        self._parts: dict[str, tuple[File, Part]] = {}
        """Of documents that are being uploaded, by UUID."""

    def routes(self) -> Iterator[Route]:
        """Its calls."""
        guard = self._access.check
        all_of_them = "/documenten/api/v1/enkelvoudiginformatieobjecten"
        one = f"{all_of_them}/{{uuid}}"
        yield route(all_of_them, self._list, "GET", guard)
        yield route(all_of_them, self._create, "POST", guard)
        yield route(one, self._one, "GET", guard)
        yield route(one, self._one, "HEAD", guard)
        yield route(one, self._change, "PATCH", guard)
        yield route(one, self._change, "PUT", guard)
        yield route(f"{one}/download", self._download, "GET", guard)
        yield route(f"{one}/lock", self._lock, "POST", guard)
        yield route(f"{one}/unlock", self._unlock, "POST", guard)
        yield route("/documenten/api/v1/bestandsdelen/{uuid}", self._part, "PUT", guard)
        yield route("/documenten/api/v1/objectinformatieobjecten", self._relations, "GET", guard)

    async def _list(self, request: Request) -> Response:
        names = ("identificatie", "bronorganisatie", "titel", "auteur", "informatieobjecttype")
        found = chosen(request, self._world.candidates("document", request.query_params), names)
        return page(request, [self._shown(each) for each in found], self._world.quirks.page_size)

    async def _one(self, request: Request) -> Response:
        return tagged(request, self._shown(self._found(request)))

    async def _create(self, request: Request) -> Response:
        given = await values(request)
        needed(given, "bronorganisatie", "creatiedatum", "titel", "auteur", "taal", "informatieobjecttype")
        check_rsin(given, "bronorganisatie")
        self._world.typed("informatieobjecttypen", given["informatieobjecttype"], "informatieobjecttype")
        if given.get("ontvangstdatum") and given.get("status") in _NOT_OF_RECEIVED:
            raise invalid("status", "invalid_for_received")
        identity = str(uuid.uuid4())
        content = _content(given)
        identificatie = given.get("identificatie") or f"DOCUMENT-{identity[:8]}"
        key = ("document", given["bronorganisatie"], identificatie)
        if key in self._world.by_key:
            raise invalid("identificatie", "identificatie-niet-uniek", "Deze identificatie bestaat al.")
        self._world.by_key[key] = identity
        file = File(self._world.folder / identity, given.get("bestandsomvang") or 0)
        if content is not None:
            file.fill(content)
        elif file.size:
            file.parts, file.lock = _parts(file.size, self._world.quirks.part_size), uuid.uuid4().hex
            self._parts |= {part.identity: (file, part) for part in file.parts}
        self._world.files[identity] = file
        document = _UNSET | {name: value for name, value in given.items() if name != "inhoud"}
        document |= {"url": self._world.url("documenten", "enkelvoudiginformatieobjecten", identity)}
        document |= {"identificatie": identificatie, "versie": 1, "beginRegistratie": self._world.moment()}
        self._world.documenten[identity] = document
        return made(self._shown(document) | {"lock": file.lock})

    async def _change(self, request: Request) -> Response:
        document, given = self._found(request), await values(request)
        file = self._file(document)
        if document["status"] == "definitief" and not self._world.quirks.all_rights:
            raise Problem(403, "permission_denied", "Modifying a document with status definitief is forbidden")
        if not file.lock:
            raise invalid("nonFieldErrors", "unlocked", "Niet gelockte objecten mogen niet bewerkt worden.")
        if not given.get("lock"):
            raise invalid("lock", "missing-lock-id")
        _check_lock(file, given["lock"])
        content = _content(document | given) if "inhoud" in given else None
        if content is not None:
            file.fill(content)
            file.size = len(content)
        document |= {name: value for name, value in given.items() if name not in {"inhoud", "lock"}}
        document["versie"] += 1
        return JSONResponse(self._shown(document))

    async def _download(self, request: Request) -> Response:
        file = self._file(self._found(request))
        if not file.complete:
            raise Problem(404, "not_found", "Niet gevonden.")
        return Response(file.path.read_bytes(), media_type="application/octet-stream")

    async def _lock(self, request: Request) -> Response:
        file = self._file(self._found(request))
        if file.lock:
            raise invalid("nonFieldErrors", "existing-lock", "The document was already locked")
        file.lock = uuid.uuid4().hex
        return JSONResponse({"lock": file.lock})

    async def _unlock(self, request: Request) -> Response:
        document = self._found(request)
        file = self._file(document)
        lock = (await values(request)).get("lock", "") if await request.body() else ""
        if lock or not self._world.quirks.all_rights:
            _check_lock(file, lock)
        if not all(each.complete for each in file.parts):
            if not self._world.quirks.all_rights:
                raise invalid("nonFieldErrors", "incomplete-upload", "Upload of part files is not complete")
            document["bestandsomvang"] = None
        for part in file.parts:
            del self._parts[part.identity]
        file.lock, file.parts = "", []
        return Response(status_code=204)

    async def _part(self, request: Request) -> Response:
        identity = request.path_params["uuid"]
        file, part = self._kept_part(identity)
        async with request.form(max_part_size=part.size + 1024) as form:
            lock, upload = form.get("lock"), form.get("inhoud")
            if upload is None or isinstance(upload, str):
                raise invalid("inhoud", "required")
            if lock != file.lock:
                raise invalid("nonFieldErrors", "incorrect-lock-id", "Lock id is not correct")
            content = await upload.read()
        if len(content) != part.size:
            raise invalid("inhoud", "file-size", "Het aangeleverde bestand heeft een afwijkende bestandsgrootte.")
        file.put(part, content)
        return JSONResponse(self._shown_part(file, part))

    async def _relations(self, request: Request) -> Response:
        found = [
            {
                "url": self._world.url("documenten", "objectinformatieobjecten", each["uuid"]),
                "informatieobject": each["informatieobject"],
                "object": each["zaak"],
                "objectType": "zaak",
            }
            for each in self._world.links.values()
        ]
        return JSONResponse(chosen(request, found, ("object", "informatieobject")))

    def _found(self, request: Request) -> Resource:
        document = self._world.documenten.get(request.path_params["uuid"])
        if document is None:
            raise Problem(404, "not_found", "Niet gevonden.")
        return document

    def _file(self, document: Resource) -> File:
        return self._world.files[document["url"].rsplit("/", 1)[1]]

    def _kept_part(self, identity: str) -> tuple[File, Part]:
        if identity not in self._parts:
            raise Problem(404, "not_found", "Niet gevonden.")
        return self._parts[identity]

    def _shown(self, document: Resource) -> Resource:
        file = self._file(document)
        return document | {
            "locked": bool(file.lock),
            "inhoud": f"{document['url']}/download" if file.complete else None,
            "bestandsdelen": [] if file.complete else [self._shown_part(file, part) for part in file.parts],
        }

    def _shown_part(self, file: File, part: Part) -> dict[str, Any]:
        return {
            "url": self._world.url("documenten", "bestandsdelen", part.identity),
            "volgnummer": part.number,
            "omvang": part.size,
            "voltooid": part.complete,
            "lock": file.lock,
        }


def _content(given: Resource) -> bytes | None:
    """The content that came with the document; a wrong hash in `integriteit` is not noticed (zgw.md 1.2)."""
    if given.get("inhoud") is None:
        return b"" if given.get("bestandsomvang") == 0 else None
    try:
        content = base64.b64decode(given["inhoud"], validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid("inhoud", "invalid", "No base64") from error
    if len(content) != given.get("bestandsomvang"):
        raise invalid("nonFieldErrors", "file-size", "The size of upload file should match bestandsomvang field")
    return content


def _parts(size: int, part_size: int) -> list[Part]:
    offsets = range(0, size, part_size)
    return [
        Part(str(uuid.uuid4()), number, offset, min(part_size, size - offset))
        for number, offset in enumerate(offsets, 1)
    ]


def _check_lock(file: File, lock: str) -> None:
    if lock != file.lock:
        raise invalid("nonFieldErrors", "incorrect-lock-id", "Lock id is not correct")
