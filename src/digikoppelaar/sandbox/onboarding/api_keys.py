"""The API keys that the portal gave, and whether one may be used. Pure; a key itself is not kept, only its SHA-256."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date

from digikoppelaar.errors import ConfigError


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key for the holder of `oin` in `omgeving` (the word of the portal), good until the end of `until`."""

    id: str
    oin: str
    omgeving: str
    naam: str
    until: date
    sha256: bytes = field(repr=False)


@dataclass(slots=True)
class ApiKeys:
    """All that were given and not taken back, by id. `here` is the omgeving in which they are shown."""

    here: str = "PRE"
    keys: dict[str, ApiKey] = field(default_factory=dict)
    _last_id: int = 0

    def give(self, secret: str, oin: str, omgeving: str, naam: str, until: date) -> ApiKey:
        """Remember that `secret` is a key from now on."""
        self._last_id += 1
        key = ApiKey(str(self._last_id), oin, omgeving, naam, until, _digest(secret))
        self.keys[key.id] = key
        return key

    def take_back(self, key_id: str) -> None:
        """It opens nothing any more. Raises ConfigError when there is none with this id."""
        if self.keys.pop(key_id, None) is None:
            raise ConfigError("there is no such API key", advice="Deze API-key is er niet; kies er een uit de lijst.")

    def problem(self, secret: str, oins: Collection[str], today: date) -> str:
        """Why it opens nothing here for one of `oins`; empty when it does."""
        found = next((key for key in self.keys.values() if key.sha256 == _digest(secret)), None)
        if found is None:
            return "missing or unknown"
        if found.oin not in oins:
            return f"of OIN {found.oin}"
        if found.omgeving != self.here:
            return f"of {found.omgeving}"
        return f"expired on {found.until}" if found.until < today else ""


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
