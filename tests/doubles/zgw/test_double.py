"""The double against the OpenAPI files: what it answers is what the files say, and it reports what they forbid."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp
import pytest
from tests.doubles.double import Violation
from tests.doubles.traffic import Pace
from tests.doubles.zgw.double import Version, ZgwDouble
from tests.doubles.zgw.world import RSIN, Quirks
from tests.shared import shared_data

VERSIONS: Final[tuple[Version, ...]] = ("openzaak", "standard")
CRS: Final = {"Accept-Crs": "EPSG:4326", "Content-Crs": "EPSG:4326"}
TODAY: Final = "2026-06-01"


class Client:
    """Calls one double; answers are the status and the JSON."""

    def __init__(self, double: ZgwDouble, session: aiohttp.ClientSession) -> None:
        self.double, self.session = double, session
        self.headers = {"Authorization": f"Bearer {jwt(double)}", **CRS}

    async def call(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        headers = self.headers | options.pop("headers", {})
        url = path if path.startswith("http") else self.url(path)
        async with self.session.request(method, url, headers=headers, **options) as answer:
            octets = await answer.read()
            is_json = "json" in answer.headers.get("Content-Type", "")
            return answer.status, json.loads(octets) if is_json else octets

    def url(self, path: str) -> str:
        api, _, rest = path.partition("/")
        return f"{self.double.addresses[api]}{rest}"

    async def made(self, path: str, content: dict[str, Any]) -> dict[str, Any]:
        status, answer = await self.call("POST", path, json=content)
        assert status == 201, answer
        assert isinstance(answer, dict)
        return answer

    async def refused(self, path: str, content: dict[str, Any]) -> str:
        status, answer = await self.call("POST", path, json=content)
        assert status == 400, answer
        return str(answer["invalidParams"][0]["code"])

    async def zaak(self, identificatie: str = "V-1", **more: Any) -> dict[str, Any]:
        return await self.made("zaken/zaken", a_zaak(self.double, identificatie) | more)

    async def typed(self, name: str, **wanted: str) -> str:
        _, answer = await self.call("GET", f"catalogi/{name}", params=wanted)
        return str(answer["results"][0]["url"])


def jwt(double: ZgwDouble, issued: float | None = None, secret: str | None = None) -> str:
    """As a ZGW client makes it."""
    claims = {
        "iss": double.access.client_id,
        "client_id": double.access.client_id,
        "user_id": "",
        "iat": issued or time.time(),
    }
    parts = [base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=") for each in ({"alg": "HS256"}, claims)]
    signature = hmac.digest((secret or double.access.secret).encode(), b".".join(parts), hashlib.sha256)
    return b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


def a_zaak(double: ZgwDouble, identificatie: str) -> dict[str, Any]:
    """The least that makes a zaak, and a place."""
    return {
        "identificatie": identificatie,
        "bronorganisatie": RSIN,
        "verantwoordelijkeOrganisatie": RSIN,
        "startdatum": TODAY,
        "zaaktype": double.zaaktype()["url"],
        "zaakgeometrie": {"type": "Polygon", "coordinates": [[[5.1, 52.1], [5.2, 52.1], [5.2, 52.2], [5.1, 52.1]]]},
    }


def a_document(documenttype: str, content: bytes | None, size: int | None = None, **more: Any) -> dict[str, Any]:
    """A document, inline or to be uploaded in parts."""
    inline = {} if content is None else {"inhoud": base64.b64encode(content).decode()}
    return {
        "bronorganisatie": RSIN,
        "creatiedatum": TODAY,
        "titel": "Bouwtekening",
        "auteur": "Aanvrager",
        "taal": "nld",
        "informatieobjecttype": documenttype,
        "bestandsomvang": size if size is not None else len(content or b""),
        **inline,
        **more,
    }


@asynccontextmanager
async def running(
    version: Version = "openzaak", quirks: Quirks | None = None, pace: Pace | None = None, *, checked: bool = True
) -> AsyncIterator[Client]:
    """A double and its client. Skips where the files are absent, unless told to do without."""
    if checked:
        shared_data("zgw")
    double = ZgwDouble(version, quirks, pace, checked=checked)
    async with double.running(), aiohttp.ClientSession() as session:
        yield Client(double, session)


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_whole_verzoek_is_taken_and_every_answer_is_as_the_file_says(version: Version) -> None:
    async with running(version) as client:
        zaaktype = client.double.zaaktype()["url"]
        _, page = await client.call("GET", "catalogi/zaaktypen", params={"identificatie": "OMGEVING-AANVRAAG"})
        assert [each["url"] for each in page["results"] if each["eindeGeldigheid"] is None] == [zaaktype]
        assert page["count"] == 2, "the version that was in force until 2024 is there too"
        zaak = await client.zaak()
        for name, path in (("eigenschappen", "zaakeigenschappen"), ("statustypen", ""), ("roltypen", "")):
            _, page = await client.call("GET", f"catalogi/{name}", params={"zaaktype": zaaktype})
            assert page["count"] > 2, path
        eigenschap = await client.typed("eigenschappen", zaaktype=zaaktype)
        path = f"zaken/zaken/{zaak['uuid']}/zaakeigenschappen"
        await client.made(path, {"zaak": zaak["url"], "eigenschap": eigenschap, "waarde": "x" * 500})
        rol = {"zaak": zaak["url"], "betrokkeneType": "natuurlijk_persoon", "roltoelichting": "Indiener"}
        rol["roltype"] = await client.typed("roltypen", zaaktype=zaaktype, omschrijvingGeneriek="initiator")
        await client.made("zaken/rollen", rol | {"betrokkeneIdentificatie": {"inpBsn": "000000000"}})
        kind = {"zaak": zaak["url"], "objectType": "overige", "objectTypeOverige": "perceel"}
        await client.made("zaken/zaakobjecten", kind | {"objectIdentificatie": {"overigeData": {"nummer": 1}}})
        documenttype = await client.typed("informatieobjecttypen", omschrijving="Bijlage")
        document = await client.made("documenten/enkelvoudiginformatieobjecten", a_document(documenttype, b"inhoud"))
        link = {"zaak": zaak["url"], "informatieobject": document["url"], "titel": "Bouwtekening"}
        await client.made("zaken/zaakinformatieobjecten", link)
        status = {"zaak": zaak["url"], "statustype": await client.typed("statustypen", zaaktype=zaaktype)}
        await client.made("zaken/statussen", status | {"datumStatusGezet": "2026-01-01T10:00:00Z"})
        for path in ("zaken/rollen", "zaken/zaakobjecten", "zaken/statussen", "zaken/zaakinformatieobjecten"):
            found, _ = await client.call("GET", path, params={"zaak": zaak["url"]})
            assert found == 200
        number = {"identificatie": "V-1", "bronorganisatie": RSIN}
        _, page = await client.call("GET", "zaken/zaken", params=number)
        assert [each["url"] for each in page["results"]] == [zaak["url"]]
        assert (await client.call("PATCH", zaak["url"], json={"toelichting": "Aangevuld"}))[0] == 200
        assert await client.call("GET", document["inhoud"]) == (200, b"inhoud")
        seen = client.double.zaak("V-1")
        assert [seen.documenten[0].sha256, seen.statussen] == [hashlib.sha256(b"inhoud").hexdigest(), ["Ontvangen"]]
        assert seen.eigenschappen == {"verzoeknummer": ["x" * 500]}


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_large_document_comes_in_parts_in_any_order_and_is_whole_only_then(version: Version) -> None:
    content = bytes(range(256)) * 10
    async with running(version, Quirks(part_size=1000)) as client:
        documenttype = await client.typed("informatieobjecttypen", omschrijving="Bijlage")
        document = await client.made(
            "documenten/enkelvoudiginformatieobjecten", a_document(documenttype, None, size=len(content))
        )
        parts = document["bestandsdelen"]
        assert [each["omvang"] for each in parts] == [1000, 1000, 560]
        assert await _upload(client, parts[0], "wrong", content[:1000]) == (400, "incorrect-lock-id")
        assert await _upload(client, parts[0], document["lock"], content[:999]) == (400, "file-size")
        unlock = f"{document['url']}/unlock"
        status, answer = await client.call("POST", unlock, json={"lock": document["lock"]})
        assert (status, answer["invalidParams"][0]["code"]) == (400, "incomplete-upload")
        for part in reversed(parts):
            offset = 1000 * (part["volgnummer"] - 1)
            status, _ = await _upload(client, part, document["lock"], content[offset : offset + 1000])
            assert status == 200
        assert (await client.call("POST", unlock, json={"lock": document["lock"]}))[0] == 204
        assert client.double.documenten[0].sha256 == hashlib.sha256(content).hexdigest()
        assert (await client.call("GET", document["url"]))[1]["locked"] is False


async def _upload(client: Client, part: dict[str, Any], lock: str, content: bytes) -> tuple[int, str]:
    form = aiohttp.FormData({"lock": lock})
    form.add_field("inhoud", content, filename="part")
    status, answer = await client.call("PUT", part["url"], data=form)
    return status, answer["invalidParams"][0]["code"] if status == 400 else ""


async def test_what_is_not_unique_is_refused_as_open_zaak_does() -> None:
    async with running() as client:
        zaak = await client.zaak()
        assert await client.refused("zaken/zaken", a_zaak(client.double, "V-1")) == "identificatie-niet-uniek"
        zaaktype = client.double.zaaktype()["url"]
        rol = {
            "zaak": zaak["url"],
            "betrokkeneType": "natuurlijk_persoon",
            "betrokkeneIdentificatie": {"voornamen": "A"},
        }
        rol["roltype"] = await client.typed("roltypen", zaaktype=zaaktype, omschrijvingGeneriek="initiator")
        await client.made("zaken/rollen", rol)
        assert await client.refused("zaken/rollen", rol) == "max-occurences"
        wrong = rol | {"betrokkeneIdentificatie": {"inpBsn": "123456789"}}
        wrong["roltype"] = await client.typed("roltypen", zaaktype=zaaktype, omschrijvingGeneriek="belanghebbende")
        assert await client.refused("zaken/rollen", wrong) == "invalid"
        eigenschap = {
            "zaak": zaak["url"],
            "eigenschap": await client.typed("eigenschappen", zaaktype=zaaktype),
            "waarde": "1",
        }
        path = f"zaken/zaken/{zaak['uuid']}/zaakeigenschappen"
        await client.made(path, eigenschap)
        await client.made(path, eigenschap)
        client.double.set_quirks(unique_eigenschap=True)
        assert await client.refused(path, eigenschap) == "unique"
        assert client.double.figures()["duplicates"]["eigenschappen"] == 1


async def test_documents_are_refused_as_open_zaak_does_and_a_wrong_hash_is_not() -> None:
    async with running() as client:
        zaak = await client.zaak()
        path = "documenten/enkelvoudiginformatieobjecten"
        documenttype = await client.typed("informatieobjecttypen", omschrijving="Bijlage")
        foreign = await client.typed("informatieobjecttypen", omschrijving="Besluit")
        hashed = {"integriteit": {"algoritme": "sha_256", "waarde": "0" * 64, "datum": TODAY}}
        document = a_document(documenttype, b"x", identificatie="D-1") | hashed
        made = await client.made(path, document)
        assert await client.refused(path, document) == "identificatie-niet-uniek"
        assert await client.refused(path, a_document(documenttype, b"x", size=2)) == "file-size"
        link = {"zaak": zaak["url"], "informatieobject": made["url"]}
        await client.made("zaken/zaakinformatieobjecten", link)
        assert await client.refused("zaken/zaakinformatieobjecten", link) == "unique"
        other = await client.made(path, a_document(foreign, b"x"))
        code = await client.refused("zaken/zaakinformatieobjecten", link | {"informatieobject": other["url"]})
        assert code == "missing-zaaktype-informatieobjecttype-relation"


async def test_an_eindstatus_closes_the_zaak_and_then_only_all_rights_change_it() -> None:
    async with running() as client:
        zaak = await client.zaak()
        _, page = await client.call("GET", "catalogi/statustypen", params={"zaaktype": zaak["zaaktype"]})
        last = next(each["url"] for each in page["results"] if each["isEindstatus"])
        status = {"zaak": zaak["url"], "statustype": last, "datumStatusGezet": "2026-01-01T10:00:00Z"}
        await client.made("zaken/statussen", status)
        assert (await client.call("PATCH", zaak["url"], json={"toelichting": "x"}))[0] == 403
        kind = {"zaak": zaak["url"], "objectType": "adres", "object": "https://bag.example/1"}
        assert (await client.call("POST", "zaken/zaakobjecten", json=kind))[0] == 403
        client.double.set_quirks(all_rights=True)
        assert (await client.call("PATCH", zaak["url"], json={"toelichting": "x"}))[0] == 200


async def test_numbers_can_be_reserved_and_are_a_list_in_the_standard() -> None:
    async with running("openzaak") as client:
        assert "zaaknummer" in await client.made("zaken/zaaknummer_reserveren", {"bronorganisatie": RSIN})
    async with running("standard") as client:
        status, answer = await client.call("POST", "zaken/zaaknummer_reserveren", json={"bronorganisatie": RSIN})
        assert (status, len(answer)) == (201, 1)


@pytest.mark.parametrize("checked", [True, False])
async def test_coordinates_need_a_system_and_only_one_is_spoken(checked: bool) -> None:
    async with running(checked=checked) as client:
        client.headers.pop("Content-Crs")
        assert (await client.call("POST", "zaken/zaken", json=a_zaak(client.double, "V-1")))[0] == 412
        rd = {"Content-Crs": "EPSG:28992", "Accept-Crs": "EPSG:28992"}
        assert (await client.call("POST", "zaken/zaken", json=a_zaak(client.double, "V-1"), headers=rd))[0] == 406
        assert bool(client.double.violations) is checked
        client.double.violations.clear()
        assert client.double.zaken == []


async def test_tokens_end_and_wrong_secrets_are_refused() -> None:
    async with running(checked=False) as client:

        async def listed(token: str) -> int:
            status, _ = await client.call("GET", "zaken/zaken", headers={"Authorization": f"Bearer {token}"})
            return status

        moments = (time.time() - 3700, time.time() - 3500, time.time() + 120)
        assert [await listed(jwt(client.double, moment)) for moment in moments] == [403, 200, 200]
        assert await listed(jwt(client.double, secret="wrong")) == 403
        form = {
            "grant_type": "client_credentials",
            "client_id": client.double.access.client_id,
            "client_secret": "wrong",
        }
        assert (await client.call("POST", client.double.addresses["token"], data=form))[0] == 401
        form["client_secret"] = client.double.access.secret
        _, answer = await client.call("POST", client.double.addresses["token"], data=form)
        assert await listed(answer["access_token"]) == 200
        client.double.access.end_tokens()
        assert await listed(answer["access_token"]) == 401
        client.double.set_quirks(only_oauth2=True)
        assert await listed(jwt(client.double)) == 401


async def test_a_request_that_the_file_forbids_is_refused_and_fails_the_test() -> None:
    with pytest.raises(Violation) as raised:  # noqa: PT012
        async with running() as client:
            wrong = a_zaak(client.double, "V-1") | {"omschrijving": "x" * 81, "tielt": "typing error"}
            assert await client.refused("zaken/zaken", wrong) == "invalid"
            assert (await client.call("GET", "zaken/zaken", params={"nummer": "V-1"}))[0] == 400
            assert (await client.call("GET", "zaken/zaak"))[0] == 404
            assert client.double.zaken == []
    assert [line.replace("x" * 81, "...") for line in str(raised.value).splitlines()] == [
        'POST zaken/zaken: request: omschrijving: "..." is longer than 80 characters',
        "GET zaken/zaken: request: query nummer: no such parameter",
        "GET zaken/zaak: Zaken API 1.5.1 has no such call",
    ]


async def test_an_unknown_field_is_reported_when_it_is_all_that_is_wrong() -> None:
    async with running() as client:
        assert await client.refused("zaken/zaken", a_zaak(client.double, "V-1") | {"tielt": "x"}) == "invalid"
        assert "'tielt' was unexpected" in client.double.violations.pop()


async def test_a_call_can_fail_or_be_cut_before_or_after_it_was_carried_out() -> None:
    async with running() as client:
        client.double.fail("POST zaken/zaken", status=503, retry_after=7, skip=1)
        await client.zaak("V-1")
        assert (await client.call("POST", "zaken/zaken", json=a_zaak(client.double, "V-2")))[0] == 503
        await client.zaak("V-2")
        for number, carried_out in (("V-3", True), ("V-4", False)):
            client.double.cut_after(1, carried_out=carried_out)
            await client.call("GET", "catalogi/zaaktypen")
            for _ in range(2):
                with pytest.raises(aiohttp.ClientError):
                    await client.zaak(number)
            client.double.heal()
        assert [each.resource["identificatie"] for each in client.double.zaken] == ["V-1", "V-2", "V-3"]
        assert [each.reached for each in client.double.called("POST zaken/zaken")] == [*[True] * 3, *[False] * 4]


async def test_a_resource_of_the_catalogus_has_an_etag_and_lists_have_pages() -> None:
    async with running(quirks=Quirks(page_size=2)) as client:
        url = client.double.zaaktype()["url"]
        async with client.session.get(url, headers=client.headers) as answer:
            etag = answer.headers["ETag"]
        assert (await client.call("GET", url, headers={"If-None-Match": etag}))[0] == 304
        _, page = await client.call("GET", "catalogi/roltypen", params={"zaaktype": url})
        assert (page["count"], len(page["results"]), page["previous"]) == (3, 2, None)
        _, page = await client.call("GET", page["next"])
        assert (len(page["results"]), page["next"]) == (1, None)
        client.double.new_version()
        assert (await client.call("GET", url, headers={"If-None-Match": etag}))[0] == 200


async def test_it_works_on_no_more_calls_than_allowed_and_tells_how_busy_it_was() -> None:
    async with running(pace=Pace(latency=0.02, at_once=2), checked=False) as client:
        await asyncio.gather(*(client.call("GET", "catalogi/zaaktypen") for _ in range(8)))
        figures = client.double.figures()
        assert (figures["calls"], figures["most_at_once"]) == (8, 2)
        assert figures["busy_share"] > 0.5
