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
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
"""What neither the database, nor XML, nor a mail takes."""
_ADDRESS: Final = re.compile(r"[!-~]{1,64}@[0-9A-Za-z.-]{1,255}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Table:
    """A table called `name`; relative names of files in it are behind the folder `base`."""

    name: str
    values: Mapping[str, Any]
    base: str

    def wrong(self, what: str, advice: str) -> ConfigError:
        """The error that says what is wrong in this table, with an advice in Dutch."""
        return ConfigError(f"{self.name}: {what}", advice=advice)

    def only(self, *keys: str) -> None:
        """Raises ConfigError for a key that no such table has: a slip of the pen would pass unseen."""
        if unknown := sorted(set(self.values) - set(keys)):
            there = f"Verbeter of verwijder {', '.join(unknown)} in {self.name}. Wat er kan: {', '.join(keys)}."
            raise self.wrong(f"there is no setting {', '.join(unknown)}", there)

    def text(self, key: str, choices: tuple[str, ...] = ()) -> str:
        """A text that is not empty, one of `choices` when there are any."""
        value = self.values.get(key)
        if not isinstance(value, str) or not value:
            raise self.wrong(f"{key} is missing or is not a text", f"Zet in {self.name} een tekst achter {key} =.")
        if _CONTROL.search(value):
            advice = f"Haal uit {key} in {self.name} de tekens die geen letter of witruimte zijn (zoals \\u0000)."
            raise self.wrong(f"{key} has a control character", advice)
        if choices and value not in choices:
            options = ", ".join(choices)
            raise self.wrong(f"{key} must be one of {options}", f"Kies voor {key} in {self.name} een van {options}.")
        return value

    def chosen(self, key: str, choices: tuple[str, ...]) -> tuple[str, ...]:
        """Some of `choices`, in the order of the file; none without the key."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(each in choices for each in value):
            options = ", ".join(choices)
            advice = f'Geef voor {key} in {self.name} een lijst, zoals ["{choices[0]}"], uit {options}.'
            raise self.wrong(f"{key} must be a list out of {options}", advice)
        return tuple(value)

    def oin(self, key: str) -> str:
        """An OIN."""
        value = self.text(key)
        try:
            return check_oin(value)
        except OinError as error:
            raise self.wrong(
                f"{key} must have 20 positions, the first eight digits, leading zeros included",
                f"Neem {key} van {self.name} over uit het OIN-register: 20 cijfers, tussen aanhalingstekens.",
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
        advice = f"Schrijf {key} in {self.name} als datum zonder aanhalingstekens."
        raise self.wrong(f"{key} must be a date, such as 2026-01-31", advice)

    def days(self, key: str) -> int | None:
        """A number of days; None without one."""
        value = self.values.get(key)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST_DAYS):
            advice = f"Geef voor {key} in {self.name} een getal van 0 tot en met {MOST_DAYS}."
            raise self.wrong(f"{key} must be a whole number of days, at most {MOST_DAYS}", advice)
        return value

    def addresses(self, key: str) -> tuple[str, ...]:
        """Mail addresses; none without the key."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(each, str) and _ADDRESS.fullmatch(each) for each in value):
            advice = f"Geef voor {key} in {self.name} een lijst van e-mailadressen."
            raise self.wrong(f"{key} must be a list of mail addresses", advice)
        return tuple(value)

    def table(self, key: str) -> "Table":
        """The table in it; empty without one."""
        value = self.values.get(key, {})
        if not isinstance(value, Mapping):
            raise self.wrong(f"{key} must be a table", f"Schrijf {key} van {self.name} als tabel of tussen accolades.")
        return Table(f"{self.name}.{key}", value, self.base)
