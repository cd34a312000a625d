"""A signal about a message of ours: it is stored, and our message is settled, in one transaction.

The same for a signal that came by POST and for one in an HTTP response.
"""

from dataclasses import dataclass

import structlog

from digikoppelaar.ebms.decisions import Acknowledged, Failed, Ponged, StatusTold
from digikoppelaar.ebms.reliability import Event
from digikoppelaar.flows.judging import Received, SentLately
from digikoppelaar.flows.ports import MessageStore

log = structlog.get_logger()

Report = Acknowledged | Failed | Ponged | StatusTold


@dataclass(frozen=True, slots=True)
class Settling:
    """Makes what a signal reports durable."""

    messages: MessageStore
    sent: SentLately

    async def settle(self, report: Report, received: Received) -> None:
        """Store the signal and move the message that it is about. Safe to repeat. Raises StorageError."""
        event, reason = _told(report)
        state = await self.messages.settle_by_signal(received.inbound(), report.message_id, event, reason, received.now)
        self.sent.forget(received.cpa, report.message_id)
        log.info("message_settled", settled=report.message_id, state=state, **received.ids)


def _told(report: Report) -> tuple[Event, str]:
    """What happened to our message, with what people are told of it."""
    match report:
        case Acknowledged():
            return Event.ACKNOWLEDGED, ""
        case Ponged():
            return Event.ACKNOWLEDGED, "Pong"
        case StatusTold(response=response):
            return Event.ACKNOWLEDGED, response.status.value
        case Failed(errors=errors):
            return Event.ERROR_RECEIVED, "; ".join(f"{error.code} {error.location or ''}".strip() for error in errors)
