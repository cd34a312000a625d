"""Notifications that are passed on."""

from digikoppelaar.adapters.postgres.migrations import run_sql

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Run 0012_pass_on.sql."""
    run_sql("0012_pass_on.sql")
