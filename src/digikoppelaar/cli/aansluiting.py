"""`digikoppelaar aansluiting`: how far the onboarding of each organisatie is, and what people say of its steps."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypeVar

import typer

from digikoppelaar import wiring
from digikoppelaar.adapters.system import SystemClock, os_user
from digikoppelaar.cli import output
from digikoppelaar.cli.context import DryRun, Json, OnlyOmgeving, Yes, can_answer, configuration
from digikoppelaar.errors import ConfigError
from digikoppelaar.flows import onboarding_report as report
from digikoppelaar.flows.onboarding import Onboarding
from digikoppelaar.flows.onboarding_status import Status, StatusFilter
from digikoppelaar.flows.ports import OMGEVINGEN
from digikoppelaar.flows.registration import BESTUURSLAGEN
from digikoppelaar.onboarding.model import Kind, Subject
from digikoppelaar.onboarding.progress import Told

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, help="Onboarding: which steps are done, whose turn it is, and what is next.")

Oin = Annotated[str, typer.Argument(help="The OIN of the organisatie.", metavar="OIN")]
Number = Annotated[str, typer.Argument(help="The step, such as 3.1.", metavar="STEP")]
OnlyBestuurslaag = Annotated[str | None, typer.Option("--bestuurslaag", help="Only this bestuurslaag.")]
OfKind = Annotated[Kind, typer.Option("--kind", help="STAM or DROP.")]
OnlyKind = Annotated[Kind | None, typer.Option("--kind", help="Only this kind.")]
There = Annotated[str, typer.Option("--omgeving", help="The omgeving.")]
Remark = Annotated[str, typer.Option("--remark", help="What is to be kept with it: who answered, when, a reference.")]
By = Annotated[str, typer.Option("--by", help="Who says so, when that is not the account that runs this.")]

LIST_COLUMNS = {
    "omgeving": "omgeving",
    "kind": "kind",
    "organisatie": "organisatie_naam",
    "oin": "organisatie_oin",
    "done": "how_far",
    "state": "state",
    "turn": "turn",
    "next": "next_action",
}
LOG_COLUMNS = {"at": "at", "step": "step", "event": "event", "state": "state", "by": "by", "detail": "detail"}


@dataclass(frozen=True, slots=True)
class LogRow:
    """One line of the log of a subject; `by` is empty for the program."""

    at: datetime
    step: str
    event: str
    state: str
    by: str
    detail: str


@app.callback()
def group() -> None:
    """Onboarding: which steps are done, whose turn it is, and what is next."""


@app.command("list")
def list_rows(
    omgeving: OnlyOmgeving = None,
    kind: OnlyKind = None,
    bestuurslaag: OnlyBestuurslaag = None,
    open_only: Annotated[bool, typer.Option("--open", help="Only what is not complete.")] = False,
    json: Json = False,
) -> None:
    """List every organisatie: how far it is, whose turn it is, and the one next action."""
    wanted = StatusFilter(omgeving and known_omgeving(omgeving), kind, known_bestuurslaag(bestuurslaag), open=open_only)
    rows = [report.row(each) for each in _with(lambda flow: flow.statuses(wanted))]
    if json:
        output.print_json(rows)
    else:
        output.print_table(LIST_COLUMNS, rows, "Nothing: there is no such organisatie on record.")


@app.command()
def show(oin: Oin, omgeving: OnlyOmgeving = None, kind: OnlyKind = None, json: Json = False) -> None:
    """Show every step of an organisatie: what to do, who must, what was found, and what proves it."""
    wanted = StatusFilter(omgeving and known_omgeving(omgeving), kind, oin=oin)
    pages = [report.page(each) for each in _with(lambda flow: flow.statuses(wanted))]
    if not pages:
        raise ConfigError(f"nothing to show of {oin}", advice="Zoek het OIN op met `digikoppelaar aansluiting list`.")
    if json:
        output.print_json(pages)
        return
    for page in pages:
        _show(page)


@app.command()
def look(
    oin: Annotated[str, typer.Argument(help="Only this organisatie.", metavar="OIN", show_default=False)] = "",
    json: Json = False,
) -> None:
    """Look in the traffic for what makes steps done. The gateway does this by itself, every minute."""

    async def moved(flow: Onboarding) -> Sequence[Status]:
        subjects = await flow.look(_program(), oin or None)
        return [await flow.status(each) for each in subjects]

    rows = [report.row(each) for each in _with(moved)]
    if json:
        output.print_json(rows)
    else:
        output.print_table(LIST_COLUMNS, rows, "Nothing new was seen.")


@app.command()
def change(
    oin: Oin,
    omgeving: There,
    kind: OfKind = Kind.STAM,
    remark: Remark = "",
    by: By = "",
    yes: Yes = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Put on record that the connection is another: PRE opens again from the CPA on, and PROD waits for it.

    Traffic goes on as it is.
    """
    subject = subject_of(oin, kind, omgeving)
    opened = _with(lambda flow: flow.to_change(subject))
    if not dry_run and not yes:
        can_answer(json=json)
        steps = "; ".join(f"{each.omgeving}: {', '.join(numbers)}" for each, numbers in opened.items())
        typer.confirm(f"Open these steps again? {steps}", abort=True)
    if not dry_run:
        opened = _with(lambda flow: flow.changed(subject, told_by(by, remark)))
    steps_by_omgeving = {each.omgeving: numbers for each, numbers in opened.items()}
    if json:
        output.print_json({"changed": not dry_run, "opened": steps_by_omgeving})
    else:
        output.print_fields(steps_by_omgeving)
        output.console.print("Nothing changed: --dry-run." if dry_run else "Open again.")


