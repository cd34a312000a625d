"""Submitting: a message that an application wants to send becomes bytes that are ready, in one transaction.

    submission ──▶ the CPA allows it ──▶ payloads in memory or in the blob store, digested, encrypted
               ──▶ envelope, signed ──▶ one transaction ──▶ MessageId; the sender goes on (flows/send.py)

What is stored is what is sent: a resend by the sender is byte-identical, also after an upgrade (statement 66). Calling
again with the same MessageId and the same content changes nothing, so an application that did not get its answer may
ask again.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import structlog

from digikoppelaar.ebms import answers
from digikoppelaar.ebms.agreement import Action, Agreement, Channel, Characteristic
from digikoppelaar.ebms.ciphers import is_legacy
from digikoppelaar.ebms.envelope import LONGEST_MESSAGE_ID, read_envelope, write_envelope
from digikoppelaar.ebms.messages import Envelope, Part, Service, cid_uri, content_id_of
from digikoppelaar.ebms.packaging import Packaged, frame, read_package
from digikoppelaar.ebms.signature import sign, signed_references
from digikoppelaar.errors import ContentPurged, CpaError, StorageError, SubmissionError, TrustError
from digikoppelaar.flows.judging import SentLately
from digikoppelaar.flows.outbound import Outbox, SentElsewhere, domain_of, fill, to_send
from digikoppelaar.flows.parcel import Encrypting, NewPayload, Packed, Parcel, sha256_of, size_of
from digikoppelaar.flows.ports import (
    Blob,
    BlobStore,
    Clock,
    CpaRecord,
    Hole,
    Ids,
    MessageStore,
    NewOutbound,
    SentMessage,
    Signers,
    Trust,
)
from digikoppelaar.pki.certificate import Use

log = structlog.get_logger()

LONGEST_CONTENT_ID: Final = 200
_IDENTIFIER: Final = re.compile(r"[^\s<>\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the application wants where the CPA leaves it to each message (perMessage, statement 59)."""

    acknowledgment: bool = True
    signed_acknowledgment: bool = True
    duplicate_elimination: bool = True


@dataclass(frozen=True, slots=True)
class Submission:
    """A message that an application wants to send. Identifiers that it gives are used as they are (statement 43).

    A service without type also stands for the one with a type, when the CPA has one of that name.
    """

    service: Service
    action: str
    payloads: tuple[NewPayload, ...] = ()
    message_id: str | None = None
    conversation_id: str | None = None
    ref_to_message_id: str | None = None
    wishes: Wishes = Wishes()


@dataclass(frozen=True, slots=True)
class SubmissionLimits:
    """Bytes, except where said otherwise."""

    in_memory: int = 256 * 1024
    """Of all payloads of one message together; what goes over it is kept in the blob store."""
    payloads: int = 100
    """How many."""
    total: int = 2 * 1024**3


