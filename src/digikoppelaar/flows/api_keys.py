"""API keys: who an application is. A key is `dk_<prefix>_<secret>`, shown once; only its SHA-256 is kept.

A plain hash is enough, for the secret has 256 random bits: there is nothing to guess, and so nothing to slow down.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.application import Application, Right

PREFIX_BYTES: Final = 6
SECRET_BYTES: Final = 32
_KEY: Final = re.compile(r"dk_([0-9a-f]{12})_[A-Za-z0-9_-]{43}", re.ASCII)
_NOBODY: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class ApiKeyRow:
    """A key as people may see it."""

    prefix: str
    name: str
    omgeving: str
    organisatie_oin: str
    rights: tuple[str, ...]
    created_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class KnownKey:
    """What is on record of a key that was not revoked."""

    omgeving: str
    organisatie_oin: str
    name: str
    rights: frozenset[Right]
    sha256: bytes = field(repr=False)


class ApiKeyStore(Protocol):
    """API keys. Every method is one transaction and raises StorageError."""

    async def insert_api_key(self, row: ApiKeyRow, sha256: bytes) -> bool:
        """Keep it; False when the organisatie has no aansluiting in the omgeving."""

    async def api_keys(self) -> list[ApiKeyRow]:
        """All, revoked ones too."""

    async def revoke_api_key(self, prefix: str, now: datetime) -> bool:
        """From now on it is nobody's; False when there is none."""

    async def api_key(self, prefix: str) -> KnownKey | None:
        """The key with this prefix, unless it was revoked."""


class Randomness(Protocol):
    """Where secrets come from; randomness lives at the edge."""

    def prefix(self) -> str:
        """PREFIX_BYTES random bytes in lower-case hexadecimal."""

    def secret(self) -> str:
        """SECRET_BYTES random bytes in URL-safe base64 without padding."""


async def create(
    store: ApiKeyStore,
    random: Randomness,
    *,
    omgeving: str,
    organisatie_oin: str,
    name: str,
    now: datetime,
    rights: Iterable[Right] = (Right.MESSAGES,),
) -> str:
    """A new key, to be shown once. Raises ConfigError when the organisatie has no aansluiting in this omgeving."""
    prefix = random.prefix()
    key = f"dk_{prefix}_{random.secret()}"
    row = ApiKeyRow(prefix, name, omgeving, organisatie_oin, tuple(sorted(set(rights))), now)
    if not await store.insert_api_key(row, _digest(key)):
        raise ConfigError(
            f"organisatie {organisatie_oin} has no aansluiting in {omgeving}",
            advice="Leg de aansluiting van deze organisatie eerst vast met `digikoppelaar organisatie apply`.",
        )
    return key


async def revoke(store: ApiKeyStore, prefix: str, now: datetime) -> None:
    """Let the key with this prefix be nobody's. Again is fine. Raises ConfigError when there is none."""
    if not await store.revoke_api_key(prefix, now):
        raise ConfigError(f"there is no API key {prefix}", advice="Zie `digikoppelaar api-key list`.")


def prefix_of(key: str) -> str:
    """The part of a key that people may see."""
    return key.split("_")[1]


async def holder(store: ApiKeyStore, key: str) -> Application | None:
    """Whose key this is; None when it is nobody's. Compared in constant time, and also when there is no such key."""
    matched = _KEY.fullmatch(key)
    known = await store.api_key(matched[1]) if matched else None
    right = hmac.compare_digest(_digest(key), known.sha256 if known else _NOBODY)
    if not matched or not known or not right:
        return None
    return Application(known.omgeving, known.organisatie_oin, matched[1], known.name, known.rights)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode(errors="replace")).digest()
