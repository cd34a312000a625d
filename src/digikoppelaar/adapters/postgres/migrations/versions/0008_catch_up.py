"""Areas, searches for missed verzoeken, and daily reports."""

from digikoppelaar.adapters.postgres.migrations import run_sql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Run 0008_catch_up.sql."""
    run_sql("0008_catch_up.sql")
