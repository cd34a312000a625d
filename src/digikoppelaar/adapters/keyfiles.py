"""Certificates and private keys from files, PEM or PKCS#12: the one place where a private key is read.

Nothing about keys goes into a log but the path of the file. Which key serves what is decided by `keys`.
"""

import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final

import structlog
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import pkcs12

from digikoppelaar.adapters.tls import Identity
from digikoppelaar.errors import TrustError
from digikoppelaar.flows.ports.connections import is_production, is_sandbox
from digikoppelaar.flows.registration import CertificateEntry
from digikoppelaar.pki.certificate import Certificate, Use, read_certificate, read_certificates
from digikoppelaar.pki.policy import check_hierarchy

log = structlog.get_logger(__name__)

_OTHERS: Final = 0o007

Stamp = tuple[tuple[int, int, int] | None, ...]
"""What changes when a file is written or replaced: time, size and number of each."""


@dataclass(frozen=True, slots=True)
class CertificateRecord:
    """Which files a partij uses in an omgeving: PEM, leaf first and then its intermediates, or PKCS#12."""

    partij_oin: str
    omgeving: str
    use: Use
    certificate_file: Path
    key_file: Path | None = None
    """None: the certificate file is PKCS#12 and holds the key."""
    password_file: Path | None = None
    """First line: the password of an encrypted key or of the PKCS#12 file."""

    @property
    def files(self) -> tuple[Path, ...]:
        """All of them."""
        return tuple(file for file in (self.certificate_file, self.key_file, self.password_file) if file)

    def stamp(self) -> Stamp:
        """The present state of its files."""
        return stamp_of(self.files)


def record_of(entry: CertificateEntry) -> CertificateRecord:
    """The record of what was applied with `organisatie apply`."""
    return CertificateRecord(
        entry.partij_oin,
        entry.omgeving,
        Use(entry.use),
        Path(entry.certificate_file),
        Path(entry.key_file) if entry.key_file else None,
        Path(entry.password_file) if entry.password_file else None,
    )


@dataclass(frozen=True, slots=True)
class LoadedKey:
    """A checked record: `chain[0]` is the leaf and belongs to `key`."""

    record: CertificateRecord
    chain: tuple[Certificate, ...]
    key: PrivateKeyTypes = field(repr=False)
    stamp: Stamp = ()

    @property
    def leaf(self) -> Certificate:
        """The certificate of the partij itself."""
        return self.chain[0]

    @contextmanager
    def identity(self) -> Iterator[Identity]:
        """Files for the TLS layer, which reads nothing else; the key is encrypted, and gone after the block.

        So a handshake never meets a certificate and a key of different moments, and PKCS#12 serves too.
        """
        password = secrets.token_hex(16).encode()
        pem = b"".join(as_pem(certificate) for certificate in self.chain) + self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(password),
        )
        with tempfile.NamedTemporaryFile(prefix="digikoppelaar-", suffix=".pem") as file:
            file.write(pem)
            file.flush()
            yield Identity(Path(file.name), Path(file.name), password)


def stamp_of(files: Sequence[Path]) -> Stamp:
    """The present state of these files; None for one that is not there."""
    return tuple(_stamp(file) for file in files)


def load_key(record: CertificateRecord) -> LoadedKey:
    """Read and check the files of a record. Raises TrustError, which names the file; OinError without an OIN.

    Validity in time and use are not judged here: see `keys.Keyring`.
    """
    stamp = record.stamp()
    chain, key = read_key(record)
    if not belongs(key, chain[0]):
        raise TrustError(f"{record.key_file}: this key does not belong to {record.certificate_file}")
    _warn_when_open(record.key_file or record.certificate_file)
    refuse_mixture(record.omgeving, chain, record.certificate_file)
    if chain[0].oin != record.partij_oin:
        raise TrustError(f"{record.certificate_file}: is of OIN {chain[0].oin}, not of {record.partij_oin}")
    return LoadedKey(record, chain, key, stamp)


