"""Bringing the schema of a database up to date. Forward only, and safe to run from several processes at once.

Alembic and SQLAlchemy are heavy: run this in a process of its own, not in one that serves.
"""

from pathlib import Path
from typing import Any, Final

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import NullPool, create_engine
from sqlalchemy.exc import DBAPIError

from digikoppelaar.adapters.postgres.schema import why
from digikoppelaar.errors import StorageError

_LOCK: Final = 0x6469_6769_6B6F_7070
"""Key of the advisory lock ("digikopp"): whoever comes second waits, and finds nothing left to do."""


def migrate(url: str) -> list[str]:
    """Apply every step that the database does not have, all in one transaction; the names of what was applied.

    Raises StorageError when the database cannot be reached or a step fails; nothing is changed then.
    """
    applied: list[str] = []

    def on_version_apply(*, step: Any, **_: Any) -> None:
        applied.append(f"{step.up_revision.revision} {step.up_revision.doc.rstrip('.').lower()}")

    try:
        _upgrade(url, on_version_apply)
    except psycopg.Error as error:
        raise StorageError(f"the schema could not be brought up to date: {why(error)}") from error
    except DBAPIError as error:
        cause = why(error.orig) if isinstance(error.orig, psycopg.Error) else type(error).__name__
        raise StorageError(f"the schema could not be brought up to date: {cause}") from error
    return applied


def _upgrade(url: str, on_version_apply: Any) -> None:
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(url, connect_timeout=10), poolclass=NullPool
    )
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        config.attributes.update(connection=connection, on_version_apply=on_version_apply)
        command.upgrade(config, "head")
