"""The steps that a received message goes through, in order (digikoppeling-ebms2.md, 2.14), and nothing else.

Each step looks at the Facts and names the first thing that is wrong: an ebXML error to send back, or an answer on the
HTTP level. Steps 1 to 8 (TLS, HTTP, MIME, XML, structure, CPA lookup) lie before this module, steps 19 and 20 (store,
respond) after it; steps 16 to 18 stand in `security`. Locations and codes follow the table of 2.15.
"""

from datetime import timedelta
from typing import Final

from digikoppelaar.ebms import names
from digikoppelaar.ebms.agreement import Agreement, Characteristic
from digikoppelaar.ebms.decisions import Caller, Refuse, Repeat
from digikoppelaar.ebms.facts import HEADER, Facts, Problem, Step, error, inconsistent
from digikoppelaar.ebms.messages import AckRequested, ErrorCode, Party, content_id_of
from digikoppelaar.ebms.security import (
    payloads_are_encrypted_as_agreed,
    signature_holds,
    signature_is_there,
    signing_certificate_is_trusted,
)
from digikoppelaar.errors import Wire
from digikoppelaar.pki.oin import fits_party

CLOCK_DIFFERENCE: Final = timedelta(minutes=5)
"""How far a sender's clock may be ahead of ours: the Timestamp is the sender's choice (7t)."""

UNKNOWN_ACTION: Final = error(
    ErrorCode.VALUE_NOT_RECOGNIZED, f"{HEADER}/Action", "the CPA knows no such Service and Action in this direction"
)


# --- 9 and 10: who calls, and was it here before -----------------------------------------------------------------


def caller_fits_the_cpa(facts: Facts) -> Problem | None:
    """Step 10: the OIN of the client certificate is the partner's, or may act for it (EB005, statements 181, 182)."""
    return wrong_caller(facts.caller, facts.agreement)


def wrong_caller(caller: Caller, agreement: Agreement) -> Refuse | None:
    """Why this caller may not send under this CPA; it needs no more of a message than its CPAId."""
    oin, partners = caller.oin, [party_id.value for party_id in agreement.theirs.party_ids]
    if oin is None or any(fits_party(oin, partner, caller.acts_for) for partner in partners):
        return None
    reason = (
        f"the client certificate has OIN {oin}, CPA {agreement.cpa_id!r} is with {', '.join(partners)}, "
        f"and no machtiging of the one for the other is on record"
    )
    return Refuse(Wire(403, soap_fault="Client"), reason)


def is_no_duplicate(facts: Facts) -> Problem | None:
    """Step 9: the same message again gets the same answer again; another one under its MessageId gets none (96-100).

    The same means the same bytes, signature included, so the verdict on the signature was given the first time: nobody
    obtains a stored receipt with a message that does not verify (7r).
    """
    if facts.seen is None:
        return None
    if facts.seen.fingerprint == facts.fingerprint:
        return None if _is_delivered_again(facts) else Repeat()
    return Refuse(Wire(500, soap_fault="Client"), f"another message has the MessageId {facts.header.message_id!r}")


def _is_delivered_again(facts: Facts) -> bool:
    """Whether it is best effort: nobody asked to eliminate its duplicates (7f, statement 104)."""
    assert facts.seen is not None
    business = facts.header.service.value != names.MSH_SERVICE
    wanted = business and not facts.header.duplicate_elimination and not facts.seen.rejected
    return wanted and not facts.agreement.tolerances.best_effort_once


# --- 11: time and CPA ----------------------------------------------------------------------------------------


def timestamp_is_not_ahead(facts: Facts) -> Problem | None:
    """Step 11: a Timestamp from the future would choose its own moment of judgement (7t)."""
    if facts.header.timestamp <= facts.now + facts.clock_difference:
        return None
    return inconsistent(f"{HEADER}/MessageData/Timestamp", "the Timestamp lies in the future")


def cpa_is_in_force(facts: Facts) -> Problem | None:
    """Step 11: the CPA is valid at the Timestamp and on receipt (4.4, statement 35)."""
    cpa = facts.agreement
    moments = (facts.header.timestamp, facts.now)
    # Ahead clocks at the very start of a CPA are no reason to refuse: now is judged with the same tolerance.
    if all(cpa.starts_at - facts.clock_difference <= moment <= cpa.ends_at for moment in moments):
        return None
    return inconsistent(f"{HEADER}/@cpaid", "the CPA is not in force at this time")


# --- 12: the header against the CPA --------------------------------------------------------------------------


def version_is_ours(facts: Facts) -> Problem | None:
    """Step 12: version 2.0 (MSG s.2.3.8, statement 20)."""
    if facts.header.version == names.VERSION:
        return None
    return inconsistent(f"{HEADER}/@version", f"version is not {names.VERSION}")


