"""Traffic of another vendor's handler, captured on the wire, judged by the core under that handler's own CPAs.

The captures hold HTTP heads with de-chunked bodies; both parties of these CPAs share one certificate.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from tests.shared import shared_data
from tests.unit.ebms.wire import captured

from digikoppelaar.ebms import answers, names
from digikoppelaar.ebms.agreement import Agreement
from digikoppelaar.ebms.cpa import read_agreement
from digikoppelaar.ebms.decisions import (
    Accept,
    Acknowledged,
    Caller,
    Decision,
    Ignore,
    OurMessage,
    Pinged,
    Ponged,
    Refuse,
    Reject,
    Repeat,
    Seen,
)
from digikoppelaar.ebms.envelope import read_envelope, write_envelope
from digikoppelaar.ebms.messages import Part, ReceivedEnvelope
from digikoppelaar.ebms.packaging import part_of, read_package
from digikoppelaar.ebms.receive import decide, fingerprint
from digikoppelaar.errors import DigikoppelaarError

DIGIPOORT, OVERHEID = "00000000000000000000", "00000000000000000001"
SIGNED = "05-rm.http.signed-sha256-to-overheid.http"


@dataclass(frozen=True)
class Exchange:
    """A captured message with the CPA it was sent under."""

    name: str
    cpa: str
    receiver: str

    @property
    def agreement(self) -> Agreement:
        """The receiver's view of the CPA."""
        document = shared_data("ebms2", "cpa", "ebms-core", f"{self.cpa}.xml").read_bytes()
        return read_agreement(document, {self.receiver})


BUSINESS = [
    Exchange(SIGNED, "cpaStubEBF.rm.http.signed-sha256", OVERHEID),
    Exchange("19-rm.http.unsigned-to-overheid.http", "cpaStubEBF.rm.http.unsigned", OVERHEID),
]
RECEIPTS = [
    (BUSINESS[0], Exchange("07-rm.http.signed-sha256-to-digipoort.http", BUSINESS[0].cpa, DIGIPOORT)),
    (BUSINESS[1], Exchange("21-rm.http.unsigned-to-digipoort.http", BUSINESS[1].cpa, DIGIPOORT)),
]
PING = Exchange("31-ping-async-to-overheid.http", "cpaStubEBF.rm.http.signed", OVERHEID)
PONG = Exchange("33-ping-async-to-digipoort.http", "cpaStubEBF.rm.http.signed", DIGIPOORT)


def _read(exchange: Exchange, body: bytes | None = None) -> tuple[ReceivedEnvelope, list[Part]]:
    capture = captured(exchange.name)
    document, payloads = read_package(capture.content_type, capture.body if body is None else body)
    return read_envelope(document), [part_of(payload) for payload in payloads]


def _decide(
    exchange: Exchange,
    *,
    body: bytes | None = None,
    seen: Seen | None = None,
    ours: OurMessage | None = None,
    now: datetime | None = None,
) -> Decision:
    envelope, parts = _read(exchange, body)
    agreement = exchange.agreement
    caller = Caller(agreement.theirs.party_ids[0].value)
    moment = now or envelope.envelope.header.timestamp
    return decide(envelope, parts, agreement, caller, seen=seen, our_message=ours, now=moment)


@pytest.mark.parametrize("exchange", BUSINESS, ids=lambda exchange: exchange.cpa)
def test_a_business_message_is_accepted_and_acknowledged_readably(exchange: Exchange) -> None:
    decision = _decide(exchange)
    assert isinstance(decision, Accept)
    assert decision.acknowledge
    envelope, parts = _read(exchange)
    assert decision.payloads == (parts[0].content_id,)
    assert len(decision.references) == (2 if decision.sign_acknowledgment else 0)
    header = envelope.envelope.header
    acknowledgment = answers.acknowledgment(
        envelope.envelope, exchange.agreement, message_id="ack@overheid", now=header.timestamp
    )
    read_back = read_envelope(write_envelope(acknowledgment)).envelope
    assert read_back == acknowledgment
    assert read_back.acknowledgment is not None
    assert read_back.acknowledgment.ref_to_message_id == header.message_id
    assert read_back.header.conversation_id == header.conversation_id
    assert read_back.header.to_party.party_ids == header.from_party.party_ids


@pytest.mark.parametrize("exchange", BUSINESS, ids=lambda exchange: exchange.cpa)
def test_the_other_handler_could_take_our_acknowledgment(exchange: Exchange) -> None:
    """Judged by ourselves in its place: it sent the message, and the acknowledgment counts for it."""
    envelope, _ = _read(exchange)
    now = envelope.envelope.header.timestamp + timedelta(seconds=1)
    acknowledgment = answers.acknowledgment(envelope.envelope, exchange.agreement, message_id="ack@overheid", now=now)
    sender = Exchange(exchange.name, exchange.cpa, DIGIPOORT).agreement
    decision = decide(
        read_envelope(write_envelope(acknowledgment)),
        [],
        sender,
        Caller(OVERHEID),
        seen=None,
        our_message=OurMessage(envelope.envelope),
        now=now,
    )
    assert decision == Acknowledged(envelope.envelope.header.message_id)


@pytest.mark.parametrize(("sent", "receipt"), RECEIPTS, ids=lambda exchange: exchange.name[:2])
def test_its_acknowledgment_counts_with_the_roles_it_carries(sent: Exchange, receipt: Exchange) -> None:
    ours, _ = _read(sent)
    envelope, _ = _read(receipt)
    assert envelope.envelope.header.from_party.role == "OVERHEID"
    decision = _decide(receipt, ours=OurMessage(ours.envelope))
    assert decision == Acknowledged(ours.envelope.header.message_id)
    assert isinstance(_decide(receipt), Ignore)


