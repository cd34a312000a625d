"""A table of the file of `organisatie apply`, read key by key. Every method raises ConfigError that says where."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Final

from digikoppelaar.errors import ConfigError, OinError
from digikoppelaar.pki.oin import check_oin

MOST_DAYS: Final = 3650
"""Of a period; a gateway is no archive."""
_ADDRESS: Final = re.compile(r"[!-~]{1,64}@[0-9A-Za-z.-]{1,255}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Table:
    """A table called `name`; relative names of files in it are behind the folder `base`."""

    name: str
    values: Mapping[str, Any]
    base: str

    def text(self, key: str, choices: tuple[str, ...] = ()) -> str:
        """A text that is not empty, one of `choices` when there are any."""
        value = self.values.get(key)
        if not isinstance(value, str) or not value:
            raise ConfigError(f"{self.name}: {key} is missing or is not a text")
        if choices and value not in choices:
            raise ConfigError(f"{self.name}: {key} must be one of {', '.join(choices)}")
        return value

    def oin(self, key: str) -> str:
        """An OIN."""
        value = self.text(key)
        try:
            return check_oin(value)
        except OinError as error:
            raise ConfigError(
                f"{self.name}: {key} must have 20 positions, the first eight digits, leading zeros included"
            ) from error

    def file(self, key: str) -> str:
        """The name of a file, behind the folder of the apply file when it is relative."""
        name = self.text(key)
        return name if name.startswith("/") else f"{self.base}/{name}"

    def day(self, key: str) -> datetime:
        """The begin of a day, or a moment; without a time zone it is UTC."""
        value = self.values.get(key)
        if isinstance(value, datetime):
            return value if value.tzinfo else value.replace(tzinfo=UTC)
        if isinstance(value, date):
            return datetime.combine(value, time(), UTC)
        raise ConfigError(f"{self.name}: {key} must be a date, such as 2026-01-31")

    def days(self, key: str) -> int | None:
        """A number of days; None without one."""
        value = self.values.get(key)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST_DAYS):
            raise ConfigError(f"{self.name}: {key} must be a whole number of days, at most {MOST_DAYS}")
        return value

    def addresses(self, key: str) -> tuple[str, ...]:
        """Mail addresses; none without the key."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(each, str) and _ADDRESS.fullmatch(each) for each in value):
            raise ConfigError(f"{self.name}: {key} must be a list of mail addresses")
        return tuple(value)

    def table(self, key: str) -> "Table":
        """The table in it; empty without one."""
        value = self.values.get(key, {})
        if not isinstance(value, Mapping):
            raise ConfigError(f"{self.name}: {key} must be a table")
        return Table(f"{self.name}.{key}", value, self.base)
