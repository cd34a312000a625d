"""The decision on a signal: receipts, errors, pings and status, either way (statements 76-84, 110-115, 136-159)."""

from base64 import b64encode
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.ebms.cpas import DSO, GEMEENTE
from tests.unit.ebms.exchanges import (
    NOW,
    OURS,
    SIGNED_OURS,
    SIGNED_THEIRS,
    THEIRS,
    Arrival,
    notification,
    received,
    signed,
    synchronous,
)
from tests.unit.ebms.wire import signatory

from digikoppelaar.ebms import answers, names
from digikoppelaar.ebms.agreement import Agreement
from digikoppelaar.ebms.decisions import (
    Accept,
    Acknowledged,
    Caller,
    Failed,
    Ignore,
    OurMessage,
    Pinged,
    Ponged,
    Refuse,
    Reject,
    Repeat,
    Seen,
    StatusAsked,
    StatusTold,
)
from digikoppelaar.ebms.envelope import read_envelope, write_envelope
from digikoppelaar.ebms.facts import HEADER
from digikoppelaar.ebms.messages import (
    AckRequested,
    EbxmlError,
    Envelope,
    ErrorCode,
    Manifest,
    MessageStatus,
    Party,
    PartyId,
    ReceivedEnvelope,
    Service,
    Severity,
    SignedReference,
    StatusResponse,
    SyncReply,
)
from digikoppelaar.ebms.receive import fingerprint, in_http_response, referred_message_id
from digikoppelaar.ebms.signature import signed_references
from digikoppelaar.errors import EnvelopeError

STRANGER = "00000099000000009000"
LATER = NOW + timedelta(seconds=2)
ERROR = EbxmlError("SecurityFailure", Severity.ERROR, "invalid", "//Header/Signature")
WARNING = EbxmlError("DeliveryFailure", Severity.WARNING, "late", None)


# --- Acknowledgments of what we sent: DSO-LV is us here ------------------------------------------------------


def _reply(envelope: Envelope, *, to: Envelope | None = None, **changes: object) -> Arrival:
    """`envelope` comes back from the gemeente to DSO-LV, which sent `to`."""
    ours = OurMessage(to or notification())
    arrival = Arrival(envelope, (), THEIRS, Caller(GEMEENTE), our_message=ours, now=LATER)
    return replace(arrival, **changes)  # type: ignore[arg-type]


def _acknowledgment() -> Envelope:
    return answers.acknowledgment(notification(), OURS, message_id="a1@g", now=LATER)


def _receipt(**changes: object) -> Envelope:
    envelope = _acknowledgment()
    assert envelope.acknowledgment is not None
    return replace(envelope, acknowledgment=replace(envelope.acknowledgment, **changes))  # type: ignore[arg-type]


def test_an_acknowledgment_counts_for_the_message_it_names() -> None:
    assert _reply(_acknowledgment()).decided() == Acknowledged("m1@dso")


def test_an_acknowledgment_with_roles_counts_too() -> None:
    header = _acknowledgment().header
    parties = {"from_party": replace(header.from_party, role="X"), "to_party": replace(header.to_party, role="Y")}
    assert _reply(replace(_acknowledgment(), header=replace(header, **parties))).decided() == Acknowledged("m1@dso")


@pytest.mark.statement(81)
def test_an_acknowledgment_that_is_already_stored_is_a_duplicate() -> None:
    seen = Seen(fingerprint(write_envelope(_acknowledgment()), []))
    assert _reply(_acknowledgment(), seen=seen).decided() == Repeat()


def test_an_acknowledgment_counts_also_after_the_cpa_ended() -> None:
    assert _reply(_acknowledgment(), now=NOW + timedelta(days=300)).decided() == Acknowledged("m1@dso")


def _foreign_cpa(envelope: Envelope) -> Envelope:
    return replace(envelope, header=replace(envelope.header, cpa_id="cpa-ander"))


ROLES = {
    "without": (None, None),
    "both": ("Ontvanger", "Bronhouder"),
    "other": ("X", "Y"),
    "from_only": ("Ontvanger", None),
    "to_only": (None, "Bronhouder"),
}


@pytest.mark.parametrize("name", ROLES)
def test_a_signal_may_have_roles_or_none_and_they_say_nothing(name: str) -> None:
    """Cleo demands Role in acknowledgments, the Java handler writes it in some versions (peer-ebms-core.md, 5.2)."""
    ours, theirs = ROLES[name]
    for signal, expected in (
        (_acknowledgment(), Acknowledged("m1@dso")),
        (
            answers.message_error(notification(), OURS, [ERROR], message_id="e1@g", now=LATER),
            Failed("m1@dso", (ERROR,)),
        ),
    ):
        header = signal.header
        parties = {
            "from_party": replace(header.from_party, role=ours),
            "to_party": replace(header.to_party, role=theirs),
        }
        assert _reply(replace(signal, header=replace(header, **parties))).decided() == expected


