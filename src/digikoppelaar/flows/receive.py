"""Receiving one ebMS message: stream, decide, commit, and only then answer (ADR 11 and 12).

    arrival ──▶ SOAP part ──▶ CPA and caller ──▶ payloads (flows/spool.py) ──▶ decide (pure) ──▶ one transaction
            ──▶ answer

Nothing of a payload is spooled before it is known that the caller may send under the CPA. The decision is the core's
(`ebms.receive.decide`); what each decision makes durable stands in the functions `_accept` to `_status`. An error
before the commit leaves nothing behind and reaches the sender as a fault, so that it sends again.

Whether a message came before is not looked up: the unique key says so at the commit, and then the core decides once
more. So only a duplicate costs a second look.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from functools import partial

import structlog

from digikoppelaar.ebms import answers, names
from digikoppelaar.ebms.algorithms import is_legacy
from digikoppelaar.ebms.checks import wrong_caller
from digikoppelaar.ebms.decisions import (
    Accept,
    Acknowledged,
    Again,
    Caller,
    Decision,
    Failed,
    Ignore,
    Pinged,
    Ponged,
    Refuse,
    Reject,
    Repeat,
    StatusAsked,
    StatusTold,
)
from digikoppelaar.ebms.encryption import Decryptor
from digikoppelaar.ebms.envelope import read_envelope
from digikoppelaar.ebms.faults import soap_fault
from digikoppelaar.ebms.messages import Envelope, ReceivedEnvelope, StatusResponse
from digikoppelaar.ebms.packaging import package
from digikoppelaar.ebms.receive import in_http_response, unknown_cpa
from digikoppelaar.ebms.reliability import State
from digikoppelaar.ebms.signature import required_digests
from digikoppelaar.ebms.status import status_of
from digikoppelaar.errors import EnvelopeError, PartnerError, StorageError
from digikoppelaar.flows.announce import read_announced
from digikoppelaar.flows.judging import Judge, Received
from digikoppelaar.flows.outbound import Outbox, SentElsewhere, domain_of, to_send
from digikoppelaar.flows.ports import (
    BlobStore,
    Clock,
    Consumer,
    CpaRecord,
    Ids,
    Keys,
    MessageStore,
    NewInbound,
    NewNotification,
    NewOutbound,
    Registry,
    Reply,
    SeenInbound,
)
from digikoppelaar.flows.settling import Settling
from digikoppelaar.flows.spool import Spool, SpoolLimits
from digikoppelaar.pki.oin import fits_party
from digikoppelaar.stam.notification import LIMIT

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Arrival:
    """One HTTP POST on an ebMS endpoint, its body not read yet.

    `omgeving` is the listener's; `oin` is subject.serialNumber of the client certificate that the TLS layer
    verified against the trust anchors of that omgeving, None where policy lab lets callers do without; `address` is for
    the log only.
    """

    omgeving: str
    oin: str | None
    address: str
    content_type: str
    soap_action: str | None
    body: AsyncIterator[bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back in the HTTP response. `soap_action`: it is a message, so it has the header SOAPAction."""

    status: int
    content_type: str | None = None
    body: bytes = b""
    soap_action: bool = False


RECEIVED = Answer(204)
"""Taken in durably; an acknowledgment or error follows as a message of its own (2.12)."""


@dataclass(frozen=True, slots=True)
class _Message:
    """A message that was read whole, with where it came from and where its payloads are."""

    arrival: Arrival
    spool: Spool = field(repr=False)
    received: Received


