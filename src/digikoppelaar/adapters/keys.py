"""Certificates and private keys of partijen, from PEM files: the one place where a private key is read.

A record says which files serve which use; a `Keyring` finds them, checks them and makes signers and TLS contexts.
Nothing about keys goes into a log but the path of the file.
"""

import ssl
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.x509 import load_pem_x509_certificates

from digikoppelaar.adapters import tls
from digikoppelaar.ebms import names
from digikoppelaar.errors import TrustError
from digikoppelaar.flows.ports import OMGEVINGEN, Clock, is_sandbox
from digikoppelaar.pki.certificate import Certificate, Use, check_use, read_certificate

log = structlog.get_logger(__name__)

_HASHES: Final[Mapping[str, hashes.HashAlgorithm]] = {
    names.RSA_SHA256: hashes.SHA256(),
    names.RSA_SHA384: hashes.SHA384(),
    names.RSA_SHA512: hashes.SHA512(),
}
_OTHERS: Final = 0o007


@dataclass(frozen=True, slots=True)
class CertificateRecord:
    """Which files a partij uses in an omgeving. The certificate file holds the leaf first, then its intermediates."""

    partij_oin: str
    omgeving: str
    use: Use
    certificate_file: Path
    key_file: Path
    password_file: Path | None = None
    """First line: the password of an encrypted key."""


@dataclass(frozen=True, slots=True)
class LoadedKey:
    """A checked record: `chain[0]` is the leaf and belongs to `key`."""

    record: CertificateRecord
    chain: tuple[Certificate, ...]
    key: PrivateKeyTypes
    identity: tls.Identity

    @property
    def leaf(self) -> Certificate:
        """The certificate of the partij itself."""
        return self.chain[0]


class PemSigner:
    """A flows.ports.Signer with an RSA key; PKCS #1 v1.5 is what the XML Signature algorithms of names.py mean."""

    def __init__(self, certificate: bytes, key: rsa.RSAPrivateKey) -> None:
        self.certificate = certificate
        self._key = key

    def sign(self, data: bytes, algorithm: str) -> bytes:
        """The raw signature; raises TrustError for an algorithm outside the SHA-2 family (BV v3.0.0)."""
        if algorithm not in _HASHES:
            raise TrustError(f"cannot sign with {algorithm}")
        return self._key.sign(data, padding.PKCS1v15(), _HASHES[algorithm])


def load_key(record: CertificateRecord) -> LoadedKey:
    """Read and check the files of a record. Raises TrustError, which names the file; OinError without an OIN.

    Validity in time and use are not judged here: see `Keyring`.
    """
    chain = read_chain(record.certificate_file)
    password = _password(record.password_file)
    key = _private_key(record.key_file, password)
    if _public(key) != _public_of(record.certificate_file):
        raise TrustError(f"{record.key_file}: this key does not belong to {record.certificate_file}")
    _warn_when_open(record.key_file)
    refuse_mixture(record.omgeving, chain, record.certificate_file)
    if chain[0].oin != record.partij_oin:
        raise TrustError(f"{record.certificate_file}: is of OIN {chain[0].oin}, not of {record.partij_oin}")
    return LoadedKey(record, chain, key, tls.Identity(record.certificate_file, record.key_file, password))


def read_chain(file: Path) -> tuple[Certificate, ...]:
    """The certificates of a PEM file in their order, at least one; raises TrustError."""
    try:
        parsed = load_pem_x509_certificates(_read(file))
    except ValueError as error:
        raise TrustError(f"{file}: holds no readable PEM certificate") from error
    return tuple(read_certificate(each.public_bytes(serialization.Encoding.DER)) for each in parsed)


def refuse_mixture(omgeving: str, certificates: Iterable[Certificate], file: Path) -> None:
    """Raises TrustError for a sandbox certificate in pre or prod, and for a real one in the sandbox."""
    wanted = is_sandbox(omgeving)
    for certificate in certificates:
        if certificate.sandbox != wanted:
            kind = "the sandbox" if not wanted else "a real PKI"
            raise TrustError(f"{file}: a certificate of {kind} is refused in {omgeving}")


