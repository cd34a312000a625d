"""Twins of the ports that say whom to trust, for tests of flows: a verdict is what the test says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from digikoppelaar.pki.certificate import Use


@dataclass(slots=True)
class Verdicts:
    """A flows.ports.Trust: everybody is trusted but those of whom `problems`, by DER certificate, tells otherwise."""

    problems: Mapping[bytes, str] = field(default_factory=dict)
    asked: list[tuple[str, bytes, tuple[datetime, ...]]] = field(default_factory=list)
    """What was asked, in order."""

    async def problem(
        self,
        omgeving: str,
        certificate: bytes,
        *moments: datetime,
        use: Use = Use.SIGN,
        chain: Sequence[bytes] = (),
    ) -> str | None:
        """See flows.ports.Trust."""
        self.asked.append((omgeving, certificate, moments))
        return self.problems.get(certificate)
