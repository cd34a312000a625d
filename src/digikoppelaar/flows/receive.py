"""Receiving one ebMS message: stream, decide, commit, and only then answer (ADR 11)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Arrival:
    """One HTTP POST on an ebMS endpoint, its body not read yet.

    `omgeving` is the listener's; `oin` is subject.serialNumber of the client certificate that the TLS layer
    verified against the trust anchors of that omgeving; `address` is for the log only.
    """

    omgeving: str
    oin: str
    address: str
    content_type: str
    soap_action: str | None
    body: AsyncIterator[bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back in the HTTP response."""

    status: int
    content_type: str | None = None
    body: bytes = b""
