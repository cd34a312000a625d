"""What the journeys on bad input need of a running gateway; the fixture `gateway` provides it."""

import ssl
from collections.abc import Mapping
from typing import Protocol


class Gateway(Protocol):
    """A gateway with its endpoint open, a partner's client certificate, and a look at what is stored."""

    endpoint_url: str
    """https://host:port/path of the endpoint under attack."""
    client_ssl_context: ssl.SSLContext
    """With the partner's client certificate, trusting the gateway's server certificate."""

    async def valid_notification(self) -> tuple[str, bytes]:
        """HTTP Content-Type and body of a signed notification with a payload, of a new MessageId, not sent."""

    async def stored_counts(self) -> Mapping[str, int]:
        """Numbers of rows of `inbound` (rejected ones included), `outbound`, `notifications`, `verzoeken`, `jobs`,
        and of `blobs` with their leftovers. Nothing else may move them while these tests run."""

    async def error_code(self, message_id: str) -> str | None:
        """The ebXML code under which an inbound message is stored as rejected; None when it is not stored so."""

    async def is_up(self) -> bool:
        """Whether the same process as at the start still runs and answers on its management listener."""
