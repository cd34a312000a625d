"""What commands print: tables, fields, and JSON that programs read back.

In tables keys stay whole, the rest fits the terminal, and what is no terminal gets whole lines.
"""

import json
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from digikoppelaar.cli import message, output, verzoek
from digikoppelaar.flows.reading import Direction, MessageRow, PayloadRow, VerzoekRow

OIN = "00000099000000001000"
AT = datetime(2026, 6, 2, 9, tzinfo=UTC)
MESSAGE_ID = "f7c1b61e-98c5-4a53-b9ed-0c2cde9c1b4a@dso-lv.sandbox.example"
DIGEST = sha256(b"gevel").digest()
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


# --- JSON and fields -------------------------------------------------------------------------------------------


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    """A terminal of 100 columns."""
    written = StringIO()
    terminal = Console(file=written, width=100, force_terminal=True, color_system=None, highlight=False, soft_wrap=True)
    monkeypatch.setattr(output, "console", terminal)
    return written


def lines_of(screen: StringIO) -> list[str]:
    """What is on the screen."""
    return [line.rstrip() for line in screen.getvalue().splitlines()]


def read_back(value: object) -> Any:
    """What a program reads."""
    text = output.as_json(value)
    assert "\n" not in text
    return json.loads(text)


def test_a_row_becomes_an_object_with_its_own_names() -> None:
    row, payload = MESSAGES[0], PayloadRow("p1@dso", "text/xml", 5, DIGEST)
    read = read_back({"message": row, "payloads": (payload,), "oins": frozenset({OIN}), "test": VERZOEKEN[0].test})
    assert read["payloads"] == [{"content_id": "p1@dso", "content_type": "text/xml", "size": 5, "sha256": DIGEST.hex()}]
    assert (read["oins"], read["test"]) == ([OIN], False)
    message_read = read["message"]
    assert (message_read["direction"], message_read["at"]) == ("in", "2026-06-02T09:00:00+00:00")
    assert (message_read["message_id"], message_read["reason"]) == (MESSAGE_ID, None)


def test_a_digest_is_hexadecimal_and_other_bytes_are_base64() -> None:
    assert read_back({"sha256": DIGEST, "document": b"<soap/>", "empty": b""}) == {
        "sha256": DIGEST.hex(),
        "document": "PHNvYXAvPg==",
        "empty": "",
    }


def test_letters_stay_letters_and_a_line_stays_a_line() -> None:
    assert "gevel é €" in output.as_json("gevel é €")
    assert read_back(["regel\neen", "\u2028"]) == ["regel\neen", "\u2028"]


def test_json_is_not_broken_by_the_width_of_a_terminal_nor_read_as_markup(screen: StringIO) -> None:
    output.print_json({"naam": "[bold]x[/bold] :smile: " + "y" * 500})
    assert json.loads(screen.getvalue()) == {"naam": "[bold]x[/bold] :smile: " + "y" * 500}
    assert screen.getvalue().count("\n") == 1


def test_fields_stand_below_each_other(screen: StringIO) -> None:
    output.print_fields({"id": "[b]1[/b]", "test": True, "ended": None, "sha256": DIGEST, "direction": Direction.OUT})
    assert lines_of(screen) == [
        "id         [b]1[/b]",
        "test       yes",
        "ended",
        f"sha256     {DIGEST.hex()}",
        "direction  out",
    ]


def test_lists_and_tables_within_a_field_are_read_as_words(screen: StringIO) -> None:
    output.print_fields({"receives": ["a", "b"], "sends": (), "dso": {"profile": "dso-lv", "bytes": 3}})
    assert lines_of(screen) == ["receives  a, b", "sends", "dso       profile dso-lv, bytes 3"]


def test_a_time_is_shown_on_the_clock_of_the_reader(screen: StringIO) -> None:
    output.print_fields({"at": AT.astimezone(timezone(timedelta(hours=5)))})
    assert lines_of(screen) == [f"at  {AT.astimezone():%Y-%m-%d %H:%M:%S}"]


def test_a_very_long_value_stays_on_its_line(screen: StringIO) -> None:
    output.print_fields({"endpoint": "https://" + "x" * 300})
    assert len(lines_of(screen)) == 1


def test_nothing_that_is_shown_can_move_the_cursor_or_turn_the_text_around() -> None:
    assert output.cell("dakkapel\x1b[2J \u202egnp\u2066 \x9b caf\u00e9 \U0001f333\n") == (
        "dakkapelU+001B[2J U+202Egnp" + "U+2066 U+009B caf\u00e9 \U0001f333\n"
    )