def parties_are_those_of_the_cpa(facts: Facts) -> Problem | None:
    """Step 12: From is the partner and To is us, with type, and no type twice (statements 21-25)."""
    cpa, header = facts.agreement, facts.header
    for place, party, side in (("From", header.from_party, cpa.theirs), ("To", header.to_party, cpa.ours)):
        location = f"{HEADER}/{place}/PartyId"
        types = [party_id.type for party_id in party.party_ids]
        if len(types) != len(set(types)):
            return inconsistent(location, "two PartyIds have the same type")
        if not side.owns(party.party_ids):
            return inconsistent(location, "the CPA does not have this PartyId with this type at this side")
    return None


def action_is_in_the_cpa(facts: Facts) -> Problem | None:
    """Step 12: Service, with its type, and Action are something we may receive (statements 29-33)."""
    if facts.action is not None:
        return None
    service = facts.header.service
    if service.type is None and ":" not in service.value:
        return inconsistent(f"{HEADER}/Service", "a Service without type must be a URI")
    return UNKNOWN_ACTION


def roles_are_those_of_the_cpa(facts: Facts) -> Problem | None:
    """Step 12: business messages carry both Roles, as in the CPA (statements 27, 28; code by 7q)."""
    action = facts.known_action
    expected: tuple[tuple[str, Party, str], ...] = (
        ("From", facts.header.from_party, action.sender_role),
        ("To", facts.header.to_party, action.receiver_role),
    )
    for place, party, role in expected:
        if party.role is None:
            return inconsistent(f"{HEADER}/{place}/Role", "a business message has a Role")
        if party.role != role:
            return error(ErrorCode.VALUE_NOT_RECOGNIZED, f"{HEADER}/Action", f"the Role of {place} is not the CPA's")
    return None


def duplicate_elimination_is_as_agreed(facts: Facts) -> Problem | None:
    """Step 12: DuplicateElimination is there when the CPA says always, and not when it says never (statement 58)."""
    agreed = facts.known_action.channel.duplicate_elimination
    return _presence(agreed, facts.header.duplicate_elimination, f"{HEADER}/DuplicateElimination")


def ack_requested_is_as_agreed(facts: Facts) -> Problem | None:
    """Step 12: AckRequested, as the CPA says and of the To Party MSH only (2.6, statements 53, 58, 61, 139, 140)."""
    channel, asked = facts.known_action.channel, facts.envelope.ack_requested
    location = "//Header/AckRequested"
    problem = _presence(channel.ack_requested, asked is not None, location)
    if problem or asked is None:
        return problem
    if asked.actor == names.ACTOR_NEXT_MSH and not facts.agreement.tolerances.next_msh:
        return error(ErrorCode.NOT_SUPPORTED, f"{location}/@actor", "acknowledgment by the next MSH is not supported")
    if asked.actor not in (None, names.ACTOR_TO_PARTY, names.ACTOR_NEXT_MSH):
        return inconsistent(f"{location}/@actor", "the actor is not the To Party MSH")
    if asked.version != names.VERSION:
        return inconsistent(f"{location}/@version", f"version is not {names.VERSION}")
    return _signed_receipt(facts, asked, channel.ack_signature_requested)


def _signed_receipt(facts: Facts, asked: AckRequested, agreed: Characteristic) -> Problem | None:
    location = "//Header/AckRequested/@signed"
    if agreed is not Characteristic.PER_MESSAGE and asked.signed is not (agreed is Characteristic.ALWAYS):
        return inconsistent(location, f"the CPA says {agreed.value} for signed acknowledgments")
    if asked.signed and not facts.known_action.sender_signs:
        return inconsistent(location, "a signed acknowledgment confirms what was signed, and this message is not")
    if asked.signed and facts.agreement.our_signal(names.ACKNOWLEDGMENT).signing is None:
        return inconsistent(location, "the CPA does not say how we sign acknowledgments")
    return None


def sync_reply_is_as_agreed(facts: Facts) -> Problem | None:
    """Step 12: SyncReply is there exactly when the CPA has a syncReplyMode (statements 107-109)."""
    expected = facts.known_action.channel.synchronous
    asked, location = facts.envelope.sync_reply, "//Header/SyncReply"
    if (asked is not None) is not expected:
        return inconsistent(location, "SyncReply is not as the CPA says")
    if asked is not None and (asked.actor, asked.version) != (names.ACTOR_SOAP_NEXT, names.VERSION):
        return inconsistent(location, "SyncReply has another actor or version")
    return None


def order_is_not_asked(facts: Facts) -> Problem | None:
    """Step 12: message ordering is not offered (KS3, statement 63)."""
    if not facts.envelope.message_order:
        return None
    return error(ErrorCode.NOT_SUPPORTED, "//Header/MessageOrder", "message ordering is not supported")


def stands_alone(facts: Facts) -> Problem | None:
    """Step 12: a business message is no acknowledgment at the same time (KS-33, statement 93)."""
    if facts.envelope.acknowledgment is None:
        return None
    return inconsistent("//Header/Acknowledgment", "an acknowledgment stands alone")


