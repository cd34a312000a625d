"""Fetching CRLs: when, what is believed, and what a fault costs."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from structlog.testing import capture_logs
from tests.certificates import NOW, Authority, Issued, ec_key

from digikoppelaar.adapters.memory.trust import MemoryTrust
from digikoppelaar.errors import PartnerUnreachable
from digikoppelaar.flows.revocation import AGAIN_AFTER, Revocation
from digikoppelaar.pki.certificate import read_certificate
from digikoppelaar.pki.crl import read_crl

AUTHORITY = Authority("Revocation")
PSS = Authority("Revocation PSS", pss=True)
STRANGER = Authority("Stranger")
THIEF = Issued(AUTHORITY.tsp.certificate, ec_key("thief"))
"""Has the name of an authority, and another key."""
AUTHORITIES = [read_certificate(each.der) for each in (AUTHORITY.root, AUTHORITY.domain, AUTHORITY.tsp, PSS.tsp)]
URL = "http://crl.example/tsp.crl"


@dataclass(slots=True)
class Watch:
    time: datetime = NOW

    def now(self) -> datetime:
        """What it was set to."""
        return self.time


@dataclass(slots=True)
class Published:
    """What is at the URL; None: no answer."""

    document: bytes | None
    asked: list[str] = field(default_factory=list)

    async def __call__(self, url: str) -> bytes:
        """See flows.ports.trust.CrlSource."""
        self.asked.append(url)
        if self.document is None:
            raise PartnerUnreachable("crl.example: no answer")
        return self.document


@dataclass(slots=True)
class World:
    published: Published
    watch: Watch = field(default_factory=Watch)
    records: MemoryTrust = field(default_factory=MemoryTrust)

    async def refresh(self, *sources: str) -> None:
        """One look at what is due."""
        revocation = Revocation(self.records, self.published, self.watch)
        await revocation.refresh("pre", sources or (URL,), AUTHORITIES)

    async def problem(self) -> str | None:
        """Of the one source."""
        [stored] = await self.records.crls("pre")
        return stored.problem


@pytest.mark.statement(180)
async def test_a_crl_is_fetched_at_once_and_again_after_half_of_its_life() -> None:
    world = World(Published(AUTHORITY.crl(AUTHORITY.tsp, life=timedelta(hours=5))))
    for minutes, fetched in ((0, 1), (1, 1), (149, 1), (151, 2)):
        world.watch.time = NOW + timedelta(minutes=minutes)
        await world.refresh()
        assert len(world.published.asked) == fetched


@pytest.mark.statement(180)
async def test_a_crl_that_lives_long_is_fetched_every_four_hours() -> None:
    world = World(Published(AUTHORITY.crl(AUTHORITY.tsp, life=timedelta(days=90))))
    for hours, fetched in ((0, 1), (3.9, 1), (4.1, 2)):
        world.watch.time = NOW + timedelta(hours=hours)
        await world.refresh()
        assert len(world.published.asked) == fetched


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (STRANGER.crl(STRANGER.tsp), "no known authority signed"),
        (AUTHORITY.crl(THIEF), "no known authority signed"),
        (AUTHORITY.crl(AUTHORITY.tsp, age=timedelta(hours=6)), "past its nextUpdate"),
        (AUTHORITY.crl(AUTHORITY.tsp, age=-timedelta(hours=4)), "of the future"),
        (b"<html>Storing</html>", "no readable CRL"),
        (b"", "no readable CRL"),
        (None, "no answer"),
    ],
)
async def test_what_cannot_be_believed_keeps_the_old_one_and_is_tried_again_soon(
    document: bytes | None, reason: str
) -> None:
    good = AUTHORITY.crl(AUTHORITY.tsp, life=timedelta(hours=5))
    world = World(Published(good))
    await world.refresh()
    world.published.document = document
    world.watch.time = NOW + timedelta(hours=3)
    await world.refresh()
    [stored] = await world.records.crls("pre")
    assert stored.crl == read_crl(good)
    assert reason in str(stored.problem)
    world.published.document = AUTHORITY.crl(AUTHORITY.tsp, age=-timedelta(hours=3))
    world.watch.time += AGAIN_AFTER
    await world.refresh()
    assert await world.problem() is None


async def test_a_crl_with_a_pss_signature_is_believed() -> None:
    world = World(Published(PSS.crl(PSS.tsp)))
    await world.refresh()
    assert await world.problem() is None


async def test_der_and_pem_are_both_read() -> None:
    pem = AUTHORITY.crl(AUTHORITY.tsp)
    for document in (pem, read_crl(pem).der):
        world = World(Published(document))
        await world.refresh()
        assert await world.problem() is None


async def test_half_way_without_a_newer_one_is_told() -> None:
    world = World(Published(AUTHORITY.crl(AUTHORITY.tsp, life=timedelta(hours=5))))
    await world.refresh()
    world.watch.time = NOW + timedelta(hours=2, minutes=31)
    with capture_logs() as logs:
        await world.refresh()
    assert [entry["event"] for entry in logs if entry["log_level"] == "warning"] == ["crl_half_over"]


async def test_a_source_that_is_no_longer_wanted_is_forgotten() -> None:
    world = World(Published(AUTHORITY.crl(AUTHORITY.tsp)))
    await world.refresh(URL, "http://crl.example/other.crl")
    await world.refresh(URL)
    assert [stored.source for stored in await world.records.crls("pre")] == [URL]
