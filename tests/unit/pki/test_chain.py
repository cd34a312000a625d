"""Chains of signing certificates: who is trusted, and in which words others are not."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from tests.certificates import NOW, Authority, Issued, Shape, ec_key, rsa_key, self_signed

from digikoppelaar.pki.certificate import Certificate, Use, read_certificate, read_certificates
from digikoppelaar.pki.chain import TrustStore, authorities, judge
from digikoppelaar.pki.crl import read_crls
from digikoppelaar.pki.policy import RULES, Policy

AUTHORITY = Authority("Chain")
OTHER = Authority("Stranger")
TRIAL = Authority("TRIAL PKIoverheid")
PSS = Authority("G4", pss=True)


def certificate(issued: Issued) -> Certificate:
    """Its facts."""
    return read_certificate(issued.der)


def store(
    authority: Authority = AUTHORITY,
    policy: Policy = Policy.STRICT,
    crls: bytes | None = None,
    known: Iterable[Issued] | None = None,
) -> TrustStore:
    """Trust in the root of `authority`, with all its CRLs unless told otherwise."""
    root = certificate(authority.root)
    below = [certificate(each) for each in ((authority.domain, authority.tsp) if known is None else known)]
    documents = authority.crls() if crls is None else crls
    return TrustStore((root,), authorities([root], below), read_crls(documents) if documents else (), RULES[policy])


@pytest.mark.statement(185)
def test_a_chain_of_four_levels_is_trusted_with_intermediates_that_we_have() -> None:
    verdict = judge(certificate(AUTHORITY.issue()), Use.SIGN, store(), NOW)
    assert verdict.at(NOW) is None


@pytest.mark.statement(185)
def test_intermediates_may_come_along_with_the_certificate() -> None:
    issued = AUTHORITY.issue()
    assert "does not reach" in str(judge(certificate(issued), Use.SIGN, store(known=()), NOW).problem)
    chain = read_certificates(issued.chain_pem())[1:]
    assert judge(certificate(issued), Use.SIGN, store(known=()), NOW, chain).at(NOW) is None


@pytest.mark.statement(184)
def test_a_chain_in_the_shape_of_g4_with_pss_on_certificates_and_crls_is_trusted() -> None:
    verdict = judge(certificate(PSS.issue()), Use.SIGN, store(PSS), NOW)
    assert verdict.at(NOW) is None


@pytest.mark.statement(125)
def test_a_certificate_of_another_hierarchy_is_not_trusted() -> None:
    verdict = judge(certificate(OTHER.issue()), Use.SIGN, store(), NOW)
    assert verdict.at(NOW) == "its chain does not reach a trust anchor of this omgeving"


@pytest.mark.statement(124)
@pytest.mark.parametrize("policy", [Policy.STRICT, Policy.LEGACY])
def test_a_revoked_certificate_is_not_trusted(policy: Policy) -> None:
    issued = AUTHORITY.issue()
    verdict = judge(certificate(issued), Use.SIGN, store(policy=policy, crls=AUTHORITY.crls(issued)), NOW)
    assert verdict.at(NOW) == "it or a CA above it is revoked"


@pytest.mark.statement(124, 180)
def test_a_revoked_authority_takes_its_certificates_along() -> None:
    verdict = judge(certificate(AUTHORITY.issue()), Use.SIGN, store(crls=AUTHORITY.crls(AUTHORITY.tsp)), NOW)
    assert verdict.at(NOW) == "it or a CA above it is revoked"


@pytest.mark.statement(180)
@pytest.mark.parametrize("missing", ["root", "domain", "tsp"])
def test_every_authority_of_a_chain_needs_a_crl(missing: str) -> None:
    issuers = [issuer for name in ("root", "domain", "tsp") if name != missing and (issuer := getattr(AUTHORITY, name))]
    crls = b"".join(AUTHORITY.crl(issuer) for issuer in issuers)
    verdict = judge(certificate(AUTHORITY.issue()), Use.SIGN, store(crls=crls), NOW)
    assert verdict.at(NOW) == "a CA of its chain has no current CRL"


@pytest.mark.statement(179)
def test_a_crl_past_its_next_update_ends_trust_in_strict_only() -> None:
    stale = AUTHORITY.crls(age=timedelta(hours=6))
    issued = certificate(AUTHORITY.issue())
    verdict = judge(issued, Use.SIGN, store(crls=stale), NOW)
    assert verdict.at(NOW) == "a CA of its chain has no current CRL"
    assert judge(issued, Use.SIGN, store(policy=Policy.LEGACY, crls=stale), NOW).at(NOW) is None


@pytest.mark.statement(179)
def test_a_verdict_that_is_kept_ends_with_the_first_crl() -> None:
    verdict = judge(certificate(AUTHORITY.issue()), Use.SIGN, store(), NOW)
    assert verdict.at(NOW + timedelta(hours=3, minutes=59)) is None
    assert "past its nextUpdate" in str(verdict.at(NOW + timedelta(hours=4, minutes=1)))


@pytest.mark.statement(124)
def test_a_certificate_has_to_count_at_the_timestamp_and_at_receipt() -> None:
    verdict = judge(certificate(AUTHORITY.issue()), Use.SIGN, store(), NOW)
    assert "not valid before" in str(verdict.at(NOW - timedelta(days=2), NOW))
    assert "expired on" in str(verdict.at(NOW, NOW + timedelta(days=31)))


def test_a_certificate_that_is_over_or_not_yet_valid_is_told() -> None:
    over = certificate(AUTHORITY.issue(Shape(not_after=NOW - timedelta(hours=1))))
    early = certificate(AUTHORITY.issue(Shape(not_before=NOW + timedelta(hours=1))))
    assert "has expired" in str(judge(over, Use.SIGN, store(), NOW).problem)
    assert "not valid yet" in str(judge(early, Use.SIGN, store(), NOW).problem)


@pytest.mark.statement(177)
def test_a_certificate_without_oin_is_not_trusted() -> None:
    assert "no OIN" in str(judge(certificate(AUTHORITY.issue(Shape(oin=None))), Use.SIGN, store(), NOW).problem)


def test_a_certificate_is_judged_for_its_purpose() -> None:
    no_signature = certificate(AUTHORITY.issue(Shape(digital_signature=False)))
    no_encryption = certificate(AUTHORITY.issue(Shape(key_encipherment=False)))
    assert "not meant for sign" in str(judge(no_signature, Use.SIGN, store(), NOW).problem)
    assert judge(no_signature, Use.DECRYPT, store(), NOW).problem is None
    assert "not meant for decrypt" in str(judge(no_encryption, Use.DECRYPT, store(), NOW).problem)


def test_weak_keys_and_digests_are_refused_in_strict() -> None:
    small = certificate(AUTHORITY.issue(Shape(key=rsa_key("small", 1024))))
    assert "1024 bits is too small" in str(judge(small, Use.SIGN, store(), NOW).problem)
    sha224 = certificate(AUTHORITY.issue(Shape(hash_algorithm=hashes.SHA224())))
    assert "sha224" in str(judge(sha224, Use.SIGN, store(), NOW).problem)
    assert judge(sha224, Use.SIGN, store(policy=Policy.LEGACY), NOW).problem is None


def test_an_elliptic_key_is_fine() -> None:
    assert (judge(certificate(AUTHORITY.issue(Shape(key=ec_key("leaf")))), Use.SIGN, store(), NOW)).problem is None


@pytest.mark.statement(183)
def test_production_refuses_the_trial_hierarchy() -> None:
    issued = certificate(TRIAL.issue())
    assert judge(issued, Use.SIGN, store(TRIAL), NOW).problem is None
    production = replace(store(TRIAL), production=True)
    assert "TRIAL" in str(judge(issued, Use.SIGN, production, NOW).problem)


def test_a_certificate_that_vouches_for_itself_counts_in_the_lab_only() -> None:
    own = certificate(self_signed())
    lab = replace(store(policy=Policy.LAB, crls=b""), sandbox=True)
    assert judge(own, Use.SIGN, lab, NOW).problem is None
    assert judge(own, Use.SIGN, store(), NOW).problem == "its chain does not hold"


def test_a_leaf_that_is_itself_an_anchor_passes() -> None:
    own = certificate(self_signed())
    anchored = replace(store(), anchors=(own,))
    assert judge(own, Use.SIGN, anchored, NOW).at(NOW) is None
    assert "expired" in str(judge(own, Use.SIGN, anchored, NOW).at(NOW + timedelta(days=31)))


def test_an_authority_that_nobody_vouches_for_is_left_out() -> None:
    root = certificate(AUTHORITY.root)
    candidates = [certificate(each) for each in (AUTHORITY.tsp, OTHER.domain, AUTHORITY.domain, AUTHORITY.issue())]
    assert authorities([root], candidates) == (root, certificate(AUTHORITY.domain), certificate(AUTHORITY.tsp))
