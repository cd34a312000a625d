"""Reliable messaging of the sender: one table, and the arithmetic of when to send again.

Nothing here sends, stores or looks at a clock; the message row is the machine's memory and `advance` its only rule.

The theory
----------
A message leaves through a network that may lose it, delay it, repeat it, and lose the answer. The sender can
therefore never know by itself that a message arrived; only the receiver's acknowledgment says so. Until it comes,
the sender sends the very same bytes again, and the receiver recognises them by MessageId. At least once on the wire
and duplicates dropped on arrival make one effect (ebMS 2.0, sections 6.1 and 6.5; statements 64-70, 87, 96-97).

    created ──claimed──▶ sending ──transported──▶ sent ──acknowledged──▶ acknowledged
       ▲                  │ │ │                    │
       └──unreachable─────┘ │ └──delivered──▶ delivered (nobody acknowledges it: 2xx is all there is)
          or lease_lost     │                      │
                            └──refused──▶ failed ◀─┴─ gave_up, error_received
    created, sent ──time_to_live_passed──▶ expired       sent ──claimed──▶ sending (the resend)

- *created*: stored and due; the last attempt, if there was one, handed nothing over.
- *sending*: attempt n was written down and is being made under a lease. Whoever holds the lease may die at any point,
  so a lease that ran out (`lease_lost`) says nothing about arrival: the message is due again after RetryInterval.
- *sent*: the partner's server took it (2xx) and its acknowledgment is awaited.
- *acknowledged*, *delivered*, *failed*, *expired* are settled. *delivered* is for messages that nobody acknowledges,
  the signals and best-effort messages: a 2xx is all that will ever be known of them (statement 86). *failed* after
  *sent* means "outcome unknown", for perhaps only the acknowledgment is missing (statement 69).

Settled is final. Whatever still arrives (an acknowledgment after we gave up, the answer to an attempt that an error
overtook) is stored by the caller and changes nothing: statement 82 leaves that choice, and a state that was reported to
people does not change behind their backs. An acknowledgment that overtakes the answer to its own POST settles the
message while it is *sending*; the late 2xx then finds it settled. One exception by nature: a signal is an answer, and
when the partner repeats its question (`repeat`), the same answer is due again with a fresh series of attempts
(statements 97 and 98). Only signals get this event; a message with an acknowledgment to wait for never does.

How often and when: the CPA gives Retries and RetryInterval. There are at most Retries + 1 sends, RetryInterval is the
least wait between two of them (a send that found nobody counts too, statement 70) and also the wait after the last one
before giving up. A TimeToLive that passes ends it earlier (statement 75). A signal has no such numbers: it follows
SIGNAL_WAITS, within the retry window of the partner (statement 94), because after that the partner has given up too.
A best-effort message is sent once: its receiver eliminates no duplicates, so a second send could be a second delivery.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from typing import Final

from digikoppelaar.ebms import names
from digikoppelaar.ebms.agreement import ReliableMessaging
from digikoppelaar.ebms.messages import EbxmlError, ErrorCode, Severity
from digikoppelaar.errors import DigikoppelaarError


class State(StrEnum):
    """Where an outbound message is; the text is what the database holds."""

    CREATED = "created"
    SENDING = "sending"
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    DELIVERED = "delivered"
    FAILED = "failed"
    EXPIRED = "expired"


class Event(StrEnum):
    """What can happen to an outbound message."""

    CLAIMED = "claimed"
    """An attempt is written down and about to be made."""
    TRANSPORTED = "transported"
    """2xx, and an acknowledgment is awaited."""
    DELIVERED = "delivered"
    """2xx, and nothing more is awaited."""
    UNREACHABLE = "unreachable"
    """No answer, or one that says: try again."""
    REFUSED = "refused"
    """An answer that says: never try this again."""
    ACKNOWLEDGED = "acknowledged"
    """Its acknowledgment came."""
    ERROR_RECEIVED = "error_received"
    """A MessageError of severity Error about it came (statement 83)."""
    GAVE_UP = "gave_up"
    """It is due and no attempt is left."""
    TIME_TO_LIVE_PASSED = "time_to_live_passed"
    """It is due and its TimeToLive is over."""
    LEASE_LOST = "lease_lost"
    """Whoever made the attempt did not tell how it ended."""
    REPEAT = "repeat"
    """The partner repeated the message that this signal answers."""


SETTLED: Final = frozenset({State.ACKNOWLEDGED, State.DELIVERED, State.FAILED, State.EXPIRED})
"""No attempt is made in these states."""

# Columns in the order of Event. Three letters stand for a state; --- is a hole: it cannot happen, so it raises.
# An attempt whose lease ran out may still report how it ended while the message is created again: the report counts.
# fmt: off
_TABLE: Final[Mapping[State, str]] = {
    #                    CLAIMED TRANSP DELIV  UNREACH REFUSED ACKNOWL ERROR  GAVE_UP TTL    LEASE  REPEAT
    State.CREATED:      "SNG     SNT    DLV    CRE     FAI     ACK     FAI    FAI     EXP    CRE    CRE",
    State.SENDING:      "---     SNT    DLV    CRE     FAI     ACK     FAI    ---     ---    CRE    SNG",
    State.SENT:         "SNG     SNT    ---    ---     ---     ACK     FAI    FAI     EXP    SNT    ---",
    State.ACKNOWLEDGED: "---     ACK    ACK    ACK     ACK     ACK     ACK    ---     ---    ACK    ---",
    State.DELIVERED:    "---     DLV    DLV    DLV     DLV     DLV     DLV    ---     ---    DLV    CRE",
    State.FAILED:       "---     FAI    FAI    FAI     FAI     FAI     FAI    ---     ---    FAI    CRE",
    State.EXPIRED:      "---     EXP    EXP    EXP     EXP     EXP     EXP    ---     ---    EXP    CRE",
}
_LETTERS: Final[Mapping[str, State]] = {
    "CRE": State.CREATED, "SNG": State.SENDING, "SNT": State.SENT, "ACK": State.ACKNOWLEDGED,
    "DLV": State.DELIVERED, "FAI": State.FAILED, "EXP": State.EXPIRED,
}
# fmt: on

TRANSITIONS: Final[Mapping[tuple[State, Event], State]] = {
    (state, event): _LETTERS[cell]
    for state, row in _TABLE.items()
    for event, cell in zip(Event, row.split(), strict=True)
    if cell != "---"
}
"""The machine: every pair that can happen, with the state after it."""


def advance(state: State, event: Event) -> State:
    """The state after `event`. Raises DigikoppelaarError on a hole in the table: that is a fault of ours."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise DigikoppelaarError(f"an outbound message that is {state} cannot meet {event}") from None