@dataclass(frozen=True, slots=True)
class Submitter:
    """Submits with these parts. `outbox` is the sender of this process; without one the commit wakes the others."""

    messages: MessageStore
    blobs: BlobStore
    signers: Signers
    trust: Trust
    ids: Ids
    clock: Clock
    outbox: Outbox = field(default_factory=SentElsewhere)
    limits: SubmissionLimits = SubmissionLimits()
    sent: SentLately = field(default_factory=SentLately)

    async def submit(self, cpa: CpaRecord, submission: Submission) -> str:
        """Store the message, ready to be sent, and return its MessageId; it is sent from then on.

        The same submission again, with its own MessageId, returns that and changes nothing. Raises SubmissionError when
        the CPA does not let us send it or another message has this MessageId, TrustError without the key to sign with,
        StorageError when it was perhaps not stored: ask again then, with a MessageId of its own.
        """
        action = _allowed(cpa.agreement, submission)
        _check(submission, self.limits)
        if submission.message_id is not None and await self._known(cpa, submission.message_id, submission):
            return submission.message_id
        async with Parcel(self.blobs, self.ids, cpa, self.limits.in_memory) as parcel:
            payloads = await parcel.pack(submission.payloads, _digest_method(action))
            if action.encrypted:
                payloads = await parcel.encrypt(payloads, await self._encryption(cpa, action))
            message = self._message(cpa, action, submission, payloads)
            parcel.keep()
            stored = await self.outbox.commit(message, self.messages.queue_outbound)
            if stored is None:  # somebody stored one with this MessageId since we looked
                parcel.give_up()
                await self._known(cpa, message.message_id, submission)
        log.info("message_submitted", message_id=message.message_id, cpa_id=cpa.agreement.cpa_id, action=action.action)
        return message.message_id

    async def resend(self, cpa: CpaRecord, message_id: str) -> str:
        """Send the content of an earlier message of ours again, as a new message; returns its MessageId.

        The parts travel as they did, encrypted ones too; only the envelope is new. Raises SubmissionError when there is
        no such message, or the CPA does not let us send it any more.
        """
        sent = await self.messages.find_outbound(cpa, message_id)
        if sent is None:
            raise SubmissionError(f"there is no message {message_id} of ours under this CPA")
        if sent.purged_at is not None:
            raise ContentPurged(f"message {message_id}", sent.purged_at, advice="Bied het bericht opnieuw aan.")
        old_document, _ = read_package(sent.content_type, sent.body)
        old = read_envelope(old_document).envelope
        again = Submission(old.header.service, old.header.action, ref_to_message_id=old.header.ref_to_message_id)
        action = _allowed(cpa.agreement, again)
        hrefs, parts = old.manifest.hrefs if old.manifest else (), parts_as_signed(old_document)
        if action.sender_signs and {part.content_id for part in parts} != {content_id_of(href) for href in hrefs}:
            raise SubmissionError(f"message {message_id} was not signed, and the CPA asks for a signature now")
        envelope = self._envelope(cpa, action, again, hrefs)
        document = self._document(cpa, action, envelope, parts)
        packaged, holes = _with_other_document(sent, old_document, document)
        message = to_send(cpa, envelope, packaged, envelope.header.timestamp, action, holes)
        self.sent.remember(cpa, envelope, document)
        await self.outbox.commit(message, self.messages.queue_outbound)
        log.info("message_resent", message_id=message.message_id, resends=message_id, cpa_id=cpa.agreement.cpa_id)
        return message.message_id

    async def _known(self, cpa: CpaRecord, message_id: str, submission: Submission) -> bool:
        """Whether this very submission is there already. Raises SubmissionError when another message has its name."""
        found = await self.messages.find_outbound(cpa, message_id)
        if found is not None and found.submission != _fingerprint(submission):
            raise SubmissionError(
                f"there is another message {message_id} under this CPA",
                advice="Geef elk bericht een eigen MessageId, of laat digikoppelaar er een maken.",
            )
        if found is not None:
            await self._drop_copies(submission, found)
        return found is not None

    async def _drop_copies(self, submission: Submission, first: SentMessage) -> None:
        """Who asks again brings its large payloads again: they are ours now, and no row refers to them."""
        used = {hole.blob for hole in first.holes}
        for payload in submission.payloads:
            if isinstance(payload.content, Blob) and payload.content.name not in used:
                try:
                    await self.blobs.delete(payload.content.name)
                except StorageError as problem:
                    log.warning("payload_not_removed", blob=payload.content.name, reason=str(problem))

    async def _encryption(self, cpa: CpaRecord, action: Action) -> Encrypting:
        """How to encrypt for the partner. Raises TrustError when its certificate may not be used (statement 152)."""
        encryption, tolerances = action.channel.encryption, cpa.agreement.tolerances
        if encryption is None:
            raise CpaError(f"CPA {cpa.agreement.cpa_id} does not say how {action.action} is encrypted")
        problem = await self.trust.problem(
            cpa.aansluiting.omgeving,
            encryption.certificate,
            self.clock.now(),
            use=Use.DECRYPT,
            chain=encryption.chain,
        )
        if problem is not None:
            raise TrustError(f"the encryption certificate of the partner is not trusted: {problem}")
        if is_legacy(encryption.algorithm):
            log.warning("tolerance_used", tolerance="legacy_encryption", cpa_id=cpa.agreement.cpa_id)
        return Encrypting(encryption, tolerances.legacy_encryption)

    def _message(
        self, cpa: CpaRecord, action: Action, submission: Submission, payloads: Sequence[Packed]
    ) -> NewOutbound:
        envelope = self._envelope(cpa, action, submission, [cid_uri(each.head.content_id) for each in payloads])
        document = self._document(cpa, action, envelope, [each.part for each in payloads])
        self.sent.remember(cpa, envelope, document)
        framed = frame(
            document,
            [each.head for each in payloads],
            boundary=self.ids.unique(),
            soap_content_id=envelope.header.message_id,
        )
        packaged, holes = fill(framed, [each.content for each in payloads])
        message = to_send(cpa, envelope, packaged, envelope.header.timestamp, action, holes)
        return replace(message, submission=_fingerprint(submission))

    def _envelope(self, cpa: CpaRecord, action: Action, submission: Submission, hrefs: Sequence[str]) -> Envelope:
        envelope = answers.business_message(
            cpa.agreement,
            action,
            message_id=submission.message_id or self.ids.message_id(domain_of(cpa)),
            conversation_id=submission.conversation_id or self.ids.conversation_id(),
            now=self.clock.now(),
            hrefs=hrefs,
            ref_to_message_id=submission.ref_to_message_id,
            acknowledge=submission.wishes.acknowledgment,
            eliminate_duplicates=submission.wishes.duplicate_elimination,
        )
        return _as_wished(envelope, action.channel, submission.wishes)

    def _document(self, cpa: CpaRecord, action: Action, envelope: Envelope, parts: Sequence[Part]) -> bytes:
        document = write_envelope(envelope)
        signing = action.channel.signing if action.sender_signs else None
        if signing is None:
            return document
        aansluiting = cpa.aansluiting
        signer = self.signers.signer(aansluiting.omgeving, aansluiting.partij_oin, signing.certificate)
        exclusive = cpa.agreement.tolerances.exclusive_c14n
        return sign(document, parts, signing, signer.sign, exclusive_c14n=exclusive)


