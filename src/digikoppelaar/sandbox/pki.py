"""A PKIoverheid look-alike of four levels (root, domain, TSP, holder), for the sandbox only.

Every certificate carries the sandbox mark and names SANDBOX as its organisation, so that `pre` and `prod` can
refuse it whatever anchors they have. Shapes: digikoppeling-ebms2.md, 3.2 and 3.3.
"""

import ipaddress
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from digikoppelaar.pki.certificate import SANDBOX_MARK_OID, SANDBOX_NAME, Use

TLS: Final = frozenset({Use.TLS_SERVER, Use.TLS_CLIENT})
SIGN: Final = frozenset({Use.SIGN})

_MARK: Final = x509.UnrecognizedExtension(x509.ObjectIdentifier(SANDBOX_MARK_OID), b"\x0c\x07SANDBOX")  # DER UTF8String
_LEVELS: Final = (
    ("root", "SANDBOX Private Root CA"),
    ("domain", "SANDBOX Private Services CA"),
    ("tsp", "SANDBOX TSP CA"),
)
_KEY_BITS: Final = 3072  # NCSC: 2048 is being phased out (3.1); eight keys on two threads take 0.6 s
_EARLIER: Final = timedelta(hours=1)  # valid a little before now, for clocks that differ
_CA_LIFE: Final = timedelta(days=3650)
_LEAF_LIFE: Final = timedelta(days=1095)
_CRL_LIFE: Final = timedelta(days=30)

_LONGEST_NAME: Final = 64

Key = rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True)
class Holder:
    """Who gets certificates. `file_name` is the start of the names of its files; `hosts`: names and addresses."""

    file_name: str
    name: str
    oin: str
    hosts: tuple[str, ...] = ("localhost", "127.0.0.1", "::1")
    key_bits: int = _KEY_BITS


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """A certificate with its chain (PEM: holder, TSP, domain) and its private key (PEM, mode 0600)."""

    certificate: Path
    key: Path

    def der(self) -> bytes:
        """The holder's certificate alone, DER."""
        certificates = x509.load_pem_x509_certificates(self.certificate.read_bytes())
        return certificates[0].public_bytes(serialization.Encoding.DER)


@dataclass(frozen=True, slots=True)
class Issuer:
    """A certificate authority with its key."""

    certificate: x509.Certificate
    key: Key = field(repr=False)

    def der(self) -> bytes:
        """Its certificate, DER."""
        return self.certificate.public_bytes(serialization.Encoding.DER)


@dataclass(frozen=True, slots=True)
class SandboxPki:
    """The certificate authorities of one state folder. `root` is the trust anchor, `crls` one PEM file of all CRLs."""

    folder: Path
    root: Path
    crls: Path
    issuers: tuple[Issuer, Issuer, Issuer]


def make_pki(folder: Path, now: datetime) -> SandboxPki:
    """Open the PKI in `folder`, or make one there: three CAs and an empty CRL of each, renewed at every call."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not (folder / "tsp.pem").exists():
        _make_issuers(folder, now)
    root, domain, tsp = (_load_issuer(folder, level) for level, _ in _LEVELS)
    crls = folder / "crls.pem"
    _write(crls, b"".join(_empty_crl(issuer, now) for issuer in (root, domain, tsp)))
    return SandboxPki(folder, folder / "root.pem", crls, (root, domain, tsp))


def fresh_crl(pki: SandboxPki, level: str, now: datetime) -> bytes | None:
    """The CRL of the CA `level` (root, domain or tsp) as of now, in DER; None when there is no such CA."""
    issuers = dict(zip((name for name, _ in _LEVELS), pki.issuers, strict=True))
    if level not in issuers:
        return None
    crl = x509.load_pem_x509_crl(_empty_crl(issuers[level], now))
    return crl.public_bytes(serialization.Encoding.DER)


def make_keys(bits: Sequence[int]) -> list[Key]:
    """New RSA keys of these sizes; made on all cores, for OpenSSL lets other threads go on meanwhile."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(partial(rsa.generate_private_key, 65537), bits))


