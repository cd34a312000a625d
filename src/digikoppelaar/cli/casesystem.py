"""`digikoppelaar casesystem`: where verzoeken go, and trying that with a verzoek that is made up."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated

import typer

from digikoppelaar import wiring
from digikoppelaar.adapters.casesystems import kinds
from digikoppelaar.adapters.casesystems.http import CaseSystemHttp
from digikoppelaar.adapters.memory.blobs import MemoryBlobs
from digikoppelaar.adapters.system import RandomIds, SystemClock
from digikoppelaar.cli import output
from digikoppelaar.cli.context import (
    Json,
    OnlyOmgeving,
    OnlyOrganisatie,
    WhichOmgeving,
    WhichOrganisatie,
    can_answer,
    configuration,
)
from digikoppelaar.errors import ConfigError, DigikoppelaarError
from digikoppelaar.flows import tryout
from digikoppelaar.flows.linking import Asked, aansluiting_for
from digikoppelaar.flows.ports import Aansluiting, PlannedStep
from digikoppelaar.flows.targets import Target, targets_of
from digikoppelaar.opening import open_proxies

app = typer.Typer(no_args_is_help=True, help="Case systems: where verzoeken go, and trying that.")


@dataclass(frozen=True, slots=True)
class Row:
    """A target of an aansluiting; `number` is its place among them, and `problem` why it could not be used."""

    omgeving: str
    organisatie_oin: str
    number: int
    name: str
    kind: str
    when: Mapping[str, str]
    problem: str


@dataclass(frozen=True, slots=True)
class Trial:
    """What was tried, for --json. `error` and `advice` are empty when it was delivered."""

    omgeving: str
    organisatie_oin: str
    target: str
    kind: str
    verzoeknummer: str
    delivered: bool = False
    reference: str = ""
    planned: Sequence[PlannedStep] = ()
    steps: list[tryout.TriedStep] = field(default_factory=list)
    error: str = ""
    advice: str = ""


COLUMNS = {
    "omgeving": "omgeving",
    "organisatie": "organisatie_oin",
    "nr": "number",
    "name": "name",
    "kind": "kind",
    "when": "when",
    "problem": "problem",
}


@app.command("list")
def list_case_systems(organisatie: OnlyOrganisatie = None, omgeving: OnlyOmgeving = None, json: Json = False) -> None:
    """List the targets of every aansluiting in their order, with their conditions and what is wrong with them."""
    rows = asyncio.run(_rows(organisatie, omgeving))
    if json:
        output.print_json(rows)
    else:
        output.print_table(COLUMNS, rows, "No case systems.")


@app.command("test")
def try_case_system(
    organisatie: WhichOrganisatie = None,
    omgeving: WhichOmgeving = None,
    target: Annotated[str, typer.Option(help="Its name or number in `casesystem list`, when there are more.")] = "",
    verzoeknummer: Annotated[
        str, typer.Option(help="Send this earlier test again: it must not make another case.")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and send nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether it is meant; only prod asks.")] = False,
    json: Json = False,
) -> None:
    """Send a made-up verzoek, marked TEST, to a case system, and tell each step. Nothing of it is put on record."""
    if verzoeknummer:
        tryout.made_at(verzoeknummer)  # before anything else, for it may be that of a real verzoek
    asked = Asked(verzoeknummer, "", target, organisatie or "", omgeving or "")
    trial = asyncio.run(_try(asked, dry_run=dry_run, ask=not yes, show=not json))
    if json:
        output.print_json(trial)
    if trial.error and json:
        raise typer.Exit(1)


async def _try(asked: Asked, *, dry_run: bool, ask: bool, show: bool) -> Trial:
    """What was tried. An error of the case system is raised, but for --json, which tells it with the steps before."""
    async with _chosen(asked) as (aansluiting, target, http):
        clock, blobs = SystemClock(), MemoryBlobs()
        number = asked.verzoeknummer or tryout.new_verzoeknummer(clock.now(), RandomIds().unique())
        trial = Trial(aansluiting.omgeving, aansluiting.organisatie_oin, target.name, target.kind, number)
        try:
            system = kinds.make(aansluiting, target, kinds.Facilities(http, clock))
            handover = await tryout.made_up(aansluiting, target, number, blobs)
            trial = replace(trial, planned=await tryout.preview(system, handover))
            if show:
                _print_planned(trial, dry_run=dry_run)
            if dry_run:
                return trial
            if ask and aansluiting.omgeving == "prod":
                _confirm(target.name, show=show)
            if show:
                output.console.print("Sending:")
            tell = partial(_told, trial.steps, show=show)
            reference = await tryout.try_out(system, handover, blobs, clock, tell)
        except DigikoppelaarError as error:
            if show:
                raise
            return replace(trial, error=str(error), advice=error.advice)
    if show:
        output.console.print(f"Delivered: {reference}. It may be removed there.", markup=False)
    return replace(trial, delivered=True, reference=reference)


@asynccontextmanager
async def _chosen(asked: Asked) -> AsyncIterator[tuple[Aansluiting, Target, CaseSystemHttp]]:
    """What was asked for, and connections to reach it. The database is closed by then: nothing goes on record."""
    config = configuration()
    async with wiring.open_stores(config) as stores:
        aansluiting = aansluiting_for(asked, await stores.registry.aansluitingen())
    target = chosen_target(targets_of(aansluiting.case_system), asked.target)
    async with CaseSystemHttp(open_proxies(config)) as http:
        yield aansluiting, target, http


def chosen_target(targets: Sequence[Target], wanted: str) -> Target:
    """The target with this number or name, the first of that name, or the only one. Raises ConfigError."""
    if wanted.isdecimal() and 0 < int(wanted) <= len(targets):
        return targets[int(wanted) - 1]
    named = [each for each in targets if wanted in ("", each.name)]
    if not named or (not wanted and len(named) > 1):
        known = ", ".join(f"{number} ({each.name})" for number, each in enumerate(targets, start=1))
        what = f"there is no target {wanted}" if wanted else "there are more targets"
        raise ConfigError(f"{what}; there is {known or 'none'}", advice="Kies een bestemming met --target.")
    return named[0]


def _print_planned(trial: Trial, *, dry_run: bool) -> None:
    output.console.print(
        f"Test verzoek {trial.verzoeknummer} for target {trial.target} ({trial.kind}) of {trial.omgeving}/"
        f"{trial.organisatie_oin}:",
        markup=False,
    )
    for each in trial.planned:
        done = " (was done before)" if each.done else ""
        output.console.print(f"  {each.name}: {each.what}{done}", markup=False)
    if dry_run:
        output.console.print("Nothing was sent: --dry-run.")


def _confirm(name: str, *, show: bool) -> None:
    """In prod people work with what comes in. Raises Abort, or ConfigError when there is nobody to ask."""
    can_answer(json=not show)
    typer.confirm(f"This is prod: {name} gets a case that stays until somebody removes it there. Send it?", abort=True)


def _told(steps: list[tryout.TriedStep], step: tryout.TriedStep, *, show: bool) -> None:
    steps.append(step)
    if show:
        output.console.print(f"  {step.seconds:7.2f} s  {step.name}", markup=False)


async def _rows(organisatie: str | None, omgeving: str | None) -> list[Row]:
    async with wiring.open_stores(configuration()) as stores:
        found = await stores.registry.aansluitingen()
    wanted = [
        each for each in found if organisatie in (None, each.organisatie_oin) and omgeving in (None, each.omgeving)
    ]
    return [
        Row(each.omgeving, each.organisatie_oin, number, target.name, target.kind, target.when, _problem(each, target))
        for each in wanted
        for number, target in enumerate(targets_of(each.case_system), start=1)
    ]


def _problem(aansluiting: Aansluiting, target: Target) -> str:
    try:
        kinds.make(aansluiting, target, kinds.Facilities(CaseSystemHttp(), SystemClock()))
    except ConfigError as error:
        return str(error)
    return ""
