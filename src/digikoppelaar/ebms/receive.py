"""What to do with one received message: the decision, as a value.

`decide` runs the numbered steps of `checks` and returns exactly one Decision; it stores and sends nothing.
The caller (flows/receive.py) makes the decision durable in one transaction and only then answers.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from digikoppelaar.ebms import checks, names, security
from digikoppelaar.ebms.agreement import Agreement
from digikoppelaar.ebms.decisions import (
    Accept,
    Acknowledged,
    Caller,
    Decision,
    Failed,
    Ignore,
    OurMessage,
    Pinged,
    Ponged,
    Refuse,
    Reject,
    Seen,
)
from digikoppelaar.ebms.facts import Facts, Step, first_problem
from digikoppelaar.ebms.messages import (
    Acknowledgment,
    EbxmlError,
    Envelope,
    Part,
    ReceivedEnvelope,
    Severity,
    content_id_of,
)
from digikoppelaar.ebms.signature import signed_references
from digikoppelaar.errors import Wire


def decide(
    received: ReceivedEnvelope,
    parts: Sequence[Part],
    agreement: Agreement,
    caller: Caller,
    *,
    seen: Seen | None,
    our_message: OurMessage | None,
    now: datetime,
    trust_problem: str | None = None,
    clock_difference: timedelta = checks.CLOCK_DIFFERENCE,
) -> Decision:
    """What to do with a message that came in under `agreement`.

    `seen` is the stored message with the same MessageId under this CPA, if any; `our_message` the message of ours that
    `referred_message_id` names, if we sent it under this CPA. `trust_problem` says why the certificate that
    `signing_certificate` gives is not trusted at the Timestamp or now. Every digest in `signature.required_digests`
    must be in `parts`, and the one with SHA-256. Raises nothing: what is wrong with a message is a decision too.
    """
    same = fingerprint(received.document, parts)
    facts = Facts(
        received, tuple(parts), agreement, caller, seen, our_message, now, clock_difference, same, trust_problem
    )
    if facts.header.service.value != names.MSH_SERVICE:
        return _business(facts)
    return _SIGNALS.get(facts.header.action, _unknown_signal)(facts)


def fingerprint(document: bytes, parts: Sequence[Part]) -> bytes:
    """What makes two messages with one MessageId the same: the SOAP part, byte for byte, and every payload.

    How they were packaged (boundary, transfer encoding, other part headers) may differ between two sends.
    """
    digest = hashlib.sha256(hashlib.sha256(document).digest())
    for part in parts:
        digest.update(hashlib.sha256(part.content_id.encode()).digest() + part.digests[names.SHA256])
    return digest.digest()


def signing_certificate(received: ReceivedEnvelope, agreement: Agreement) -> bytes | None:
    """The certificate, DER, on which the signature of this message must rest by the CPA; None when on none.

    The caller finds out whether it is trusted at `header.timestamp` and now, and tells `decide` (7t).
    """
    header = received.envelope.header
    if header.service.value != names.MSH_SERVICE:
        action = agreement.receiving(header.service, header.action)
        signing = action.channel.signing if action and action.sender_signs else None
    else:
        signing = agreement.their_signal(header.action).signing if received.signatures else None
    return signing.certificate if signing else None


def referred_message_id(envelope: Envelope) -> str | None:
    """The MessageId of the message of ours that `envelope` is about.

    Peers write it in MessageData; some acknowledgments hold it only in eb:Acknowledgment (peer-ebms-core.md, 5.2).
    """
    receipt = envelope.acknowledgment
    return envelope.header.ref_to_message_id or (receipt.ref_to_message_id if receipt else None)


def unknown_cpa(cpa_id: str) -> Refuse:
    """No CPA, so no address to send an error to: a SOAP Fault that names the CPAId (7h)."""
    return Refuse(Wire(500, soap_fault="Client"), f"CPAId {cpa_id[:200]!r} is not known here")


# --- Business messages ---------------------------------------------------------------------------------------


def _business(facts: Facts) -> Decision:
    if _has_error(facts):
        return Ignore("an ErrorList of severity Error outside a MessageError: never answered (MSG s.4.2.4.1)")
    return _reject_or(facts, checks.STEPS, _accept)


def _accept(facts: Facts) -> Decision:
    action, envelope = facts.action, facts.envelope
    assert action is not None, "the steps found it"
    asked = envelope.ack_requested
    hrefs = envelope.manifest.hrefs if envelope.manifest else ()
    return Accept(
        action=action,
        payloads=tuple(dict.fromkeys(name for href in hrefs if (name := content_id_of(href)) is not None)),
        acknowledge=asked is not None,
        sign_acknowledgment=asked is not None and asked.signed,
        references=signed_references(facts.received.document) if action.sender_signs else (),
    )


def _reject_or(facts: Facts, steps: Sequence[Step], otherwise: Callable[[Facts], Decision]) -> Decision:
    match first_problem(steps, facts):
        case None:
            return otherwise(facts)
        case EbxmlError() as error:
            return Reject(error)
        case answer:
            return answer


# --- Signals -------------------------------------------------------------------------------------------------


def _report(about: Callable[[Facts, OurMessage], Decision]) -> Callable[[Facts], Decision]:
    """A signal about a message of ours: checked, but never answered with an error (statements 76, 91 and 224)."""

    def judge(facts: Facts) -> Decision:
        match first_problem(checks.REPORT_STEPS, facts):
            case None:
                assert facts.our_message is not None, "the steps asked for it"
                return about(facts, facts.our_message)
            case EbxmlError() as error:
                return Ignore(f"{error.code} at {error.location}: {error.description}")
            case answer:
                return answer

    return judge


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
    if not _has_error(facts):
        return Ignore("a MessageError with warnings only does not end the delivery (statement 84)")
    return Failed(ours.envelope.header.message_id, facts.envelope.errors)


def _ponged(_: Facts, ours: OurMessage) -> Decision:
    header = ours.envelope.header
    if (header.service.value, header.action) != (names.MSH_SERVICE, names.PING):
        return Ignore("a Pong to something that is no Ping (statement 159)")
    return Ponged(header.message_id)


def _pinged(facts: Facts) -> Decision:
    return _reject_or(facts, checks.REQUEST_STEPS, lambda _: Pinged())


def _status_requested(facts: Facts) -> Decision:
    return _reject_or(facts, checks.REQUEST_STEPS, lambda _: Reject(checks.STATUS_NOT_SUPPORTED))


def _status_told(_: Facts) -> Decision:
    return Ignore("a StatusResponse that nobody asked for (statement 159)")


def _unknown_signal(facts: Facts) -> Decision:
    if _has_error(facts):
        return Ignore("an unknown signal with an ErrorList: never answered (MSG s.4.2.4.1)")
    return _reject_or(facts, checks.REQUEST_STEPS, lambda _: Reject(checks.UNKNOWN_ACTION))


def _has_error(facts: Facts) -> bool:
    return any(error.severity is Severity.ERROR for error in facts.envelope.errors)


_SIGNALS: Final[Mapping[str, Callable[[Facts], Decision]]] = {
    names.ACKNOWLEDGMENT: _report(_acknowledged),
    names.MESSAGE_ERROR: _report(_failed),
    names.PONG: _report(_ponged),
    names.PING: _pinged,
    names.STATUS_REQUEST: _status_requested,
    names.STATUS_RESPONSE: _status_told,
}
"""The MSH actions (2.1) and who decides on them."""
