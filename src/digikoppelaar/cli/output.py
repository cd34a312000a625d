"""What commands print: a table for people, or with --json one JSON document for programs."""

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Final, TypeVar

from rich.cells import cell_len
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

from digikoppelaar.drop.characters import shown

T = TypeVar("T")

console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)

KEYS: Final = frozenset({"organisatie_oin", "verzoeknummer", "message_id", "ref_to_message_id"})
"""Fields that people copy into another command: never broken over lines, though the terminal may have to."""
BREAK_WORDS_AT: Final = 20
GAP: Final = 2
"""Columns of the screen."""
DIGEST_BYTES: Final = 32
"""The length of a SHA-256 digest."""


def as_json(value: object) -> str:
    """One line of JSON; times in ISO 8601, digests in hexadecimal, other bytes in base64."""
    return json.dumps(value, default=_plain, ensure_ascii=False)


def progress(items: Sequence[T], doing: str) -> Iterable[T]:
    """The items one by one, with a bar that says how far it is when somebody looks on; it leaves nothing behind."""
    return track(items, doing, console=errors, transient=True, disable=not errors.is_terminal)


def print_json(value: object) -> None:
    """Print one JSON document on one line, untouched by the terminal's width."""
    console.out(as_json(value), highlight=False)


def print_table(columns: Mapping[str, str], rows: Sequence[object], empty: str) -> None:
    """Print rows; `columns` maps a heading to the name of the field. `empty` is said when there is nothing.

    A terminal that is wide enough for the KEYS gets a table of its width; anything else gets every row whole, on one
    line. A column without content is left out.
    """
    if not rows:
        console.print(empty)
        return
    read = {heading: [cell(getattr(row, name)) for row in rows] for heading, name in columns.items()}
    shown = {heading: cells for heading, cells in read.items() if any(cells)}
    widths = _widths([(heading, *cells) for heading, cells in shown.items()], [columns[each] in KEYS for each in shown])
    table = Table(box=None, padding=(0, GAP, 0, 0), width=sum(widths) + GAP * len(widths))
    for heading, width in zip(shown, widths, strict=True):
        table.add_column(heading, overflow="fold", width=width)
    for row in zip(*shown.values(), strict=True):
        table.add_row(*map(Text, row))
    console.print(table)


def _widths(columns: Sequence[Sequence[str]], keys: Sequence[bool]) -> list[int]:
    """The width of each column: what makes it readable, and from left to right what the terminal has to spare."""
    whole = [max(map(cell_len, cells)) for cells in columns]
    least = [wide if key else _least_width(cells) for cells, key, wide in zip(columns, keys, whole, strict=True)]
    spare = console.width - sum(least) - GAP * len(least)
    if not console.is_terminal or spare < 0:
        return whole
    widths = []
    for low, high in zip(least, whole, strict=True):
        widths.append(min(high, low + spare))
        spare -= widths[-1] - low
    return widths


def _least_width(cells: Sequence[str]) -> int:
    """The longest word; longer ones than BREAK_WORDS_AT may break."""
    return max(min(cell_len(word), BREAK_WORDS_AT) for cell in cells for word in cell.split())


def print_fields(fields: Mapping[str, object]) -> None:
    """Print one thing, a line for each field."""
    width = max(map(len, fields), default=0)
    for name, value in fields.items():
        console.print(f"{name:<{width}}  {cell(value)}", markup=False)


def cell(value: object) -> str:
    """One value as people read it: nothing in it can move the cursor or turn the text around."""
    match value:
        case None:
            return ""
        case datetime():
            return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        case Enum():
            return str(value.value)
        case bytes():
            return value.hex()
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(map(cell, value))
        case Mapping():
            return ", ".join(f"{name} {cell(each)}" for name, each in value.items())
    return shown(str(value))


def _plain(value: object) -> object:
    match value:
        case datetime():
            return value.isoformat()
        case Enum():
            return value.value
        case bytes():
            return value.hex() if len(value) == DIGEST_BYTES else b64encode(value).decode()
        case Mapping():
            return dict(value)
        case set() | frozenset() | tuple():
            return list(value)
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return str(value)
