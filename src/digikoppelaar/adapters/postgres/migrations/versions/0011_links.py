"""Cases linked by hand, and what people did by hand."""

from digikoppelaar.adapters.postgres.migrations import run_sql

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Run 0011_links.sql."""
    run_sql("0011_links.sql")