@pytest.mark.parametrize(("in_header", "counts"), [("m1@dso", True), (None, True), ("m2@dso", False), ("", False)])
def test_where_an_acknowledgment_refers_from(in_header: str | None, counts: bool) -> None:
    """RefToMessageId stands in MessageData, in eb:Acknowledgment, or in both (peer-ebms-core.md, 5.2)."""
    envelope = replace(_acknowledgment(), header=replace(_acknowledgment().header, ref_to_message_id=in_header))
    if in_header == "":
        with pytest.raises(EnvelopeError):
            received(envelope)
        return
    assert isinstance(_reply(envelope).decided(), Acknowledged) is counts


DROPPED = {
    "unknown_message": _reply(_acknowledgment(), our_message=None),
    "other_cpa": _reply(_acknowledgment(), to=_foreign_cpa(notification())),
    "not_asked": _reply(_acknowledgment(), to=replace(notification(), ack_requested=None)),
    "element_refers_elsewhere": _reply(_receipt(ref_to_message_id="m2@dso")),
    "element_from_another": _reply(_receipt(from_party_ids=(PartyId(STRANGER),))),
    "header_from_another": _reply(
        replace(_acknowledgment(), header=replace(_acknowledgment().header, from_party=Party((PartyId(DSO),))))
    ),
    "not_from_the_one_we_sent_to": _reply(
        _acknowledgment(),
        to=replace(notification(), header=replace(notification().header, to_party=Party((PartyId("x", "urn:x"),)))),
    ),
    "without_element": _reply(replace(_acknowledgment(), acknowledgment=None)),
    "pong_to_no_ping": _reply(answers.pong(notification(), OURS, message_id="p@g", now=LATER)),
    "only_warnings": _reply(answers.message_error(notification(), OURS, [WARNING], message_id="e@g", now=LATER)),
    "error_about_nothing": _reply(
        answers.message_error(notification(), OURS, [ERROR], message_id="e@g", now=LATER), our_message=None
    ),
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("unknown_message", id="unknown_message", marks=pytest.mark.statement(76)),
        pytest.param("other_cpa", id="other_cpa", marks=pytest.mark.statement(79)),
        pytest.param("not_asked", id="not_asked", marks=pytest.mark.statement(77)),
        pytest.param("element_refers_elsewhere", id="element_refers_elsewhere", marks=pytest.mark.statement(80)),
        pytest.param("element_from_another", id="element_from_another", marks=pytest.mark.statement(78)),
        pytest.param("header_from_another", id="header_from_another", marks=pytest.mark.statement(78)),
        pytest.param("not_from_the_one_we_sent_to", id="not_from_the_one_we_sent_to", marks=pytest.mark.statement(78)),
        "without_element",
        pytest.param("pong_to_no_ping", id="pong_to_no_ping", marks=pytest.mark.statement(159)),
        pytest.param("only_warnings", id="only_warnings", marks=pytest.mark.statement(84)),
        pytest.param("error_about_nothing", id="error_about_nothing", marks=pytest.mark.statement(76)),
    ],
)
def test_a_signal_that_does_not_count_is_dropped_without_an_answer(name: str) -> None:
    decision = DROPPED[name].decided()
    assert isinstance(decision, Ignore), decision
    assert decision.reason


def test_a_signal_from_a_stranger_is_refused() -> None:
    assert isinstance(_reply(_acknowledgment(), caller=Caller(STRANGER)).decided(), Refuse)


def test_an_acknowledgment_that_refers_only_in_its_element_counts() -> None:
    envelope = replace(_acknowledgment(), header=replace(_acknowledgment().header, ref_to_message_id=None))
    assert referred_message_id(envelope) == "m1@dso"
    assert referred_message_id(notification()) is None
    assert _reply(envelope).decided() == Acknowledged("m1@dso")


# --- Signed acknowledgments ----------------------------------------------------------------------------------

SENT = signed(notification(SIGNED_THEIRS))
SENT_REFERENCES = signed_references(SENT.document)


def _signed_receipt(*references: SignedReference) -> Envelope:
    return answers.acknowledgment(SENT.envelope, SIGNED_OURS, message_id="a1@g", now=LATER, references=references)


