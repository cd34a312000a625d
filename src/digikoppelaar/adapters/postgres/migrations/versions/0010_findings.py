"""What an administrator should know of a verzoek."""

from digikoppelaar.adapters.postgres.migrations import run_sql

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Run 0010_findings.sql."""
    run_sql("0010_findings.sql")
