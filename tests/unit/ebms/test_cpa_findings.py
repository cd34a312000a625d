"""What makes a CPA unfit for use (statements 190-211); other people's CPAs are in test_cpa."""

from datetime import UTC, datetime

import pytest
from tests.unit.ebms.cpas import GEMEENTE, changed, cpa_document

from digikoppelaar.ebms.agreement import Agreement
from digikoppelaar.ebms.cpa import read_agreement
from digikoppelaar.ebms.cpa_findings import findings

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def _read(document: str) -> Agreement:
    return read_agreement(document.encode(), {GEMEENTE})


def _codes(document: str, *, lab: bool = False, now: datetime = NOW) -> set[str]:
    return {finding.code for finding in findings(_read(document), now=now, lab=lab)}


def test_a_plain_and_a_signed_reliable_cpa_may_be_imported() -> None:
    assert _codes(cpa_document()) == set()
    assert _codes(cpa_document(signed=True, ack_signed=True)) == set()


def test_an_http_endpoint_is_for_the_lab_only() -> None:
    document = changed("https://gemeente.example/ebms", "http://gemeente.example/ebms")
    assert _codes(document) == {"http"}
    assert _codes(document, lab=True) == set()


def test_an_expired_cpa_is_not_imported() -> None:
    assert _codes(cpa_document(), now=datetime(2027, 1, 1, tzinfo=UTC)) == {"expired"}


@pytest.mark.parametrize(
    ("pattern", "replacement", "code"),
    [
        ('syncReplyMode="none"', 'syncReplyMode="mshSignalsOnly"', "sync-reply"),
        ('ackRequested="always"', 'ackRequested="never"', "best-effort"),
        ("xmlenc#sha256", "xmldsig#sha1", "weak-signature"),
        ("xmldsig-more#rsa-sha256", "xmldsig#rsa-sha1", "weak-signature"),
    ],
)
def test_what_is_not_supported_yet_is_named_in_dutch(pattern: str, replacement: str, code: str) -> None:
    document = changed(pattern, replacement, count=0, document=cpa_document(signed=True))
    assert _codes(document, lab=True) == {code}
    assert all(finding.sentence.endswith(".") for finding in findings(_read(document), now=NOW))
