"""What to do with one received message: the decision, as a value.

`decide` runs the numbered steps of `checks` and returns exactly one Decision; it stores and sends nothing. Signals are
judged in `signals`.
The caller (flows/receive.py) makes the decision durable in one transaction and only then answers.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from digikoppelaar.ebms import checks, names
from digikoppelaar.ebms.agreement import Agreement, Signing
from digikoppelaar.ebms.decisions import (
    Accept,
    Again,
    Caller,
    Decision,
    Ignore,
    OurMessage,
    Refuse,
    Reject,
    Repeat,
    Seen,
)
from digikoppelaar.ebms.facts import Facts, rejected_or
from digikoppelaar.ebms.messages import Envelope, Part, ReceivedEnvelope, content_id_of
from digikoppelaar.ebms.signals import is_question, is_signal, judge_signal
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
    in_response: bool = False,
    clock_difference: timedelta = checks.CLOCK_DIFFERENCE,
) -> Decision:
    """What to do with a message that came in under `agreement`.

    `seen` is the stored message with the same MessageId under this CPA, if any; `our_message` the message of ours that
    `referred_message_id` names, if we sent it under this CPA. `trust_problem` says why the certificate that
    `signing_certificate` gives is not trusted at the Timestamp or now. `in_response`: this is the body of the HTTP
    response to `our_message`; only a signal can be there, and nothing is answered to it. Every digest in
    `signature.required_digests` must be in `parts`, and the one with SHA-256; parts are decrypted where the action is
    `encrypted`. Raises nothing: what is wrong with a message is a decision too.
    """
    header = received.envelope.header
    facts = Facts(
        received=received,
        action=agreement.receiving(header.service, header.action),
        parts=tuple(parts),
        agreement=agreement,
        caller=caller,
        seen=seen,
        our_message=our_message,
        now=now,
        clock_difference=clock_difference,
        fingerprint=fingerprint(received.document, parts),
        trust_problem=trust_problem,
        in_response=in_response,
    )
    if not is_signal(header):
        return Ignore("a business message in an HTTP response (statement 60)") if in_response else _business(facts)
    return judge_signal(facts)


def fingerprint(document: bytes, parts: Sequence[Part]) -> bytes:
    """What makes two messages with one MessageId the same: the SOAP part, byte for byte, and every payload.

    How they were packaged (boundary, transfer encoding, other part headers) may differ between two sends.
    """
    digest = hashlib.sha256(hashlib.sha256(document).digest())
    for part in parts:
        digest.update(hashlib.sha256(part.content_id.encode()).digest() + part.digests[names.SHA256])
    return digest.digest()


def signing_of(received: ReceivedEnvelope, agreement: Agreement) -> Signing | None:
    """How this message must be signed by the CPA; None when it need not be.

    The caller finds out whether the certificate is trusted at `header.timestamp` and now, and tells `decide` (7t).
    """
    header = received.envelope.header
    if not is_signal(header):
        action = agreement.receiving(header.service, header.action)
        return action.channel.signing if action and action.sender_signs else None
    return agreement.their_signal(header.action).signing if received.signatures else None


def referred_message_id(envelope: Envelope) -> str | None:
    """The MessageId of the message of ours that `envelope` is about.

    Peers write it in MessageData; some acknowledgments hold it only in eb:Acknowledgment (peer-ebms-core.md, 5.2).
    """
    receipt = envelope.acknowledgment
    return envelope.header.ref_to_message_id or (receipt.ref_to_message_id if receipt else None)


def in_http_response(envelope: Envelope, agreement: Agreement) -> bool:
    """Whether our signal about `envelope` goes into the HTTP response, or as a message of its own (2.5, 2.8).

    SyncReply asks for it. The Java handler never puts it into a Ping or StatusRequest, and still waits for the answer
    when the CPA's default channel is synchronous (peer-ebms-core.md, 9).
    """
    if envelope.sync_reply is not None:
        return True
    header = envelope.header
    return is_question(header) and agreement.their_signal(header.action).synchronous


def unknown_cpa(cpa_id: str) -> Refuse:
    """No CPA, so no address to send an error to: a SOAP Fault that names the CPAId (7h)."""
    return Refuse(Wire(500, soap_fault="Client"), f"CPAId {cpa_id[:200]!r} is not known here")


# --- Business messages ---------------------------------------------------------------------------------------


def _business(facts: Facts) -> Decision:
    if facts.has_error:
        return Ignore("an ErrorList of severity Error outside a MessageError: never answered (MSG s.4.2.4.1)")
    decision = rejected_or(_accept, facts, checks.STEPS)
    if facts.seen is None:
        return decision
    match decision:
        case Accept():
            return Again(decision)
        case Reject():  # what happened the first time stands
            return Repeat()
        case _:
            return decision


def _accept(facts: Facts) -> Decision:
    action, envelope = facts.action, facts.envelope
    assert action is not None, "the steps found it"
    asked = envelope.ack_requested
    signed_receipt = asked is not None and asked.signed
    hrefs = envelope.manifest.hrefs if envelope.manifest else ()
    return Accept(
        action=action,
        payloads=tuple(dict.fromkeys(name for href in hrefs if (name := content_id_of(href)) is not None)),
        acknowledge=asked is not None,
        sign_acknowledgment=signed_receipt,
        references=signed_references(facts.received.document) if signed_receipt else (),
    )
