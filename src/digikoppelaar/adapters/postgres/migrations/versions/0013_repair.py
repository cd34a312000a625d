"""Repair by hand."""

from digikoppelaar.adapters.postgres.migrations import run_sql

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Run 0013_repair.sql."""
    run_sql("0013_repair.sql")