def _signed_reply(envelope: Envelope | ReceivedEnvelope) -> Arrival:
    ours = OurMessage(SENT.envelope, SENT_REFERENCES)
    return Arrival(envelope, (), SIGNED_THEIRS, Caller(GEMEENTE), our_message=ours, now=LATER)


@pytest.mark.statement(136)
def test_a_signed_acknowledgment_with_all_references_counts() -> None:
    assert len(SENT_REFERENCES) == 2
    assert _signed_reply(signed(_signed_receipt(*SENT_REFERENCES), ())).decided() == Acknowledged("m1@dso")
    assert _signed_reply(signed(_signed_receipt(*SENT_REFERENCES[::-1]), ())).decided() == Acknowledged("m1@dso")


def _changed_receipt() -> ReceivedEnvelope:
    document = signed(_signed_receipt(*SENT_REFERENCES), ()).document
    return read_envelope(document.replace(b"c1</eb:ConversationId>", b"c2</eb:ConversationId>"))


OTHER_DIGEST = replace(
    SENT_REFERENCES[1],
    digest=bytes(32),
    xml=SENT_REFERENCES[1].xml.replace(b64encode(SENT_REFERENCES[1].digest), b64encode(bytes(32))),
)
NO_RECEIPT = {
    "unsigned": _signed_receipt(*SENT_REFERENCES),
    "no_references": signed(_signed_receipt(), ()),
    "one_missing": signed(_signed_receipt(SENT_REFERENCES[0]), ()),
    "one_too_many": signed(_signed_receipt(*SENT_REFERENCES, SENT_REFERENCES[0]), ()),
    "one_twice": signed(_signed_receipt(SENT_REFERENCES[0], SENT_REFERENCES[0]), ()),
    "other_digest": signed(_signed_receipt(SENT_REFERENCES[0], OTHER_DIGEST), ()),
    "other_certificate": signed(_signed_receipt(*SENT_REFERENCES), (), signatory("vreemde")),
    "changed_after_signing": _changed_receipt(),
    "two_signatures": replace(signed(_signed_receipt(*SENT_REFERENCES), ()), signatures=2),
}


@pytest.mark.statement(137, 138)
@pytest.mark.parametrize("name", NO_RECEIPT)
def test_an_acknowledgment_that_does_not_confirm_what_we_signed_is_none(name: str) -> None:
    decision = _signed_reply(NO_RECEIPT[name]).decided()
    assert isinstance(decision, Ignore), decision


def test_an_acknowledgment_signed_by_a_certificate_that_is_not_trusted_does_not_count() -> None:
    arrival = _signed_reply(signed(_signed_receipt(*SENT_REFERENCES), ()))
    decision = replace(arrival, trust_problem="its CRL is stale").decided()
    assert isinstance(decision, Ignore)
    assert "its CRL is stale" in decision.reason


# --- Errors --------------------------------------------------------------------------------------------------


@pytest.mark.statement(83)
def test_an_error_ends_the_delivery_of_the_message_it_names() -> None:
    envelope = answers.message_error(notification(), OURS, [WARNING, ERROR], message_id="e1@g", now=LATER)
    assert _reply(envelope).decided() == Failed("m1@dso", (WARNING, ERROR))


@pytest.mark.statement(224)
def test_an_error_is_never_answered_with_an_error() -> None:
    odd = replace(notification(), errors=(ERROR,))
    assert isinstance(Arrival(odd).decided(), Ignore)
    unknown = replace(odd, header=replace(odd.header, service=Service(names.MSH_SERVICE), action="Iets"))
    assert isinstance(Arrival(unknown).decided(), Ignore)


@pytest.mark.statement(91)
@pytest.mark.parametrize("action", [names.ACKNOWLEDGMENT, names.MESSAGE_ERROR, names.PING, names.STATUS_REQUEST])
def test_a_signal_is_never_acknowledged_even_if_it_asks(action: str) -> None:
    signals = {
        names.ACKNOWLEDGMENT: _acknowledgment(),
        names.MESSAGE_ERROR: answers.message_error(notification(), OURS, [ERROR], message_id="e1@g", now=LATER),
        names.PING: answers.ping(OURS, message_id="p1@g", conversation_id="c2", now=LATER),
        names.STATUS_REQUEST: answers.status_request(
            OURS, "m1@dso", message_id="s1@g", conversation_id="c2", now=LATER
        ),
    }
    asking = replace(signals[action], ack_requested=AckRequested(signed=False))
    assert isinstance(_reply(asking).decided(), Acknowledged | Failed | Pinged | StatusAsked)


