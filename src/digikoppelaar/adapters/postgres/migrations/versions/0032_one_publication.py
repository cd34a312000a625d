"""A publication is of one kennisgeving."""

from digikoppelaar.adapters.postgres.migrations import run_sql

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    """Run 0032_one_publication.sql."""
    run_sql("0032_one_publication.sql")
