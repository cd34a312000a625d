"""Texts and dates as ZGW wants them. Pure."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

AMSTERDAM: Final = ZoneInfo("Europe/Amsterdam")


def dutch_date(moment: datetime) -> date:
    """The day that it was in the Netherlands: half past midnight here is yesterday in UTC."""
    return moment.astimezone(AMSTERDAM).date()


def one_line(text: str | None) -> str:
    """Without line ends and double spaces."""
    return " ".join((text or "").split())


def cut(text: str, limit: int) -> str:
    """At most `limit` characters: whole words and an ellipsis when it is longer (VNG-2129, zgw.md 1.4)."""
    if len(text) <= limit:
        return text
    room = limit - 1
    start = text[: room + 1]
    boundary = max(start.rfind(" "), start.rfind("\n"))
    kept = start[:boundary] if boundary > room // 2 else start[:room]  # one endless word is cut where it must be
    return f"{kept.rstrip()}…"


def joined(parts: Iterable[str | None], between: str = ", ") -> str:
    """Those that are not empty, each once."""
    return between.join(dict.fromkeys(part for part in map(one_line, parts) if part))


def wrapped(lines: Iterable[str], width: int, most: int) -> list[str]:
    """At most `most` lines of at most `width` characters; what is longer is cut."""
    found = [one_line(line) for line in lines if one_line(line)]
    if len(found) > most:
        found = [*found[: most - 1], ", ".join(found[most - 1 :])]
    return [cut(line, width) for line in found]
