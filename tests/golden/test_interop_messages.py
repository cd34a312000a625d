"""Traffic of an interop run, judged again without Java: what the peer signed with Apache Santuario, and what we sent.

Recorded by tests/interop/recording.py. Each kind of message is judged by the core in the place of its receiver.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pytest

from digikoppelaar.ebms.agreement import Agreement
from digikoppelaar.ebms.cpa import cpa_names, read_agreement
from digikoppelaar.ebms.decisions import (
    Accept,
    Acknowledged,
    Caller,
    Decision,
    Failed,
    OurMessage,
    Pinged,
    Ponged,
    Reject,
    StatusAsked,
    StatusTold,
)
from digikoppelaar.ebms.envelope import read_envelope
from digikoppelaar.ebms.messages import MessageStatus, Part, ReceivedEnvelope, content_id_of
from digikoppelaar.ebms.packaging import part_of, read_package
from digikoppelaar.ebms.receive import decide
from digikoppelaar.ebms.signature import required_digests, signed_references

RECORDED = Path(__file__).parent / "interop"
WAYS = sorted(path.name for path in RECORDED.iterdir())
SENDERS = ("us", "peer")
BUSINESS = {"us": "meldHeen", "peer": "meldTerug"}
OTHER = {"us": "peer", "peer": "us"}


@dataclass(frozen=True)
class Message:
    """A recorded message: `action` as `sender` sent it under the CPA of `way`."""

    way: str
    action: str
    sender: str

    @cached_property
    def _raw(self) -> tuple[str, bytes]:
        head, _, body = (
            (RECORDED / self.way / f"{self.action}-of-{self.sender}.http").read_bytes().partition(b"\r\n\r\n")
        )
        headers = dict(line.split(": ", 1) for line in head.decode("ascii").split("\r\n"))
        return headers["content-type"], body

    @property
    def body(self) -> bytes:
        """As it went over the wire."""
        return self._raw[1]

    def read(self, body: bytes | None = None) -> tuple[ReceivedEnvelope, list[Part]]:
        """Read by our core, with the digests that its signature needs."""
        document, payloads = read_package(self._raw[0], self.body if body is None else body)
        received = read_envelope(document)
        methods = {method for _, method in required_digests(received)}
        return received, [part_of(payload, *methods) for payload in payloads]

    def as_sent(self) -> OurMessage:
        """As its sender remembers it."""
        received, _ = self.read()
        return OurMessage(received.envelope, signed_references(received.document))

    def agreement(self) -> Agreement:
        """As its receiver sees the CPA."""
        document = (RECORDED / self.way / "cpa.xml").read_bytes()
        first, second = cpa_names(document).parties  # us and the peer, in this order
        return read_agreement(document, [(second if self.sender == "us" else first).party_ids[0].value])

    def judged(self, about: "Message | OurMessage | None" = None, body: bytes | None = None) -> Decision:
        """By its receiver, who sent the message `about`, at the time that it says."""
        received, parts = self.read(body)
        agreement = self.agreement()
        ours = about.as_sent() if isinstance(about, Message) else about
        return decide(
            received,
            parts,
            agreement,
            Caller(agreement.theirs.party_ids[0].value),
            seen=None,
            our_message=ours,
            now=received.envelope.header.timestamp,
            in_response=about is not None and agreement.sends[0].channel.synchronous,
        )


each_way = pytest.mark.parametrize("way", WAYS)
each_sender = pytest.mark.parametrize("sender", SENDERS)


@each_way
@each_sender
def test_a_signed_message_with_two_payloads_is_accepted(way: str, sender: str) -> None:
    message = Message(way, BUSINESS[sender], sender)
    decision = message.judged()
    assert isinstance(decision, Accept), decision
    received, parts = message.read()
    assert received.envelope.manifest is not None
    assert decision.payloads == tuple(map(content_id_of, received.envelope.manifest.hrefs))
    assert [part.content_type for part in parts] == ["application/xml", "application/pdf"]
    assert decision.acknowledge
    assert decision.sign_acknowledgment


@each_way
@each_sender
@pytest.mark.parametrize("place", [b"<eb:ConversationId>", b"<a>gr", b"<ds:SignatureValue>"])
def test_a_signed_message_with_one_other_octet_is_refused(way: str, sender: str, place: bytes) -> None:
    message = Message(way, BUSINESS[sender], sender)
    at = message.body.index(place) + len(place) + 3
    octet = b"A" if message.body[at : at + 1] != b"A" else b"B"
    decision = message.judged(body=message.body[:at] + octet + message.body[at + 1 :])
    assert isinstance(decision, Reject), decision
    assert decision.error.code == "SecurityFailure"


@each_way
@each_sender
def test_its_signed_acknowledgment_counts(way: str, sender: str) -> None:
    sent = Message(way, BUSINESS[sender], sender)
    receipt = Message(way, "Acknowledgment", OTHER[sender])
    about = receipt.read()[0].envelope.acknowledgment
    assert about is not None
    assert about.ref_to_message_id == sent.read()[0].envelope.header.message_id, "recorded in the order of sending"
    assert receipt.judged(sent) == Acknowledged(about.ref_to_message_id)


@each_way
@each_sender
def test_ping_and_pong_are_understood(way: str, sender: str) -> None:
    ping, pong = Message(way, "Ping", sender), Message(way, "Pong", OTHER[sender])
    assert isinstance(ping.judged(), Pinged)
    assert pong.judged(ping) == Ponged(ping.read()[0].envelope.header.message_id)


@each_way
@each_sender
def test_status_questions_and_answers_are_understood(way: str, sender: str) -> None:
    question, answer = Message(way, "StatusRequest", sender), Message(way, "StatusResponse", OTHER[sender])
    asked, told = question.judged(), answer.judged(question)
    assert isinstance(asked, StatusAsked)
    assert isinstance(told, StatusTold)
    assert told.message_id == question.read()[0].envelope.header.message_id
    assert told.response.ref_to_message_id == asked.message_id
    assert told.response.status is MessageStatus.RECEIVED


@each_way
def test_our_error_ends_the_message_that_it_is_about(way: str) -> None:
    error = Message(way, "MessageError", "us")
    envelope = error.read()[0].envelope
    about = envelope.header.ref_to_message_id
    assert about is not None
    sent = Message(way, BUSINESS["peer"], "peer").read()[0].envelope
    ours = OurMessage(replace(sent, header=replace(sent.header, message_id=about)))
    assert error.judged(ours) == Failed(about, envelope.errors)
    assert [found.code for found in envelope.errors] == ["SecurityFailure"]
