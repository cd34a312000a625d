"""`digikoppelaar case-event`: what case systems told of zaken, and of which no kennisgeving could be drafted."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Final

import typer

from digikoppelaar import wiring
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.cli import output
from digikoppelaar.cli.context import Json, configuration
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.ports.case_events import CaseEvent

app = typer.Typer(no_args_is_help=True, help="What case systems told of zaken, and what became of it.")

Number = Annotated[int, typer.Argument(help="The number of the event, as `case-event list` shows it.")]
COLUMNS: Final = {
    "number": "id",
    "received": "received_at",
    "what": "resource",
    "url": "url",
    "by": "by",
    "kennisgeving": "kennisgeving_id",
    "outcome": "outcome",
    "reason": "reason",
    "advice": "advice",
}


@app.command("list")
def list_events(
    parked: Annotated[bool, typer.Option("--parked", help="Only those that wait for a person.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    json: Json = False,
) -> None:
    """List what case systems told, the newest first."""

    async def rows() -> Sequence[CaseEvent]:
        async with wiring.open_stores(configuration()) as stores:
            return await stores.case_events.events(parked=parked, limit=limit)

    found = asyncio.run(rows())
    if json:
        output.print_json(found)
    else:
        output.print_table(COLUMNS, found, "Case systems told nothing.")


@app.command("again")
def again(number: Number, json: Json = False) -> None:
    """Try again to make a draft of what is parked, from a first attempt."""

    async def done() -> bool:
        async with wiring.open_stores(configuration()) as stores:
            return await stores.case_events.again(number, SystemClock().now())

    _tell(number, "again", done=asyncio.run(done()), json=json)


@app.command("end")
def end(number: Number, json: Json = False) -> None:
    """Say that nothing more is to be done about what is parked: there is a kennisgeving, or none is to come."""

    async def done() -> bool:
        async with wiring.open_stores(configuration()) as stores:
            return await stores.case_events.end(number, "Een beheerder heeft het afgesloten.", SystemClock().now())

    _tell(number, "ended", done=asyncio.run(done()), json=json)


def _tell(number: int, what: str, *, done: bool, json: bool) -> None:
    if not done:
        raise ConfigError(f"case event {number} is not parked", advice="Zie `digikoppelaar case-event list --parked`.")
    if json:
        output.print_json({what: number})
    else:
        output.console.print(f"Case event {number}: {what}.")
