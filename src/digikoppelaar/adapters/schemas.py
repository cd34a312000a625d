"""Reading the official schemas that an administrator put in a folder."""

from pathlib import Path

from digikoppelaar.errors import ConfigError
from digikoppelaar.stam.schema import Schemas, read_schemas


def open_schemas(folder: Path | None) -> Schemas:
    """The schemas of every *.xsd in `folder` and below; none without a folder. Raises ConfigError."""
    if folder is None:
        return {}
    try:
        files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.xsd"))}
    except OSError as error:
        raise ConfigError(f"stam.schema_folder {folder}: {error.strerror}") from error
    if not files:
        raise ConfigError(f"stam.schema_folder {folder}: holds no file that ends in .xsd")
    return read_schemas(files)
