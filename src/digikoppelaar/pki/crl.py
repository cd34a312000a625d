"""Certificate revocation lists: reading, believing, and when to look for a newer one (3.4).

Pure. They are fetched by `flows.revocation` and stored by an adapter.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from digikoppelaar.errors import TrustError
from digikoppelaar.pki.certificate import Certificate

REFRESH: Final = timedelta(hours=4)
"""At least so often, for a TSP publishes a revocation within four hours (statement 180)."""
_CLOCKS: Final = timedelta(minutes=5)
"""How far the clock of an issuer may be ahead of ours."""


@dataclass(frozen=True, slots=True)
class Crl:
    """What a CRL says of itself. `issuer` is its name as Certificate.subject has it."""

    der: bytes = field(repr=False)
    issuer: str
    this_update: datetime
    next_update: datetime

    @property
    def sha256(self) -> bytes:
        """Its fingerprint."""
        return hashlib.sha256(self.der).digest()

    @property
    def middle(self) -> datetime:
        """Half-way: by then a newer one ought to have come."""
        return self.this_update + (self.next_update - self.this_update) / 2


def read_crl(document: bytes) -> Crl:
    """A CRL in DER or PEM. Raises TrustError when it cannot be read or has no nextUpdate."""
    try:
        parsed = _parse(document)
        return Crl(
            parsed.public_bytes(serialization.Encoding.DER),
            parsed.issuer.rfc4514_string(),
            parsed.last_update_utc,
            _next_update(parsed),
        )
    except (ValueError, TypeError) as error:
        raise TrustError("this is no readable CRL") from error


def read_crls(document: bytes) -> tuple[Crl, ...]:
    """Every CRL of a PEM text, or the one of a DER document. Raises TrustError."""
    begin = b"-----BEGIN X509 CRL-----"
    if begin not in document:
        return (read_crl(document),)
    return tuple(read_crl(begin + rest) for rest in document.split(begin)[1:])


def revokes(crl: Crl, serial_number: int) -> bool:
    """Whether the certificate of its issuer with this number is on it."""
    return x509.load_der_x509_crl(crl.der).get_revoked_certificate_by_serial_number(serial_number) is not None


def check_crl(crl: Crl, authorities: Iterable[Certificate], now: datetime) -> None:
    """Raises TrustError unless one of `authorities` signed it and it is current."""
    if crl.this_update > now + _CLOCKS:
        raise TrustError(f"the CRL of {crl.issuer} is of the future: {crl.this_update:%Y-%m-%d %H:%M}")
    if crl.next_update <= now:
        raise TrustError(f"the CRL of {crl.issuer} is past its nextUpdate: {crl.next_update:%Y-%m-%d %H:%M}")
    if not any(_signed(crl, authority) for authority in authorities):
        raise TrustError(f"no known authority signed the CRL of {crl.issuer}")


def refresh_at(crl: Crl | None, tried_at: datetime) -> datetime:
    """When to fetch again: after four hours, or half its life when that is sooner; at once without one."""
    if crl is None:
        return tried_at
    return tried_at + min(REFRESH, (crl.next_update - crl.this_update) / 2)


def is_overdue(crl: Crl, now: datetime) -> bool:
    """Whether half of its life is over: time to warn, while it still counts."""
    return now > crl.middle


def _parse(document: bytes) -> x509.CertificateRevocationList:
    if document.lstrip().startswith(b"-----"):
        return x509.load_pem_x509_crl(document)
    return x509.load_der_x509_crl(document)


def _next_update(parsed: x509.CertificateRevocationList) -> datetime:
    if parsed.next_update_utc is None:
        raise ValueError("no nextUpdate")
    return parsed.next_update_utc


def _signed(crl: Crl, authority: Certificate) -> bool:
    if not authority.authority or authority.subject != crl.issuer:
        return False
    issuer = x509.load_der_x509_certificate(authority.der)
    try:
        key = issuer.public_key()
        return x509.load_der_x509_crl(crl.der).is_signature_valid(key)  # type: ignore[arg-type]  # any other kind: TypeError
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False
