"""The steps on the security of a received message: signature, trust and encryption (2.10, 2.11; steps 16 to 18).

What is wrong with a certificate's chain, revocation or dates, and how a payload was decrypted, was found out at the
edge and comes in as a value.
"""

from digikoppelaar.ebms.agreement import Signing
from digikoppelaar.ebms.facts import Facts, Problem, error
from digikoppelaar.ebms.messages import EbxmlError, ErrorCode
from digikoppelaar.ebms.signature import SIGNATURE, verify
from digikoppelaar.errors import SignatureError


def _security_failure(location: str, description: str) -> EbxmlError:
    return error(ErrorCode.SECURITY_FAILURE, location, description)


def signature_is_there(facts: Facts) -> Problem | None:
    """Step 16: exactly one signature where the CPA wants one, and never two (statements 121 and 129)."""
    wanted, found = facts.known_action.sender_signs, facts.received.signatures
    if found > 1 or (wanted and not found):
        reason = "there is more than one signature" if found else "the CPA demands a signature"
        return _security_failure(SIGNATURE, reason)
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
    if signed.envelope != facts.envelope:
        return _security_failure(SIGNATURE, "what was signed is not what was sent")
    return None
