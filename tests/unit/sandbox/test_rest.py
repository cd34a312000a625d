"""*Verzoek afhandelen* of the sandbox, over real TLS sockets, asked by the client of the standard library."""

import asyncio
import hashlib
import http.client
import json
import random
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from digikoppelaar.adapters.http_in.server import Limits, Listener, serve
from digikoppelaar.adapters.profiles import load_profile
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.adapters.tls import Identity, server_context
from digikoppelaar.ebms.cpa import read_agreement
from digikoppelaar.flows.ports import Aansluiting, CpaRecord
from digikoppelaar.sandbox import folder, pki
from digikoppelaar.sandbox.bijlagen import make_bijlagen
from digikoppelaar.sandbox.content import invent
from digikoppelaar.sandbox.cpa_document import CpaParty, CpaTerms, build_cpa, usual_certificates
from digikoppelaar.sandbox.faults import Faults
from digikoppelaar.sandbox.model import Head, Route, Soort
from digikoppelaar.sandbox.rest import BASE_PATH, RestService
from digikoppelaar.sandbox.routing import Organisatie
from digikoppelaar.sandbox.state import Authority, SandboxState, Submitted, Version

CLOCK = SystemClock()
PROFILE = load_profile("dso-lv")
NUMMER = "2026060200001"
OTHER = pki.Holder("ander", "Andere leverancier", "00000099000000009000")
BUURGEMEENTE = "00000099000000005000"
KEY = "the-right-key"
SUMMARY = f"{BASE_PATH}/verzoeken/{NUMMER}/samenvatting"


@dataclass(frozen=True, slots=True)
class World:
    port: int
    state: SandboxState
    faults: Faults
    files: folder.Certificates
    other: pki.CertificateFiles

    async def get(
        self,
        path: str,
        *,
        oin: str | None = folder.GEMEENTE.oin,
        key: str | None = KEY,
        identity: pki.CertificateFiles | None = None,
        more: dict[str, str] | None = None,
        body: object = None,
    ) -> tuple[int, dict[str, str], bytes]:
        headers = {"x-oin": oin, "x-api-key": key, **(more or {})}
        sent = {name: value for name, value in headers.items() if value is not None}
        return await asyncio.to_thread(self._get, path, sent, identity or self.files.leverancier_tls, body)

    async def post(self, path: str, body: object, *, oin: str = folder.GEMEENTE.oin) -> tuple[int, Any]:
        status, _, answer = await self.get(path, oin=oin, body=body)
        return status, json.loads(answer)

    def _get(
        self, path: str, headers: dict[str, str], identity: pki.CertificateFiles, body: object
    ) -> tuple[int, dict[str, str], bytes]:
        context = ssl.create_default_context(cafile=str(self.files.authorities.root))
        context.load_cert_chain(identity.certificate, identity.key)
        connection = http.client.HTTPSConnection("localhost", self.port, context=context, timeout=5)
        try:
            connection.request(*(("POST", path, json.dumps(body)) if body else ("GET", path)), headers=headers)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> folder.Certificates:
    return folder.open_folder(tmp_path_factory.mktemp("sandbox"), CLOCK.now(), "127.0.0.1")


@pytest.fixture(scope="module")
def other(files: folder.Certificates) -> pki.CertificateFiles:
    return pki.issue(files.authorities, OTHER, pki.TLS, CLOCK.now())


def authority(files: folder.Certificates, oin: str) -> Authority:
    start = CLOCK.now()
    tls, sign = files.leverancier_tls.der(), files.leverancier_sign.der()
    certificates = usual_certificates(tls, sign)
    terms = CpaTerms("osb-rm-s", 1, timedelta(seconds=1), start, start + timedelta(days=1), tls)
    dso = CpaParty("DSO", "DSO", folder.DSO_LV.oin, "https://localhost/dso", certificates)
    cpa = build_cpa(terms, dso, CpaParty("BG", "BG", oin, "https://localhost/bg", certificates))
    end = Aansluiting(1, folder.DSO_LV.oin, "DSO", "stam", "sandbox-pre", folder.DSO_LV.oin, None, None)
    record = CpaRecord(1, end, read_agreement(cpa, [folder.DSO_LV.oin]))
    return Authority(Organisatie(oin, "Gemeente"), frozenset({oin, folder.LEVERANCIER.oin}), [record])


def submitted(to: Authority) -> Submitted:
    chance = random.Random(8)
    inhoud = invent(Soort.MELDING, chance)
    head = Head(NUMMER, 0, inhoud.doel, CLOCK.now(), to.named)
    return Submitted(Route(to.named), [Version(head, inhoud, tuple(make_bijlagen([3_000_000], ["Boorplan"], chance)))])


