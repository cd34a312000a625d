"""The sandbox's CPA, held against the official CPP/A schema."""

from datetime import UTC, datetime, timedelta

import pytest
from lxml import etree
from tests.shared import shared_data

from digikoppelaar.sandbox.cpa_document import PROFILES, CpaParty, CpaTerms, build_cpa, usual_certificates
from digikoppelaar.xml import parse

OF_DSO, OF_GEMEENTE = usual_certificates(b"dt", b"ds", b"tsp"), usual_certificates(b"gt", b"gs")
DSO = CpaParty("DSO", "SANDBOX DSO-LV", "00000099000000001000", "https://localhost:1/ebms", OF_DSO)
GEMEENTE = CpaParty("GM", "SANDBOX Gemeente Oeverloo", "00000099000000002000", "https://localhost:2/ebms", OF_GEMEENTE)


def terms(profile: str, cpa_id: str = "") -> CpaTerms:
    start = datetime(2026, 6, 2, tzinfo=UTC)
    return CpaTerms(profile, 5, timedelta(seconds=1.5), start, start + timedelta(days=30), b"root", cpa_id)


@pytest.mark.parametrize("profile", PROFILES)
def test_it_is_valid_against_the_official_schema(profile: str) -> None:
    schema = etree.XMLSchema(file=str(shared_data("ebms2", "xsd", "cpp-cpa-2_0.xsd")))
    schema.assertValid(parse(build_cpa(terms(profile), DSO, GEMEENTE), limit=1 << 20))


def test_its_name_follows_its_content_so_that_one_name_never_means_two_things() -> None:
    first, again = (build_cpa(terms("osb-rm"), DSO, GEMEENTE) for _ in range(2))
    signed = build_cpa(terms("osb-rm-s"), DSO, GEMEENTE)
    names = [next(iter(parse(cpa, limit=1 << 20).attrib.values())) for cpa in (first, again, signed)]
    assert names[0] == names[1]
    assert names[0] != names[2]


def test_a_name_that_was_asked_for_is_used() -> None:
    assert b'tp:cpaid="a-name"' in build_cpa(terms("osb-rm", "a-name"), DSO, GEMEENTE)


def test_only_the_signed_profile_asks_for_signatures() -> None:
    for mark in (b"SigningCertificateRef", b'ackSignatureRequested="always"', b'isNonRepudiationRequired="true"'):
        assert mark in build_cpa(terms("osb-rm-s"), DSO, GEMEENTE)
        assert mark not in build_cpa(terms("osb-rm"), DSO, GEMEENTE)


def test_a_fraction_of_a_second_survives_as_retry_interval() -> None:
    cpa = build_cpa(terms("osb-rm"), DSO, GEMEENTE)
    assert b"<tp:RetryInterval>PT1.5S</tp:RetryInterval>" in cpa
    assert b"<tp:PersistDuration>PT10.5S</tp:PersistDuration>" in cpa


def test_another_profile_is_refused() -> None:
    with pytest.raises(ValueError, match="osb-be"):
        build_cpa(terms("osb-be"), DSO, GEMEENTE)
