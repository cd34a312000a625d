"""The SQL of the stores: `.sql` files in the folder `sql`, each query after a line `-- name: ...`."""

import re
from collections.abc import Mapping
from importlib.resources import files

_NAME = re.compile(rb"^-- name: (\w+)$", re.MULTILINE)


def load(name: str) -> Mapping[str, bytes]:
    """The queries of `sql/<name>.sql` by their name."""
    text = (files("digikoppelaar.adapters.postgres") / "sql" / f"{name}.sql").read_bytes()
    _, *parts = _NAME.split(text)
    return {key.decode(): query.strip() for key, query in zip(parts[::2], parts[1::2], strict=True)}
