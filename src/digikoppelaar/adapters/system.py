"""The clock, the randomness and the accounts of the machine: the only places that read them."""

import os
import pwd
import secrets
from datetime import UTC, datetime
from uuid import uuid4

from digikoppelaar.flows.api_keys import PREFIX_BYTES, SECRET_BYTES


class SystemClock:
    """The wall clock, for Timestamps, TimeToLive and validity; waiting is asyncio's, on the monotonic clock."""

    def now(self) -> datetime:
        """See flows.ports.Clock."""
        return datetime.now(UTC)  # noqa: TID251  # this is the one place


def os_user() -> str:
    """The account that runs this process; of root by sudo also who asked for it. Not by LOGNAME, which anybody sets."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # in a container an account may have no name
        name = str(os.getuid())
    asked_by = os.environ.get("SUDO_USER", "") if os.getuid() == 0 else ""
    return f"{name} (sudo: {asked_by})" if asked_by else name


class RandomIds:
    """Identifiers from random UUIDs."""

    def message_id(self, domain: str) -> str:
        """See flows.ports.Ids."""
        return f"{uuid4()}@{domain}"

    def conversation_id(self) -> str:
        """See flows.ports.Ids."""
        return str(uuid4())

    def key(self, size: int) -> bytes:
        """See flows.ports.Ids."""
        return secrets.token_bytes(size)

    def unique(self) -> str:
        """See flows.ports.Ids."""
        return str(uuid4())


class RandomSecrets:
    """flows.api_keys.Randomness and flows.login.Tokens, from the operating system."""

    def prefix(self) -> str:
        """See flows.api_keys.Randomness."""
        return secrets.token_hex(PREFIX_BYTES)

    def secret(self) -> str:
        """See flows.api_keys.Randomness."""
        return secrets.token_urlsafe(SECRET_BYTES)

    def token(self) -> str:
        """See flows.login.Tokens."""
        return secrets.token_urlsafe(SECRET_BYTES)
