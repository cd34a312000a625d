"""The facts of one X.509 certificate, and whether it may be used for a purpose.

Parsing and rules only. Whether a chain ends at a trust anchor is decided by OpenSSL in the TLS layer and by `chain` for
signing certificates; files and private keys live in `adapters.keyfiles`.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from digikoppelaar.errors import OinError, TrustError
from digikoppelaar.pki.oin import check_oin

SANDBOX_MARK_OID: Final = "1.3.6.1.4.1.99999.1"
"""A non-critical extension in every certificate of the sandbox."""
SANDBOX_NAME: Final = "SANDBOX"
UNREADABLE: Final = (
    ValueError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""All that the library raises for a certificate with something odd in it, or for its key."""
"""Stands in the organisation name of every certificate of the sandbox."""

_ANY_USAGE: Final = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE.dotted_string


class Use(Enum):
    """What a certificate of a partij is for."""

    TLS_SERVER = "tls-server"
    TLS_CLIENT = "tls-client"
    SIGN = "sign"
    DECRYPT = "decrypt"


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
    may_decrypt: bool | None
    """keyUsage has keyEncipherment or dataEncipherment; None when there is no keyUsage."""
    authority: bool
    """basicConstraints says that it may issue certificates."""
    self_signed: bool
    key_kind: str
    """RSA, EC, or the name of another kind."""
    key_bits: int
    """0 for a kind of which the size says nothing."""
    signature_hash: str | None
    """The digest under the issuer's signature, such as sha256; None when the algorithm has none of its own."""
    crl_urls: tuple[str, ...]
    """Where its issuer publishes its CRL, by http."""
    names: tuple[str, ...]
    """DNS names and IP addresses of subjectAltName."""
    trial: bool
    """Of TRIAL PKIoverheid, the hierarchy for tests (3.3)."""
    sandbox: bool
    """Carries a mark of the sandbox; such a certificate is never trusted in `pre` and `prod`."""

    @property
    def oin(self) -> str:
        """The OIN of the holder; raises OinError when the certificate carries none (PKI001)."""
        if self.subject_serial is None:
            raise OinError("the certificate has no subject.serialNumber, so no OIN")
        return check_oin(self.subject_serial)

    @property
    def serial(self) -> str:
        """The number that its issuer gave it, in hex."""
        return f"{x509.load_der_x509_certificate(self.der).serial_number:x}"

    @property
    def sha256(self) -> str:
        """The fingerprint in hex, to show to people."""
        return hashlib.sha256(self.der).hexdigest()


def read_certificate(der: bytes) -> Certificate:
    """The facts of a DER certificate. Raises TrustError when it cannot be read."""
    try:
        return _facts(x509.load_der_x509_certificate(der), der)
    except UNREADABLE as error:
        raise TrustError(f"the certificate cannot be read: {type(error).__name__}") from error


def read_certificates(pem: bytes) -> tuple[Certificate, ...]:
    """The certificates of a PEM text in their order, at least one. Raises TrustError."""
    try:
        parsed = x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise TrustError("no readable PEM certificate") from error
    return tuple(read_certificate(each.public_bytes(serialization.Encoding.DER)) for each in parsed)


def issued(issuer: Certificate, certificate: Certificate) -> bool:
    """Whether `certificate` carries the signature and name of the authority `issuer`."""
    if not issuer.authority or issuer.subject != certificate.issuer:
        return False
    return _signed_by(x509.load_der_x509_certificate(certificate.der), x509.load_der_x509_certificate(issuer.der))


def names_host(certificate: Certificate, host: str) -> bool:
    """Whether subjectAltName has this host; a star stands for one label (RFC 6125, section 6.4.3)."""
    known = {name.casefold() for name in certificate.names}
    return not known.isdisjoint({host.casefold(), f"*.{host.partition('.')[2].casefold()}"})


def check_use(certificate: Certificate, use: Use, now: datetime) -> None:
    """Raises TrustError when the certificate is not valid at `now` or not meant for `use`; OinError without an OIN.

    An extended key usage is judged only if it is there: older Digikoppeling texts advise against it, G4
    certificates have it (7o).
    """
    check_purpose(certificate, use)
    if now < certificate.not_before:
        raise TrustError(f"the certificate of {certificate.oin} is not valid before {certificate.not_before:%Y-%m-%d}")
    if now > certificate.not_after:
        raise TrustError(
            f"the certificate of {certificate.oin} expired on {certificate.not_after:%Y-%m-%d}",
            advice="Het certificaat is verlopen: vraag een nieuw aan bij de certificaatverlener en stel het in.",
        )


