"""Passwords by Argon2id, with the parameters of RFC 9106 for little memory (argon2-cffi's own defaults)."""

from asyncio import Semaphore
from dataclasses import dataclass, field
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from digikoppelaar.adapters.disk import in_thread

_AT_ONCE: Final = 4
"""Each takes 64 MiB for a moment; who asks for more at once waits."""


@dataclass(frozen=True, slots=True)
class Argon2Passwords:
    """flows.login.Passwords. `hasher` is another one only where a test makes many accounts."""

    hasher: PasswordHasher = field(default_factory=PasswordHasher)
    _turn: Semaphore = field(default_factory=lambda: Semaphore(_AT_ONCE))

    async def hash(self, password: str) -> str:
        """See flows.login.Passwords."""
        async with self._turn:
            return await in_thread(None, self.hasher.hash, _bytes(password))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """See flows.login.Passwords. For nobody it hashes, which takes as long."""
        async with self._turn:
            if password_hash is None:
                await in_thread(None, self.hasher.hash, _bytes(password))
                return False
            return await in_thread(None, self._fits, password_hash, password)

    def outdated(self, password_hash: str) -> bool:
        """See flows.login.Passwords."""
        return self.hasher.check_needs_rehash(password_hash)

    def _fits(self, password_hash: str, password: str) -> bool:
        try:
            return self.hasher.verify(password_hash, _bytes(password))
        except (VerificationError, InvalidHashError):
            return False


def _bytes(password: str) -> bytes:
    return password.encode(errors="surrogatepass")