def issue_all(
    pki: SandboxPki, wanted: Sequence[tuple[Holder, frozenset[Use]]], now: datetime
) -> list[CertificateFiles]:
    """`issue` for several at once, with their keys made side by side."""
    missing = [want for want in wanted if not _files(pki, *want).certificate.exists()]
    for (holder, uses), key in zip(missing, make_keys([holder.key_bits for holder, _ in missing]), strict=True):
        _issue(pki, holder, uses, key, now)
    return [_files(pki, *want) for want in wanted]


def issue(pki: SandboxPki, holder: Holder, uses: frozenset[Use], now: datetime) -> CertificateFiles:
    """A certificate for `uses` (TLS or SIGN: one per use, as with PKIoverheid); the same files at a second call."""
    return issue_all(pki, [(holder, uses)], now)[0]


@dataclass(frozen=True, slots=True)
class Slip:
    """What a certificate for a request shall be other than what was asked; for trying what a gateway says of it.

    `oin` None: as asked; empty: none. `hosts` are beside those of the request. `ago` is when it was issued. `alone`:
    without those above it.
    """

    oin: str | None = None
    hosts: tuple[str, ...] = ("localhost", "127.0.0.1", "::1")
    ago: timedelta = timedelta()
    alone: bool = False


AS_ASKED: Final = Slip()
"""A sandbox has endpoints on this machine, which a request cannot name."""


def certify(pki: SandboxPki, request: bytes, now: datetime, slip: Slip = AS_ASKED, own: Key | None = None) -> bytes:
    """The certificate for a request (CSR, PEM), as a TSP gives it: PEM, with those between it and the root.

    With `own`, the key of the request, it vouches for itself.
    """
    asked = x509.load_pem_x509_csr(request)
    key = asked.public_key()
    assert isinstance(key, rsa.RSAPublicKey), "only RSA is asked for"
    _, domain, tsp = pki.issuers
    subject = _asked_name(asked.subject, slip.oin)
    issuer = subject if own else tsp.certificate.subject
    builder = _builder(subject, key, issuer, now - slip.ago, _LEAF_LIFE)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    for each in asked.extensions:
        if not isinstance(each.value, x509.SubjectAlternativeName):
            builder = builder.add_extension(each.value, each.critical)
    if hosts := (*_asked_hosts(asked), *map(_host, slip.hosts)):
        builder = builder.add_extension(x509.SubjectAlternativeName(hosts), critical=False)
    if not own:
        builder = builder.add_extension(_issued_by(tsp), critical=False)
    made = builder.sign(own or tsp.key, hashes.SHA256())
    return b"".join(map(_pem, (made,) if slip.alone else (made, tsp.certificate, domain.certificate)))


def _asked_name(asked: x509.Name, oin: str | None) -> x509.Name:
    """With the sandbox in the name of the organisation, whatever was asked."""
    attributes = []
    for each in asked:
        value = str(each.value)
        if each.oid == NameOID.ORGANIZATION_NAME:
            value = f"{SANDBOX_NAME} {value}"[:_LONGEST_NAME]
        elif each.oid == NameOID.SERIAL_NUMBER and oin is not None:
            value = oin
        attributes += [x509.NameAttribute(each.oid, value)] if value else []
    return x509.Name(attributes)


def _asked_hosts(asked: x509.CertificateSigningRequest) -> tuple[x509.GeneralName, ...]:
    names = [each.value for each in asked.extensions if isinstance(each.value, x509.SubjectAlternativeName)]
    return tuple(name for each in names for name in each)


def _files(pki: SandboxPki, holder: Holder, uses: frozenset[Use]) -> CertificateFiles:
    stem = f"{holder.file_name}-{'sign' if uses == SIGN else 'tls'}"
    return CertificateFiles(pki.folder / f"{stem}.pem", pki.folder / f"{stem}.key")


