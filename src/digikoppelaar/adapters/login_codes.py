"""One-time codes by pyotp (TOTP, RFC 6238), with secrets sealed by a key in a file (Fernet, of cryptography).

Who has the database alone has no second factor of anybody; the key file goes into another backup than the database.
"""

import hmac
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyotp
from cryptography.fernet import Fernet, InvalidToken

from digikoppelaar.adapters.disk import put_file
from digikoppelaar.errors import ConfigError

PERIOD: Final = 30
"""Seconds of a time step."""
_STEPS: Final = (0, -1, 1)
"""The clock of a telephone may be half a minute off, either way."""


@dataclass(frozen=True, slots=True)
class SealedCodes:
    """flows.login.Codes. Raises ConfigError when `key_file` cannot be used; it is made when it is not there."""

    key_file: Path
    issuer: str = "Digikoppelaar"

    def new_secret(self) -> bytes:
        """See flows.login.Codes."""
        return self._seal().encrypt(pyotp.random_base32().encode())

    def address(self, secret: bytes, name: str) -> str:
        """See flows.login.Codes."""
        return self._open(secret).provisioning_uri(name=name, issuer_name=self.issuer)

    def step_of(self, secret: bytes, code: str, at: float) -> int | None:
        """See flows.login.Codes."""
        given, made = code.replace(" ", "").encode(errors="replace"), self._open(secret)
        now = int(at) // PERIOD
        fits = [now + off for off in _STEPS if hmac.compare_digest(made.generate_otp(now + off).encode(), given)]
        return fits[0] if fits else None

    def _open(self, secret: bytes) -> pyotp.TOTP:
        try:
            return pyotp.TOTP(self._seal().decrypt(secret).decode(), interval=PERIOD)
        except InvalidToken as error:
            raise _unusable(self.key_file, "is not the key with which the codes were sealed") from error

    def _seal(self) -> Fernet:
        try:
            return Fernet(self.key_file.read_bytes().strip())
        except FileNotFoundError:
            return self._made()
        except OSError as error:
            raise _unusable(self.key_file, error.strerror or "cannot be read") from error
        except ValueError as error:
            raise _unusable(self.key_file, "is not a Fernet key") from error

    def _made(self) -> Fernet:
        try:
            self.key_file.parent.mkdir(parents=True, exist_ok=True)
            put_file(self.key_file, Fernet.generate_key() + b"\n", 0o600, replace=False)
        except FileExistsError:  # somebody else just did
            pass
        except OSError as error:
            raise _unusable(self.key_file, error.strerror or "cannot be written") from error
        return self._seal()


def _unusable(file: Path, reason: str) -> ConfigError:
    return ConfigError(
        f"web.code_key_file {file}: {reason}",
        advice="Zet het sleutelbestand terug uit de reservekopie, of laat iedereen een nieuwe code instellen met "
        "`digikoppelaar account reset-code`.",
    )
