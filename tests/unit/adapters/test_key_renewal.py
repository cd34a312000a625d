"""Several certificates for one use, PKCS#12, decryption, and renewal of files while the gateway runs."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from structlog.testing import capture_logs
from tests.certificates import GEMEENTE, LEVERANCIER, NOW, Authority, Issued, Shape, rsa_key, trust_in
from tests.servers import Connected, attempt, client_tls, echo, serving
from tests.unit.adapters.test_keys import FixedClock

from digikoppelaar.adapters.keyfiles import CertificateRecord, load_key
from digikoppelaar.adapters.keys import Keyring
from digikoppelaar.ebms import ciphers
from digikoppelaar.errors import DecryptionError, TrustError
from digikoppelaar.pki.certificate import Use

AUTHORITY = Authority("Renewal")
OLD = AUTHORITY.issue(Shape(key=rsa_key("old"), not_before=NOW - timedelta(days=300)))
NEW = AUTHORITY.issue(Shape(key=rsa_key("new"), not_before=NOW - timedelta(days=1)))
REQUEST = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi"


def record(folder: Path, issued: Issued, name: str, use: Use) -> CertificateRecord:
    """A record of it with files of its own."""
    certificate, key = issued.write(folder, name)
    return CertificateRecord(GEMEENTE, "pre", use, certificate, key)


def keyring(folder: Path, *records: CertificateRecord, clock: FixedClock | None = None) -> Keyring:
    """With trust in the authority."""
    clock = clock or FixedClock()
    return Keyring(records, trust_in(AUTHORITY.write_root(folder), clock), clock)


def pkcs12_record(folder: Path, issued: Issued, password: bytes = b"geheim") -> CertificateRecord:
    """One file with key and certificates, the root too, and the certificates above out of order."""
    above = [AUTHORITY.root.certificate, *reversed(issued.above)]
    assert isinstance(issued.key, rsa.RSAPrivateKey)
    encryption = serialization.BestAvailableEncryption(password)
    content = pkcs12.serialize_key_and_certificates(b"gemeente", issued.key, issued.certificate, above, encryption)
    file, password_file = folder / "gemeente.p12", folder / "password"
    file.touch(mode=0o600)
    file.write_bytes(content)
    password_file.write_bytes(b"geheim\n")
    return CertificateRecord(GEMEENTE, "pre", Use.SIGN, file, None, password_file)


def test_the_key_is_the_one_of_the_certificate_that_the_cpa_names(tmp_path: Path) -> None:
    ring = keyring(tmp_path, record(tmp_path, OLD, "old", Use.SIGN), record(tmp_path, NEW, "new", Use.SIGN))
    for issued in (OLD, NEW):
        assert ring.signer("pre", GEMEENTE, issued.der).certificate == issued.der
    with pytest.raises(TrustError, match="no key for the certificate for sign that the CPA names"):
        ring.signer("pre", GEMEENTE, AUTHORITY.issue().der)


def test_tls_shows_the_newest_that_is_valid(tmp_path: Path) -> None:
    future = AUTHORITY.issue(Shape(key=rsa_key("future"), not_before=NOW + timedelta(days=2)))
    clock = FixedClock()
    names = {"old": OLD, "future": future, "new": NEW}
    records = [record(tmp_path, issued, name, Use.TLS_CLIENT) for name, issued in names.items()]
    ring = keyring(tmp_path, *records, clock=clock)
    assert ring.certificate("pre", GEMEENTE, Use.TLS_CLIENT).der == NEW.der
    before = ring.client_context("pre", GEMEENTE)
    assert ring.client_context("pre", GEMEENTE) is before
    clock.time = NOW + timedelta(days=3)
    assert ring.certificate("pre", GEMEENTE, Use.TLS_CLIENT).der == future.der
    assert ring.client_context("pre", GEMEENTE) is not before


def test_one_broken_file_does_not_hide_the_other(tmp_path: Path) -> None:
    broken = record(tmp_path, NEW, "new", Use.SIGN)
    broken.certificate_file.write_text("no certificate")
    ring = keyring(tmp_path, broken, record(tmp_path, OLD, "old", Use.SIGN))
    assert ring.signer("pre", GEMEENTE, OLD.der).certificate == OLD.der
    assert [status.problem is None for status in ring.status()] == [False, True]


def test_pkcs12_gives_the_key_and_its_chain_in_order(tmp_path: Path) -> None:
    loaded = load_key(pkcs12_record(tmp_path, NEW))
    assert [each.der for each in loaded.chain[:1]] == [NEW.der]
    assert [each.subject for each in loaded.chain[1:]] == [c.subject.rfc4514_string() for c in NEW.above]


def test_pkcs12_with_another_password_is_told(tmp_path: Path) -> None:
    wanted = pkcs12_record(tmp_path, NEW, b"something else")
    with pytest.raises(TrustError, match=r"gemeente\.p12: is no readable PKCS#12, or the password is wrong"):
        load_key(wanted)


async def test_pkcs12_serves_tls(tmp_path: Path) -> None:
    ring = keyring(tmp_path, replace(pkcs12_record(tmp_path, NEW), use=Use.TLS_SERVER))
    async with serving(echo, ring.server_context("pre", GEMEENTE)) as port:
        assert b"200" in await attempt(port, client_tls(tmp_path, NEW, AUTHORITY), REQUEST)


@pytest.mark.parametrize("transport", [ciphers.OAEP, ciphers.RSA_1_5])
def test_a_key_is_unwrapped_for_the_certificate_that_the_cpa_names(
    tmp_path: Path, transport: ciphers.KeyTransport
) -> None:
    ring = keyring(tmp_path, record(tmp_path, OLD, "old", Use.DECRYPT), record(tmp_path, NEW, "new", Use.DECRYPT))
    public_key = OLD.certificate.public_key()
    assert isinstance(public_key, rsa.RSAPublicKey)
    wrapped = public_key.encrypt(b"k" * 32, ciphers.padding_of(transport))
    assert ring.decrypter("pre", GEMEENTE, OLD.der).unwrap(wrapped, transport) == b"k" * 32
    with pytest.raises(DecryptionError):
        ring.decrypter("pre", GEMEENTE, OLD.der).unwrap(b"short", transport)


def test_an_expired_certificate_decrypts_and_does_not_sign(tmp_path: Path) -> None:
    records = [record(tmp_path, NEW, "new", use) for use in (Use.DECRYPT, Use.SIGN)]
    ring = keyring(tmp_path, *records, clock=FixedClock(NOW + timedelta(days=40)))
    assert ring.decrypter("pre", GEMEENTE, NEW.der).certificate == NEW.der
    with pytest.raises(TrustError, match="expired"):
        ring.signer("pre", GEMEENTE, NEW.der)


def test_a_file_that_changed_is_taken_up_without_a_restart(tmp_path: Path) -> None:
    wanted = record(tmp_path, OLD, "gemeente", Use.SIGN)
    ring = keyring(tmp_path, wanted)
    assert ring.certificate("pre", GEMEENTE, Use.SIGN).der == OLD.der
    NEW.write(tmp_path, "gemeente")
    assert ring.certificate("pre", GEMEENTE, Use.SIGN).der == OLD.der
    ring.refresh()
    assert ring.signer("pre", GEMEENTE, NEW.der).certificate == NEW.der
    with pytest.raises(TrustError, match="no key"):
        ring.signer("pre", GEMEENTE, OLD.der)


def test_a_broken_new_file_leaves_the_old_key_in_use_and_is_told_once(tmp_path: Path) -> None:
    wanted = record(tmp_path, OLD, "gemeente", Use.SIGN)
    ring = keyring(tmp_path, wanted)
    ring.signer("pre", GEMEENTE, OLD.der)
    key_file = wanted.key_file
    assert key_file is not None
    good = key_file.read_bytes()
    key_file.write_bytes(NEW.key_pem())
    with capture_logs() as logs:
        ring.refresh()
        ring.refresh()
    assert [entry["event"] for entry in logs] == ["key_not_reloaded"]
    assert ring.signer("pre", GEMEENTE, OLD.der).certificate == OLD.der
    assert "does not belong to" in str(ring.status()[0].problem)
    key_file.write_bytes(good)
    ring.refresh()
    assert ring.status()[0].problem is None


def test_a_file_that_is_gone_leaves_the_old_key_in_use(tmp_path: Path) -> None:
    wanted = record(tmp_path, OLD, "gemeente", Use.SIGN)
    ring = keyring(tmp_path, wanted)
    ring.signer("pre", GEMEENTE, OLD.der)
    wanted.certificate_file.unlink()
    ring.refresh()
    assert ring.signer("pre", GEMEENTE, OLD.der).certificate == OLD.der
    assert "No such file" in str(ring.status()[0].problem)


def test_records_that_are_new_or_gone_are_taken_up(tmp_path: Path) -> None:
    old, new = record(tmp_path, OLD, "old", Use.SIGN), record(tmp_path, NEW, "new", Use.SIGN)
    ring = keyring(tmp_path, old)
    ring.signer("pre", GEMEENTE, OLD.der)
    ring.refresh([new])
    assert ring.signer("pre", GEMEENTE, NEW.der).certificate == NEW.der
    with pytest.raises(TrustError):
        ring.signer("pre", GEMEENTE, OLD.der)


async def test_new_handshakes_use_the_new_certificate_while_old_connections_run_on(tmp_path: Path) -> None:
    wanted = record(tmp_path, OLD, "gemeente", Use.TLS_SERVER)
    ring = keyring(tmp_path, wanted)
    caller = AUTHORITY.issue(Shape(oin=LEVERANCIER))
    context = client_tls(tmp_path, caller, AUTHORITY)
    async with (
        serving(echo, lambda: ring.server_context("pre", GEMEENTE)) as port,
        Connected.to(port, context) as before,
    ):
        assert before.server_certificate == OLD.der
        await before.exchange(REQUEST)
        NEW.write(tmp_path, "gemeente")
        ring.refresh()
        async with Connected.to(port, context) as after:
            assert after.server_certificate == NEW.der
            assert b"200" in await after.exchange(REQUEST)
        assert b"200" in await before.exchange(REQUEST)


async def test_a_listener_goes_on_with_the_old_certificate_when_nothing_usable_is_left(tmp_path: Path) -> None:
    clock = FixedClock()
    ring = keyring(tmp_path, record(tmp_path, NEW, "gemeente", Use.TLS_SERVER), clock=clock)
    context = client_tls(tmp_path, AUTHORITY.issue(Shape(oin=LEVERANCIER)), AUTHORITY)
    async with serving(echo, lambda: ring.server_context("pre", GEMEENTE)) as port:
        assert b"200" in await attempt(port, context, REQUEST)
        clock.time = NOW + timedelta(days=60)
        assert b"200" in await attempt(port, context, REQUEST)


def test_a_key_that_is_loaded_leaves_no_file_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)
    ring = keyring(tmp_path, record(tmp_path, NEW, "gemeente", Use.TLS_CLIENT))
    ring.client_context("pre", GEMEENTE)
    assert list((tmp_path / "tmp").iterdir()) == []
