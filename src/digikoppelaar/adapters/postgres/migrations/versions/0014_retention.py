"""Deleting what was delivered, with a record of it, and keyed hashes."""

from digikoppelaar.adapters.postgres.migrations import run_sql

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Run 0014_retention.sql."""
    run_sql("0014_retention.sql")
