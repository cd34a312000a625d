"""`digikoppelaar message`: the ebMS messages that came in and went out."""

import asyncio
from typing import Annotated

import typer

from digikoppelaar import wiring
from digikoppelaar.cli import output, sending
from digikoppelaar.cli.context import Json, OnlyOmgeving, configuration, known_state
from digikoppelaar.cli.views import show_personal_data
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.reading import PAGE_SIZE, Direction, MessageFilter, MessagePage
from digikoppelaar.flows.views import Way
from digikoppelaar.web.words import MESSAGE_STATES

app = typer.Typer(no_args_is_help=True, help="ebMS messages, in and out.")
app.command("send")(sending.send)
app.command("resend")(sending.resend)
app.command("export")(sending.export)

COLUMNS = {
    "direction": "direction",
    "at": "at",
    "action": "action",
    "state": "state",
    "attempts": "attempts",
    "message_id": "message_id",
    "reason": "reason",
}
PAYLOAD_COLUMNS = {"payload": "content_id", "type": "content_type", "bytes": "size", "sha256": "sha256"}
ATTEMPT_COLUMNS = {
    "attempt": "number",
    "started": "started_at",
    "ended": "ended_at",
    "outcome": "event",
    "status": "status",
    "detail": "detail",
}


@app.command("list")
def list_messages(
    omgeving: OnlyOmgeving = None,
    direction: Annotated[Direction | None, typer.Option(help="Only this way.")] = None,
    state: Annotated[str | None, typer.Option(help="Only messages in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = PAGE_SIZE,
    json: Json = False,
) -> None:
    """List messages, the newest first."""
    rows = asyncio.run(
        _list(
            MessageFilter(omgeving=omgeving, direction=direction, state=known_state(state, MESSAGE_STATES), limit=limit)
        )
    )
    if json:
        output.print_json(rows)
    else:
        output.print_table(COLUMNS, rows, "No messages.")


@app.command("show")
def show(
    message_id: str,
    raw: Annotated[
        bool, typer.Option(help="Print the message as it was received or is sent, and nothing else.")
    ] = False,
    json: Json = False,
) -> None:
    """Show one message: the attempts to send it, or the payloads that came with it.

    With --raw or --json the content is shown too, and that goes on record (`views list`).
    """
    pages = asyncio.run(_show(message_id, content=raw or json))
    if json:
        output.print_json(pages)
        return
    for page in pages:
        if raw:
            output.console.out(page.document.decode(errors="replace"), highlight=False)
        else:
            _print_page(page)


def _print_page(page: MessagePage) -> None:
    message = page.message
    output.print_fields(
        {
            "message_id": message.message_id,
            "direction": message.direction,
            "action": message.action,
            "service": message.service,
            "cpa": message.cpa_id,
            "partner": page.partner.rpartition("/")[2],
            "endpoint": page.endpoint,
            "refers to": message.ref_to_message_id,
            "verzoek": page.verzoeknummer,
            "state": message.state,
            "content deleted": page.purged_at,
            "reason": message.reason,
        }
    )
    if message.direction is Direction.IN:
        output.print_table(PAYLOAD_COLUMNS, page.payloads, "No payloads.")
    else:
        output.print_table(ATTEMPT_COLUMNS, page.attempts, "No attempts yet.")


async def _list(wanted: MessageFilter) -> list[object]:
    async with wiring.open_stores(configuration()) as stores:
        return list(await stores.reading.messages(wanted))


async def _show(message_id: str, *, content: bool) -> list[MessagePage]:
    async with wiring.open_stores(configuration()) as stores:
        rows = await stores.reading.messages(MessageFilter(message_id=message_id))
        pages = [await stores.reading.message(row.direction, row.id) for row in rows]
        for page in pages if content else ():
            if page is not None:
                about = (page.message.omgeving, page.message.organisatie_oin, page.verzoeknummer, message_id)
                await show_personal_data(stores.views, Way.MESSAGE_SHOW, *about)
    if not pages:
        raise ConfigError(f"there is no message {message_id}", advice="Zie `digikoppelaar message list`.")
    return [page for page in pages if page is not None]
