"""What can be made to go wrong, and the switchboard that says when. Pure but for the dice it is given."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from digikoppelaar.errors import ConfigError


class Target(Enum):
    """Where a fault strikes: a kind of REST answer, our notification, their signal to us, a service of KOOP, or one of
    onboarding."""

    SUMMARY = "summary"
    XML = "xml"
    PDF = "pdf"
    BIJLAGE = "bijlage"
    SEARCH = "search"
    REROUTE = "reroute"
    NOTIFICATION = "notification"
    ACKNOWLEDGMENT = "acknowledgment"
    DROP = "3pas"
    SRU = "sru"
    METADATA = "metadata"
    REGISTER = "register"
    OFFERING = "offering"
    MAIL = "mail"


class Kind(Enum):
    """What happens."""

    LOSE = "lose"
    """A notification is not sent; an acknowledgment is answered with 204 and forgotten."""
    DELAY = "delay"
    """Wait `seconds` first, then go on as always."""
    REPEAT = "repeat"
    """A notification is sent twice, one right after the other."""
    ANSWER = "answer"
    """Answer with `status` instead, of HTTP or SMTP; nothing is taken then, by KOOP, register, DSO-LV or mailbox."""
    CUT = "cut"
    """Close the connection: after `at` bytes of the body (half of it), or before the answer to an acknowledgment."""
    LENGTH = "length"
    """The body is one byte shorter than the summary says, and Content-Length agrees with the body."""
    SILENCE = "silence"
    """Take the request and never answer. As with CUT, HTML, EMPTY and SAY, 3PAS, register and *CPA aanbieden* did with
    it what they would have done."""
    STALL = "stall"
    """Send nothing for `seconds` after `at` bytes of the body (half of it), then go on."""
    NO_RANGES = "no-ranges"
    """Answer with the whole, without an ETag, to who asks for the rest."""
    HTML = "html"
    """Answer with a page for people and status 200."""
    EMPTY = "empty"
    """Answer with nothing and status 200."""
    SAY = "say"
    """Answer with `text`, `times` over, with `status` and `headers`."""
    SOAP_FAULT = "soap-fault"
    """Answer with a SOAP fault with `code` instead; nothing is taken."""
    STALE = "stale"
    """The summary is that of the version before, as where newer content is not everywhere yet."""


_FILES: Final = frozenset({Target.XML, Target.PDF, Target.BIJLAGE})
_REST: Final = _FILES | {Target.SUMMARY, Target.SEARCH, Target.REROUTE}
_KOOP: Final = frozenset({Target.DROP, Target.SRU, Target.METADATA})
_ONBOARDING: Final = frozenset({Target.REGISTER, Target.OFFERING})
_SERVICES: Final = _KOOP | _ONBOARDING
_INBOUND: Final = _REST | _SERVICES | {Target.ACKNOWLEDGMENT}

APPLIES: Final[Mapping[Kind, frozenset[Target]]] = {
    Kind.LOSE: frozenset({Target.NOTIFICATION, Target.ACKNOWLEDGMENT}),
    Kind.DELAY: frozenset(Target),
    Kind.REPEAT: frozenset({Target.NOTIFICATION}),
    Kind.ANSWER: _INBOUND | {Target.MAIL},
    Kind.CUT: _INBOUND,
    Kind.LENGTH: _FILES,
    Kind.SILENCE: _INBOUND,
    Kind.STALL: _FILES,
    Kind.NO_RANGES: _FILES,
    Kind.HTML: _SERVICES,
    Kind.EMPTY: _SERVICES,
    Kind.SAY: _SERVICES,
    Kind.SOAP_FAULT: frozenset({Target.DROP}),
    Kind.STALE: frozenset({Target.SUMMARY}),
}


@dataclass(slots=True)
class Fault:
    """One switched-on fault. `left` counts down to 0; None: for ever. `struck` counts up."""

    id: int
    kind: Kind
    target: Target
    probability: float = 1.0
    left: int | None = None
    seconds: float = 1.0
    status: int = 500
    at: int | None = None
    code: str = "Server"
    text: str = ""
    times: int = 1
    headers: Mapping[str, str] = field(default_factory=dict)
    struck: int = 0

    def as_values(self) -> dict[str, object]:
        """For JSON."""
        return {
            "id": self.id,
            "kind": self.kind.value,
            "target": self.target.value,
            "probability": self.probability,
            "count": self.left,
            "seconds": self.seconds,
            "status": self.status,
            "at": self.at,
            "code": self.code,
            "text": self.text,
            "times": self.times,
            "headers": dict(self.headers),
            "struck": self.struck,
        }


@dataclass(slots=True)
class Faults:
    """The switchboard."""

    dice: random.Random
    _all: dict[int, Fault] = field(default_factory=dict)
    _last_id: int = 0

    def switch_on(self, wish: Mapping[str, Any]) -> Fault:
        """A fault from the JSON object `wish`; raises ConfigError when it is not one."""
        fault = _fault(self._last_id + 1, wish)
        self._last_id = fault.id
        self._all[fault.id] = fault
        return fault

    def switch_off(self, fault_id: int | None = None) -> None:
        """One fault, or all of them; what is not on is off already."""
        if fault_id is None:
            self._all.clear()
        self._all.pop(fault_id or 0, None)

    def listed(self) -> list[Fault]:
        """What is on, also when it has no strikes left."""
        return list(self._all.values())

    def strike(self, target: Target) -> Fault | None:
        """The fault that strikes now, if any: the first that still can and whose dice say so."""
        for fault in self._all.values():
            if fault.target is target and fault.left != 0 and self.dice.random() < fault.probability:
                fault.struck += 1
                fault.left = None if fault.left is None else fault.left - 1
                return fault
        return None


_WISHES: Final = frozenset(
    {"kind", "target", "probability", "count", "seconds", "status", "at", "code", "text", "times", "headers"}
)


def _fault(fault_id: int, wish: Mapping[str, Any]) -> Fault:
    if unknown := set(wish) - _WISHES:
        raise ConfigError(f"a fault has no {', '.join(sorted(unknown))}")
    try:
        fault = Fault(
            fault_id,
            Kind(wish.get("kind")),
            Target(wish.get("target")),
            float(wish.get("probability", 1.0)),
            None if wish.get("count") is None else int(wish["count"]),
            float(wish.get("seconds", 1.0)),
            int(wish.get("status", 500)),
            None if wish.get("at") is None else int(wish["at"]),
            str(wish.get("code", "Server")),
            str(wish.get("text", "")),
            int(wish.get("times", 1)),
            {str(name): str(value) for name, value in dict(wish.get("headers", {})).items()},
        )
    except (ValueError, TypeError) as error:
        raise ConfigError(f"not a fault: {error}") from error
    if fault.target not in APPLIES[fault.kind]:
        raise ConfigError(f"fault {fault.kind.value} cannot strike {fault.target.value}")
    return fault
