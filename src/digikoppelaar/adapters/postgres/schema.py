"""Which version of the schema this program needs, and whether a database has it. Cheap to import, unlike `migrate`."""

from typing import Final

import psycopg

from digikoppelaar.adapters.postgres.connect import redacted
from digikoppelaar.errors import ConfigError, StorageError

NEEDED: Final = "0033"
"""The newest step of migrations/versions."""


def why(error: psycopg.Error) -> str:
    """What went wrong, for people: of a refused connection the first line, of a statement only the kind of error."""
    told = str(error).splitlines() if isinstance(error, psycopg.OperationalError) and error.sqlstate is None else []
    return told[0] if told else type(error).__name__


def schema_version(url: str) -> str | None:
    """The step that the database is at; None when there is no schema. Raises StorageError."""
    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            return _version(connection)
    except psycopg.Error as error:
        reason = f"{redacted(url)} cannot be asked for its schema: {why(error)}"
        raise StorageError(f"the database {reason}") from error


def _version(connection: psycopg.Connection) -> str | None:
    if connection.execute("SELECT to_regclass('alembic_version')").fetchone() == (None,):
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row[0]) if row else None


def require_schema(url: str) -> None:
    """Raises ConfigError unless the database has exactly the schema that this program needs."""
    found = schema_version(url)
    if found is None or found < NEEDED:
        raise ConfigError(
            f"the database schema is {f'at {found}' if found else 'not there yet'} and must be at {NEEDED}",
            advice="Voer `digikoppelaar migrate` uit en start opnieuw.",
        )
    if found > NEEDED:
        raise ConfigError(
            f"the database schema is at {found}, newer than the {NEEDED} of this program",
            advice="Deze database hoort bij een nieuwere versie: werk digikoppelaar bij op deze machine.",
        )
