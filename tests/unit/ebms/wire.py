"""What the tests of the wire half share: captured messages, a key with its certificate, and sample envelopes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import NameOID
from tests.shared import shared_data

from digikoppelaar.ebms import names
from digikoppelaar.ebms.agreement import Signing
from digikoppelaar.ebms.messages import (
    AckRequested,
    Envelope,
    Manifest,
    MessageHeader,
    Party,
    PartyId,
    Service,
    SyncReply,
    cid_uri,
)

GOLDEN = Path(__file__).resolve().parents[2] / "golden"
NOW = datetime(2026, 11, 23, 16, 34, 13, tzinfo=UTC)
SENDER = "00000099000000001000"
RECEIVER = "00000099000000002000"

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


@dataclass(frozen=True)
class Captured:
    """A request as another vendor's handler sent it."""

    content_type: str
    body: bytes


def captured(name: str) -> Captured:
    """A captured request of the folder ebms-core-wire; skips the test where that folder is absent."""
    head, _, body = shared_data("ebms-core-wire", name).read_bytes().partition(b"\r\n\r\n")
    lines = [line.decode("latin-1") for line in head.split(b"\r\n")]
    content_type = next(line for line in lines if line.lower().startswith("content-type:"))
    return Captured(content_type.partition(":")[2].strip(), body)


SIGNED = "05-rm.http.signed-sha256-to-overheid.http"
REQUESTS = (
    SIGNED,
    "07-rm.http.signed-sha256-to-digipoort.http",
    "19-rm.http.unsigned-to-overheid.http",
    "21-rm.http.unsigned-to-digipoort.http",
    "23-rm.http.unsigned.sync-to-overheid.http",
    "31-ping-async-to-overheid.http",
    "33-ping-async-to-digipoort.http",
)


@dataclass(frozen=True)
class Signatory:
    """A key with a certificate of its own."""

    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    certificate: bytes

    def signing(self, algorithm: str = names.RSA_SHA256, digest_method: str = names.SHA256) -> Signing:
        """How it signs, as a CPA says it."""
        return Signing(algorithm, digest_method, self.certificate)

    def sign(self, data: bytes, algorithm: str) -> bytes:
        """The raw signature; for ECDSA r and s side by side."""
        digest = _HASHES[algorithm[-6:]]
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(data, padding.PKCS1v15(), digest)
        half = (self.key.key_size + 7) // 8
        r, s = decode_dss_signature(self.key.sign(data, ec.ECDSA(digest)))
        return r.to_bytes(half) + s.to_bytes(half)


Sign = Callable[[bytes, str], bytes]


@cache
def signatory(name: str = "sender", kind: str = "rsa", *, years: int = 4) -> Signatory:
    """A key of this run, valid from 2025 for so many years."""
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    key = rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP384R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begin = datetime(2025, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=365 * years))
        .sign(key, hashes.SHA256())
    )
    return Signatory(key, certificate.public_bytes(serialization.Encoding.DER))


def envelope(*content_ids: str, sync: bool = False) -> Envelope:
    """A reliable business message with these payloads."""
    hrefs = tuple(cid_uri(content_id) for content_id in content_ids)
    return Envelope(
        header=MessageHeader(
            from_party=Party((PartyId(SENDER),), "Verzender"),
            to_party=Party((PartyId(RECEIVER),), "Ontvanger"),
            cpa_id="cpa-1",
            conversation_id="gesprek-1",
            service=Service("voorbeeld:notificeren", "urn:osb:services"),
            action="notificeer",
            message_id="bericht-1@voorbeeld.example",
            timestamp=datetime(2026, 11, 23, 16, 34, 12, 782000, UTC),
            time_to_live=datetime(2026, 11, 28, 16, 34, 12, 782000, UTC),
            duplicate_elimination=True,
        ),
        sync_reply=SyncReply() if sync else None,
        ack_requested=AckRequested(signed=True),
        manifest=Manifest(hrefs) if hrefs else None,
    )
