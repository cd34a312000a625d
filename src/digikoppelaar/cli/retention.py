"""`digikoppelaar retention`: deleting what was delivered, what was deleted, and what is kept though it is old."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer

from digikoppelaar import wiring
from digikoppelaar.adapters.fingerprint_keys import FingerprintKeyFile
from digikoppelaar.adapters.system import os_user
from digikoppelaar.cli import output
from digikoppelaar.cli.context import DryRun, Json, configuration
from digikoppelaar.errors import StorageError
from digikoppelaar.flows.ports.retention import KeptRow, PurgeFilter, PurgeRow, What
from digikoppelaar.flows.reading import PAGE_SIZE
from digikoppelaar.flows.retention import Ran

app = typer.Typer(no_args_is_help=True, help="Deleting what was delivered, when its period is over.")

DUE_COLUMNS = {
    "what": "what",
    "omgeving": "omgeving",
    "organisatie": "organisatie_oin",
    "verzoeknummer": "verzoeknummer",
    "volgnummer": "volgnummer",
    "message_id": "message_id",
    "ended": "ended_at",
    "days": "days",
}
PURGE_COLUMNS = {
    "run": "run_id",
    "what": "what",
    "organisatie": "organisatie_oin",
    "verzoeknummer": "verzoeknummer",
    "volgnummer": "volgnummer",
    "message_id": "message_id",
    "bytes": "size",
    "recorded": "recorded_at",
    "completed": "completed_at",
}
KEPT_COLUMNS = {
    "what": "what",
    "omgeving": "omgeving",
    "organisatie": "organisatie_oin",
    "verzoeknummer": "verzoeknummer",
    "volgnummer": "volgnummer",
    "message_id": "message_id",
    "state": "state",
    "since": "since",
    "reason": "reason",
    "advice": "advice",
}


@app.command("run")
def run(
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Delete now what is due; the worker does it once a day. Again deletes nothing more."""
    ran = asyncio.run(_run(dry_run=dry_run))
    if json:
        output.print_json(ran)
    else:
        _print(ran)
    if ran.problems:
        raise StorageError(f"{len(ran.problems)} deletions are left for the next run: {ran.problems[0]}")


@app.command("list")
def list_purges(
    verzoek: Annotated[str | None, typer.Option(help="Only of this verzoeknummer.")] = None,
    message: Annotated[str | None, typer.Option(help="Only of the message with this MessageId.")] = None,
    what: Annotated[What | None, typer.Option(help="Only deletions of this kind.")] = None,
    run_id: Annotated[int | None, typer.Option("--run", help="Only by this run.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = PAGE_SIZE,
    json: Json = False,
) -> None:
    """List what was deleted and when, the newest first; --json gives sizes and hashes of each piece."""
    rows = asyncio.run(_list(PurgeFilter(verzoek, message, what, run_id, limit)))
    if json:
        output.print_json(rows)
    else:
        output.print_table(PURGE_COLUMNS, rows, "Nothing was deleted.")


@app.command("report")
def report(json: Json = False) -> None:
    """List what is older than its period and kept: a person has to decide, or an application to take it."""
    rows = asyncio.run(_report())
    if json:
        output.print_json(rows)
    else:
        output.print_table(KEPT_COLUMNS, rows, "Nothing is kept beyond its period.")


@app.command("rotate-key")
def rotate_key(json: Json = False) -> None:
    """Make a new key for keyed hashes; an old one is destroyed when no hash needs it any more."""
    key = asyncio.run(FingerprintKeyFile(configuration().fingerprint_key_file).rotate())
    if json:
        output.print_json({"key_id": key.id})
    else:
        output.console.print(f"New hashes are made with key {key.id}.")


def _print(ran: Ran) -> None:
    if ran.dry_run:
        output.print_table(DUE_COLUMNS, ran.due, "No verzoek and no message is due.")
    output.print_fields(
        {
            "verzoeken": ran.verzoeken,
            "messages": ran.messages,
            "leftover blobs": ran.leftovers,
            "completed of an earlier run": ran.resumed,
            "bytes": None if ran.dry_run else ran.size,
            "hashes forgotten, of verzoeken": ran.fingerprints_forgotten,
        }
    )
    if ran.dry_run:
        output.console.print("Nothing changed: --dry-run.")


async def _run(*, dry_run: bool) -> Ran:
    config = configuration()
    async with wiring.open_stores(config) as stores:
        retention = wiring.retention(config, stores)
        if dry_run:
            return await retention.dry_run()
        ran = await retention.run(os_user())
        assert ran is not None, "a run by hand always begins"
        return ran


async def _list(wanted: PurgeFilter) -> Sequence[PurgeRow]:
    async with wiring.open_stores(configuration()) as stores:
        return await stores.retention.purges(wanted)


async def _report() -> Sequence[KeptRow]:
    config = configuration()
    async with wiring.open_stores(config) as stores:
        return await wiring.retention(config, stores).kept()
