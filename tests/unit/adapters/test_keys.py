"""Keys and certificates from real PEM files."""

import ssl
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from structlog.testing import capture_logs
from tests.certificates import GEMEENTE, LEVERANCIER, NOW, Authority, Issued, Shape, ec_key, trust_in

from digikoppelaar.adapters.keyfiles import CertificateRecord, load_key
from digikoppelaar.adapters.keys import Keyring, PemSigner
from digikoppelaar.adapters.trust import TrustBase
from digikoppelaar.ebms import names
from digikoppelaar.ebms.algorithms import check_signature
from digikoppelaar.errors import OinError, TrustError
from digikoppelaar.pki.certificate import Use

AUTHORITY = Authority()
SANDBOX = Authority("Sandbox", sandbox=True)


class FixedClock:
    def __init__(self, now: datetime = NOW) -> None:
        self.time = now

    def now(self) -> datetime:
        return self.time


def keyring(tmp_path: Path, *records: CertificateRecord, now: datetime = NOW) -> Keyring:
    clock = FixedClock(now)
    return Keyring(records, trust_in(AUTHORITY.write_root(tmp_path), clock), clock)


@pytest.mark.parametrize(
    ("algorithm", "hash_algorithm"),
    [
        (names.RSA_SHA256, hashes.SHA256()),
        (names.RSA_SHA384, hashes.SHA384()),
        (names.RSA_SHA512, hashes.SHA512()),
    ],
)
def test_a_signature_holds_under_the_certificate_of_the_signer(
    tmp_path: Path, algorithm: str, hash_algorithm: hashes.HashAlgorithm
) -> None:
    issued = AUTHORITY.issue()
    signer = keyring(tmp_path, *issued.record(tmp_path, Use.SIGN)).signer("pre", GEMEENTE, issued.der)
    assert signer.certificate == issued.der
    public_key = x509.load_der_x509_certificate(signer.certificate).public_key()
    assert isinstance(public_key, rsa.RSAPublicKey)
    public_key.verify(signer.sign(b"data", algorithm), b"data", padding.PKCS1v15(), hash_algorithm)


def test_sha1_is_never_signed_with() -> None:
    issued = AUTHORITY.issue()
    assert isinstance(issued.key, rsa.RSAPrivateKey)
    with pytest.raises(TrustError, match="rsa-sha1"):
        PemSigner(issued.der, issued.key).sign(b"data", "http://www.w3.org/2000/09/xmldsig#rsa-sha1")


def test_an_encrypted_key_opens_with_its_password_file(tmp_path: Path) -> None:
    record = encrypted(tmp_path, b"geheim", b"geheim\n")
    assert load_key(record).leaf.oin == GEMEENTE
    assert isinstance(keyring(tmp_path, record).client_context("pre", GEMEENTE), ssl.SSLContext)


@pytest.mark.parametrize(
    ("password", "message"),
    [(b"fout\n", "the password is wrong"), (b"\n", "password file is empty"), (None, "needs a password file")],
)
def test_an_encrypted_key_stays_closed_without_its_password(
    tmp_path: Path, password: bytes | None, message: str
) -> None:
    with pytest.raises(TrustError, match=message) as caught:
        load_key(encrypted(tmp_path, b"geheim", password))
    assert "geheim" not in str(caught.value)


def encrypted(folder: Path, password: bytes, in_file: bytes | None) -> CertificateRecord:
    issued = AUTHORITY.issue()
    (record,) = issued.record(folder, Use.TLS_CLIENT)
    record.key_file.write_bytes(issued.key_pem(password))
    if in_file is None:
        return record
    (folder / "password").write_bytes(in_file)
    return replace(record, password_file=folder / "password")


def test_a_password_for_a_key_that_has_none_is_a_mistake_worth_telling(tmp_path: Path) -> None:
    (record,) = AUTHORITY.issue().record(tmp_path, Use.SIGN)
    (tmp_path / "password").write_bytes(b"geheim")
    with pytest.raises(TrustError, match="is not encrypted"):
        load_key(replace(record, password_file=tmp_path / "password"))


