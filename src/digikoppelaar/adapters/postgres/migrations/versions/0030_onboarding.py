"""How far onboarding is, and who did what to it."""

from digikoppelaar.adapters.postgres.migrations import run_sql

revision = "0030"
down_revision = "0022"


def upgrade() -> None:
    """Run 0030_onboarding.sql."""
    run_sql("0030_onboarding.sql")
