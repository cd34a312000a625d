"""One message service handler: what receives, submits and sends in one process, put together from its ports."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Self

from digikoppelaar.flows.judging import Judge
from digikoppelaar.flows.outbound import Outbox, SentElsewhere
from digikoppelaar.flows.ports import BlobStore, Clock, Ids, Keys, MessageStore, Registry, Transport, Trust
from digikoppelaar.flows.receive import Receiver
from digikoppelaar.flows.response import SignalsInResponses
from digikoppelaar.flows.send import Sender
from digikoppelaar.flows.spool import SpoolLimits
from digikoppelaar.flows.submit import SubmissionLimits, Submitter


@dataclass(frozen=True, slots=True)
class HandlerPorts:
    """What a handler needs from outside."""

    registry: Registry
    messages: MessageStore
    blobs: BlobStore
    keys: Keys
    trust: Trust
    transport: Transport
    ids: Ids
    clock: Clock


@dataclass(frozen=True, slots=True)
class HandlerSettings:
    """`sends`: whether the sender runs in this process, else another one sends. The rest: see Sender and the limits."""

    sends: bool = True
    slots: int = 16
    lease: timedelta = timedelta(seconds=45)
    spool: SpoolLimits = field(default_factory=SpoolLimits)
    submission: SubmissionLimits = field(default_factory=SubmissionLimits)


@dataclass(frozen=True, slots=True)
class Handler:
    """The parts share what they remember, so that an acknowledgment needs no look at what was just sent."""

    sender: Sender
    receiver: Receiver
    submitter: Submitter

    @classmethod
    def of(cls, ports: HandlerPorts, settings: HandlerSettings | None = None) -> Self:
        """A handler over these ports; `sender.run` is the caller's to run."""
        settings = settings or HandlerSettings()
        registry, messages, blobs, clock = ports.registry, ports.messages, ports.blobs, ports.clock
        judge = Judge(messages, ports.trust)
        responses = SignalsInResponses(registry, judge, clock)
        sender = Sender(messages, ports.transport, clock, blobs, responses, settings.slots, settings.lease)
        outbox: Outbox = sender if settings.sends else SentElsewhere()
        return cls(
            sender,
            Receiver(registry, messages, blobs, ports.keys, judge, ports.ids, clock, outbox, settings.spool),
            Submitter(
                messages, blobs, ports.keys, ports.trust, ports.ids, clock, outbox, settings.submission, judge.sent
            ),
        )
