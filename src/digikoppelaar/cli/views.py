"""`digikoppelaar views`: who saw personal data; and how other commands put a view on record."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer

from digikoppelaar import wiring
from digikoppelaar.adapters.system import SystemClock, os_user
from digikoppelaar.cli import output
from digikoppelaar.cli.context import Json, OnlyOmgeving, OnlyOrganisatie, configuration
from digikoppelaar.flows.reading import PAGE_SIZE
from digikoppelaar.flows.views import View, Viewer, ViewerKind, ViewFilter, ViewLog, ViewRow, Way

app = typer.Typer(no_args_is_help=True, help="The log of who saw personal data.")

COLUMNS = {
    "at": "at",
    "known by": "viewer_kind",
    "viewer": "viewer",
    "way": "way",
    "omgeving": "omgeving",
    "organisatie": "organisatie_oin",
    "verzoeknummer": "verzoeknummer",
    "message_id": "message_id",
}


@app.command("list")
def list_views(
    verzoek: Annotated[str | None, typer.Option(help="Only of this verzoeknummer.")] = None,
    message: Annotated[str | None, typer.Option(help="Only of the message with this MessageId.")] = None,
    viewer: Annotated[str | None, typer.Option(help="Only by this account, API key (prefix) or address.")] = None,
    omgeving: OnlyOmgeving = None,
    organisatie: OnlyOrganisatie = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = PAGE_SIZE,
    json: Json = False,
) -> None:
    """List who saw personal data, of what, when and how; the newest first."""
    rows = asyncio.run(_list(ViewFilter(omgeving, organisatie, verzoek, message, viewer, limit)))
    if json:
        output.print_json(rows)
    else:
        output.print_table(COLUMNS, rows, "No views.")


async def show_personal_data(
    log: ViewLog,
    way: Way,
    omgeving: str,
    organisatie_oin: str,
    verzoeknummer: str | None = None,
    message_id: str | None = None,
) -> None:
    """Put on record that who runs this command will see it. Raises StorageError: then it may not be shown."""
    viewer = Viewer(ViewerKind.OS_USER, os_user())
    await log.record(View(viewer, way, omgeving, organisatie_oin, verzoeknummer, message_id), SystemClock().now())


async def _list(wanted: ViewFilter) -> Sequence[ViewRow]:
    async with wiring.open_stores(configuration()) as stores:
        return await stores.views.views(wanted)
