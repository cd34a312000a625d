"""Trust as it is built from files and CRLs, over real TLS sockets too, and how cheap a kept verdict is."""

import time
from datetime import timedelta
from pathlib import Path

import pytest
from tests.certificates import GEMEENTE, LEVERANCIER, NOW, Authority, Issued, Shape, self_signed
from tests.servers import attempt, client_tls, echo, serving
from tests.unit.adapters.test_keys import FixedClock

from digikoppelaar.adapters.keys import Keyring
from digikoppelaar.adapters.trust import TrustBase, TrustFiles
from digikoppelaar.errors import ConfigError, TrustError
from digikoppelaar.pki.certificate import Use, read_certificate, read_certificates
from digikoppelaar.pki.crl import read_crls

AUTHORITY = Authority("Trust")
PSS = Authority("Trust G4", pss=True)
CALLER = AUTHORITY.issue(Shape(oin=LEVERANCIER))
REQUEST = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi"


@pytest.fixture
def clock() -> FixedClock:
    """At NOW."""
    return FixedClock()


def trust(folder: Path, clock: FixedClock, authority: Authority = AUTHORITY, policy: str = "strict") -> TrustBase:
    """Of `pre`, with root and intermediates in files, and no CRL yet."""
    below = folder / "below.pem"
    below.write_bytes(authority.issue().chain_pem().partition(b"-----END CERTIFICATE-----\n")[2])
    return TrustBase({"pre": TrustFiles([authority.write_root(folder)], [below], policy=policy)}, clock)


async def answered(folder: Path, base: TrustBase, clock: FixedClock, authority: Authority, caller: Issued) -> bool:
    """Whether a listener of the gemeente lets the caller in."""
    ring = Keyring(authority.issue().record(folder, Use.TLS_SERVER), base, clock)
    async with serving(echo, lambda: ring.server_context("pre", GEMEENTE)) as port:
        return b"200" in await attempt(port, client_tls(folder, caller, authority), REQUEST)


@pytest.mark.statement(179, 180)
async def test_strict_tls_wants_a_current_crl_of_every_authority(tmp_path: Path, clock: FixedClock) -> None:
    base = trust(tmp_path, clock)
    assert not await answered(tmp_path, base, clock, AUTHORITY, CALLER)
    base.set_crls("pre", read_crls(AUTHORITY.crls(age=timedelta(hours=6))))
    assert not await answered(tmp_path, base, clock, AUTHORITY, CALLER)
    base.set_crls("pre", read_crls(AUTHORITY.crl(AUTHORITY.tsp)))
    assert not await answered(tmp_path, base, clock, AUTHORITY, CALLER)
    base.set_crls("pre", read_crls(AUTHORITY.crls()))
    assert await answered(tmp_path, base, clock, AUTHORITY, CALLER)


@pytest.mark.statement(176)
async def test_a_client_outside_the_trusted_root_is_refused(tmp_path: Path, clock: FixedClock) -> None:
    base = trust(tmp_path, clock)
    base.set_crls("pre", read_crls(AUTHORITY.crls()))
    stranger = Authority("Another root").issue(Shape(oin=LEVERANCIER))
    assert not await answered(tmp_path, base, clock, AUTHORITY, stranger)
    assert await answered(tmp_path, base, clock, AUTHORITY, CALLER)


@pytest.mark.statement(178)
async def test_a_revoked_client_is_refused_at_the_next_handshake(tmp_path: Path, clock: FixedClock) -> None:
    base = trust(tmp_path, clock)
    base.set_crls("pre", read_crls(AUTHORITY.crls()))
    ring = Keyring(AUTHORITY.issue().record(tmp_path, Use.TLS_SERVER), base, clock)
    context = client_tls(tmp_path, CALLER, AUTHORITY)
    async with serving(echo, lambda: ring.server_context("pre", GEMEENTE)) as port:
        assert b"200" in await attempt(port, context, REQUEST)
        base.set_crls("pre", read_crls(AUTHORITY.crls(CALLER, age=timedelta(minutes=1))))
        assert await attempt(port, context, REQUEST) == b""


@pytest.mark.statement(184, 185)
async def test_tls_takes_a_g4_chain_with_pss_of_which_the_client_sends_only_its_own(
    tmp_path: Path, clock: FixedClock
) -> None:
    base = trust(tmp_path, clock, PSS)
    base.set_crls("pre", read_crls(PSS.crls()))
    caller = PSS.issue(Shape(oin=LEVERANCIER))
    assert await answered(tmp_path, base, clock, PSS, Issued(caller.certificate, caller.key))


async def test_legacy_checks_crls_only_when_all_are_there_and_current(tmp_path: Path, clock: FixedClock) -> None:
    base = trust(tmp_path, clock, policy="legacy")
    assert await answered(tmp_path, base, clock, AUTHORITY, CALLER)
    base.set_crls("pre", read_crls(AUTHORITY.crls(CALLER)))
    assert not await answered(tmp_path, base, clock, AUTHORITY, CALLER)
    clock.time = NOW + timedelta(hours=5)
    assert base.crl_check("pre") is False


