"""DSO-LV itself: takes a verzoek from an applicant who does not exist, and tells the authority about it over ebMS.

It sends and receives with the same flows and core as the gateway, over the store that forgets.
"""

import asyncio
import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from lxml import etree

from digikoppelaar.adapters.memory.messages import MemoryMessages
from digikoppelaar.ebms.agreement import Action
from digikoppelaar.ebms.answers import business_message
from digikoppelaar.ebms.messages import Envelope
from digikoppelaar.ebms.packaging import Packaged, Payload, package
from digikoppelaar.ebms.reliability import State
from digikoppelaar.flows.outbound import to_send
from digikoppelaar.flows.ports import Clock, CpaRecord, Ids, NewOutbound, Signers
from digikoppelaar.sandbox.bijlagen import Bijlage, make_bijlagen
from digikoppelaar.sandbox.content import Inhoud, Soort, invent
from digikoppelaar.sandbox.cpa_document import ACTION, SERVICE
from digikoppelaar.sandbox.faults import Faults
from digikoppelaar.sandbox.pdf import publishable
from digikoppelaar.sandbox.state import Authority, SandboxState, ServedFile, Submitted
from digikoppelaar.sandbox.strict_signature import SignatureTerms
from digikoppelaar.sandbox.strictness import Awaited, Request, soap_part
from digikoppelaar.sandbox.verzoek_document import notification_xml, verzoek_xml, verzoeknummer
from digikoppelaar.xml import parse

_DOMAIN = "dso-lv.sandbox"
_DS = "{http://www.w3.org/2000/09/xmldsig#}"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the notification about a verzoek is; `attempts` were made."""

    state: str
    attempts: int
    acknowledged_at: datetime | None


@dataclass(frozen=True, slots=True)
class DsoLv:
    """`chance` invents content; `next_serial` numbers the verzoeken of a day; `wake` tells the sender of new work."""

    state: SandboxState
    messages: MemoryMessages
    faults: Faults
    signers: Signers
    ids: Ids
    clock: Clock
    chance: random.Random
    next_serial: Callable[[date], int]
    wake: Callable[[], None]

    async def submit(self, soort: Soort, bijlagen: Sequence[int | str], oin: str | None = None) -> Submitted:
        """Submit an invented verzoek with these bijlagen (see `make_bijlagen`) to the authority with this OIN.

        Raises ConfigError when that authority is not connected.
        """
        authority = self.state.authority(oin)
        now = self.clock.now()
        nummer = verzoeknummer(now.date(), self.next_serial(now.date()))
        inhoud = invent(soort, self.chance)
        chance = random.Random(self.chance.random())  # noqa: S311  # its own, for it is used in another thread
        made = await asyncio.to_thread(make_bijlagen, bijlagen, inhoud.bijlagen, chance)
        files = await asyncio.to_thread(verzoek_files, nummer, inhoud, authority, made, now)
        outbound = self._notification(nummer, authority.cpa, now)
        outbound_id = await self.messages.queue_outbound(outbound)
        assert outbound_id is not None, "its MessageId is fresh"
        submitted = Submitted(
            verzoeknummer=nummer,
            submitted_at=now,
            authority=authority,
            inhoud=inhoud,
            files=files,
            outbound_id=outbound_id,
            awaited=_awaited(outbound, authority),
        )
        self.state.submitted(submitted)
        self.wake()
        return submitted

    def progress(self, verzoek: Submitted) -> Progress:
        """How far the notification is now."""
        stored = self.messages.outbound[verzoek.outbound_id]
        acknowledged = stored.settled_at if stored.state is State.ACKNOWLEDGED else None
        return Progress(stored.state.value, stored.attempts, acknowledged)

    def _notification(self, nummer: str, cpa: CpaRecord, now: datetime) -> NewOutbound:
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
        packaged = self._package(
            envelope, action, cpa, Payload(content_id, "application/xml", notification_xml(nummer))
        )
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


def verzoek_files(
    nummer: str, inhoud: Inhoud, authority: Authority, bijlagen: Sequence[Bijlage], now: datetime
) -> tuple[ServedFile, ...]:
    """What *Verzoek afhandelen* serves of a verzoek: the verzoekbericht, the PDF, the bijlagen."""
    xml = verzoek_xml(nummer, inhoud, authority.gezag, bijlagen, now)
    pdf = publishable(nummer, inhoud)
    return (
        _whole("xml", f"verzoek-{nummer}.xml", "application/xml", xml),
        _whole("pdf", f"verzoek-{nummer}.pdf", "application/pdf", pdf),
        *(ServedFile("bijlage", b.document_id, b.bestandsnaam, b.media_type, b.size, b.sha256, b) for b in bijlagen),
    )


def _whole(kind: str, naam: str, media_type: str, content: bytes) -> ServedFile:
    return ServedFile(kind, kind, naam, media_type, len(content), hashlib.sha256(content).digest(), content)


def _awaited(outbound: NewOutbound, authority: Authority) -> Awaited:
    """What the acknowledgment must say, read from the bytes that go out and not from what the core meant."""
    agreement = authority.cpa.agreement
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
