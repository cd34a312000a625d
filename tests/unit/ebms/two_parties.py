"""Two parties with a durable store each and a network between them that does all that networks do.

Only the core decides here (`decide`, `advance`, `due`, `next_due`, `outcome` and the builders); this module keeps its
promises for it: what is durable survives a crash, a transaction is whole or not there, an attempt is written before it
is made, HTTP is answered after the commit. Everything else is lost, repeated, delayed or reordered by the caller, who
is a Hypothesis machine or a seeded walk (test_exchange.py).
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.unit.ebms.exchanges import NOW, payload

from digikoppelaar.ebms import answers
from digikoppelaar.ebms.agreement import Agreement, ReliableMessaging
from digikoppelaar.ebms.decisions import (
    Accept,
    Acknowledged,
    Caller,
    Decision,
    Failed,
    OurMessage,
    Refuse,
    Reject,
    Seen,
)
from digikoppelaar.ebms.envelope import read_envelope
from digikoppelaar.ebms.messages import Envelope, Part
from digikoppelaar.ebms.receive import decide, fingerprint, referred_message_id
from digikoppelaar.ebms.reliability import (
    SETTLED,
    Delivery,
    Event,
    State,
    Unacknowledged,
    advance,
    due,
    next_due,
    outcome,
)
from digikoppelaar.ebms.signature import signed_references

LEASE = timedelta(seconds=45)

Write = Callable[[Envelope, Agreement, tuple[Part, ...], bool], bytes]
"""Turns an envelope of the party with this agreement into the SOAP part that goes out; the flag says: signed."""


@dataclass
class Outbound:
    """A row of the outbound table."""

    document: bytes
    parts: tuple[Part, ...]
    reliable: ReliableMessaging | None
    time_to_live: datetime | None
    due_at: datetime | None
    state: State = State.CREATED
    attempts: int = 0
    lease_until: datetime | None = None
    sent_at: list[datetime] = field(default_factory=list)
    """Times of the attempts of the present series; for the invariants, like the next."""
    under_way: "Request | None" = None
    last_event: Event | None = None
    """What brought it into its state."""

    @property
    def delivery(self) -> Delivery:
        """How it is brought across: in this world, what nobody acknowledges is a signal."""
        return self.reliable or Unacknowledged.SIGNAL


@dataclass(frozen=True)
class Inbound:
    """A row of the inbound table."""

    fingerprint: bytes
    answer: str | None


@dataclass(frozen=True, eq=False)
class Request:
    """A POST on its way; the network may deliver it any number of times."""

    sender: str
    message_id: str
    document: bytes
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Judged:
    """A request that a worker has decided on and not committed yet: lost in a crash."""

    request: Request
    decision: Decision


@dataclass(frozen=True)
class Reply:
    """An HTTP answer on its way back."""

    request: Request
    status: int


@dataclass
class Party:
    """One message handler: durable tables, and workers whose memory dies with the process."""

    name: str
    agreement: Agreement
    inbound: dict[str, Inbound] = field(default_factory=dict)
    outbound: dict[str, Outbound] = field(default_factory=dict)
    delivered: list[str] = field(default_factory=list)
    """What the application got, in the order in which it got it."""
    working: list[Judged] = field(default_factory=list)

    @property
    def business(self) -> dict[str, Outbound]:
        """The rows that wait for an acknowledgment."""
        return {message_id: row for message_id, row in self.outbound.items() if row.reliable}


@dataclass
class World:
    """Both parties, the network and the time."""

    parties: dict[str, Party]
    write: Write
    now: datetime = NOW
    requests: list[Request] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    happened: Counter[str] = field(default_factory=Counter)
    _ids: int = 0

    def other(self, name: str) -> Party:
        """The party at the other end."""
        return next(party for party in self.parties.values() if party.name != name)

    def new_id(self, name: str) -> str:
        """A MessageId that nobody had before."""
        self._ids += 1
        return f"{self._ids}@{name}"

    # --- Sending ---------------------------------------------------------------------------------------------

    def submit(self, name: str) -> str:
        """The application hands over a message: one transaction."""
        party = self.parties[name]
        [action] = party.agreement.sends
        message_id, parts = self.new_id(name), (payload(),)
        envelope = answers.business_message(
            party.agreement,
            action,
            message_id=message_id,
            conversation_id=f"over-{message_id}",
            now=self.now,
            hrefs=[f"cid:{part.content_id}" for part in parts],
        )
        document = self.write(envelope, party.agreement, parts, action.sender_signs)
        reliable, time_to_live = action.channel.reliable_messaging, envelope.header.time_to_live
        party.outbound[message_id] = Outbound(document, parts, reliable, time_to_live, self.now)
        return message_id

    def send_due(self, name: str) -> None:
        """The sender of a party claims what is due; each attempt is durable before its request exists."""
        for message_id, row in self.parties[name].outbound.items():
            if row.state is State.SENDING and row.lease_until is not None and row.lease_until <= self.now:
                self._move(row, Event.LEASE_LOST)
            if row.state in SETTLED | {State.SENDING} or row.due_at is None or row.due_at > self.now:
                continue
            event = due(attempts=row.attempts, delivery=row.delivery, time_to_live=row.time_to_live, now=self.now)
            self._move(row, event)
            if event is Event.CLAIMED:
                row.attempts += 1
                row.sent_at.append(self.now)
                row.lease_until = self.now + LEASE
                row.due_at = next_due(attempt=row.attempts, sent_at=self.now, delivery=row.delivery) or self.now
                row.under_way = Request(name, message_id, row.document, row.parts)
                self.requests.append(row.under_way)

    def end_attempt(self, request: Request, event: Event) -> None:
        """How an attempt ended. It ends once, and counts while no later attempt was claimed."""
        row = self.parties[request.sender].outbound[request.message_id]
        if row.under_way is request:
            row.under_way = None
            self._move(row, event)

    def _move(self, row: Outbound, event: Event) -> None:
        before, row.state = row.state, advance(row.state, event)
        self.happened[f"{event} when {before}"] += 1
        if row.state is not before:
            row.last_event = event
        if row.state is not State.SENDING:
            row.lease_until = None

    # --- The network -----------------------------------------------------------------------------------------

    def arrive(self, request: Request) -> None:
        """A copy of a request reaches the other side, where a worker decides on it."""
        receiver = self.other(request.sender)
        envelope = read_envelope(request.document)
        message_id = envelope.envelope.header.message_id
        known = receiver.inbound.get(message_id)
        decision = decide(
            envelope,
            request.parts,
            receiver.agreement,
            Caller(receiver.agreement.theirs.party_ids[0].value),
            seen=Seen(known.fingerprint) if known else None,
            our_message=self._our_message(receiver, referred_message_id(envelope.envelope)),
            now=self.now,
        )
        self.happened[type(decision).__name__] += 1
        receiver.working.append(Judged(request, decision))

    def _our_message(self, party: Party, message_id: str | None) -> OurMessage | None:
        row = party.outbound.get(message_id or "")
        if row is None:
            return None
        return OurMessage(read_envelope(row.document).envelope, signed_references(row.document))

    def lose(self, request: Request) -> None:
        """A request is gone; its sender sees a connection that fails."""
        self.requests.remove(request)
        self.end_attempt(request, Event.UNREACHABLE)

    def swallow(self, request: Request) -> None:
        """A proxy answers 204 and forgets the message."""
        self.requests.remove(request)
        self.happened["swallowed"] += 1
        self.replies.append(Reply(request, 204))

    def answer(self, reply: Reply) -> None:
        """A reply reaches the sender."""
        self.replies.remove(reply)
        reliable = self.parties[reply.request.sender].outbound[reply.request.message_id].reliable
        self.end_attempt(reply.request, outcome(reply.status, acknowledged=reliable is not None))

    # --- Receiving -------------------------------------------------------------------------------------------

    def commit(self, party: Party, judged: Judged, *, crash: bool = False) -> None:
        """A worker makes its decision durable in one transaction; the HTTP answer comes after, if at all."""
        party.working.remove(judged)
        status = self._carry_out(party, judged)
        if crash:
            self.crash(party.name)
        else:
            self.replies.append(Reply(judged.request, status))

    def crash(self, name: str) -> None:
        """The process dies: its workers are gone, and so are the answers that its own attempts wait for."""
        self.parties[name].working.clear()
        self.replies = [reply for reply in self.replies if reply.request.sender != name]

    def _carry_out(self, party: Party, judged: Judged) -> int:
        request, decision = judged.request, judged.decision
        envelope = read_envelope(request.document).envelope
        message_id = envelope.header.message_id
        same = fingerprint(request.document, request.parts)
        known = party.inbound.get(message_id)
        if known is not None and not isinstance(decision, Refuse):  # the unique key decides, not the look before
            assert known.fingerprint == same
            self._repeat(party, known)
            return 204
        match decision:
            case Accept():
                references = decision.references if decision.sign_acknowledgment else ()
                answer = answers.acknowledgment(
                    envelope, party.agreement, message_id=self.new_id(party.name), now=self.now, references=references
                )
                assert decision.acknowledge
                self._store(party, answer, signed=decision.sign_acknowledgment)
                party.inbound[message_id] = Inbound(same, answer.header.message_id)
                party.delivered.append(message_id)
            case Reject(error):
                answer = answers.message_error(
                    envelope, party.agreement, [error], message_id=self.new_id(party.name), now=self.now
                )
                self._store(party, answer, signed=False)
                party.inbound[message_id] = Inbound(same, answer.header.message_id)
            case Acknowledged(about):
                party.inbound[message_id] = Inbound(same, None)
                self._move(party.outbound[about], Event.ACKNOWLEDGED)
            case Failed(about, _):
                party.inbound[message_id] = Inbound(same, None)
                self._move(party.outbound[about], Event.ERROR_RECEIVED)
            case Refuse(wire, _):
                return wire.http_status
        return 204

    def _store(self, party: Party, answer: Envelope, *, signed: bool) -> None:
        document = self.write(answer, party.agreement, (), signed)
        party.outbound[answer.header.message_id] = Outbound(document, (), None, None, self.now)

    def _repeat(self, party: Party, known: Inbound) -> None:
        if known.answer is None:
            return
        row = party.outbound[known.answer]
        self._move(row, Event.REPEAT)
        if row.state is State.CREATED:
            row.attempts, row.due_at, row.sent_at = 0, self.now, []