@asynccontextmanager
async def running(files: folder.Certificates, other: pki.CertificateFiles) -> AsyncIterator[World]:
    state, faults = SandboxState(), Faults(random.Random(1))
    for oin in (folder.GEMEENTE.oin, BUURGEMEENTE):
        state.authorities[oin] = authority(files, oin)
    state.keys.give(KEY, folder.LEVERANCIER.oin, "PRE", "test", CLOCK.now().date())
    state.submitted(submitted(state.authorities[folder.GEMEENTE.oin]))
    tls = server_context(Identity(files.dso_tls.certificate, files.dso_tls.key), [files.authorities.root])
    stop = asyncio.Event()
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    listener = Listener("sandbox-rest", "127.0.0.1", 0, tls, Limits(stop=1))
    app = RestService(state, faults, PROFILE, CLOCK.now).app()
    task = asyncio.create_task(serve(app, listener, ready=port.set_result, stop=stop))
    try:
        yield World(await port, state, faults, files, other)
    finally:
        stop.set()
        await task


@pytest.fixture
async def world(files: folder.Certificates, other: pki.CertificateFiles) -> AsyncIterator[World]:
    async with running(files, other) as running_world:
        yield running_world


def link(summary: bytes, rel: str) -> dict[str, Any]:
    found = json.loads(summary)["_links"][rel]
    return dict(found[0] if isinstance(found, list) else found)


async def test_the_summary_links_to_every_file_and_each_link_gives_the_file(world: World) -> None:
    status, headers, summary = await world.get(SUMMARY)
    assert status == 200
    assert headers["content-type"] == "application/hal+json"
    assert "SANDBOX" in headers["x-sandbox"]
    for rel, file in zip(("xml", "pdf", "documenten"), world.state.verzoeken[NUMMER].current.files, strict=True):
        found = link(summary, rel)
        assert (found["title"], found["type"], found["length"]) == (file.naam, file.media_type, file.size)
        status, headers, body = await world.get(found["href"])
        assert status == 200
        assert int(headers["content-length"]) == file.size
        assert hashlib.sha256(body).digest() == file.sha256


async def test_the_authority_may_fetch_with_a_certificate_of_its_own(world: World) -> None:
    own = pki.issue(world.files.authorities, folder.GEMEENTE, pki.TLS, CLOCK.now())
    assert (await world.get(SUMMARY, identity=own))[0] == 200


@pytest.mark.parametrize(
    ("changes", "status", "reason"),
    [
        ({"key": None}, 401, "x-api-key is missing or unknown"),
        ({"key": "a-wrong-key"}, 401, "x-api-key is missing or unknown"),
        ({"oin": None}, 403, "x-oin is missing"),
        ({"oin": OTHER.oin}, 403, "no mandate for OIN 00000099000000009000"),
        ({"oin": BUURGEMEENTE}, 403, "not addressed to OIN 00000099000000005000"),
    ],
)
async def test_who_may_not_fetch_is_told_why_and_recorded(
    world: World, changes: dict[str, str | None], status: int, reason: str
) -> None:
    answered, headers, body = await world.get(SUMMARY, **changes)  # type: ignore[arg-type]
    assert answered == status
    assert headers["content-type"] == "application/problem+json"
    assert reason in json.loads(body)["detail"]
    (recorded,) = world.state.refusals
    assert (recorded.channel, recorded.oin, recorded.refusal.statement) == ("rest", folder.LEVERANCIER.oin, str(status))


async def test_a_certificate_without_mandate_for_this_authority_is_refused(world: World) -> None:
    status, _, body = await world.get(SUMMARY, identity=world.other)
    assert status == 403
    assert "certificate of OIN 00000099000000009000 has no mandate" in json.loads(body)["detail"]


async def test_without_client_certificate_there_is_no_connection(world: World) -> None:
    context = ssl.create_default_context(cafile=str(world.files.authorities.root))

    def get() -> None:
        connection = http.client.HTTPSConnection("localhost", world.port, context=context, timeout=5)
        try:
            connection.request("GET", SUMMARY)
            connection.getresponse()
        finally:
            connection.close()

    with pytest.raises(OSError):
        await asyncio.to_thread(get)


@pytest.mark.parametrize(
    "path",
    [
        SUMMARY.replace(NUMMER, "2026060299999"),
        f"{BASE_PATH}/bestanden/{NUMMER}/0/d2",
        f"{BASE_PATH}/bestanden/{NUMMER}/1/xml",
    ],
)
async def test_what_is_not_there_is_404(world: World, path: str) -> None:
    assert (await world.get(path))[0] == 404


