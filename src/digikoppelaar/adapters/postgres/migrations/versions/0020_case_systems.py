"""What the key of an application opens, and what case systems tell of zaken."""

from digikoppelaar.adapters.postgres.migrations import run_sql

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Run 0020_case_systems.sql."""
    run_sql("0020_case_systems.sql")
