"""When the other side wants to be asked again, as an HTTP answer says it. Pure."""

from datetime import datetime
from email.utils import parsedate_to_datetime


def retry_after(value: str, now: datetime) -> float | None:
    """What a Retry-After header asks for, in seconds from `now`; None when absent or unreadable.

    The header holds seconds or a date (RFC 9110, section 10.2.3).
    """
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        asked = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, (asked - now).total_seconds()) if asked.tzinfo else None
