"""What a StatusRequest is answered with, given what the store found (2.8, statements 155-157)."""

from dataclasses import dataclass
from datetime import datetime

from digikoppelaar.ebms.messages import MessageStatus, StatusResponse


@dataclass(frozen=True, slots=True)
class Found:
    """A message that came in and is still stored. `processed`: its application said that it took it."""

    cpa_id: str
    signal: bool
    received_at: datetime
    processed: bool = False
    rejected: bool = False


def status_of(message_id: str, found: Found | None, cpa_id: str) -> StatusResponse:
    """What became of the message `message_id`, for the partner who asks under `cpa_id`.

    `found` is the message with this MessageId under that CPA, else one under another CPA of the same omgeving; None
    when there is none, or when it was purged. Signals and messages that we rejected are not recognized.
    """
    if found is None or found.signal or found.rejected:
        return StatusResponse(message_id, MessageStatus.NOT_RECOGNIZED)
    if found.cpa_id != cpa_id:
        return StatusResponse(message_id, MessageStatus.UNAUTHORIZED)
    status = MessageStatus.PROCESSED if found.processed else MessageStatus.RECEIVED
    return StatusResponse(message_id, status, found.received_at)
