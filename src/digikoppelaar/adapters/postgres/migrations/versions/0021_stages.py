"""What was sent to KOOP and what it answered, and the word of a person that a stage is good."""

from digikoppelaar.adapters.postgres.migrations import run_sql

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Run 0021_stages.sql."""
    run_sql("0021_stages.sql")
