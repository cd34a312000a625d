"""The facts of one X.509 certificate, and whether it may be used for a purpose.

Parsing and rules only. Whether a chain ends at a trust anchor is decided by OpenSSL in the TLS layer; files and
private keys live in `adapters.keys`.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Final

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from digikoppelaar.errors import OinError, TrustError
from digikoppelaar.pki.oin import check_oin

SANDBOX_MARK_OID: Final = "1.3.6.1.4.1.99999.1"
"""A non-critical extension in every certificate of the sandbox."""
SANDBOX_NAME: Final = "SANDBOX"
"""Stands in the organisation name of every certificate of the sandbox."""

_ANY_USAGE: Final = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE.dotted_string


class Use(Enum):
    """What a certificate of a partij is for."""

    TLS_SERVER = "tls-server"
    TLS_CLIENT = "tls-client"
    SIGN = "sign"


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says. `extended_key_usage` and `key_usage` are None when the extension is absent."""

    der: bytes = field(repr=False)
    subject: str
    issuer: str
    organisation: str
    subject_serial: str | None
    """subject.serialNumber as it stands; `oin` checks it."""
    not_before: datetime
    not_after: datetime
    extended_key_usage: frozenset[str] | None
    """Dotted object identifiers."""
    may_sign: bool | None
    """keyUsage has digitalSignature or nonRepudiation; None when there is no keyUsage."""
    names: tuple[str, ...]
    """DNS names and IP addresses of subjectAltName."""
    sandbox: bool
    """Carries a mark of the sandbox; such a certificate is never trusted in `pre` and `prod`."""

    @property
    def oin(self) -> str:
        """The OIN of the holder; raises OinError when the certificate carries none (PKI001)."""
        if self.subject_serial is None:
            raise OinError("the certificate has no subject.serialNumber, so no OIN")
        return check_oin(self.subject_serial)

    @property
    def sha256(self) -> str:
        """The fingerprint in hex, to show to people."""
        return hashlib.sha256(self.der).hexdigest()


def read_certificate(der: bytes) -> Certificate:
    """The facts of a DER certificate. Raises TrustError when it cannot be read."""
    try:
        return _facts(x509.load_der_x509_certificate(der), der)
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise TrustError(f"the certificate cannot be read: {type(error).__name__}") from error


def check_use(certificate: Certificate, use: Use, now: datetime) -> None:
    """Raises TrustError when the certificate is not valid at `now` or not meant for `use`; OinError without an OIN.

    An extended key usage is judged only if it is there: older Digikoppeling texts advise against it, G4
    certificates have it (7o).
    """
    _ = certificate.oin
    if now < certificate.not_before:
        raise TrustError(f"the certificate of {certificate.oin} is not valid before {certificate.not_before:%Y-%m-%d}")
    if now > certificate.not_after:
        raise TrustError(
            f"the certificate of {certificate.oin} expired on {certificate.not_after:%Y-%m-%d}",
            advice="Het certificaat is verlopen: vraag een nieuw aan bij de certificaatverlener en stel het in.",
        )
    if not _meant_for(certificate, use):
        raise TrustError(f"the certificate of {certificate.oin} is not meant for {use.value}")


_EXTENDED_KEY_USAGE: Final = {
    Use.TLS_SERVER: ExtendedKeyUsageOID.SERVER_AUTH.dotted_string,
    Use.TLS_CLIENT: ExtendedKeyUsageOID.CLIENT_AUTH.dotted_string,
}


def _meant_for(certificate: Certificate, use: Use) -> bool:
    if use is Use.SIGN:
        return certificate.may_sign is not False
    usages = certificate.extended_key_usage
    return usages is None or _ANY_USAGE in usages or _EXTENDED_KEY_USAGE[use] in usages


def _facts(parsed: x509.Certificate, der: bytes) -> Certificate:
    organisation = _name(parsed.subject, NameOID.ORGANIZATION_NAME) or ""
    return Certificate(
        der=der,
        subject=parsed.subject.rfc4514_string(),
        issuer=parsed.issuer.rfc4514_string(),
        organisation=organisation,
        subject_serial=_name(parsed.subject, NameOID.SERIAL_NUMBER),
        not_before=parsed.not_valid_before_utc,
        not_after=parsed.not_valid_after_utc,
        extended_key_usage=_extended_key_usage(parsed),
        may_sign=_may_sign(parsed),
        names=_names(parsed),
        sandbox=SANDBOX_NAME in organisation.upper() or _has_mark(parsed),
    )


def _name(name: x509.Name, oid: x509.ObjectIdentifier) -> str | None:
    found = name.get_attributes_for_oid(oid)
    return str(found[0].value) if found else None


def _extended_key_usage(parsed: x509.Certificate) -> frozenset[str] | None:
    try:
        usages = parsed.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return None
    return frozenset(usage.dotted_string for usage in usages)


def _may_sign(parsed: x509.Certificate) -> bool | None:
    try:
        usage = parsed.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return None
    return usage.digital_signature or usage.content_commitment


def _names(parsed: x509.Certificate) -> tuple[str, ...]:
    try:
        names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    addresses = (str(address) for address in names.get_values_for_type(x509.IPAddress))
    return (*names.get_values_for_type(x509.DNSName), *addresses)


def _has_mark(parsed: x509.Certificate) -> bool:
    return any(extension.oid.dotted_string == SANDBOX_MARK_OID for extension in parsed.extensions)
