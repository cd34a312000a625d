"""Generic ebMS messages."""

from digikoppelaar.adapters.postgres.migrations import run_sql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Run 0003_messages.sql."""
    run_sql("0003_messages.sql")