@pytest.mark.statement(95)
def test_a_message_that_fails_a_check_gets_an_error_and_no_acknowledgment() -> None:
    decision = Arrival(replace(notification(), header=replace(notification().header, action="weg"))).decided()
    assert isinstance(decision, Reject)
    told = answers.message_error(notification(), OURS, [decision.error], message_id="e1@g", now=LATER)
    assert told.acknowledgment is None


@pytest.mark.statement(83)
@pytest.mark.parametrize("code", ErrorCode)
def test_an_error_with_any_code_of_the_standard_is_written_read_and_told(code: ErrorCode) -> None:
    error = EbxmlError(code.value, Severity.ERROR, "waarom", "//Header/Iets")
    envelope = answers.message_error(notification(), OURS, [error], message_id="e1@g", now=LATER)
    assert b'eb:highestSeverity="Error"' in write_envelope(envelope)
    assert _reply(envelope).decided() == Failed("m1@dso", (error,))


@pytest.mark.statement(84)
def test_warnings_alone_are_written_with_warning_as_the_highest_severity() -> None:
    envelope = answers.message_error(notification(), OURS, [WARNING], message_id="e1@g", now=LATER)
    assert b'eb:highestSeverity="Warning"' in write_envelope(envelope)
    assert isinstance(_reply(envelope).decided(), Ignore)


def test_a_business_message_with_a_warning_in_it_is_processed() -> None:
    assert isinstance(Arrival(replace(notification(), errors=(WARNING,))).decided(), Accept)


# --- Ping, status, unknown signals ---------------------------------------------------------------------------


def _signal(action: str, agreement: Agreement = THEIRS) -> Envelope:
    ping = answers.ping(agreement, message_id="s1@dso", conversation_id="c2", now=NOW)
    return replace(ping, header=replace(ping.header, action=action))


@pytest.mark.statement(153)
def test_a_ping_is_answered_with_a_pong_that_counts() -> None:
    ping = _signal(names.PING)
    assert Arrival(ping, ()).decided() == Pinged()
    pong = answers.pong(ping, OURS, message_id="s2@g", now=LATER)
    assert _reply(pong, to=ping).decided() == Ponged("s1@dso")


def test_a_repeated_ping_gets_the_same_pong() -> None:
    ping = _signal(names.PING)
    assert Arrival(ping, (), seen=Seen(fingerprint(write_envelope(ping), []))).decided() == Repeat()


def test_a_ping_that_does_not_fit_the_cpa_is_told_so() -> None:
    ping = _signal(names.PING)
    wrong = replace(ping, header=replace(ping.header, to_party=Party((PartyId(STRANGER),))))
    decision = Arrival(wrong, ()).decided()
    assert isinstance(decision, Reject)
    assert decision.error.code == ErrorCode.INCONSISTENT.value
    expired = replace(ping, header=replace(ping.header, time_to_live=NOW))
    assert isinstance(Arrival(expired, ()).decided(), Reject)


@pytest.mark.parametrize(
    ("signal", "code", "location"),
    [
        (_signal("Iets"), ErrorCode.VALUE_NOT_RECOGNIZED, f"{HEADER}/Action"),
        (_signal(names.STATUS_REQUEST), ErrorCode.INCONSISTENT, "//Body/StatusRequest"),
        (replace(_signal(names.PING), manifest=Manifest(("cid:x",))), ErrorCode.INCONSISTENT, "//Body/Manifest"),
    ],
)
def test_a_signal_that_cannot_be_answered_is_rejected_by_name(signal: Envelope, code: ErrorCode, location: str) -> None:
    decision = Arrival(signal, ()).decided()
    assert isinstance(decision, Reject)
    assert (decision.error.code, decision.error.location) == (code.value, location)


ASKED = answers.status_request(THEIRS, "m1@dso", message_id="s1@dso", conversation_id="c2", now=NOW)
RECEIVED = StatusResponse("m1@dso", MessageStatus.RECEIVED, NOW)


def _told(response: StatusResponse | None = RECEIVED) -> Envelope:
    told = answers.status_response(ASKED, OURS, RECEIVED, message_id="s2@g", now=LATER)
    return replace(told, status_response=response)


def test_a_status_request_names_the_message_that_it_asks_about() -> None:
    assert Arrival(ASKED, ()).decided() == StatusAsked("m1@dso")


def test_a_status_response_settles_our_request_and_tells_what_became_of_the_message() -> None:
    assert _reply(_told(), to=ASKED).decided() == StatusTold("s1@dso", RECEIVED)


