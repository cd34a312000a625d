from datetime import timedelta

import pytest
from tests.certificates import CLIENT_AUTH, GEMEENTE, NOW, SERVER_AUTH, Authority, Shape

from digikoppelaar.errors import OinError, TrustError
from digikoppelaar.pki.certificate import Certificate, Use, check_use, read_certificate

AUTHORITY = Authority()


def read(shape: Shape) -> Certificate:
    return read_certificate(AUTHORITY.issue(shape).der)


def test_a_certificate_tells_its_holder_its_validity_and_its_names() -> None:
    certificate = read(Shape())
    assert certificate.oin == GEMEENTE
    assert certificate.organisation == "Gemeente Voorbeeldstad"
    assert certificate.names == ("localhost", "127.0.0.1")
    assert (certificate.not_before, certificate.not_after) == (NOW - timedelta(days=1), NOW + timedelta(days=30))
    assert certificate.extended_key_usage == {SERVER_AUTH.dotted_string, CLIENT_AUTH.dotted_string}
    assert "CN=Test TSP" in certificate.issuer


@pytest.mark.parametrize("use", Use)
def test_a_g4_certificate_serves_every_use(use: Use) -> None:
    check_use(read(Shape()), use, NOW)


@pytest.mark.parametrize("use", Use)
def test_a_certificate_without_extended_key_usage_serves_every_use(use: Use) -> None:
    check_use(read(Shape(usages=None, digital_signature=None)), use, NOW)


@pytest.mark.parametrize(
    ("shape", "use"),
    [
        (Shape(usages=[SERVER_AUTH]), Use.TLS_CLIENT),
        (Shape(usages=[CLIENT_AUTH]), Use.TLS_SERVER),
        (Shape(digital_signature=False), Use.SIGN),
    ],
)
def test_a_certificate_for_something_else_is_refused(shape: Shape, use: Use) -> None:
    with pytest.raises(TrustError, match=f"not meant for {use.value}"):
        check_use(read(shape), use, NOW)


@pytest.mark.parametrize(("after", "message"), [(-2, "not valid before"), (31, "expired on")])
def test_a_certificate_outside_its_validity_is_refused(after: int, message: str) -> None:
    with pytest.raises(TrustError, match=message):
        check_use(read(Shape()), Use.SIGN, NOW + timedelta(days=after))


@pytest.mark.parametrize("oin", [None, "12345678", "99000000001000"])
def test_a_certificate_without_an_oin_is_refused(oin: str | None) -> None:
    with pytest.raises(OinError):
        check_use(read(Shape(oin=oin)), Use.TLS_CLIENT, NOW)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (Shape(), False),
        (Shape(sandbox=True), True),
        (Shape(organisation="SANDBOX Gemeente Voorbeeldstad"), True),
    ],
)
def test_either_mark_tells_that_the_sandbox_made_it(shape: Shape, expected: bool) -> None:
    assert read(shape).sandbox is expected


@pytest.mark.parametrize("der", [b"", b"\x30\x03abc", AUTHORITY.issue().der[:-1]])
def test_bytes_that_are_no_certificate_are_refused(der: bytes) -> None:
    with pytest.raises(TrustError, match="cannot be read"):
        read_certificate(der)


@pytest.mark.parametrize("known", ["a003020102", "06082a8648ce3d040302"], ids=["version", "signature algorithm"])
def test_a_certificate_with_something_unknown_in_it_is_refused(known: str) -> None:
    """Found by fuzzing."""
    good, part = Authority().issue().der, bytes.fromhex(known)
    assert part in good
    with pytest.raises(TrustError, match="cannot be read"):
        read_certificate(good.replace(part, part[:-1] + b"\x77"))
