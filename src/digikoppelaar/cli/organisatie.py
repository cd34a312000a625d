"""`digikoppelaar organisatie apply`: put on record who is connected to what."""

import asyncio
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from digikoppelaar import wiring
from digikoppelaar.adapters.addresses import checked_url
from digikoppelaar.adapters.casesystems import kinds
from digikoppelaar.cli import output
from digikoppelaar.cli.context import DryRun, Json, Yes, configuration
from digikoppelaar.cli.files import in_file, read_toml
from digikoppelaar.flows.apply_file import read_registration
from digikoppelaar.flows.registration import AansluitingEntry, Change, Entry

app = typer.Typer(no_args_is_help=True, help="Organisaties, partijen, machtigingen and aansluitingen.")

MOST_SHOWN: Final = 60
"""New entries that a person can still look through."""


@app.callback()
def group() -> None:
    """Organisaties, partijen, machtigingen and aansluitingen."""


@app.command()
def apply(
    file: Annotated[Path, typer.Argument(help="TOML with organisatie, partij, machtiging and aansluiting tables.")],
    yes: Yes = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Show how the file differs from what is on record, and make it so: all of it, or nothing when something is wrong.

    A person at a terminal is asked first. Removes nothing; applying twice is harmless.
    """
    tell(applied(read_file(file), yes=yes, dry_run=dry_run, json=json), {}, dry_run=dry_run, json=json)


def applied(entries: Sequence[Entry], *, yes: bool, dry_run: bool, json: bool) -> Sequence[Change]:
    """Show the difference with what is on record, ask, and make it so."""
    ask = not (yes or dry_run or json) and sys.stdin.isatty()

    def look(changes: Sequence[Change]) -> None:
        if not json:
            print_changes(changes)
        if changes and ask:
            typer.confirm("Apply this?", abort=True)

    return asyncio.run(wiring.apply_registration(configuration(), entries, dry_run=dry_run, look=look))


def tell(changes: Sequence[Change], more: Mapping[str, object], *, dry_run: bool, json: bool) -> None:
    """Say what became of it; `more` goes into the JSON."""
    if json:
        output.print_json({"applied": not dry_run, "changes": [_as_values(change) for change in changes], **more})
    elif changes:
        output.console.print("Nothing changed: --dry-run." if dry_run else "Applied.")


def read_file(file: Path) -> Sequence[Entry]:
    """The entries of an apply file, with case systems that can be made. Raises ConfigError with the file's name."""
    with in_file(file):
        return checked(read_registration(read_toml(file), str(file.resolve().parent)))


def checked(entries: Sequence[Entry]) -> Sequence[Entry]:
    """The same, when their case systems can be made and their addresses are some. Raises ConfigError."""
    for entry in output.progress(entries, "Reading"):
        if isinstance(entry, AansluitingEntry):
            kinds.check(entry)
            _check_addresses(entry)
    return entries


def _check_addresses(entry: AansluitingEntry) -> None:
    """They are URLs. Whether http may do is up to what calls them."""
    of_dso = ("base_url", "register_url", "register_pages_url", "offering_url")
    named = {f"dso.{name}": entry.dso.get(name) for name in of_dso}
    for name, text in (named | {"pass_on_url": entry.intake.get("pass_on_url")}).items():
        if text is not None:
            checked_url(text, f"{name} of {entry.organisatie_oin}", plain_http=True)


def print_changes(changes: Sequence[Change]) -> None:
    """Show a difference: + is new, ~ is changed. Of very many new ones only how many of each kind there are."""
    if not changes:
        output.console.print("No difference.")
    new = [change for change in changes if change.before is None]
    for change in changes if len(new) <= MOST_SHOWN else [each for each in changes if each.before]:
        output.console.print(f"{'+' if change.before is None else '~'} {change.name}", markup=False)
        for name, before, after in change.differences:
            was = "" if before is None else f"{output.cell(before)} -> "
            output.console.print(f"    {name}: {was}{output.cell(after)}", markup=False)
    if len(new) > MOST_SHOWN:
        for kind, number in Counter(change.name.partition(" ")[0] for change in new).items():
            output.console.print(f"+ {number} of {kind}", markup=False)
        output.console.print("With --dry-run --json each of them is shown.")


def _as_values(change: Change) -> dict[str, object]:
    return {
        "entry": change.name,
        "new": change.before is None,
        "fields": {name: {"before": before, "after": after} for name, before, after in change.differences},
    }
