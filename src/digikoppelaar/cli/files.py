"""Files that somebody names on the command line: read whole, and data never beyond what their kind can be."""

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from digikoppelaar.errors import ConfigError

MEBIBYTE: Final = 1024 * 1024


def read_file(file: Path, limit: int, what: str) -> bytes:
    """The content of `file`, which is `what`, of at most `limit` bytes. Raises ConfigError."""
    try:
        with file.open("rb") as opened:
            content = opened.read(limit + 1)
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}") from error
    if len(content) > limit:
        raise ConfigError(f"{file} is over {limit // MEBIBYTE} MiB, which is too large for {what}")
    return content


@contextmanager
def in_file(file: Path) -> Iterator[None]:
    """Errors in the content of a file say which file it is."""
    try:
        yield
    except ConfigError as error:
        said = str(error)
        raise ConfigError(said if str(file) in said else f"{file}: {said}", advice=error.advice) from error


def read_toml(file: Path) -> dict[str, Any]:
    """The content of a TOML file. Raises ConfigError with the name of the file."""
    try:
        return tomllib.loads(file.read_text())
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{file}: not valid TOML: {error}") from error