def check_purpose(certificate: Certificate, use: Use) -> None:
    """Raises TrustError when the certificate is not meant for `use`; OinError without an OIN."""
    if not _meant_for(certificate, use):
        raise TrustError(f"the certificate of {certificate.oin} is not meant for {use.value}")


_EXTENDED_KEY_USAGE: Final = {
    Use.TLS_SERVER: ExtendedKeyUsageOID.SERVER_AUTH.dotted_string,
    Use.TLS_CLIENT: ExtendedKeyUsageOID.CLIENT_AUTH.dotted_string,
}


def _meant_for(certificate: Certificate, use: Use) -> bool:
    _ = certificate.oin
    if use is Use.SIGN:
        return certificate.may_sign is not False
    if use is Use.DECRYPT:
        return certificate.may_decrypt is not False
    usages = certificate.extended_key_usage
    return usages is None or _ANY_USAGE in usages or _EXTENDED_KEY_USAGE[use] in usages


def _facts(parsed: x509.Certificate, der: bytes) -> Certificate:
    organisation = _name(parsed.subject, NameOID.ORGANIZATION_NAME) or ""
    key_kind, key_bits = _key(parsed)
    names = (parsed.subject, parsed.issuer)
    return Certificate(
        der=der,
        subject=parsed.subject.rfc4514_string(),
        issuer=parsed.issuer.rfc4514_string(),
        organisation=organisation,
        subject_serial=_name(parsed.subject, NameOID.SERIAL_NUMBER),
        not_before=parsed.not_valid_before_utc,
        not_after=parsed.not_valid_after_utc,
        extended_key_usage=_extended_key_usage(parsed),
        may_sign=_may(parsed, "digital_signature", "content_commitment"),
        may_decrypt=_may(parsed, "key_encipherment", "data_encipherment"),
        authority=_is_authority(parsed),
        self_signed=parsed.subject == parsed.issuer and _signed_by(parsed, parsed),
        key_kind=key_kind,
        key_bits=key_bits,
        signature_hash=hash_algorithm.name if (hash_algorithm := parsed.signature_hash_algorithm) else None,
        crl_urls=_crl_urls(parsed),
        names=_names(parsed),
        trial=any("TRIAL" in str(each.value).upper() for name in names for each in name),
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


def _may(parsed: x509.Certificate, *usages: str) -> bool | None:
    try:
        usage = parsed.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return None
    return any(getattr(usage, name) for name in usages)


def _is_authority(parsed: x509.Certificate) -> bool:
    try:
        return parsed.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _signed_by(parsed: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        parsed.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True


def _key(parsed: x509.Certificate) -> tuple[str, int]:
    try:
        match parsed.public_key():
            case rsa.RSAPublicKey(key_size=bits):
                return "RSA", bits
            case ec.EllipticCurvePublicKey(key_size=bits):
                return "EC", bits
            case other:
                return type(other).__name__.removesuffix("PublicKey").lstrip("_"), 0
    except (ValueError, UnsupportedAlgorithm):
        return "unknown", 0


def _crl_urls(parsed: x509.Certificate) -> tuple[str, ...]:
    try:
        points = parsed.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except x509.ExtensionNotFound:
        return ()
    names = (name.value for point in points for name in point.full_name or () if _is_url(name))
    return tuple(dict.fromkeys(names))


def _is_url(name: x509.GeneralName) -> bool:
    return isinstance(name, x509.UniformResourceIdentifier) and name.value.startswith(("http://", "https://"))


def _names(parsed: x509.Certificate) -> tuple[str, ...]:
    try:
        names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    addresses = (str(address) for address in names.get_values_for_type(x509.IPAddress))
    return (*names.get_values_for_type(x509.DNSName), *addresses)


def _has_mark(parsed: x509.Certificate) -> bool:
    return any(extension.oid.dotted_string == SANDBOX_MARK_OID for extension in parsed.extensions)
