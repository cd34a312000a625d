"""Errands to the CPA register and to DSO-LV."""

from digikoppelaar.adapters.postgres.migrations import run_sql

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    """Run 0031_errands.sql."""
    run_sql("0031_errands.sql")