SIGNAL_WAITS: Final = tuple(
    timedelta(seconds=seconds) for seconds in (5, 15, 60, 300, 900, 1800, 3600, 3600, 7200, 10800, 10800, 10800, 10800)
)
"""Waits between the attempts to send one signal: quick at first, 17 hours in all.

Longer is of no use: a partner that still misses its answer repeats its message, which starts a fresh series.
"""

_RETRIED_4XX: Final = frozenset({408, 429})
_FINAL_5XX: Final = frozenset({501, 505, 510})


class Unacknowledged(Enum):
    """What nobody acknowledges: a 2xx settles it (statement 86). The value is how many sends there may be."""

    SIGNAL = len(SIGNAL_WAITS) + 1
    BEST_EFFORT = 1


Delivery = ReliableMessaging | Unacknowledged
"""How a message of ours is brought across; see `delivery`."""


def delivery(reliable: ReliableMessaging | None, service: str) -> Delivery:
    """By what a row holds: numbers of the CPA when an acknowledgment is awaited, else none, and the service."""
    if reliable is not None:
        return reliable
    return Unacknowledged.SIGNAL if service == names.MSH_SERVICE else Unacknowledged.BEST_EFFORT


def attempts_allowed(delivery: Delivery) -> int:
    """How many sends there may be: Retries + 1 (statement 67), one for best effort, 14 for a signal."""
    return delivery.value if isinstance(delivery, Unacknowledged) else delivery.retries + 1


