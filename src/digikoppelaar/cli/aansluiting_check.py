"""`digikoppelaar aansluiting check`: run the checks of onboarding, of one organisatie or of all."""

import asyncio
from dataclasses import dataclass
from typing import Annotated

import typer

from digikoppelaar.cli import output
from digikoppelaar.cli.aansluiting import OnlyKind, known_omgeving, show_finding
from digikoppelaar.cli.context import Json, OnlyOmgeving, configuration
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows import onboarding_report as report
from digikoppelaar.flows.onboarding_status import Status, StatusFilter
from digikoppelaar.measuring.runs import Run, opened
from digikoppelaar.onboarding.model import Severity
from digikoppelaar.wiring import open_stores


@dataclass(frozen=True, slots=True)
class Checked:
    """What the checks found of a subject: its steps that have any."""

    row: report.Row
    wrong: bool
    steps: tuple[report.StepRow, ...]


def check(
    organisatie: Annotated[str, typer.Option(help="The OIN of the organisatie.", metavar="OIN")] = "",
    everyone: Annotated[bool, typer.Option("--all", help="Every organisatie.")] = False,
    omgeving: OnlyOmgeving = None,
    kind: OnlyKind = None,
    json: Json = False,
) -> None:
    """Check OIN, machtiging, certificate, CPA, endpoint, firewall, API key, mandate, clock and stages.

    What is found is put on record: a step gets done, or wrong. Each finding says why it matters, what to do and who
    must. No message is sent and no traffic stops. Exit status 1 when something is wrong; what is only not there yet
    leaves it 0.
    """
    if bool(organisatie) == everyone:
        raise ConfigError(
            "choose --organisatie or --all", advice="Geef het OIN van een organisatie met --organisatie, of kies --all."
        )
    wanted = StatusFilter(omgeving and known_omgeving(omgeving), kind, oin=organisatie or None)
    found = asyncio.run(_checked(wanted, tell=not json))
    if json:
        output.print_json(found)
    if any(each.wrong for each in found):
        raise typer.Exit(1)


async def _checked(wanted: StatusFilter, *, tell: bool) -> list[Checked]:
    config, found = configuration(), []
    async with open_stores(config) as stores, opened(config, stores) as measuring:
        run = Run(measuring.parts)
        subjects = [each.subject for each in await run.flow.statuses(wanted)]
        if wanted.oin and not subjects:
            raise ConfigError(f"nothing to check of {wanted.oin}", advice="Zie `digikoppelaar aansluiting list`.")
        with output.errors.status("") as progress:  # seen on a terminal only
            async for status in run.over(subjects):
                found.append(_row(status))
                progress.update(f"{len(found)} of {len(subjects)}")
                if tell:
                    _tell(found[-1])
    return found


def _row(status: Status) -> Checked:
    page = report.page(status)
    steps = tuple(each for each in (*page.preparation, *page.steps) if each.checks)
    wrong = any(finding["severity"] == Severity.WRONG for each in steps for finding in each.findings)
    return Checked(page.row, wrong, steps)


def _tell(checked: Checked) -> None:
    row = checked.row
    output.console.print("wrong " if checked.wrong else "good  ", style="red" if checked.wrong else "green", end="")
    output.console.print(f"{row.kind} {row.omgeving} {row.organisatie_naam} ({row.organisatie_oin})", markup=False)
    for step in checked.steps:
        findings = [each for each in step.findings if each["severity"] != Severity.GOOD]
        if findings:
            output.console.print(f"  {step.step} {step.title}: {step.state}", markup=False)
        for finding in findings:
            show_finding(finding)
