"""The client of KOOP's search against a server on a socket: what it asks, at what pace, and when it comes back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.certificates import Authority, Shape
from tests.unit.adapters.dso_server import Script, answer, serving
from tests.unit.drop.notices import KENNISGEVING

from digikoppelaar.adapters import facility_calls, sru_client
from digikoppelaar.adapters.http_out import MtlsHttp, MtlsSessions, Timeouts
from digikoppelaar.adapters.profiles import load_sru_profile
from digikoppelaar.adapters.public_tls import PublicContexts
from digikoppelaar.adapters.sru_client import Pace, SruClient
from digikoppelaar.adapters.tls import Identity, application_context
from digikoppelaar.drop.metadata import metadata_xml
from digikoppelaar.drop.model import Blad
from digikoppelaar.drop.publication import Nummer, Publicatie, publication_xml
from digikoppelaar.drop.sru import Search
from digikoppelaar.drop.sru_answer import Listed, Repository, answer_search
from digikoppelaar.errors import (
    FacilityAnswerBroken,
    FacilityError,
    FacilityNotFound,
    FacilityRefused,
    FacilityUnavailable,
    PartnerUnreachable,
)

DAY = date(2026, 6, 2)
# The server asks in whole seconds; so a date a second later is only a tenth away.
NOW = datetime(2026, 6, 2, 9, 0, 0, 900_000, tzinfo=UTC)
SOON = "Tue, 02 Jun 2026 09:00:01 GMT"
LATER = "Tue, 02 Jun 2026 10:00:00 GMT"
SEARCH = Search("Voorbeeldstad", DAY)
NUMMER = Nummer(Blad.GEMEENTEBLAD, 2026, 2)
PROFILE = load_sru_profile("koop-sru")
LISTED = [Listed(Publicatie(KENNISGEVING, 2026, number, DAY), NOW) for number in (1, 2, 3)]
NOTHING = answer(200, b"<a><numberOfRecords>0</numberOfRecords></a>", "text/xml")


class NinthHour:
    """A clock that stands still."""

    def now(self) -> datetime:
        """Always NOW."""
        return NOW


@asynccontextmanager
async def connected(script: Script, **manners: Any) -> AsyncIterator[SruClient]:
    """A client, hasty unless told otherwise, of a server that follows `script`."""
    hasty = {"search_pause_ms": 0, "metadata_pause_ms": 0, "first_wait_ms": 1, "attempts": 3} | manners
    async with serving(script) as base, MtlsSessions(PublicContexts(), Timeouts(2, 0.5, 2)) as sessions:
        profile = replace(
            PROFILE,
            sru_url=f"{base}/sru",
            metadata_url=f"{base}/{{identifier}}/metadata.xml",
            manifestation_url=f"{base}/{{blad}}/{{jaar}}/{{identifier}}/1/{{manifestation}}/{{file}}",
            names=replace(PROFILE.names, page_size=2),
            **hasty,
        )
        yield SruClient(MtlsHttp(sessions, "sandbox-pre", ""), profile, NinthHour())


def koop(path: str, headers: dict[str, str]) -> bytes:
    """A repository with three publications."""
    del headers
    parts = urlsplit(path)
    repository = Repository(
        LISTED, PROFILE.names, PROFILE.publication_url, PROFILE.manifestation_url, lambda at: (at[0], at[1])
    )
    documents = {
        "/v2/gmb-2026-2/metadata.xml": metadata_xml(LISTED[1].publicatie),
        "/v2/gmb/2026/gmb-2026-2/1/xml/gmb-2026-2.xml": publication_xml(LISTED[1].publicatie),
    }
    if parts.path == "/v2/sru":
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        return answer(200, answer_search(asked, repository), "application/xml")
    document = documents.get(parts.path)
    return answer(404) if document is None else answer(200, document, "text/xml")


async def test_a_search_gives_every_record_of_every_page() -> None:
    async with connected(koop) as client:
        found = [record.identifier async for record in client.records(SEARCH)]
        assert found == ["gmb-2026-1", "gmb-2026-2", "gmb-2026-3"]
        assert (await client.page(SEARCH)).next == 3


async def test_a_publication_is_read_with_its_metadata() -> None:
    async with connected(koop) as client:
        metadata, published = await client.metadata(NUMMER), await client.publication(NUMMER)
    assert metadata.referentienummer == KENNISGEVING.referentienummer
    assert (published.titel, published.tekst) == (KENNISGEVING.titel, KENNISGEVING.tekst)


async def test_what_is_not_there_yet_is_told_so_at_once() -> None:
    asked = []

    def script(path: str, headers: dict[str, str]) -> bytes:
        asked.append(path)
        return koop(path, headers)

    async with connected(script) as client:
        with pytest.raises(FacilityNotFound) as missing:
            await client.metadata(Nummer(Blad.GEMEENTEBLAD, 2026, 9))
    assert len(asked) == 1
    assert "DSO" not in missing.value.advice


async def test_a_record_of_another_publication_is_refused() -> None:
    other = answer(200, metadata_xml(LISTED[0].publicatie), "text/xml")
    async with connected(lambda *_: other) as client:
        with pytest.raises(FacilityAnswerBroken, match="is of another"):
            await client.metadata(NUMMER)


async def test_calls_keep_their_distance_however_many_ask_at_once() -> None:
    loop, arrived = asyncio.get_running_loop(), []

    def script(path: str, headers: dict[str, str]) -> bytes:
        arrived.append(loop.time())
        return NOTHING

    async with connected(script, search_pause_ms=60) as client:
        begun = loop.time()
        await asyncio.gather(*(client.page(SEARCH) for _ in range(4)))
    assert len(arrived) == 4
    for number, at in enumerate(sorted(arrived)):
        assert at - begun >= number * 0.06


async def test_the_two_hosts_do_not_wait_for_each_other() -> None:
    async with connected(koop, search_pause_ms=60_000, longest_wait_ms=120_000) as client:
        await client.page(SEARCH)
        async with asyncio.timeout(5):
            await client.metadata(NUMMER)


@pytest.mark.parametrize("status", [429, 500, 503, 408])
async def test_a_busy_host_is_asked_again_after_it_had_time(status: int) -> None:
    loop, arrived = asyncio.get_running_loop(), []

    def script(path: str, headers: dict[str, str]) -> bytes:
        arrived.append(loop.time())
        return answer(status) if len(arrived) < 3 else koop(path, headers)

    async with connected(script, first_wait_ms=40) as client:
        begun = loop.time()
        assert (await client.page(SEARCH)).total == 3
    assert arrived[1] - begun >= 0.04
    assert arrived[2] - begun >= 0.04 + 0.08


async def test_a_connection_that_breaks_is_tried_again() -> None:
    asked = []

    def script(path: str, headers: dict[str, str]) -> bytes | None:
        asked.append(path)
        return None if len(asked) == 1 else koop(path, headers)

    async with connected(script) as client:
        assert (await client.page(SEARCH)).total == 3


async def test_retry_after_is_obeyed_by_whoever_asks_next() -> None:
    loop, arrived = asyncio.get_running_loop(), []

    def script(path: str, headers: dict[str, str]) -> bytes:
        arrived.append(loop.time())
        return answer(429, Retry_After=SOON) if len(arrived) == 1 else NOTHING

    async with connected(script, attempts=1) as client:
        begun = loop.time()
        with pytest.raises(FacilityUnavailable):
            await client.page(SEARCH)
        await client.page(SEARCH)
    assert len(arrived) == 2
    assert arrived[1] - begun >= 0.1


async def test_a_host_that_wants_to_be_left_alone_for_long_is_left_alone() -> None:
    asked = []

    def script(path: str, headers: dict[str, str]) -> bytes:
        asked.append(path)
        return answer(503, Retry_After=LATER)

    async with connected(script) as client:
        for _ in range(2):
            with pytest.raises(FacilityUnavailable) as unavailable:
                await client.page(SEARCH)
            assert unavailable.value.retry_after == pytest.approx(3599.1, abs=30)
    assert len(asked) == 1


async def test_after_the_last_attempt_it_is_told() -> None:
    asked = []

    def script(path: str, headers: dict[str, str]) -> bytes:
        asked.append(path)
        return answer(500)

    async with connected(script) as client:
        with pytest.raises(FacilityUnavailable, match="answered 500"):
            await client.page(SEARCH)
    assert len(asked) == 3


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (answer(400), FacilityError),
        (answer(403), FacilityRefused),
        (answer(302, location="http://127.0.0.1:1/"), FacilityAnswerBroken),
        (answer(200, b"<html>storing</html>", "text/html"), FacilityAnswerBroken),
        (answer(200, b"x", content_encoding="gzip"), FacilityAnswerBroken),
    ],
)
async def test_other_answers_are_errors_of_their_kind_and_are_not_asked_again(
    said: bytes, expected: type[FacilityError]
) -> None:
    asked = []

    def script(path: str, headers: dict[str, str]) -> bytes:
        asked.append(path)
        return said

    async with connected(script) as client:
        with pytest.raises(FacilityError) as raised:
            await client.page(SEARCH)
    assert type(raised.value) is expected
    assert len(asked) == 1


async def test_an_answer_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facility_calls, "DOCUMENT_LIMIT", 1000)
    async with connected(lambda *_: answer(200, b"x" * 2000)) as client:
        with pytest.raises(FacilityAnswerBroken, match="over 1000 bytes"):
            await client.page(SEARCH)


async def test_an_answer_that_comes_drop_by_drop_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    left = asyncio.Event()

    async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(200, b"x" * 1_000_000)[:-1_000_000])
        while not writer.is_closing():
            writer.write(b"x")
            await asyncio.sleep(0.02)
        writer.close()
        left.set()

    monkeypatch.setattr(sru_client, "LONGEST_CALL", 0.2)
    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    async with server, MtlsSessions(PublicContexts(), Timeouts(5, 5, 5)) as sessions:
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/sru"
        profile = replace(PROFILE, sru_url=address, attempts=1)
        client = SruClient(MtlsHttp(sessions, "sandbox-pre", ""), profile, NinthHour())
        with pytest.raises(FacilityUnavailable, match="not done within"):
            await client.page(SEARCH)
        await left.wait()


async def test_pages_without_end_are_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sru_client, "MOST_PAGES", 3)
    endless = b"<a><numberOfRecords>9</numberOfRecords><records><record/></records></a>"
    async with connected(lambda *_: answer(200, endless)) as client:
        with pytest.raises(FacilityAnswerBroken, match="do not end"):
            assert [record async for record in client.records(SEARCH)] == []


async def test_a_turn_waits_for_a_hold_that_came_meanwhile() -> None:
    loop, pace = asyncio.get_running_loop(), Pace(0.05, 10)
    await pace.turn()
    begun = loop.time()
    waiting = asyncio.create_task(pace.turn())
    await asyncio.sleep(0)
    pace.hold(0.15)
    await waiting
    assert loop.time() - begun >= 0.15


async def test_a_public_server_needs_no_certificate_of_ours_and_must_be_trusted(tmp_path: Path) -> None:
    authority = Authority()
    identity = Identity(*authority.issue(Shape()).write(tmp_path))
    server = await asyncio.start_server(said_nothing, "127.0.0.1", 0, ssl=application_context(identity))
    url = f"https://localhost:{server.sockets[0].getsockname()[1]}/"
    async with server:
        for contexts, trusted in ((PublicContexts([authority.write_root(tmp_path)]), True), (PublicContexts(), False)):
            async with MtlsSessions(contexts, Timeouts(2, 2, 2)) as sessions:
                http = MtlsHttp(sessions, "prod", "")
                if trusted:
                    async with http.get(url) as got:
                        assert got.status == 204
                else:
                    with pytest.raises(PartnerUnreachable, match="not trusted"):
                        async with http.get(url):
                            pass


async def said_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(answer(204))
    await writer.drain()
    writer.close()
