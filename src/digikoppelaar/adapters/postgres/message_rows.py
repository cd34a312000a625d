"""Messages as the values of a statement, and rows as the values of a port. No statement is made here."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from psycopg.types.json import Jsonb

from digikoppelaar.adapters.postgres.connect import Row
from digikoppelaar.ebms.agreement import ReliableMessaging
from digikoppelaar.ebms.reliability import SETTLED, Delivery, State, attempts_allowed, delivery
from digikoppelaar.flows.outbound import EVENT_TYPES
from digikoppelaar.flows.ports import Claimed, CpaRecord, Hole, NewInbound, NewOutbound, SentMessage


def key(cpa: CpaRecord, message_id: str) -> dict[str, Any]:
    """By which a message is unique."""
    return {"aansluiting_id": cpa.aansluiting.id, "cpa_row": cpa.id, "message_id": message_id}


def inbound_values(inbound: NewInbound) -> dict[str, Any]:
    """The row of an inbound message."""
    return {
        **key(inbound.cpa, inbound.message_id),
        "conversation_id": inbound.conversation_id,
        "ref_to_message_id": inbound.ref_to_message_id,
        "service": inbound.service,
        "service_type": inbound.service_type,
        "action": inbound.action,
        "from_role": inbound.from_role,
        "to_role": inbound.to_role,
        "timestamp": inbound.timestamp,
        "received_at": inbound.received_at,
        "fingerprint": inbound.fingerprint,
        "content_type": inbound.content_type,
        "document": inbound.document,
        "error_code": inbound.error_code,
        "error_reason": inbound.error_reason,
        "tells_application": inbound.tells_application,
    }


def payload_values(inbound: NewInbound) -> dict[str, Any]:
    """The rows of its payloads, column by column."""
    payloads = inbound.payloads
    return {
        "content_ids": [each.content_id for each in payloads],
        "content_types": [each.content_type for each in payloads],
        "names": [each.name for each in payloads],
        "sizes": [each.size for each in payloads],
        "sha256s": [each.sha256 for each in payloads],
        "datas": [each.data for each in payloads],
        "blobs": [each.blob for each in payloads],
    }


def outbound_values(message: NewOutbound) -> dict[str, Any]:
    """The row of an outbound message as it is born."""
    reliable = message.reliable
    return {
        **key(message.cpa, message.message_id),
        "conversation_id": message.conversation_id,
        "ref_to_message_id": message.ref_to_message_id,
        "service": message.service,
        "service_type": message.service_type,
        "action": message.action,
        "timestamp": message.timestamp,
        "partner": message.partner,
        "endpoint": message.endpoint,
        "content_type": message.content_type,
        "body": message.body,
        "holes": Jsonb([{"at": hole.at, "blob": hole.blob, "size": hole.size} for hole in message.holes]),
        "retries": reliable.retries if reliable else None,
        "retry_interval": reliable.retry_interval if reliable else None,
        "time_to_live": message.time_to_live,
        "state": message.state,
        "attempts": int(message.state is State.SENDING),
        "max_attempts": attempts_allowed(delivery(reliable, message.service)),
        "due_at": message.due_at,
        "settled_at": message.timestamp if message.state in SETTLED else None,
        "synchronous": message.synchronous,
        "submission": message.submission,
        "tells_application": message.tells_application,
        "announced": message.announced and message.state is State.CREATED,
    }


def answer_values(answer: NewOutbound | None) -> Mapping[str, Any]:
    """The same for an answer, under names that begin with `answer_`; nothing but nulls when there is none.

    Without what it shares with the message that it answers. The driver reads a query anew, every time, that is given
    more than 50 values.
    """
    if answer is None:
        return _NO_ANSWER
    values = outbound_values(answer)
    return {f"answer_{name}": values[name] for name in _OUTBOUND_COLUMNS}


_OUTBOUND_COLUMNS: Final = (
    *("message_id", "conversation_id", "ref_to_message_id", "service", "service_type"),
    *("action", "timestamp", "partner", "endpoint", "content_type", "body", "holes", "retries", "retry_interval"),
    *("time_to_live", "state", "attempts", "max_attempts", "due_at", "settled_at", "synchronous", "submission"),
    *("tells_application", "announced"),
)
_NO_ANSWER: Final[Mapping[str, Any]] = {f"answer_{name}": None for name in _OUTBOUND_COLUMNS}


def settled_values(state: State, now: datetime, reason: str) -> dict[str, Any]:
    """What a message gets when it moves to `state`, but for `due_at`."""
    settled = state in SETTLED
    return {
        "state": state,
        "settled_at": now if settled else None,
        "reason": reason or None,
        "event_type": EVENT_TYPES.get(state),
        "now": now,
    }


def reliable_of(row: Row) -> ReliableMessaging | None:
    """The numbers of the CPA in the row of an outbound message."""
    return None if row["retries"] is None else ReliableMessaging(row["retries"], row["retry_interval"])


def delivery_of(row: Row) -> Delivery:
    """How the message of this row is brought across."""
    return delivery(reliable_of(row), row["service"])


def holes_of(row: Row) -> tuple[Hole, ...]:
    """The holes in the body of a row."""
    return tuple(Hole(**hole) for hole in row["holes"])


def sent_message(row: Row) -> SentMessage:
    """The row of an outbound message, as a flow needs it."""
    return SentMessage(**{**row, "holes": holes_of(row)})


def claimed_message(row: Row) -> Claimed:
    """The row of an outbound message of which the next attempt was just written."""
    return Claimed(
        id=row["id"],
        attempt=row["attempts"],
        message_id=row["message_id"],
        omgeving=row["omgeving"],
        partij_oin=row["partij_oin"],
        partner=row["partner"],
        endpoint=row["endpoint"],
        content_type=row["content_type"],
        body=row["body"],
        holes=holes_of(row),
        reliable=reliable_of(row),
        time_to_live=row["time_to_live"],
        synchronous=row["synchronous"],
        service=row["service"],
        cpa_id=row["cpa_id"],
    )