@pytest.mark.statement(124)
async def test_a_verdict_follows_the_crls(tmp_path: Path, clock: FixedClock) -> None:
    base = trust(tmp_path, clock)
    assert await base.problem("pre", CALLER.der, NOW) == "a CA of its chain has no current CRL"
    base.set_crls("pre", read_crls(AUTHORITY.crls()))
    assert await base.problem("pre", CALLER.der, NOW) is None
    base.set_crls("pre", read_crls(AUTHORITY.crls(CALLER)))
    assert await base.problem("pre", CALLER.der, NOW) == "it or a CA above it is revoked"


async def test_what_did_not_hold_alone_holds_with_the_certificates_above_it_and_the_other_way_round(
    tmp_path: Path, clock: FixedClock
) -> None:
    base = TrustBase({"pre": TrustFiles([AUTHORITY.write_root(tmp_path)], policy="legacy")}, clock)
    above = [each.der for each in read_certificates(CALLER.chain_pem())[1:]]
    for _ in range(2):
        assert "does not reach" in str(await base.problem("pre", CALLER.der, NOW))
        assert await base.problem("pre", CALLER.der, NOW, chain=above) is None


@pytest.mark.statement(152)
async def test_an_encryption_certificate_is_judged_for_encryption(tmp_path: Path, clock: FixedClock) -> None:
    base = trust(tmp_path, clock, policy="legacy")
    only = AUTHORITY.issue(Shape(oin=LEVERANCIER, digital_signature=False))
    assert await base.problem("pre", only.der, NOW, use=Use.DECRYPT) is None
    assert await base.problem("pre", only.der, NOW, use=Use.SIGN) is not None
    expired = AUTHORITY.issue(Shape(oin=LEVERANCIER, not_after=NOW - timedelta(hours=1)))
    assert "expired" in str(await base.problem("pre", expired.der, NOW, use=Use.DECRYPT))


async def test_a_certificate_that_becomes_valid_is_looked_at_again(tmp_path: Path, clock: FixedClock) -> None:
    base = trust(tmp_path, clock, policy="legacy")
    early = AUTHORITY.issue(Shape(oin=LEVERANCIER, not_before=NOW + timedelta(seconds=30)))
    assert "not valid yet" in str(await base.problem("pre", early.der, NOW))
    clock.time = NOW + timedelta(seconds=90)
    assert await base.problem("pre", early.der, clock.time) is None


async def test_the_lab_takes_who_vouches_for_itself_and_needs_no_anchor(clock: FixedClock) -> None:
    base = TrustBase({"sandbox-pre": TrustFiles()}, clock)
    assert await base.problem("sandbox-pre", self_signed().der, NOW) is None
    issued = Authority("Lab", sandbox=True).issue(Shape(sandbox=True))
    assert "does not reach" in str(await base.problem("sandbox-pre", issued.der, NOW))


async def test_garbage_is_not_trusted(tmp_path: Path, clock: FixedClock) -> None:
    assert "cannot be read" in str(await trust(tmp_path, clock).problem("pre", b"garbage", NOW))


async def test_what_was_learned_from_a_stranger_leads_nowhere(tmp_path: Path, clock: FixedClock) -> None:
    base = TrustBase({"pre": TrustFiles([AUTHORITY.write_root(tmp_path)], policy="legacy")}, clock)
    stranger = Authority("Stranger to trust")
    base.learn("pre", read_certificates(stranger.issue().chain_pem()))
    assert "does not reach" in str(await base.problem("pre", stranger.issue().der, NOW))
    base.learn("pre", read_certificates(CALLER.chain_pem())[1:])
    assert await base.problem("pre", CALLER.der, NOW) is None


def test_an_anchor_that_changed_on_disk_is_taken_up_and_a_broken_one_is_not(tmp_path: Path, clock: FixedClock) -> None:
    base = trust(tmp_path, clock)
    before = base.version("pre")
    (tmp_path / "root.pem").write_text("no certificate")
    base.refresh()
    assert (base.version("pre"), base.store("pre").anchors) == (before, (read_certificate(AUTHORITY.root.der),))
    PSS.write_root(tmp_path)
    base.refresh()
    assert base.store("pre").anchors == (read_certificate(PSS.root.der),)


def test_each_omgeving_has_the_policies_that_it_may_have(clock: FixedClock) -> None:
    base = TrustBase({"pre": TrustFiles(policy="lab"), "sandbox-pre": TrustFiles(policy="strict")}, clock)
    for omgeving in ("pre", "sandbox-pre"):
        with pytest.raises(ConfigError, match=f"{omgeving} cannot have the policy"):
            base.policy(omgeving)
    assert (base.policy("prod"), base.policy("sandbox-prod")) == ("strict", "lab")


def test_production_takes_no_trial_anchor(tmp_path: Path, clock: FixedClock) -> None:
    base = TrustBase({"prod": TrustFiles([Authority("TRIAL PKIoverheid").write_root(tmp_path)])}, clock)
    with pytest.raises(TrustError, match=r"root\.pem: a certificate of TRIAL PKIoverheid is refused in prod"):
        base.store("prod")


async def test_a_kept_verdict_costs_microseconds(tmp_path: Path, clock: FixedClock) -> None:
    base = trust(tmp_path, clock, policy="legacy")
    der = CALLER.der
    await base.problem("pre", der, NOW)
    began = time.perf_counter()
    for _ in range(2000):
        await base.problem("pre", der, NOW, NOW)
    assert (time.perf_counter() - began) / 2000 < 100e-6