@app.command("log")
def show_log(
    oin: Oin,
    omgeving: There,
    kind: OfKind = Kind.STAM,
    step: Annotated[str | None, typer.Option("--step", help="Only this step.")] = None,
    json: Json = False,
) -> None:
    """Show what happened to the steps of an organisatie: when, what, and who said so."""
    lines = _with(lambda flow: flow.log(subject_of(oin, kind, omgeving)))
    rows = [
        LogRow(line.at, line.number, line.event, line.state, line.by or "", line.detail)
        for line in lines
        if step in (None, line.number)
    ]
    if json:
        output.print_json(rows)
    else:
        output.print_table(LOG_COLUMNS, rows, "Nothing happened yet.")


# --- what they share -------------------------------------------------------------------------------------------------


def _with(use: Callable[[Onboarding], Awaitable[T]]) -> T:
    async def opened() -> T:
        async with wiring.open_stores(configuration()) as stores:
            return await use(wiring.onboarding(stores))

    return asyncio.run(opened())


def subject_of(oin: str, kind: Kind, omgeving: str) -> Subject:
    """Whose steps are meant. Raises ConfigError for an omgeving that is not there."""
    return Subject(oin, kind, known_omgeving(omgeving))


def known_omgeving(omgeving: str) -> str:
    """The omgeving itself. Raises ConfigError for one that is not there."""
    if omgeving not in OMGEVINGEN:
        raise ConfigError(f"unknown omgeving {omgeving}", advice=f"Kies een van {', '.join(OMGEVINGEN)}.")
    return omgeving


def known_bestuurslaag(bestuurslaag: str | None) -> str | None:
    """The same, when it is one or none was asked for. Raises ConfigError."""
    if bestuurslaag not in (None, *BESTUURSLAGEN):
        raise ConfigError(f"unknown bestuurslaag {bestuurslaag}", advice=f"Kies een van {', '.join(BESTUURSLAGEN)}.")
    return bestuurslaag


def told_by(by: str, remark: str = "") -> Told:
    """What somebody says now: the account that runs this, for whoever he names."""
    return Told(SystemClock().now(), f"{by} ({os_user()})" if by else os_user(), remark)


def _program() -> Told:
    return Told(SystemClock().now())


def _show(page: report.Page) -> None:
    row = page.row
    output.print_fields(
        {
            "organisatie": f"{row.organisatie_naam} ({row.organisatie_oin}), {row.bestuurslaag}",
            "kind": f"{row.kind} in {row.omgeving}",
            "partij": page.partij_oin,
            "alone": page.alone,
            "done": row.how_far,
            "turn": row.turn,
            "next": row.next_action,
        }
    )
    for step in (*page.preparation, *page.steps):
        _show_step(step)
    output.console.print()


def _show_step(step: report.StepRow) -> None:
    shared = ", once for all of this partij" if step.shared else ""
    output.console.print(f"\n{step.step:<4} {step.title}: {step.state} ({step.turn}{shared})", markup=False)
    if not step.done:
        output.console.print(_indented(step.text), markup=False)
    if step.held_up_by:
        output.console.print(f"     eerst: {', '.join(step.held_up_by)}", markup=False)
    for finding in step.findings:
        show_finding(finding)
    for file in step.evidence:
        output.console.print(f"     bewijs: {file}", markup=False)


def show_finding(finding: Mapping[str, object]) -> None:
    """One finding with why it matters, what to do and who must."""
    who = f" [{finding['who']}]" if finding["who"] else ""
    says = " ".join(str(finding[name]) for name in ("says", "why", "advice") if finding[name])
    output.console.print(f"     {finding['severity']}: {says}{who}", markup=False)


def _indented(text: str) -> str:
    return "\n".join(f"     {line}" for line in text.splitlines())
