"""CRLs from a real HTTP server into TLS and verdicts, and warnings that are told once."""

from collections.abc import Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from structlog.testing import capture_logs
from tests.certificates import GEMEENTE, LEVERANCIER, NOW, Authority, Issued, Shape
from tests.servers import serving
from tests.unit.adapters.test_keys import FixedClock
from tests.unit.ebms.exchanges import SIGNED_OURS

from digikoppelaar.adapters.crl_fetch import CrlFetch
from digikoppelaar.adapters.keys import Keyring
from digikoppelaar.adapters.memory.trust import MemoryTrust
from digikoppelaar.adapters.trust import TrustBase, TrustFiles
from digikoppelaar.ebms.agreement import Agreement, Signing
from digikoppelaar.flows.registration import CertificateEntry
from digikoppelaar.flows.revocation import Revocation
from digikoppelaar.pki.certificate import Use
from digikoppelaar.renewal import Renewal

KEYS = Authority("Fetched")


@dataclass(slots=True)
class Records:
    """What is on record."""

    agreements: Sequence[Agreement] = ()
    entries: list[CertificateEntry] = field(default_factory=list)

    async def certificates(self, omgeving: str | None = None) -> Sequence[CertificateEntry]:
        """All."""
        return self.entries

    async def agreements_since(self, omgeving: str, row: int) -> Sequence[tuple[int, Agreement]]:
        """One at a time."""
        return [(row + 1, self.agreements[row])] if row < len(self.agreements) else []


def signed_by(issued: Issued) -> Agreement:
    """A CPA under which the partner signs with this certificate, its chain in the CPA."""
    chain = tuple(Issued(each, issued.key).der for each in issued.above)

    def with_signing(signing: Signing | None) -> Signing | None:
        return signing and replace(signing, certificate=issued.der, chain=chain)

    receives = tuple(
        replace(action, channel=replace(action.channel, signing=with_signing(action.channel.signing)))
        for action in SIGNED_OURS.receives
    )
    return replace(SIGNED_OURS, receives=receives, ends_at=NOW + timedelta(days=20))


@dataclass(slots=True)
class Publisher:
    """An authority that publishes its CRLs, and counts who asks."""

    revoked: list[Issued] = field(default_factory=list)
    age: timedelta = timedelta(hours=1)
    asked: list[str] = field(default_factory=list)

    def app(self) -> Starlette:
        """At /root.crl, /domain.crl and /tsp.crl."""
        return Starlette(routes=[Route("/{level}.crl", self._crl)])

    async def _crl(self, request: Request) -> Response:
        level = request.path_params["level"]
        self.asked.append(level)
        return Response(KEYS.crl(getattr(KEYS, level), *self.revoked, age=self.age))


@asynccontextmanager
async def published(publisher: Publisher):  # type: ignore[no-untyped-def]
    """An authority whose certificates name this server."""
    async with serving(publisher.app()) as port:
        yield Authority("Fetched", crl_url=f"http://127.0.0.1:{port}")


def renewal(folder: Path, authority: Authority, agreements: Sequence[Agreement], clock: FixedClock) -> Renewal:
    """For `pre`, strict, with a key of the gemeente."""
    trust = TrustBase({"pre": TrustFiles([authority.write_root(folder)])}, clock)
    ring = Keyring(authority.issue().record(folder, Use.SIGN), trust, clock)
    return Renewal(ring, Records(agreements), MemoryTrust(), clock, ["pre"])


@pytest.mark.statement(180)
async def test_the_crls_that_certificates_name_are_fetched_and_count(tmp_path: Path) -> None:
    publisher, clock = Publisher(), FixedClock()
    async with published(publisher) as authority:
        partner = authority.issue(Shape(oin=LEVERANCIER))
        renewed = renewal(tmp_path, authority, [signed_by(partner)], clock)
        trust, revocation = renewed.keyring.trust, Revocation(renewed.records, CrlFetch(), clock)
        await renewed.start()
        await renewed.fetch(revocation)
        assert sorted(publisher.asked) == ["domain", "root", "tsp"]
        assert await trust.problem("pre", partner.der, NOW) is None
        publisher.revoked, publisher.age = [partner], -timedelta(hours=2)
        clock.time = NOW + timedelta(hours=3)
        await renewed.fetch(revocation)
        assert await trust.problem("pre", partner.der, clock.time) == "it or a CA above it is revoked"