def test_a_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    (record,) = AUTHORITY.issue().record(tmp_path, Use.SIGN)
    record.key_file.write_bytes(AUTHORITY.issue(Shape(oin=LEVERANCIER)).key_pem())
    with pytest.raises(TrustError, match="does not belong to"):
        load_key(record)


def test_a_chain_that_starts_with_an_intermediate_is_refused(tmp_path: Path) -> None:
    issued = AUTHORITY.issue()
    (record,) = issued.record(tmp_path, Use.SIGN)
    record.certificate_file.write_bytes(Issued(issued.above[0], issued.key, (issued.certificate,)).chain_pem())
    with pytest.raises(TrustError, match="does not belong to"):
        load_key(record)


def test_a_certificate_of_another_partij_is_refused(tmp_path: Path) -> None:
    (record,) = AUTHORITY.issue(Shape(oin=LEVERANCIER)).record(tmp_path, Use.SIGN, oin=GEMEENTE)
    with pytest.raises(TrustError, match=f"is of OIN {LEVERANCIER}, not of {GEMEENTE}"):
        load_key(record)


def test_a_certificate_without_an_oin_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OinError):
        load_key(*AUTHORITY.issue(Shape(oin=None)).record(tmp_path, Use.SIGN))


@pytest.mark.parametrize("content", [b"", b"no pem", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_file_without_certificate_or_key_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (record,) = AUTHORITY.issue().record(tmp_path, Use.SIGN)
    for file in (record.key_file, record.certificate_file):
        file.write_bytes(content)
        with pytest.raises(TrustError, match=file.name):
            load_key(record)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    (record,) = AUTHORITY.issue().record(tmp_path, Use.SIGN)
    record.key_file.unlink()
    with pytest.raises(TrustError, match=f"{record.key_file.name}: No such file"):
        load_key(record)


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o640, False), (0o644, True)])
def test_a_key_that_everybody_can_read_is_warned_about(tmp_path: Path, mode: int, warned: bool) -> None:
    (record,) = AUTHORITY.issue().record(tmp_path, Use.SIGN)
    record.key_file.chmod(mode)
    with capture_logs() as logs:
        load_key(record)
    assert [entry["file"] for entry in logs] == ([str(record.key_file)] if warned else [])


@pytest.mark.parametrize("omgeving", ["pre", "prod"])
def test_a_certificate_of_the_sandbox_is_refused_in_pre_and_prod(tmp_path: Path, omgeving: str) -> None:
    with pytest.raises(TrustError, match=f"the sandbox is refused in {omgeving}"):
        load_key(*AUTHORITY.issue(Shape(sandbox=True)).record(tmp_path, Use.SIGN, omgeving=omgeving))


def test_a_leaf_under_a_ca_of_the_sandbox_is_refused_in_pre(tmp_path: Path) -> None:
    with pytest.raises(TrustError, match="the sandbox is refused in pre"):
        load_key(*SANDBOX.issue().record(tmp_path, Use.SIGN))


def test_a_real_certificate_is_refused_in_the_sandbox(tmp_path: Path) -> None:
    with pytest.raises(TrustError, match="a real PKI is refused in sandbox-pre"):
        load_key(*AUTHORITY.issue().record(tmp_path, Use.SIGN, omgeving="sandbox-pre"))


@pytest.mark.parametrize(
    ("omgeving", "authority", "root"), [("prod", AUTHORITY, SANDBOX), ("sandbox-prod", SANDBOX, AUTHORITY)]
)
def test_trust_anchors_of_the_other_world_are_refused(
    tmp_path: Path, omgeving: str, authority: Authority, root: Authority
) -> None:
    issued = authority.issue(Shape(sandbox=authority is SANDBOX))
    records = issued.record(tmp_path, Use.TLS_SERVER, Use.TLS_CLIENT, omgeving=omgeving)
    roots = [authority.write_root(tmp_path), root.write_root(tmp_path, "other")]
    ring = Keyring(records, trust_in(roots, FixedClock(), omgeving), FixedClock())
    for context in (ring.server_context, ring.client_context):
        with pytest.raises(TrustError, match=r"other\.pem: a certificate of .* is refused"):
            context(omgeving, GEMEENTE)


