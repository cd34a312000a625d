"""No log of jobs that nobody reads."""

from digikoppelaar.adapters.postgres.migrations import run_sql

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Run 0017_job_events.sql."""
    run_sql("0017_job_events.sql")