@dataclass(frozen=True, slots=True)
class Receiver:
    """Receives messages with these parts. `outbox` is the sender of this process, if there is one."""

    registry: Registry
    messages: MessageStore
    blobs: BlobStore
    keys: Keys
    judge: Judge
    ids: Ids
    clock: Clock
    outbox: Outbox = field(default_factory=SentElsewhere)
    limits: SpoolLimits = field(default_factory=SpoolLimits)

    async def receive(self, arrival: Arrival) -> Answer:
        """Take in one message and say what to answer.

        Raises a DigikoppelaarError, whose `wire` is the answer, when nothing was taken in.
        """
        _check_soap_action(arrival.soap_action)
        async with Spool(self.blobs, self.ids.unique, arrival.omgeving, self.limits) as spool:
            soap = await spool.read_soap(arrival.content_type, arrival.body)
            envelope = read_envelope(soap.document, content_type=soap.content_type)
            cpa = await self.registry.cpa(arrival.omgeving, envelope.envelope.header.cpa_id)
            if cpa is None:
                return _refused(arrival, unknown_cpa(envelope.envelope.header.cpa_id))
            caller = await self._caller(arrival, cpa)
            if refuse := wrong_caller(caller, cpa.agreement):
                return _refused(arrival, refuse)
            message = _Message(arrival, spool, await self._read(arrival, envelope, cpa, caller, spool))
            return await self._carry_out(await self.judge.decide(message.received), message)

    async def _caller(self, arrival: Arrival, cpa: CpaRecord) -> Caller:
        """Who calls; machtigingen are looked at only for a caller who is not the partner itself."""
        oin = arrival.oin
        own = oin is None or any(fits_party(oin, each.value, frozenset()) for each in cpa.agreement.theirs.party_ids)
        acts_for = frozenset[str]() if oin is None or own else await self.registry.acts_for(arrival.omgeving, oin)
        return Caller(oin, acts_for)

    async def _read(
        self, arrival: Arrival, envelope: ReceivedEnvelope, cpa: CpaRecord, caller: Caller, spool: Spool
    ) -> Received:
        """The whole message, its payloads decrypted where its action says that they are encrypted."""
        await spool.read_payloads()
        header = envelope.envelope.header
        action = cpa.agreement.receiving(header.service, header.action)
        if action and action.encrypted and action.channel.encryption:
            decryptor = partial(self._decryptor, cpa, action.channel.encryption.certificate)
            if await spool.decrypt(decryptor):
                log.warning("tolerance_used", tolerance="legacy_encryption", message_id=header.message_id)
        await spool.add_digests(required_digests(envelope))
        return Received(cpa, caller, envelope, arrival.content_type, self.clock.now(), spool.spooled.parts)

    def _decryptor(self, cpa: CpaRecord, certificate: bytes) -> Decryptor:
        aansluiting = cpa.aansluiting
        key = self.keys.decrypter(aansluiting.omgeving, aansluiting.partij_oin, certificate)
        return Decryptor(key.unwrap, legacy=cpa.agreement.tolerances.legacy_encryption)

    async def _carry_out(self, decision: Decision, message: _Message) -> Answer:
        received = message.received
        log.info("message_decided", decision=type(decision).__name__, **received.ids)
        _log_tolerances(decision, received)
        match decision:
            case Accept():
                return await self._accept(decision, message)
            case Again():
                return await self._again(received)
            case Reject():
                return await self._reject(decision, message)
            case Repeat():
                return await self._repeat(received, await self._seen(received))
            case Pinged():
                return await self._answered(message, answers.pong)
            case StatusAsked(message_id):
                told = await self._status(message_id, received.cpa)
                return await self._answered(message, partial(answers.status_response, told=told))
            case Acknowledged() | Failed() | Ponged() | StatusTold():
                await Settling(self.messages, self.judge.sent).settle(decision, received)
                return RECEIVED
            case Ignore(reason):
                log.info("message_ignored", reason=reason, **received.ids)
                return RECEIVED
            case Refuse():
                return _refused(message.arrival, decision)

    async def _accept(self, decision: Accept, message: _Message) -> Answer:
        received, spool = message.received, message.spool
        answer = self._acknowledgment(decision, received) if decision.acknowledge else None
        notification = await self._notification(decision, message)
        inbound = received.inbound(payloads=spool.keep(decision.payloads))
        return await self._record(inbound, answer, message, notification)

    async def _notification(self, decision: Accept, message: _Message) -> NewNotification | None:
        if message.received.cpa.consumer is not Consumer.INTAKE:
            return None
        # An unreadable notification is still acknowledged and kept: the message is good, a person must look at it.
        try:
            first = await message.spool.content(decision.payloads[0], LIMIT + 1) if decision.payloads else b""
            return read_announced(first)
        except PartnerError as error:
            return NewNotification("", problem=str(error))

    async def _reject(self, decision: Reject, message: _Message) -> Answer:
        error, received = decision.error, message.received
        log.warning("message_rejected", code=error.code, location=error.location, **received.ids)
        inbound = received.inbound(error_code=error.code, error_reason=error.description)
        return await self._answered(message, partial(answers.message_error, errors=(error,)), inbound)

    async def _answered(
        self, message: _Message, answer: Callable[..., Envelope], inbound: NewInbound | None = None
    ) -> Answer:
        """Store the message with a signal of ours that answers it, unsigned."""
        received = message.received
        envelope = answer(
            received.said, received.cpa.agreement, message_id=self._new_message_id(received.cpa), now=received.now
        )
        return await self._record(inbound or received.inbound(), self._outbound(envelope, received), message)

    async def _status(self, message_id: str, cpa: CpaRecord) -> StatusResponse:
        return status_of(message_id, await self.messages.status(cpa, message_id), cpa.agreement.cpa_id)

    # --- Making it durable, and what HTTP says then ---

    async def _record(
        self,
        inbound: NewInbound,
        answer: NewOutbound | None,
        message: _Message,
        notification: NewNotification | None = None,
    ) -> Answer:
        """One transaction; when the MessageId turns out to be there already, the core decides once more."""

        async def store(answer: NewOutbound | None) -> int | None:
            recorded = await self.messages.record_inbound(inbound, answer, notification)
            return None if recorded is None else recorded.answer_id or recorded.id

        in_response = answer is not None and in_http_response(message.received.said, inbound.cpa.agreement)
        if answer is None or in_response:
            answer = answer and replace(answer, state=State.DELIVERED, due_at=None, synchronous=True)
            stored = await store(answer)
        else:
            stored = await self.outbox.commit(answer, store)
        if stored is None:
            message.spool.give_up()
            return await self._once_more(message)
        return _response(Reply(200, answer.content_type, answer.body)) if answer and in_response else RECEIVED

    async def _once_more(self, message: _Message) -> Answer:
        """The message came before, or another with its name did: the core decides, now that this is known."""
        decision = await self.judge.decide(message.received, await self._seen(message.received))
        if not isinstance(decision, Again | Repeat | Refuse | Ignore):
            raise StorageError(f"message {message.received.message_id} is neither new nor known")
        return await self._carry_out(decision, message)

    async def _seen(self, received: Received) -> SeenInbound:
        seen = await self.messages.find_inbound(received.cpa, received.message_id)
        if seen is None:
            raise StorageError(f"message {received.message_id} was there a moment ago")
        return seen

    async def _again(self, received: Received) -> Answer:
        seen = await self._seen(received)
        await self.messages.deliver_again(seen, received.inbound())
        return await self._repeat(received, seen)

    async def _repeat(self, received: Received, seen: SeenInbound) -> Answer:
        """The very same answer again, the way the message asks (statements 97-99)."""
        if seen.answer_id is None:
            return RECEIVED
        if in_http_response(received.said, received.cpa.agreement):
            return _response(await self.messages.answer(seen.answer_id))
        await self.messages.repeat_answer(seen.answer_id, received.now)
        self.outbox.wake()
        return RECEIVED

    # --- Our answers ---

    def _acknowledgment(self, decision: Accept, received: Received) -> NewOutbound:
        envelope = answers.acknowledgment(
            received.said,
            received.cpa.agreement,
            message_id=self._new_message_id(received.cpa),
            now=received.now,
            references=decision.references if decision.sign_acknowledgment else (),
        )
        return self._outbound(envelope, received, signed=decision.sign_acknowledgment)

    def _outbound(self, envelope: Envelope, received: Received, *, signed: bool = False) -> NewOutbound:
        cpa = received.cpa
        aansluiting = cpa.aansluiting
        signing = cpa.agreement.our_signal(envelope.header.action).signing if signed else None
        signer = (
            self.keys.signer(aansluiting.omgeving, aansluiting.partij_oin, signing.certificate) if signing else None
        )
        packaged = package(
            envelope,
            signing=signing,
            sign=signer.sign if signer else None,
            boundary=envelope.header.message_id,
            soap_content_id=envelope.header.message_id,
            exclusive_c14n=cpa.agreement.tolerances.exclusive_c14n,
        )
        return to_send(cpa, envelope, packaged, received.now)

    def _new_message_id(self, cpa: CpaRecord) -> str:
        return self.ids.message_id(domain_of(cpa))


