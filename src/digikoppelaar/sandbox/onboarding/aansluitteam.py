"""What the aansluitteam of DSO-LV does: mandateringen, routings, whether PRE is complete, and judging what came in."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.ports import Clock
from digikoppelaar.sandbox.connections import Connections
from digikoppelaar.sandbox.routing import Behandeldienst

AANSLUITACTIVITEIT: Final = "Aansluitactiviteit Gemeentes - Informatie"
"""What is routed to a behandeldienst to try its connection (stam.md 5.1)."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the aansluitteam says of a step of an organisatie; `reason` where it refuses."""

    oin: str
    step: str
    approved: bool
    reason: str
    by: str
    at: datetime


@dataclass(slots=True)
class Aansluitteam:
    """Everything, in memory. `pre_complete` has the OINs of who may go on to PROD."""

    connections: Connections
    clock: Clock
    pre_complete: set[str] = field(default_factory=set)
    verdicts: list[Verdict] = field(default_factory=list)

    def complete(self, oin: str, *, complete: bool) -> None:
        """PRE of this organisatie is complete, or not (any more). Raises ConfigError."""
        self.connections.authority(oin)
        (self.pre_complete.add if complete else self.pre_complete.discard)(oin)

    def route(self, gemeente: str, dienst: str) -> None:
        """Let the aansluitactiviteit of this gemeente go to a behandeldienst. Raises ConfigError."""
        self.connections.authority(dienst)
        authority = self.connections.authority(gemeente)
        routing = Behandeldienst(dienst, frozenset({AANSLUITACTIVITEIT}))
        others = (each for each in authority.gezag.behandeldiensten if each != routing)
        authority.gezag = replace(authority.gezag, behandeldiensten=(routing, *others))

    def judge(self, oin: str, step: str, by: str, *, approved: bool, reason: str = "") -> Verdict:
        """Say it on record. Raises ConfigError for an unknown organisatie, or a refusal without reason."""
        self.connections.authority(oin)
        if not step or not by.strip() or not (approved or reason.strip()):
            raise ConfigError(
                "a verdict has a step, somebody who gives it, and a reason when it refuses",
                advice="Vul de stap en uw naam in, en bij een weigering de reden.",
            )
        verdict = Verdict(oin, step, approved, reason.strip(), by.strip(), self.clock.now())
        self.verdicts.append(verdict)
        return verdict
