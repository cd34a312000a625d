"""What comes from the machine: identifiers, time, private keys, and whom to trust at this moment."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from digikoppelaar.ebms.ciphers import KeyTransport
from digikoppelaar.pki.certificate import Use


class Ids(Protocol):
    """Where new identifiers come from; randomness lives at the edge."""

    def message_id(self, domain: str) -> str:
        """A new MessageId, UUID@domain (EB013)."""

    def conversation_id(self) -> str:
        """A new ConversationId."""

    def unique(self) -> str:
        """A new name for something that needs no other name, such as a spooled payload."""

    def key(self, size: int) -> bytes:
        """Fresh random bytes from the operating system, for a content key or an IV."""


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

    def signer(self, omgeving: str, partij_oin: str, certificate: bytes) -> Signer:
        """The key that belongs to `certificate`, DER, which the CPA names; a renewal has two side by side.

        Raises TrustError when the partij has no such certificate with use `sign` that is valid now.
        """


class Decrypter(Protocol):
    """A private key of a partij with use `decrypt`. `certificate` is DER."""

    certificate: bytes

    def unwrap(self, wrapped: bytes, transport: KeyTransport) -> bytes:
        """The content key that was wrapped for this certificate; raises DecryptionError when it does not open.

        One error for every cause, so that nobody learns from it what was wrong.
        """


class Decrypters(Protocol):
    """Finds the decryption key of a partij in an omgeving."""

    def decrypter(self, omgeving: str, partij_oin: str, certificate: bytes) -> Decrypter:
        """The key that belongs to `certificate`, DER, which the CPA names. Raises TrustError when there is none.

        An expired certificate still decrypts: what was encrypted before must not be lost.
        """


class Keys(Signers, Decrypters, Protocol):
    """Finds the private keys of partijen."""


class Trust(Protocol):
    """Judges the certificates with which partners sign and to which we encrypt."""

    async def problem(
        self,
        omgeving: str,
        certificate: bytes,
        *moments: datetime,
        use: Use = Use.SIGN,
        chain: Sequence[bytes] = (),
    ) -> str | None:
        """Why `certificate`, DER, is not trusted in this omgeving at one of `moments`; None when it is.

        `use`: SIGN for what the partner signs, DECRYPT for what we encrypt to it. `chain`: certificates that the CPA
        gives along with it; they only help to find the way to an anchor (statement 185).

        Chain, purpose, validity, OIN and revocation, under the policy of the omgeving (statements 124, 125 and 152).
        Cheap to ask for each message: a verdict is kept until a CRL or an anchor changes.
        """
