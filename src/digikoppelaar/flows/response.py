"""The HTTP response to a synchronous message of ours: the signal in it counts as if it had come by POST (2.5, 2.12).

An empty body is no acknowledgment yet (statement 112). What is no signal about the message changes nothing.
"""

from dataclasses import dataclass
from typing import Protocol

import structlog

from digikoppelaar.ebms.decisions import Acknowledged, Caller, Failed, Ponged, StatusTold
from digikoppelaar.ebms.envelope import read_envelope
from digikoppelaar.ebms.packaging import read_package
from digikoppelaar.errors import PartnerError
from digikoppelaar.flows.judging import Judge, Received
from digikoppelaar.flows.ports import Claimed, Clock, Registry, Reply
from digikoppelaar.flows.settling import Settling

log = structlog.get_logger()


class Responses(Protocol):
    """Who understands the responses to synchronous messages."""

    async def take(self, claimed: Claimed, reply: Reply) -> None:
        """Make durable what the response says of this message, if anything. Raises StorageError."""


@dataclass(frozen=True, slots=True)
class SignalsInResponses:
    """Takes signals out of HTTP responses."""

    registry: Registry
    judge: Judge
    clock: Clock

    async def take(self, claimed: Claimed, reply: Reply) -> None:
        """See Responses."""
        if not reply.body:
            return
        try:
            received = await self._read(claimed, reply)
        except PartnerError as error:
            log.warning("response_ignored", message_id=claimed.message_id, reason=str(error))
            return
        if received is None:
            return
        decision = await self.judge.decide(received)
        match decision:
            case Acknowledged() | Failed() | Ponged() | StatusTold():
                await Settling(self.judge.messages, self.judge.sent).settle(decision, received)
            case other:
                reason = getattr(other, "reason", "no signal about the message")
                log.warning("response_ignored", about=claimed.message_id, reason=reason, **received.ids)

    async def _read(self, claimed: Claimed, reply: Reply) -> Received | None:
        """The signal, when it is one under the CPA of the message. Raises PartnerError."""
        document, _ = read_package(reply.content_type, reply.body)
        envelope = read_envelope(document)
        cpa = await self.registry.cpa(claimed.omgeving, claimed.cpa_id)
        if cpa is None or envelope.envelope.header.cpa_id != claimed.cpa_id:
            log.warning("response_ignored", message_id=claimed.message_id, reason="it is not under the message's CPA")
            return None
        nobody = Caller(None)  # TLS verified the server that we called
        return Received(cpa, nobody, envelope, reply.content_type, self.clock.now(), in_response=True)
