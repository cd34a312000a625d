"""The decision on a business message that came before, or under no CPA (statements 34, 93, 96-104)."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.ebms.exchanges import (
    NOW,
    OURS,
    THEIRS,
    Arrival,
    best_effort,
    notification,
    payload,
)

from digikoppelaar.ebms.agreement import Tolerances
from digikoppelaar.ebms.decisions import (
    Accept,
    Again,
    Caller,
    Refuse,
    Reject,
    Repeat,
    Seen,
)
from digikoppelaar.ebms.envelope import write_envelope
from digikoppelaar.ebms.messages import (
    Acknowledgment,
    EbxmlError,
    Envelope,
    Manifest,
    Severity,
)
from digikoppelaar.ebms.receive import fingerprint, unknown_cpa

STRANGER = "00000099000000009000"
ERROR = EbxmlError("SecurityFailure", Severity.ERROR, "invalid", "//Header/Signature")
WARNING = EbxmlError("DeliveryFailure", Severity.WARNING, "late", None)


# --- Duplicates ----------------------------------------------------------------------------------------------


def _seen(envelope: Envelope, *contents: bytes) -> Seen:
    return Seen(fingerprint(write_envelope(envelope), [payload(content) for content in contents or (b"<verzoek/>",)]))


@pytest.mark.statement(96)
def test_the_same_message_again_gets_the_same_answer_again() -> None:
    assert Arrival(seen=_seen(notification())).decided() == Repeat()


def test_a_duplicate_is_a_duplicate_also_after_its_time_to_live_and_the_end_of_the_cpa() -> None:
    late = NOW + timedelta(days=400)
    assert Arrival(seen=_seen(notification()), now=late).decided() == Repeat()


@pytest.mark.statement(98)
def test_a_message_that_was_rejected_is_rejected_again_by_repeating_the_error() -> None:
    bad = replace(notification(), ack_requested=None)
    assert isinstance(Arrival(bad).decided(), Reject)
    assert Arrival(bad, seen=_seen(bad)).decided() == Repeat()


@pytest.mark.parametrize("contents", [(b"<ander/>",), (b"<verzoek/>", b"<verzoek/>")])
@pytest.mark.statement(100)
def test_the_same_message_id_with_another_payload_is_refused(contents: tuple[bytes, ...]) -> None:
    decision = Arrival(seen=_seen(notification(), *contents)).decided()
    assert isinstance(decision, Refuse)
    assert decision.wire.soap_fault == "Client"
    assert "m1@dso" in decision.reason


@pytest.mark.statement(100)
def test_the_same_message_id_with_another_header_is_refused() -> None:
    earlier = notification(now=NOW - timedelta(minutes=1))
    assert isinstance(Arrival(seen=_seen(earlier)).decided(), Refuse)


def test_a_stranger_cannot_make_us_repeat_an_answer() -> None:
    assert isinstance(Arrival(seen=_seen(notification()), caller=Caller(STRANGER)).decided(), Refuse)


def test_a_fingerprint_tells_document_parts_and_their_order_apart() -> None:
    one, two = payload(b"1", "a"), payload(b"2", "b")
    prints = {
        fingerprint(b"x", []),
        fingerprint(b"y", []),
        fingerprint(b"x", [one]),
        fingerprint(b"x", [one, two]),
        fingerprint(b"x", [two, one]),
        fingerprint(b"x", [payload(b"1", "c")]),
    }
    assert len(prints) == 6
    assert fingerprint(b"x", [one]) == fingerprint(b"x", [replace(one, content_type="text/plain")])


@pytest.mark.statement(34)
def test_an_unknown_cpa_is_named_in_the_fault() -> None:
    refused = unknown_cpa("cpa-elders")
    assert (refused.wire.http_status, refused.wire.soap_fault) == (500, "Client")
    assert "cpa-elders" in refused.reason
    assert len(unknown_cpa("x" * 100_000).reason) < 300


# --- Best effort, again --------------------------------------------------------------------------------------

BE_OURS, BE_THEIRS = (best_effort(agreement) for agreement in (OURS, THEIRS))


@pytest.mark.statement(104)
def test_a_repeated_best_effort_message_is_delivered_again_unless_the_cpa_is_set_otherwise() -> None:
    message = notification(BE_THEIRS)
    first = Arrival(message, agreement=BE_OURS).decided()
    assert isinstance(first, Accept)
    again = Arrival(message, agreement=BE_OURS, seen=_seen(message))
    assert again.decided() == Again(first)
    once = replace(BE_OURS, tolerances=Tolerances(best_effort_once=True))
    assert replace(again, agreement=once).decided() == Repeat()


def test_a_best_effort_message_that_was_rejected_gets_the_same_error_again() -> None:
    message = notification(BE_THEIRS)
    assert Arrival(message, agreement=BE_OURS, seen=replace(_seen(message), rejected=True)).decided() == Repeat()
    late = Arrival(message, agreement=BE_OURS, seen=_seen(message), now=NOW + timedelta(days=400))
    assert late.decided() == Repeat(), "what happened the first time stands"


@pytest.mark.statement(100)
def test_another_best_effort_message_under_the_same_message_id_is_refused() -> None:
    message = notification(BE_THEIRS)
    assert isinstance(Arrival(message, agreement=BE_OURS, seen=_seen(message, b"<ander/>")).decided(), Refuse)


@pytest.mark.statement(93)
def test_a_business_message_that_is_also_an_acknowledgment_is_no_acknowledgment() -> None:
    both = replace(notification(), acknowledgment=Acknowledgment(NOW, "m1@g"), manifest=Manifest(("cid:p1@dso",)))
    assert isinstance(Arrival(both).decided(), Reject)
