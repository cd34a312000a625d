"""`digikoppelaar partner`: how sending to the partners goes."""

import asyncio
from collections.abc import Sequence

import typer

from digikoppelaar import wiring
from digikoppelaar.cli import output
from digikoppelaar.cli.context import Json, configuration
from digikoppelaar.flows.reading import PartnerRow

app = typer.Typer(no_args_is_help=True, help="Partners, and what waits for them.")

COLUMNS = {
    "omgeving": "omgeving",
    "party": "party_id",
    "waiting": "waiting",
    "oldest": "oldest",
    "attempts": "attempts",
    "failures": "failures",
    "last success": "last_success_at",
    "last failure": "last_failure_at",
    "last error": "last_error",
}


@app.callback()
def partner() -> None:
    """Partners, and what waits for them."""


@app.command("list")
def list_partners(json: Json = False) -> None:
    """List partners, those with most waiting first: how long it waits, and whether they are reached."""
    rows = asyncio.run(_list())
    if json:
        output.print_json(rows)
    else:
        output.print_table(COLUMNS, rows, "No partner was sent anything yet.")


async def _list() -> Sequence[PartnerRow]:
    async with wiring.open_stores(configuration()) as stores:
        return await stores.reading.partners()
