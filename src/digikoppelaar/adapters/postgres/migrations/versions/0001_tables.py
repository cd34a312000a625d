"""Tables."""

from digikoppelaar.adapters.postgres.migrations import run_sql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Run 0001_tables.sql."""
    run_sql("0001_tables.sql")
