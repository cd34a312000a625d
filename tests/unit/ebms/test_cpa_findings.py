"""What is said about a CPA (statements 190-211): our own small one with real certificates, changed in one place."""

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from tests.certificates import Authority, Issued, Shape
from tests.shared import shared_data
from tests.unit.ebms.cpas import DSO, GEMEENTE, changed, cpa_document
from tests.unit.ebms.test_cpa_structure import applied, prepared

from digikoppelaar.ebms.agreement import Tolerances
from digikoppelaar.ebms.cpa_findings import check_usable, findings
from digikoppelaar.ebms.cpa_subject import Finding, Judgement, Severity
from digikoppelaar.errors import CpaError
from digikoppelaar.pki.policy import Policy

NOW = datetime(2026, 6, 1, tzinfo=UTC)
STRICT = Judgement(NOW, Policy.STRICT, {})
LEGACY = replace(STRICT, policy=Policy.LEGACY)
LAB = replace(STRICT, policy=Policy.LAB)
CBC = "http://www.w3.org/2001/04/xmlenc#aes256-cbc"


@cache
def issued(oin: str, host: str, ends: datetime = datetime(2028, 1, 1, tzinfo=UTC)) -> Issued:
    starts = datetime(2025, 1, 1, tzinfo=UTC)
    return Authority().issue(Shape(oin=oin, names=(host,), not_before=starts, not_after=ends))


def with_certificates(document: str, dso: Issued | None = None, gemeente: Issued | None = None) -> str:
    """The CPA with real certificates in it instead of the four bytes that stand there."""
    for one in (dso or issued(DSO, "dso.example"), gemeente or issued(GEMEENTE, "gemeente.example")):
        document = document.replace("MAMCAQ==", base64.b64encode(one.der).decode(), 1)
    return document


def found(document: str, judgement: Judgement = STRICT) -> dict[str, Severity]:
    """By code, how bad; also that every finding says what to do and where it comes from."""
    said = findings(document.encode(), judgement)
    assert all(one.sentence.endswith((".", "?")) and one.source for one in said)
    return {one.code: one.severity for one in said if one.severity is not Severity.INFO}


def altered(pattern: str, replacement: str, *, count: int = 0, signed: bool = True) -> str:
    return with_certificates(
        changed(pattern, replacement, count=count, document=cpa_document(signed=signed, ack_signed=signed))
    )


def the(code: str, document: str, judgement: Judgement = STRICT) -> Finding:
    return next(one for one in findings(document.encode(), judgement) if one.code == code)


def test_a_good_cpa_has_no_errors_and_few_remarks() -> None:
    assert found(with_certificates(cpa_document())) == {}
    signed = with_certificates(cpa_document(signed=True, ack_signed=True))
    assert found(signed) == {"no-receiver-signing": Severity.WARNING}
    check_usable(findings(signed.encode(), STRICT))


def test_errors_come_first_and_say_element_and_line() -> None:
    document = altered("https://dso.example/ebms", "http://dso.example/ebms")
    first, *_ = findings(document.encode(), STRICT)
    assert (first.code, first.element, first.where) == ("http", "Endpoint", "http://dso.example/ebms")
    assert "http://dso.example/ebms" in document.splitlines()[(first.line or 0) - 1]
    with pytest.raises(CpaError, match="http") as caught:
        check_usable([first])
    assert (caught.value.line, caught.value.advice) == (first.line, first.sentence)


E, W = Severity.ERROR, Severity.WARNING
BY_POLICY = {
    "http": ("https://dso.example/ebms", "http://dso.example/ebms", (E, E, W)),
    "weak-signature": ("http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2000/09/xmldsig#sha1", (E, W, W)),
    "sync-reply": ('syncReplyMode="none"', 'syncReplyMode="signalsAndResponse"', (E, E, W)),
    "no-tls-certificate": (r"(?s)<tp:TransportServerSecurity>.*?</tp:TransportServerSecurity>", "", (E, W, W)),
    "structure": ('tp:parse="true"', 'tp:parse="ja"', (E, E, W)),
}


@pytest.mark.statement(194, 196)
@pytest.mark.parametrize("code", BY_POLICY)
def test_how_bad_it_is_depends_on_the_policy_of_the_omgeving(code: str) -> None:
    pattern, replacement, expected = BY_POLICY[code]
    document = altered(pattern, replacement)
    assert tuple(found(document, each)[code] for each in (STRICT, LEGACY, LAB)) == expected


@pytest.mark.statement(196)
def test_rsa_sha1_is_refused_and_another_algorithm_under_every_policy_but_lab() -> None:
    assert found(altered("xmldsig-more#rsa-sha256", "xmldsig-more#rsa-md5"), LEGACY)["weak-signature"] is E
    old = altered("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2000/09/xmldsig#rsa-sha1")
    assert found(old)["weak-signature"] is E
    tolerant = replace(STRICT, tolerances=Tolerances(legacy_signature=True))
    assert found(old, tolerant)["weak-signature"] is W


