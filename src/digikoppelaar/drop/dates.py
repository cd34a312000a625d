"""Days as Dutch text, and found again in it. Pure."""

import re
from datetime import date
from typing import Final

MONTHS: Final = (
    "januari",
    "februari",
    "maart",
    "april",
    "mei",
    "juni",
    "juli",
    "augustus",
    "september",
    "oktober",
    "november",
    "december",
)


def dutch_date(day: date) -> str:
    """As a reader is to see it: `3 juni 2026`."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def names_date(text: str, day: date) -> bool:
    """Whether `text` has the day in a usual form: `3 juni 2026`, `03-06-2026`, `3/6/2026` or `2026-06-03`."""
    in_words = rf"0?{day.day}\s+{MONTHS[day.month - 1]}\s+{day.year}"
    in_digits = rf"0?{day.day}(?P<sign>[-/.])0?{day.month}(?P=sign){day.year}"
    return bool(re.search(rf"(?<!\d)(?:{in_words}|{in_digits}|{day.isoformat()})(?!\d)", text, re.IGNORECASE))
