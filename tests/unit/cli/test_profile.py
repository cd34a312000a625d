"""`digikoppelaar profile` as a user types it."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from digikoppelaar.adapters import profile_files
from digikoppelaar.cli.app import app
from digikoppelaar.errors import ConfigError

FACT = '[summary_path]\nvalue = "verzoeken/{verzoeknummer}"\nsource = "letter of 2026"\nprovisional = false\n'


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "digikoppelaar.toml"
    file.write_text('data_folder = "data"\n')
    return file


def run(config: Path, *arguments: str) -> Any:
    result = CliRunner().invoke(app, ["--config", str(config), "profile", *arguments])
    profile_files.use(None)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return json.loads(result.stdout) if "--json" in arguments else result.stdout


def row(config: Path, name: str) -> Any:
    return next(each for each in run(config, "list", "--json") if each["name"] == name)


def test_a_fact_is_replaced_and_restored(config: Path, tmp_path: Path) -> None:
    (tmp_path / "facts.toml").write_text(FACT)
    before = row(config, "dso-lv")
    shown = run(config, "diff", "dso-lv", str(tmp_path / "facts.toml"))
    assert "- verzoeken/{verzoeknummer}/samenvatting (assumed" in shown
    assert "+ verzoeken/{verzoeknummer} (known: letter of 2026)" in shown

    run(config, "replace", "dso-lv", str(tmp_path / "facts.toml"), "--dry-run")
    assert row(config, "dso-lv") == before

    assert "Start the gateway again" in run(config, "replace", "dso-lv", str(tmp_path / "facts.toml"))
    assert row(config, "dso-lv") == before | {"provisional": before["provisional"] - 1, "replaced": True}
    facts = run(config, "show", "dso-lv", "--json")
    assert facts["summary_path"] == {
        "value": "verzoeken/{verzoeknummer}", "source": "letter of 2026", "provisional": False,
    }  # fmt: skip
    assert "summary_path" not in run(config, "show", "dso-lv", "--provisional", "--json")

    again = run(config, "replace", "dso-lv", str(tmp_path / "facts.toml"), "--json")
    assert again["changes"] == []
    assert run(config, "restore", "dso-lv", "--json")["restored"]
    assert row(config, "dso-lv") == before


def test_what_does_not_hold_together_is_not_put_in_force(config: Path, tmp_path: Path) -> None:
    (tmp_path / "half.toml").write_text('name = "dso-lv"\nfacility = "half"\n')
    with pytest.raises(ConfigError, match="lacks"):
        run(config, "replace", "dso-lv", str(tmp_path / "half.toml"))
    assert not row(config, "dso-lv")["replaced"]


def test_a_file_that_is_no_toml_is_named(config: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_bytes(b"x = \xff")
    with pytest.raises(ConfigError, match=r"broken\.toml: not valid TOML"):
        run(config, "diff", "dso-lv", str(tmp_path / "broken.toml"))


def test_a_list_of_steps_has_no_facts(config: Path) -> None:
    assert "aansluiten-stam has no fact; " in run(config, "show", "aansluiten-stam")
    assert "no fact that is assumed" in run(config, "show", "aansluiten-mail", "--provisional")
