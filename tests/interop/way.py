"""The two parties at work under one CPA: what tests do with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ebms_adapter_client import Message, MessageEventType
from tests.interop.agreements import Member, Terms
from tests.interop.gateway import Gateway
from tests.interop.peer import Peer

PAYLOADS: Final = (("application/xml", b"<a>gr\xc3\xb6\xc3\x9fer</a>\r\n"), ("application/pdf", bytes(range(256))))


@dataclass(frozen=True)
class Way:
    """The two parties under one CPA."""

    terms: Terms
    gateway: Gateway
    peer: Peer
    them: Member

    async def to_us(self, payloads: Sequence[tuple[str, bytes]] = PAYLOADS, *, wrong: str = "none") -> str:
        """The peer sends; the MessageId."""
        return await self.peer.send(self.terms.cpa_id, self.them.action, payloads, wrong=wrong)

    async def to_them(self, payloads: Sequence[tuple[str, bytes]] = PAYLOADS) -> str:
        """The gateway sends; the MessageId."""
        return await self.gateway.send(self.terms, payloads)

    async def ended(self, message_id: str) -> MessageEventType:
        """How a message of our application ended, as the application is told."""
        return await self.gateway.event(self.terms, message_id)

    async def taken(self, message_id: str) -> Message:
        """By our application."""
        return await self.gateway.received(self.terms, message_id)


def contents(message: Message) -> list[tuple[str, bytes]]:
    """The payloads as the application gets them."""
    return [(source.content_type, source.content) for source in message.data_sources]