async def test_an_answer_with_another_status_can_be_asked_for(world: World) -> None:
    world.faults.switch_on({"kind": "answer", "target": "summary", "status": 503, "count": 1})
    assert (await world.get(SUMMARY))[0] == 503
    assert (await world.get(SUMMARY))[0] == 200
    assert world.state.refusals == []


async def test_a_cut_connection_breaks_the_body_off(world: World) -> None:
    world.faults.switch_on({"kind": "cut", "target": "bijlage", "count": 1})
    path = link((await world.get(SUMMARY))[2], "documenten")["href"]
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        await world.get(path)
    assert (await world.get(path))[0] == 200


async def test_a_wrong_length_is_a_whole_answer_of_another_size(world: World) -> None:
    world.faults.switch_on({"kind": "length", "target": "pdf", "count": 1})
    found = link((await world.get(SUMMARY))[2], "pdf")
    status, headers, body = await world.get(found["href"])
    assert status == 200
    assert len(body) == int(headers["content-length"]) == found["length"] - 1


async def test_the_rest_of_a_file_is_given_to_who_has_the_same_version(world: World) -> None:
    path = link((await world.get(SUMMARY))[2], "documenten")["href"]
    _, headers, whole = await world.get(path)
    asked = {"range": "bytes=1000000-", "if-range": headers["etag"]}
    status, rest_headers, rest = await world.get(path, more=asked)
    assert (status, rest_headers["content-range"]) == (206, f"bytes 1000000-{len(whole) - 1}/{len(whole)}")
    assert (rest_headers["etag"], whole[:1_000_000] + rest) == (headers["etag"], whole)
    other = await world.get(path, more={**asked, "if-range": '"other"'})
    assert (other[0], other[2]) == (200, whole)
    assert (await world.get(path, more={"range": f"bytes={len(whole)}-"}))[0] == 416


async def test_ranges_can_be_refused_and_a_cut_comes_at_the_byte_that_was_asked(world: World) -> None:
    path = link((await world.get(SUMMARY))[2], "documenten")["href"]
    whole = (await world.get(path))[2]
    world.faults.switch_on({"kind": "no-ranges", "target": "bijlage", "count": 1})
    status, headers, body = await world.get(path, more={"range": "bytes=10-"})
    assert (status, "etag" in headers, body) == (200, False, whole)
    for start, at in ((0, 0), (0, 1), (0, 2_999_999), (1_000_000, 5)):
        world.faults.switch_on({"kind": "cut", "target": "bijlage", "count": 1, "at": at})
        with pytest.raises(http.client.IncompleteRead) as cut:
            await world.get(path, more={"range": f"bytes={start}-"} if start else None)
        assert cut.value.partial == whole[start : start + at]


async def test_silence_lasts_until_the_caller_gives_up(world: World) -> None:
    world.faults.switch_on({"kind": "silence", "target": "xml", "count": 1})
    path = link((await world.get(SUMMARY))[2], "xml")["href"]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(world.get(path), 0.3)


async def test_a_stall_is_a_pause_within_the_body_and_the_body_is_whole(world: World) -> None:
    world.faults.switch_on({"kind": "stall", "target": "bijlage", "seconds": 0.2, "count": 1})
    path = link((await world.get(SUMMARY))[2], "documenten")["href"]
    before = asyncio.get_running_loop().time()
    stalled = await world.get(path)
    assert asyncio.get_running_loop().time() - before >= 0.2
    assert stalled[2] == (await world.get(path))[2]


async def test_a_delay_is_only_a_delay(world: World) -> None:
    world.faults.switch_on({"kind": "delay", "target": "summary", "seconds": 0.2})
    before = asyncio.get_running_loop().time()
    assert (await world.get(SUMMARY))[0] == 200
    assert asyncio.get_running_loop().time() - before >= 0.2


SEARCH = f"{BASE_PATH}/verzoeken/_zoek"
REROUTE = f"{BASE_PATH}/verzoeken/{NUMMER}/_rerouteer"
COUNTRY = [[0, 300000], [300000, 300000], [300000, 650000], [0, 650000], [0, 300000]]
ELSEWHERE = [[0, 300000], [1, 300000], [1, 300001], [0, 300000]]


def asking(ring: object = COUNTRY, since: str = "2020-01-01", until: str = "2099-01-01", **other: object) -> object:
    area = {"geometrie": {"type": "Polygon", "coordinates": [ring]}} if ring else {}
    return {"indiendatumVanaf": since, "indiendatumTot": until, **area, **other}


def numbers(answer: Any) -> list[str]:
    return [each["verzoeknummer"] for each in answer["_embedded"]["zaakverwijzingen"]]