@pytest.mark.statement(159)
@pytest.mark.parametrize(
    "arrival",
    [
        _reply(_told(), our_message=None),
        _reply(_told(), to=notification()),
        _reply(_told(None), to=ASKED),
        _reply(_told(replace(RECEIVED, ref_to_message_id="m9@dso")), to=ASKED),
        _reply(_told(), to=replace(ASKED, header=replace(ASKED.header, message_id="s9@dso"))),
        _reply(answers.pong(ASKED, OURS, message_id="s2@g", now=LATER), to=ASKED),
        _reply(answers.pong(ASKED, OURS, message_id="s2@g", now=LATER), our_message=None),
    ],
)
def test_a_pong_or_status_response_without_matching_request_is_dropped(arrival: Arrival) -> None:
    assert isinstance(arrival.decided(), Ignore)


# --- Synchronous signals -------------------------------------------------------------------------------------

SYNC_OURS, SYNC_THEIRS = (synchronous(agreement) for agreement in (OURS, THEIRS))
SYNC_SENT = notification(SYNC_THEIRS)


def _sync_reply(envelope: Envelope, **changes: object) -> Arrival:
    return _reply(envelope, to=SYNC_SENT, agreement=SYNC_THEIRS, **{"in_response": True, **changes})


def test_the_signal_about_a_synchronous_message_counts_in_the_http_response() -> None:
    receipt = answers.acknowledgment(SYNC_SENT, SYNC_OURS, message_id="a1@g", now=LATER)
    assert _sync_reply(receipt).decided() == Acknowledged("m1@dso")
    assert _sync_reply(receipt, caller=Caller(None)).decided() == Acknowledged("m1@dso")
    failed = answers.message_error(SYNC_SENT, SYNC_OURS, [ERROR], message_id="e1@g", now=LATER)
    assert _sync_reply(failed).decided() == Failed("m1@dso", (ERROR,))


@pytest.mark.statement(115)
@pytest.mark.parametrize("errors", [(), (ERROR,)])
def test_an_asynchronous_signal_about_a_synchronous_message_is_not_acted_upon(errors: tuple[EbxmlError, ...]) -> None:
    header = {"message_id": "a1@g", "now": LATER}
    if errors:
        signal = answers.message_error(SYNC_SENT, SYNC_OURS, errors, **header)  # type: ignore[arg-type]
    else:
        signal = answers.acknowledgment(SYNC_SENT, SYNC_OURS, **header)  # type: ignore[arg-type]
    decision = _sync_reply(signal, in_response=False).decided()
    assert isinstance(decision, Ignore)
    assert "115" in decision.reason


@pytest.mark.statement(113)
def test_a_signal_in_the_response_to_an_asynchronous_message_is_ignored() -> None:
    decision = _reply(_acknowledgment(), in_response=True).decided()
    assert isinstance(decision, Ignore)
    assert "113" in decision.reason


@pytest.mark.statement(60)
def test_a_business_message_or_a_question_in_an_http_response_is_ignored() -> None:
    back = replace(notification(), header=replace(notification().header, ref_to_message_id="m1@dso"))
    assert isinstance(Arrival(back, in_response=True).decided(), Ignore)
    assert isinstance(Arrival(_signal(names.PING), (), in_response=True).decided(), Ignore)


@pytest.mark.parametrize("in_response", [True, False])
def test_the_answer_to_a_question_counts_whichever_way_it_comes(in_response: bool) -> None:
    ping = _signal(names.PING)
    pong = answers.pong(ping, OURS, message_id="s2@g", now=LATER)
    assert _reply(pong, to=ping, in_response=in_response).decided() == Ponged("s1@dso")
    assert isinstance(_reply(_told(), to=ASKED, in_response=in_response).decided(), StatusTold)


def test_a_signal_about_another_message_than_the_one_posted_is_ignored() -> None:
    other = notification(SYNC_THEIRS, message_id="m2@dso")
    receipt = answers.acknowledgment(other, SYNC_OURS, message_id="a1@g", now=LATER)
    assert isinstance(_sync_reply(receipt).decided(), Ignore)


@pytest.mark.statement(110, 111, 154)
def test_our_signal_goes_into_the_http_response_when_sync_reply_asks_for_it() -> None:
    assert in_http_response(SYNC_SENT, SYNC_OURS)
    assert in_http_response(SYNC_SENT, OURS), "also when the CPA knows no such thing: that is what the error says"
    assert not in_http_response(notification(), OURS)
    assert not in_http_response(notification(), SYNC_OURS)
    assert not in_http_response(_signal(names.PING), OURS)
    assert in_http_response(replace(_signal(names.PING), sync_reply=SyncReply()), OURS)
    assert in_http_response(_signal(names.PING), SYNC_OURS), "the Java handler waits for it there"
    assert in_http_response(ASKED, SYNC_OURS)
    assert not in_http_response(_signal(names.PONG), SYNC_OURS)
