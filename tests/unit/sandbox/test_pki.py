"""The PKIoverheid look-alike, held against OpenSSL itself."""

import ssl
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from digikoppelaar.pki.certificate import SANDBOX_MARK_OID
from digikoppelaar.sandbox import pki

NOW = datetime(2026, 6, 2, 12, 0, tzinfo=UTC)
GEMEENTE = pki.Holder("gemeente", "Gemeente Oeverloo", "00000099000000002000")


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> pki.SandboxPki:
    return pki.make_pki(tmp_path_factory.mktemp("pki"), datetime.now(UTC))  # noqa: TID251  # OpenSSL has its own clock


@pytest.fixture(scope="module")
def files(sandbox: pki.SandboxPki) -> list[pki.CertificateFiles]:
    now = datetime.now(UTC)  # noqa: TID251
    return pki.issue_all(sandbox, [(GEMEENTE, pki.TLS), (GEMEENTE, pki.SIGN)], now)


def certificates(path: Path) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(path.read_bytes())


def shake_hands(server: ssl.SSLContext, client: ssl.SSLContext) -> ssl.SSLObject:
    """A handshake in memory; the server's end of it."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname="localhost"),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    done: set[int] = set()
    for _ in range(10):
        for number, end in enumerate(ends):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            done.add(number)
    assert done == {0, 1}
    return ends[1]


def test_openssl_accepts_both_sides_with_every_revocation_list_of_the_chain(
    sandbox: pki.SandboxPki, files: list[pki.CertificateFiles]
) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    server.verify_mode = ssl.CERT_REQUIRED
    for context in (server, client):
        context.load_cert_chain(files[0].certificate, files[0].key)
        context.load_verify_locations(sandbox.root)
        context.load_verify_locations(sandbox.crls)
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN
    peer = shake_hands(server, client).getpeercert()
    assert peer is not None
    assert (("serialNumber", GEMEENTE.oin),) in peer["subject"]


def test_every_certificate_of_the_chain_bears_the_mark_and_names_sandbox(
    sandbox: pki.SandboxPki, files: list[pki.CertificateFiles]
) -> None:
    chain = [*certificates(files[0].certificate), *certificates(sandbox.root)]
    assert len(chain) == 4
    for certificate in chain:
        assert certificate.extensions.get_extension_for_oid(x509.ObjectIdentifier(SANDBOX_MARK_OID))
        organisation = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value
        assert str(organisation).startswith("SANDBOX")


def test_a_certificate_for_signing_cannot_be_used_for_tls(files: list[pki.CertificateFiles]) -> None:
    leaf = certificates(files[1].certificate)[0]
    usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.content_commitment
    assert not usage.key_encipherment
    with pytest.raises(x509.ExtensionNotFound):
        leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage)


def test_private_keys_are_readable_by_their_owner_only(
    sandbox: pki.SandboxPki, files: list[pki.CertificateFiles]
) -> None:
    keys = [*sandbox.folder.glob("*.key")]
    assert len(keys) == 5
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}


def test_opening_a_folder_again_keeps_its_certificates(
    sandbox: pki.SandboxPki, files: list[pki.CertificateFiles]
) -> None:
    before = files[0].der()
    again = pki.make_pki(sandbox.folder, NOW)
    assert pki.issue(again, GEMEENTE, pki.TLS, NOW).der() == before


def test_another_folder_has_another_root(sandbox: pki.SandboxPki, tmp_path: Path) -> None:
    assert pki.make_pki(tmp_path, NOW).root.read_bytes() != sandbox.root.read_bytes()