def _check_soap_action(value: str | None) -> None:
    if value is None or value.strip('"') != names.SOAP_ACTION.strip('"'):  # lenient on missing quotes (2.12)
        raise EnvelopeError('the HTTP header SOAPAction must be "ebXML"')


def _log_tolerances(decision: Decision, received: Received) -> None:
    """Whoever tolerates more than the standard wants to know how often it happens (`agreement.Tolerances`)."""
    used = []
    accept = decision.accept if isinstance(decision, Again) else decision
    if isinstance(accept, Accept):
        signing = accept.action.channel.signing if accept.action.sender_signs else None
        asked = received.said.ack_requested
        used += ["legacy_signature"] if signing and is_legacy(signing) else []
        used += ["next_msh"] if asked and asked.actor == names.ACTOR_NEXT_MSH else []
    for tolerance in used:
        log.warning("tolerance_used", tolerance=tolerance, **received.ids)


def _response(reply: Reply) -> Answer:
    return Answer(reply.status, reply.content_type, reply.body, soap_action=True)


def _refused(arrival: Arrival, refuse: Refuse) -> Answer:
    log.warning("message_refused", reason=refuse.reason, omgeving=arrival.omgeving, address=arrival.address)
    body = soap_fault(refuse.wire.soap_fault or "Client", refuse.reason)
    return Answer(refuse.wire.http_status, "text/xml; charset=UTF-8", body)