def _presence(agreed: Characteristic, present: bool, location: str) -> Problem | None:
    if agreed is Characteristic.PER_MESSAGE or present is (agreed is Characteristic.ALWAYS):
        return None
    return inconsistent(location, f"the CPA says {agreed.value}, the message {'has' if present else 'lacks'} it")


# --- 13 to 15 ------------------------------------------------------------------------------------------------


def time_is_left(facts: Facts) -> Problem | None:
    """Step 13: TimeToLive has not passed; absent, there is always time (statements 37, 38)."""
    time_to_live = facts.header.time_to_live
    if time_to_live is None or time_to_live >= facts.now:
        return None
    location = f"{HEADER}/MessageData/TimeToLive"
    return error(ErrorCode.TIME_TO_LIVE_EXPIRED, location, "the message arrived after its TimeToLive")


def referred_message_is_known(facts: Facts) -> Problem | None:
    """Step 14: RefToMessageId, where it is, names a message of ours under this CPA (statement 39)."""
    if facts.header.ref_to_message_id is None or facts.our_message is not None:
        return None
    location = f"{HEADER}/MessageData/RefToMessageId"
    return error(ErrorCode.VALUE_NOT_RECOGNIZED, location, "no message of ours has this MessageId")


def manifest_names_our_parts(facts: Facts) -> Problem | None:
    """Step 15: every reference of the Manifest leads to a part of this message (KS-20, KS-21, statements 47-49)."""
    manifest = facts.envelope.manifest
    if manifest is None:
        return None
    if manifest.version != names.VERSION:
        return inconsistent("//Body/Manifest/@version", f"version is not {names.VERSION}")
    present = {part.content_id for part in facts.parts}
    for href in manifest.hrefs:
        if content_id_of(href) not in present:
            return error(ErrorCode.MIME_PROBLEM, href, "no part of this message has this Content-ID")
    return None


# --- Requests and reports ------------------------------------------------------------------------------------


def carries_no_payload(facts: Facts) -> Problem | None:
    """Step 15: a Ping or StatusRequest has no Manifest (2.8, statement 158)."""
    if facts.envelope.manifest is None:
        return None
    return inconsistent("//Body/Manifest", "this signal carries no payload")


def asks_about_a_message(facts: Facts) -> Problem | None:
    """Step 15: a StatusRequest names the message that it asks about (2.8)."""
    if facts.envelope.status_request is not None:
        return None
    return inconsistent("//Body/StatusRequest", "a StatusRequest holds eb:StatusRequest")


def refers_to_a_message_of_ours(facts: Facts) -> Problem | None:
    """A report about something that we did not send under this CPA is dropped (statements 76, 79 and 159)."""
    ours = facts.our_message.envelope.header if facts.our_message else None
    if ours and ours.cpa_id == facts.header.cpa_id and facts.header.ref_to_message_id in (None, ours.message_id):
        return None
    location = f"{HEADER}/MessageData/RefToMessageId"
    return error(ErrorCode.VALUE_NOT_RECOGNIZED, location, "no message of ours has this MessageId")


# --- The tables ----------------------------------------------------------------------------------------------

STEPS: Final[tuple[Step, ...]] = (
    caller_fits_the_cpa,
    is_no_duplicate,
    timestamp_is_not_ahead,
    cpa_is_in_force,
    version_is_ours,
    parties_are_those_of_the_cpa,
    action_is_in_the_cpa,
    roles_are_those_of_the_cpa,
    duplicate_elimination_is_as_agreed,
    ack_requested_is_as_agreed,
    sync_reply_is_as_agreed,
    order_is_not_asked,
    stands_alone,
    time_is_left,
    referred_message_is_known,
    manifest_names_our_parts,
    signature_is_there,
    payloads_are_encrypted_as_agreed,
    signing_certificate_is_trusted,
    signature_holds,
)
"""A business message passes all of these before it is accepted."""

REQUEST_STEPS: Final[tuple[Step, ...]] = (
    caller_fits_the_cpa,
    is_no_duplicate,
    timestamp_is_not_ahead,
    cpa_is_in_force,
    version_is_ours,
    parties_are_those_of_the_cpa,
    time_is_left,
    carries_no_payload,
)
"""Ping and unknown signals: what is wrong with them is told (2.8)."""

STATUS_STEPS: Final[tuple[Step, ...]] = (*REQUEST_STEPS, asks_about_a_message)
"""A StatusRequest passes these."""

REPORT_STEPS: Final[tuple[Step, ...]] = (
    caller_fits_the_cpa,
    is_no_duplicate,
    version_is_ours,
    parties_are_those_of_the_cpa,
    refers_to_a_message_of_ours,
)
"""Acknowledgment, MessageError, Pong, StatusResponse: about what we sent, also after the CPA ended (CPA s.9.4.2)."""