async def test_a_search_finds_what_is_in_the_area_and_the_period_and_of_a_neighbour_too(world: World) -> None:
    status, found = await world.post(SEARCH, asking())
    assert (status, numbers(found)) == (200, [NUMMER, "2026060299999"])
    ours, neighbours = (each["bevoegdGezag"]["oin"] for each in found["_embedded"]["zaakverwijzingen"])
    assert (ours, neighbours in world.state.authorities) == (folder.GEMEENTE.oin, False)
    for nothing in (asking(ELSEWHERE), asking(until="2021-01-01"), asking(since="2098-01-01")):
        assert numbers((await world.post(SEARCH, nothing))[1]) == []


async def test_a_search_by_verzoeknummer_finds_what_is_at_the_same_place(world: World) -> None:
    assert numbers((await world.post(SEARCH, asking(None, verzoeknummer=NUMMER)))[1]) == [NUMMER, "2026060299999"]
    assert numbers((await world.post(SEARCH, asking(None, verzoeknummer="1")))[1]) == []


async def test_a_search_is_paged_and_each_page_links_to_the_next(world: World) -> None:
    _, first = await world.post(f"{SEARCH}?page=0&size=1", asking())
    assert first["page"] == {"size": 1, "number": 0, "totalElements": 2, "totalPages": 2}
    _, second = await world.post(first["_links"]["next"]["href"], asking())
    assert [*numbers(first), *numbers(second)] == [NUMMER, "2026060299999"]
    assert "next" not in second["_links"]


@pytest.mark.parametrize(
    "question",
    [
        [],
        asking(None),
        asking(verzoeknummer=NUMMER),
        asking(since="gisteren"),
        asking([[0, 0], [1, 1]]),
        asking([[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]),
    ],
)
async def test_a_question_that_makes_no_sense_is_400(world: World, question: object) -> None:
    assert (await world.post(SEARCH, question or ["x"]))[0] == 400


async def test_a_reroute_takes_the_verzoek_from_one_and_gives_it_to_the_other(world: World) -> None:
    assert (await world.post(REROUTE, {"bevoegdGezag": {"oin": BUURGEMEENTE}}))[0] == 200
    assert (await world.get(SUMMARY))[0] == 403
    assert (await world.get(SUMMARY, oin=BUURGEMEENTE))[0] == 200
    found = (await world.post(SEARCH, asking()))[1]["_embedded"]["zaakverwijzingen"][0]
    assert found["bevoegdGezag"]["oin"] == BUURGEMEENTE


async def test_a_behandeldienst_comes_beside_the_bevoegd_gezag_and_can_be_taken_away(world: World) -> None:
    assert (await world.post(REROUTE, {"behandeldienst": {"oin": BUURGEMEENTE}}))[0] == 200
    assert [(await world.get(SUMMARY, oin=oin))[0] for oin in (BUURGEMEENTE, folder.GEMEENTE.oin)] == [200, 200]
    assert (await world.post(REROUTE, {"behandeldienst": None}))[0] == 200
    assert (await world.get(SUMMARY, oin=BUURGEMEENTE))[0] == 403


@pytest.mark.parametrize(
    "change",
    [
        {"bevoegdGezag": None},
        {"bevoegdGezag": {"oin": BUURGEMEENTE}, "behandeldienst": None},
        {"bevoegdGezag": {"oin": "x"}},
        {"zaak": None},
    ],
)
async def test_a_reroute_of_anything_but_one_change_is_400(world: World, change: object) -> None:
    assert (await world.post(REROUTE, change))[0] == 400
    assert (await world.get(SUMMARY))[0] == 200


@pytest.mark.parametrize(("target", "path"), [("search", SEARCH), ("reroute", REROUTE)])
async def test_search_and_reroute_have_faults_of_their_own(world: World, target: str, path: str) -> None:
    asked = asking() if target == "search" else {"behandeldienst": {"oin": BUURGEMEENTE}}
    world.faults.switch_on({"kind": "answer", "target": target, "status": 503, "count": 1})
    assert [(await world.post(path, asked))[0] for _ in range(2)] == [503, 200]


def test_keys_of_the_state_folder_are_made_once(tmp_path: Path) -> None:
    file, key = folder.api_key(tmp_path)
    assert folder.api_key(tmp_path) == (file, key)
    assert file.stat().st_mode & 0o077 == 0
    assert len(key) >= 32


def test_verzoeknummers_go_on_after_a_restart_and_begin_anew_each_day(tmp_path: Path) -> None:
    today = CLOCK.now().date()
    assert [folder.Serials(tmp_path).next(today) for _ in range(3)] == [1, 2, 3]
    assert folder.Serials(tmp_path).next(today + timedelta(days=1)) == 1
