"""The checks of onboarding on real certificates: bad input is named, with who must act; what is good is only good."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.certificates import CLIENT_AUTH, GEMEENTE, LEVERANCIER, NOW, Authority, Issued, Shape, self_signed

from digikoppelaar.onboarding import checks
from digikoppelaar.onboarding.checks import Certificates, Held, Who
from digikoppelaar.onboarding.findings import RULES
from digikoppelaar.onboarding.model import Finding, Rol, Severity
from digikoppelaar.pki.certificate import Use, read_certificates

HOST, OTHER_HOST = "ebms.voorbeeldstad.example", "ebms-pre.voorbeeldstad.example"
WHO = Who(GEMEENTE, GEMEENTE, "prod")
TLS = (Use.TLS_SERVER, Use.TLS_CLIENT)
PKI, STRANGERS = Authority(), Authority("Strangers")
ANCHORS = read_certificates(PKI.root.chain_pem())
GOOD = Shape(names=(HOST,), not_after=NOW + timedelta(days=300))


def held(issued: Issued, uses: tuple[Use, ...] = TLS, **changed: object) -> Held:
    return replace(Held("leaf.pem", uses, read_certificates(issued.chain_pem())), **changed)


def judged(*certificates: Held, **changed: object) -> list[Finding]:
    facts = Certificates(WHO, certificates, TLS, ANCHORS, {}, HOST, OTHER_HOST)
    return checks.certificates(replace(facts, **changed), NOW)


def troubles(findings: Sequence[Finding]) -> list[tuple[str, Rol | None]]:
    return [(each.code, each.who) for each in findings if each.severity is not Severity.GOOD]


def codes(findings: Sequence[Finding]) -> list[str]:
    return [each.code for each in findings]


def test_a_good_certificate_gives_only_good_findings() -> None:
    findings = judged(held(PKI.issue(GOOD)))
    assert codes(findings) == ["certificate-good", "certificate-one-omgeving"]
    assert {each.severity for each in findings} == {Severity.GOOD}
    assert f"van {GEMEENTE}" in findings[0].says
    assert "300 dagen" in findings[0].says


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (held(PKI.issue(GOOD), key_fits=False), "certificate-wrong-key"),
        (held(PKI.issue(replace(GOOD, oin=None))), "certificate-no-oin"),
        (held(PKI.issue(replace(GOOD, not_after=NOW - timedelta(hours=1)))), "certificate-expired"),
        (held(PKI.issue(replace(GOOD, not_before=NOW + timedelta(days=1)))), "certificate-not-yet-valid"),
        (held(self_signed()), "certificate-self-signed"),
        (held(replace(PKI.issue(GOOD), above=())), "certificate-no-intermediate"),
        (held(replace(PKI.issue(GOOD), above=PKI.issue(GOOD).above[:1])), "certificate-no-intermediate"),
        (
            held(replace(STRANGERS.issue(GOOD), above=(*STRANGERS.issue(GOOD).above, STRANGERS.root.certificate))),
            "certificate-other-hierarchy",
        ),
        (held(PKI.issue(replace(GOOD, usages=(CLIENT_AUTH,)))), "certificate-purpose"),
        (held(PKI.issue(replace(GOOD, names=(OTHER_HOST,)))), "certificate-host"),
        (held(PKI.issue(GOOD), distrust="it is revoked"), "certificate-not-trusted"),
        (Held("leaf.pem", TLS), "certificate-unreadable"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_with_a_certificate_is_named_with_who_must_act(bad: Held, code: str) -> None:
    findings = judged(bad)
    assert (code, Rol.DIGIKOPPELAAR) in troubles(findings)
    assert "certificate-good" not in codes(findings)
    [named] = [each for each in findings if each.code == code]
    assert named.severity is Severity.WRONG
    assert "leaf.pem" in named.says
    assert named.why
    assert named.advice


def test_another_oin_is_wrong_without_machtiging_and_the_bevoegd_gezag_must_give_it() -> None:
    of_leverancier = held(PKI.issue(replace(GOOD, oin=LEVERANCIER)))
    who = Who(GEMEENTE, LEVERANCIER, "prod")
    assert troubles(judged(of_leverancier, who=who)) == [("certificate-other-oin", Rol.BEVOEGD_GEZAG)]
    acts_for = {LEVERANCIER: frozenset({GEMEENTE})}
    assert troubles(judged(of_leverancier, who=who, acts_for=acts_for)) == []
    assert troubles(judged(of_leverancier, who=WHO, acts_for=acts_for)) == [
        ("certificate-other-partij", Rol.DIGIKOPPELAAR)
    ]


def test_a_machtiging_for_somebody_else_does_not_count() -> None:
    of_leverancier = held(PKI.issue(replace(GOOD, oin=LEVERANCIER)))
    acts_for = {LEVERANCIER: frozenset({"00000099000000007000"}), GEMEENTE: frozenset({GEMEENTE})}
    findings = judged(of_leverancier, who=Who(GEMEENTE, LEVERANCIER, "prod"), acts_for=acts_for)
    assert ("certificate-other-oin", Rol.BEVOEGD_GEZAG) in troubles(findings)


def test_whether_it_can_serve_pre_and_prod_is_explained() -> None:
    both = held(PKI.issue(replace(GOOD, names=(HOST, OTHER_HOST))))
    assert codes(judged(both))[-1] == "certificate-pre-and-prod"
    told = judged(held(PKI.issue(GOOD)))[-1]
    assert f"kan niet ook voor PRE dienen: het noemt {OTHER_HOST} niet" in told.says
    assert "public_url" in judged(held(PKI.issue(GOOD)), other_host="")[-1].says


def test_one_of_trial_pkioverheid_cannot_serve_prod() -> None:
    trial = Authority("TRIAL PKIoverheid")
    certificate = held(trial.issue(replace(GOOD, names=(HOST, OTHER_HOST))))
    anchors = read_certificates(trial.root.chain_pem())
    [*_, told] = judged(certificate, who=Who(GEMEENTE, GEMEENTE, "pre"), anchors=anchors)
    assert "TRIAL" in told.says


def test_of_two_for_one_use_the_good_one_counts() -> None:
    old = held(PKI.issue(replace(GOOD, not_after=NOW - timedelta(days=1))), file="old.pem")
    assert troubles(judged(old, held(PKI.issue(GOOD)))) == []
    assert troubles(judged(held(PKI.issue(GOOD)), old)) == []


def test_one_that_ends_soon_is_a_warning() -> None:
    soon = judged(held(PKI.issue(replace(GOOD, not_after=NOW + timedelta(days=20)))))
    assert troubles(soon) == [("certificate-ends", Rol.DIGIKOPPELAAR)]
    assert not any(each.holds_up for each in soon)


def test_what_is_not_there_yet_is_missing_and_not_wrong() -> None:
    [missing] = judged()
    assert (missing.code, missing.severity) == ("certificate-missing", Severity.MISSING)
    assert "TLS als server, TLS als client" in missing.says
    assert codes(judged(held(PKI.issue(GOOD), (Use.TLS_SERVER,)))) == [
        "certificate-missing",
        "certificate-good",
        "certificate-one-omgeving",
    ]
    assert codes(judged(held(PKI.issue(GOOD)), anchors=None)) == ["certificate-no-anchors"]


def test_a_host_that_nobody_named_is_a_warning() -> None:
    assert troubles(judged(held(PKI.issue(GOOD)), host="")) == [("certificate-host-unknown", Rol.DIGIKOPPELAAR)]


# --- oin, machtiging, clock, pre, stage ------------------------------------------------------------------------------


def test_an_oin_is_judged_by_its_form_and_by_where_it_must_count() -> None:
    assert codes(checks.oin(Who(GEMEENTE, LEVERANCIER, "pre"))) == ["oin-good"]
    assert troubles(checks.oin(Who("123", GEMEENTE, "pre"))) == [("oin-invalid", Rol.BEVOEGD_GEZAG)]
    assert [each.code for each in checks.oin(Who(GEMEENTE, LEVERANCIER, "prod"))] == ["oin-test", "oin-test"]


def test_nobody_needs_a_machtiging_for_himself() -> None:
    other = Who(GEMEENTE, LEVERANCIER, "pre")
    assert codes(checks.machtiging(WHO, frozenset())) == ["machtiging-own"]
    assert codes(checks.machtiging(other, frozenset({GEMEENTE}))) == ["machtiging-good"]
    assert troubles(checks.machtiging(other, frozenset({LEVERANCIER}))) == [("machtiging-missing", Rol.BEVOEGD_GEZAG)]


@pytest.mark.parametrize(
    ("seconds", "code"), [(2, "clock-good"), (-40, "clock-off"), (301, "clock-wrong"), (-301, "clock-wrong")]
)
def test_a_clock_is_judged_by_how_far_it_is_off(seconds: int, code: str) -> None:
    [finding] = checks.clock("DSO-LV", NOW + timedelta(seconds=seconds), NOW)
    assert finding.code == code
    assert f"{abs(seconds)} s" in finding.says


def test_prod_waits_for_pre() -> None:
    assert codes(checks.pre_complete([])) == ["pre-complete"]
    [finding] = checks.pre_complete(["3.6", "7.2"])
    assert (finding.code, finding.severity) == ("pre-not-complete", Severity.MISSING)
    assert "stap 3.6, 7.2" in finding.says


def test_a_stage_says_what_is_missing_and_whose_turn_it_is() -> None:
    assert codes(checks.stage("1", [], [])) == ["stage-good"]
    findings = checks.stage("1", ["besluit"], ["aanvraag"])
    assert troubles(findings) == [("stage-undelivered", Rol.LEVERANCIER), ("stage-unconfirmed", Rol.KOOP)]


# --- the table -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", RULES)
def test_every_finding_that_is_not_good_says_what_to_do_and_who_must(code: str) -> None:
    rule = RULES[code]
    if rule.severity is not Severity.GOOD:
        assert rule.who
        assert rule.why
        assert rule.advice or code == "cpa-remark"
