"""Moments as STAM writes them, read tolerantly. Pure: no time zone files are opened."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Final

_WINTER: Final = timezone(timedelta(hours=1))
_SUMMER: Final = timezone(timedelta(hours=2))


def read_moment(text: str | None) -> datetime | None:
    """An ISO 8601 date-time or date as an aware moment in UTC; None when absent or unreadable.

    Without offset it is Dutch time, and a date without time is its first moment (stam.md 1.6 knows both forms).
    """
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=_dutch_offset(moment))).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _dutch_offset(moment: datetime) -> timezone:
    """Summer time: last Sunday of March, 02:00, to last Sunday of October, 03:00 (Directive 2000/84/EC)."""
    starts = datetime.combine(_last_sunday(moment.year, 3), time(2))
    ends = datetime.combine(_last_sunday(moment.year, 10), time(3))
    return _SUMMER if starts <= moment < ends else _WINTER


def _last_sunday(year: int, month: int) -> date:
    last = date(year, month, 31)
    return last - timedelta(days=last.isoweekday() % 7)
