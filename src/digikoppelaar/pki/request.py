"""Requests for a PKIoverheid certificate (CSR): what one holds, and whether what was issued is what was asked for.

Pure: keys are arguments. They are made and kept by `adapters.key_requests`.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from digikoppelaar.errors import ConfigError, OinError, TrustError
from digikoppelaar.pki.certificate import UNREADABLE, Certificate, Use, check_use, issued, names_host
from digikoppelaar.pki.oin import check_oin

LONGEST_NAME: Final = 64
"""Characters of O and CN (RFC 5280, ub-organization-name and ub-common-name)."""

_HOST: Final = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))+", re.ASCII)
_KVK: Final = re.compile(r"[0-9]{8}", re.ASCII)
_USAGES: Final = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
    *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)


@dataclass(frozen=True, slots=True)
class CertificateKind:
    """A kind of certificate that can be asked for; see profiles/pkioverheid-aanvraag.toml.

    `provisional`: a TSP or the production profiles may say otherwise.
    """

    title: str
    uses: tuple[str, ...]
    common_name: str
    hosts: bool
    organisation_id: bool
    key_bits: int
    key_usage: tuple[str, ...]
    extended_key_usage: tuple[str, ...]
    signature: str
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """For whom a certificate is asked; `kvk` is the number at the chamber of commerce, eight digits.

    Raises ConfigError when this kind of certificate cannot be asked so.
    """

    kind: CertificateKind
    oin: str
    organisation: str
    hosts: tuple[str, ...] = ()
    kvk: str = ""

    def __post_init__(self) -> None:
        for problem, advice in self._problems():
            raise ConfigError(problem, advice=advice)

    def _problems(self) -> Iterator[tuple[str, str]]:
        try:
            check_oin(self.oin)
        except OinError as error:
            yield str(error), "Geef het OIN of HRN van de partij: twintig posities."
        if not 2 <= len(self.organisation) <= LONGEST_NAME or not self.organisation.isprintable():
            yield (
                f"the name of the organisation must have 2 to {LONGEST_NAME} characters",
                "Geef met --organisation de naam zoals die in het Handelsregister staat, zo nodig verkort.",
            )
        if self.kind.hosts != bool(self.hosts):
            needs = "needs at least one host" if self.kind.hosts else "names no hosts"
            yield f"{self.kind.title} {needs}", "Geef met --host de naam van het endpoint; alleen bij TLS als server."
        for host in self.hosts:
            if not _HOST.fullmatch(host) or len(host) > LONGEST_NAME:
                yield (
                    f"{host!r} is not the name of a host",
                    "Geef een volledige hostnaam in kleine letters, geen adres.",
                )
        if self.kind.organisation_id and not _KVK.fullmatch(self.kvk):
            yield f"{self.kind.title} needs the number at the KvK", "Geef met --kvk de acht cijfers van het KvK-nummer."

    @property
    def subject(self) -> x509.Name:
        """C, O, organizationIdentifier, CN and, as serialNumber, the OIN (PKI001)."""
        common_name = self.hosts[0] if self.kind.common_name == "host" else self.organisation
        attributes = [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "NL"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, self.organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, self.oin),
        ]
        if self.kind.organisation_id:
            attributes.insert(2, x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, f"NTRNL-{self.kvk}"))
        return x509.Name(attributes)


def make_request(wanted: Wanted, key: rsa.RSAPrivateKey) -> bytes:
    """The request in PEM, signed with the key that the certificate is asked for."""
    kind = wanted.kind
    usage = x509.KeyUsage(**{name: name in kind.key_usage for name in _USAGES})
    builder = x509.CertificateSigningRequestBuilder().subject_name(wanted.subject).add_extension(usage, critical=True)
    if kind.extended_key_usage:
        usages = x509.ExtendedKeyUsage([x509.ObjectIdentifier(each) for each in kind.extended_key_usage])
        builder = builder.add_extension(usages, critical=False)
    if wanted.hosts:
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in wanted.hosts])
        builder = builder.add_extension(names, critical=False)
    algorithm: hashes.SHA256 | hashes.SHA512 = hashes.SHA256()
    how: padding.PSS | padding.PKCS1v15 = padding.PKCS1v15()
    if kind.signature == "pss-sha512":
        algorithm = hashes.SHA512()
        how = padding.PSS(padding.MGF1(algorithm), algorithm.digest_size)
    return builder.sign(key, algorithm, rsa_padding=how).public_bytes(serialization.Encoding.PEM)


@dataclass(frozen=True, slots=True)
class Requested:
    """What a request asks for, as it is read back."""

    public_key: bytes = field(repr=False)
    """DER."""
    oin: str
    hosts: tuple[str, ...]


def read_request(pem: bytes) -> Requested:
    """What stands in a request. Raises TrustError when it cannot be read, or is not signed with its own key."""
    try:
        found = x509.load_pem_x509_csr(pem)
        if not found.is_signature_valid:
            raise TrustError("the request is not signed with its own key")
        serials = found.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)
        return Requested(_public(found), "".join(str(each.value) for each in serials), _hosts(found))
    except UNREADABLE as error:
        raise TrustError(f"the request cannot be read: {type(error).__name__}") from error


def check_issued(requested: Requested, chain: Sequence[Certificate], uses: Sequence[Use], now: datetime) -> None:
    """Raises TrustError when the certificate `chain[0]` is not what was asked for, or the chain above it is not whole.

    The names of the organisation may differ: a TSP writes them as the register has them.
    """
    leaf = chain[0]
    if _public(x509.load_der_x509_certificate(leaf.der)) != requested.public_key:
        raise TrustError("the certificate is of another key than the request", advice=_ADVICE_KEY)
    if leaf.oin != requested.oin:
        raise TrustError(f"the certificate is of OIN {leaf.oin}, and {requested.oin} was asked for", advice=_ADVICE_TSP)
    if missing := [host for host in requested.hosts if not names_host(leaf, host)]:
        raise TrustError(f"the certificate does not name {', '.join(missing)}", advice=_ADVICE_TSP)
    for use in uses:
        check_use(leaf, use, now)
    if leaf.self_signed:
        raise TrustError("the certificate vouches for itself", advice=_ADVICE_TSP)
    if len(chain) == 1 or not all(issued(above, below) for below, above in pairwise(chain)):
        raise TrustError(f"the certificate of {chain[-1].issuer} is lacking", advice=_ADVICE_CHAIN)


_ADVICE_KEY: Final = (
    "Dit certificaat hoort bij een andere sleutel. Kies de aanvraag waar het bij hoort; is die sleutel weg, vraag dan "
    "een nieuw certificaat aan."
)
_ADVICE_TSP: Final = "Vraag de certificaatverlener om een certificaat zoals het is aangevraagd; gebruik dit niet."
_ADVICE_CHAIN: Final = "Geef ook de bestanden met de tussencertificaten van de certificaatverlener mee."


def _public(found: x509.CertificateSigningRequest | x509.Certificate) -> bytes:
    return found.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _hosts(found: x509.CertificateSigningRequest) -> tuple[str, ...]:
    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(names.get_values_for_type(x509.DNSName))
