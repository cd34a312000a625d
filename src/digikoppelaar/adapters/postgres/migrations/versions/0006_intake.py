"""Rulings and order."""

from digikoppelaar.adapters.postgres.migrations import run_sql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Run 0006_intake.sql."""
    run_sql("0006_intake.sql")
