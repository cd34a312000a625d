"""A request holds what its kind asks, is signed with its own key, and what is issued is held against it."""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from tests.certificates import (
    CLIENT_AUTH,
    GEMEENTE,
    LEVERANCIER,
    NOW,
    Authority,
    Issued,
    Shape,
    ec_key,
    rsa_key,
    self_signed,
)

from digikoppelaar.adapters.onboarding_profiles import load_certificate_kinds
from digikoppelaar.errors import ConfigError, TrustError
from digikoppelaar.pki.certificate import Certificate, Use, read_certificate
from digikoppelaar.pki.request import Wanted, check_issued, make_request, read_request

KINDS = load_certificate_kinds()
G1, G4 = KINDS["g1"]["server"], KINDS["g4"]
NAME = "Gemeente Voorbeeldstad"
HOSTS = ("ebms.voorbeeldstad.example", "dk.voorbeeldstad.example")
KEY = rsa_key("aanvraag")
AUTHORITY = Authority()


def wanted(generation: str, kind: str) -> Wanted:
    found = KINDS[generation][kind]
    return Wanted(found, LEVERANCIER, NAME, HOSTS if found.hosts else (), "12345678" if found.organisation_id else "")


EACH = [(generation, kind) for generation, kinds in KINDS.items() for kind in kinds]


@pytest.mark.parametrize(("generation", "kind"), EACH)
def test_a_request_of_each_kind_is_signed_with_its_own_key(generation: str, kind: str) -> None:
    asked = wanted(generation, kind)
    found = x509.load_pem_x509_csr(make_request(asked, KEY))
    assert found.is_signature_valid
    assert found.public_key() == KEY.public_key()
    pss = isinstance(found.signature_algorithm_parameters, padding.PSS)
    assert pss == (asked.kind.signature == "pss-sha512")
    assert found.signature_hash_algorithm
    assert found.signature_hash_algorithm.name == asked.kind.signature.partition("-")[2]


@pytest.mark.parametrize(("generation", "kind"), EACH)
def test_a_request_of_each_kind_holds_what_its_kind_says(generation: str, kind: str) -> None:
    asked = wanted(generation, kind)
    found = x509.load_pem_x509_csr(make_request(asked, KEY))
    said = {each.oid: each.value for each in found.subject}
    common_name = HOSTS[0] if asked.kind.common_name == "host" else NAME
    expected = {NameOID.COUNTRY_NAME: "NL", NameOID.ORGANIZATION_NAME: NAME, NameOID.SERIAL_NUMBER: LEVERANCIER}
    expected[NameOID.COMMON_NAME] = common_name
    if asked.kind.organisation_id:
        expected[NameOID.ORGANIZATION_IDENTIFIER] = "NTRNL-12345678"
    assert said == expected
    extensions: dict[x509.ObjectIdentifier, Any] = {each.oid: each.value for each in found.extensions}
    usage = extensions.pop(x509.KeyUsage.oid)
    on = {name for name in ("digital_signature", "key_encipherment", "data_encipherment") if getattr(usage, name)}
    assert on == set(asked.kind.key_usage)
    assert not usage.key_cert_sign
    names = extensions.pop(x509.SubjectAlternativeName.oid, [])
    assert [each.value for each in names] == list(asked.hosts)
    purposes = extensions.pop(x509.ExtendedKeyUsage.oid, [])
    assert [each.dotted_string for each in purposes] == list(asked.kind.extended_key_usage)
    assert extensions == {}


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not here")
@pytest.mark.parametrize(("generation", "kind"), EACH)
def test_openssl_verifies_a_request_of_each_kind(generation: str, kind: str) -> None:
    pem = make_request(wanted(generation, kind), KEY)
    verified = subprocess.run(["openssl", "req", "-verify", "-noout"], input=pem, capture_output=True, check=False)
    assert verified.returncode == 0, verified.stderr
    assert b"verify OK" in verified.stdout + verified.stderr


def test_the_four_uses_of_a_partij_can_be_asked_for_in_each_generation() -> None:
    for kinds in KINDS.values():
        assert {use for kind in kinds.values() for use in kind.uses} == {use.value for use in Use}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"oin": "123"}, "is not an OIN"),
        ({"organisation": "N" * 65}, "2 to 64 characters"),
        ({"organisation": "a\nb"}, "2 to 64 characters"),
        ({"hosts": ()}, "needs at least one host"),
        ({"kind": G4["sign"], "kvk": "12345678"}, "names no hosts"),
        ({"hosts": ("192.0.2.1", "localhost")}, "'localhost' is not the name of a host"),
        ({"hosts": ("*.voorbeeld.example",)}, "is not the name of a host"),
        ({"hosts": ("Ebms.voorbeeld.example",)}, "is not the name of a host"),
        ({"hosts": ("https://ebms.voorbeeld.example",)}, "is not the name of a host"),
        ({"hosts": (f"{'a' * 60}.{'b' * 60}.example",)}, "is not the name of a host"),
        ({"kind": G4["tls"]}, "needs the number at the KvK"),
        ({"kind": G4["tls"], "kvk": "1234567"}, "needs the number at the KvK"),
    ],
)
def test_what_cannot_be_asked_is_told_before_a_key_is_made(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says) as told:
        replace(Wanted(G1, LEVERANCIER, NAME, HOSTS), **change)
    assert told.value.advice.startswith("Geef")


