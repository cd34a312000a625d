"""`digikoppelaar kennisgeving stage`: the four stages of 3PAS, from a test with a user name to production."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import zip_longest
from typing import Annotated, Final

import typer

from digikoppelaar.adapters.profiles import load_stages
from digikoppelaar.cli import output
from digikoppelaar.cli.context import DryRun, Json, WhichOmgeving
from digikoppelaar.cli.kennisgeving import FINDING_COLUMNS, Opened, opened_desk, who
from digikoppelaar.drop.model import Documenttype
from digikoppelaar.drop.profile import Stage
from digikoppelaar.drop.stages import DOCUMENTTYPEN, StageProgress, Wanted
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows.ports import Aansluiting, is_sandbox
from digikoppelaar.flows.ports.kennisgevingen import StoredKennisgeving
from digikoppelaar.flows.stage_notices import Made, deliver, made_up, trial_stage
from digikoppelaar.flows.stages import Stages
from digikoppelaar.onboarding.model import plays

app = typer.Typer(no_args_is_help=True, help="The stages on the way to production at KOOP: what is missing in each.")

Organisatie = Annotated[str, typer.Argument(help="The OIN of the organisatie that publishes.")]
Types = Annotated[list[str], typer.Argument(metavar="DOCUMENTTYPE...", help=f"Out of {', '.join(DOCUMENTTYPEN)}.")]
COLUMNS: Final = {
    "step": "order",
    "stage": "name",
    "used": "used",
    "delivered": "delivered",
    "good": "good",
    "done": "done",
    "turn": "turn",
    "next": "next",
}
MADE_COLUMNS: Final = {"documenttype": "documenttype", "case": "referentienummer", "number": "number", "state": "state"}


@dataclass(frozen=True, slots=True)
class Row:
    """A stage as a list shows it."""

    order: int
    name: str
    used: bool
    delivered: str
    good: str
    done: bool
    turn: str | None
    next: str


@dataclass(frozen=True, slots=True)
class MadeRow:
    """A made-up notice; `number` None: it is not on record."""

    documenttype: str
    referentienummer: str
    number: int | None
    state: str


@app.command("show")
def show(organisatie: Organisatie, omgeving: WhichOmgeving = None, json: Json = False) -> None:
    """List all four stages: what was delivered and found good in each, what is missing, and whose turn it is."""
    found = asyncio.run(_progress(organisatie, omgeving))
    if json:
        output.print_json([_as_values(each) for each in found])
        return
    output.print_table(COLUMNS, [_row(each) for each in found], "No stages.")
    for each in found:
        for finding in each.findings:
            output.console.print(f"{finding.code}: {finding.says}", markup=False)


@app.command("confirm")
def confirm(
    organisatie: Organisatie,
    stage: Annotated[str, typer.Argument(help="The name of the stage, as `stage show` lists it.")],
    documenttypen: Types,
    note: Annotated[str, typer.Option(help="Where KOOP said so, in one line without personal data.")] = "",
    omgeving: WhichOmgeving = None,
    json: Json = False,
) -> None:
    """Put on record that KOOP found documenttypen good in a stage, and that you say so. Safe to repeat.

    None is, when one of them was not delivered.
    """
    found = [_documenttype(each) for each in documenttypen]
    news = [each.name.lower() for each in asyncio.run(_confirm(organisatie, omgeving, stage, found, note))]
    if json:
        output.print_json({"organisatie_oin": organisatie, "stage": stage, "news": news})
    else:
        output.console.print(f"Good in stage {stage}: {', '.join(news)}." if news else "That was on record.")


@app.command("deliver")
def deliver_made_up(
    organisatie: Organisatie,
    documenttype: Annotated[
        list[str] | None, typer.Option(help="Only this one; may be given again. Default: every wanted one.")
    ] = None,
    number: Annotated[int, typer.Option(min=1, help="Above 1: another try, of what KOOP did not find good.")] = 1,
    omgeving: WhichOmgeving = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Make up one kennisgeving for each wanted documenttype, and send it in the stage that the aansluiting is set to.

    Each is sent once, however often this is asked. Never in production: what is made up would be public for ever.
    """
    types = [_documenttype(each) for each in documenttype or ()]
    made, rows = asyncio.run(_deliver(organisatie, omgeving, types, number, dry_run=dry_run))
    shown = [_made_row(*both) for both in zip_longest(made, rows)]
    findings = [finding for each in made for finding in each.checked.findings]
    if json:
        output.print_json({"delivered": not dry_run, "kennisgevingen": shown, "findings": findings})
        return
    output.print_table(MADE_COLUMNS, shown, "Nothing is wanted in this stage.")
    if dry_run:
        output.print_table(FINDING_COLUMNS, findings, "Nothing to be said of them.")
        output.console.print("Nothing was made: --dry-run.")


