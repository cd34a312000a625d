"""A real PostgreSQL for tests: one embedded server for the session, a fresh migrated database for each test."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from digikoppelaar.adapters.postgres.embedded import Lease, acquire
from digikoppelaar.adapters.postgres.migrate import migrate

_NUMBERS = count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Lease]:
    """The server. Not in tmp_path: as root it runs under another account, which may not enter pytest's folders."""
    folder = Path(tempfile.mkdtemp(prefix="digikoppelaar-"))
    folder.chmod(0o711)
    lease = acquire(folder)
    yield lease
    lease.release()
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def migrated(postgres: Lease) -> Lease:
    """The server, of which the database `digikoppelaar` has the schema; tests leave that one alone."""
    migrate(postgres.url)
    return postgres


@pytest.fixture
def database_url(migrated: Lease) -> Iterator[str]:
    """The URL of a fresh database with the schema."""
    with fresh_database(migrated) as url:
        yield url


@contextmanager
def fresh_database(migrated: Lease) -> Iterator[str]:
    """One more of them, for the duration of the block."""
    name = f"test_{next(_NUMBERS)}"
    with psycopg.connect(migrated.url.rpartition("/")[0] + "/postgres", autocommit=True) as server:
        server.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE digikoppelaar STRATEGY FILE_COPY").format(sql.Identifier(name))
        )
        yield migrated.url.rpartition("/")[0] + "/" + name
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
