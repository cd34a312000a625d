"""The CPAs of the interop tests: between the gateway and the Java peer, one for each way of working.

Both parties send one action and receive one, so a CPA serves both directions. The gateway's own builder is not used
here: it makes no CPA with what only a tolerance allows, and a second maker keeps its mistakes from going unseen.
"""

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import jinja2
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    pkcs12,
)
from tests.certificates import Authority, Issued, Shape, rsa_key

from digikoppelaar.ebms import names
from digikoppelaar.ebms.messages import Service

SERVICE: Final = Service("interop:berichten:1$0", "urn:osb:services")
USES: Final = ("tls", "sign", "decrypt")
PASSWORD: Final = "interop"
"""Of the PKCS#12 files, which live as long as a test run."""
AES256_CBC: Final = "http://www.w3.org/2001/04/xmlenc#aes256-cbc"
AES256_GCM: Final = "http://www.w3.org/2009/xmlenc11#aes256-gcm"

_TEMPLATES: Final = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
)


@dataclass(frozen=True)
class Member:
    """One of the two parties: its certificates, made by `authority`, one for each use as with PKIoverheid."""

    key: str
    name: str
    oin: str
    role: str
    action: str
    """What it sends."""
    authority: Authority
    endpoints: dict[str, str] = field(default_factory=dict)
    """By scheme, http and https: where it listens."""
    issued: dict[str, Issued] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "issued", {use: self._issue(use) for use in USES})

    def _issue(self, use: str) -> Issued:
        shape = Shape(oin=self.oin, organisation=self.name, sandbox=True, key=rsa_key(f"interop {self.oin} {use}"))
        return self.authority.issue(shape)

    def write_pkcs12(self, folder: Path) -> dict[str, Path]:
        """Its keys with their chains as Java reads them, by use."""
        return {use: write_pkcs12(folder / f"{self.key}-{use}.p12", issued) for use, issued in self.issued.items()}


def write_pkcs12(file: Path, issued: Issued) -> Path:
    """One key with its chain, as Java reads it."""
    assert isinstance(issued.key, rsa.RSAPrivateKey)
    encryption = BestAvailableEncryption(PASSWORD.encode())
    content = pkcs12.serialize_key_and_certificates(b"1", issued.key, issued.certificate, issued.above, encryption)
    file.write_bytes(content)
    return file


@dataclass(frozen=True)
class Terms:
    """How two parties work together under one CPA."""

    cpa_id: str
    scheme: str = "http"
    reliable: bool = True
    signed: bool = False
    sign_receipts: bool = False
    synchronous: bool = False
    cipher: str = ""
    retries: int = 4
    retry_interval: int = 2
    """Seconds."""
    signature: str = names.RSA_SHA256
    digest: str = names.SHA256

    @property
    def encrypted(self) -> bool:
        """Payloads are encrypted."""
        return bool(self.cipher)

    @property
    def sync_reply_mode(self) -> str:
        """As the CPA spells it."""
        return "mshSignalsOnly" if self.synchronous else "none"


def cpa(terms: Terms, *members: Member) -> bytes:
    """The CPA between two members, valid from yesterday for a month."""
    now = datetime.now(UTC)  # noqa: TID251  # it is to be valid while the test runs
    text = _TEMPLATES.get_template("cpa.xml.jinja").render(
        names=names,
        terms=terms,
        service=SERVICE,
        starts_at=f"{now - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}",
        ends_at=f"{now + timedelta(days=30):%Y-%m-%dT%H:%M:%SZ}",
        parties=[_party(member, terms) for member in members],
    )
    return text.encode()


def _party(member: Member, terms: Terms) -> dict[str, object]:
    chains = {use: [one.certificate, *one.above] for use, one in member.issued.items()}
    chains["root"] = [member.authority.root.certificate]
    return {
        "key": member.key,
        "name": member.name,
        "oin": member.oin,
        "role": member.role,
        "action": member.action,
        "endpoint": member.endpoints[terms.scheme],
        "certificates": {use: [base64_of(one) for one in chain] for use, chain in chains.items()},
    }


def base64_of(certificate: x509.Certificate) -> str:
    return base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()