def test_a_partij_without_a_certificate_for_the_use_is_told(tmp_path: Path) -> None:
    issued = AUTHORITY.issue()
    ring = keyring(tmp_path, *issued.record(tmp_path, Use.TLS_CLIENT))
    with pytest.raises(TrustError, match=f"partij {GEMEENTE} has no certificate for sign in pre"):
        ring.signer("pre", GEMEENTE, issued.der)
    with pytest.raises(TrustError, match="tls-client in prod"):
        ring.client_context("prod", GEMEENTE)


def test_an_omgeving_without_trust_anchors_trusts_nobody(tmp_path: Path) -> None:
    ring = Keyring(AUTHORITY.issue().record(tmp_path, Use.TLS_CLIENT), TrustBase({}, FixedClock()), FixedClock())
    with pytest.raises(TrustError, match="no trust anchors are set for pre"):
        ring.client_context("pre", GEMEENTE)


def test_a_certificate_that_expires_while_we_run_is_no_longer_used(tmp_path: Path) -> None:
    clock = FixedClock()
    issued = AUTHORITY.issue()
    records = issued.record(tmp_path, Use.TLS_CLIENT, Use.SIGN)
    ring = Keyring(records, trust_in(AUTHORITY.write_root(tmp_path), clock), clock)
    assert ring.client_context("pre", GEMEENTE) is ring.client_context("pre", GEMEENTE)
    ring.signer("pre", GEMEENTE, issued.der)
    clock.time = NOW + timedelta(days=31)
    with pytest.raises(TrustError, match="expired"):
        ring.client_context("pre", GEMEENTE)
    with pytest.raises(TrustError, match="expired"):
        ring.signer("pre", GEMEENTE, issued.der)


@pytest.mark.statement(118)
@pytest.mark.parametrize("algorithm", [names.ECDSA_SHA256, names.ECDSA_SHA384, names.ECDSA_SHA512])
@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()], ids=lambda curve: curve.name)
def test_an_elliptic_key_signs_as_the_other_side_verifies(
    tmp_path: Path, curve: ec.EllipticCurve, algorithm: str
) -> None:
    issued = AUTHORITY.issue(Shape(key=ec.generate_private_key(curve)))
    ring = keyring(tmp_path, *issued.record(tmp_path, Use.TLS_CLIENT, Use.SIGN))
    ring.client_context("pre", GEMEENTE)
    value = ring.signer("pre", GEMEENTE, issued.der).sign(b"data", algorithm)
    assert len(value) == 2 * ((curve.key_size + 7) // 8)
    check_signature(value, b"data", algorithm, x509.load_der_x509_certificate(issued.der))


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [(None, names.ECDSA_SHA256), (ec_key("leaf"), names.RSA_SHA256), (ec_key("leaf"), names.RSA_SHA1)],
    ids=["RSA key", "elliptic key", "SHA-1"],
)
def test_a_key_signs_with_no_algorithm_of_another_kind(
    tmp_path: Path, key: ec.EllipticCurvePrivateKey | None, algorithm: str
) -> None:
    issued = AUTHORITY.issue(Shape(key=key))
    signer = keyring(tmp_path, *issued.record(tmp_path, Use.SIGN)).signer("pre", GEMEENTE, issued.der)
    with pytest.raises(TrustError, match="cannot sign with"):
        signer.sign(b"data", algorithm)


def test_an_elliptic_key_decrypts_nothing(tmp_path: Path) -> None:
    issued = AUTHORITY.issue(Shape(key=ec_key("leaf")))
    ring = keyring(tmp_path, *issued.record(tmp_path, Use.DECRYPT))
    with pytest.raises(TrustError, match="decrypt needs an RSA key"):
        ring.decrypter("pre", GEMEENTE, issued.der)


def test_an_unknown_omgeving_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrustError, match="not an omgeving"):
        keyring(tmp_path, *AUTHORITY.issue().record(tmp_path, Use.SIGN, omgeving="acceptatie"))
