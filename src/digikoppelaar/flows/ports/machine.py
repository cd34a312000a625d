"""What comes from the machine: identifiers, time, and signatures by private keys."""

from datetime import datetime
from typing import Protocol


class Ids(Protocol):
    """Where new identifiers come from; randomness lives at the edge."""

    def message_id(self, domain: str) -> str:
        """A new MessageId, UUID@domain (EB013)."""

    def conversation_id(self) -> str:
        """A new ConversationId."""

    def unique(self) -> str:
        """A new name for something that needs no other name, such as a spooled payload."""


class Clock(Protocol):
    """The wall clock."""

    def now(self) -> datetime:
        """The time, aware, in UTC."""


class Signer(Protocol):
    """A private key of a partij with use `sign`. `certificate` is DER."""

    certificate: bytes

    def sign(self, data: bytes, algorithm: str) -> bytes:
        """The raw signature over `data` with a SignatureMethod URI of names.py."""


class Signers(Protocol):
    """Finds the signing key of a partij in an omgeving."""

    def signer(self, omgeving: str, partij_oin: str) -> Signer:
        """Raises TrustError when there is none."""