# --- what was issued -----------------------------------------------------------------------------------------------


def chain(leaf: Issued) -> list[Certificate]:
    return [read_certificate(leaf.der), *(read_certificate(each.public_bytes(Encoding.DER)) for each in leaf.above)]


REQUESTED = read_request(make_request(Wanted(G1, LEVERANCIER, NAME, HOSTS), KEY))
SHAPE = Shape(oin=LEVERANCIER, names=HOSTS, key=KEY)


def check(leaf: Issued, certificates: Sequence[Certificate] | None = None, uses: Sequence[Use] = tuple(Use)) -> None:
    check_issued(REQUESTED, certificates or chain(leaf), uses, NOW)


def test_what_was_asked_for_is_good_also_with_more_hosts_or_another_spelling_of_the_name() -> None:
    check(AUTHORITY.issue(SHAPE))
    check(AUTHORITY.issue(replace(SHAPE, names=(*HOSTS, "meer.example"), organisation="GEMEENTE VOORBEELDSTAD")))
    check(AUTHORITY.issue(replace(SHAPE, names=("*.voorbeeldstad.example",))))
    check(Authority("PSS", pss=True).issue(SHAPE))


@pytest.mark.parametrize(
    ("shape", "says", "advice"),
    [
        (replace(SHAPE, key=rsa_key("een andere")), "of another key", "andere sleutel"),
        (replace(SHAPE, key=ec_key("een andere")), "of another key", "andere sleutel"),
        (replace(SHAPE, oin=GEMEENTE), f"of OIN {GEMEENTE}", "zoals het is aangevraagd"),
        (replace(SHAPE, names=HOSTS[:1]), "does not name dk.voorbeeldstad.example", "zoals het is aangevraagd"),
        (replace(SHAPE, usages=(CLIENT_AUTH,)), "not meant for tls-server", ""),
        (replace(SHAPE, digital_signature=False), "not meant for sign", ""),
        (replace(SHAPE, key_encipherment=False), "not meant for decrypt", ""),
        (replace(SHAPE, not_after=NOW - timedelta(hours=1)), "expired", "vraag een nieuw aan"),
        (replace(SHAPE, not_before=NOW + timedelta(hours=1)), "not valid before", ""),
    ],
)
def test_what_was_not_asked_for_is_refused(shape: Shape, says: str, advice: str) -> None:
    with pytest.raises(TrustError, match=says) as told:
        check(AUTHORITY.issue(shape))
    assert advice in told.value.advice


def test_a_certificate_without_oin_is_refused() -> None:
    with pytest.raises(Exception, match=r"no subject\.serialNumber"):
        check(AUTHORITY.issue(replace(SHAPE, oin=None)))


def test_a_certificate_that_vouches_for_itself_is_refused() -> None:
    lone = self_signed(LEVERANCIER, key=KEY)
    requested = replace(REQUESTED, hosts=())
    with pytest.raises(TrustError, match="vouches for itself"):
        check_issued(requested, chain(lone), (Use.TLS_CLIENT,), NOW)


def test_a_chain_with_a_hole_says_which_certificate_is_lacking() -> None:
    whole = chain(AUTHORITY.issue(SHAPE))
    with pytest.raises(TrustError, match=r"TSP.* is lacking") as told:
        check(AUTHORITY.issue(SHAPE), whole[:1])
    assert "tussencertificaten" in told.value.advice
    strange = chain(Authority("Vreemd").issue(SHAPE))
    with pytest.raises(TrustError, match="is lacking"):
        check(AUTHORITY.issue(SHAPE), [whole[0], *strange[1:]])


@pytest.mark.parametrize(
    "content", [b"", b"-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n"]
)
def test_a_request_that_cannot_be_read_is_refused(content: bytes) -> None:
    with pytest.raises(TrustError, match="cannot be read"):
        read_request(content)


def test_a_request_that_somebody_changed_is_refused() -> None:
    der = x509.load_pem_x509_csr(make_request(Wanted(G1, LEVERANCIER, NAME, HOSTS), KEY)).public_bytes(Encoding.DER)
    changed = der.replace(LEVERANCIER.encode(), GEMEENTE.encode())
    pem = x509.load_der_x509_csr(changed).public_bytes(Encoding.PEM)
    with pytest.raises(TrustError, match="not signed with its own key"):
        read_request(pem)