def _issue(pki: SandboxPki, holder: Holder, uses: frozenset[Use], key: Key, now: datetime) -> None:
    _, domain, tsp = pki.issuers
    builder = _builder(_holder_name(holder), key.public_key(), tsp.certificate.subject, now, _LEAF_LIFE)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_issued_by(tsp), critical=False)
    builder = builder.add_extension(_key_usage(sign=uses == SIGN), critical=True)
    if uses != SIGN:
        builder = _for_tls(builder, uses, holder.hosts)
    certificate = builder.sign(tsp.key, hashes.SHA256())
    files = _files(pki, holder, uses)
    _write_key(files.key, key)
    _write(files.certificate, b"".join(map(_pem, (certificate, tsp.certificate, domain.certificate))))


def _make_issuers(folder: Path, now: datetime) -> None:
    issuer: Issuer | None = None
    for depth, ((level, common_name), key) in enumerate(
        zip(_LEVELS, make_keys([_KEY_BITS] * len(_LEVELS)), strict=True)
    ):
        issuer = _make_issuer(common_name, key, issuer, len(_LEVELS) - 1 - depth, now)
        _write_key(folder / f"{level}.key", key)
        _write(folder / f"{level}.pem", _pem(issuer.certificate))


def _make_issuer(common_name: str, key: Key, parent: Issuer | None, path_length: int, now: datetime) -> Issuer:
    subject = _name(common_name)
    builder = _builder(subject, key.public_key(), parent.certificate.subject if parent else subject, now, _CA_LIFE)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
    builder = builder.add_extension(_ca_key_usage(), critical=True)
    if parent:
        builder = builder.add_extension(_issued_by(parent), critical=False)
    return Issuer(builder.sign(parent.key if parent else key, hashes.SHA256()), key)


def _builder(
    subject: x509.Name, key: rsa.RSAPublicKey, issuer: x509.Name, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(_MARK, critical=False)
    )


def _name(common_name: str, organisation: str = SANDBOX_NAME, *more: x509.NameAttribute[str]) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "NL"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
            *more,
        ]
    )


def _holder_name(holder: Holder) -> x509.Name:
    oin = x509.NameAttribute(NameOID.SERIAL_NUMBER, holder.oin)
    return _name(f"{holder.file_name}.sandbox.localhost", f"{SANDBOX_NAME} {holder.name}", oin)


def _issued_by(issuer: Issuer) -> x509.AuthorityKeyIdentifier:
    identifier = issuer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def _for_tls(builder: x509.CertificateBuilder, uses: frozenset[Use], hosts: Sequence[str]) -> x509.CertificateBuilder:
    purposes = {Use.TLS_SERVER: ExtendedKeyUsageOID.SERVER_AUTH, Use.TLS_CLIENT: ExtendedKeyUsageOID.CLIENT_AUTH}
    wanted = [purpose for use, purpose in purposes.items() if use in uses]
    builder = builder.add_extension(x509.ExtendedKeyUsage(wanted), critical=False)
    return builder.add_extension(x509.SubjectAlternativeName([_host(host) for host in hosts]), critical=False)


def _host(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _key_usage(*, sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=sign,
        key_encipherment=not sign,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _ca_key_usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )


def _empty_crl(issuer: Issuer, now: datetime) -> bytes:
    crl = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(now - _EARLIER)
        .next_update(now + _CRL_LIFE)
        .add_extension(_issued_by(issuer), critical=False)
        .add_extension(x509.CRLNumber(int(now.timestamp())), critical=False)
        .sign(issuer.key, hashes.SHA256())
    )
    return crl.public_bytes(serialization.Encoding.PEM)


def _load_issuer(folder: Path, level: str) -> Issuer:
    certificate = x509.load_pem_x509_certificate((folder / f"{level}.pem").read_bytes())
    pem = (folder / f"{level}.key").read_bytes()
    # We made the key ourselves: proving its primes again would take 0.1 s for each CA at every start.
    key = serialization.load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(key, rsa.RSAPrivateKey)
    return Issuer(certificate, key)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _write_key(path: Path, key: Key) -> None:
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    _write(path, pem, mode=0o600)


def _write(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Under another name first: a file that is there is whole, also after a kill."""
    partial_path = path.with_name(path.name + ".part")
    partial_path.unlink(missing_ok=True)
    with os.fdopen(os.open(partial_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    partial_path.replace(path)
