"""The view log."""

from digikoppelaar.adapters.postgres.migrations import run_sql

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Run 0009_views.sql."""
    run_sql("0009_views.sql")