class Keyring:
    """All certificates of this installation: flows.ports.Signers, and the TLS contexts of partijen.

    Files are read at first use and kept; make a new Keyring to read them again. One partij has at most one
    certificate for each use in an omgeving.
    """

    def __init__(
        self,
        records: Iterable[CertificateRecord],
        trust_anchors: Mapping[str, Sequence[Path]],
        clock: Clock,
        crl_files: Mapping[str, Sequence[Path]] | None = None,
    ) -> None:
        self._records = _index(records)
        self._trust_anchors = trust_anchors
        self._crl_files = crl_files or {}
        self._clock = clock
        self._keys: dict[CertificateRecord, LoadedKey] = {}
        self._contexts: dict[CertificateRecord, ssl.SSLContext] = {}

    def signer(self, omgeving: str, partij_oin: str, certificate: bytes) -> PemSigner:
        """The key of `certificate`; raises TrustError when there is none that may be used now."""
        loaded = self._usable(omgeving, partij_oin, Use.SIGN)
        if loaded.leaf.der != certificate:
            raise TrustError(f"partij {partij_oin} has no key for the signing certificate that the CPA names")
        if not isinstance(loaded.key, rsa.RSAPrivateKey):
            raise TrustError(f"{loaded.record.key_file}: signing needs an RSA key")
        return PemSigner(loaded.leaf.der, loaded.key)

    def client_context(self, omgeving: str, partij_oin: str) -> ssl.SSLContext:
        """TLS towards partners of this omgeving, as the partij; raises TrustError."""
        return self._context(omgeving, partij_oin, Use.TLS_CLIENT)

    def server_context(self, omgeving: str, partij_oin: str) -> ssl.SSLContext:
        """TLS for a listener of this omgeving, as the partij; raises TrustError."""
        return self._context(omgeving, partij_oin, Use.TLS_SERVER)

    def certificate(self, omgeving: str, partij_oin: str, use: Use) -> Certificate:
        """The leaf for this use, to show or to put in a CPA; raises TrustError or OinError."""
        return self._load(self._record(omgeving, partij_oin, use)).leaf

    def _context(self, omgeving: str, partij_oin: str, use: Use) -> ssl.SSLContext:
        loaded = self._usable(omgeving, partij_oin, use)
        if loaded.record not in self._contexts:
            make = tls.server_context if use is Use.TLS_SERVER else tls.client_context
            crl_files = self._crl_files.get(omgeving, ())
            self._contexts[loaded.record] = make(loaded.identity, self._anchors(omgeving), crl_files)
        return self._contexts[loaded.record]

    def _usable(self, omgeving: str, partij_oin: str, use: Use) -> LoadedKey:
        loaded = self._load(self._record(omgeving, partij_oin, use))
        check_use(loaded.leaf, use, self._clock.now())
        return loaded

    def _load(self, record: CertificateRecord) -> LoadedKey:
        if record not in self._keys:
            self._keys[record] = load_key(record)
        return self._keys[record]

    def _record(self, omgeving: str, partij_oin: str, use: Use) -> CertificateRecord:
        record = self._records.get((omgeving, partij_oin, use))
        if record is None:
            raise TrustError(f"partij {partij_oin} has no certificate for {use.value} in {omgeving}")
        return record

    def _anchors(self, omgeving: str) -> Sequence[Path]:
        files = self._trust_anchors.get(omgeving, ())
        if not files:
            raise TrustError(f"no trust anchors are set for {omgeving}")
        for file in files:
            refuse_mixture(omgeving, read_chain(file), file)
        return files


_Name = tuple[str, str, Use]


def _index(records: Iterable[CertificateRecord]) -> dict[_Name, CertificateRecord]:
    index: dict[_Name, CertificateRecord] = {}
    for record in records:
        name = (record.omgeving, record.partij_oin, record.use)
        if record.omgeving not in OMGEVINGEN:
            raise TrustError(f"{record.omgeving!r} is not an omgeving")
        if name in index:
            raise TrustError(f"partij {record.partij_oin} has two certificates for {record.use.value} in {name[0]}")
        index[name] = record
    return index


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise TrustError(f"{file}: {error.strerror}") from error


def _password(file: Path | None) -> bytes | None:
    if file is None:
        return None
    lines = _read(file).splitlines()
    if not lines or not lines[0]:
        raise TrustError(f"{file}: the password file is empty")
    return lines[0]


def _private_key(file: Path, password: bytes | None) -> PrivateKeyTypes:
    try:
        return serialization.load_pem_private_key(_read(file), password)
    except TypeError as error:
        wrong = "needs a password file" if password is None else "is not encrypted, yet a password file is set"
        raise TrustError(f"{file}: the key {wrong}") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise TrustError(f"{file}: holds no readable PEM key, or the password is wrong") from error


def _public(key: PrivateKeyTypes) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _public_of(certificate_file: Path) -> bytes:
    leaf = load_pem_x509_certificates(_read(certificate_file))[0]
    return leaf.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _warn_when_open(file: Path) -> None:
    mode = file.stat().st_mode
    if mode & _OTHERS:
        log.warning("key file is open to others", file=str(file), mode=f"{mode & 0o777:o}")