def retry_window(reliable: ReliableMessaging) -> timedelta:
    """From the first send until the sender gives up: (Retries + 1) x RetryInterval (KS-30)."""
    return (reliable.retries + 1) * reliable.retry_interval


def next_due(*, attempt: int, sent_at: datetime, delivery: Delivery) -> datetime | None:
    """When to look again at a message whose attempt number `attempt` (from 1) was made at `sent_at`.

    After the last attempt of a reliable message that is the time to give up, one RetryInterval later, for the
    acknowledgment may still come (statement 69). None: its attempts are used up and nobody acknowledges it, so there is
    nothing to wait for; the caller gives it up at once.
    """
    if isinstance(delivery, ReliableMessaging):
        return sent_at + delivery.retry_interval
    return sent_at + SIGNAL_WAITS[attempt - 1] if attempt < delivery.value else None


def moved(
    state: State, event: Event, *, attempt: int, now: datetime, delivery: Delivery
) -> tuple[State, datetime | None]:
    """The state after `event`, and when to look at the message again (None: it is settled).

    `attempt` is the number of the last attempt, made or ended `now`.
    """
    after = advance(state, event)
    if after in SETTLED:
        return after, None
    due_at = next_due(attempt=attempt, sent_at=now, delivery=delivery)
    return (advance(after, Event.GAVE_UP), None) if due_at is None else (after, due_at)


def lease_until(*, sent_at: datetime, lease: timedelta, delivery: Delivery) -> datetime:
    """When an attempt counts as lost: after its lease, and not before RetryInterval has passed, for what
    was sent may have arrived (statement 65).
    """
    if isinstance(delivery, Unacknowledged):
        return sent_at + lease
    return sent_at + max(lease, delivery.retry_interval)


def due(*, attempts: int, delivery: Delivery, time_to_live: datetime | None, now: datetime) -> Event:
    """What happens to a due message after `attempts` attempts: CLAIMED, GAVE_UP or TIME_TO_LIVE_PASSED."""
    if attempts >= attempts_allowed(delivery):
        return Event.GAVE_UP
    if time_to_live is not None and now >= time_to_live:
        return Event.TIME_TO_LIVE_PASSED
    return Event.CLAIMED


def outcome(status: int, *, acknowledged: bool) -> Event:
    """What an HTTP status says about the attempt (statements 71-74 and 86, KS-43).

    `acknowledged`: somebody acknowledges the message, so a 2xx does not settle it. That holds for a synchronous one
    too: an empty body, or one that is no signal about it, leads to a resend (statement 112).

    A SOAP Fault in the body does not change it: its text is for the record (statement 72). No status at all, because no
    whole answer came, is Event.UNREACHABLE.
    """
    if 200 <= status < 300:
        return Event.TRANSPORTED if acknowledged else Event.DELIVERED
    if status in _RETRIED_4XX or (500 <= status < 600 and status not in _FINAL_5XX):
        return Event.UNREACHABLE
    return Event.REFUSED


def delivery_failure(*, handed_over: bool) -> EbxmlError:
    """What the application is told of a message that nobody acknowledged in time (2.6, statement 69).

    `handed_over`: an attempt was answered with 2xx, or nobody knows how it ended. Then perhaps only the acknowledgment
    is missing, which is a warning; else the message never arrived, which is an error.
    """
    if handed_over:
        told = "the message was handed over and never acknowledged: whether it was processed is unknown"
        return EbxmlError(ErrorCode.DELIVERY_FAILURE.value, Severity.WARNING, told)
    return EbxmlError(ErrorCode.DELIVERY_FAILURE.value, Severity.ERROR, "the message could not be handed over")
