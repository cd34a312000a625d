"""The Objecten double against the OpenAPI file."""

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp
import pytest
from tests.doubles.double import Violation
from tests.doubles.objecten.double import ObjectenDouble, Quirks
from tests.shared import shared_data

CRS: Final = {"Content-Crs": "EPSG:4326", "Accept-Crs": "EPSG:4326"}
NOTIFICATIE: Final = {
    "kanaal": "objecten",
    "hoofdObject": "http://localhost/objecten/1",
    "resource": "object",
    "resourceUrl": "http://localhost/objecten/1",
    "actie": "create",
    "aanmaakdatum": "2026-06-01T10:00:00Z",
    "kenmerken": {"objectType": "http://localhost/objecttypes/1"},
}


class Client:
    """Calls one double."""

    def __init__(self, double: ObjectenDouble, session: aiohttp.ClientSession) -> None:
        self.double, self.session = double, session
        self.headers = {"Authorization": f"Token {double.token}", **CRS}

    async def call(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        api, _, rest = path.partition("/")
        url = f"{self.double.addresses[api]}{rest}"
        headers = self.headers | options.pop("headers", {})
        async with self.session.request(method, url, headers=headers, **options) as answer:
            octets = await answer.read()
            return answer.status, json.loads(octets) if octets else None

    def an_object(self, number: str, **more: Any) -> dict[str, Any]:
        data = {"verzoek": {"nummer": number, "bijlagen": 2}}
        return {
            "type": self.double.type_url,
            "record": {"typeVersion": 1, "startAt": "2026-06-01", "data": data},
        } | more


@asynccontextmanager
async def running(quirks: Quirks | None = None, schema: Mapping[str, Any] | None = None) -> AsyncIterator[Client]:
    shared_data("zgw", "objects-api")
    double = ObjectenDouble(quirks, schema=schema)
    async with double.running(), aiohttp.ClientSession() as session:
        yield Client(double, session)


async def test_an_object_is_made_found_by_its_data_changed_and_deleted_as_the_file_says() -> None:
    identity = str(uuid.uuid4())
    async with running() as client:
        status, made = await client.call("POST", "objecten/objects", json=client.an_object("V-1", uuid=identity))
        assert (status, made["uuid"], made["record"]["index"]) == (201, identity, 1)
        await client.call("POST", "objecten/objects", json=client.an_object("V-2"))
        for params in (
            {"data_attr": "verzoek__nummer__exact__V-1", "type": client.double.type_url},
            {"data_attrs": "verzoek__nummer__exact__V-1,verzoek__bijlagen__gte__2"},
        ):
            _, page = await client.call("GET", "objecten/objects", params=params)
            assert [each["uuid"] for each in page["results"]] == [identity]
        search = {"data_attrs": "verzoek__nummer__icontains__v-"}
        assert (await client.call("POST", "objecten/objects/search", json=search))[1]["count"] == 2
        record = {"typeVersion": 1, "startAt": "2026-06-02"}  # the file wants both, also of a change
        change = {"record": record | {"data": {"verzoek": {"versie": 2, "bijlagen": None}}}}
        status, changed = await client.call("PATCH", f"objecten/objects/{identity}", json=change)
        assert (status, changed["record"]["data"]) == (200, {"verzoek": {"nummer": "V-1", "versie": 2}})
        whole = client.an_object("V-1")
        assert (await client.call("PUT", f"objecten/objects/{identity}", json=whole))[1]["record"]["index"] == 3
        assert (await client.call("GET", f"objecten/objects/{identity}/history"))[1]["count"] == 3
        assert (await client.call("GET", "objecten/objecttypes"))[1]["results"][0]["url"] == client.double.type_url
        version = f"objecten/objecttypes/{client.double.type_url.rsplit('/', 1)[1]}/versions/1"
        assert (await client.call("GET", version))[0] == 200
        assert (await client.call("DELETE", f"objecten/objects/{identity}"))[0] == 204
        assert (await client.call("GET", f"objecten/objects/{identity}"))[0] == 404
        published = [each["actie"] for each in client.double.published]
        assert published == ["create", "create", "partial_update", "update", "destroy"]


async def test_what_is_wrong_is_refused() -> None:
    schema = {"type": "object", "required": ["verzoek"]}
    async with running(Quirks(publishes=False, allow_geometry=False), schema) as client:
        identity = str(uuid.uuid4())

        async def status(content: dict[str, Any], **headers: str) -> int:
            return (await client.call("POST", "objecten/objects", json=content, headers=headers))[0]

        good = client.an_object("V-1", uuid=identity)
        assert await status(good, Authorization="Token wrong") == 401
        assert await status(good | {"type": "http://localhost/objecttypes/1"}) == 400
        assert await status(good | {"record": good["record"] | {"typeVersion": 9}}) == 400
        assert await status(good | {"record": good["record"] | {"data": {}}}) == 400
        point = {"type": "Point", "coordinates": [5.1, 52.1]}
        assert await status(good | {"record": good["record"] | {"geometry": point}}) == 400
        assert client.double.violations == []
        assert [await status(good), await status(good)] == [201, 500]
        assert client.double.published == []
        client.headers.pop("Content-Crs")
        assert await status(client.an_object("V-2")) == 412
        assert client.double.violations == ["POST objecten/objects: request: header Content-Crs is missing"]
        client.double.violations.clear()


async def test_a_notification_needs_a_signed_token_and_every_field() -> None:
    with pytest.raises(Violation, match="kanaal"):  # noqa: PT012
        async with running() as client:
            path = "notificaties/notificaties"
            signed = b".".join(base64.urlsafe_b64encode(each).rstrip(b"=") for each in (b'{"alg":"HS256"}', b"{}"))
            signature = hmac.digest(client.double.secret.encode(), signed, hashlib.sha256)
            token = b".".join([signed, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()
            assert (await client.call("POST", path, json=NOTIFICATIE))[0] == 403
            client.headers["Authorization"] = f"Bearer {token}"
            assert (await client.call("POST", path, json=NOTIFICATIE))[0] == 201
            assert client.double.notificaties == [NOTIFICATIE]
            assert client.double.violations == []
            assert (await client.call("POST", path, json={**NOTIFICATIE, "kanaal": 1}))[0] == 400


async def test_a_request_that_the_file_forbids_fails_the_test() -> None:
    with pytest.raises(Violation, match="startAt"):
        async with running() as client:
            await client.call("POST", "objecten/objects", json=client.an_object("V-1", record={"typeVersion": 1}))
