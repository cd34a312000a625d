"""Fills both databases of a pair with CPAs and messages of the past: what an installation has after years.

Each database gets so many business messages and as many acknowledgments of them, with their attempts and events, all
settled. Payloads are purged: no payload rows, no bodies of what was sent.
"""

import asyncio
import hashlib
from typing import Final

import psycopg
from ebms_pair import OINS, OMGEVING, RECEIVER, SENDER, Pair, Terms

from digikoppelaar.ebms.cpa import read_agreement

_CPA: Final = """
    COPY cpa (aansluiting_id, omgeving, cpa_id, document, sha256, our_party_ids, starts_at, ends_at, imported_at,
        consumer) FROM STDIN
"""
_CPA_ROWS: Final = """
    CREATE TEMPORARY TABLE used AS
    SELECT row_number() OVER (ORDER BY id) - 1 AS number, id AS cpa_row, aansluiting_id FROM cpa
"""
_PAST: Final = "timestamptz '2026-01-01' + n * interval '10 seconds'"
_FROM: Final = "FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n JOIN used ON used.number = n %% %(cpas)s"

_OUTBOUND: Final = f"""
    INSERT INTO outbound_message (id, aansluiting_id, cpa_row, message_id, conversation_id, ref_to_message_id, service,
        action, timestamp, partner, endpoint, content_type, body, retries, retry_interval, time_to_live, state,
        attempts, max_attempts, settled_at) OVERRIDING SYSTEM VALUE
    SELECT n, aansluiting_id, cpa_row, 'out-' || md5(n::text) || '@past', 'past-' || n / 4, %(ref)s, %(service)s,
        %(action)s, {_PAST}, %(partner)s, 'http://127.0.0.1:9/ebms', 'text/xml', %(body)s, %(retries)s,
        %(retry_interval)s, {_PAST} + interval '1 hour', %(state)s, 1, 4, {_PAST} + interval '1 second' {_FROM}
"""
_ATTEMPT: Final = f"""
    INSERT INTO attempt (aansluiting_id, outbound_message_id, number, started_at, ended_at, event, status)
    SELECT aansluiting_id, n, 1, {_PAST}, {_PAST} + interval '20 milliseconds', 'accepted', 204 {_FROM}
"""
_INBOUND: Final = f"""
    INSERT INTO inbound_message (id, aansluiting_id, cpa_row, message_id, conversation_id, ref_to_message_id, service,
        action, timestamp, received_at, fingerprint, content_type, document, answer_id) OVERRIDING SYSTEM VALUE
    SELECT n, aansluiting_id, cpa_row, 'in-' || md5(n::text) || '@past', 'past-' || n / 4, %(ref)s, %(service)s,
        %(action)s, {_PAST}, {_PAST}, sha256(n::text::bytea), 'text/xml',
        convert_to(repeat(md5(n::text), 40), 'UTF8'), CASE WHEN %(answered)s THEN n END {_FROM}
"""
_EVENT: Final = f"""
    INSERT INTO message_event (aansluiting_id, cpa_row, inbound_message_id, outbound_message_id, conversation_id, type,
        at, processed_at)
    SELECT aansluiting_id, cpa_row, CASE WHEN %(answered)s THEN n END, CASE WHEN NOT %(answered)s THEN n END,
        'past-' || n / 4, %(type)s, {_PAST}, {_PAST} {_FROM}
"""
_IDENTITIES: Final = """
    SELECT setval(pg_get_serial_sequence('outbound_message', 'id'), (SELECT max(id) FROM outbound_message)),
        setval(pg_get_serial_sequence('inbound_message', 'id'), (SELECT max(id) FROM inbound_message))
"""
_STEP: Final = 50_000
"""Rows in one transaction."""

_BUSINESS: Final = {"service": "past", "action": "melding", "ref": None, "retries": 3, "retry_interval": "60 seconds"}
_SIGNAL: Final = {
    "service": "urn:oasis:names:tc:ebxml-msg:service",
    "action": "Acknowledgment",
    "ref": "past",
    "retries": None,
    "retry_interval": None,
}


async def load_history(pair: Pair, cpas: int, messages: int) -> None:
    """CPAs cpa-1 and so on, beside cpa-0 which is there, until there are `cpas`; and `messages` in each database."""
    await asyncio.gather(*(asyncio.to_thread(_load, pair, side, cpas, messages) for side in (SENDER, RECEIVER)))


def _load(pair: Pair, side: str, cpas: int, messages: int) -> None:
    with psycopg.connect(pair.url(side), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")  # every row refers to one that is there
        _copy_cpas(connection, pair, side, cpas)
        connection.execute(_CPA_ROWS)
        for first in range(1, messages + 1, _STEP):
            span = {"first": first, "last": min(first + _STEP - 1, messages), "cpas": cpas}
            _insert(connection, side, span)
        connection.execute(_IDENTITIES)
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def _copy_cpas(connection: psycopg.Connection, pair: Pair, side: str, cpas: int) -> None:
    document = pair.cpa("cpa-x", Terms())
    agreement = read_agreement(document, {OINS[side]})
    dates = agreement.starts_at, agreement.ends_at, agreement.starts_at
    [(aansluiting,)] = connection.execute("SELECT id FROM aansluiting").fetchall()
    with connection.cursor() as cursor, cursor.copy(_CPA) as copy:
        for number in range(1, cpas):
            cpa_id = f"cpa-{number}"
            each = document.replace(b'"cpa-x"', f'"{cpa_id}"'.encode())
            digest = hashlib.sha256(each).digest()
            copy.write_row((aansluiting, OMGEVING, cpa_id, each, digest, [OINS[side]], *dates, "rest"))


def _insert(connection: psycopg.Connection, side: str, span: dict[str, int]) -> None:
    sends = side == SENDER
    sent, received = (_BUSINESS, _SIGNAL) if sends else (_SIGNAL, _BUSINESS)
    partner = OINS[RECEIVER if sends else SENDER]
    state = "acknowledged" if sends else "delivered"
    body = b"" if sends else b"<past/>" * 100
    event = "DELIVERED" if sends else "RECEIVED"
    connection.execute(_OUTBOUND, {**span, **sent, "partner": partner, "state": state, "body": body})
    connection.execute(_ATTEMPT, span)
    connection.execute(_INBOUND, {**span, **received, "answered": not sends})
    connection.execute(_EVENT, {**span, "answered": not sends, "type": event})
