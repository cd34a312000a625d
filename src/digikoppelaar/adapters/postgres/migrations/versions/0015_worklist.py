"""The worklist and its mails."""

from digikoppelaar.adapters.postgres.migrations import run_sql

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Run 0015_worklist.sql."""
    run_sql("0015_worklist.sql")
