"""Who is to be told what became of a kennisgeving."""

from digikoppelaar.adapters.postgres.migrations import run_sql

revision = "0019"
down_revision = "0017"


def upgrade() -> None:
    """Run 0019_tellings.sql."""
    run_sql("0019_tellings.sql")
