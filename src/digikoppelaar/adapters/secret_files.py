"""Secrets in files: API keys, tokens, passwords, keys of signatures. Their content is in no error."""

import re
from pathlib import Path
from typing import Final

from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.webhooks import LEAST_SECRET

_LINE: Final = re.compile(r"[!-~](?:[ -~]*[!-~])?", re.ASCII)
"""What may stand in a header."""


def secret_line(file: Path, what: str) -> str:
    """The one line of the file; `what` is what it holds, for errors. Raises ConfigError when it is no such line."""
    try:
        secret = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{what} file {file}: cannot be read ({type(error).__name__})") from None
    if not _LINE.fullmatch(secret):
        raise ConfigError(f"{what} file {file}: does not hold one line of printable ASCII")
    return secret


class SecretFiles:
    """flows.webhooks.Secrets."""

    def secret(self, file: str) -> bytes:
        """See flows.webhooks.Secrets."""
        try:
            found = Path(file).read_bytes().strip()
        except OSError as error:
            raise ConfigError(f"secret file {file}: {error.strerror}") from error
        if len(found) < LEAST_SECRET:
            raise ConfigError(
                f"secret file {file} holds less than {LEAST_SECRET} bytes",
                advice="Maak een geheim met bijvoorbeeld `openssl rand -hex 32`.",
            )
        return found
