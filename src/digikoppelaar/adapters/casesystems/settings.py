"""The settings of one target, read key by key, so that every wrong one is told by its name. Pure."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from digikoppelaar.errors import ConfigError


@dataclass(slots=True)
class Settings:
    """The flat texts of a target (see flows.targets), `below` a table of it. Every method raises ConfigError."""

    values: Mapping[str, str]
    below: str = ""
    _read: set[str] = field(default_factory=set)

    def has(self, key: str) -> bool:
        """Whether it, or anything in a table under it, is set."""
        start = f"{self.below}{key}."
        return f"{self.below}{key}" in self.values or any(name.startswith(start) for name in self.values)

    def text(self, key: str, default: str | None = None) -> str:
        """Its text; without a default it must be set."""
        name = f"{self.below}{key}"
        self._read.add(name)
        value = self.values.get(name, default)
        if not value:
            raise ConfigError(f"setting {name} is missing")
        return value

    def optional(self, key: str, default: str = "") -> str:
        """Its text; `default` when it is not set, or set to nothing."""
        name = f"{self.below}{key}"
        self._read.add(name)
        return self.values.get(name) or default

    def choice(self, key: str, choices: tuple[str, ...], default: str | None = None) -> str:
        """One of `choices`; `default`, or else the first, when it is not set."""
        usual = choices[0] if default is None else default
        value = self.optional(key, usual)
        if value not in {*choices, usual}:
            raise ConfigError(f"setting {self.below}{key} must be one of {', '.join(choices)}")
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """`true` or `false` in the apply file."""
        return self.choice(key, ("ja", "nee") if default else ("nee", "ja")) == "ja"

    def number(self, key: str, default: int) -> int:
        """A whole number above zero."""
        value = self.text(key, str(default))
        if not re.fullmatch(r"[1-9][0-9]{0,8}", value, re.ASCII):
            raise ConfigError(f"setting {self.below}{key} must be a whole number above zero")
        return int(value)

    def fraction(self, key: str, default: float) -> float:
        """A number from zero on, with decimals if need be."""
        value = self.optional(key, str(default))
        if not re.fullmatch(r"[0-9]{1,7}(\.[0-9]{1,9})?", value, re.ASCII):
            raise ConfigError(f"setting {self.below}{key} must be a number, such as 8 or 0.5")
        return float(value)

    def file(self, key: str) -> Path | None:
        """A name of a file; None when it is not set."""
        return Path(self.text(key)) if self.has(key) else None

    def table(self, key: str, names: Collection[str] = ()) -> Mapping[str, str]:
        """The texts under it, by their names: any, or only those in `names`. A list has the names 1, 2 and so on."""
        start = f"{self.below}{key}."
        found = {name.removeprefix(start): text for name, text in self.values.items() if name.startswith(start)}
        known = {name: text for name, text in found.items() if not names or name in names}
        self._read |= {f"{start}{name}" for name in known}
        return known

    def listed(self, key: str, choices: tuple[str, ...], default: tuple[str, ...]) -> tuple[str, ...]:
        """A list out of `choices`."""
        found = tuple(self.table(key).values()) or default
        if not set(found) <= set(choices):
            raise ConfigError(f"setting {self.below}{key} must be a list out of {', '.join(choices)}")
        return found

    def under(self, key: str) -> "Settings":
        """The table under it, to be read key by key."""
        return Settings(self.values, f"{self.below}{key}.", self._read)

    def done(self) -> None:
        """Everything was read: what is left is a mistake."""
        if unknown := sorted(set(self.values) - self._read):
            raise ConfigError(f"there is no setting {', '.join(unknown)}")
