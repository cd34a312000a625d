"""Search and re-route against a server on a socket that answers exactly what a test says."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.unit.adapters.dso_server import API_KEY, NOW, OIN, PROFILE, Script, answer, calling

from digikoppelaar.adapters.dso_search import DsoRestSearch
from digikoppelaar.errors import (
    FacilityAnswerBroken,
    FacilityError,
    FacilityNotFound,
    FacilityRefused,
    FacilityUnavailable,
    VerzoekError,
)
from digikoppelaar.flows.ports.reroute import Reroute, Role

RING = [(1e5, 4e5), (2e5, 4e5), (2e5, 5e5), (1e5, 4e5)]
FIRST, SECOND = "/v2/verzoeken/_zoek?page=0&size=50", "/v2/verzoeken/_zoek?page=1&size=50"


@asynccontextmanager
async def connected(script: Script, tmp_path: Path) -> AsyncIterator[DsoRestSearch]:
    async with calling(script, tmp_path) as calls:
        yield DsoRestSearch(calls)


def page(*numbers: str, then: str | None = None, total: int | None = None) -> bytes:
    said: dict[str, Any] = {"_embedded": {"zaakverwijzingen": [{"verzoeknummer": each} for each in numbers]}}
    if then:
        said["_links"] = {"next": {"href": then}}
    if total is not None:
        said["page"] = {"totalElements": total}
    return answer(200, json.dumps(said).encode(), "application/hal+json")


async def found(search: DsoRestSearch, where: Any = RING) -> list[str]:
    return [each.verzoeknummer async for each in search.search(where, NOW - timedelta(days=7), NOW)]


async def test_a_search_gives_every_page_and_asks_the_same_of_each(tmp_path: Path) -> None:
    asked: list[tuple[str, dict[str, str]]] = []

    def script(path: str, headers: dict[str, str]) -> bytes:
        asked.append((path, headers))
        return page("1", "2", then=SECOND, total=3) if path == FIRST else page("3", total=3)

    async with connected(script, tmp_path) as search:
        assert await found(search) == ["1", "2", "3"]
    assert [path for path, _ in asked] == [FIRST, SECOND]
    assert asked[0][1][":body"] == asked[1][1][":body"]
    for _, headers in asked:
        assert (headers[":method"], headers["content-type"]) == ("POST", "application/json")
        assert (headers[PROFILE.api_key_header], headers[PROFILE.oin_header]) == (API_KEY, OIN)
        assert headers["content-crs"] == "epsg:28992"


async def test_a_search_by_verzoeknummer_asks_for_no_area(tmp_path: Path) -> None:
    asked = []

    def script(_: str, headers: dict[str, str]) -> bytes:
        asked.append(json.loads(headers[":body"]))
        return page()

    async with connected(script, tmp_path) as search:
        assert await found(search, "2026060200019") == []
    assert (asked[0]["verzoeknummer"], "geometrie" in asked[0]) == ("2026060200019", False)


@pytest.mark.parametrize(
    ("script", "expected", "words"),
    [
        (lambda path, _: page("1", then=FIRST), FacilityAnswerBroken, "do not end"),
        (lambda path, _: page("1", total=2), FacilityAnswerBroken, "announced 2 verzoeken and gave 1"),
        (lambda path, _: page("1", then="http://evil.test/"), FacilityError, "not followed"),
        (
            lambda path, _: page("1", then=SECOND) if path == FIRST else answer(503, retry_after="9"),
            FacilityUnavailable,
            "503",
        ),
        (lambda *_: answer(200, b"{}", "application/json"), FacilityAnswerBroken, "has no list"),
        (lambda *_: answer(403), FacilityRefused, "mandate"),
        (lambda *_: answer(404), FacilityNotFound, "404"),
        (lambda *_: answer(200, b"{", "application/json", content_length="9"), FacilityAnswerBroken, "broke off"),
        (lambda *_: None, FacilityUnavailable, "without an answer"),
    ],
)
async def test_a_search_that_is_not_whole_is_an_error_after_what_it_gave(
    tmp_path: Path, script: Script, expected: type[FacilityError], words: str
) -> None:
    async with connected(script, tmp_path) as search:
        with pytest.raises(FacilityError, match=words) as raised:
            await found(search)
    assert type(raised.value) is expected


@pytest.mark.parametrize(
    ("to", "body"),
    [
        (Reroute(Role.BEVOEGD_GEZAG, OIN), {"bevoegdGezag": {"oin": OIN}}),
        (Reroute(Role.BEHANDELDIENST, OIN), {"behandeldienst": {"oin": OIN}}),
        (Reroute(Role.BEHANDELDIENST, None), {"behandeldienst": None}),
    ],
)
@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_a_reroute_is_one_change_in_one_call(tmp_path: Path, to: Reroute, body: object, status: int) -> None:
    asked = []

    def script(path: str, headers: dict[str, str]) -> bytes:
        asked.append((path, headers[":method"], json.loads(headers[":body"])))
        return answer(status)

    async with connected(script, tmp_path) as search:
        await search.reroute("2026060200019", to)
    assert asked == [("/v2/verzoeken/2026060200019/_rerouteer", "POST", body)]


async def test_a_reroute_that_is_refused_says_so_and_no_verzoeknummer_leads_elsewhere(tmp_path: Path) -> None:
    async with connected(lambda *_: answer(403), tmp_path) as search:
        with pytest.raises(FacilityRefused):
            await search.reroute("1", Reroute(Role.BEHANDELDIENST, None))
        with pytest.raises(VerzoekError):
            await search.reroute("../1", Reroute(Role.BEHANDELDIENST, None))


async def test_another_name_in_the_profile_is_used_everywhere(tmp_path: Path) -> None:
    asked = []
    other = replace(PROFILE, search_path="zoek", search=replace(PROFILE.search, search_since_key="van"))

    def script(path: str, headers: dict[str, str]) -> bytes:
        asked.append((path, sorted(json.loads(headers[":body"]))))
        return page()

    async with calling(script, tmp_path) as calls:
        calls.profile = other
        assert await found(DsoRestSearch(calls)) == []
    assert asked == [("/v2/zoek?page=0&size=50", ["geometrie", "indiendatumTot", "van"])]
