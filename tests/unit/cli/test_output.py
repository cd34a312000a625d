"""Tables: keys stay whole, the rest fits the terminal, and what is no terminal gets whole lines."""

from datetime import UTC, datetime
from io import StringIO

import pytest
from rich.console import Console

from digikoppelaar.cli import message, output, verzoek
from digikoppelaar.flows.reading import Direction, MessageRow, VerzoekRow

OIN = "00000099000000001000"
AT = datetime(2026, 6, 2, 9, tzinfo=UTC)
MESSAGE_ID = "f7c1b61e-98c5-4a53-b9ed-0c2cde9c1b4a@dso-lv.sandbox.example"
REASON = f"DSO-LV: summary answered 403: no mandate for OIN {OIN}"

VERZOEKEN = [
    VerzoekRow(1, "sandbox-pre", OIN, "Gemeente", "2026060200019", 0, "", "", "", False, "delivered", AT, AT),
    VerzoekRow(1, "pre", OIN, "Gemeente", "2026060200020", None, "", "", "", False, "parked", AT, reason=REASON),
]
MESSAGES = [
    MessageRow(Direction.IN, 1, 1, "pre", OIN, "Gemeente", "cpa", MESSAGE_ID, "c", None, "s", "verzoek", "accepted", AT)
]


def printed(
    columns: dict[str, str], rows: list[object], monkeypatch: pytest.MonkeyPatch, *, width: int, terminal: bool = True
) -> list[str]:
    file = StringIO()
    console = Console(file=file, width=width, force_terminal=terminal, color_system=None, soft_wrap=True)
    monkeypatch.setattr(output, "console", console)
    output.print_table(columns, rows, "nothing")
    return [line.rstrip() for line in file.getvalue().splitlines()]


@pytest.mark.parametrize("width", range(20, 240, 5))
def test_keys_are_whole_on_every_terminal(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = printed(verzoek.COLUMNS, [*VERZOEKEN], monkeypatch, width=width)
    assert sum(OIN in line and row.verzoeknummer in line for line in lines for row in VERZOEKEN) == len(VERZOEKEN)
    lines = printed(message.COLUMNS, [*MESSAGES], monkeypatch, width=width)
    assert sum(MESSAGE_ID in line for line in lines) == 1


@pytest.mark.parametrize("width", range(20, 240, 5))
def test_a_table_fits_the_terminal_or_has_one_line_for_each_row(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = printed(verzoek.COLUMNS, [*VERZOEKEN], monkeypatch, width=width)
    assert len(lines) == 1 + len(VERZOEKEN) or max(map(len, lines)) <= width


def test_what_is_no_terminal_gets_one_whole_line_for_each_row(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = printed(verzoek.COLUMNS, [*VERZOEKEN], monkeypatch, width=80, terminal=False)
    assert len(lines) == 1 + len(VERZOEKEN)
    assert lines[2].endswith(REASON)


def test_a_column_without_content_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    [heading, _] = printed(verzoek.COLUMNS, VERZOEKEN[:1], monkeypatch, width=200)
    assert "delivered" in heading
    assert "reason" not in heading


def test_content_in_brackets_is_content(monkeypatch: pytest.MonkeyPatch) -> None:
    row = VerzoekRow(1, "pre", OIN, "", "2026[/b]", 0, "", "", "", False, "[red]", AT)
    [_, line] = printed(verzoek.COLUMNS, [row], monkeypatch, width=200)
    assert "2026[/b]" in line
    assert "[red]" in line


def test_no_rows_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert printed(verzoek.COLUMNS, [], monkeypatch, width=80) == ["nothing"]
