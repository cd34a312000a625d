"""The digest and signature algorithms that Digikoppeling allows, by URI (SIGN001, SIGN003, SIGN004).

SHA-224, DSA and RSASSA-PSS are not in the tables, so nothing can ask for them. SHA-1 and rsa-sha1 are in tables of
their own, which only verifying for a partner with that tolerance looks at (7c).
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from digikoppelaar.ebms import names
from digikoppelaar.ebms.agreement import Signing
from digikoppelaar.errors import SignatureError
from digikoppelaar.pki.certificate import UNREADABLE

METHOD_LOCATION: Final = "//Header/Signature/SignedInfo/SignatureMethod/@Algorithm"

DIGESTS: Final[Mapping[str, Callable[..., Any]]] = {
    names.SHA256: hashlib.sha256,
    names.SHA384: hashlib.sha384,
    names.SHA512: hashlib.sha512,
}
"""The constructors of hashlib."""
KNOWN_DIGESTS: Final[Mapping[str, Callable[..., Any]]] = {**DIGESTS, names.SHA1: hashlib.sha1}
"""All that can be computed; computing is not accepting (statement 119)."""


@dataclass(frozen=True, slots=True)
class _SignatureAlgorithm:
    digest: hashes.HashAlgorithm
    elliptic: bool


_SIGNATURES: Final[Mapping[str, _SignatureAlgorithm]] = {
    names.RSA_SHA256: _SignatureAlgorithm(hashes.SHA256(), elliptic=False),
    names.RSA_SHA384: _SignatureAlgorithm(hashes.SHA384(), elliptic=False),
    names.RSA_SHA512: _SignatureAlgorithm(hashes.SHA512(), elliptic=False),
    names.ECDSA_SHA256: _SignatureAlgorithm(hashes.SHA256(), elliptic=True),
    names.ECDSA_SHA384: _SignatureAlgorithm(hashes.SHA384(), elliptic=True),
    names.ECDSA_SHA512: _SignatureAlgorithm(hashes.SHA512(), elliptic=True),
}
SIGNATURE_METHODS: Final = frozenset(_SIGNATURES)
_LEGACY_SIGNATURES: Final[Mapping[str, _SignatureAlgorithm]] = {
    **_SIGNATURES,
    names.RSA_SHA1: _SignatureAlgorithm(hashes.SHA1(), elliptic=False),  # noqa: S303  # verify only, by tolerance
}


def is_legacy(signing: Signing) -> bool:
    """Whether a signature as `signing` says holds by tolerance only. The caller logs each one that it accepts."""
    return signing.signature_algorithm not in _SIGNATURES or signing.digest_method not in DIGESTS


def digest(data: bytes, digest_method: str, *, legacy: bool = False) -> bytes:
    """The raw digest; `legacy` allows SHA-1. Raises SignatureError for a method that is not allowed."""
    make = (KNOWN_DIGESTS if legacy else DIGESTS).get(digest_method)
    if make is None:
        raise SignatureError(f"the digest method {digest_method!r} is not allowed")
    return bytes(make(data).digest())


def check_signature(
    value: bytes, data: bytes, algorithm: str, certificate: x509.Certificate, *, legacy: bool = False
) -> None:
    """Raise SignatureError unless `value` is the certificate's signature over `data`; `legacy` allows rsa-sha1.

    An ECDSA value is r and s side by side, as XML Signature has it, not DER.
    """
    known = _allowed(algorithm, _LEGACY_SIGNATURES if legacy else _SIGNATURES)
    try:
        match _public_key(certificate):
            case rsa.RSAPublicKey() as key if not known.elliptic:
                key.verify(value, data, padding.PKCS1v15(), known.digest)
            case ec.EllipticCurvePublicKey() as key if known.elliptic:
                key.verify(_der(value, key.key_size), data, ec.ECDSA(known.digest))
            case _:
                raise SignatureError("the signature method does not fit the key of the certificate in the CPA")
    except (InvalidSignature, ValueError) as error:  # ValueError: a key too small for the digest
        raise SignatureError("the signature does not hold under the certificate in the CPA") from error


def check_allowed(algorithm: str) -> None:
    """Raise SignatureError for a signature method that we never sign with, whatever the CPA says."""
    _allowed(algorithm, _SIGNATURES)


def _allowed(algorithm: str, table: Mapping[str, _SignatureAlgorithm]) -> _SignatureAlgorithm:
    known = table.get(algorithm)
    if known is None:
        raise SignatureError(f"the signature method {algorithm!r} is not allowed", location=METHOD_LOCATION)
    return known


def _der(value: bytes, key_size: int) -> bytes:
    half = (key_size + 7) // 8
    if len(value) != 2 * half:
        raise SignatureError("the signature value does not have the length of an ECDSA signature")
    return encode_dss_signature(int.from_bytes(value[:half]), int.from_bytes(value[half:]))


def read_signing_certificate(der: bytes) -> x509.Certificate:
    """Raises SignatureError when the CPA's certificate cannot be read."""
    try:
        return x509.load_der_x509_certificate(der)
    except UNREADABLE as error:
        raise SignatureError("the signing certificate in the CPA cannot be read") from error


def _public_key(certificate: x509.Certificate) -> PublicKeyTypes:
    try:
        return certificate.public_key()
    except UNREADABLE as error:
        raise SignatureError("the key of the certificate in the CPA cannot be read") from error


def check_validity(certificate: x509.Certificate, *moments: datetime) -> None:
    """Raise SignatureError when the certificate is not valid at one of the moments (statement 124, 7t)."""
    for moment in moments:
        if not certificate.not_valid_before_utc <= moment <= certificate.not_valid_after_utc:
            raise SignatureError(f"the signing certificate is not valid at {moment.isoformat()}")
