"""Of what no kennisgeving could be drafted."""

from digikoppelaar.adapters.postgres.migrations import run_sql

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Run 0022_not_drafted.sql."""
    run_sql("0022_not_drafted.sql")
