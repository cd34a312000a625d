"""What the steps of `checks` and `security` look at, and what they can say; no step lives here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from digikoppelaar.ebms.agreement import Action, Agreement
from digikoppelaar.ebms.decisions import Caller, Decision, OurMessage, Refuse, Reject, Repeat, Seen
from digikoppelaar.ebms.messages import EbxmlError, Envelope, ErrorCode, MessageHeader, Part, ReceivedEnvelope, Severity

HEADER: Final = "//Header/MessageHeader"


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a decision rests on; see `receive.decide`."""

    received: ReceivedEnvelope
    action: Action | None
    """What the CPA lets us receive under this Service and Action (statement 33)."""
    parts: tuple[Part, ...]
    agreement: Agreement
    caller: Caller
    seen: Seen | None
    our_message: OurMessage | None
    now: datetime
    clock_difference: timedelta
    fingerprint: bytes
    trust_problem: str | None = None
    in_response: bool = False

    @property
    def envelope(self) -> Envelope:
        """What the message says."""
        return self.received.envelope

    @property
    def header(self) -> MessageHeader:
        """Its MessageHeader."""
        return self.received.envelope.header

    @property
    def known_action(self) -> Action:
        """`action`, for every step after the one that found it."""
        assert self.action is not None, "action_is_in_the_cpa comes first"
        return self.action

    @property
    def has_error(self) -> bool:
        """Whether it carries an error of severity Error: such a message is never answered (MSG s.4.2.4.1)."""
        return any(error.severity is Severity.ERROR for error in self.envelope.errors)


Problem = EbxmlError | Refuse | Repeat
Step = Callable[[Facts], Problem | None]


def first_problem(steps: Sequence[Step], facts: Facts) -> Problem | None:
    """The answer of the first step that has one."""
    return next((problem for step in steps if (problem := step(facts)) is not None), None)


def rejected_or(otherwise: Callable[[Facts], Decision], facts: Facts, steps: Sequence[Step]) -> Decision:
    """What `otherwise` decides, unless a step has an answer: an error is sent back."""
    match first_problem(steps, facts):
        case None:
            return otherwise(facts)
        case EbxmlError() as problem:
            return Reject(problem)
        case answer:
            return answer


def error(code: ErrorCode, location: str, description: str) -> EbxmlError:
    """An error that ends the delivery of the message."""
    return EbxmlError(code.value, Severity.ERROR, description, location)


def inconsistent(location: str, description: str) -> EbxmlError:
    """What is at `location` is in conflict with the CPA or with the rest of the message."""
    return error(ErrorCode.INCONSISTENT, location, description)
