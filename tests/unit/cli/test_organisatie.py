"""`organisatie apply` over a real database: what it shows, asks, does, and refuses whole."""

import asyncio
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from tests.unit.cli.test_link import nothing
from tests.unit.cli.test_verzoek import Installation
from tests.unit.ebms.cpas import GEMEENTE
from typer.testing import CliRunner

from digikoppelaar.adapters.postgres.connect import opened_pool
from digikoppelaar.adapters.postgres.registry import PostgresRegistry
from digikoppelaar.cli.app import app
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.registration import Entry

OTHER = "00000099000000201000"
FILE = f"""
[[organisatie]]
oin = "{GEMEENTE}"
naam = "Gemeente Voorbeeldstad"
bestuurslaag = "gemeente"

[[organisatie]]
oin = "{OTHER}"
naam = "Waterschap De Vaart"
bestuurslaag = "waterschap"

[[aansluiting]]
organisatie_oin = "{OTHER}"
kind = "ebms"
omgeving = "sandbox-pre"
partij_oin = "{GEMEENTE}"
"""


def on_record(installation: Installation) -> list[Entry]:
    async def look() -> list[Entry]:
        async with opened_pool(lambda: installation.url, 1) as pool:
            return list(await PostgresRegistry(pool).entries())

    return asyncio.run(look())


@pytest.fixture
def installation(database_url: str, tmp_path: Path) -> Installation:
    made = Installation(database_url, tmp_path)
    made.ask(nothing)
    return made


def file_of(installation: Installation, text: str) -> Path:
    file = installation.file.parent / "aansluitingen.toml"
    file.write_text(text)
    return file


def apply(installation: Installation, text: str, *options: str) -> Result:
    command = ["--config", str(installation.file), "organisatie", "apply", str(file_of(installation, text)), *options]
    return CliRunner().invoke(app, command)


def said(installation: Installation, text: str, *options: str) -> Any:
    result = apply(installation, text, "--json", *options)
    assert result.exit_code == 0, result.exception
    return json.loads(result.output)


def test_only_what_lacks_or_differs_is_shown_and_made_and_twice_is_harmless(installation: Installation) -> None:
    before = on_record(installation)
    shown = said(installation, FILE, "--dry-run")
    assert [change["entry"] for change in shown["changes"]] == [
        f"organisatie {OTHER}",
        f"aansluiting {OTHER} ebms sandbox-pre",
    ]
    assert not shown["applied"]
    assert on_record(installation) == before
    assert said(installation, FILE)["changes"] == shown["changes"]
    assert len(on_record(installation)) == len(before) + 2
    assert said(installation, FILE) == {"applied": True, "changes": []}
    assert apply(installation, FILE).output == "No difference.\n"


def test_a_person_at_a_terminal_is_asked_first(installation: Installation) -> None:
    before = len(on_record(installation))
    for answer, made, says in ((b"n\n", 0, "Aborted"), (b"y\n", 2, "Applied."), (b"", 2, "No difference.")):
        ours, terminal = pty.openpty()
        os.write(ours, answer)
        command = (sys.executable, "-m", "digikoppelaar", "--config", installation.file, "organisatie", "apply")
        with os.fdopen(ours, "rb"), os.fdopen(terminal, "rb") as stdin:
            done = subprocess.run(
                (*command, file_of(installation, FILE)), stdin=stdin, capture_output=True, check=False
            )
        output = (done.stdout + done.stderr).decode()
        assert ("Apply this?" in output) == bool(answer)
        assert says in output
        assert len(on_record(installation)) == before + made


@pytest.mark.parametrize(
    ("old", "new", "complaint", "advice"),
    [
        ("naam", "name", "organisatie 1: there is no setting name", "Verbeter of verwijder name in organisatie 1."),
        (f'partij_oin = "{GEMEENTE}"', f'partij_oin = "{OTHER}"', "is no partij in this file or", "[[partij]]"),
        (f'organisatie_oin = "{OTHER}"', f'organisatie_oin = "{OTHER[:-1]}9"', "is no organisatie in", OTHER[:-1]),
        ('kind = "ebms"', 'kind = "fax"', "aansluiting 1: kind must be one of stam", "Kies voor kind in aansluiting 1"),
        ("[[aansluiting]]", "[aansluiting]", "aansluiting is not a list", "Begin elke tabel met [[aansluiting]]"),
        (OTHER, GEMEENTE, f"organisatie 2: organisatie {GEMEENTE} is in organisatie 1 already", "organisatie 2"),
    ],
)
def test_what_is_wrong_is_told_with_what_to_do_and_nothing_is_made(
    installation: Installation, old: str, new: str, complaint: str, advice: str
) -> None:
    before = on_record(installation)
    error = apply(installation, FILE.replace(old, new)).exception
    assert isinstance(error, ConfigError)
    assert complaint in str(error)
    assert advice in error.advice
    assert on_record(installation) == before


def test_of_very_many_new_entries_their_number_is_shown_and_changed_ones_one_by_one(installation: Installation) -> None:
    many = "".join(
        f'[[organisatie]]\noin = "{number:017d}000"\nnaam = "Gemeente {number}"\nbestuurslaag = "gemeente"\n'
        for number in range(9_900_000_001, 9_900_000_101)
    )
    output = apply(installation, FILE.replace("Voorbeeldstad", "Anders") + many).output
    assert output.startswith(f"~ organisatie {GEMEENTE}\n    naam: Gemeente Voorbeeldstad -> Gemeente Anders\n")
    assert "+ 101 of organisatie\n+ 1 of aansluiting\n" in output
    assert len(output.splitlines()) == 6
