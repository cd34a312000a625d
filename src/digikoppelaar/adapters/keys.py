"""Which key of a partij serves what: signers, decrypters and TLS contexts out of what `keyfiles` reads.

Several certificates for one use live side by side, as a renewal wants: TLS shows the newest that is valid, while
signing and decryption take the one that the CPA names. What changes on disk is taken up by `refresh`, without a
restart: new handshakes use the new key, connections that are open run on. A new file that cannot be used leaves the old
key in use.
"""

import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import structlog
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from digikoppelaar.adapters import tls
from digikoppelaar.adapters.keyfiles import CertificateRecord, LoadedKey, Stamp, load_key
from digikoppelaar.adapters.trust import TrustBase
from digikoppelaar.ebms import names
from digikoppelaar.ebms.ciphers import KeyTransport, padding_of
from digikoppelaar.errors import DecryptionError, DigikoppelaarError, TrustError
from digikoppelaar.flows.ports import OMGEVINGEN, Clock
from digikoppelaar.pki.certificate import Certificate, Use, check_purpose, check_use

log = structlog.get_logger(__name__)

_HASHES: Final[Mapping[str, hashes.HashAlgorithm]] = {
    names.RSA_SHA256: hashes.SHA256(),
    names.RSA_SHA384: hashes.SHA384(),
    names.RSA_SHA512: hashes.SHA512(),
}
_ELLIPTIC_HASHES: Final[Mapping[str, hashes.HashAlgorithm]] = {
    names.ECDSA_SHA256: hashes.SHA256(),
    names.ECDSA_SHA384: hashes.SHA384(),
    names.ECDSA_SHA512: hashes.SHA512(),
}

SigningKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

_Name = tuple[str, str, Use]
"""Omgeving, OIN of the partij, and use."""


class PemSigner:
    """A flows.ports.Signer with an RSA key (PKCS #1 v1.5) or an elliptic curve, as the algorithms of names.py mean."""

    def __init__(self, certificate: bytes, key: SigningKey) -> None:
        self.certificate = certificate
        self._key = key

    def sign(self, data: bytes, algorithm: str) -> bytes:
        """The raw signature, of ECDSA r and s side by side (SIGN004).

        Raises TrustError for an algorithm outside the SHA-2 family (BV v3.0.0), or one that does not fit the key.
        """
        match self._key:
            case rsa.RSAPrivateKey() as key if algorithm in _HASHES:
                return key.sign(data, padding.PKCS1v15(), _HASHES[algorithm])
            case ec.EllipticCurvePrivateKey() as key if algorithm in _ELLIPTIC_HASHES:
                half = (key.key_size + 7) // 8
                r, s = decode_dss_signature(key.sign(data, ec.ECDSA(_ELLIPTIC_HASHES[algorithm])))
                return r.to_bytes(half) + s.to_bytes(half)
        raise TrustError(f"cannot sign with {algorithm} and this key")


class PemDecrypter:
    """A flows.ports.Decrypter with an RSA key."""

    def __init__(self, certificate: bytes, key: rsa.RSAPrivateKey) -> None:
        self.certificate = certificate
        self._key = key

    def unwrap(self, wrapped: bytes, transport: KeyTransport) -> bytes:
        """See flows.ports.Decrypter. A wrong RSA 1.5 padding gives a random key: OpenSSL rejects it implicitly."""
        try:
            return self._key.decrypt(wrapped, padding_of(transport))
        except ValueError:
            raise DecryptionError from None


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """What there is to tell of a record. `problem`: why its files cannot be used now, though an older key may be."""

    record: CertificateRecord
    certificate: Certificate | None
    problem: str | None = None