ALWAYS = {
    "expired": ("2027-01-01T00:00:00Z", "2026-05-01T00:00:00Z", E),
    "long-validity": ("2027-01-01T00:00:00Z", "2039-01-01T00:00:00Z", W),
    "party-type": ("urn:osb:oin", "urn:cv:oin", W),
    "party-no-oin": (DSO, DSO[:12], W),
    "several-channels": ("(<tp:ChannelId>dso_channel</tp:ChannelId>)", r"\1<tp:ChannelId>dso_msh</tp:ChannelId>", W),
    "one-sided": ("dso_notificeer</tp:Other", "dso_bevestig</tp:Other", W),
    "persist-short": ("(?<=<tp:PersistDuration>)P1D", "PT29M", W),
    "ack-unsigned": ('ackSignatureRequested="always"', 'ackSignatureRequested="never"', W),
    "old-tls": ('version="1.2">TLS', 'version="3.0">SSL', W),
    "port": ("dso.example/ebms", "dso.example:8443/ebms", W),
    "server-name": ("https://dso.example/ebms", "https://elders.example/ebms", W),
    "endpoint": ("https://dso.example/ebms", "mailto:iemand@dso.example", E),
    "invocation-limit": ("</tp:End>", '</tp:End><tp:ConversationConstraints tp:invocationLimit="9"/>', W),
    "retry-count": ('tp:isTamperProof="transient"', 'tp:isTamperProof="transient" tp:retryCount="3"', W),
    "unreadable": ("NotGuaranteed", "Guaranteed", E),
}


@pytest.mark.statement(193, 195, 202)
@pytest.mark.parametrize("code", ALWAYS)
def test_every_rule_sees_its_own_mistake(code: str) -> None:
    pattern, replacement, severity = ALWAYS[code]
    assert found(altered(pattern, replacement))[code] is severity


UNSIGNED = {
    "unsigned": ('isTamperProof="transient"', 'isTamperProof="persistent"'),
    "sides-differ": ('(?s)(channelId="dso_channel".*?)syncReplyMode="none"', r'\1syncReplyMode="mshSignalsOnly"'),
}


@pytest.mark.parametrize("code", UNSIGNED)
def test_what_does_not_fit_together_is_warned_of(code: str) -> None:
    pattern, replacement = UNSIGNED[code]
    assert found(altered(pattern, replacement, count=1, signed=False))[code] is W


@pytest.mark.statement(114)
@pytest.mark.parametrize("mode", ["signalsOnly", "responseOnly", "signalsAndResponse"])
def test_business_responses_in_the_http_response_are_refused(mode: str) -> None:
    document = altered('syncReplyMode="none"', f'syncReplyMode="{mode}"')
    for policy in (STRICT, LEGACY):
        assert the("sync-reply", document, policy).severity is E
        with pytest.raises(CpaError, match="sync-reply"):
            check_usable([*findings(document.encode(), policy)])


def test_synchronous_best_effort_is_refused_in_strict() -> None:
    both = 'syncReplyMode="mshSignalsOnly" tp:ackRequested="never"'
    document = altered('syncReplyMode="none" tp:ackRequested="always"', both, signed=False)
    assert found(document)["sync-best-effort"] is E
    assert found(document, LEGACY)["sync-best-effort"] is W


def test_synchronous_signals_of_reliable_messages_are_fine() -> None:
    document = altered(
        'syncReplyMode="none" tp:ackRequested="always"',
        'syncReplyMode="mshSignalsOnly" tp:ackRequested="always"',
        signed=False,
    )
    assert found(document) == {}


@pytest.mark.statement(204)
def test_default_channels_of_different_profiles_are_reported() -> None:
    document = altered('(?s)(channelId="dso_msh".*?)"none"', r'\1"mshSignalsOnly"', count=1, signed=False)
    assert found(document)["default-channels-differ"] is W


@pytest.mark.statement(204)
def test_several_profiles_in_one_cpa_are_reported() -> None:
    document = altered('(?s)(channelId="dso_channel".*?)ackRequested="always"', r'\1ackRequested="never"', count=1)
    assert found(document)["mixed-profiles"] is W


# --- Certificates --------------------------------------------------------------------------------------------


@pytest.mark.statement(208)
def test_a_certificate_that_ends_before_the_cpa_is_warned_of_and_an_expired_one_refused() -> None:
    early = issued(DSO, "dso.example", datetime(2026, 9, 1, tzinfo=UTC))
    past = issued(DSO, "dso.example", datetime(2026, 5, 1, tzinfo=UTC))
    assert found(with_certificates(cpa_document(), dso=early)) == {"certificate-ends-early": W}
    assert found(with_certificates(cpa_document(), dso=past))["certificate-expired"] is E
    assert found(with_certificates(cpa_document(), dso=past), LAB)["certificate-expired"] is W


