"""An Objecten API with its own objecttypes, and a Notificaties API, on a real socket: `ObjectenDouble().running()`.

Open Object 4.0 (Objects API 2.7.0) behaves so, as far as its file and its public code say. Documents go into the
Documenten API of a ZGW double beside it.
"""

import base64
import hashlib
import hmac
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

import jsonschema_rs
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from tests.doubles.answers import Problem, Resource, invalid, needed, page, route, values
from tests.doubles.double import Double, contracts_of
from tests.doubles.objecten.filters import fits
from tests.doubles.traffic import Pace, Traffic

TOKEN: Final = "a-token-of-the-tests"
CLIENT_ID: Final = "digikoppelaar-test"
SECRET: Final = "a secret of the tests, long enough for HS256"
_CRS: Final = "EPSG:4326"
_OBJECTS: Final = "/objecten/api/v2/objects"
_TYPES: Final = "/objecten/api/v2/objecttypes"
_NOTIFICATIES: Final = "/notificaties/api/v1/notificaties"
_NOTIFICATIE: Final = {
    "type": "object",
    "required": ["kanaal", "hoofdObject", "resource", "resourceUrl", "actie", "aanmaakdatum"],
    "additionalProperties": False,
    "properties": {
        "kanaal": {"type": "string", "maxLength": 50},
        "hoofdObject": {"type": "string", "format": "uri"},
        "resource": {"type": "string", "maxLength": 100},
        "resourceUrl": {"type": "string", "format": "uri"},
        "actie": {"type": "string", "maxLength": 100},
        "aanmaakdatum": {"type": "string", "format": "date-time"},
        "kenmerken": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}
"""Of the Notificaties API 1.0, which has no file here (source: its documentation)."""


@dataclass(frozen=True, slots=True)
class Quirks:
    """How servers differ."""

    publishes: bool = True
    """It notifies by itself when an object is made, changed or deleted, in the kanaal `objecten`."""
    existing_uuid: int = 500
    """The status when an object is made with a UUID that exists: its code has no check before the database."""
    page_size: int = 100
    allow_geometry: bool = True


class ObjectenDouble(Double):
    """One objecttype, `verzoek`, with versions 1 and 2; `schema` is what the data of version 1 must be."""

    def __init__(
        self,
        quirks: Quirks | None = None,
        pace: Pace | None = None,
        *,
        schema: Mapping[str, Any] | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),  # noqa: TID251
        checked: bool = True,
    ) -> None:
        self.quirks = quirks or Quirks()
        self.token, self.client_id, self.secret = TOKEN, CLIENT_ID, SECRET
        self._now = now
        self._schemas: dict[int, Mapping[str, Any]] = {1: schema or {"type": "object"}, 2: {"type": "object"}}
        self._type_uuid = str(uuid.uuid4())
        self._base = ""
        self.records: dict[str, list[Resource]] = {}
        """Per UUID of an object every record, first to last."""
        self.notificaties: list[Resource] = []
        """What clients posted to the Notificaties API."""
        self.published: list[Resource] = []
        """What the Objecten API notified by itself."""
        contracts = contracts_of({"/objecten/api/v2": "objects-api/objects-v2.yaml"}) if checked else {}
        super().__init__(Traffic(Starlette(routes=list(self._routes())), contracts, pace or Pace()))

    def listens_at(self, base: str) -> None:
        """The address is known."""
        self._base = base

    @property
    def addresses(self) -> dict[str, str]:
        """The roots of `objecten` and `notificaties`, with a slash at the end."""
        return {"objecten": f"{self._base}/objecten/api/v2/", "notificaties": f"{self._base}/notificaties/api/v1/"}

    @property
    def type_url(self) -> str:
        """Of the objecttype `verzoek`."""
        return f"{self._base}{_TYPES}/{self._type_uuid}"

    @property
    def objects(self) -> list[Resource]:
        """Every object with its last record."""
        return [self._shown(identity, records[-1]) for identity, records in self.records.items()]

    def delete(self, identity: str) -> None:
        """The consumer took the object and removed it (zgw.md 1.6)."""
        del self.records[identity]

    def _routes(self) -> Iterator[Route]:
        one, guard = f"{_OBJECTS}/{{uuid}}", self._guard
        yield route(_OBJECTS, self._list, "GET", guard)
        yield route(_OBJECTS, self._create, "POST", guard)
        yield route(f"{_OBJECTS}/search", self._search, "POST", guard)
        yield route(one, self._one, "GET", guard)
        yield route(one, self._change, "PUT", guard)
        yield route(one, self._change, "PATCH", guard)
        yield route(one, self._delete, "DELETE", guard)
        yield route(f"{one}/history", self._history, "GET", guard)
        yield route(_TYPES, self._types, "GET", self._check_token)
        yield route(f"{_TYPES}/{{uuid}}", self._type, "GET", self._check_token)
        yield route(f"{_TYPES}/{{uuid}}/versions/{{version}}", self._version, "GET", self._check_token)
        yield route(_NOTIFICATIES, self._notify, "POST", self._check_jwt)

    def _check_token(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if (scheme, token) != ("Token", self.token):
            raise Problem(401, "authentication_failed", "Invalid token.")

    def _guard(self, request: Request) -> None:
        self._check_token(request)
        if request.method in {"POST", "PUT", "PATCH"} and "content-crs" not in request.headers:
            raise Problem(412, "precondition_failed", "'Content-Crs' header ontbreekt")
        for name in ("Accept-Crs", "Content-Crs"):
            if request.headers.get(name, _CRS) != _CRS:
                raise Problem(406, "not_acceptable", f"CRS '{request.headers[name]}' is niet ondersteund")

    def _check_jwt(self, request: Request) -> None:
        """The Notificaties API knows its clients as the ZGW APIs do."""
        signed, _, signature = request.headers.get("authorization", "").removeprefix("Bearer ").rpartition(".")
        ours = base64.urlsafe_b64encode(hmac.digest(self.secret.encode(), signed.encode(), hashlib.sha256))
        if not hmac.compare_digest(ours.decode().rstrip("="), signature):
            raise Problem(403, "invalid-jwt-signature", "Client credentials zijn niet geldig")

    async def _list(self, request: Request) -> Response:
        query = request.query_params
        return self._page(request, [*query.getlist("data_attr"), *_split(query.get("data_attrs"))], dict(query))

    async def _search(self, request: Request) -> Response:
        given = await values(request)
        return self._page(request, [*_split(given.get("data_attrs")), *_split(given.get("data_attr"))], given)

    def _page(self, request: Request, filters: list[str], wanted: Mapping[str, Any]) -> Response:
        known = {"data_attr", "data_attrs", "type", "typeVersion", "page", "pageSize", "ordering", "date"}
        if unknown := wanted.keys() - known:
            raise Problem(400, "unknown-parameters", f"the double does not know {sorted(unknown)}")
        found = [
            each
            for each in reversed(self.objects)
            if wanted.get("type", each["type"]) == each["type"]
            and str(wanted.get("typeVersion", each["record"]["typeVersion"])) == str(each["record"]["typeVersion"])
            and all(fits(each["record"]["data"], text) for text in filters)
        ]
        return _with_crs(page(request, found, self.quirks.page_size))

    async def _create(self, request: Request) -> Response:
        given = await values(request)
        needed(given, "type", "record")
        needed(given["record"], "typeVersion", "startAt")
        if given["type"] != self.type_url:
            raise invalid("type", "invalid", "The object type is unknown.")
        identity = given.get("uuid") or str(uuid.uuid4())
        if identity in self.records:
            raise Problem(self.quirks.existing_uuid, "error", "duplicate key value violates unique constraint")
        self._check(given["record"])
        self.records[identity] = [self._record(given["record"], 1)]
        return self._changed(identity, "create", 201)

    async def _one(self, request: Request) -> Response:
        identity = self._found(request)
        return _with_crs(JSONResponse(self._shown(identity, self.records[identity][-1])))

    async def _change(self, request: Request) -> Response:
        identity, given = self._found(request), await values(request)
        records = self.records[identity]
        for name, value in (("uuid", identity), ("type", self.type_url)):
            if given.get(name, value) != value:
                raise invalid(name, "immutable-field", "This field can't be changed")
        record, before = dict(given.get("record", {})), records[-1]
        if request.method == "PATCH":
            record = {"typeVersion": before["typeVersion"], "startAt": before["startAt"], **record}
            record["data"] = _merged(before["data"], record.get("data", {}))
        self._check(record)
        before["endAt"] = record["startAt"]
        records.append(self._record(record, len(records) + 1))
        return self._changed(identity, "update" if request.method == "PUT" else "partial_update", 200)

    async def _delete(self, request: Request) -> Response:
        identity = self._found(request)
        self._publish(identity, "destroy")
        del self.records[identity]
        return Response(status_code=204)

    async def _history(self, request: Request) -> Response:
        records = self.records[self._found(request)]
        shown = [{name: value for name, value in each.items() if value is not None} for each in records]
        return _with_crs(page(request, shown, self.quirks.page_size))

    async def _types(self, request: Request) -> Response:
        return page(request, [self._type_resource()], self.quirks.page_size)

    async def _type(self, request: Request) -> Response:
        self._check_type(request)
        return JSONResponse(self._type_resource())

    async def _version(self, request: Request) -> Response:
        self._check_type(request)
        number = int(request.path_params["version"])
        if number not in self._schemas:
            raise Problem(404, "not_found", "Niet gevonden.")
        url = f"{self.type_url}/versions/{number}"
        said = {"url": url, "version": number, "objectType": self.type_url, "status": "published"}
        return JSONResponse(said | {"jsonSchema": self._schemas[number]})

    async def _notify(self, request: Request) -> Response:
        given = await values(request)
        errors = list(jsonschema_rs.Draft202012Validator(_NOTIFICATIE, validate_formats=True).iter_errors(given))
        if errors:
            self.violations.extend(f"POST notificaties/notificaties: request: {_fault(each)}" for each in errors)
            raise invalid("nonFieldErrors", "invalid", _fault(errors[0]))
        self.notificaties.append(given)
        return JSONResponse(given, 201)

    def _found(self, request: Request) -> str:
        identity = str(request.path_params["uuid"])
        if identity not in self.records:
            raise Problem(404, "not_found", "Niet gevonden.")
        return identity

    def _check_type(self, request: Request) -> None:
        if request.path_params["uuid"] != self._type_uuid:
            raise Problem(404, "not_found", "Niet gevonden.")

    def _check(self, record: Resource) -> None:
        """The data must be what the version of the objecttype says."""
        schema = self._schemas.get(record["typeVersion"])
        if schema is None:
            raise invalid("nonFieldErrors", "invalid-json-schema", "The version of the object type is unknown.")
        errors = list(jsonschema_rs.Draft202012Validator(dict(schema)).iter_errors(record.get("data", {})))
        if errors:
            raise invalid("nonFieldErrors", "invalid-json-schema", errors[0].message)
        if record.get("geometry") and not self.quirks.allow_geometry:
            raise invalid("nonFieldErrors", "geometry-not-allowed", "This object type doesn't support geometry")

    def _record(self, given: Resource, index: int) -> Resource:
        date.fromisoformat(given["startAt"])
        unset: Resource = {"data": {}, "geometry": None, "references": [], "correctionFor": None}
        return unset | given | {"index": index, "endAt": None, "registrationAt": self._now().date().isoformat()}

    def _changed(self, identity: str, action: str, status: int) -> Response:
        self._publish(identity, action)
        shown = self._shown(identity, self.records[identity][-1])
        return _with_crs(JSONResponse(shown, status, headers={"Location": shown["url"]}))

    def _publish(self, identity: str, action: str) -> None:
        if not self.quirks.publishes:
            return
        url = f"{self._base}{_OBJECTS}/{identity}"
        said = {"kanaal": "objecten", "hoofdObject": url, "resource": "object", "resourceUrl": url, "actie": action}
        moment = {"aanmaakdatum": self._now().isoformat(), "kenmerken": {"objectType": self.type_url}}
        self.published.append(said | moment)

    def _shown(self, identity: str, record: Resource) -> Resource:
        return {
            "url": f"{self._base}{_OBJECTS}/{identity}",
            "uuid": identity,
            "type": self.type_url,
            "record": {name: value for name, value in record.items() if name != "correctedBy"},
        }

    def _type_resource(self) -> Resource:
        said = {"url": self.type_url, "uuid": self._type_uuid, "name": "verzoek", "namePlural": "verzoeken"}
        versions = [f"{self.type_url}/versions/{number}" for number in self._schemas]
        return said | {"versions": versions, "allowGeometry": self.quirks.allow_geometry}


def _fault(error: Any) -> str:
    return f"{'/'.join(str(step) for step in error.instance_path) or 'body'}: {error.message}"


def _split(text: object) -> list[str]:
    return [each for each in str(text or "").split(",") if each]


def _merged(old: Any, new: Any) -> Any:
    """JSON Merge Patch (RFC 7396)."""
    if not isinstance(new, dict):
        return new
    result = dict(old) if isinstance(old, dict) else {}
    for name, value in new.items():
        result[name] = _merged(result.get(name), value)
    return {name: value for name, value in result.items() if value is not None or name not in new}


def _with_crs(answer: JSONResponse) -> JSONResponse:
    answer.headers["Content-Crs"] = _CRS
    return answer
