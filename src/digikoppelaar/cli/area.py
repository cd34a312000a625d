"""`digikoppelaar verzoek area`: where the verzoeken of an organisatie lie, which is where DSO-LV is searched."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from digikoppelaar import wiring
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.cli import output
from digikoppelaar.cli.context import Json, OnlyOrganisatie, configuration
from digikoppelaar.cli.files import MEBIBYTE, read_file
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.catch_up import searchable
from digikoppelaar.flows.catch_up_area import extent, read_area
from digikoppelaar.flows.ports.catch_up import Area
from digikoppelaar.wiring import Stores

app = typer.Typer(no_args_is_help=True, help="The area in which DSO-LV is searched for verzoeken of an organisatie.")

_LARGEST: Final = 128 * MEBIBYTE
"""Bytes; in memory it takes ten times as much. Every municipality of the country together is some tens of MiB."""
COLUMNS = {
    "organisatie": "organisatie_oin",
    "naam": "naam",
    "source": "source",
    "polygons": "polygons",
    "points": "points",
    "km2": "km2",
}


@dataclass(frozen=True, slots=True)
class AreaRow:
    """An organisatie with its area; empty when it has none. `bounds`: west, south, east, north in RD metres."""

    organisatie_oin: str
    naam: str
    source: str | None = None
    polygons: int | None = None
    points: int | None = None
    km2: float | None = None
    bounds: tuple[float, ...] | None = None
    sha256: bytes | None = None
    geometry: Mapping[str, Any] | None = None


@app.command("import")
def import_area(
    files: Annotated[
        list[Path] | None, typer.Argument(help="GeoJSON files with polygons in RD (EPSG:28992).", dir_okay=False)
    ] = None,
    organisatie: Annotated[str, typer.Option("--organisatie", help="The OIN of the organisatie.")] = "",
    where: Annotated[
        list[str] | None, typer.Option(help="Only features with this property, as name=value; may be repeated.")
    ] = None,
    union: Annotated[
        list[str] | None,
        typer.Option(help="Also the area on record of this OIN; for a behandeldienst, each of its municipalities."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and judge, and store nothing.")] = False,
    json: Json = False,
) -> None:
    """Put the area of an organisatie on record, in place of an earlier one. Doing it twice is harmless.

    With another area than before, the next search goes back as far as a first one.
    """
    documents = {file.name: read_file(file, _LARGEST, "an area") for file in files or ()}
    row = asyncio.run(_import(organisatie, documents, _where(where or ()), union or (), dry_run=dry_run))
    if json:
        output.print_json(row)
        return
    _print_row(row)
    output.console.print("Nothing changed: --dry-run." if dry_run else "On record.")


@app.command("show")
def show(
    organisatie: OnlyOrganisatie = None,
    json: Json = False,
) -> None:
    """Show which organisaties have an area; one of them in full, with --json its geometry too."""
    rows = asyncio.run(_show(organisatie))
    if json:
        output.print_json(rows)
    elif organisatie:
        _print_row(rows[0])
    else:
        output.print_table(COLUMNS, rows, "No organisatie receives verzoeken.")


async def _import(
    organisatie: str, documents: Mapping[str, bytes], where: Mapping[str, str], union: Sequence[str], *, dry_run: bool
) -> AreaRow:
    async with wiring.open_stores(configuration()) as stores:
        naam = (await _named(stores, organisatie))[organisatie]
        others = [await _of(stores, oin) for oin in union]
        area = await asyncio.to_thread(read_area, organisatie, documents, where, others)
        if not dry_run:
            await stores.catch_up.put_area(area, SystemClock().now())
        return _row(organisatie, naam, area)


async def _show(organisatie: str | None) -> list[AreaRow]:
    async with wiring.open_stores(configuration()) as stores:
        names = await _named(stores, organisatie)
        return [_row(oin, naam, await stores.catch_up.area(oin)) for oin, naam in names.items()]


async def _named(stores: Stores, organisatie: str | None) -> dict[str, str]:
    """OIN and naam of those that receive verzoeken, or of the one that was meant. Raises ConfigError."""
    names = {each.organisatie_oin: each.organisatie_naam for each in searchable(await stores.registry.aansluitingen())}
    if organisatie is None:
        return names
    if organisatie not in names:
        raise ConfigError(
            f"organisatie {organisatie or '(none)'} has no aansluiting of kind stam with dso settings",
            advice="Kies met --organisatie een OIN uit de registratie.",
        )
    return {organisatie: names[organisatie]}


async def _of(stores: Stores, oin: str) -> Area:
    area = await stores.catch_up.area(oin)
    if area is None:
        raise ConfigError(f"there is no area on record of {oin}", advice="Leg eerst het gebied van die gemeente vast.")
    return area


def _row(oin: str, naam: str, area: Area | None) -> AreaRow:
    if area is None:
        return AreaRow(oin, naam)
    found = extent(area.geometry)
    whole = (found.polygons, found.points, round(found.square_metres / 1e6, 1), found.bounds)
    return AreaRow(oin, naam, area.source, *whole, area.sha256, area.geometry)


def _print_row(row: AreaRow) -> None:
    fields = ("organisatie_oin", "naam", "source", "polygons", "points", "km2", "bounds", "sha256")
    output.print_fields({name: getattr(row, name) for name in fields})


def _where(wanted: Sequence[str]) -> dict[str, str]:
    pairs = [each.partition("=") for each in wanted]
    if not all(name and equals for name, equals, _ in pairs):
        raise ConfigError("--where is written as name=value", advice="Bijvoorbeeld --where naam=Voorbeeldstad.")
    return {name: value for name, _, value in pairs}
