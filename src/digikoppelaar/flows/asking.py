"""Asking the other message service handler what became of a message of ours, and waiting for its answer (2.8)."""

import asyncio
from typing import Final

from digikoppelaar.ebms import answers, names
from digikoppelaar.ebms.envelope import read_envelope
from digikoppelaar.ebms.messages import StatusResponse
from digikoppelaar.ebms.packaging import package
from digikoppelaar.flows.outbound import domain_of, to_send
from digikoppelaar.flows.ports import Clock, CpaRecord, Ids, MessageStore
from digikoppelaar.flows.reading import Direction, MessageFilter, Reading, answers_to

LOOK_EVERY: Final = 0.1
"""Seconds between two looks for the answer."""
_NO_ANSWER_WILL_COME: Final = frozenset({"failed", "expired"})


async def ask_status(
    cpa: CpaRecord, about: str, messages: MessageStore, reading: Reading, ids: Ids, clock: Clock, *, timeout: float
) -> StatusResponse | None:
    """Have the running gateway send a StatusRequest about our message `about`; what the partner says of it.

    None when no answer came within `timeout` seconds, or an error came instead.
    """
    started = clock.now()
    envelope = answers.status_request(
        cpa.agreement,
        about,
        message_id=ids.message_id(domain_of(cpa)),
        conversation_id=ids.conversation_id(),
        now=started,
    )
    asked = envelope.header.message_id
    packaged = package(envelope, signing=None, sign=None, boundary=asked, soap_content_id=asked)
    await messages.queue_outbound(to_send(cpa, envelope, packaged, started))
    while (clock.now() - started).total_seconds() < timeout:
        ended, told = await _look(cpa, asked, reading)
        if ended:
            return told
        await asyncio.sleep(LOOK_EVERY)
    return None


async def _look(cpa: CpaRecord, asked: str, reading: Reading) -> tuple[bool, StatusResponse | None]:
    """Whether there is nothing to wait for any more, and the answer."""
    for row in await reading.messages(answers_to(cpa, asked)):
        return True, await _told(row.id, reading) if row.action == names.STATUS_RESPONSE else None
    (sent,) = await reading.messages(MessageFilter(direction=Direction.OUT, message_id=asked))
    return sent.state in _NO_ANSWER_WILL_COME, None


async def _told(row_id: int, reading: Reading) -> StatusResponse | None:
    page = await reading.message(Direction.IN, row_id)
    return read_envelope(page.document).envelope.status_response if page else None