def test_a_certificate_of_another_needs_a_machtiging() -> None:
    document = with_certificates(cpa_document(), gemeente=issued("00000099000000009000", "gemeente.example"))
    assert found(document)["certificate-holder"] is E
    assert found(document, replace(STRICT, machtigingen=None))["certificate-holder"] is W
    allowed = {"00000099000000009000": frozenset({GEMEENTE})}
    assert found(document, replace(STRICT, machtigingen=allowed)) == {}


def test_a_certificate_without_oin_and_one_that_is_none_are_refused() -> None:
    nobody = Authority().issue(Shape(oin=None, names=("dso.example",)))
    assert found(with_certificates(cpa_document(), dso=nobody))["certificate-no-oin"] is E
    assert found(cpa_document())["certificate-unreadable"] is E


@pytest.mark.statement(183)
def test_an_environment_suffix_is_not_for_production() -> None:
    document = with_certificates(cpa_document().replace(f"   {DSO}", f"   {DSO}_OTA"))
    assert found(document) == {}
    assert found(document, replace(STRICT, production=True)) == {"party-suffix": E}


# --- Documents that are hardly one ---------------------------------------------------------------------------


@pytest.mark.statement(211)
def test_a_doctype_and_what_is_no_xml_are_one_error() -> None:
    for document in ("", "<a", "<!DOCTYPE a><a/>"):
        assert found(document) == {"not-xml": E}
    assert found("<a/>") == {"structure": E, "unreadable": E}


@pytest.mark.statement(192)
def test_a_proposed_cpa_is_refused_and_a_signed_one_is_fine() -> None:
    assert the("unreadable", altered('value="agreed"', 'value="proposed"')).element == "Status"
    assert "unreadable" not in found(altered('value="agreed"', 'value="signed"'))


def test_an_unusual_version_and_a_later_start_are_only_told() -> None:
    document = altered('version="2_0b"', 'version="1.0"').replace("<tp:Start>2026-01", "<tp:Start>2026-08")
    assert {the("version", document).severity, the("not-started", document).severity} == {Severity.INFO}


# --- CPAs of other people ------------------------------------------------------------------------------------

WEAK = {"weak-signature"}
SAMPLES: dict[str, set[str]] = {
    "cpa-cv-http.xml": {"weak-encryption", "http"} | WEAK,
    "cpa-cv-https.xml": {"weak-encryption"} | WEAK,
    "cpaStubEBF.be.http.signed.xml": {"http"} | WEAK,
    "cpaStubEBF.be.http.unsigned.sync.xml": {"sync-reply", "http"},
    "cpaStubEBF.be.http.unsigned.xml": {"http"},
    "cpaStubEBF.be.https.signed.sync.xml": {"sync-reply"} | WEAK,
    "cpaStubEBF.be.https.signed.xml": WEAK,
    "cpaStubEBF.rm.http.signed-sha256.xml": {"http"},
    "cpaStubEBF.rm.http.signed.xml": {"http"} | WEAK,
    "cpaStubEBF.rm.http.unsigned.sync.xml": {"sync-reply", "http"},
    "cpaStubEBF.rm.http.unsigned.xml": {"http"},
    "cpaStubEBF.rm.https.signed-sha256.xml": set(),
    "cpaStubEBF.rm.https.signed.ackSigned.xml": WEAK,
    "cpaStubEBF.rm.https.signed.encrypted.xml": {"weak-encryption"} | WEAK,
    "cpaStubEBF.rm.https.signed.sync.xml": {"sync-reply"} | WEAK,
    "cpaStubEBF.rm.https.signed.xml": WEAK,
}


@pytest.mark.statement(190, 196, 197)
@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_refused_in_strict_for_what_is_forbidden_and_loads_in_the_lab(name: str) -> None:
    document = shared_data("ebms2", "cpa", "ebms-core", name).read_bytes()
    errors = {one.code for one in findings(document, STRICT) if one.severity is E}
    assert errors - {"certificate-no-oin"} == SAMPLES[name]
    relaxed = {one.code for one in findings(document, LEGACY) if one.severity is E}
    assert relaxed - {"certificate-no-oin"} == SAMPLES[name] - WEAK - {"weak-encryption"}
    check_usable(findings(document, LAB))


@pytest.mark.statement(195, 202)
def test_the_samples_are_warned_of_ssl_and_of_a_short_memory() -> None:
    name = "cpaStubEBF.rm.https.signed.ackSigned.xml"
    document = shared_data("ebms2", "cpa", "ebms-core", name).read_text()
    assert {"old-tls", "persist-short"} <= set(found(document, replace(LAB, now=NOW + timedelta(days=1))))


@given(st.data())
@settings(max_examples=150)
def test_no_mistake_in_a_document_makes_the_rules_stumble(data: st.DataObject) -> None:
    root, every = prepared()
    picked = [every[data.draw(st.integers(0, len(every) - 1))] for _ in range(2)]
    mutated = etree.tostring(applied(root, *((index, change) for _, index, change in picked)))
    for judgement in (STRICT, LAB):
        assert all(one.code and one.sentence for one in findings(mutated, judgement))
