"""The keys of the keyed hashes (stam.fingerprints), in one file: a line of hexadecimal each, the newest first.

The file is readable for its owner only. Who has it and the database can find out of whom a hash is, so it goes into
another backup than the database (docs/howto/backup.md). Several machines need the same file.
"""

import hashlib
import secrets
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

from digikoppelaar.adapters.disk import in_thread, put_file
from digikoppelaar.errors import ConfigError
from digikoppelaar.stam.fingerprints import Key

BYTES: Final = 32
"""Of a key: as long as the hash."""
_ID_LENGTH: Final = 12


class FingerprintKeyFile:
    """flows.ports.retention.FingerprintKeys. Every method raises ConfigError when the file cannot be used."""

    def __init__(self, file: Path) -> None:
        self._file = file

    async def current(self) -> Key:
        """The newest key; the file is made when it is not there."""
        return (await in_thread(None, self._read_or_make))[0]

    async def find(self, key_id: str) -> Key | None:
        """The key with this id, if it is kept."""
        keys = await in_thread(None, self._read)
        return next((key for key in keys if key.id == key_id), None)

    async def rotate(self) -> Key:
        """A new key for what is hashed from now on; the others stay as long as a hash needs them."""
        return (await in_thread(None, self._rotate))[0]

    async def keep_only(self, key_ids: Collection[str]) -> None:
        """Destroy every key but the newest and those with these ids."""
        await in_thread(None, self._keep_only, frozenset(key_ids))

    def _read(self) -> list[Key]:
        try:
            keys = [_key(bytes.fromhex(line)) for line in self._file.read_text().split()]
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as error:
            raise _unusable(self._file, error) from error
        if not keys:
            raise _unusable(self._file, ValueError("empty"))
        return keys

    def _read_or_make(self) -> list[Key]:
        keys = self._read()
        if not keys:
            self._write([_key(secrets.token_bytes(BYTES))], new=True)
            keys = self._read()
        return keys

    def _rotate(self) -> list[Key]:
        self._write([_key(secrets.token_bytes(BYTES)), *self._read()])
        return self._read()

    def _keep_only(self, key_ids: frozenset[str]) -> None:
        keys = self._read()
        kept = [key for position, key in enumerate(keys) if position == 0 or key.id in key_ids]
        if len(kept) < len(keys):
            self._write(kept)

    def _write(self, keys: Sequence[Key], *, new: bool = False) -> None:
        """Whole or not at all; `new`: only when there is no file, for two may make one at once."""
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            content = "".join(f"{key.secret.hex()}\n" for key in keys).encode()
            put_file(self._file, content, 0o600, replace=not new)
        except FileExistsError:
            return
        except OSError as error:
            raise _unusable(self._file, error) from error


def _key(secret: bytes) -> Key:
    if len(secret) != BYTES:
        raise ValueError(f"a key has {BYTES} bytes")
    return Key(hashlib.sha256(b"digikoppelaar fingerprint key" + secret).hexdigest()[:_ID_LENGTH], secret)


def _unusable(file: Path, error: Exception) -> ConfigError:
    reason = error.strerror if isinstance(error, OSError) else "not lines of 64 hexadecimal digits"
    return ConfigError(
        f"retention.fingerprint_key_file {file}: {reason}",
        advice="Zet het sleutelbestand terug uit de reservekopie, met rechten voor alleen de eigenaar.",
    )