# --- What may be sent ----------------------------------------------------------------------------------------


def _allowed(agreement: Agreement, submission: Submission) -> Action:
    wanted = submission.service
    for action in agreement.sends:
        same = action.service == wanted or (wanted.type is None and action.service.value == wanted.value)
        if same and action.action == submission.action:
            return action
    known = ", ".join(f"{action.service.value} {action.action}" for action in agreement.sends) or "nothing"
    asked = f"{wanted.value} {submission.action}".strip()
    raise SubmissionError(
        f"CPA {agreement.cpa_id} does not let us send {asked}; it lets us send: {known}",
        advice="Kies een Service en Action die deze CPA voor onze kant als verzender noemt, of een andere CPA.",
    )


def _check(submission: Submission, limits: SubmissionLimits) -> None:
    """Raises SubmissionError for what cannot be written on the wire or is over a limit."""
    for name, value, longest in (
        ("MessageId", submission.message_id, LONGEST_MESSAGE_ID),
        ("RefToMessageId", submission.ref_to_message_id, LONGEST_MESSAGE_ID),
        ("ConversationId", submission.conversation_id, LONGEST_MESSAGE_ID),
        *(("Content-ID", payload.content_id, LONGEST_CONTENT_ID) for payload in submission.payloads),
    ):
        if value is not None and not (0 < len(value) <= longest and _IDENTIFIER.fullmatch(value)):
            raise SubmissionError(f"the {name} is empty, too long, or has white space, control characters or <>")
    if len(submission.payloads) > limits.payloads:
        raise SubmissionError(f"a message has at most {limits.payloads} payloads")
    if sum(map(size_of, submission.payloads)) > limits.total:
        raise SubmissionError(f"the payloads are over the limit of {limits.total} bytes together")


def _as_wished(envelope: Envelope, channel: Channel, wishes: Wishes) -> Envelope:
    """The envelope with a signed acknowledgment asked, where the CPA leaves that to each message (statement 59)."""
    asked = envelope.ack_requested
    if asked is None or channel.ack_signature_requested is not Characteristic.PER_MESSAGE:
        return envelope
    return replace(envelope, ack_requested=replace(asked, signed=wishes.signed_acknowledgment))


def _digest_method(action: Action) -> str | None:
    signing = action.channel.signing
    return signing.digest_method if action.sender_signs and signing else None


def _fingerprint(submission: Submission) -> bytes:
    """What makes two submissions the same. A field that is empty and one that is absent are told apart."""
    service = submission.service
    facts = [
        (service.value, service.type, submission.action, submission.conversation_id, submission.ref_to_message_id),
        submission.wishes,
        *((one.content_type, one.content_id, one.name, sha256_of(one).hex()) for one in submission.payloads),
    ]
    return hashlib.sha256(repr(facts).encode()).digest()


# --- The same parts again ------------------------------------------------------------------------------------


def parts_as_signed(document: bytes) -> list[Part]:
    """The parts as the signature of this document of ours tells of them; none when it has no signature."""
    named = [(content_id_of(one.uri), one) for one in signed_references(document) if one.uri]
    return [Part(name, "", 0, {one.digest_method: one.digest}) for name, one in named if name is not None]


def _with_other_document(sent: SentMessage, old: bytes, new: bytes) -> tuple[Packaged, tuple[Hole, ...]]:
    """What was sent with another SOAP part, which is its first part; nothing else changes but where it stands."""
    moved = len(new) - len(old)
    body = sent.body.replace(old, new, 1)
    return Packaged(sent.content_type, body), tuple(replace(hole, at=hole.at + moved) for hole in sent.holes)
