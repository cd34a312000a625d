"""What to do with a signal that came in: reports about what we sent, and questions (2.6, 2.7, 2.8).

A report is checked and never answered with an error; what is wrong with a question is told. A signal that answers comes
in the HTTP response or as a message of its own, and only one of the two counts (2.5, 2.12).
"""

from collections.abc import Callable, Mapping
from typing import Final

from digikoppelaar.ebms import checks, names, security
from digikoppelaar.ebms.decisions import (
    Acknowledged,
    Decision,
    Failed,
    Ignore,
    OurMessage,
    Pinged,
    Ponged,
    Reject,
    StatusAsked,
    StatusTold,
)
from digikoppelaar.ebms.facts import Facts, first_problem, rejected_or
from digikoppelaar.ebms.messages import Acknowledgment, EbxmlError, MessageHeader


def is_signal(header: MessageHeader) -> bool:
    """Whether it is a message between message service handlers."""
    return header.service.value == names.MSH_SERVICE


def is_question(header: MessageHeader) -> bool:
    """Whether it is a Ping or a StatusRequest: signals that are answered (2.8)."""
    return is_signal(header) and header.action in {names.PING, names.STATUS_REQUEST}


def judge_signal(facts: Facts) -> Decision:
    """The decision on a signal."""
    action = facts.header.action
    if facts.in_response and action not in _REPORTS:
        return Ignore("an HTTP response holds only a signal about what was posted")
    return _SIGNALS.get(action, _unknown_signal)(facts)


def _report(about: Callable[[Facts, OurMessage], Decision]) -> Callable[[Facts], Decision]:
    """A signal about a message of ours: checked, but never answered with an error (statements 76, 91 and 224)."""

    def judge(facts: Facts) -> Decision:
        match first_problem(checks.REPORT_STEPS, facts):
            case None:
                assert facts.our_message is not None, "the steps asked for it"
                problem = _why_it_came_the_wrong_way(facts, facts.our_message)
                return Ignore(problem) if problem else about(facts, facts.our_message)
            case EbxmlError() as error:
                return Ignore(f"{error.code} at {error.location}: {error.description}")
            case answer:
                return answer

    return judge


def _why_it_came_the_wrong_way(facts: Facts, ours: OurMessage) -> str | None:
    """A message says by SyncReply which way its signal comes; peers differ for questions (peer-ebms-core.md, 9)."""
    synchronous = ours.envelope.sync_reply is not None
    if is_question(ours.envelope.header) or synchronous is facts.in_response:
        return None
    if synchronous:
        return "an asynchronous signal about a synchronous message (statement 115)"
    return "a signal in the HTTP response to an asynchronous message (statement 113)"


def _acknowledged(facts: Facts, ours: OurMessage) -> Decision:
    problem = _why_it_does_not_count(facts, ours)
    return Ignore(problem) if problem else Acknowledged(ours.envelope.header.message_id)


def _why_it_does_not_count(facts: Facts, ours: OurMessage) -> str | None:
    """Why this Acknowledgment is none for `ours`; None when it is one (statements 77-80 and 136-138)."""
    receipt, sent = facts.envelope.acknowledgment, ours.envelope
    if receipt is None:
        return "an Acknowledgment without eb:Acknowledgment"
    if sent.ack_requested is None:
        return "nobody asked for this acknowledgment (statement 77)"
    if receipt.ref_to_message_id != sent.header.message_id:
        return "eb:Acknowledgment refers to another message than MessageData (statement 80)"
    if not {*receipt.from_party_ids, *facts.header.from_party.party_ids} <= set(sent.header.to_party.party_ids):
        return "it does not come from the party we sent to (statement 78)"
    return _why_its_signature_does_not_count(facts, receipt, ours) if sent.ack_requested.signed else None


def _why_its_signature_does_not_count(facts: Facts, receipt: Acknowledgment, ours: OurMessage) -> str | None:
    signing = facts.agreement.their_signal(names.ACKNOWLEDGMENT).signing
    if signing is None or facts.received.signatures != 1:
        return "a signed acknowledgment was asked, this one has not one signature (statement 138)"
    if facts.trust_problem is not None:
        return f"its signing certificate is not trusted: {facts.trust_problem}"
    problem = security.verified(facts, signing)
    if problem is not None:
        return f"its signature does not hold: {problem.description}"
    if len(receipt.references) != len(ours.references) or set(receipt.references) != set(ours.references):
        return "it does not confirm the references that we signed (statement 137)"
    return None


def _failed(facts: Facts, ours: OurMessage) -> Decision:
    if not facts.has_error:
        return Ignore("a MessageError with warnings only does not end the delivery (statement 84)")
    return Failed(ours.envelope.header.message_id, facts.envelope.errors)


def _ponged(_: Facts, ours: OurMessage) -> Decision:
    header = ours.envelope.header
    if (header.service.value, header.action) != (names.MSH_SERVICE, names.PING):
        return Ignore("a Pong to something that is no Ping (statement 159)")
    return Ponged(header.message_id)


def _pinged(facts: Facts) -> Decision:
    return rejected_or(lambda _: Pinged(), facts, checks.REQUEST_STEPS)


def _status_requested(facts: Facts) -> Decision:
    return rejected_or(_status_asked, facts, checks.STATUS_STEPS)


def _status_asked(facts: Facts) -> Decision:
    assert facts.envelope.status_request is not None, "the steps asked for it"
    return StatusAsked(facts.envelope.status_request)


def _status_told(facts: Facts, ours: OurMessage) -> Decision:
    told, asked = facts.envelope.status_response, ours.envelope.status_request
    if told is None or asked is None or told.ref_to_message_id != asked:
        return Ignore("a StatusResponse to something that did not ask it (statement 159)")
    return StatusTold(ours.envelope.header.message_id, told)


def _unknown_signal(facts: Facts) -> Decision:
    if facts.has_error:
        return Ignore("an unknown signal with an ErrorList: never answered (MSG s.4.2.4.1)")
    return rejected_or(lambda _: Reject(checks.UNKNOWN_ACTION), facts, checks.REQUEST_STEPS)


_REPORTS: Final[Mapping[str, Callable[[Facts], Decision]]] = {
    names.ACKNOWLEDGMENT: _report(_acknowledged),
    names.MESSAGE_ERROR: _report(_failed),
    names.PONG: _report(_ponged),
    names.STATUS_RESPONSE: _report(_status_told),
}
_SIGNALS: Final[Mapping[str, Callable[[Facts], Decision]]] = {
    **_REPORTS,
    names.PING: _pinged,
    names.STATUS_REQUEST: _status_requested,
}
"""The MSH actions (2.1) and who decides on them."""
