"""What commands print: a table for people, or with --json one JSON document for programs."""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from rich.console import Console
from rich.table import Table

console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


def as_json(value: object) -> str:
    """One line of JSON; times in ISO 8601, digests in hexadecimal, other bytes in base64."""
    return json.dumps(value, default=_plain, ensure_ascii=False)


def print_json(value: object) -> None:
    """Print one JSON document on one line, untouched by the terminal's width."""
    console.out(as_json(value), highlight=False)


def print_table(columns: Mapping[str, str], rows: Sequence[object], empty: str) -> None:
    """Print rows; `columns` maps a heading to the name of the field. `empty` is said when there is nothing."""
    if not rows:
        console.print(empty)
        return
    table = Table(box=None, pad_edge=False)
    for heading in columns:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(getattr(row, name)) for name in columns.values()))
    console.print(table)


def print_fields(fields: Mapping[str, object]) -> None:
    """Print one thing, a line for each field."""
    width = max(map(len, fields), default=0)
    for name, value in fields.items():
        console.print(f"{name:<{width}}  {_cell(value)}", markup=False)


def _cell(value: object) -> str:
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
    return str(value)


def _plain(value: object) -> Any:  # json.dumps wants whatever it can write
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


DIGEST_BYTES = 32
"""The length of a SHA-256 digest."""
