"""One defect at a time in a good message, and the code and place that name it (2.15 and statements 20-63, 93)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.unit.ebms.cpas import DSO, GEMEENTE, SERVICE
from tests.unit.ebms.exchanges import (
    NOW,
    OURS,
    SIGNED_OURS,
    SIGNED_THEIRS,
    THEIRS,
    Arrival,
    best_effort,
    notification,
    payload,
    received,
    signed,
    synchronous,
)
from tests.unit.ebms.wire import signatory

from digikoppelaar.ebms import answers, names
from digikoppelaar.ebms.agreement import Agreement, Channel, Characteristic, Tolerances
from digikoppelaar.ebms.checks import STEPS, wrong_caller
from digikoppelaar.ebms.decisions import Accept, Caller, Refuse, Reject
from digikoppelaar.ebms.envelope import read_envelope
from digikoppelaar.ebms.facts import HEADER
from digikoppelaar.ebms.messages import (
    Acknowledgment,
    AckRequested,
    Confidentiality,
    Envelope,
    Manifest,
    PartyId,
    ReceivedEnvelope,
    Service,
    Severity,
    SyncReply,
)
from digikoppelaar.ebms.receive import decide, signing_of
from digikoppelaar.errors import NOT_DECRYPTED

STRANGER = "00000099000000009000"
Change = Callable[[Envelope], Envelope]


def _header(**changes: object) -> Change:
    def change(envelope: Envelope) -> Envelope:
        return replace(envelope, header=replace(envelope.header, **changes))  # type: ignore[arg-type]

    return change


def _with(**changes: object) -> Change:
    return lambda envelope: replace(envelope, **changes)  # type: ignore[arg-type]


def _party(place: str, **changes: object) -> Change:
    def change(envelope: Envelope) -> Envelope:
        party = getattr(envelope.header, place)
        return _header(**{place: replace(party, **changes)})(envelope)

    return change


def _rejected(arrival: Arrival) -> tuple[str, str | None]:
    decision = arrival.decided()
    assert isinstance(decision, Reject), decision
    assert decision.error.severity is Severity.ERROR
    assert decision.error.description
    return decision.error.code, decision.error.location


def _our_side(change: Callable[[Channel], Channel]) -> Agreement:
    [action] = OURS.receives
    return replace(OURS, receives=(replace(action, channel=change(action.channel)),))


def test_a_good_message_is_accepted() -> None:
    decision = Arrival().decided()
    assert isinstance(decision, Accept)
    assert decision.payloads == ("p1@dso",)
    assert (decision.acknowledge, decision.sign_acknowledgment, decision.references) == (True, False, ())
    assert decision.action == OURS.receives[0]


DEFECTS: dict[str, tuple[Change, str, str]] = {
    "version": (_header(version="1.0"), "Inconsistent", f"{HEADER}/@version"),
    "from_value": (_party("from_party", party_ids=(PartyId(STRANGER),)), "Inconsistent", f"{HEADER}/From/PartyId"),
    "from_type": (_party("from_party", party_ids=(PartyId(DSO, "urn:x"),)), "Inconsistent", f"{HEADER}/From/PartyId"),
    "from_untyped": (_party("from_party", party_ids=(PartyId(DSO, None),)), "Inconsistent", f"{HEADER}/From/PartyId"),
    "from_is_us": (_party("from_party", party_ids=(PartyId(GEMEENTE),)), "Inconsistent", f"{HEADER}/From/PartyId"),
    "to_value": (_party("to_party", party_ids=(PartyId(STRANGER),)), "Inconsistent", f"{HEADER}/To/PartyId"),
    "one_of_two": (
        _party("to_party", party_ids=(PartyId(GEMEENTE), PartyId("x", "urn:x"))),
        "Inconsistent",
        f"{HEADER}/To/PartyId",
    ),
    "same_type_twice": (
        _party("from_party", party_ids=(PartyId(DSO), PartyId(DSO))),
        "Inconsistent",
        f"{HEADER}/From/PartyId",
    ),
    "service": (
        _header(service=Service("dso:anders:1.0", "urn:osb:services")),
        "ValueNotRecognized",
        f"{HEADER}/Action",
    ),
    "service_type": (_header(service=Service(SERVICE, "urn:x")), "ValueNotRecognized", f"{HEADER}/Action"),
    "service_not_a_uri": (_header(service=Service("notificaties")), "Inconsistent", f"{HEADER}/Service"),
    "action": (_header(action="verwijder"), "ValueNotRecognized", f"{HEADER}/Action"),
    "direction": (_header(action="bevestig"), "ValueNotRecognized", f"{HEADER}/Action"),
    "from_role_missing": (_party("from_party", role=None), "Inconsistent", f"{HEADER}/From/Role"),
    "to_role_missing": (_party("to_party", role=None), "Inconsistent", f"{HEADER}/To/Role"),
    "from_role": (_party("from_party", role="Ontvanger"), "ValueNotRecognized", f"{HEADER}/Action"),
    "to_role": (_party("to_party", role="Bronhouder"), "ValueNotRecognized", f"{HEADER}/Action"),
    "no_duplicate_elimination": (
        _header(duplicate_elimination=False),
        "Inconsistent",
        f"{HEADER}/DuplicateElimination",
    ),
    "no_ack_requested": (_with(ack_requested=None), "Inconsistent", "//Header/AckRequested"),
    "ack_next_msh": (
        _with(ack_requested=AckRequested(signed=False, actor=names.ACTOR_NEXT_MSH)),
        "NotSupported",
        "//Header/AckRequested/@actor",
    ),
    "ack_other_actor": (
        _with(ack_requested=AckRequested(signed=False, actor="urn:x")),
        "Inconsistent",
        "//Header/AckRequested/@actor",
    ),
    "ack_version": (
        _with(ack_requested=AckRequested(signed=False, version="3.0")),
        "Inconsistent",
        "//Header/AckRequested/@version",
    ),
    "ack_signed": (_with(ack_requested=AckRequested(signed=True)), "Inconsistent", "//Header/AckRequested/@signed"),
    "sync_reply": (_with(sync_reply=SyncReply()), "Inconsistent", "//Header/SyncReply"),
    "with_acknowledgment": (_with(acknowledgment=Acknowledgment(NOW, "x")), "Inconsistent", "//Header/Acknowledgment"),
    "expired": (
        _header(time_to_live=NOW + timedelta(seconds=1)),
        "TimeToLiveExpired",
        f"{HEADER}/MessageData/TimeToLive",
    ),
    "unknown_reference": (
        _header(ref_to_message_id="never@sent"),
        "ValueNotRecognized",
        f"{HEADER}/MessageData/RefToMessageId",
    ),
    "manifest_version": (_with(manifest=Manifest(("cid:p1@dso",), "3.0")), "Inconsistent", "//Body/Manifest/@version"),
    "no_such_part": (_with(manifest=Manifest(("cid:p1@dso", "cid:p2@dso"))), "MimeProblem", "cid:p2@dso"),
    "outside": (_with(manifest=Manifest(("http://elders.example/x",))), "MimeProblem", "http://elders.example/x"),
    "other_scheme": (_with(manifest=Manifest(("mid:p1@dso",))), "MimeProblem", "mid:p1@dso"),
    "relative": (_with(manifest=Manifest(("p1@dso",))), "MimeProblem", "p1@dso"),
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("version", id="version", marks=pytest.mark.statement(20)),
        pytest.param("from_value", id="from_value", marks=pytest.mark.statement(21)),
        pytest.param("from_type", id="from_type", marks=pytest.mark.statement(22)),
        pytest.param("from_untyped", id="from_untyped", marks=pytest.mark.statement(24)),
        pytest.param("from_is_us", id="from_is_us", marks=pytest.mark.statement(21)),
        pytest.param("to_value", id="to_value", marks=pytest.mark.statement(23)),
        pytest.param("one_of_two", id="one_of_two", marks=pytest.mark.statement(23)),
        pytest.param("same_type_twice", id="same_type_twice", marks=pytest.mark.statement(25)),
        pytest.param("service", id="service", marks=pytest.mark.statement(29)),
        pytest.param("service_type", id="service_type", marks=pytest.mark.statement(29)),
        pytest.param("service_not_a_uri", id="service_not_a_uri", marks=pytest.mark.statement(30)),
        pytest.param("action", id="action", marks=pytest.mark.statement(31)),
        pytest.param("direction", id="direction", marks=pytest.mark.statement(32)),
        pytest.param("from_role_missing", id="from_role_missing", marks=pytest.mark.statement(27)),
        pytest.param("to_role_missing", id="to_role_missing", marks=pytest.mark.statement(27)),
        pytest.param("from_role", id="from_role", marks=pytest.mark.statement(28)),
        pytest.param("to_role", id="to_role", marks=pytest.mark.statement(28)),
        pytest.param("no_duplicate_elimination", id="no_duplicate_elimination", marks=pytest.mark.statement(58)),
        pytest.param("no_ack_requested", id="no_ack_requested", marks=pytest.mark.statement(58)),
        pytest.param("ack_next_msh", id="ack_next_msh", marks=pytest.mark.statement(61)),
        "ack_other_actor",
        "ack_version",
        pytest.param("ack_signed", id="ack_signed", marks=pytest.mark.statement(139)),
        pytest.param("sync_reply", id="sync_reply", marks=pytest.mark.statement(107)),
        pytest.param("with_acknowledgment", id="with_acknowledgment", marks=pytest.mark.statement(93)),
        pytest.param("expired", id="expired", marks=pytest.mark.statement(37)),
        pytest.param("unknown_reference", id="unknown_reference", marks=pytest.mark.statement(39)),
        pytest.param("manifest_version", id="manifest_version", marks=pytest.mark.statement(49)),
        pytest.param("no_such_part", id="no_such_part", marks=pytest.mark.statement(47)),
        pytest.param("outside", id="outside", marks=pytest.mark.statement(48)),
        pytest.param("other_scheme", id="other_scheme", marks=pytest.mark.statement(48)),
        pytest.param("relative", id="relative", marks=pytest.mark.statement(48)),
    ],
)
def test_a_defect_is_named_with_its_code_and_place(name: str) -> None:
    change, code, location = DEFECTS[name]
    assert _rejected(Arrival(change(notification()))) == (code, location)


@pytest.mark.statement(63)
def test_message_order_is_not_supported() -> None:
    ordered = received(notification())  # we never write MessageOrder, so it is put into the value that was read
    ordered = replace(ordered, envelope=replace(ordered.envelope, message_order=True))
    decision = decide(ordered, [payload()], OURS, Caller(DSO), seen=None, our_message=None, now=NOW)
    assert isinstance(decision, Reject)
    assert (decision.error.code, decision.error.location) == ("NotSupported", "//Header/MessageOrder")


@pytest.mark.parametrize(
    "change",
    [
        _with(ack_requested=AckRequested(signed=False, actor=None)),  # absent reads as toPartyMSH
        pytest.param(_header(time_to_live=None), id="no_time_to_live", marks=pytest.mark.statement(38)),
        _with(manifest=None),
        pytest.param(
            _with(manifest=Manifest(("cid:p1%40dso",))), id="percent_encoded", marks=pytest.mark.statement(11)
        ),
    ],
)
def test_what_the_standard_leaves_free_is_accepted(change: Change) -> None:
    assert isinstance(Arrival(change(notification())).decided(), Accept)


@pytest.mark.statement(14)
def test_parts_that_the_manifest_does_not_name_are_left_out() -> None:
    decision = Arrival(parts=(payload(), payload(b"more", "extra@dso"))).decided()
    assert isinstance(decision, Accept)
    assert decision.payloads == ("p1@dso",)


def test_a_part_named_twice_is_delivered_once() -> None:
    twice = replace(notification(), manifest=Manifest(("cid:p1@dso", "cid:p1%40dso")))
    decision = Arrival(twice).decided()
    assert isinstance(decision, Accept)
    assert decision.payloads == ("p1@dso",)


@pytest.mark.parametrize(
    ("agreed", "present", "accepted"),
    [
        (Characteristic.PER_MESSAGE, True, True),
        (Characteristic.PER_MESSAGE, False, True),
        (Characteristic.NEVER, True, False),
        (Characteristic.NEVER, False, True),
        (Characteristic.ALWAYS, False, False),
    ],
)
@pytest.mark.statement(53, 58, 59)
def test_characteristics_are_as_agreed_or_as_the_message_wishes(
    agreed: Characteristic, present: bool, accepted: bool
) -> None:
    agreement = _our_side(lambda channel: replace(channel, ack_requested=agreed, duplicate_elimination=agreed))
    envelope = _header(duplicate_elimination=present)(notification())
    envelope = envelope if present else replace(envelope, ack_requested=None)
    decision = Arrival(envelope, agreement=agreement).decided()
    assert isinstance(decision, Accept) is accepted
    if isinstance(decision, Accept):
        assert decision.acknowledge is present


def test_a_signed_acknowledgment_that_we_have_no_means_to_sign_is_inconsistent() -> None:
    message = signed(notification(SIGNED_THEIRS))
    assert isinstance(_signed_arrival(message).decided(), Accept)
    mute = replace(SIGNED_OURS, our_signals=replace(SIGNED_OURS.our_signals, signing=None))
    assert _rejected(_signed_arrival(message, agreement=mute)) == ("Inconsistent", "//Header/AckRequested/@signed")
    other = replace(mute, our_overrides={names.ACKNOWLEDGMENT: SIGNED_OURS.our_signals})
    assert isinstance(_signed_arrival(message, agreement=other).decided(), Accept)


@pytest.mark.statement(140)
def test_a_signed_acknowledgment_of_what_is_not_signed_is_inconsistent() -> None:
    agreement = _our_side(lambda channel: replace(channel, ack_signature_requested=Characteristic.PER_MESSAGE))
    envelope = replace(notification(), ack_requested=AckRequested(signed=True))
    assert _rejected(Arrival(envelope, agreement=agreement)) == ("Inconsistent", "//Header/AckRequested/@signed")
    assert isinstance(Arrival(notification(), agreement=agreement).decided(), Accept)


@pytest.mark.statement(61)
def test_an_acknowledgment_of_the_next_msh_is_tolerated_by_a_setting_of_the_cpa() -> None:
    asked = replace(notification(), ack_requested=AckRequested(signed=False, actor=names.ACTOR_NEXT_MSH))
    assert _rejected(Arrival(asked)) == ("NotSupported", "//Header/AckRequested/@actor")
    tolerant = replace(OURS, tolerances=Tolerances(next_msh=True))
    decision = Arrival(asked, agreement=tolerant).decided()
    assert isinstance(decision, Accept)
    assert decision.acknowledge


@pytest.mark.statement(61)
def test_a_signed_message_may_ask_the_next_msh_too_and_nothing_else_may_be_unsigned() -> None:
    asked = AckRequested(signed=True, actor=names.ACTOR_NEXT_MSH)
    message = signed(replace(notification(SIGNED_THEIRS), ack_requested=asked))
    tolerant = replace(SIGNED_OURS, tolerances=Tolerances(next_msh=True))
    assert isinstance(_signed_arrival(message, agreement=tolerant).decided(), Accept)
    said = replace(message.envelope, header=replace(message.envelope.header, conversation_id="c9"))
    arrival = _signed_arrival(replace(message, envelope=said), agreement=tolerant)
    assert _rejected(arrival) == ("SecurityFailure", "//Header/Signature")


@pytest.mark.statement(108)
def test_sync_reply_is_wanted_when_the_cpa_has_it() -> None:
    assert _rejected(Arrival(agreement=synchronous(OURS))) == ("Inconsistent", "//Header/SyncReply")
    assert isinstance(Arrival(notification(synchronous(THEIRS)), agreement=synchronous(OURS)).decided(), Accept)


@pytest.mark.statement(109)
@pytest.mark.parametrize("wrong", [SyncReply(actor=names.ACTOR_TO_PARTY), SyncReply(version="1.0")])
def test_sync_reply_with_another_actor_or_version_is_inconsistent(wrong: SyncReply) -> None:
    message = replace(notification(), sync_reply=wrong)
    assert _rejected(Arrival(message, agreement=synchronous(OURS))) == ("Inconsistent", "//Header/SyncReply")


@pytest.mark.statement(33)
def test_an_action_in_two_services_is_found_by_the_pair() -> None:
    [action] = OURS.receives
    other = replace(action, service=Service("dso:anders:1.0", "urn:osb:services"), sender_role="Anders")
    for receives in ((action, other), (other, action)):
        decision = Arrival(agreement=replace(OURS, receives=receives)).decided()
        assert isinstance(decision, Accept)
        assert decision.action == action


@pytest.mark.statement(92)
def test_what_asks_no_acknowledgment_gets_none() -> None:
    decision = Arrival(notification(best_effort(THEIRS)), agreement=best_effort(OURS)).decided()
    assert isinstance(decision, Accept)
    assert not decision.acknowledge


@pytest.mark.statement(53)
def test_a_best_effort_message_may_not_ask_for_an_acknowledgment() -> None:
    message = replace(notification(best_effort(THEIRS)), ack_requested=AckRequested(signed=False))
    assert _rejected(Arrival(message, agreement=best_effort(OURS))) == ("Inconsistent", "//Header/AckRequested")


# --- The signature -------------------------------------------------------------------------------------------


def _signed_arrival(envelope: Envelope | ReceivedEnvelope, **changes: object) -> Arrival:
    return replace(Arrival(envelope, agreement=SIGNED_OURS), **changes)  # type: ignore[arg-type]


def _tampered(old: bytes, new: bytes) -> ReceivedEnvelope:
    document = signed(notification(SIGNED_THEIRS)).document
    assert document.count(old) == 1
    return read_envelope(document.replace(old, new))


def test_a_signed_message_is_accepted_with_the_references_that_were_signed() -> None:
    decision = _signed_arrival(signed(notification(SIGNED_THEIRS))).decided()
    assert isinstance(decision, Accept)
    assert decision.sign_acknowledgment
    assert [reference.uri for reference in decision.references] == ["", "cid:p1@dso"]


@pytest.mark.statement(121, 122, 123)
def test_what_is_not_signed_as_the_cpa_says_is_a_security_failure() -> None:
    good = signed(notification(SIGNED_THEIRS))
    moment = good.document.index(b"<ds:SignatureValue>") + 30
    broken = good.document[:moment] + bytes([good.document[moment] ^ 1]) + good.document[moment + 1 :]
    defects = {
        "missing": _signed_arrival(notification(SIGNED_THEIRS)),
        "another certificate": _signed_arrival(signed(notification(SIGNED_THEIRS), key=signatory("vreemde"))),
        "payload not signed": _signed_arrival(signed(notification(SIGNED_THEIRS), ())),
        "payload changed": _signed_arrival(good, parts=(payload(b"<ander/>"),)),
        "conversation changed": _signed_arrival(_tampered(b">c1<", b">c2<")),
        "value changed": _signed_arrival(read_envelope(broken)),
    }
    codes = {name: _rejected(arrival)[0] for name, arrival in defects.items()}
    assert codes == dict.fromkeys(defects, "SecurityFailure")


@pytest.mark.statement(124)
def test_a_signing_certificate_that_is_over_signs_nothing() -> None:
    old = signatory("sender", years=1)
    [action] = SIGNED_OURS.receives
    channel = replace(action.channel, signing=old.signing())
    agreement = replace(SIGNED_OURS, receives=(replace(action, channel=channel),))
    decision = _signed_arrival(signed(notification(SIGNED_THEIRS), key=old), agreement=agreement).decided()
    assert isinstance(decision, Reject)
    assert decision.error.code == "SecurityFailure"
    assert "not valid at" in decision.error.description


@pytest.mark.statement(121)
def test_a_missing_signature_is_told_as_missing() -> None:
    decision = _signed_arrival(notification(SIGNED_THEIRS)).decided()
    assert isinstance(decision, Reject)
    assert decision.error.description == "the CPA demands a signature"


@pytest.mark.statement(124, 125)
def test_a_signing_certificate_that_is_not_trusted_signs_nothing() -> None:
    arrival = _signed_arrival(signed(notification(SIGNED_THEIRS)), trust_problem="it was revoked")
    decision = arrival.decided()
    assert isinstance(decision, Reject)
    assert (decision.error.code, decision.error.location) == ("SecurityFailure", "//Header/Signature")
    assert "it was revoked" in decision.error.description
    assert isinstance(Arrival(trust_problem="nobody signed").decided(), Accept)


def test_the_certificate_to_be_trusted_is_the_one_of_the_cpa() -> None:
    message = signed(notification(SIGNED_THEIRS))
    assert signing_of(message, SIGNED_OURS) == SIGNED_OURS.receives[0].channel.signing
    assert signing_of(received(notification()), OURS) is None
    assert signing_of(received(_header(action="verwijder")(notification())), SIGNED_OURS) is None
    receipt = answers.acknowledgment(message.envelope, SIGNED_OURS, message_id="a1@g", now=NOW)
    assert signing_of(signed(receipt, ()), SIGNED_THEIRS) == SIGNED_THEIRS.their_signals.signing
    assert signing_of(received(receipt), SIGNED_THEIRS) is None


def test_a_signature_that_the_cpa_demands_without_a_certificate_is_a_security_failure() -> None:
    [action] = SIGNED_OURS.receives
    agreement = replace(SIGNED_OURS, receives=(replace(action, channel=replace(action.channel, signing=None)),))
    arrival = _signed_arrival(signed(notification(SIGNED_THEIRS)), agreement=agreement)
    assert _rejected(arrival) == ("SecurityFailure", "//Header/Signature")


@pytest.mark.statement(129)
def test_two_signatures_are_refused_even_where_none_is_asked() -> None:
    twice = replace(received(notification()), signatures=2)
    decision = decide(twice, [payload()], OURS, Caller(DSO), seen=None, our_message=None, now=NOW)
    assert isinstance(decision, Reject)
    assert decision.error.code == "SecurityFailure"


@pytest.mark.statement(128)
def test_only_what_was_signed_counts() -> None:
    """An envelope that says something else than its own document would be judged on unsigned words."""
    good = signed(notification(SIGNED_THEIRS))
    said = replace(good.envelope, header=replace(good.envelope.header, conversation_id="c9"))
    assert _rejected(_signed_arrival(replace(good, envelope=said)))[0] == "SecurityFailure"


# --- Encryption ----------------------------------------------------------------------------------------------


def _encrypted(confidentiality: Confidentiality, *, agreed: bool = True) -> Arrival:
    [action] = SIGNED_OURS.receives
    agreement = replace(SIGNED_OURS, receives=(replace(action, encrypted=agreed),))
    parts = (replace(payload(), confidentiality=confidentiality), payload(b"loose", "loose@dso"))
    return _signed_arrival(signed(notification(SIGNED_THEIRS)), agreement=agreement, parts=parts)


def test_a_decrypted_payload_is_accepted_and_what_nobody_names_may_be_plain() -> None:
    assert isinstance(_encrypted(Confidentiality.DECRYPTED).decided(), Accept)
    assert isinstance(_encrypted(Confidentiality.DECRYPTED, agreed=False).decided(), Accept)
    assert isinstance(_encrypted(Confidentiality.PLAIN, agreed=False).decided(), Accept)


@pytest.mark.statement(147)
def test_a_plain_payload_where_the_cpa_demands_encryption_is_a_security_failure_at_its_cid() -> None:
    assert _rejected(_encrypted(Confidentiality.PLAIN)) == ("SecurityFailure", "cid:p1@dso")


@pytest.mark.statement(148, 149, 151)
@pytest.mark.parametrize("agreed", [True, False])
def test_a_payload_that_cannot_be_decrypted_is_a_security_failure_without_a_cause(agreed: bool) -> None:
    decision = _encrypted(Confidentiality.BROKEN, agreed=agreed).decided()
    assert isinstance(decision, Reject)
    assert (decision.error.code, decision.error.location) == ("SecurityFailure", "cid:p1@dso")
    assert decision.error.description == NOT_DECRYPTED


# --- Time ----------------------------------------------------------------------------------------------------

BEFORE_END = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("sent", "now"),
    [
        (BEFORE_END, BEFORE_END + MINUTE),
        (datetime(2025, 12, 31, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)),
        (BEFORE_END + MINUTE, BEFORE_END + MINUTE),
    ],
)
@pytest.mark.statement(35)
def test_the_cpa_must_be_in_force_at_timestamp_and_receipt(sent: datetime, now: datetime) -> None:
    assert _rejected(Arrival(notification(now=sent), now=now)) == ("Inconsistent", f"{HEADER}/@cpaid")


def test_a_timestamp_may_be_ahead_by_the_clock_difference_and_no_more() -> None:
    ahead = NOW + timedelta(minutes=5)
    assert isinstance(Arrival(notification(now=ahead), now=NOW).decided(), Accept)
    too_far = notification(now=ahead + timedelta(seconds=1))
    assert _rejected(Arrival(too_far, now=NOW)) == ("Inconsistent", f"{HEADER}/MessageData/Timestamp")


# --- Who calls -----------------------------------------------------------------------------------------------


@pytest.mark.statement(181)
def test_a_certificate_of_another_oin_is_refused_with_both_oins() -> None:
    decision = Arrival(caller=Caller(STRANGER)).decided()
    assert isinstance(decision, Refuse)
    assert decision.wire.http_status == 403
    assert STRANGER in decision.reason
    assert DSO in decision.reason


@pytest.mark.statement(181)
def test_another_oin_may_act_for_the_partner_when_a_machtiging_says_so() -> None:
    assert isinstance(Arrival(caller=Caller(STRANGER, frozenset({DSO}))).decided(), Accept)
    assert isinstance(Arrival(caller=Caller(STRANGER, frozenset({GEMEENTE}))).decided(), Refuse)


def test_on_a_plain_http_listener_there_is_nobody_to_compare() -> None:
    assert isinstance(Arrival(caller=Caller(None)).decided(), Accept)
    assert wrong_caller(Caller(None), OURS) is None
    assert wrong_caller(Caller(STRANGER), OURS) is not None


def test_our_own_certificate_is_not_the_partners() -> None:
    assert isinstance(Arrival(caller=Caller(GEMEENTE)).decided(), Refuse)


@pytest.mark.parametrize("suffix", ["_O", "_T", "_A", "_OT", "_OTA"])
@pytest.mark.statement(182)
def test_an_environment_suffix_of_the_party_id_does_not_count(suffix: str) -> None:
    theirs = replace(OURS.theirs, party_ids=(PartyId(DSO + suffix),))
    envelope = _party("from_party", party_ids=(PartyId(DSO + suffix),))(notification())
    assert isinstance(Arrival(envelope, agreement=replace(OURS, theirs=theirs)).decided(), Accept)


def test_a_stranger_learns_nothing_about_the_message() -> None:
    bad = _header(action="verwijder")(notification())
    assert isinstance(Arrival(bad, caller=Caller(STRANGER)).decided(), Refuse)


# --- The order -----------------------------------------------------------------------------------------------


def test_the_first_defect_in_the_order_of_the_steps_is_the_one_that_is_named() -> None:
    envelope = notification()
    for name in ("no_such_part", "unknown_reference", "expired", "no_ack_requested", "action", "from_value", "version"):
        change, code, location = DEFECTS[name]
        envelope = change(envelope)
        assert _rejected(Arrival(envelope)) == (code, location)


def test_the_steps_stand_in_the_order_of_the_standard_but_for_the_caller() -> None:
    numbers = [int((step.__doc__ or "").removeprefix("Step ").partition(":")[0]) for step in STEPS]
    assert numbers[:2] == [10, 9]  # who may not call learns nothing, not even whether a message was here before
    assert numbers[2:] == sorted(numbers[2:]) == [11, 11, *[12] * 9, 13, 14, 15, 16, 17, 18, 18]
