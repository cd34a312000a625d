"""The steps on the security of a received message: signature, trust and encryption (2.10, 2.11; steps 16 to 18).

What is wrong with a certificate's chain, revocation or dates, and how a payload was decrypted, was found out at the
edge and comes in as a value.
"""

from dataclasses import replace

from digikoppelaar.ebms import names
from digikoppelaar.ebms.agreement import Signing
from digikoppelaar.ebms.facts import Facts, Problem, error
from digikoppelaar.ebms.messages import Confidentiality, EbxmlError, Envelope, ErrorCode, content_id_of
from digikoppelaar.ebms.signature import SIGNATURE, verify
from digikoppelaar.errors import NOT_DECRYPTED, SignatureError


def _security_failure(location: str, description: str) -> EbxmlError:
    return error(ErrorCode.SECURITY_FAILURE, location, description)


def signature_is_there(facts: Facts) -> Problem | None:
    """Step 16: exactly one signature where the CPA wants one, and never two (statements 121 and 129)."""
    wanted, found = facts.known_action.sender_signs, facts.received.signatures
    if found > 1 or (wanted and not found):
        reason = "there is more than one signature" if found else "the CPA demands a signature"
        return _security_failure(SIGNATURE, reason)
    return None


def payloads_are_encrypted_as_agreed(facts: Facts) -> Problem | None:
    """Step 17: each payload was encrypted for us where the CPA says so (2.11, statements 147-149 and 151).

    Why decrypting failed is not told: the difference between padding, key and tag is what an attacker asks for. Where
    the CPA does not ask for encryption, nobody decrypts: what an application encrypts itself is none of our business
    (1.2). A part that was decrypted all the same is accepted, for the signature covers its plaintext.
    """
    manifest, parts = facts.envelope.manifest, {part.content_id: part for part in facts.parts}
    for href in manifest.hrefs if manifest else ():
        how = parts[content_id_of(href) or ""].confidentiality
        if how is Confidentiality.BROKEN:
            return _security_failure(href, NOT_DECRYPTED)
        if how is Confidentiality.PLAIN and facts.known_action.encrypted:
            return _security_failure(href, "the CPA demands that this payload is encrypted")
    return None


def signing_certificate_is_trusted(facts: Facts) -> Problem | None:
    """Step 18: the CPA's signing certificate is trusted at the Timestamp and now (7t, statements 124 and 125)."""
    if not facts.known_action.sender_signs or facts.trust_problem is None:
        return None
    return _security_failure(SIGNATURE, f"the signing certificate is not trusted: {facts.trust_problem}")


def signature_holds(facts: Facts) -> Problem | None:
    """Step 18: the signature is by the CPA's certificate, covers everything, and verifies (statements 116-135).

    All steps before judged the envelope as received; here it is shown to be the one that was signed.
    """
    action = facts.known_action
    if not action.sender_signs:
        return None
    if action.channel.signing is None:
        return _security_failure(SIGNATURE, "the CPA demands a signature and does not say by which certificate")
    return verified(facts, action.channel.signing)


def verified(facts: Facts, signing: Signing) -> EbxmlError | None:
    """None when the message was signed as `signing` says and what was signed is what we judged."""
    try:
        legacy = facts.agreement.tolerances.legacy_signature
        signed = verify(facts.received, facts.parts, signing, now=facts.now, legacy=legacy)
    except SignatureError as problem:
        return _security_failure(problem.location, str(problem))
    if _with_what_is_never_signed(signed.envelope, facts) != facts.envelope:
        return _security_failure(SIGNATURE, "what was signed is not what was sent")
    return None


def _with_what_is_never_signed(signed: Envelope, facts: Facts) -> Envelope:
    """An AckRequested of the next MSH, where it is tolerated: its actor keeps it out of every signature (2.10)."""
    asked = facts.envelope.ack_requested
    tolerated = facts.agreement.tolerances.next_msh and asked is not None and asked.actor == names.ACTOR_NEXT_MSH
    return replace(signed, ack_requested=asked) if tolerated else signed
