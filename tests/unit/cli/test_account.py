"""Accounts by command: made, changed, disabled; and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.adapters.postgres.world import World
from tests.unit.cli.test_verzoek import Installation
from tests.unit.ebms.cpas import GEMEENTE
from typer.testing import CliRunner

from digikoppelaar.cli.account import grant_of
from digikoppelaar.cli.app import app
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.access import AccountRole, Grant

PASSWORD = "een lange zin van Anna"


class Accounts:
    """The command, over one installation."""

    def __init__(self, installation: Installation, folder: Path) -> None:
        self.file = installation.file
        self.password_file = folder / "password"
        self.password_file.write_text(PASSWORD + "\n")

    def run(self, *arguments: str, typed: str | None = None) -> Any:
        return CliRunner().invoke(app, ["--config", str(self.file), "account", *arguments], input=typed)

    def json(self, *arguments: str) -> Any:
        result = self.run(*arguments, "--json")
        assert result.exit_code == 0, result.exception
        return json.loads(result.output)

    def create(self, name: str, *roles: str) -> Any:
        options = [option for role in roles for option in ("--role", role)]
        return self.run("create", name, *options, "--password-file", str(self.password_file))


@pytest.fixture
def accounts(database_url: str, tmp_path: Path) -> Accounts:
    installation = Installation(database_url, tmp_path)
    installation.ask(nothing)
    return Accounts(installation, tmp_path)


async def nothing(world: World) -> None:
    """The gemeente is on record, and no more."""
    del world


def test_an_account_is_made_listed_changed_and_disabled(accounts: Accounts) -> None:
    assert accounts.json("list") == []
    assert "account create" in accounts.run("list").output
    assert accounts.create("anna", "beheerder", f"lezer:{GEMEENTE}").exit_code == 0
    [row] = accounts.json("list")
    assert (row["name"], row["roles"], row["known_by"]) == ("anna", ["beheerder", f"lezer:{GEMEENTE}"], "password")
    assert (row["second_factor"], row["last_in_at"], row["disabled_at"]) == (False, None, None)
    assert PASSWORD not in json.dumps(row)
    accounts.json("grant", "anna", "--role", f"publiceren:{GEMEENTE}")
    accounts.json("disable", "anna")
    [row] = accounts.json("list")
    assert row["roles"] == [f"publiceren:{GEMEENTE}"]
    assert row["disabled_at"]
    accounts.json("enable", "anna")
    accounts.json("password", "anna", "--password-file", str(accounts.password_file))
    accounts.json("reset-code", "anna")
    assert accounts.json("list")[0]["disabled_at"] is None


def test_a_password_that_is_typed_is_typed_twice(accounts: Accounts) -> None:
    typed = accounts.run("create", "anna", "--role", "lezer", typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert typed.exit_code == 0
    assert PASSWORD not in typed.output


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["grant", "bert", "--role", "lezer"], "there is no account bert"),
        (["disable", "bert"], "there is no account bert"),
        (["enable", "bert"], "there is no account bert"),
        (["reset-code", "bert"], "there is no account bert"),
        (["grant", "anna", "--role", "koning"], "'koning' is no role"),
        (["grant", "anna", "--role", "lezer:00000099000000999000"], "is not on record"),
        (["create", "ANNA", "--role", "lezer"], "there is an account ANNA already"),
        (["create", " anna", "--role", "lezer"], "a name has 1 to 100 characters"),
        (["create", "a\nb", "--role", "lezer"], "a name has 1 to 100 characters"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    accounts: Accounts, arguments: list[str], complaint: str
) -> None:
    accounts.create("anna", "lezer")
    before = accounts.json("list")
    more = ["--password-file", str(accounts.password_file)] if arguments[0] == "create" else []
    result = accounts.run(*arguments, *more)
    assert isinstance(result.exception, ConfigError)
    assert complaint in str(result.exception)
    assert accounts.json("list") == before


@pytest.mark.parametrize(
    ("content", "complaint"), [(b"short", "12 to 1024"), (b"\xff\xfe", "is no text"), (None, "No such")]
)
def test_a_password_file_that_cannot_be_used_is_named(
    accounts: Accounts, content: bytes | None, complaint: str
) -> None:
    if content is None:
        accounts.password_file.unlink()
    else:
        accounts.password_file.write_bytes(content)
    result = accounts.create("anna", "lezer")
    assert isinstance(result.exception, ConfigError)
    assert complaint in str(result.exception)


def test_a_rol_is_for_all_or_for_one() -> None:
    assert grant_of("lezer") == Grant(AccountRole.LEZER)
    assert grant_of(f"publiceren:{GEMEENTE}") == Grant(AccountRole.PUBLICEREN, GEMEENTE)
    for wrong in ("", "lezer:", "lezer:1", ":", f"lezer:{GEMEENTE}0", "Lezer"):
        with pytest.raises(ConfigError):
            grant_of(wrong)
