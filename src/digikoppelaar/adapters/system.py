"""The clock and the randomness of the machine: the only places that read them."""

from datetime import UTC, datetime
from uuid import uuid4


class SystemClock:
    """The wall clock, for Timestamps, TimeToLive and validity; waiting is asyncio's, on the monotonic clock."""

    def now(self) -> datetime:
        """See flows.ports.Clock."""
        return datetime.now(UTC)  # noqa: TID251  # this is the one place


class RandomIds:
    """Identifiers from random UUIDs."""

    def message_id(self, domain: str) -> str:
        """See flows.ports.Ids."""
        return f"{uuid4()}@{domain}"

    def conversation_id(self) -> str:
        """See flows.ports.Ids."""
        return str(uuid4())

    def unique(self) -> str:
        """See flows.ports.Ids."""
        return str(uuid4())
