"""`digikoppelaar account`: who may log in to the pages, and what each may."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, TypeVar

import typer

from digikoppelaar import wiring
from digikoppelaar.adapters.passwords import Argon2Passwords
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.cli import output
from digikoppelaar.cli.context import Json, configuration
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.access import AccountRole, Grant
from digikoppelaar.flows.login import LONGEST_PASSWORD, SHORTEST_PASSWORD
from digikoppelaar.flows.ports.access import Account
from digikoppelaar.wiring import Stores

app = typer.Typer(no_args_is_help=True, help="Accounts: who may log in to the pages, and what each may.")

Made = TypeVar("Made")

_OIN: Final = re.compile(r"[0-9]{20}", re.ASCII)
_LONGEST_NAME: Final = 100
COLUMNS: Final = {
    "Name": "name",
    "Roles": "roles",
    "Known by": "known_by",
    "Second factor": "second_factor",
    "Last in": "last_in_at",
    "Disabled": "disabled_at",
}


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account as it is listed."""

    name: str
    roles: tuple[str, ...]
    known_by: str
    """`password`, or the identity provider."""
    second_factor: bool
    created_at: datetime | None
    last_in_at: datetime | None
    disabled_at: datetime | None


Name = Annotated[str, typer.Argument(help="The name of the account.")]
Roles = Annotated[
    list[str],
    typer.Option(
        "--role",
        help=f"{', '.join(AccountRole)}; for one organisatie with its OIN, as lezer:00000099000000001000. Repeatable.",
    ),
]
PasswordFile = Annotated[
    Path | None, typer.Option(help="A file of which the first line is the password; without it you are asked.")
]


@app.command("create")
def create(name: Name, role: Roles, password_file: PasswordFile = None, json: Json = False) -> None:
    """Make an account with a password. What is there already stays as it is, and is an error."""
    _checked_name(name)
    grants, password = [grant_of(each) for each in role], _password(password_file)

    async def make(stores: Stores) -> bool:
        hashed = await Argon2Passwords().hash(password)
        return await stores.accounts.create(name, hashed, grants, SystemClock().now())

    if not _with(make):
        raise ConfigError(
            f"there is an account {name} already",
            advice="Kies een andere naam, of geef dit account andere rollen met `account grant`.",
        )
    _told(name, "made", json=json)


@app.command("list")
def list_accounts(json: Json = False) -> None:
    """List the accounts with their roles, disabled ones too."""
    rows = [_row(each) for each in _with(lambda stores: stores.accounts.accounts())]
    if json:
        output.print_json(rows)
    else:
        output.print_table(COLUMNS, rows, "No accounts yet: digikoppelaar account create NAME --role beheerder")


@app.command("grant")
def grant(name: Name, role: Roles, json: Json = False) -> None:
    """Let an account have these roles and no others, also in sessions that are open."""
    grants = [grant_of(each) for each in role]
    _there(name, _with(lambda stores: stores.accounts.set_grants(name, grants)))
    _told(name, "granted", json=json)


@app.command("password")
def password(name: Name, password_file: PasswordFile = None, json: Json = False) -> None:
    """Give an account another password. Its sessions end."""
    chosen = _password(password_file)

    async def change(stores: Stores) -> bool:
        return await stores.accounts.set_password(name, await Argon2Passwords().hash(chosen))

    _there(name, _with(change))
    _told(name, "password changed", json=json)


@app.command("disable")
def disable(name: Name, json: Json = False) -> None:
    """Let nobody in with this account any more, and end its sessions."""
    _there(name, _with(lambda stores: stores.accounts.set_disabled(name, SystemClock().now())))
    _told(name, "disabled", json=json)


@app.command("enable")
def enable(name: Name, json: Json = False) -> None:
    """Let an account that was disabled in again."""
    _there(name, _with(lambda stores: stores.accounts.set_disabled(name, None)))
    _told(name, "enabled", json=json)


@app.command("reset-code")
def reset_code(name: Name, json: Json = False) -> None:
    """Let whoever lost his telephone set up a new second factor, at the next login. His sessions end."""
    _there(name, _with(lambda stores: stores.accounts.forget_code(name)))
    _told(name, "code reset", json=json)


def grant_of(text: str) -> Grant:
    """`lezer`, or `lezer:` and an OIN. Raises ConfigError for anything else."""
    role, colon, oin = text.partition(":")
    if role not in set(AccountRole) or (colon and not _OIN.fullmatch(oin)):
        raise ConfigError(
            f"{text!r} is no role; there are {', '.join(AccountRole)}, each also with a colon and an OIN of 20 digits",
            advice="Geef --role als lezer (voor alle organisaties) of als lezer:OIN (voor één organisatie).",
        )
    return Grant(AccountRole(role), oin)


def _checked_name(name: str) -> None:
    if not name.strip() or name != name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        raise ConfigError(
            f"a name has 1 to {_LONGEST_NAME} characters, without blanks before or after",
            advice="Kies een korte naam, zoals een mailadres.",
        )


def _password(file: Path | None) -> str:
    """From the file, or asked for twice. Raises ConfigError for one that is too short or too long."""
    if file is None:
        chosen = str(typer.prompt("Wachtwoord", hide_input=True, confirmation_prompt=True))
    else:
        try:
            chosen = next(iter(file.read_text().splitlines()), "")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "is no text"
            raise ConfigError(f"{file}: {reason}", advice="Geef --password-file een leesbaar bestand.") from error
    if not SHORTEST_PASSWORD <= len(chosen) <= LONGEST_PASSWORD:
        raise ConfigError(
            f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters",
            advice=f"Kies een zin van ten minste {SHORTEST_PASSWORD} tekens; andere eisen zijn er niet.",
        )
    return chosen


def _with(work: Callable[[Stores], Awaitable[Made]]) -> Made:
    async def run() -> Made:
        async with wiring.open_stores(configuration()) as stores:
            return await work(stores)

    return asyncio.run(run())


def _there(name: str, found: bool) -> None:
    if not found:
        raise ConfigError(
            f"there is no account {name} with a password", advice="Bekijk de accounts met `digikoppelaar account list`."
        )


def _told(name: str, what: str, *, json: bool) -> None:
    if json:
        output.print_json({"name": name, "done": what})
    else:
        output.console.print(f"{name}: {what}", markup=False)


def _row(account: Account) -> AccountRow:
    return AccountRow(
        name=account.name,
        roles=tuple(map(str, account.grants)),
        known_by=account.issuer or "password",
        second_factor=account.has_code,
        created_at=account.created_at,
        last_in_at=account.last_in_at,
        disabled_at=account.disabled_at,
    )
