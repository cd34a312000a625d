"""Applications."""

from digikoppelaar.adapters.postgres.migrations import run_sql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Run 0005_application.sql."""
    run_sql("0005_application.sql")
