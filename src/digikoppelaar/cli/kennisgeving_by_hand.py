"""`digikoppelaar kennisgeving hold|resume|cancel|again|arrived|refused|tell|none`: what only a person can say."""

import asyncio
from typing import Annotated

import typer

from digikoppelaar.cli import output
from digikoppelaar.cli.context import Json, WhichOmgeving
from digikoppelaar.cli.kennisgeving import Number, Override, opened_desk, print_row, who
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.kennisgeving_states import KennisgevingEvent
from digikoppelaar.flows.ports.kennisgevingen import Facts, StoredKennisgeving

_DUE_NOW = frozenset({KennisgevingEvent.AGAIN, KennisgevingEvent.ACCEPTED})
"""What is now to be sent, or looked for; otherwise its time stays as it was."""
Reason = Annotated[str, typer.Option("--reason", help="Why, in one line without personal data; it stays on record.")]


def hold(number: Number, reason: Reason, json: Json = False) -> None:
    """Keep a planned kennisgeving from being sent, until `resume`."""
    _move(number, KennisgevingEvent.HELD, reason, json=json)


def resume(number: Number, override: Override = "", json: Json = False) -> None:
    """Let a kennisgeving go on that is held, or that was refused for what is not in its text. It is checked again."""
    row = asyncio.run(_resume(number, override))
    print_row(row, json=json, told=f"kennisgeving {number} is {row.state}")


def cancel(number: Number, reason: Reason, json: Json = False) -> None:
    """Take a kennisgeving back that KOOP does not have. What KOOP has can only be taken back in DROP."""
    _move(number, KennisgevingEvent.CANCELLED, reason, json=json)


def again(number: Number, reason: Reason, json: Json = False) -> None:
    """Send a kennisgeving again of which nobody knew whether KOOP has it: look in DROP first."""
    _move(number, KennisgevingEvent.AGAIN, reason, json=json)


def arrived(
    number: Number,
    dossiernummer: Annotated[str, typer.Option("--dossiernummer", help="As DROP shows it.")],
    json: Json = False,
) -> None:
    """Say that KOOP has a kennisgeving of which nobody knew it; it is then looked for until it is published."""
    _move(number, KennisgevingEvent.ACCEPTED, "seen in DROP", json=json, dossiernummer=dossiernummer)


def refused(number: Number, reason: Reason, json: Json = False) -> None:
    """Say that KOOP does not have a kennisgeving of which nobody knew it, and that it is to be changed first."""
    _move(number, KennisgevingEvent.REFUSED, reason, json=json)


def tell(
    number: Number,
    told_too: Annotated[
        bool, typer.Option("--again", help="Also who knows it, as when a case system lost it.")
    ] = False,
    json: Json = False,
) -> None:
    """Tell case systems and the application what became of a kennisgeving, when that waits for a person."""
    moved = asyncio.run(_tell(number, told_too=told_too))
    if json:
        output.print_json({"kennisgeving": number, "told_again": moved})
    else:
        output.console.print(f"It will be told to {moved}." if moved else "Nothing of it waits for a person.")


def none(verzoeknummer: str, reason: Reason, omgeving: WhichOmgeving = None, json: Json = False) -> None:
    """Say that no kennisgeving is to be drafted of a verzoek."""
    news = asyncio.run(_none(verzoeknummer, omgeving, reason))
    if json:
        output.print_json({"verzoeknummer": verzoeknummer, "news": news})
    else:
        output.console.print("No kennisgeving will be drafted of it." if news else "That was on record.")


def _move(number: int, event: KennisgevingEvent, reason: str, *, json: bool, dossiernummer: str | None = None) -> None:
    async def move() -> StoredKennisgeving:
        async with opened_desk() as opened:
            me = who()
            due_at = me.at if event in _DUE_NOW else None
            facts = Facts(due_at=due_at, dossiernummer=dossiernummer, detail=reason)
            return await opened.stores.kennisgevingen.move(number, event, me, facts)

    row = asyncio.run(move())
    print_row(row, json=json, told=f"kennisgeving {number} is {row.state}")


async def _resume(number: int, override: str) -> StoredKennisgeving:
    async with opened_desk() as opened:
        return await opened.desk.resume(number, who(), override=override)


async def _tell(number: int, *, told_too: bool) -> int:
    async with opened_desk() as opened:
        await opened.stores.kennisgevingen.kennisgeving(number)
        return await opened.stores.tellings.again(number, who(), told_too=told_too)


async def _none(verzoeknummer: str, omgeving: str | None, reason: str) -> bool:
    async with opened_desk() as opened:
        store = opened.stores.kennisgevingen
        found = [each for each in await store.undrafted(100, verzoeknummer) if omgeving in {None, each.omgeving}]
        if not found:
            raise ConfigError(
                f"there is no verzoek {verzoeknummer} that waits for a kennisgeving",
                advice="Van dit verzoek is al een kennisgeving gemaakt, of het is hier niet bekend.",
            )
        me = who()
        return any([await store.none_for(each.origin, reason, me, me.at) for each in found])
