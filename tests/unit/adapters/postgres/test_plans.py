"""What is done over and over does not grow with what is on record: no plan of its statements reads a whole table."""

import re

import pytest
from tests.unit.adapters.postgres.world import World

from digikoppelaar.adapters.postgres import queries
from digikoppelaar.adapters.postgres.connect import Connection

ROWS = 20_000
"""Enough for the planner to see that reading the table costs more than looking rows up."""
FOR_EACH_MESSAGE = (
    "find_inbound",
    "find_outbound",
    "record_inbound",
    "queue_outbound",
    "settle_by_signal",
    "settle_attempt",
    "lock_ended",
    "claim",
    "next_due",
)
PAST = (
    """
    INSERT INTO outbound_message (id, aansluiting_id, cpa_row, message_id, conversation_id, service, action, timestamp,
        partner, endpoint, content_type, body, state, attempts, max_attempts, settled_at) OVERRIDING SYSTEM VALUE
    SELECT n, %(aansluiting_id)s, %(cpa_row)s, n || '@past', 'past', 'dienst', 'actie', now(), 'partner-' || n %% 9,
        'https://partner.example', 'text/xml', '', 'delivered', 1, 4, now()
    FROM generate_series(1, %(rows)s) AS n
    """,
    """
    INSERT INTO attempt (aansluiting_id, outbound_message_id, number, started_at, ended_at, event)
    SELECT aansluiting_id, id, 1, now(), now(), 'accepted' FROM outbound_message
    """,
    """
    INSERT INTO inbound_message (id, aansluiting_id, cpa_row, message_id, conversation_id, service, action, timestamp,
        received_at, fingerprint, content_type, document, answer_id) OVERRIDING SYSTEM VALUE
    SELECT id, aansluiting_id, cpa_row, message_id, 'past', service, action, now(), now(), '', 'text/xml', '', id
    FROM outbound_message
    """,
    "ANALYZE outbound_message, attempt, inbound_message",
)


@pytest.mark.parametrize("analyzed", [True, False])
async def test_no_statement_of_a_message_reads_a_whole_table(world: World, analyzed: bool) -> None:
    values = {"aansluiting_id": world.pre.aansluiting.id, "cpa_row": world.pre.id, "rows": ROWS}
    async with world.pool.connection() as connection:
        for statement in PAST[: None if analyzed else -1]:
            await connection.execute(statement.encode(), values)
        await connection.execute(b"SET plan_cache_mode = force_generic_plan")
        plans = {name: await plan(connection, "messages", name) for name in FOR_EACH_MESSAGE}
    whole = {name: re.findall(r"Seq Scan on (?:outbound|inbound|attempt)\w*", text) for name, text in plans.items()}
    assert not any(whole.values()), whole


TOLD = (
    """
    INSERT INTO kennisgeving (id, aansluiting_id, referentienummer, moment, blad, document, state, publication,
        publication_url, published_on, origin_aansluiting_id, verzoeknummer) OVERRIDING SYSTEM VALUE
    SELECT n, %(aansluiting_id)s, n, 'aanvraag', 'gmb', '{}', 'published', n, n, now(), %(aansluiting_id)s, n
    FROM generate_series(1, %(rows)s) AS n
    """,
    """
    INSERT INTO telling (aansluiting_id, kennisgeving_id, target, state, at, told_at)
    SELECT aansluiting_id, id, 'zaken', state, now(), now() FROM kennisgeving
    """,
    "ANALYZE kennisgeving, telling",
)


TOLD_BY_CASE_SYSTEMS = (
    "SET session_replication_role = replica",  # only these two tables are looked at
    """
    INSERT INTO case_event (aansluiting_id, resource, url, by, received_at, ended_at)
    SELECT %(aansluiting_id)s, 'besluit', n, 'x', now(), now() FROM generate_series(1, %(rows)s) AS n
    """,
    """
    INSERT INTO delivery_step (delivery_id, name, outcome, at)
    SELECT n, 'zaak', jsonb_build_object('url', 'https://zaken.example/zaken/' || n), now()
    FROM generate_series(1, %(rows)s) AS n
    """,
    "ANALYZE case_event, delivery_step",
)


async def test_no_look_for_what_case_systems_told_or_for_whose_zaak_it_is_reads_a_whole_table(world: World) -> None:
    async with world.pool.connection() as connection:
        for statement in TOLD_BY_CASE_SYSTEMS:
            values = {"aansluiting_id": world.pre.aansluiting.id, "rows": ROWS} if "%(rows)s" in statement else None
            await connection.execute(statement.encode(), values)
        await connection.execute(b"SET plan_cache_mode = force_generic_plan")
        plans = [await plan(connection, "case_events", name) for name in ("claim", "verzoek_of", "take")]
    whole = [re.findall(r"Seq Scan on (?:case_event|delivery_step)\w*", text) for text in plans]
    assert whole == [[], [], []]


async def test_no_look_for_who_is_to_be_told_reads_a_whole_table(world: World) -> None:
    async with world.pool.connection() as connection:
        for statement in TOLD:
            await connection.execute(statement.encode(), {"aansluiting_id": world.pre.aansluiting.id, "rows": ROWS})
        await connection.execute(b"SET plan_cache_mode = force_generic_plan")
        plans = [await plan(connection, *name) for name in (("tellings", "claim"), ("deliveries", "open"))]
    whole = [re.findall(r"Seq Scan on (?:telling|kennisgeving)\w*", text) for text in plans]
    assert whole == [[], []]


async def plan(connection: Connection, file: str, name: str) -> str:
    """How the server goes about this statement of a file, whatever the values are, as GroupCommit has it."""
    names: dict[str, int] = {}

    def numbered(match: "re.Match[str]") -> str:
        return f"${names.setdefault(match[1], len(names) + 1)}"

    query = re.sub(r"%\((\w+)\)[sb]", numbered, queries.load(file)[name].decode())
    await connection.execute(f"PREPARE {name} AS {query}".encode())
    nulls = ", ".join(["NULL"] * len(names))
    shown = await connection.execute(f"EXPLAIN EXECUTE {name}{f'({nulls})' if nulls else ''}".encode())
    return "\n".join(row["QUERY PLAN"] for row in await shown.fetchall())
