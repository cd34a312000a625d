"""`digikoppelaar verzoek`: what came in, how far it is, and letting go on what waits for a person."""

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from digikoppelaar import wiring
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.cli import output
from digikoppelaar.cli.context import (
    Json,
    OnlyOmgeving,
    OnlyOrganisatie,
    WhichOmgeving,
    WhichOrganisatie,
    configuration,
    known_state,
)
from digikoppelaar.cli.files import read_file
from digikoppelaar.cli.views import show_personal_data
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.announce import Announced, announce, stam_aansluiting
from digikoppelaar.flows.reading import PAGE_SIZE, Reading, VersionPage, VerzoekFilter, VerzoekPage, VerzoekRow
from digikoppelaar.flows.views import Way
from digikoppelaar.stam.notification import LIMIT
from digikoppelaar.web.words import VERZOEK_STATES

app = typer.Typer(no_args_is_help=True, help="Verzoeken: what came in, how far it is, and letting it go on.")

COLUMNS = {
    "omgeving": "omgeving",
    "organisatie": "organisatie_oin",
    "verzoeknummer": "verzoeknummer",
    "volgnummer": "volgnummer",
    "state": "state",
    "test": "test",
    "received": "received_at",
    "delivered": "delivered_at",
    "reason": "reason",
}
FILE_COLUMNS = {"kind": "kind", "naam": "naam", "bytes": "size", "sha256": "sha256", "fetched": "fetched_at"}
LINK_COLUMNS = {"target": "target", "zaak": "case_reference", "at": "linked_at", "by": "linked_by"}
KENNISGEVING_COLUMNS = {
    "number": "id",
    "moment": "moment",
    "blad": "blad",
    "state": "state",
    "publication": "publication",
    "published": "published_on",
    "address": "publication_url",
}
BY_HAND_COLUMNS = {"at": "done_at", "by": "done_by", "did": "name", "detail": "detail"}
STEP_COLUMNS = {"at": "at", "step": "name", "detail": "detail"}
FINDING_COLUMNS = {"finding": "code", "where": "path", "line": "line", "what": "sentence"}


@app.command("list")
def list_verzoeken(
    omgeving: OnlyOmgeving = None,
    organisatie: OnlyOrganisatie = None,
    state: Annotated[str | None, typer.Option(help="Only verzoeken in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = PAGE_SIZE,
    json: Json = False,
) -> None:
    """List verzoeken, the newest first."""
    wanted = VerzoekFilter(
        omgeving=omgeving, organisatie_oin=organisatie, state=known_state(state, VERZOEK_STATES), limit=limit
    )
    rows = asyncio.run(_list(wanted))
    if json:
        output.print_json([_listed(row) for row in rows])
    else:
        output.print_table(COLUMNS, rows, "No verzoeken.")


@app.command("show")
def show(
    verzoeknummer: str,
    omgeving: WhichOmgeving = None,
    organisatie: WhichOrganisatie = None,
    json: Json = False,
) -> None:
    """Show one verzoek: versions, files, steps, kennisgevingen and messages. The view goes on record (`views list`)."""
    page = asyncio.run(
        _show(VerzoekFilter(omgeving=omgeving, organisatie_oin=organisatie, verzoeknummer=verzoeknummer))
    )
    if json:
        output.print_json(page)
        return
    for version in page.versions:
        _print_version(version)
    for title, columns, rows in (
        ("kennisgevingen:", KENNISGEVING_COLUMNS, page.kennisgevingen),
        ("linked:", LINK_COLUMNS, page.links),
        ("by hand:", BY_HAND_COLUMNS, page.interventions),
    ):
        if rows:
            output.console.print(f"\n{title}")
            output.print_table(columns, rows, "")
    output.console.print()
    output.print_table(
        {"message": "message_id", "direction": "direction", "action": "action", "state": "state", "at": "at"},
        page.messages,
        "No messages.",
    )


@app.command("notify")
def notify(
    file: Annotated[Path, typer.Argument(help="A notification as DSO-LV or an intermediary sent it.", dir_okay=False)],
    organisatie: Annotated[str, typer.Option("--organisatie", help="The OIN of the organisatie it is for.")],
    omgeving: Annotated[str, typer.Option("--omgeving", help="The omgeving it belongs to.")],
    json: Json = False,
) -> None:
    """Take in a notification from a file, as if it had come over ebMS. The same file again changes nothing."""
    payload = read_file(file, LIMIT, "a notification")
    told = asyncio.run(_notify(payload, organisatie, omgeving))
    if json:
        output.print_json(told)
    elif told.notification_id is None:
        output.console.print(f"Verzoek {told.verzoeknummer}: this notification was there before; nothing changed.")
    else:
        what = "its withdrawal" if told.withdrawal else "it"
        output.console.print(f"Verzoek {told.verzoeknummer}: {what} will be fetched.")


async def _notify(payload: bytes, organisatie: str, omgeving: str) -> Announced:
    async with wiring.open_stores(configuration()) as stores:
        aansluiting = stam_aansluiting(await stores.registry.aansluitingen(organisatie), organisatie, omgeving)
        return await announce(stores.verzoeken, aansluiting, payload, SystemClock().now())


def _print_version(version: VersionPage) -> None:
    verzoek = version.verzoek
    output.print_fields(
        {
            "verzoek": verzoek.verzoeknummer,
            "volgnummer": verzoek.volgnummer,
            "organisatie": f"{verzoek.organisatie_naam} ({verzoek.organisatie_oin})",
            "omgeving": verzoek.omgeving,
            "state": verzoek.state,
            "test": "TEST: made to try out a connection" if verzoek.test else None,
            "case": verzoek.case_reference,
            "content deleted": verzoek.purged_at,
            "reason": verzoek.reason,
            "advice": verzoek.advice,
        }
    )
    output.print_table(FILE_COLUMNS, version.files, "No files yet.")
    output.print_table(STEP_COLUMNS, version.steps, "No steps yet.")
    output.print_table(FINDING_COLUMNS, version.findings, "No findings.")


def _listed(row: VerzoekRow) -> dict[str, object]:
    """A row of a list: without the name that the applicant gave it, for a list is no view of personal data."""
    return {name: value for name, value in asdict(row).items() if name != "naam"}


async def _list(wanted: VerzoekFilter) -> list[VerzoekRow]:
    async with wiring.open_stores(configuration()) as stores:
        return list(await stores.reading.verzoeken(wanted))


async def _show(wanted: VerzoekFilter) -> VerzoekPage:
    async with wiring.open_stores(configuration()) as stores:
        page = await stores.reading.verzoek(await aansluiting_of(stores.reading, wanted), wanted.verzoeknummer or "")
        assert page is not None, "it was listed a moment ago, and nothing is removed"
        about = (page.omgeving, page.organisatie_oin, page.verzoeknummer)
        await show_personal_data(stores.views, Way.VERZOEK_SHOW, *about)
        return page


async def aansluiting_of(reading: Reading, wanted: VerzoekFilter) -> int:
    """The one aansluiting in which this verzoek came in. Raises ConfigError when there is none, or more."""
    found = {row.aansluiting_id: row for row in await reading.verzoeken(wanted)}
    if not found:
        raise ConfigError(f"there is no verzoek {wanted.verzoeknummer}", advice="Zie `digikoppelaar verzoek list`.")
    if len(found) > 1:
        where = ", ".join(sorted(f"{row.omgeving}/{row.organisatie_oin}" for row in found.values()))
        raise ConfigError(
            f"verzoek {wanted.verzoeknummer} exists in {where}", advice="Kies met --omgeving en --organisatie."
        )
    return next(iter(found))
