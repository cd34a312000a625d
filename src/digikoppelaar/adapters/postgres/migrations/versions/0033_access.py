"""Who may log in, and what each may."""

from digikoppelaar.adapters.postgres.migrations import run_sql

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    """Run 0033_access.sql."""
    run_sql("0033_access.sql")
