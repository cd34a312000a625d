"""Secrets of one line in files: API keys, tokens, passwords. Their content is in no error."""

import re
from pathlib import Path
from typing import Final

from digikoppelaar.errors import ConfigError

_LINE: Final = re.compile(r"[!-~](?:[ -~]*[!-~])?", re.ASCII)
"""What may stand in a header."""


def one_line(file: Path, what: str) -> str:
    """The one line of the file; `what` is what it holds, for errors. Raises ConfigError when it is no such line."""
    try:
        secret = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{what} file {file}: cannot be read ({type(error).__name__})") from None
    if not _LINE.fullmatch(secret):
        raise ConfigError(f"{what} file {file}: does not hold one line of printable ASCII")
    return secret