@pytest.mark.statement(179)
async def test_a_publisher_that_is_gone_costs_nothing_until_the_crl_is_over(tmp_path: Path) -> None:
    clock = FixedClock()
    async with published(Publisher()) as authority:
        partner = authority.issue(Shape(oin=LEVERANCIER))
        renewed = renewal(tmp_path, authority, [signed_by(partner)], clock)
        revocation = Revocation(renewed.records, CrlFetch(), clock)
        await renewed.fetch(revocation)
    trust = renewed.keyring.trust
    for hours, fine in ((3, True), (5, False)):
        clock.time = NOW + timedelta(hours=hours)
        await renewed.fetch(revocation)
        assert (await trust.problem("pre", partner.der, clock.time) is None) is fine


async def test_our_own_intermediates_vouch_for_the_first_partner_before_any_key_was_used(tmp_path: Path) -> None:
    clock = FixedClock()
    renewed = renewal(tmp_path, KEYS, [], clock)
    partner = KEYS.issue(Shape(oin=LEVERANCIER))  # under the same TSP, and without its chain
    no_path = await renewed.keyring.trust.problem("pre", partner.der, NOW)
    assert no_path == "its chain does not reach a trust anchor of this omgeving"
    await renewed.start()
    clock.time = NOW + timedelta(minutes=2)
    assert await renewed.keyring.trust.problem("pre", partner.der, NOW) != no_path


async def test_another_node_takes_the_crls_from_the_database(tmp_path: Path) -> None:
    publisher, clock = Publisher(), FixedClock()
    async with published(publisher) as authority:
        partner = authority.issue(Shape(oin=LEVERANCIER))
        worker = renewal(tmp_path, authority, [signed_by(partner)], clock)
        await worker.fetch(Revocation(worker.records, CrlFetch(), clock))
        other = renewal(tmp_path, authority, [], clock)
        other.records = worker.records
        await other.start()
        chain = tuple(Issued(each, partner.key).der for each in partner.above)
        assert await other.keyring.trust.problem("pre", partner.der, NOW, chain=chain) is None


async def test_the_url_of_a_stranger_is_never_asked(tmp_path: Path) -> None:
    publisher, clock = Publisher(), FixedClock()
    async with published(publisher) as authority:
        mine = Authority("Only mine")
        renewed = renewal(tmp_path, mine, [signed_by(authority.issue(Shape(oin=LEVERANCIER)))], clock)
        await renewed.fetch(Revocation(renewed.records, CrlFetch(), clock))
    assert publisher.asked == []


async def test_what_ends_is_told_once_at_each_threshold(tmp_path: Path) -> None:
    clock = FixedClock()
    renewed = renewal(tmp_path, KEYS, [signed_by(KEYS.issue(Shape(oin=LEVERANCIER)))], clock)
    told = []
    for day in (0, 0, 24, 41):
        clock.time = NOW + timedelta(days=day)
        with capture_logs() as logs:
            await renewed.warn()
        told.append(sorted((entry["kind"], entry["event"]) for entry in logs if "kind" in entry))
    certificates = [("certificate", "ends_soon"), ("cpa", "ends_soon"), ("partner-certificate", "ends_soon")]
    assert told[0] == certificates
    assert told[1] == []
    assert told[2] == [("certificate", "ends_soon"), ("cpa", "ended"), ("partner-certificate", "ends_soon")]
    assert told[3] == [("certificate", "ended"), ("partner-certificate", "ended")]


async def test_a_certificate_that_is_put_on_record_is_taken_up(tmp_path: Path) -> None:
    renewed = renewal(tmp_path, KEYS, [], FixedClock())
    record, *_ = KEYS.issue().record(tmp_path, Use.TLS_CLIENT)
    records = renewed.registry
    assert isinstance(records, Records)
    records.entries.append(
        CertificateEntry(GEMEENTE, "pre", "tls-client", str(record.certificate_file), str(record.key_file))
    )
    await renewed.take_up()
    assert renewed.keyring.certificate("pre", GEMEENTE, Use.TLS_CLIENT).oin == GEMEENTE