def read_key(record: CertificateRecord) -> tuple[tuple[Certificate, ...], PrivateKeyTypes]:
    """The certificates, leaf first, and the key as the files have them; they are not judged. Raises TrustError."""
    password = _password(record.password_file)
    if record.key_file is None:
        return _pkcs12(record, password)
    return read_chain(record.certificate_file), _private_key(record.key_file, password)


def belongs(key: PrivateKeyTypes, certificate: Certificate) -> bool:
    """Whether the certificate is of this key."""
    return _public(key.public_key()) == _public(x509.load_der_x509_certificate(certificate.der).public_key())


def read_chain(file: Path) -> tuple[Certificate, ...]:
    """The certificates of a PEM file in their order, at least one; raises TrustError."""
    try:
        return read_certificates(_read(file))
    except TrustError as error:
        raise error if str(file) in str(error) else TrustError(f"{file}: holds {error}") from error


def refuse_mixture(omgeving: str, certificates: Sequence[Certificate], file: Path) -> None:
    """Raises TrustError for a certificate of another world: see pki.policy.check_hierarchy."""
    for certificate in certificates:
        try:
            check_hierarchy(certificate, sandbox=is_sandbox(omgeving), production=is_production(omgeving))
        except TrustError as error:
            raise TrustError(f"{file}: {error} in {omgeving}") from error


def _pkcs12(record: CertificateRecord, password: bytes | None) -> tuple[tuple[Certificate, ...], PrivateKeyTypes]:
    file = record.certificate_file
    try:
        store = pkcs12.load_pkcs12(_read(file), password)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise TrustError(f"{file}: is no readable PKCS#12, or the password is wrong") from error
    if store.key is None or store.cert is None:
        raise TrustError(f"{file}: the PKCS#12 holds no key with its certificate")
    others = [read_certificate(_der(each.certificate)) for each in store.additional_certs]
    return in_order(read_certificate(_der(store.cert.certificate)), others), store.key


def in_order(leaf: Certificate, others: Sequence[Certificate]) -> tuple[Certificate, ...]:
    """Leaf first, each followed by its issuer, out of what has no order. A root is left out: nobody sends it."""
    chain = [leaf]
    while above := next((each for each in others if each.subject == chain[-1].issuer and each not in chain), None):
        if above.self_signed:
            break
        chain.append(above)
    return tuple(chain)


def _private_key(file: Path, password: bytes | None) -> PrivateKeyTypes:
    try:
        return _parsed(_read(file), password)
    except TypeError as error:
        wrong = "needs a password file" if password is None else "is not encrypted, yet a password file is set"
        raise TrustError(f"{file}: the key {wrong}") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise TrustError(f"{file}: holds no readable PEM key, or the password is wrong") from error


@lru_cache(maxsize=64)
def _parsed(pem: bytes, password: bytes | None) -> PrivateKeyTypes:
    """OpenSSL proves the numbers of an RSA key: 50 ms of a processor, which one file needs once."""
    return serialization.load_pem_private_key(pem, password)


def _password(file: Path | None) -> bytes | None:
    if file is None:
        return None
    lines = _read(file).splitlines()
    if not lines or not lines[0]:
        raise TrustError(f"{file}: the password file is empty")
    return lines[0]


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise TrustError(f"{file}: {error.strerror}") from error


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _public(key: object) -> bytes:
    encoded: bytes = key.public_bytes(  # type: ignore[attr-defined]  # every kind of public key has it
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return encoded


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def as_pem(certificate: Certificate) -> bytes:
    """A certificate as PEM."""
    return x509.load_der_x509_certificate(certificate.der).public_bytes(serialization.Encoding.PEM)


def _warn_when_open(file: Path) -> None:
    mode = file.stat().st_mode
    if mode & _OTHERS:
        log.warning("key file is open to others", file=str(file), mode=f"{mode & 0o777:o}")