def test_its_ping_and_pong_are_understood() -> None:
    assert _decide(PING) == Pinged()
    ping, _ = _read(PING)
    assert _decide(PONG, ours=OurMessage(ping.envelope)) == Ponged(ping.envelope.header.message_id)
    pong = answers.pong(ping.envelope, PING.agreement, message_id="pong@overheid", now=ping.envelope.header.timestamp)
    theirs, _ = _read(PONG)
    assert (pong.header.service, pong.header.action) == (theirs.envelope.header.service, names.PONG)
    assert pong.header.from_party == theirs.envelope.header.from_party
    assert pong.header.to_party == theirs.envelope.header.to_party


def test_the_same_signed_message_again_is_a_duplicate() -> None:
    envelope, parts = _read(BUSINESS[0])
    assert _decide(BUSINESS[0], seen=Seen(fingerprint(envelope.document, parts))) == Repeat()


def test_the_signed_message_too_late_is_expired() -> None:
    envelope, _ = _read(BUSINESS[0])
    decision = _decide(BUSINESS[0], now=envelope.envelope.header.timestamp + timedelta(minutes=31))
    assert isinstance(decision, Reject)
    assert decision.error.code == "TimeToLiveExpired"


# --- One changed byte ----------------------------------------------------------------------------------------


def _judge(body: bytes, now: datetime) -> str:
    """How the message with this body ends: the name of the decision, its error, or the structural refusal."""
    try:
        decision = _decide(BUSINESS[0], body=body, now=now)
    except DigikoppelaarError as error:
        return type(error).__name__
    return decision.error.code if isinstance(decision, Reject) else type(decision).__name__


def _signed_octets(body: bytes) -> set[int]:
    """Where a signature must notice a change: the envelope, SignedInfo, SignatureValue and the payload.

    Nothing signs the MIME headers, the white space between the parts of ds:Signature, or KeyInfo.
    """
    signed: set[int] = set()
    for start, end in (
        (b"<soap:Envelope", b"<ds:Signature>"),
        (b"<ds:SignedInfo>", b"</ds:SignedInfo>"),
        (b"<ds:SignatureValue>", b"</ds:SignatureValue>"),
        (b"</ds:Signature>", b"</soap:Envelope>"),
        (b"<a>hallo", b"\r\n-"),
    ):
        first = body.index(start)
        signed |= set(range(first, body.index(end, first)))
    return signed


def test_a_changed_byte_is_refused_or_was_signed_by_nobody_and_says_nothing_new() -> None:
    original, parts = _read(BUSINESS[0])
    body, now = captured(SIGNED).body, original.envelope.header.timestamp
    signed = _signed_octets(body)
    outcomes: Counter[str] = Counter()
    for position in range(0, len(body), 5):
        changed = bytearray(body)
        changed[position] ^= (0x01, 0x20, 0x80)[position % 3]
        outcome = _judge(bytes(changed), now)
        outcomes[outcome] += 1
        if outcome == "Accept":
            assert position not in signed, body[position - 30 : position + 30]
            envelope, same_parts = _read(BUSINESS[0], bytes(changed))
            assert envelope.envelope == original.envelope
            assert same_parts[0].digests == parts[0].digests
    assert outcomes["SecurityFailure"] > 100
    assert not set(outcomes) & {"Repeat", "Pinged", "Acknowledged"}


def test_a_change_in_every_meaningful_place_is_refused_for_what_it_is() -> None:
    original, _ = _read(BUSINESS[0])
    body, now = captured(SIGNED).body, original.envelope.header.timestamp
    changes = {
        b"hallo wereld": (b"hallo wereLd", "SecurityFailure"),
        b"<eb:ConversationId>9": (b"<eb:ConversationId>8", "SecurityFailure"),
        b"<eb:MessageId>9": (b"<eb:MessageId>8", "SecurityFailure"),
        b"T16:34:12.782Z</eb:Timestamp>": (b"T16:34:12.781Z</eb:Timestamp>", "SecurityFailure"),
        b"T17:04:12.782Z</eb:TimeToLive>": (b"T17:04:12.783Z</eb:TimeToLive>", "SecurityFailure"),
        b"<ds:DigestValue>fZ": (b"<ds:DigestValue>fY", "SecurityFailure"),
        b"SuhsnZMQ": (b"SuhsnZMR", "SecurityFailure"),
        b"<eb:Action>afleveren": (b"<eb:Action>aflevereN", "ValueNotRecognized"),
        b'signed="false"': (b'signed="true" ', "Inconsistent"),
        b"<soap:Body>": (b"<soap:Bodi>", "XmlError"),
    }
    for old, (new, expected) in changes.items():
        assert body.count(old) == 1, old
        assert _judge(body.replace(old, new), now) == expected, old


def test_the_message_is_refused_from_a_certificate_of_somebody_else() -> None:
    envelope, parts = _read(BUSINESS[0])
    decision = decide(
        envelope,
        parts,
        BUSINESS[0].agreement,
        Caller("00000099000000009000"),
        seen=None,
        our_message=None,
        now=envelope.envelope.header.timestamp,
    )
    assert isinstance(decision, Refuse)
    assert decision.wire.http_status == 403