# --- What they do ----------------------------------------------------------------------------------------------------


def _stages(opened: Opened) -> Stages:
    return Stages(opened.stores.stages, [*opened.publishers.values()], load_stages)


async def _progress(organisatie: str, omgeving: str | None) -> tuple[StageProgress, ...]:
    async with opened_desk() as opened:
        return await _stages(opened).progress(_publisher(opened, organisatie, omgeving))


async def _confirm(
    organisatie: str, omgeving: str | None, stage: str, documenttypen: Sequence[Documenttype], note: str
) -> Sequence[Documenttype]:
    async with opened_desk() as opened:
        publisher = _publisher(opened, organisatie, omgeving)
        return await _stages(opened).confirm(publisher, stage, documenttypen, who(), note)


async def _deliver(
    organisatie: str, omgeving: str | None, types: Sequence[Documenttype], number: int, *, dry_run: bool
) -> tuple[Sequence[Made], Sequence[StoredKennisgeving]]:
    async with opened_desk() as opened:
        publisher = _publisher(opened, organisatie, omgeving)
        stage = trial_stage(publisher, opened.publishers.values(), load_stages)
        wanted = types or await _wanted(opened, publisher, stage)
        made = await made_up(opened.desk, publisher, stage, wanted, number)
        return made, [] if dry_run else await deliver(opened.desk, publisher, made, who())


async def _wanted(opened: Opened, publisher: Aansluiting, stage: Stage) -> list[Documenttype]:
    found = await _stages(opened).progress(publisher)
    return [wanted.documenttype for each in found if each.stage.name == stage.name for wanted in each.wanted]


def _publisher(opened: Opened, organisatie: str, omgeving: str | None) -> Aansluiting:
    """An aansluiting of the organisatie, rather in `pre`; whether in the sandbox must be said when there are both."""
    found = [
        each
        for each in opened.publishers.values()
        if each.organisatie_oin == organisatie and omgeving in {None, each.omgeving}
    ]
    if len({is_sandbox(each.omgeving) for each in found}) != 1:
        raise ConfigError(
            f"{len(found)} aansluitingen of kind drop of organisatie {organisatie} that could be meant",
            advice="Leg de aansluiting vast, of kies met --omgeving.",
        )
    return min(found, key=lambda each: plays(each.omgeving))


def _documenttype(name: str) -> Documenttype:
    if name not in DOCUMENTTYPEN:
        raise ConfigError(f"there is no documenttype {name}", advice=f"Kies een van {', '.join(DOCUMENTTYPEN)}.")
    return DOCUMENTTYPEN[name]


def _row(each: StageProgress) -> Row:
    count = len(each.wanted)
    return Row(
        order=each.stage.order,
        name=each.stage.name,
        used=each.used,
        delivered=f"{sum(bool(one.deliveries) for one in each.wanted)} of {count}",
        good=f"{sum(one.done for one in each.wanted)} of {count}",
        done=each.done,
        turn=each.turn,
        next=each.next,
    )


def _as_values(each: StageProgress) -> dict[str, object]:
    return {
        "stage": {name: value for name, value in asdict(each.stage).items() if name != "wanted"},
        "used": each.used,
        "done": each.done,
        "turn": each.turn,
        "next": each.next,
        "wanted": [_wanted_values(one) for one in each.wanted],
        "findings": each.findings,
    }


def _wanted_values(one: Wanted) -> dict[str, object]:
    return {**asdict(one), "documenttype": one.documenttype.name.lower(), "done": one.done}


def _made_row(made: Made, row: StoredKennisgeving | None) -> MadeRow:
    notice = made.kennisgeving
    state = row.state if row else "made up"
    return MadeRow(notice.documenttype.name.lower(), notice.referentienummer, row.id if row else None, state)
