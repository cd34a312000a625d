"""Deliveries to targets, and their steps."""

from digikoppelaar.adapters.postgres.migrations import run_sql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Run 0007_deliveries.sql."""
    run_sql("0007_deliveries.sql")
