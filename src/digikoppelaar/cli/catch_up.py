"""`digikoppelaar verzoek catch-up|report`: what DSO-LV has and we do not."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Annotated, Final

import typer

from digikoppelaar import searching, wiring
from digikoppelaar.adapters.system import SystemClock
from digikoppelaar.cli import output
from digikoppelaar.cli.context import Json, OnlyOmgeving, OnlyOrganisatie, configuration
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows import catch_up_report
from digikoppelaar.flows.catch_up import Progress, Searched, no_progress, searchable
from digikoppelaar.flows.ports import Aansluiting
from digikoppelaar.flows.ports.catch_up import DayReport
from digikoppelaar.opening import open_keyring, open_sessions
from digikoppelaar.stam.times import read_moment
from digikoppelaar.wiring import Stores

_FIRST_DAY: Final = date(2000, 1, 1)


def catch_up(
    omgeving: OnlyOmgeving = None,
    organisatie: OnlyOrganisatie = None,
    since: Annotated[
        str | None, typer.Option(help="From this date or moment (ISO 8601, Dutch time) and not the last search.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what is missing; fetch and store nothing.")] = False,
    json: Json = False,
) -> None:
    """Search DSO-LV for verzoeken whose notification never came, and let the gateway fetch them.

    Each search starts at the last complete one. Exit status 1 when a search was not complete.
    """
    begins = _moment(since)
    with _progress(shown=not json) as progress:
        told = asyncio.run(_catch_up(omgeving, organisatie, begins, progress, dry_run=dry_run))
    if json:
        output.print_json(told)
    else:
        for searched in told:
            _tell(searched)
    if any(searched.problem for searched in told):
        raise typer.Exit(1)


def report(
    day: Annotated[str | None, typer.Option(help="Which day, as 2026-06-02; yesterday when not said.")] = None,
    omgeving: OnlyOmgeving = None,
    organisatie: OnlyOrganisatie = None,
    again: Annotated[bool, typer.Option("--again", help="As it stands now, not as it was kept.")] = False,
    json: Json = False,
) -> None:
    """Show what DSO-LV had of a day, what came in here and what was delivered, for each aansluiting.

    The gateway keeps this report when the day is over. Exit status 1 when something is missing.
    """
    reports = asyncio.run(_report(_day(day), omgeving, organisatie, again=again))
    if json:
        output.print_json(reports)
    elif not reports:
        output.console.print("No aansluiting over which verzoeken can be searched.")
    else:
        for each in reports:
            _show(each)
    if any(each.problem for each in reports):
        raise typer.Exit(1)


async def _catch_up(
    omgeving: str | None, organisatie: str | None, since: datetime | None, progress: Progress, *, dry_run: bool
) -> list[Searched]:
    config = configuration()
    async with wiring.open_stores(config) as stores:
        chosen = await _chosen(stores, omgeving, organisatie)
        async with open_sessions(config, await open_keyring(config, stores)) as sessions:
            flow = searching.catch_up(config, stores, sessions, progress)
            return [await flow.by_hand(each, since, dry_run=dry_run) for each in chosen]


async def _report(day: date, omgeving: str | None, organisatie: str | None, *, again: bool) -> Sequence[DayReport]:
    async with wiring.open_stores(configuration()) as stores:
        chosen = await _chosen(stores, omgeving, organisatie)
        return await catch_up_report.asked_for(stores.catch_up, chosen, day, SystemClock().now(), again=again)


async def _chosen(stores: Stores, omgeving: str | None, organisatie: str | None) -> list[Aansluiting]:
    """The aansluitingen that were meant. Raises ConfigError when somebody asked for one that is not there."""
    found = [
        each
        for each in searchable(await stores.registry.aansluitingen())
        if omgeving in {None, each.omgeving} and organisatie in {None, each.organisatie_oin}
    ]
    if not found and (omgeving or organisatie):
        raise ConfigError(
            "there is no such aansluiting of kind stam with dso settings",
            advice="Kies een organisatie en omgeving uit de registratie.",
        )
    return found


def _moment(text: str | None) -> datetime | None:
    moment = read_moment(text)
    if text is not None and moment is None:
        raise ConfigError(f"--since {text!r} is no date or moment", advice="Schrijf bijvoorbeeld 2026-06-02T09:00.")
    return moment


def _day(text: str | None) -> date:
    today = catch_up_report.dutch_day(SystemClock().now())
    if text is None:
        return today - timedelta(days=1)
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"--day {text!r} is no date", advice="Schrijf bijvoorbeeld 2026-06-02.") from error
    if day > today:
        raise ConfigError(f"--day {text} is still to come", advice="Kies vandaag of een eerdere dag.")
    if day < _FIRST_DAY:
        raise ConfigError(f"--day {text} is before there was a DSO-LV", advice="Kies een latere dag.")
    return day


@contextmanager
def _progress(*, shown: bool) -> Iterator[Progress]:
    """A line that tells how far it is, for who looks at a terminal."""
    if not (shown and output.errors.is_terminal):
        yield no_progress
        return
    with output.errors.status("asking DSO-LV") as status:

        def tell(aansluiting: Aansluiting, seen: int, own: int) -> None:
            where = f"{aansluiting.organisatie_oin} in {aansluiting.omgeving}"
            status.update(f"{where}: DSO-LV named {seen} verzoeken, {own} for this organisatie")

        yield tell


def _tell(searched: Searched) -> None:
    where = f"{searched.organisatie_oin} in {searched.omgeving}"
    if searched.since:
        period = f"{output.cell(searched.since)} to {output.cell(searched.until)}"
        counts = f"{searched.seen} verzoeken at DSO-LV, {searched.ours} of these for us, {len(searched.missed)} missed"
        output.console.print(f"{where}: searched {period}; {counts}.", markup=False)
    for each in searched.missed:
        version = "" if each.volgnummer is None else f" volgnummer {each.volgnummer}"
        what = "would be fetched" if searched.dry_run else "will be fetched"
        output.console.print(f"  {each.verzoeknummer}{version} ({each.doel}): {what}", markup=False)
    _problem(where, searched.problem, searched.advice)


def _show(report: DayReport) -> None:
    figures = report.figures
    output.print_fields(
        {
            "organisatie": f"{report.organisatie_naam} ({report.organisatie_oin})",
            "omgeving": report.omgeving,
            "day": report.day,
            "found at DSO-LV": figures.found,
            "notifications received": figures.received,
            "missed and caught up": figures.caught_up,
            "delivered": figures.delivered,
            "not here": figures.not_here,
            "not delivered": figures.not_delivered,
            "searched until": figures.searched_until,
        }
    )
    _problem("problem", report.problem, report.advice)
    output.console.print()


def _problem(where: str, problem: str | None, advice: str | None) -> None:
    if problem:
        output.console.print(f"{where}: {problem}", markup=False, style="red")
        output.console.print(f"wat te doen: {advice}", markup=False)
