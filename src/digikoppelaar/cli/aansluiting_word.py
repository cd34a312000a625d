"""`digikoppelaar aansluiting ask|confirm`: what a person tells of a step, of one organisatie or of many at once."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from digikoppelaar.cli import output
from digikoppelaar.cli.aansluiting import (
    By,
    Number,
    OfKind,
    OnlyBestuurslaag,
    Remark,
    There,
    known_bestuurslaag,
    known_omgeving,
    subject_of,
    told_by,
)
from digikoppelaar.cli.context import DryRun, Json, Yes, can_answer, configuration
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows import onboarding_report as report
from digikoppelaar.flows.onboarding_many import Fate, Line, Telling, outlook, tell_each, told_to
from digikoppelaar.flows.onboarding_status import Status, StatusFilter
from digikoppelaar.measuring.runs import open_onboarding
from digikoppelaar.onboarding.model import Kind, Subject
from digikoppelaar.onboarding.progress import Told

Oins = Annotated[
    list[str] | None,
    typer.Argument(help="The OIN of the organisatie, or of more.", metavar="OIN", show_default=False),
]
Everyone = Annotated[bool, typer.Option("--all", help="Every organisatie, of which the step can be told.")]

COLUMNS = {"organisatie": "organisatie_naam", "oin": "organisatie_oin", "fate": "fate", "step": "says"}


def ask(
    *,
    oins: Oins = None,
    number: Number,
    omgeving: There,
    kind: OfKind = Kind.STAM,
    remark: Remark = "",
    by: By = "",
    everyone: Everyone = False,
    bestuurslaag: OnlyBestuurslaag = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Put on record that the other party of a step was asked: it waits for the answer.

    Of more than one organisatie it is shown first of whom it can be told, and you are asked.
    """
    word = _Word(Telling.ASKED, number, kind, omgeving, told_by(by, remark))
    _tell(word, oins or (), bestuurslaag, everyone=everyone, yes=yes, dry_run=dry_run, json=json)


def confirm(
    *,
    oins: Oins = None,
    number: Number,
    omgeving: There,
    kind: OfKind = Kind.STAM,
    remark: Remark = "",
    by: By = "",
    refused: Annotated[bool, typer.Option("--refused", help="The other party said no; say why with --remark.")] = False,
    everyone: Everyone = False,
    bestuurslaag: OnlyBestuurslaag = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Give your word that a step is done, or that the other party answered. Twice is harmless.

    Of more than one organisatie it is shown first of whom it can be told, and you are asked.
    """
    word = _Word(Telling.REFUSED if refused else Telling.WORD, number, kind, omgeving, told_by(by, remark))
    _tell(word, oins or (), bestuurslaag, everyone=everyone, yes=yes, dry_run=dry_run, json=json)


@dataclass(frozen=True, slots=True)
class _Word:
    """What is told of which step, where."""

    telling: Telling
    number: str
    kind: Kind
    omgeving: str
    told: Told

    def of(self, oin: str) -> tuple[Subject, str, Told]:
        """What the flow is told of one organisatie."""
        return subject_of(oin, self.kind, self.omgeving), self.number, self.told


def _tell(
    word: _Word, oins: Sequence[str], bestuurslaag: str | None, *, everyone: bool, yes: bool, dry_run: bool, json: bool
) -> None:
    """Of one at once; of more after a look at whom it can be told of."""
    if bool(oins) == everyone:
        raise ConfigError(
            "name organisaties before the step, or choose --all",
            advice="Geef een of meer OIN's en daarna de stap, of kies --all met alleen de stap.",
        )
    if len(oins) == 1 and not dry_run:
        _tell_one(word, oins[0], json=json)
        return
    wanted = StatusFilter(known_omgeving(word.omgeving), word.kind, known_bestuurslaag(bestuurslaag))
    lines = asyncio.run(_outlook(word, wanted, oins))
    if not dry_run and not yes:
        can_answer(json=json)
        output.print_table(COLUMNS, lines, "")
        able = sum(each.fate is Fate.ABLE for each in lines)
        if able:
            typer.confirm(f"Tell this of step {word.number} of {able} organisaties?", abort=True)
    if not dry_run:
        lines = asyncio.run(_told(word, lines))
    if json:
        output.print_json(lines)
    else:
        output.print_table(COLUMNS, lines, "")
    if any(each.fate is Fate.FAILED for each in lines):
        raise typer.Exit(1)


def _tell_one(word: _Word, oin: str, *, json: bool) -> None:
    """Do it, with the checks of the step, and say what became of it and what is next."""

    async def opened() -> Status:
        async with open_onboarding(configuration()) as flow:
            return await told_to(flow, word.telling)(*word.of(oin))

    page = report.page(asyncio.run(opened()))
    step = next(each for each in (*page.preparation, *page.steps) if each.step == word.number)
    if json:
        output.print_json({"row": page.row, "step": step})
    else:
        output.print_fields({f"step {word.number}": step.state, "next": page.row.next_action})


async def _outlook(word: _Word, wanted: StatusFilter, oins: Sequence[str]) -> list[Line]:
    async with open_onboarding(configuration()) as flow:
        found = await flow.statuses(wanted)
    if unknown := sorted(set(oins) - {each.subject.oin for each in found}):
        raise ConfigError(
            f"there is no {word.kind} in {word.omgeving} for {', '.join(unknown)}",
            advice="Zoek de OIN's op met `digikoppelaar aansluiting list`.",
        )
    return outlook([each for each in found if not oins or each.subject.oin in oins], word.number, word.telling)


async def _told(word: _Word, lines: Sequence[Line]) -> list[Line]:
    found: list[Line] = []
    async with open_onboarding(configuration()) as flow:
        with output.errors.status("") as progress:  # seen on a terminal only
            async for line in tell_each(flow, lines, word.telling, word.of):
                found.append(line)
                progress.update(f"{len(found)} of {len(lines)}")
    return found
