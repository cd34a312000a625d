"""One good message, and what becomes of a body after it was attacked: the whole core, from MIME to decision."""

import os
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree
from tests.unit.ebms import exchanges, wire

from digikoppelaar import xml
from digikoppelaar.ebms import names
from digikoppelaar.ebms.agreement import Agreement, Encryption
from digikoppelaar.ebms.ciphers import KeyTransport, padding_of
from digikoppelaar.ebms.decisions import Accept, Refuse, Reject
from digikoppelaar.ebms.encryption import Decryptor, Encryptor
from digikoppelaar.ebms.envelope import read_envelope, write_envelope
from digikoppelaar.ebms.messages import Confidentiality, Envelope, Part
from digikoppelaar.ebms.packaging import Payload, frame, part_of, read_package
from digikoppelaar.ebms.receive import decide
from digikoppelaar.ebms.signature import required_digests, sign
from digikoppelaar.errors import DecryptionError, PartnerError

KEY = exchanges.KEY
RECEIVER = wire.signatory("receiver")
NOW = exchanges.NOW + timedelta(seconds=2)
CID = exchanges.CID
CONTENT = b"<verzoek>1</verzoek>"
BOUNDARY = "grens"
CONTENT_TYPE = f'multipart/related; boundary="{BOUNDARY}"; type="text/xml"; start="<soap@dso>"'
ENCRYPTION = Encryption(names.AES128_GCM, RECEIVER.certificate)


def _encrypted(agreement: Agreement) -> Agreement:
    return replace(agreement, receives=tuple(replace(action, encrypted=True) for action in agreement.receives))


SIGNED_PROFILE = exchanges.SIGNED_OURS
ENCRYPTED_PROFILE = _encrypted(SIGNED_PROFILE)


@dataclass(frozen=True)
class Outcome:
    """What a partner gets to see."""

    kind: str
    code: str = ""
    text: str = ""
    location: str | None = None


def signed_soap(envelope: Envelope | None = None, content: bytes = CONTENT, key: wire.Signatory = KEY) -> bytes:
    """A SOAP part with a good signature."""
    said = envelope or exchanges.notification(exchanges.SIGNED_THEIRS)
    part = part_of(Payload(CID, "application/xml", content))
    return sign(write_envelope(said), [part], key.signing(), key.sign)


def body(soap: bytes, *payloads: Payload) -> bytes:
    """An HTTP body with one good payload, or these."""
    payloads = payloads or (Payload(CID, "application/xml", CONTENT),)
    heads = [payload.head for payload in payloads]
    around = frame(soap, heads, boundary=BOUNDARY, soap_content_id="soap@dso").pieces
    parts = [piece + payload.data for piece, payload in zip(around, payloads, strict=False)]
    return b"".join([*parts, around[-1]])


SOAP = signed_soap()


def encrypt(content: bytes = CONTENT, encryption: Encryption = ENCRYPTION) -> Payload:
    """The payload as an encrypted part."""
    size = 12 if encryption.algorithm == names.AES128_GCM else 16
    encryptor = Encryptor(encryption, CID, "application/xml", key=os.urandom(16), iv=os.urandom(size), legacy=True)
    return Payload(CID, "application/xml", encryptor.feed(content) + encryptor.finish())


def arrive(received: bytes, content_type: str = CONTENT_TYPE, agreement: Agreement = SIGNED_PROFILE) -> Outcome:
    """What is answered to this body."""
    try:
        soap, payloads = read_package(content_type, received)
        read = read_envelope(soap)
        action = agreement.receiving(read.envelope.header.service, read.envelope.header.action)
        wanted = {method for _, method in required_digests(read)} & {names.SHA256, names.SHA384, names.SHA512}
        parts = [_part(one, wanted, decrypting=bool(action and action.encrypted)) for one in payloads]
    except PartnerError as error:
        return Outcome(type(error).__name__, error.wire.ebxml_code or "", str(error))
    decision = decide(read, parts, agreement, exchanges.PARTNER, seen=None, our_message=None, now=NOW)
    match decision:
        case Accept():
            return Outcome("Accept")
        case Reject(error):
            return Outcome("Reject", error.code, error.description, error.location)
        case Refuse(answer, reason):
            return Outcome("Refuse", str(answer.http_status), reason)
        case other:
            return Outcome(type(other).__name__)


def _part(payload: Payload, wanted: set[str], *, decrypting: bool) -> Part:
    if not decrypting or b"EncryptedData" not in payload.data:
        return part_of(payload, *wanted)
    decryptor = Decryptor(unwrap, legacy=False)
    try:
        content = decryptor.feed(payload.data) + decryptor.finish()
    except DecryptionError:
        return replace(part_of(payload, *wanted), confidentiality=Confidentiality.BROKEN)
    decrypted = Payload(payload.content_id, decryptor.content_type, content)
    return replace(part_of(decrypted, *wanted), confidentiality=Confidentiality.DECRYPTED)


def unwrap(wrapped: bytes, transport: KeyTransport) -> bytes:
    """By the private key of the receiver."""
    assert isinstance(RECEIVER.key, rsa.RSAPrivateKey)
    return RECEIVER.key.decrypt(wrapped, padding_of(transport))


# --- What an attacker can do to a SOAP part ----------------------------------------------------------------------

Change = Callable[[bytes], bytes]


def swap(old: bytes | str, new: bytes | str, count: int = 1) -> Change:
    """Replace text that must be there."""
    before, after = (each.encode() if isinstance(each, str) else each for each in (old, new))

    def change(document: bytes) -> bytes:
        assert before in document, before
        return document.replace(before, after, count)

    return change


def resigned(change: Callable[[etree._Element], None]) -> Change:
    """Change ds:Signature and make its value anew: by the partner itself, with its own key."""

    def changed(document: bytes) -> bytes:
        root = xml.parse(document, limit=1 << 20)
        signature = next(root.iter(f"{{{names.DS}}}Signature"))
        change(signature)
        alone = xml.parse(etree.tostring(signature[0], with_tail=False), limit=1 << 20)
        octets = etree.tostring(alone, method="c14n", with_comments=False)
        signature[1].text = b64encode(KEY.sign(octets, names.RSA_SHA256)).decode()
        return xml.serialize(root)

    return changed


# --- Rows -------------------------------------------------------------------------------------------------------

Row = tuple[str, Change, Outcome]
"""Its name, the attack, and the answer that it must meet."""
FAILURE = Outcome("Reject", "SecurityFailure")
BROKEN = Outcome("EnvelopeError")
NOT_XML = Outcome("XmlError")
MIME = Outcome("MimeError")


def judged(attacked: Callable[[], Outcome], expected: Outcome) -> Outcome:
    """The outcome, which came in time and tells nothing that is not the partner's."""
    begin = time.process_time()
    outcome = attacked()
    assert time.process_time() - begin < 1
    assert (outcome.kind, outcome.code) == (expected.kind, expected.code), outcome
    assert Path("/etc/passwd").read_text().partition("\n")[0] not in outcome.text
    return outcome


def cases(rows: list[Row]) -> list[object]:
    """The rows as pytest wants them."""
    return [pytest.param(change, expected, id=name) for name, change, expected in rows]
