"""Kennisgevingen to be published, and who did what to them."""

from digikoppelaar.adapters.postgres.migrations import run_sql

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Run 0016_kennisgevingen.sql."""
    run_sql("0016_kennisgevingen.sql")
