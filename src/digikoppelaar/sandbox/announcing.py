"""Makes the ebMS message in which DSO-LV tells of a verzoek, and says what its acknowledgment must be like.

The same core as the gateway's packages and signs it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lxml import etree

from digikoppelaar.ebms.agreement import Action
from digikoppelaar.ebms.answers import business_message
from digikoppelaar.ebms.messages import Envelope
from digikoppelaar.ebms.packaging import Packaged, Payload, package
from digikoppelaar.flows.outbound import to_send
from digikoppelaar.flows.ports import CpaRecord, Ids, NewOutbound, Signers
from digikoppelaar.sandbox.cpa_document import ACTION, SERVICE
from digikoppelaar.sandbox.state import Authority
from digikoppelaar.sandbox.strict_signature import SignatureTerms
from digikoppelaar.sandbox.strictness import Awaited, Request, soap_part
from digikoppelaar.xml import parse

_DOMAIN: Final = "dso-lv.sandbox"
_DS: Final = "{http://www.w3.org/2000/09/xmldsig#}"


@dataclass(frozen=True, slots=True)
class Announcer:
    """Writes notifications."""

    signers: Signers
    ids: Ids

    def notification(self, payload: bytes, cpa: CpaRecord, now: datetime) -> NewOutbound:
        """The message that carries `payload` to the other party of `cpa`."""
        action = cpa.agreement.sending(SERVICE, ACTION)
        assert action is not None, "the sandbox made this CPA"
        content_id = self.ids.message_id(_DOMAIN)
        envelope = business_message(
            cpa.agreement,
            action,
            message_id=self.ids.message_id(_DOMAIN),
            conversation_id=self.ids.conversation_id(),
            now=now,
            hrefs=(f"cid:{content_id}",),
        )
        packaged = self._package(envelope, action, cpa, Payload(content_id, "application/xml", payload))
        return to_send(cpa, envelope, packaged, now, action)

    def _package(self, envelope: Envelope, action: Action, cpa: CpaRecord, payload: Payload) -> Packaged:
        aansluiting = cpa.aansluiting
        signing = action.channel.signing if action.sender_signs else None
        signer = (
            self.signers.signer(aansluiting.omgeving, aansluiting.partij_oin, signing.certificate) if signing else None
        )
        return package(
            envelope,
            [payload],
            signing=signing,
            sign=signer.sign if signer else None,
            boundary=self.ids.unique(),
            soap_content_id=envelope.header.message_id,
        )


def awaited(outbound: NewOutbound, authority: Authority) -> Awaited:
    """What the acknowledgment must say, read from the bytes that go out and not from what the core meant."""
    agreement = outbound.cpa.agreement
    request = Request("POST", {"content-type": outbound.content_type}, "", outbound.body)
    root = parse(soap_part(request), limit=1 << 20)
    signing = agreement.their_signals.signing
    signed = b":AckRequested" in outbound.body and signing is not None and _wants_signature(root)
    return Awaited(
        cpa_id=agreement.cpa_id,
        message_id=outbound.message_id,
        conversation_id=outbound.conversation_id,
        ours=agreement.ours.party_ids[0].value,
        theirs=agreement.theirs.party_ids[0].value,
        oins=authority.mandated,
        signature=SignatureTerms(signing.certificate) if signed and signing else None,
        references=_references(root) if signed else (),
    )


def _wants_signature(root: etree._Element) -> bool:
    asked = root.find(".//{*}AckRequested")
    return asked is not None and "true" in asked.attrib.values()


def _references(root: etree._Element) -> tuple[tuple[str, str], ...]:
    found = root.iterfind(f".//{_DS}SignedInfo/{_DS}Reference")
    return tuple((one.get("URI") or "", (one.findtext(f"{_DS}DigestValue") or "").strip()) for one in found)
