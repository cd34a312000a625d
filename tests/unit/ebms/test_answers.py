"""What we send: signals and business messages as CPA and received message demand (statements 26, 40-42, 85-93)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.unit.ebms.cpas import CPA_ID, DSO, GEMEENTE, cpa_document
from tests.unit.ebms.exchanges import best_effort, synchronous

from digikoppelaar.ebms import answers, names
from digikoppelaar.ebms.agreement import Agreement, Channel, Characteristic, ReliableMessaging, Tolerances
from digikoppelaar.ebms.cpa import read_agreement
from digikoppelaar.ebms.envelope import read_envelope, write_envelope
from digikoppelaar.ebms.messages import (
    AckRequested,
    EbxmlError,
    Envelope,
    MessageStatus,
    Party,
    PartyId,
    Service,
    Severity,
    SignedReference,
    StatusResponse,
    SyncReply,
)

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(seconds=1)
OURS = read_agreement(cpa_document().encode(), {GEMEENTE})
THEIRS = read_agreement(cpa_document().encode(), {DSO})


def _notification(agreement: Agreement = THEIRS) -> Envelope:
    [action] = agreement.sends
    return answers.business_message(
        agreement, action, message_id="m1@dso", conversation_id="c1", now=NOW, hrefs=["cid:p1@dso"]
    )


def _all_answers(received: Envelope) -> dict[str, Envelope]:
    error = EbxmlError("Inconsistent", Severity.ERROR, "no", "//Header")
    return {
        names.ACKNOWLEDGMENT: answers.acknowledgment(received, OURS, message_id="a1@g", now=LATER),
        names.MESSAGE_ERROR: answers.message_error(received, OURS, [error], message_id="a1@g", now=LATER),
        names.PONG: answers.pong(received, OURS, message_id="a1@g", now=LATER),
    }


@pytest.mark.statement(26, 40, 54)
def test_a_business_message_says_what_the_cpa_says() -> None:
    envelope = _notification()
    header = envelope.header
    assert header.cpa_id == CPA_ID
    assert header.from_party == Party((PartyId(DSO),), "Bronhouder")
    assert header.to_party == Party((PartyId(GEMEENTE),), "Ontvanger")
    assert (header.service, header.action) == (Service("dso:notificaties:1.0", "urn:osb:services"), "notificeer")
    assert header.ref_to_message_id is None
    assert header.duplicate_elimination
    assert envelope.ack_requested == AckRequested(signed=False, actor=names.ACTOR_TO_PARTY)
    assert envelope.sync_reply is None
    assert envelope.manifest is not None
    assert envelope.manifest.hrefs == ("cid:p1@dso",)


@pytest.mark.statement(46)
def test_a_message_without_payload_has_no_manifest() -> None:
    [action] = OURS.sends
    envelope = answers.business_message(OURS, action, message_id="m", conversation_id="c", now=NOW)
    assert envelope.manifest is None


@pytest.mark.statement(56)
def test_the_request_for_a_signed_acknowledgment_follows_the_cpa() -> None:
    signed = read_agreement(cpa_document(signed=True, ack_signed=True).encode(), {DSO})
    assert _notification(signed).ack_requested == AckRequested(signed=True)


@pytest.mark.statement(52)
def test_a_best_effort_message_asks_nothing_and_never_expires() -> None:
    [action] = THEIRS.sends
    best_effort = replace(action, channel=Channel("https://gemeente.example/ebms"))
    envelope = answers.business_message(THEIRS, best_effort, message_id="m", conversation_id="c", now=NOW)
    assert envelope.ack_requested is None
    assert not envelope.header.duplicate_elimination
    assert envelope.header.time_to_live is None


@pytest.mark.parametrize(
    ("retries", "interval", "persist", "expected"),
    [
        (5, timedelta(minutes=5), timedelta(days=1), timedelta(days=1)),
        (5, timedelta(minutes=5), timedelta(minutes=30), timedelta(minutes=31)),
        (8, timedelta(hours=3), timedelta(days=1), timedelta(hours=27, minutes=1)),
        (0, timedelta(hours=1), None, timedelta(hours=1, minutes=1)),
    ],
)
@pytest.mark.statement(85)
def test_time_to_live_is_later_than_the_last_retry(
    retries: int, interval: timedelta, persist: timedelta | None, expected: timedelta
) -> None:
    channel = Channel(
        "https://gemeente.example/ebms",
        ack_requested=Characteristic.ALWAYS,
        reliable_messaging=ReliableMessaging(retries, interval),
        persist_duration=persist,
    )
    assert answers.time_to_live(channel, NOW) == NOW + expected
    assert expected > (retries + 1) * interval


@pytest.mark.parametrize("action", [names.ACKNOWLEDGMENT, names.MESSAGE_ERROR, names.PONG])
@pytest.mark.statement(40, 42, 89)
def test_a_signal_answers_within_the_conversation_and_asks_nothing(action: str) -> None:
    received = _notification()
    envelope = _all_answers(received)[action]
    header = envelope.header
    assert (header.service, header.action) == (Service(names.MSH_SERVICE), action)
    assert header.from_party == Party(received.header.to_party.party_ids, role=None)
    assert header.to_party == Party(received.header.from_party.party_ids, role=None)
    assert (header.cpa_id, header.conversation_id) == (CPA_ID, "c1")
    assert (header.message_id, header.ref_to_message_id, header.timestamp) == ("a1@g", "m1@dso", LATER)
    assert header.time_to_live is None
    assert not header.duplicate_elimination
    assert envelope.ack_requested is envelope.sync_reply is envelope.manifest is None


@pytest.mark.statement(88)
def test_an_acknowledgment_names_the_message_and_the_acknowledging_party() -> None:
    receipt = _all_answers(_notification())[names.ACKNOWLEDGMENT].acknowledgment
    assert receipt is not None
    assert (receipt.ref_to_message_id, receipt.timestamp) == ("m1@dso", LATER)
    assert receipt.from_party_ids == (PartyId(GEMEENTE),)
    assert receipt.actor == names.ACTOR_TO_PARTY
    assert receipt.references == ()


@pytest.mark.statement(136)
def test_a_signed_acknowledgment_copies_every_reference() -> None:
    references = [SignedReference("", names.SHA256, b"1"), SignedReference("cid:p1@dso", names.SHA256, b"2")]
    envelope = answers.acknowledgment(_notification(), OURS, message_id="a", now=LATER, references=references)
    assert envelope.acknowledgment is not None
    assert envelope.acknowledgment.references == tuple(references)


def test_an_error_about_wrong_parties_still_comes_from_the_party_that_we_are() -> None:
    received = _notification()
    wrong = replace(received.header, to_party=Party((PartyId("00000099000000009000"),)), from_party=Party(()))
    error = EbxmlError("Inconsistent", Severity.ERROR)
    envelope = answers.message_error(replace(received, header=wrong), OURS, [error], message_id="e", now=LATER)
    assert envelope.header.from_party.party_ids == (PartyId(GEMEENTE),)
    assert envelope.header.to_party.party_ids == (PartyId(DSO),)
    assert envelope.errors == (error,)


def test_an_acknowledgment_has_the_actor_of_the_to_party_also_when_the_next_msh_was_asked() -> None:
    asked = replace(_notification(), ack_requested=AckRequested(signed=False, actor=names.ACTOR_NEXT_MSH))
    envelope = answers.acknowledgment(asked, OURS, message_id="a", now=LATER)
    assert envelope.acknowledgment is not None
    assert envelope.acknowledgment.actor == names.ACTOR_TO_PARTY


@pytest.mark.statement(62)
@pytest.mark.parametrize("tolerances", [Tolerances(), Tolerances(next_msh=True)])
def test_nothing_that_we_send_has_the_actor_of_the_next_msh(tolerances: Tolerances) -> None:
    agreement = replace(OURS, tolerances=tolerances)
    asked = replace(_notification(), ack_requested=AckRequested(signed=False, actor=names.ACTOR_NEXT_MSH))
    sent = [_notification(), answers.acknowledgment(asked, agreement, message_id="a", now=LATER)]
    assert all(names.ACTOR_NEXT_MSH.encode() not in write_envelope(envelope) for envelope in sent)


@pytest.mark.statement(46, 51)
def test_the_manifest_names_each_payload_once_inside_the_message_and_no_schema() -> None:
    [action] = OURS.sends
    hrefs = ["cid:b@g", "cid:a@g"]
    envelope = answers.business_message(OURS, action, message_id="m", conversation_id="c", now=NOW, hrefs=hrefs)
    document = write_envelope(envelope)
    assert [document.count(f'xlink:href="{href}"'.encode()) for href in hrefs] == [1, 1]
    assert document.count(b'xlink:type="simple"') == document.count(b"<eb:Reference ") == 2
    assert b"eb:Schema" not in document


@pytest.mark.statement(106)
def test_a_synchronous_message_has_sync_reply_and_only_that() -> None:
    envelope = _notification(synchronous(THEIRS))
    assert envelope.sync_reply == SyncReply(names.ACTOR_SOAP_NEXT, "2.0")
    tag = write_envelope(envelope).partition(b"<eb:SyncReply ")[2].partition(b">")[0]
    assert b'soap:mustUnderstand="1"' in tag
    assert f'soap:actor="{names.ACTOR_SOAP_NEXT}"'.encode() in tag
    assert b'eb:version="2.0"' in tag


@pytest.mark.statement(52)
def test_a_best_effort_message_goes_out_bare() -> None:
    document = write_envelope(_notification(best_effort(THEIRS)))
    for element in (b"AckRequested", b"DuplicateElimination", b"SyncReply", b"Signature", b"TimeToLive"):
        assert element not in document


@pytest.mark.statement(59)
@pytest.mark.parametrize(
    ("agreed", "wish", "present"),
    [
        (Characteristic.PER_MESSAGE, True, True),
        (Characteristic.PER_MESSAGE, False, False),
        (Characteristic.PER_MESSAGE, None, True),
        (Characteristic.ALWAYS, False, True),
        (Characteristic.NEVER, True, False),
    ],
)
def test_the_wish_of_the_application_counts_where_the_cpa_leaves_it(
    agreed: Characteristic, wish: bool | None, present: bool
) -> None:
    [action] = THEIRS.sends
    channel = replace(action.channel, ack_requested=agreed, duplicate_elimination=agreed)
    envelope = answers.business_message(
        THEIRS,
        replace(action, channel=channel),
        message_id="m",
        conversation_id="c",
        now=NOW,
        acknowledge=wish,
        eliminate_duplicates=wish,
    )
    assert (envelope.ack_requested is not None) is envelope.header.duplicate_elimination is present
    assert (envelope.header.time_to_live is not None) is present


@pytest.mark.statement(155, 156)
@pytest.mark.parametrize(
    ("told", "text"),
    [
        (StatusResponse("m1@dso", MessageStatus.RECEIVED, NOW), b'eb:messageStatus="Received"'),
        (StatusResponse("m1@dso", MessageStatus.PROCESSED, NOW), b"<eb:Timestamp>2026-06-01T12:00:00.000Z"),
        (StatusResponse("m1@dso", MessageStatus.NOT_RECOGNIZED), b'eb:messageStatus="NotRecognized"'),
        (StatusResponse("m1@dso", MessageStatus.UNAUTHORIZED), b'eb:messageStatus="UnAuthorized"'),
    ],
)
def test_a_status_is_told_about_the_message_that_was_asked_about(told: StatusResponse, text: bytes) -> None:
    asked = answers.status_request(THEIRS, "m1@dso", message_id="s1@dso", conversation_id="c9", now=NOW)
    envelope = answers.status_response(asked, OURS, told, message_id="s2@g", now=LATER)
    assert (envelope.header.ref_to_message_id, envelope.header.conversation_id) == ("s1@dso", "c9")
    document = write_envelope(envelope)
    assert read_envelope(document).envelope == envelope
    body = document[document.index(b"<eb:StatusResponse") :]
    assert text in body
    assert (b"eb:Timestamp" in body) is (told.timestamp is not None)


@pytest.mark.statement(158)
@pytest.mark.parametrize("question", ["ping", "status"])
def test_a_question_carries_nothing_but_itself(question: str) -> None:
    agreement = synchronous(OURS)
    if question == "ping":
        envelope = answers.ping(agreement, message_id="p", conversation_id="c", now=NOW)
    else:
        envelope = answers.status_request(agreement, "m1@g", message_id="p", conversation_id="c", now=NOW)
    asked = "m1@g" if question == "status" else None
    assert envelope == Envelope(header=envelope.header, status_request=asked)
    assert envelope.header.ref_to_message_id is None


def test_a_ping_starts_a_conversation_without_roles() -> None:
    envelope = answers.ping(OURS, message_id="p", conversation_id="c", now=NOW)
    assert envelope.header.action == names.PING
    assert envelope.header.from_party == Party((PartyId(GEMEENTE),))
    assert envelope.header.to_party == Party((PartyId(DSO),))
    assert envelope.header.ref_to_message_id is None
    assert envelope == Envelope(header=envelope.header)
