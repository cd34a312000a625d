"""`digikoppelaar organisatie import`: a list of authorities and a template become what `organisatie apply` makes."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from digikoppelaar import wiring
from digikoppelaar.adapters.profiles import base_url_of
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.cli import output
from digikoppelaar.cli.context import DryRun, Json, Yes, configuration
from digikoppelaar.cli.files import MEBIBYTE, in_file, read_file, read_toml
from digikoppelaar.cli.organisatie import applied, checked, tell
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.apply_file import read_registration
from digikoppelaar.flows.authorities import Authority, read_authorities, refuse
from digikoppelaar.flows.authority_template import apply_file, expanded
from digikoppelaar.flows.catch_up_area import read_area
from digikoppelaar.flows.ports import OMGEVINGEN
from digikoppelaar.flows.ports.catch_up import Area

_LARGEST: Final = 128 * MEBIBYTE
"""Bytes of a list or an area."""


def import_list(
    file: Annotated[Path, typer.Argument(help="CSV with the columns oin, naam and bestuurslaag.", metavar="FILE.csv")],
    template: Annotated[Path, typer.Option(help="TOML with what is the same for all: an apply file with {fields}.")],
    omgeving: Annotated[
        list[str] | None, typer.Option("--omgeving", help="Only this omgeving of the template; may be repeated.")
    ] = None,
    save: Annotated[Path | None, typer.Option(help="Write it as an apply file too.")] = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Put a list of authorities on record with their aansluitingen, as `organisatie apply` would: all, or none.

    A person at a terminal is asked first. Doing it twice is harmless.
    """
    if unknown := set(omgeving or ()) - set(OMGEVINGEN):
        raise ConfigError(f"unknown omgeving {min(unknown)}", advice=f"Kies een van {', '.join(OMGEVINGEN)}.")
    with in_file(file):
        authorities = read_authorities(read_file(file, _LARGEST, "a list"))
        areas = _areas(authorities, file.parent)
    base = str(template.resolve().parent)
    with in_file(template):
        content = expanded(read_toml(template), authorities, base, base_url_of, omgeving or ())
        entries = checked(read_registration(content, base))
    if save:
        _save(save, apply_file(content))
    changes = applied(entries, yes=yes, dry_run=dry_run, json=json)
    if areas and not dry_run:
        asyncio.run(_put(areas))
    tell(changes, {"organisaties": len(authorities), "areas": len(areas)}, dry_run=dry_run, json=json)


def _areas(authorities: Sequence[Authority], folder: Path) -> list[Area]:
    """Of those that name a file with theirs. Raises ConfigError that names every line whose area cannot be read."""
    areas: list[Area] = []
    troubles: list[tuple[int, str]] = []
    for each in output.progress([each for each in authorities if each.values.get("gebied")], "Reading areas"):
        file = folder / each.values["gebied"]
        try:
            areas.append(read_area(each.oin, {file.name: read_file(file, _LARGEST, "an area")}))
        except ConfigError as error:
            troubles.append((each.line, str(error)))
    refuse(troubles)
    return areas


def _save(file: Path, text: str) -> None:
    """Never over another content: somebody may have worked on it."""
    if file.exists() and file.read_text() != text:
        raise ConfigError(f"{file} is there already, with other content", advice="Kies met --save een andere naam.")
    file.write_text(text)


async def _put(areas: Sequence[Area]) -> None:
    async with wiring.open_stores(configuration()) as stores:
        for area in output.progress(areas, "Areas"):
            await stores.catch_up.put_area(area, SystemClock().now())
