"""`digikoppelaar organisatie apply`: put on record who is connected to what."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from digikoppelaar import wiring
from digikoppelaar.adapters.addresses import checked_url
from digikoppelaar.adapters.casesystems import kinds
from digikoppelaar.cli import output
from digikoppelaar.cli.context import DryRun, Json, configuration
from digikoppelaar.cli.files import read_toml
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.registration import AansluitingEntry, Change, Entry, read_registration

app = typer.Typer(no_args_is_help=True, help="Organisaties, partijen, machtigingen and aansluitingen.")


@app.callback()
def group() -> None:
    """Organisaties, partijen, machtigingen and aansluitingen."""


@app.command()
def apply(
    file: Annotated[Path, typer.Argument(help="TOML with organisatie, partij, machtiging and aansluiting tables.")],
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Show how the file differs from what is on record, and make it so. Removes nothing; applying twice is harmless."""
    changes = asyncio.run(wiring.apply_registration(configuration(), read_file(file), dry_run=dry_run))
    if json:
        output.print_json({"applied": not dry_run, "changes": [_as_values(change) for change in changes]})
        return
    print_changes(changes)
    if changes:
        output.console.print("Nothing changed: --dry-run." if dry_run else "Applied.")


def read_file(file: Path) -> tuple[Entry, ...]:
    """The entries of an apply file, with case systems that can be made. Raises ConfigError with the file's name."""
    content = read_toml(file)
    try:
        return _checked(read_registration(content, str(file.resolve().parent)))
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}", advice=error.advice) from error


def _checked(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    for entry in entries:
        if isinstance(entry, AansluitingEntry):
            kinds.check(entry)
            _check_addresses(entry)
    return entries


def _check_addresses(entry: AansluitingEntry) -> None:
    """They are URLs. Whether http may do is up to what calls them."""
    named = {f"dso.{name}": entry.dso.get(name) for name in ("base_url", "register_url", "offering_url")}
    for name, text in (named | {"pass_on_url": entry.intake.get("pass_on_url")}).items():
        if text is not None:
            checked_url(text, f"{name} of {entry.organisatie_oin}", plain_http=True)


def print_changes(changes: Sequence[Change]) -> None:
    """Show a difference: + is new, ~ is changed."""
    if not changes:
        output.console.print("No difference.")
    for change in changes:
        output.console.print(f"{'+' if change.before is None else '~'} {change.name}", markup=False)
        for name, before, after in change.differences:
            was = "" if before is None else f"{output.cell(before)} -> "
            output.console.print(f"    {name}: {was}{output.cell(after)}", markup=False)


def _as_values(change: Change) -> dict[str, object]:
    return {
        "entry": change.name,
        "new": change.before is None,
        "fields": {name: {"before": before, "after": after} for name, before, after in change.differences},
    }
