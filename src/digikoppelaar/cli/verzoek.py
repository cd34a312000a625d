"""`digikoppelaar verzoek`: what came in, and how far it is."""

from typing import Annotated

import typer

from digikoppelaar import wiring
from digikoppelaar.cli import output
from digikoppelaar.cli.context import Json, configuration, run
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.reading import PAGE_SIZE, VersionPage, VerzoekFilter, VerzoekPage

app = typer.Typer(no_args_is_help=True, help="Verzoeken: what came in, and how far it is.")

COLUMNS = {
    "omgeving": "omgeving",
    "organisatie": "organisatie_oin",
    "verzoeknummer": "verzoeknummer",
    "volgnummer": "volgnummer",
    "state": "state",
    "received": "received_at",
    "delivered": "delivered_at",
    "reason": "reason",
}
FILE_COLUMNS = {"kind": "kind", "naam": "naam", "bytes": "size", "sha256": "sha256", "fetched": "fetched_at"}
STEP_COLUMNS = {"at": "at", "step": "name", "detail": "detail"}


@app.command("list")
def list_verzoeken(
    omgeving: Annotated[str | None, typer.Option(help="Only this omgeving.")] = None,
    organisatie: Annotated[str | None, typer.Option(help="Only the organisatie with this OIN.")] = None,
    state: Annotated[str | None, typer.Option(help="Only verzoeken in this state.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many.")] = PAGE_SIZE,
    json: Json = False,
) -> None:
    """List verzoeken, the newest first."""
    wanted = VerzoekFilter(omgeving=omgeving, organisatie_oin=organisatie, state=state, limit=limit)
    rows = run(_list(wanted))
    if json:
        output.print_json(rows)
    else:
        output.print_table(COLUMNS, rows, "No verzoeken.")


@app.command("show")
def show(
    verzoeknummer: str,
    omgeving: Annotated[str | None, typer.Option(help="When the number exists in more than one omgeving.")] = None,
    organisatie: Annotated[str | None, typer.Option(help="When more than one organisatie has it: its OIN.")] = None,
    json: Json = False,
) -> None:
    """Show one verzoek: versions, files, steps and messages."""
    page = run(_show(VerzoekFilter(omgeving=omgeving, organisatie_oin=organisatie, verzoeknummer=verzoeknummer)))
    if json:
        output.print_json(page)
        return
    for version in page.versions:
        _print_version(version)
    output.console.print()
    output.print_table(
        {"message": "message_id", "direction": "direction", "action": "action", "state": "state", "at": "at"},
        page.messages,
        "No messages.",
    )


def _print_version(version: VersionPage) -> None:
    verzoek = version.verzoek
    output.print_fields(
        {
            "verzoek": verzoek.verzoeknummer,
            "volgnummer": verzoek.volgnummer,
            "organisatie": f"{verzoek.organisatie_naam} ({verzoek.organisatie_oin})",
            "omgeving": verzoek.omgeving,
            "state": verzoek.state,
            "case": verzoek.case_reference,
            "reason": verzoek.reason,
            "advice": verzoek.advice,
        }
    )
    output.print_table(FILE_COLUMNS, version.files, "No files yet.")
    output.print_table(STEP_COLUMNS, version.steps, "No steps yet.")


async def _list(wanted: VerzoekFilter) -> list[object]:
    async with wiring.open_stores(configuration()) as stores:
        return list(await stores.reading.verzoeken(wanted))


async def _show(wanted: VerzoekFilter) -> VerzoekPage:
    async with wiring.open_stores(configuration()) as stores:
        found = {row.aansluiting_id: row for row in await stores.reading.verzoeken(wanted)}
        if not found:
            raise ConfigError(f"there is no verzoek {wanted.verzoeknummer}", advice="Zie `digikoppelaar verzoek list`.")
        if len(found) > 1:
            where = ", ".join(sorted(f"{row.omgeving}/{row.organisatie_oin}" for row in found.values()))
            raise ConfigError(
                f"verzoek {wanted.verzoeknummer} exists in {where}", advice="Kies met --omgeving en --organisatie."
            )
        page = await stores.reading.verzoek(next(iter(found)), wanted.verzoeknummer or "")
        assert page is not None, "it was listed a moment ago, and nothing is removed"
        return page
