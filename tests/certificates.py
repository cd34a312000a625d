"""A small factory of certificate chains for tests, good and odd; keys are made once per run, all of it is fictitious.

The sandbox has a PKI of its own (digikoppelaar.sandbox.pki); this one can make what the sandbox must never make.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from digikoppelaar.adapters.keyfiles import CertificateRecord
from digikoppelaar.adapters.trust import TrustBase, TrustFiles
from digikoppelaar.flows.ports import Clock
from digikoppelaar.pki.certificate import SANDBOX_MARK_OID, Use

NOW = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251  # OpenSSL judges by the real clock
GEMEENTE = "00000099000000001000"
LEVERANCIER = "00000099000000002000"

CLIENT_AUTH = ExtendedKeyUsageOID.CLIENT_AUTH
SERVER_AUTH = ExtendedKeyUsageOID.SERVER_AUTH
BOTH = (SERVER_AUTH, CLIENT_AUTH)

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@cache
def rsa_key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """An RSA key; the same one for the same name."""
    del name
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@cache
def ec_key(name: str) -> ec.EllipticCurvePrivateKey:
    """A P-256 key; the same one for the same name."""
    del name
    return ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True)
class Issued:
    """A certificate with its key and the certificates above it, without the root."""

    certificate: x509.Certificate
    key: Key
    above: tuple[x509.Certificate, ...] = ()

    @property
    def der(self) -> bytes:
        """The certificate alone."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    def chain_pem(self) -> bytes:
        """Leaf first, then its intermediates."""
        return b"".join(c.public_bytes(serialization.Encoding.PEM) for c in (self.certificate, *self.above))

    def key_pem(self, password: bytes | None = None) -> bytes:
        """The private key, encrypted when a password is given."""
        encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if password is not None:
            encryption = serialization.BestAvailableEncryption(password)
        return self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)

    def write(self, folder: Path, name: str = "leaf") -> tuple[Path, Path]:
        """Files with the chain and the key, in that order."""
        chain, key = folder / f"{name}.pem", folder / f"{name}.key"
        chain.write_bytes(self.chain_pem())
        key.touch(mode=0o600)
        key.write_bytes(self.key_pem())
        return chain, key

    def record(
        self, folder: Path, *uses: Use, omgeving: str = "pre", oin: str = GEMEENTE
    ) -> tuple[CertificateRecord, ...]:
        """Records of it for each use, with files in `folder`."""
        chain, key = self.write(folder, f"{omgeving}-{oin}")
        return tuple(CertificateRecord(oin, omgeving, use, chain, key) for use in uses)


@dataclass(frozen=True)
class Shape:
    """What a leaf says. None leaves the part out."""

    oin: str | None = GEMEENTE
    organisation: str = "Gemeente Voorbeeldstad"
    names: Sequence[str] = ("localhost", "127.0.0.1")
    usages: Sequence[x509.ObjectIdentifier] | None = BOTH
    not_before: datetime = field(default_factory=lambda: NOW - timedelta(days=1))
    not_after: datetime = field(default_factory=lambda: NOW + timedelta(days=30))
    digital_signature: bool | None = True
    sandbox: bool = False
    key: Key | None = None
    key_encipherment: bool = True
    crl_urls: Sequence[str] = ()
    hash_algorithm: hashes.SHA256 | hashes.SHA384 | hashes.SHA224 = field(default_factory=hashes.SHA256)


def trust_in(
    roots: Path | Sequence[Path],
    clock: Clock,
    omgeving: str = "pre",
    *,
    crls: Sequence[Path] = (),
    policy: str | None = None,
) -> TrustBase:
    """Trust in these roots; without CRLs in `pre` and `prod` with the policy that does not ask for them."""
    anchors = (roots,) if isinstance(roots, Path) else roots
    if policy is None and not crls and omgeving in ("pre", "prod"):
        policy = "legacy"
    return TrustBase({omgeving: TrustFiles(anchors, crls=crls, policy=policy)}, clock)