class Keyring:
    """All certificates of this installation: flows.ports.Signers and Decrypters, and the TLS contexts of partijen.

    Files are read at first use and kept until `refresh` finds them changed.
    """

    def __init__(self, records: Iterable[CertificateRecord], trust: TrustBase, clock: Clock) -> None:
        self.trust = trust
        self._clock = clock
        self._records = _index(records)
        self._keys: dict[CertificateRecord, LoadedKey] = {}
        self._failed: dict[CertificateRecord, tuple[Stamp, str]] = {}
        self._contexts: dict[_Name, tuple[object, ssl.SSLContext]] = {}
        self._signers: dict[tuple[str, str, bytes], tuple[LoadedKey, PemSigner]] = {}

    def signer(self, omgeving: str, partij_oin: str, certificate: bytes) -> PemSigner:
        """See flows.ports.Signers."""
        name = (omgeving, partij_oin, certificate)
        if name not in self._signers:
            loaded = self._with(omgeving, partij_oin, Use.SIGN, certificate)
            self._signers[name] = loaded, PemSigner(certificate, _signing(loaded))
        loaded, signer = self._signers[name]
        check_use(loaded.leaf, Use.SIGN, self._clock.now())
        return signer

    def decrypter(self, omgeving: str, partij_oin: str, certificate: bytes) -> PemDecrypter:
        """See flows.ports.Decrypters."""
        loaded = self._with(omgeving, partij_oin, Use.DECRYPT, certificate)
        check_purpose(loaded.leaf, Use.DECRYPT)
        return PemDecrypter(certificate, _rsa(loaded))

    def client_context(self, omgeving: str, partij_oin: str) -> ssl.SSLContext:
        """TLS towards partners of this omgeving, as the partij; another one after a change. Raises TrustError."""
        return self._context(omgeving, partij_oin, Use.TLS_CLIENT)

    def public_client_context(self, omgeving: str, partij_oin: str) -> ssl.SSLContext:
        """TLS as the partij, towards a server that the machine trusts. Raises TrustError."""
        with self._usable((omgeving, partij_oin, Use.TLS_CLIENT)).identity() as identity:
            return tls.public_client_context(identity)

    def server_context(self, omgeving: str, partij_oin: str) -> ssl.SSLContext:
        """TLS for a listener of this omgeving, as the partij; another one after a change. Raises TrustError."""
        return self._context(omgeving, partij_oin, Use.TLS_SERVER)

    def certificate(self, omgeving: str, partij_oin: str, use: Use) -> Certificate:
        """The leaf that serves this use now, to show or to put in a CPA; raises TrustError or OinError."""
        return self._usable((omgeving, partij_oin, use)).leaf

    def status(self) -> list[KeyStatus]:
        """Every record with its certificate and what is wrong with it; loads what was not loaded yet."""
        found = []
        for records in self._records.values():
            for record in records:
                problem = self._try(record)
                loaded = self._keys.get(record)
                found.append(KeyStatus(record, loaded.leaf if loaded else None, problem))
        return found

    def refresh(self, records: Iterable[CertificateRecord] | None = None) -> None:
        """Take up what changed on disk and, when given, on record. Reads files: run it beside the event loop.

        What cannot be used leaves the old key in use, is logged once, and shows in `status`.
        """
        if records is not None:
            self._records = _index(records)
        self.trust.refresh()
        known = {record for group in self._records.values() for record in group}
        for gone in set(self._keys) - known:
            del self._keys[gone]
            self._signers = {}
        for record, loaded in list(self._keys.items()):
            stamp = record.stamp()
            if stamp not in (loaded.stamp, self._failed.get(record, (None,))[0]):
                self._reload(record)

    def _reload(self, record: CertificateRecord) -> None:
        if problem := self._load(record):
            log.error("key_not_reloaded", file=str(record.certificate_file), reason=problem)
            return
        leaf = self._keys[record].leaf
        log.info("key_reloaded", file=str(record.certificate_file), use=record.use.value, until=leaf.not_after)

    def _try(self, record: CertificateRecord) -> str | None:
        """Why the present files cannot be used; None when they are loaded."""
        if record in self._keys and record not in self._failed:
            return None
        stamp, problem = self._failed.get(record, (None, ""))
        return problem if stamp is not None and stamp == record.stamp() else self._load(record)

    def _load(self, record: CertificateRecord) -> str | None:
        try:
            loaded = load_key(record)
        except DigikoppelaarError as error:
            self._failed[record] = record.stamp(), str(error)
            return str(error)
        self._failed.pop(record, None)
        self._keys[record] = loaded
        self._signers = {}
        self.trust.learn(record.omgeving, loaded.chain[1:])
        return None

    def _context(self, omgeving: str, partij_oin: str, use: Use) -> ssl.SSLContext:
        name = (omgeving, partij_oin, use)
        loaded = self._usable(name)
        crl_check = self.trust.crl_check(omgeving)
        basis = (loaded, self.trust.version(omgeving), crl_check)
        kept = self._contexts.get(name)
        if kept is None or not _same(kept[0], basis):
            kept = self._contexts[name] = basis, self._new_context(loaded, omgeving, use, crl_check=crl_check)
        return kept[1]

    def _new_context(self, loaded: LoadedKey, omgeving: str, use: Use, *, crl_check: bool) -> ssl.SSLContext:
        make = tls.server_context if use is Use.TLS_SERVER else tls.client_context
        with loaded.identity() as identity, self.trust.bundle(omgeving) as bundle:
            return make(identity, [bundle], [bundle] if crl_check else [])

    def _usable(self, name: _Name) -> LoadedKey:
        """The newest that is valid now and meant for it; otherwise raises what is wrong with the newest."""
        problems: list[DigikoppelaarError] = []
        for loaded in sorted(self._loaded(name), key=lambda each: each.leaf.not_before, reverse=True):
            try:
                check_use(loaded.leaf, name[2], self._clock.now())
            except DigikoppelaarError as error:
                problems.append(error)
            else:
                return loaded
        raise problems[0]

    def _with(self, omgeving: str, partij_oin: str, use: Use, certificate: bytes) -> LoadedKey:
        name = (omgeving, partij_oin, use)
        found = next((each for each in self._loaded(name) if each.leaf.der == certificate), None)
        if found is None:
            raise TrustError(
                f"partij {partij_oin} has no key for the certificate for {use.value} that the CPA names ({omgeving})",
                advice="Stel het certificaat uit de CPA met zijn sleutel in, of importeer de CPA met het nieuwe.",
            )
        return found

    def _loaded(self, name: _Name) -> list[LoadedKey]:
        """What can be used of these records, at least one; raises TrustError."""
        omgeving, partij_oin, use = name
        records = self._records.get(name, ())
        if not records:
            raise TrustError(f"partij {partij_oin} has no certificate for {use.value} in {omgeving}")
        problems = [problem for record in records if record not in self._keys and (problem := self._try(record))]
        found = [self._keys[record] for record in records if record in self._keys]
        if not found:
            raise TrustError(problems[0])
        return found


def _same(before: object, after: tuple[object, ...]) -> bool:
    """Whether nothing changed: loaded keys are compared by identity, for they hold what has no equality."""
    return isinstance(before, tuple) and before[0] is after[0] and before[1:] == after[1:]


def _signing(loaded: LoadedKey) -> SigningKey:
    if not isinstance(loaded.key, SigningKey):
        raise TrustError(f"{loaded.record.certificate_file}: sign needs an RSA key or an elliptic curve")
    return loaded.key


def _rsa(loaded: LoadedKey) -> rsa.RSAPrivateKey:
    if not isinstance(loaded.key, rsa.RSAPrivateKey):
        raise TrustError(f"{loaded.record.certificate_file}: {loaded.record.use.value} needs an RSA key")
    return loaded.key


def _index(records: Iterable[CertificateRecord]) -> dict[_Name, tuple[CertificateRecord, ...]]:
    index: dict[_Name, tuple[CertificateRecord, ...]] = {}
    for record in records:
        if record.omgeving not in OMGEVINGEN:
            raise TrustError(f"{record.omgeving!r} is not an omgeving")
        name = (record.omgeving, record.partij_oin, record.use)
        index[name] = (*index.get(name, ()), record)
    return index
