"""The schema as forward-only steps: one SQL file each, run as it is on the driver's own connection."""

from pathlib import Path

from alembic import op


def run_sql(name: str) -> None:
    """Run the file `name` of the folder `versions`."""
    run((Path(__file__).parent / "versions" / name).read_bytes())


def run(statements: bytes) -> None:
    """Run statements past SQLAlchemy, which would take `:name` in them for a parameter."""
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute(statements)
