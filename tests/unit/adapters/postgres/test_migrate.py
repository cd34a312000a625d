"""The schema against a real server."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from digikoppelaar.adapters.postgres import migrate as migrate_module
from digikoppelaar.adapters.postgres import schema
from digikoppelaar.adapters.postgres.embedded import Lease
from digikoppelaar.adapters.postgres.migrate import migrate
from digikoppelaar.errors import ConfigError, StorageError


@pytest.fixture
def empty_url(postgres: Lease) -> str:
    server = postgres.url.rpartition("/")[0]
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS empty WITH (FORCE)")
        connection.execute("CREATE DATABASE empty TEMPLATE template0")
    return f"{server}/empty"


STEPS = [
    "0001 tables",
    "0002 job queue",
    "0003 generic ebms messages",
    "0004 certificates and crls",
    "0005 applications",
    "0006 rulings and order",
    "0007 deliveries to targets, and their steps",
    "0008 areas, searches for missed verzoeken, and daily reports",
    "0009 the view log",
    "0010 what an administrator should know of a verzoek",
    "0011 cases linked by hand, and what people did by hand",
    "0012 notifications that are passed on",
    "0013 repair by hand",
    "0014 deleting what was delivered, with a record of it, and keyed hashes",
    "0015 the worklist and its mails",
    "0016 kennisgevingen to be published, and who did what to them",
    "0017 no log of jobs that nobody reads",
    "0019 who is to be told what became of a kennisgeving",
    "0020 what the key of an application opens, and what case systems tell of zaken",
    "0021 what was sent to koop and what it answered, and the word of a person that a stage is good",
    "0022 of what no kennisgeving could be drafted",
    "0030 how far onboarding is, and who did what to it",
    "0031 errands to the cpa register and to dso-lv",
    "0032 a publication is of one kennisgeving",
    "0033 who may log in, and what each may",
]


def test_steps_are_applied_once_and_named(empty_url: str) -> None:
    assert schema.schema_version(empty_url) is None
    assert migrate(empty_url) == STEPS
    assert migrate(empty_url) == []
    assert schema.schema_version(empty_url) == schema.NEEDED


def test_the_needed_version_is_the_newest_step() -> None:
    steps = (Path(migrate_module.__file__).parent / "migrations" / "versions").glob("*.py")
    assert max(step.name[:4] for step in steps) == schema.NEEDED


def test_processes_that_migrate_at_once_do_it_once(empty_url: str) -> None:
    with ThreadPoolExecutor(1) as pool:  # alembic keeps its context per process, so the second one blocks outside it
        with psycopg.connect(empty_url) as other:
            other.execute(f"SELECT pg_advisory_xact_lock({migrate_module._LOCK})")
            applied = pool.submit(migrate, empty_url)
            waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            while other.execute(waiting).fetchone() == (0,):
                assert not applied.done()
        assert applied.result(30) == STEPS


def test_a_missing_or_newer_schema_is_told_with_advice(empty_url: str, database_url: str) -> None:
    schema.require_schema(database_url)
    with pytest.raises(ConfigError, match="not there yet") as missing:
        schema.require_schema(empty_url)
    assert "digikoppelaar migrate" in missing.value.advice
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ConfigError, match="newer"):
        schema.require_schema(database_url)


def test_a_step_that_fails_leaves_nothing(empty_url: str) -> None:
    with psycopg.connect(empty_url) as connection:
        connection.execute("CREATE TABLE step (taken text)")
    with pytest.raises(StorageError):
        migrate(empty_url)
    with psycopg.connect(empty_url) as connection:
        assert connection.execute("SELECT to_regclass('organisatie')").fetchone() == (None,)


def test_every_table_says_what_it_is_and_all_traffic_hangs_on_the_aansluiting(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        silent = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
            " AND obj_description(oid) IS NULL AND relname NOT LIKE 'procrastinate%' AND relname <> 'alembic_version'"
        ).fetchall()
        hanging = connection.execute(
            "SELECT table_name FROM information_schema.columns WHERE column_name = 'aansluiting_id'"
        ).fetchall()
    assert silent == []
    assert {name for (name,) in hanging} == {
        *("cpa", "inbound_message", "message_event", "payload", "outbound_message", "attempt"),
        *("notification", "verzoek", "verzoek_file", "step", "certificate_mapping", "webhook"),
        *("delivery", "catch_up_search", "verwijzing", "daily_report"),
        *("case_link", "intervention", "kennisgeving", "kennisgeving_log", "no_kennisgeving", "telling"),
        *("kennisgeving_request", "kennisgeving_attempt", "stage_confirmation"),
        *("errand", "case_event"),
        *("purge", "fingerprint_set", "ended_verzoek", "ended_notification", "ended_inbound", "ended_outbound"),
    }
