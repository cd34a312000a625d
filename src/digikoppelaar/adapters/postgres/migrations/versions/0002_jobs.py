"""Job queue."""

from procrastinate.schema import SchemaManager

from digikoppelaar.adapters.postgres.migrations import run, run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Run the schema of procrastinate 3.10 and then 0002_jobs.sql.

    A release of procrastinate that changes its schema brings migrations of its own: a step of ours runs them.
    """
    run(SchemaManager.get_schema().encode())
    run_sql("0002_jobs.sql")
