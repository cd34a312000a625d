"""`digikoppelaar check`: is all well, and if not, what to do."""

import asyncio
from typing import Annotated

import typer

from digikoppelaar import checkup
from digikoppelaar.cli import output
from digikoppelaar.cli.context import Json, configuration
from digikoppelaar.flows.diagnosis import Diagnosis, Verdict, worst

STYLES = {Verdict.GOOD: "green", Verdict.WARNING: "yellow", Verdict.WRONG: "red"}


def check(
    partners: Annotated[
        bool, typer.Option(help="Also connect to every partner's endpoint; no message is sent.")
    ] = True,
    json: Json = False,
) -> None:
    """Look at database, clock, disk, keys, CPAs and partners, and say what to do about what is not well.

    Exit status 1 when something is wrong; warnings leave it 0.
    """
    found = asyncio.run(_check(partners=partners, tell=not json))
    if json:
        output.print_json(found)
    if worst(found) is Verdict.WRONG:
        raise typer.Exit(1)


async def _check(*, partners: bool, tell: bool) -> list[Diagnosis]:
    found = []
    async for diagnosis in checkup.check(configuration(), partners=partners):
        found.append(diagnosis)
        if tell:
            _tell(diagnosis)
    return found


def _tell(diagnosis: Diagnosis) -> None:
    output.console.print(f"{diagnosis.verdict.value:<8}", style=STYLES[diagnosis.verdict], end="")
    output.console.print(f"{diagnosis.subject}: {diagnosis.says}", markup=False)
    if diagnosis.advice:
        output.console.print(f"        wat te doen: {diagnosis.advice}", markup=False)