class Authority:
    """A chain of CAs (root, domain, TSP), as PKIoverheid has them; `issue` makes the fourth level."""

    def __init__(
        self, name: str = "Test", *, sandbox: bool = False, pss: bool = False, crl_url: str | None = None
    ) -> None:
        self._sandbox = sandbox
        self._crl_url = crl_url
        self._padding = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH) if pss else None
        make_key = rsa_key if pss else ec_key
        self.root = self._authority(f"{name} Root", make_key(f"{name} Root"), None)
        self.domain = self._authority(f"{name} Domain", make_key(f"{name} Domain"), self.root)
        self.tsp = self._authority(f"{name} TSP", make_key(f"{name} TSP"), self.domain)
        self._above = (self.tsp.certificate, self.domain.certificate)

    def write_root(self, folder: Path, name: str = "root") -> Path:
        """A file with the root alone: the trust anchor."""
        file = folder / f"{name}.pem"
        file.write_bytes(self.root.chain_pem())
        return file

    def write_crls(self, folder: Path, *revoked: Issued) -> Path:
        """A file with the CRL of every CA; `revoked` are on the one of the TSP."""
        file = folder / "crls.pem"
        file.write_bytes(self.crls(*revoked))
        return file

    def crls(
        self, *revoked: Issued, age: timedelta = timedelta(hours=1), life: timedelta = timedelta(hours=5)
    ) -> bytes:
        """The CRL of every CA in one PEM text, TSP last; `revoked` are on the list of their issuer."""
        return b"".join(self.crl(issuer, *revoked, age=age, life=life) for issuer in (self.root, self.domain, self.tsp))

    def crl(
        self,
        issuer: Issued,
        *revoked: Issued,
        age: timedelta = timedelta(hours=1),
        life: timedelta = timedelta(hours=5),
        encoding: serialization.Encoding = serialization.Encoding.PEM,
    ) -> bytes:
        """The CRL of one CA, made `age` ago and good for `life`."""
        mine = [each for each in revoked if each.certificate.issuer == issuer.certificate.subject]
        return self._crl(issuer, mine, NOW - age, life).public_bytes(encoding)

    def issue(self, shape: Shape | None = None) -> Issued:
        """A leaf of this shape."""
        shape = shape or Shape()
        key = shape.key or rsa_key(shape.oin or "nobody")
        builder = self._builder(_subject(shape), self.tsp.certificate.subject, key, shape.not_before, shape.not_after)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        if shape.names:
            builder = builder.add_extension(x509.SubjectAlternativeName(_general_names(shape.names)), critical=False)
        if shape.usages is not None:
            builder = builder.add_extension(x509.ExtendedKeyUsage(shape.usages), critical=False)
        if shape.digital_signature is not None:
            builder = builder.add_extension(
                _key_usage(shape.digital_signature, key_encipherment=shape.key_encipherment), critical=True
            )
        if shape.sandbox:
            builder = builder.add_extension(_mark(), critical=False)
        for urls in (shape.crl_urls, [f"{self._crl_url}/tsp.crl"] if self._crl_url else []):
            if urls:
                builder = builder.add_extension(distribution_points(urls), critical=False)
        return Issued(self._sign(builder, self.tsp.key, shape.hash_algorithm), key, self._above)

    def _authority(self, name: str, key: Key, above: Issued | None) -> Issued:
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, "NL"),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "SANDBOX" if self._sandbox else "Test Overheid"),
                x509.NameAttribute(NameOID.COMMON_NAME, name),
            ]
        )
        issuer = above.certificate.subject if above else subject
        builder = self._builder(subject, issuer, key, NOW - timedelta(days=400), NOW + timedelta(days=400))
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        builder = builder.add_extension(_key_usage(True, ca=True), critical=True)
        if self._sandbox:
            builder = builder.add_extension(_mark(), critical=False)
        if self._crl_url and above:
            level = self._common_name(above.certificate).rsplit(maxsplit=1)[-1].lower()
            builder = builder.add_extension(distribution_points([f"{self._crl_url}/{level}.crl"]), critical=False)
        return Issued(self._sign(builder, above.key if above else key), key)

    @staticmethod
    def _builder(
        subject: x509.Name, issuer: x509.Name, key: Key, not_before: datetime, not_after: datetime
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(not_before)
            .not_valid_after(not_after)
        )

    def _sign(
        self,
        builder: x509.CertificateBuilder,
        key: Key,
        algorithm: hashes.SHA256 | hashes.SHA384 | hashes.SHA224 | None = None,
    ) -> x509.Certificate:
        return builder.sign(key, algorithm or hashes.SHA256(), rsa_padding=self._padding)

    def _crl(
        self, issuer: Issued, revoked: Sequence[Issued], made: datetime, life: timedelta
    ) -> x509.CertificateRevocationList:
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(issuer.certificate.subject)
            .last_update(made)
            .next_update(made + life)
        )
        for each in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(each.certificate.serial_number)
            builder = builder.add_revoked_certificate(entry.revocation_date(NOW - timedelta(hours=2)).build())
        return builder.sign(issuer.key, hashes.SHA256(), rsa_padding=self._padding)

    @staticmethod
    def _common_name(certificate: x509.Certificate) -> str:
        return str(certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def _subject(shape: Shape) -> x509.Name:
    attributes = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "NL"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, shape.organisation),
        x509.NameAttribute(NameOID.COMMON_NAME, "localhost"),
    ]
    if shape.oin is not None:
        attributes.append(x509.NameAttribute(NameOID.SERIAL_NUMBER, shape.oin))
    return x509.Name(attributes)


def _general_names(names: Sequence[str]) -> list[x509.GeneralName]:
    return [x509.IPAddress(ip_address(n)) if n[0].isdigit() else x509.DNSName(n) for n in names]


def distribution_points(urls: Sequence[str]) -> x509.CRLDistributionPoints:
    """Where the CRL of the issuer is."""
    names = [[x509.UniformResourceIdentifier(url)] for url in urls]
    return x509.CRLDistributionPoints([x509.DistributionPoint(each, None, None, None) for each in names])


def self_signed(oin: str = GEMEENTE, *, authority: bool = False, key: Key | None = None) -> Issued:
    """A certificate that vouches for itself, as the Java peer makes them."""
    key = key or rsa_key(f"self-signed {oin}")
    builder = Authority._builder(
        _subject(Shape(oin=oin)), _subject(Shape(oin=oin)), key, NOW - timedelta(days=1), NOW + timedelta(days=30)
    )
    builder = builder.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    builder = builder.add_extension(x509.SubjectAlternativeName(_general_names(Shape().names)), critical=False)
    return Issued(builder.sign(key, hashes.SHA256()), key)


def _key_usage(digital_signature: bool, *, ca: bool = False, key_encipherment: bool = True) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=key_encipherment and not ca,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def _mark() -> x509.UnrecognizedExtension:
    return x509.UnrecognizedExtension(x509.ObjectIdentifier(SANDBOX_MARK_OID), b"\x05\x00")
