"""CRLs: what is believed, and when a newer one is due."""

from datetime import timedelta

import pytest
from tests.certificates import NOW, Authority, Issued, ec_key

from digikoppelaar.errors import TrustError
from digikoppelaar.pki.certificate import read_certificate
from digikoppelaar.pki.crl import check_crl, is_overdue, read_crl, read_crls, refresh_at, revokes

AUTHORITY = Authority("Crl")
TSP = read_certificate(AUTHORITY.tsp.der)


def test_a_text_with_several_is_read_whole() -> None:
    assert [crl.issuer for crl in read_crls(AUTHORITY.crls())] == [
        read_certificate(each.der).subject for each in (AUTHORITY.root, AUTHORITY.domain, AUTHORITY.tsp)
    ]


@pytest.mark.parametrize("document", [b"", b"garbage", b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"])
def test_garbage_is_told(document: bytes) -> None:
    with pytest.raises(TrustError, match="no readable CRL"):
        read_crls(document)


def test_a_serial_number_is_found() -> None:
    revoked, other = AUTHORITY.issue(), AUTHORITY.issue()
    crl = read_crl(AUTHORITY.crl(AUTHORITY.tsp, revoked))
    assert revokes(crl, revoked.certificate.serial_number)
    assert not revokes(crl, other.certificate.serial_number)


def test_only_the_key_of_an_authority_of_that_name_counts() -> None:
    check_crl(read_crl(AUTHORITY.crl(AUTHORITY.tsp)), [TSP], NOW)
    thief = Issued(AUTHORITY.tsp.certificate, ec_key("crl thief"))
    leaf = AUTHORITY.issue()
    for crl, known in (
        (AUTHORITY.crl(thief), [TSP]),
        (AUTHORITY.crl(AUTHORITY.domain), [TSP]),
        (AUTHORITY.crl(leaf), [read_certificate(leaf.der)]),
    ):
        with pytest.raises(TrustError, match="no known authority signed"):
            check_crl(read_crl(crl), known, NOW)


@pytest.mark.statement(180)
@pytest.mark.parametrize(("life", "wait"), [(5, 2.5), (8, 4), (2000, 4)])
def test_a_newer_one_is_due_after_half_its_life_and_four_hours_at_most(life: float, wait: float) -> None:
    crl = read_crl(AUTHORITY.crl(AUTHORITY.tsp, life=timedelta(hours=life)))
    assert refresh_at(crl, NOW) == NOW + timedelta(hours=wait)
    assert refresh_at(None, NOW) == NOW


def test_half_way_it_is_overdue() -> None:
    crl = read_crl(AUTHORITY.crl(AUTHORITY.tsp, age=timedelta(), life=timedelta(hours=4)))
    assert not is_overdue(crl, NOW + timedelta(minutes=119))
    assert is_overdue(crl, NOW + timedelta(minutes=121))
