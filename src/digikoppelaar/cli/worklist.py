"""`digikoppelaar worklist list`: what a person must look at, per organisatie."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import typer

from digikoppelaar import wiring
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.cli import output
from digikoppelaar.cli.context import Json, OnlyOmgeving, OnlyOrganisatie, configuration
from digikoppelaar.flows.worklist_rows import Item, WorklistFilter

app = typer.Typer(no_args_is_help=True, help="What a person must look at, per organisatie.")

COLUMNS = {"sort": "sort", "omgeving": "omgeving", "organisatie": "organisatie_oin", "since": "since", "what": "what"}


@app.callback()
def group() -> None:
    """What a person must look at, per organisatie."""


@dataclass(frozen=True, slots=True)
class Row:
    """An item as it is listed."""

    key: str
    sort: str
    omgeving: str
    organisatie_oin: str
    organisatie_naam: str
    since: datetime
    verzoeknummer: str | None
    what: str
    todo: str
    reason: str | None


@app.command("list")
def list_items(
    organisatie: OnlyOrganisatie = None,
    omgeving: OnlyOmgeving = None,
    json: Json = False,
) -> None:
    """List the worklist: what, since when, and what to do about it."""
    rows = [_row(item) for item in asyncio.run(_items(WorklistFilter(omgeving, organisatie)))]
    if json:
        output.print_json(rows)
        return
    output.print_table(COLUMNS, rows, "Nothing: no item is on the worklist.")
    for todo in dict.fromkeys(row.todo for row in rows):
        output.console.print(f"wat te doen: {todo}", markup=False)


def _row(item: Item) -> Row:
    place = item.place
    about = (place.omgeving, place.organisatie_oin, place.organisatie_naam)
    return Row(item.key, item.sort, *about, item.since, item.verzoeknummer, item.what, item.todo, item.reason)


async def _items(wanted: WorklistFilter) -> Sequence[Item]:
    from digikoppelaar import opening, worklist_watch  # heavy, and only this command needs them

    config = configuration()
    async with wiring.open_stores(config) as stores:
        keyring = await opening.open_keyring(config, stores)
        return await worklist_watch.WorklistWatch(config, stores, keyring, SystemClock()).items(wanted)
