"""The SQL of the stores: `.sql` files in the folder `sql`, each query after a line `-- name: ...`."""

import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Final

_NAME: Final = re.compile(rb"^-- name: (\w+)$", re.MULTILINE)
_FOR_READERS: Final = re.compile(rb"^(--.*\n| +)", re.MULTILINE)
"""Comments and indentation: the driver keeps a query as it read it only when it is short (4096 bytes)."""


def load(name: str) -> Mapping[str, bytes]:
    """The queries of `sql/<name>.sql` by their name, without what only people read."""
    text = (files("digikoppelaar.adapters.postgres") / "sql" / f"{name}.sql").read_bytes()
    _, *parts = _NAME.split(text)
    queries = zip(parts[::2], parts[1::2], strict=True)
    return {key.decode(): _FOR_READERS.sub(b"", query).strip() for key, query in queries}
